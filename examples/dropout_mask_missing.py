"""Wrong: the dropout mask is missing from dA1."""

import numpy as np


def forward_propagation_with_dropout(X, parameters, keep_prob=0.5):
    np.random.seed(1)
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.tanh(Z1)
    D1 = np.random.rand(A1.shape[0], A1.shape[1]) < keep_prob
    H1 = A1 * D1 / keep_prob
    Z2 = np.dot(parameters["W2"], H1) + parameters["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, (Z1, D1, A1, H1, Z2, A2)


def compute_cost(A2, Y):
    return -np.nansum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]


def backward_propagation_with_dropout(parameters, cache, X, Y, keep_prob):
    m = X.shape[1]
    Z1, D1, A1, H1, Z2, A2 = cache
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, H1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dH1 = np.dot(parameters["W2"].T, dZ2)
    dA1 = dH1 / keep_prob
    dZ1 = dA1 * (1 - A1**2)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
