"""What the network by hand is worth beside the engines that people would use instead; README.md has the figures.

`python -m benchmarks.gradients`, `.training`, `.memory`, `.checking`, `.accuracy`; each with `--help`.
"""
