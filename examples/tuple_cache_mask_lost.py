"""Wrong: the mask of the first ReLU is missing from dz1."""

import numpy as np


def init_network(input_size, hidden1, hidden2, num_classes, seed=3):
    r = np.random.RandomState(seed)
    W1 = r.randn(input_size, hidden1) * np.sqrt(2 / input_size)
    b1 = np.zeros(hidden1)
    W2 = r.randn(hidden1, hidden2) * np.sqrt(2 / hidden1)
    b2 = np.zeros(hidden2)
    W3 = r.randn(hidden2, num_classes) * np.sqrt(2 / hidden2)
    b3 = np.zeros(num_classes)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2, "W3": W3, "b3": b3}


def forward_propogation(x, params):
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    W3, b3 = params["W3"], params["b3"]
    z1 = x @ W1 + b1
    a1 = z1 * (z1 > 0)
    z2 = a1 @ W2 + b2
    a2 = z2 * (z2 > 0)
    z3 = a2 @ W3 + b3
    z3 = z3 - z3.max(axis=1, keepdims=True)
    e = np.exp(z3)
    a3 = e / e.sum(axis=1, keepdims=True)
    cache = (z1, a1, W1, b1, z2, a2, W2, b2, z3, a3, W3, b3)
    return a3, cache


def cross_entropy_loss(probs, y):
    n = y.shape[0]
    return -np.log(probs[np.arange(n), y]).sum() / n


def backward_propogation(x, y, cache):
    z1, a1, W1, b1, z2, a2, W2, b2, z3, a3, W3, b3 = cache
    n = x.shape[0]
    dz3 = a3.copy()
    dz3[np.arange(n), y] -= 1
    dz3 /= n
    dW3 = a2.T @ dz3
    db3 = dz3.sum(axis=0)
    da2 = dz3 @ W3.T
    dz2 = da2 * (z2 > 0)
    dW2 = a1.T @ dz2
    db2 = dz2.sum(axis=0)
    da1 = dz2 @ W2.T
    dz1 = da1
    dW1 = x.T @ dz1
    db1 = dz1.sum(axis=0)
    return dW1, db1, dW2, db2, dW3, db3
