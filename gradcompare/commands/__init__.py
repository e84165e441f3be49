"""The command line's commands: their arguments, what each does, and what they print and write."""
