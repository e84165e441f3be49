"""Wrong: db1 has lost its second axis, and would broadcast."""

import numpy as np


def loss(parameters, X, Y):
    hidden = np.tanh(parameters["W1"] @ X + parameters["b1"])
    output = parameters["W2"] @ hidden + parameters["b2"]
    return np.sum((output - Y) ** 2) / (2 * X.shape[1])


def gradients(parameters, X, Y):
    m = X.shape[1]
    hidden = np.tanh(parameters["W1"] @ X + parameters["b1"])
    delta2 = (parameters["W2"] @ hidden + parameters["b2"] - Y) / m
    delta1 = parameters["W2"].T @ delta2 * (1 - hidden**2)
    return {
        "W1": delta1 @ X.T,
        "b1": delta1.sum(axis=1),
        "W2": delta2 @ hidden.T,
        "b2": delta2.sum(axis=1, keepdims=True),
    }
