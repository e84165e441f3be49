"""Scaled: the error has the wrong sign for an update that subtracts, and so has every gradient."""

import numpy as np


class Ascent:
    def __init__(self, n_in, n_hidden, n_out):
        self.W = np.random.randn(n_in, n_hidden) * 0.3
        self.b = np.zeros(n_hidden)
        self.V = np.random.randn(n_hidden, n_out) * 0.3
        self.c = np.zeros(n_out)

    def forward(self, X):
        H = 1 / (1 + np.exp(-(X @ self.W + self.b)))
        return H @ self.V + self.c, H

    def squared_error(self, out, T):
        return np.sum((T - out) ** 2) / (2 * len(T))

    def derivatives(self, X, T):
        out, H = self.forward(X)
        error = (T - out) / len(T)
        dV = H.T @ error
        dc = error.sum(axis=0)
        dH = error @ self.V.T * H * (1 - H)
        dW = X.T @ dH
        db = dH.sum(axis=0)
        return dW, db, dV, dc

    def fit(self, X, T, learning_rate=0.1, epochs=100):
        for _ in range(epochs):
            dW, db, dV, dc = self.derivatives(X, T)
            self.W -= learning_rate * dW
            self.b -= learning_rate * db
            self.V -= learning_rate * dV
            self.c -= learning_rate * dc
