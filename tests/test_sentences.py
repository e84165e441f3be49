"""What a reader is told: names and numbers that the code has, and a correction that holds for every network."""

import re
import types

import pytest

import gradcompare
from gradcompare.checking.plain_numbers import plain_numbers

LOOP = """
import numpy as np


class Chain:
    def __init__(self, widths):
        self.weights = [np.random.randn(n, k) for k, n in zip(widths[:-1], widths[1:])]
        self.biases = [np.zeros((n, 1)) for n in widths[1:]]

    def feedforward(self, x):
        for W, b in zip(self.weights, self.biases):
            x = squash(W @ x + b)
        return x

    def backprop(self, x, y):
        a, kept, sums = x, [x], []
        for W, b in zip(self.weights, self.biases):
            z = W @ a + b
            a = squash(z)
            sums.append(z)
            kept.append(a)
        dW, db = [None] * len(self.weights), [None] * len(self.weights)
        delta = kept[-1] - y
        for i in range(len(self.weights) - 1, -1, -1):
            dW[i] = delta @ kept[i].T
            db[i] = delta.sum(axis=1, keepdims=True)
            if i:
                delta = (self.weights[i].T @ delta) * steep(squash(sums[i - 1]))
        return db, dW


def squash(z):
    return 1 / (1 + np.exp(-z))


def steep(z):
    return squash(z) * (1 - squash(z))
"""

LASSO = """
import numpy as np


class Sparse:
    def __init__(self, inputs, hidden, outputs, share=0.75, strength=0.3):
        self.p = {"W1": np.random.randn(hidden, inputs), "b1": np.zeros((hidden, 1)),
                  "W2": np.random.randn(outputs, hidden), "b2": np.zeros((outputs, 1))}
        self.share, self.strength = share, strength

    def forward(self, X):
        self.X = X
        self.Z1 = self.p["W1"] @ X + self.p["b1"]
        self.A1 = np.maximum(0, self.Z1)
        self.keep = (np.random.rand(*self.A1.shape) < self.share) / self.share
        self.D1 = self.A1 * self.keep
        self.A2 = 1 / (1 + np.exp(-(self.p["W2"] @ self.D1 + self.p["b2"])))
        return self.A2

    def cost(self, Y):
        entropy = -np.sum(Y * np.log(self.A2) + (1 - Y) * np.log(1 - self.A2)) / Y.shape[1]
        return entropy + self.strength * (np.abs(self.p["W1"]).sum() + np.abs(self.p["W2"]).sum())

    def backward(self, Y):
        g = {}
        dZ2 = (self.A2 - Y) / Y.shape[1]
        g["W2"] = dZ2 @ self.D1.T + self.strength * np.sign(self.p["W2"])
        g["b2"] = dZ2.sum(axis=1, keepdims=True)
        dD1 = self.p["W2"].T @ dZ2
        dA1 = dD1 * self.keep
        dZ1 = dA1 * (self.Z1 > 0)
        g["W1"] = dZ1 @ self.X.T + self.strength * np.sign(self.p["W1"])
        g["b1"] = dZ1.sum(axis=1, keepdims=True)
        return g
"""

FLAT = """
import numpy as np


def cost_and_gradient(weights, images, labels, sizes):
    n, h, k = sizes
    W1 = weights[: n * h].reshape(n, h)
    b1 = weights[n * h : n * h + h].reshape(1, h)
    W2 = weights[n * h + h : n * h + h + h * k].reshape(h, k)
    b2 = weights[n * h + h + h * k :].reshape(1, k)
    hidden = np.tanh(images @ W1 + b1)
    output = hidden @ W2 + b2
    cost = 0.5 * np.sum((output - labels) ** 2)
    d2 = (output - labels) / images.shape[0]
    d1 = d2 @ W2.T * (1 - hidden**2)
    parts = (images.T @ d1, d1.sum(axis=0), hidden.T @ d2, d2.sum(axis=0))
    return cost, np.concatenate([part.ravel() for part in parts])
"""


def _report(tmp_path, text, old="", new=""):
    assert old in text
    file = tmp_path / "subject.py"
    file.write_text(text.replace(old, new) if old else text)
    report = gradcompare.check(file, examples=8)
    assert report.verdict == "wrong", str(report)
    return report


