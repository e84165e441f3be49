"""Wrong: the leaky ReLU has slope 0.01, its derivative 0.1."""

import numpy as np

W1 = np.random.randn(4, 3)
b1 = np.zeros((4, 1))
W2 = np.random.randn(2, 4)
b2 = np.zeros((2, 1))
m = 100


def forward(X):
    Z1 = W1 @ X + b1
    A1 = np.maximum(0.01 * Z1, Z1)
    Z2 = W2 @ A1 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    return Z1, A1, Z2, A2


def backward(X, Y, Z1, A1, A2):
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m
    db2 = dZ2.sum(axis=1, keepdims=True) / m
    dZ1 = W2.T @ dZ2 * np.where(Z1 > 0, 1, 0.1)
    dW1 = dZ1 @ X.T / m
    db1 = dZ1.sum(axis=1, keepdims=True) / m
    return dW1, db1, dW2, db2
