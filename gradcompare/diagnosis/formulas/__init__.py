"""The formulas of the known mistakes: edits of a step's right formula, each with the words that its row needs."""
