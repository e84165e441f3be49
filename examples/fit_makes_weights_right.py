"""Right: the constructor makes no weights; fit does, from the shapes of its data, and updates them."""

import numpy as np


class Classifier:
    def __init__(self, n_hidden=8, learning_rate=0.1, n_iter=100):
        self.n_hidden = n_hidden
        self.learning_rate = learning_rate
        self.n_iter = n_iter

    def _sigmoid(self, z):
        return 1 / (1 + np.exp(-z))

    def _forward(self, X):
        self.hidden_ = self._sigmoid(X @ self.w_hidden_ + self.b_hidden_)
        return self._sigmoid(self.hidden_ @ self.w_out_ + self.b_out_)

    def fit(self, X, y):
        self.w_hidden_ = np.random.normal(size=(X.shape[1], self.n_hidden))
        self.b_hidden_ = np.zeros(self.n_hidden)
        self.w_out_ = np.random.normal(size=(self.n_hidden, y.shape[1]))
        self.b_out_ = np.zeros(y.shape[1])
        for _ in range(self.n_iter):
            out = self._forward(X)
            delta_out = (out - y) / len(X)
            delta_hidden = delta_out @ self.w_out_.T * self.hidden_ * (1 - self.hidden_)
            self.w_out_ -= self.learning_rate * self.hidden_.T @ delta_out
            self.b_out_ -= self.learning_rate * delta_out.sum(axis=0)
            self.w_hidden_ -= self.learning_rate * X.T @ delta_hidden
            self.b_hidden_ -= self.learning_rate * delta_hidden.sum(axis=0)
        return self

    def predict(self, X):
        return (self._forward(X) > 0.5).astype(int)
