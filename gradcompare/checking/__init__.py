"""A file checked: its program in a process of its own, watched, judged on random networks, placed and explained."""
