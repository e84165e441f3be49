"""Costs beside their derivatives, which no network of the file reaches: a wrong one is found at its line, and what may
be left to others is not held against any."""

import inspect
import textwrap

import numpy as np
import pytest

import gradcompare
from gradcompare.interfaces import cost_pairs
from gradcompare.loading import load

LAYERS = """
import numpy as np

class Full:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros((1, n_out))

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0, keepdims=True)
        return grad @ self.W.T

class Squash:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad):
        return grad * (1 - self.y ** 2)
"""

FUNCTIONS = """
def mse(y, p):
    return np.mean((y - p) ** 2)

def mse_prime(y, p):
    return 2 * (p - y) / y.size

def huber(y, p, edge=0.2):
    off = np.abs(p - y)
    return np.mean(np.where(off < edge, off ** 2 / 2, edge * (off - edge / 2)))

def huber_prime(y, p, edge=0.2):
    return np.where(np.abs(p - y) < edge, p - y, edge * np.sign(p - y)) / y.size

def log_loss(y, p):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

def log_loss_prime(y, p):
    return (p - y) / (p * (1 - p)) / y.size
"""

CLASSES = """
class Squared:
    def __call__(self, output, target):
        return 0.5 * np.sum((output - target) ** 2)

    def derivative(self, output, target):
        return output - target

class Bernoulli:
    def loss(self, output, target):
        self.o, self.t = output, target
        return -np.sum(target * np.log(output) + (1 - target) * np.log(1 - output))

    def backward(self):
        return (1 - self.t) / (1 - self.o) - self.t / self.o

class Classes:
    def forward(self, predictions, labels):
        return -np.log(np.clip(predictions, 1e-7, 1 - 1e-7)[range(len(predictions)), labels])

    def backward(self, dvalues, labels):
        if labels.ndim == 1:
            labels = np.eye(dvalues.shape[1])[labels]
        self.dinputs = -labels / dvalues / len(dvalues)
"""

THROUGH_A_NETWORK = """
class Net:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)

class OfClasses:
    def __init__(self, network):
        self.network = network

    def __call__(self, scores, labels):
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.p, self.labels = raised / raised.sum(axis=1, keepdims=True), labels
        return -np.log(self.p[np.arange(len(labels)), labels]).mean()

    def backward(self):
        slope = self.p.copy()
        slope[np.arange(len(self.labels)), self.labels] -= 1
        self.network.backward(slope / len(self.labels))

class Squares:
    def forward(self, output, target):
        return 0.5 * np.sum((output - target) ** 2)

    def backward(self, output, target, model):
        slope = output - target
        for layer in reversed(model.layers):
            slope = layer.backward(slope)
"""

MISTAKES = [
    (THROUGH_A_NETWORK, "self.labels] -= 1", "self.labels] += 1"),
    (THROUGH_A_NETWORK, "slope = output - target", "slope = output + target"),
    (FUNCTIONS, "edge * np.sign(p - y)) / y.size", "edge * np.abs(p - y)) / y.size"),
    (FUNCTIONS, "/ (p * (1 - p)) / y.size", "/ (p + (1 - p) ** 2) / y.size"),
    (CLASSES, "- self.t / self.o", "+ self.t / self.o"),
    (CLASSES, "-labels / dvalues / len", "-dvalues * labels / len"),
]

LEFT_TO_OTHERS = [
    (FUNCTIONS, "2 * (p - y) / y.size", "y - p"),
    (FUNCTIONS, "(p - y) / (p * (1 - p)) / y.size", "p - y"),
    (FUNCTIONS, "2 * (p - y) / y.size", "(p - y) * p * (1 - p)"),
    (CLASSES, "return output - target", "return 2 * (output - target) / len(output)"),
    (CLASSES, "-labels / dvalues / len(dvalues)", "dvalues - labels"),
]


def report_on(folder, source: str) -> gradcompare.Report:
    path = folder / "layers.py"
    path.write_text(LAYERS + textwrap.dedent(source))
    return gradcompare.check(path, examples=4)


@pytest.mark.parametrize("costs", [FUNCTIONS, CLASSES, THROUGH_A_NETWORK])
def test_right_ones_agree(tmp_path, costs):
    report = report_on(tmp_path, costs)
    assert report.verdict == "agrees", str(report)


@pytest.mark.parametrize(("costs", "right", "wrong"), MISTAKES)
def test_a_derivative_that_no_network_reaches_is_found_at_its_line(tmp_path, costs, right, wrong):
    assert costs.count(right) == 1
    report = report_on(tmp_path, costs.replace(right, wrong))
    assert report.verdict in ("wrong", "scaled"), str(report)
    assert wrong in report.first_fault.source


def test_a_cost_that_goes_back_without_arguments_and_cannot_be_run_is_said_to_be_left_out(tmp_path):
    report = report_on(
        tmp_path,
        """
        class Strange:
            def __init__(self, a, b, c, d):
                self.a = a[b]

            def fit(self, output, target):
                self.output, self.target = output, target

            def backward(self):
                return self.a(self.output) - self.target
        """,
    )
    assert any(note.startswith("Not run here") and "Strange.backward" in note for note in report.notes), str(report)


@pytest.mark.parametrize(("costs", "right", "other"), LEFT_TO_OTHERS)
def test_what_may_be_left_to_others_is_not_held_against_it(tmp_path, costs, right, other):
    assert costs.count(right) == 1
    path = tmp_path / "layers.py"
    path.write_text(LAYERS + costs.replace(right, other))
    names = load(path).names.values()
    functions, classes = filter(inspect.isfunction, names), list(filter(inspect.isclass, names))
    held = list(cost_pairs.judged(functions, classes))
    assert held
    assert all(is_right for _, is_right in held)


def test_labels_may_have_to_be_those_of_classes(tmp_path):
    class Chosen:
        def forward(self, output, target):
            return -np.mean(np.log(np.sum(output * target, axis=1)))

        def backward(self, output, target):
            return -target / output / len(output)

    assert [is_right for _, is_right in cost_pairs.judged([], [Chosen])] == [True]


def test_a_cost_that_goes_on_while_there_is_a_layer_comes_to_an_end():
    class Linked:
        def __init__(self, network):
            self.network = network

        def __call__(self, output, target):
            self.off = output - target
            return 0.5 * np.sum(self.off**2)

        def backward(self):
            layer, slope = self.network.last, self.off
            while layer is not None:
                slope = layer.backward(slope)
                layer = layer.previous

    assert list(cost_pairs.judged([], [Linked])) == []
