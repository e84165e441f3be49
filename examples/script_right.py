"""Right: a net that reads a word letter by letter; the file trains it when it is run, and says how by nothing else."""

import numpy as np


class Reader:
    def __init__(self, letters, size):
        self.into = 0.5 * np.random.randn(size, letters)
        self.on = 0.5 * np.random.randn(size, size)
        self.out = 0.5 * np.random.randn(letters, size)

    def study(self, word):
        memory, guesses, loss = {-1: np.zeros(len(self.on))}, {}, 0.0
        for t, letter in enumerate(word[:-1]):
            memory[t] = np.tanh(self.into[:, letter] + self.on @ memory[t - 1])
            grown = np.exp(self.out @ memory[t])
            guesses[t] = grown / grown.sum()
            loss -= np.log(guesses[t][word[t + 1]])
        d_into, d_on, d_out = np.zeros_like(self.into), np.zeros_like(self.on), np.zeros_like(self.out)
        from_later = np.zeros(len(self.on))
        for t in reversed(range(len(word) - 1)):
            d_scores = guesses[t].copy()
            d_scores[word[t + 1]] -= 1
            d_out += np.outer(d_scores, memory[t])
            d_memory = self.out.T @ d_scores + from_later
            d_before = d_memory * (1 - memory[t] ** 2)
            d_into[:, word[t]] += d_before
            d_on += np.outer(d_before, memory[t - 1])
            from_later = self.on.T @ d_before
        self.into -= 0.1 * d_into
        self.on -= 0.1 * d_on
        self.out -= 0.1 * d_out
        return loss


text = "abcab"
numbers = [ord(letter) - ord("a") for letter in text]
reader = Reader(3, 4)
for turn in range(500):
    loss = reader.study(numbers)
