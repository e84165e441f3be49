"""A model of layer objects, wrong: the softmax layer goes back through the diagonal of its Jacobian alone."""

import numpy as np


class Dense:
    def __init__(self, n_inputs, n_neurons):
        self.weights = 0.1 * np.random.randn(n_inputs, n_neurons)
        self.biases = np.zeros((1, n_neurons))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dout):
        self.dweights = np.dot(self.inputs.T, dout)
        self.dbiases = np.sum(dout, axis=0, keepdims=True)
        self.dinputs = np.dot(dout, self.weights.T)


class Tanh:
    def forward(self, inputs):
        self.output = np.tanh(inputs)

    def backward(self, dout):
        self.dinputs = dout * (1 - self.output**2)


class Softmax:
    def forward(self, inputs):
        exp_values = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = exp_values / np.sum(exp_values, axis=1, keepdims=True)

    def backward(self, dout):
        self.dinputs = np.empty_like(dout)
        for index, (p, d) in enumerate(zip(self.output, dout)):
            p = p.reshape(-1, 1)
            jacobian = np.diagflat(p * (1 - p))
            self.dinputs[index] = np.dot(jacobian, d)


class CrossEntropy:
    def forward(self, y_pred, y_true):
        guarded = np.clip(y_pred, 1e-7, 1 - 1e-7)
        return np.mean(-np.log(np.sum(guarded * y_true, axis=1)))

    def backward(self, dout, y_true):
        samples = len(dout)
        self.dinputs = -y_true / dout
        self.dinputs = self.dinputs / samples


class Model:
    def __init__(self):
        self.dense1 = Dense(4, 8)
        self.act1 = Tanh()
        self.dense2 = Dense(8, 3)
        self.act2 = Softmax()
        self.loss = CrossEntropy()

    def forward(self, X, y):
        self.dense1.forward(X)
        self.act1.forward(self.dense1.output)
        self.dense2.forward(self.act1.output)
        self.act2.forward(self.dense2.output)
        return self.loss.forward(self.act2.output, y)

    def backward(self, y):
        self.loss.backward(self.act2.output, y)
        self.act2.backward(self.loss.dinputs)
        self.dense2.backward(self.act2.dinputs)
        self.act1.backward(self.dense2.dinputs)
        self.dense1.backward(self.act1.dinputs)
