"""Scaled: the 2 of the squared error is missing from every gradient."""

import numpy as np


class NeuralNet:
    def __init__(self, n_in, n_hidden, n_out, lr=0.1):
        self.lr = lr
        self.W1 = np.random.randn(n_in, n_hidden) * 0.1
        self.b1 = np.zeros((1, n_hidden))
        self.W2 = np.random.randn(n_hidden, n_out) * 0.1
        self.b2 = np.zeros((1, n_out))

    def forward(self, X):
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.tanh(self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        self.out = self.z2
        return self.out

    def loss(self, y_hat, y):
        return np.mean((y_hat - y) ** 2)

    def backward(self, X, y):
        d_out = (self.out - y) / y.size
        self.dW2 = self.a1.T @ d_out
        self.db2 = d_out.sum(axis=0, keepdims=True)
        d_a1 = d_out @ self.W2.T
        d_z1 = d_a1 * (1 - self.a1**2)
        self.dW1 = X.T @ d_z1
        self.db1 = d_z1.sum(axis=0, keepdims=True)

    def step(self):
        self.W1 -= self.lr * self.dW1
        self.b1 -= self.lr * self.db1
        self.W2 -= self.lr * self.dW2
        self.b2 -= self.lr * self.db2
