"""Right: everything inline, no function for a step; one turn of the training loop is taken for it."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
expected = np.array([[0], [1], [1], [0]])
hidden_weights = np.random.uniform(size=(2, 4))
hidden_bias = np.random.uniform(size=(1, 4))
output_weights = np.random.uniform(size=(4, 1))
output_bias = np.random.uniform(size=(1, 1))
rate = 0.1

for epoch in range(10_000):
    hidden = sigmoid(inputs @ hidden_weights + hidden_bias)
    predicted = sigmoid(hidden @ output_weights + output_bias)
    if epoch % 1000 == 0:
        print(epoch, 0.5 * np.sum((expected - predicted) ** 2))
    d_predicted = (expected - predicted) * predicted * (1 - predicted)
    d_hidden = d_predicted @ output_weights.T * hidden * (1 - hidden)
    output_weights += rate * hidden.T @ d_predicted
    output_bias += rate * d_predicted.sum(axis=0, keepdims=True)
    hidden_weights += rate * inputs.T @ d_hidden
    hidden_bias += rate * d_hidden.sum(axis=0, keepdims=True)
