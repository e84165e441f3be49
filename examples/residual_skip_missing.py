"""A residual block, wrong: the gradient that comes past the layer is left out."""

import numpy as np


class ResidualMLP:
    def __init__(self, d_in, d, d_out):
        self.params = {
            "W_in": np.random.randn(d_in, d) * 0.3,
            "b_in": np.zeros(d),
            "W_res": np.random.randn(d, d) * 0.3,
            "b_res": np.zeros(d),
            "W_out": np.random.randn(d, d_out) * 0.3,
            "b_out": np.zeros(d_out),
        }

    def forward(self, x):
        p = self.params
        h0 = np.tanh(x @ p["W_in"] + p["b_in"])
        z1 = h0 @ p["W_res"] + p["b_res"]
        h1 = h0 + np.maximum(z1, 0)
        out = h1 @ p["W_out"] + p["b_out"]
        self.cache = (x, h0, z1, h1)
        return out

    def loss(self, out, y):
        return 0.5 * np.mean(np.sum((out - y) ** 2, axis=1))

    def backward(self, out, y):
        p = self.params
        x, h0, z1, h1 = self.cache
        g = {}
        dout = (out - y) / len(y)
        g["W_out"] = h1.T @ dout
        g["b_out"] = dout.sum(axis=0)
        dh1 = dout @ p["W_out"].T
        dz1 = dh1 * (z1 > 0)
        g["W_res"] = h0.T @ dz1
        g["b_res"] = dz1.sum(axis=0)
        dh0 = dz1 @ p["W_res"].T
        dz0 = dh0 * (1 - h0**2)
        g["W_in"] = x.T @ dz0
        g["b_in"] = dz0.sum(axis=0)
        return g
