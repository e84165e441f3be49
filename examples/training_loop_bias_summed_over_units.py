"""Wrong: the whole training in one function, in whose loop the bias's gradient is summed over units as well."""

import numpy as np


def train(X, Y, n_hidden, learning_rate=0.1, epochs=500):
    m = X.shape[1]
    W1 = np.random.randn(n_hidden, X.shape[0]) * 0.01
    b1 = np.zeros((n_hidden, 1))
    W2 = np.random.randn(Y.shape[0], n_hidden) * 0.01
    b2 = np.zeros((Y.shape[0], 1))
    costs = []
    for epoch in range(epochs):
        A1 = np.tanh(W1 @ X + b1)
        Z2 = W2 @ A1 + b2
        A2 = np.exp(Z2) / np.exp(Z2).sum(axis=0)
        cost = -np.sum(Y * np.log(A2)) / m
        dZ2 = A2 - Y
        dW2 = dZ2 @ A1.T / m
        db2 = np.sum(dZ2, axis=1, keepdims=True) / m
        dZ1 = W2.T @ dZ2 * (1 - A1**2)
        dW1 = dZ1 @ X.T / m
        db1 = np.sum(dZ1) / m
        W1 = W1 - learning_rate * dW1
        b1 = b1 - learning_rate * db1
        W2 = W2 - learning_rate * dW2
        b2 = b2 - learning_rate * db2
        costs.append(cost)
    return W1, b1, W2, b2, costs
