"""Wrong: W2 is updated before dA1 reads it."""

import numpy as np


def predict(X, W1, b1, W2, b2):
    A1 = np.tanh(X @ W1 + b1)
    return 1 / (1 + np.exp(-(A1 @ W2 + b2)))


def loss(Y, P):
    return np.mean(-Y * np.log(P) - (1 - Y) * np.log(1 - P))


def train_step(X, Y, W1, b1, W2, b2, learning_rate=0.1):
    A1 = np.tanh(X @ W1 + b1)
    P = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
    dZ2 = (P - Y) / Y.size
    W2 = W2 - learning_rate * (A1.T @ dZ2)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1 * A1)
    b2 = b2 - learning_rate * dZ2.sum(axis=0)
    W1 = W1 - learning_rate * (X.T @ dZ1)
    b1 = b1 - learning_rate * dZ1.sum(axis=0)
    return W1, b1, W2, b2
