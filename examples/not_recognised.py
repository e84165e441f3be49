"""No backpropagation in it: nothing that could be held against autograd, and so not checked."""

import numpy as np


def normalise(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def split(X, y, share=0.8):
    chosen = np.random.rand(len(X)) < share
    return X[chosen], y[chosen], X[~chosen], y[~chosen]
