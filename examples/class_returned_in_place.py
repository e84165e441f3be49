"""Wrong: hidden_out is multiplied in place before the gradient of w_o reads it."""

import numpy as np


class MLP:
    def __init__(self, layer_sizes):
        rng = np.random.default_rng(0)
        self.w_h = rng.normal(size=(layer_sizes[1], layer_sizes[0]))
        self.bias_h = rng.normal(size=(layer_sizes[1], 1))
        self.w_o = rng.normal(size=(layer_sizes[2], layer_sizes[1]))
        self.bias_o = rng.normal(size=(layer_sizes[2], 1))

    @staticmethod
    def _sigmoid(z):
        return 1.0 / (1.0 + np.exp(-z))

    def forward(self, inputs):
        self.hidden_in = self.w_h @ inputs + self.bias_h
        self.hidden_out = self._sigmoid(self.hidden_in)
        self.prediction = self._sigmoid(self.w_o @ self.hidden_out + self.bias_o)
        return self.prediction

    def compute_loss(self, targets):
        m = targets.shape[1]
        p = self.prediction
        return -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum() / m

    def backward(self, inputs, targets):
        m = inputs.shape[1]
        delta_o = self.prediction - targets
        slope = self.hidden_out
        slope *= 1 - self.hidden_out
        grad_w_o = delta_o @ self.hidden_out.T / m
        grad_bias_o = delta_o.mean(axis=1, keepdims=True)
        delta_h = (self.w_o.T @ delta_o) * slope
        grad_w_h = delta_h @ inputs.T / m
        grad_bias_h = delta_h.mean(axis=1, keepdims=True)
        return grad_w_o, grad_bias_o, grad_w_h, grad_bias_h
