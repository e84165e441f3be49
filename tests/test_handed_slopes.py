"""What backward is given that is the gradient of a cost, whatever it is called; half of a cost."""

import textwrap

import pytest

from gradcompare.interfaces import words
from tests.habits import Habit, agrees_and_is_found, checked

LAYERS = """
    def squash(x):
        return 1 / (1 + np.exp(-x))

    def mse(guess, y):
        return np.sum((guess - y) ** 2)

    def mse_derivative(guess, y):
        return guess - y

    class Unit:
        def __init__(self, n_in, n_out):
            self.W, self.b = np.random.randn(n_out, n_in), np.zeros((n_out, 1))

        def forward(self, X):
            self.X, self.Z = X, self.W @ X + self.b
            return squash(self.Z)

        def backward(self, {passed}):
            dZ = {passed} * squash(self.Z) * (1 - squash(self.Z))
            self.dW = dZ @ self.X.T
            self.db = np.sum(dZ, axis=1, keepdims=True)
            return self.W.T @ dZ

    class Stack:
        def __init__(self, sizes):
            self.rows = [Unit(a, b) for a, b in zip(sizes, sizes[1:])]

        def forward(self, X):
            for row in self.rows:
                X = row.forward(X)
            return X

        def backward(self, {passed}):
            for row in reversed(self.rows):
                {passed} = row.backward({passed})
"""

TRAINING = """
    def train(stack, X, Y, size):
        for epoch in range(5):
            guess = stack.forward(X)
            loss = {cost}
            stack.backward({slope})
            for row in stack.rows:
                row.W -= 0.1 * row.dW
                row.b -= 0.1 * row.db
"""
HALF = {"cost": "(1 / (2 * batch_size)) * mse(guess, Y)", "slope": "mse_derivative(guess, Y) / batch_size"}


def _stack(passed: str, **training: str) -> str:
    text = textwrap.dedent(LAYERS.replace("{passed}", passed))
    return text + textwrap.dedent(TRAINING.format(**training)).replace("size):", "batch_size):")


@pytest.mark.parametrize("passed", ["dGuess", "dyhat", "v", "t"])
def test_what_goes_back_through_layers_is_a_slope(tmp_path, passed):
    source = _stack(passed, **HALF)
    agrees_and_is_found(tmp_path, Habit(source, "np.sum(dZ, axis=1", f"np.sum({passed} + 0 * dZ, axis=1"))


ONE_CLASS = """
    def mse(guess, y):
        return np.mean((guess - y) ** 2)

    def squared_prime(guess, y):
        return 2 * (guess - y) / y.size

    class Net:
        def __init__(self, n_in, n_hidden, n_out):
            self.W1, self.W2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)

        def forward(self, X):
            self.X, self.A1 = X, np.tanh(X @ self.W1)
            return self.A1 @ self.W2

        def backward(self, v):
            self.dW2 = self.A1.T @ v
            self.dW1 = self.X.T @ (v @ self.W2.T * (1 - self.A1**2))

    def train(net, X, Y):
        for epoch in range(10):
            guess = net.forward(X)
            signal = squared_prime(guess, Y)
            net.backward(signal)
            net.W1 -= 0.1 * net.dW1
            net.W2 -= 0.1 * net.dW2
"""


@pytest.mark.parametrize("given", ["squared_prime(guess, Y)", "squared_prime(guess, Y) * 1.0"])
def test_what_a_file_hands_to_backward_says_that_it_is_a_slope(tmp_path, given):
    source = ONE_CLASS.replace("signal = squared_prime(guess, Y)", f"signal = {given}")
    agrees_and_is_found(tmp_path, Habit(source, "(1 - self.A1**2)", "(1 - self.A1)"))


def test_half_of_a_cost_is_the_cost_only_where_the_file_takes_half(tmp_path):
    report = checked(tmp_path, _stack("dout", **HALF))
    assert report.verdict == "agrees"
    assert "takes 0.5 times it" in str(report)
    whole = _stack("dout", cost="mse(guess, Y)", slope="mse_derivative(guess, Y)")
    assert checked(tmp_path, whole).verdict == "scaled"
    lost = _stack("dout", cost=HALF["cost"], slope="mse_derivative(guess, Y)")
    assert checked(tmp_path, lost).verdict == "scaled"  # there is no 1 / m in it


def test_gradients_of_outputs_are_slopes_by_their_names():
    assert {words.role_of_argument(name) for name in ("dyhat", "d_output", "dPred", "dProbs")} == {"slope"}
    assert words.role_of_argument("data") == "inputs"