def test_tensors_of_a_loop_are_told_apart_by_layer_and_line(tmp_path):
    report = _report(tmp_path, LOOP)
    says = report.diagnosis[0]["says"]
    assert re.fullmatch(r"The derivative of sigmoid is taken at sigmoid of z of layer \d \(line 12\)\.", says)
    assert not re.search(r"#\d|\w\(line", str(report)), str(report)


@pytest.mark.parametrize(
    ("old", "new", "mistake", "fix"),
    [
        (
            'self.strength * np.sign(self.p["W2"])',
            'self.strength * self.p["W2"]',
            "regulariser",
            "g[\"W2\"] = dZ2 @ self.D1.T + np.sign(self.p['W2']) * self.strength",
        ),
        (
            "dD1 * self.keep",
            "dD1",
            "mask_missing",
            "dA1 = dD1 * self.keep",
        ),
        (
            "dZ2 @ self.D1.T",
            "dZ2 @ self.A1.T",
            "wrong_variable",
            'g["W2"] = dZ2 @ self.D1.T + self.strength * np.sign(self.p["W2"])',
        ),
    ],
)
def test_a_correction_is_written_in_what_the_object_holds(tmp_path, old, new, mistake, fix):
    found = _report(tmp_path, LASSO, old, new).diagnosis[0]
    assert (found["mistake"], found["fix"]) == (mistake, fix)


def test_a_number_of_samples_is_not_mended_by_another_array_of_that_length(tmp_path):
    report = _report(tmp_path, FLAT)
    assert report.diagnosis[0]["fix"] == "d2 = output - labels"


def test_plain_numbers_are_those_that_the_function_reads_and_nothing_is_run(tmp_path):
    file = tmp_path / "numbers.py"
    file.write_text(
        "def f(self, X, h):\n    dW = X\n    return self.l1 * dW + h['reg'] + rate + self.costly + m + len(X)\n"
    )

    class Costly:
        l1 = 3.0

        @property
        def costly(self):
            raise AssertionError

    own = Costly()
    own.l1 = 0.25
    variables = {"self": own, "X": object(), "h": {"reg": 0.5, "on": True}, "m": 7, "unread": 4.0}
    found = plain_numbers(str(file), 2, variables, {"rate": 0.1, "other": 0.3, "np": types})
    assert found == {"self.l1": 0.25, "h['reg']": 0.5, "rate": 0.1, "m": 7.0}


APART = """
import numpy as np


def bump(z):
    return np.tanh(z)


def bump_slope(z):
    t = np.tanh(z)
    return 1 - t


def forward(X, W1, b1, W2, b2):
    Z1 = W1 @ X + b1
    A1 = bump(Z1)
    return Z1, A1, W2 @ A1 + b2


def cost(A2, Y):
    return np.sum((A2 - Y) ** 2) / (2 * Y.shape[1])


def backward(X, Y, Z1, A1, A2, W1, b1, W2, b2):
    m = Y.shape[1]
    dZ2 = (A2 - Y) / m
    dA1 = W2.T @ dZ2
    steep = bump_slope(Z1)
    dZ1 = dA1 * steep
    return dZ1 @ X.T, dZ1.sum(1, keepdims=True), dZ2 @ A1.T, dZ2.sum(1, keepdims=True)
"""


def test_a_wrong_derivative_is_found_in_its_function(tmp_path):
    report = _report(tmp_path, APART)
    assert report.first_fault.source == "dZ1 = dA1 * steep"
    assert report.diagnosis[0]["says"].endswith("It is made on line 11, return 1 - t.")


def test_a_derivative_at_the_wrong_place_is_found_where_it_is_taken(tmp_path):
    text = APART.replace("1 - t\n", "1 - t**2\n")
    report = _report(tmp_path, text, "bump_slope(Z1)", "bump_slope(A1)")
    assert report.diagnosis[0]["mistake"] == "derivative_elsewhere"
    assert report.diagnosis[0]["says"].endswith("It is made on line 28, steep = bump_slope(A1).")


def test_a_derivative_that_is_no_known_mistake_is_placed_too(tmp_path):
    report = _report(tmp_path, APART, "1 - t\n", "0.9 - 0.3 * t**2 + 0.1 * t\n")
    assert report.diagnosis[0]["mistake"] == "wrong_formula"
    assert report.diagnosis[0]["says"].startswith(
        "What line 11 returns is not the derivative of tanh, 1 - A1**2: it is 0.9 - 0.3"
    )
