"""No function at all: nothing that could be called, and so not checked."""

import numpy as np

X = np.random.randn(5, 3)
y = np.random.randn(5, 1)
W = np.random.randn(3, 1)
for _ in range(10):
    error = X @ W - y
    W -= 0.1 * X.T @ error / len(X)
