"""What the network by hand is worth beside the engines that people would use instead, and a verdict beside other rules;
README.md has the figures.

`python -m benchmarks.gradients`, `.training`, `.memory`, `.checking`, `.accuracy`, `.verdicts`, `.limits`,
`.false_alarms`, `.bounds`; each with `--help`. `.quotes` puts figures into the READMEs.
"""
