"""What a check notes of the network that a file starts from: found where it was planted, whatever the file's shape, and
never a verdict."""

import itertools
import re

import pytest

import gradcompare
from gradcompare.loading import load

FUNCTIONS = """
def init_params(n_x, n_h, n_y):
    return {"W1": draw(n_h, n_x), "b1": draw_bias(n_h, 1), "W2": draw(n_y, n_h), "b2": np.zeros((n_y, 1))}

def forward(X, parameters):
    Z1 = parameters["W1"] @ X + parameters["b1"]
    A1 = g(Z1)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    return sigmoid(Z2), {"Z1": Z1, "A1": A1, "A2": sigmoid(Z2)}

def backward(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = parameters["W2"].T @ dZ2 * g_prime(cache["Z1"])
    return {"dW1": dZ1 @ X.T / m, "db1": np.sum(dZ1, axis=1, keepdims=True) / m,
            "dW2": dZ2 @ cache["A1"].T / m, "db2": np.sum(dZ2, axis=1, keepdims=True) / m}
"""
ROWS = """
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.w, self.bias = draw(n_in, n_hidden), draw_bias(1, n_hidden)[0]
        self.v, self.bias_out = draw(n_hidden, n_out), np.zeros(n_out)

    def forward(self, X):
        self.z = X @ self.w + self.bias
        self.a = g(self.z)
        return self.a @ self.v + self.bias_out

    def loss(self, out, y):
        return np.sum((out - y) ** 2) / 2

    def backward(self, X, y):
        d_out = self.forward(X) - y
        d_z = d_out @ self.v.T * g_prime(self.z)
        self.dw, self.dbias = X.T @ d_z, d_z.sum(axis=0)
        self.dv, self.dbias_out = self.a.T @ d_out, d_out.sum(axis=0)
"""
LISTS = """
class Network:
    def __init__(self, sizes):
        self.biases = [draw_bias(n, 1) for n in sizes[1:]]
        self.weights = [draw(n, before) for before, n in zip(sizes[:-1], sizes[1:])]

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = g(w @ a + b)
        return a

    def backprop(self, x, y):
        activation, activations, zs = x, [x], []
        for b, w in zip(self.biases, self.weights):
            zs.append(w @ activation + b)
            activation = g(zs[-1])
            activations.append(activation)
        delta = (activation - y) * g_prime(zs[-1])
        nabla_b, nabla_w = [delta], [delta @ activations[-2].T]
        for l in range(2, len(self.weights) + 1):
            delta = self.weights[-l + 1].T @ delta * g_prime(zs[-l])
            nabla_b.insert(0, delta)
            nabla_w.insert(0, delta @ activations[-l - 1].T)
        return nabla_b, nabla_w
"""
GLOBALS = """
W1 = draw(4, 3)
b1 = draw_bias(4, 1)
W2 = draw(2, 4)
b2 = np.zeros((2, 1))

def forward(X):
    Z1 = W1 @ X + b1
    A1 = g(Z1)
    Z2 = W2 @ A1 + b2
    A2 = sigmoid(Z2)
    return Z1, A1, Z2, A2

def backward(X, Y, Z1, A1, A2):
    dZ2 = A2 - Y
    dZ1 = W2.T @ dZ2 * g_prime(Z1)
    m = X.shape[1]
    return dZ1 @ X.T / m, dZ1.sum(axis=1, keepdims=True) / m, dZ2 @ A1.T / m, dZ2.sum(axis=1, keepdims=True) / m
"""
SHAPES = {"globals": GLOBALS, "functions": FUNCTIONS, "rows": ROWS, "lists": LISTS}


ACTIVATIONS = {
    "sigmoid": ("sigmoid(z)", "sigmoid(z) * (1 - sigmoid(z))"),
    "tanh": ("np.tanh(z)", "1 - np.tanh(z) ** 2"),
    "relu": ("np.maximum(0, z)", "(z > 0) * 1.0"),
}
STARTS = {
    "zeros": "np.zeros((rows, columns))",
    "equal": "np.full((rows, columns), 0.5)",
    "small": "0.1 * np.random.randn(rows, columns)",
    "large": "100 * np.random.randn(rows, columns)",
    "low": "np.full((rows, columns), -100.0)",
}
HEAD = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def g(z):
    return {}

def g_prime(z):
    return {}
"""


def source(shape, g="tanh", start="small", bias="zeros"):
    text = HEAD.format(*ACTIVATIONS[g]) + SHAPES[shape]
    for name, numbers in (("draw", STARTS[start]), ("draw_bias", STARTS[bias])):
        text = re.sub(rf"\b{name}\((\w+), (\w+)\)", numbers.replace("rows", r"\1").replace("columns", r"\2"), text)
    return text


def noted(report):
    """The notes on the start, without the network that they are of."""
    return [note.partition("variance 1), ")[2] for note in report.notes if "own first parameters" in note]


@pytest.fixture
def notes(tmp_path):
    """The notes on the start of a program, which is judged as if there were none; it is run here, to save time."""

    def notes_on(text, verdict="agrees"):
        file = tmp_path / "program.py"
        file.write_text(text)
        report = gradcompare.check(load(file).names, examples=4)
        assert report.verdict == verdict, str(report)
        return noted(report)

    return notes_on


@pytest.mark.parametrize(("shape", "start"), list(itertools.product(SHAPES, ("zeros", "equal"))))
def test_units_that_begin_alike_are_noted_in_every_shape(notes, shape, start):
    found = notes(source(shape, start=start, bias=start))
    assert re.match(r"layer 1(, layer 2)?: symmetric units\. Units 1, 2, 3\b", found[0])


@pytest.mark.parametrize(
    ("g", "start", "bias", "symptom"),
    [
        ("sigmoid", "large", "zeros", "saturated units"),
        ("tanh", "large", "zeros", "saturated units"),
        ("relu", "small", "low", "dead units"),
    ],
)
def test_saturated_and_dead_units_are_noted(notes, g, start, bias, symptom):
    found = notes(source("functions", g, start, bias))
    assert any(note.startswith(f"layer 1: {symptom}. All 7 units") for note in found), found
    assert notes(source("functions", g)) == []


@pytest.mark.parametrize(("shape", "g"), list(itertools.product(SHAPES, ("sigmoid", "tanh"))))
def test_an_ordinary_start_has_nothing_to_note(notes, shape, g):
    assert notes(source(shape, g)) == []


def test_a_note_is_no_verdict_and_a_verdict_no_note(notes):
    lost = ' * g_prime(cache["Z1"])'
    for start, count in (("small", 0), ("zeros", 2)):
        text = source("functions", start=start)
        assert lost in text
        assert len(notes(text.replace(lost, ""), verdict="wrong")) == count


def test_a_file_is_looked_at_in_its_own_process(tmp_path):
    file = tmp_path / "zeros.py"
    file.write_text(source("functions", start="zeros"))
    report = gradcompare.check(file, examples=4)
    assert report.verdict == "agrees"
    assert [note.partition(".")[0] for note in noted(report)] == [
        "layer 1: symmetric units",
        "W1, b1, W2: parameter without gradient",
    ]
    assert "Start from random weights" in str(report)
