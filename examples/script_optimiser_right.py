"""A network that an optimiser of SciPy's trains, on data that are prepared: right."""

import numpy as np
from scipy.optimize import minimize

n_hidden = 3


def principal_components(X, share=0.95):
    values, vectors = np.linalg.eigh(np.cov(X, rowvar=False))
    order = np.argsort(values)[::-1]
    count = np.searchsorted(np.cumsum(values[order]) / np.sum(values), share) + 1
    return (X - X.mean(axis=0)) @ vectors[:, order[:count]]


def train(X, y):
    n_in, shift = X.shape[1], X.shape[1] * n_hidden

    def unrolled(theta):
        return theta[:shift].reshape(n_in, n_hidden), theta[shift:]

    def cost(theta, X, y):
        W1, w2 = unrolled(theta)
        return 0.5 * np.sum((np.tanh(X @ W1) @ w2 - y) ** 2)

    def gradient(theta, X, y):
        W1, w2 = unrolled(theta)
        A1 = np.tanh(X @ W1)
        error = A1 @ w2 - y
        dZ1 = np.outer(error, w2) * (1 - A1**2)
        return np.concatenate([(X.T @ dZ1).ravel(), A1.T @ error])

    start = 0.5 * np.random.randn(shift + n_hidden)
    return minimize(cost, start, args=(X, y), method="L-BFGS-B", jac=gradient).x


rng = np.random.default_rng(2)
samples = rng.standard_normal((40, 2)) @ rng.standard_normal((2, 5)) + 0.1 * rng.standard_normal((40, 5))
print(train(principal_components(samples), np.sin(samples[:, 0])))
