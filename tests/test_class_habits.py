"""Classes and small frameworks in the habits of their authors. Of each the right one agrees, and a mistake is found at
its line."""

import pytest

from gradcompare.loading import load
from tests.habits import Habit, agrees_and_is_found, checked

HABITS = {
    "a cost that is a static method, beside a score that counts": Habit(
        """
        class Net:
            def __init__(self, n_in, n_hidden, n_out):
                self.parameters = {"W1": np.random.randn(n_hidden, n_in), "b1": np.zeros((n_hidden, 1))}
                self.parameters |= {"W2": np.random.randn(n_out, n_hidden), "b2": np.zeros((n_out, 1))}

            def _forward(self, X):
                self.A1 = np.tanh(self.parameters["W1"] @ X + self.parameters["b1"])
                return 1 / (1 + np.exp(-(self.parameters["W2"] @ self.A1 + self.parameters["b2"])))

            @staticmethod
            def _cost(A, Y):
                return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / Y.shape[1]

            def _backward(self, A, X, Y):
                m = X.shape[1]
                dZ2 = A - Y
                dZ1 = self.parameters["W2"].T @ dZ2 * (1 - self.A1**2)
                dW2, db2 = dZ2 @ self.A1.T / m, dZ2.sum(axis=1, keepdims=True) / m
                dW1, db1 = dZ1 @ X.T / m, dZ1.sum(axis=1, keepdims=True) / m
                return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}

            def score(self, X, Y):
                return np.mean((self._forward(X) > 0.5) == (Y > 0.5))
        """,
        "dZ1 @ X.T / m",
        "dZ1 @ X.T",
    ),
    "parameters that are objects with a shape, which keep their gradients": Habit(
        """
        class Parameter:
            def __init__(self, value):
                self.value, self.grad = value, np.zeros_like(value)

            @property
            def shape(self):
                return self.value.shape

        class Linear:
            def __init__(self, n_in, n_out):
                self.weight = Parameter(np.random.randn(n_in, n_out))
                self.bias = Parameter(np.random.randn(n_out))

            def forward(self, x):
                self.x = x
                return x @ self.weight.value + self.bias.value

            def backward(self, grad):
                self.weight.grad += self.x.T @ grad
                self.bias.grad += grad.sum(axis=0)
                return grad @ self.weight.value.T

        class Sigmoid:
            def forward(self, x):
                self.out = 1 / (1 + np.exp(-x))
                return self.out

            def backward(self, grad):
                return grad * self.out * (1 - self.out)

        class Regressor:
            def __init__(self, n_in, n_hidden, n_out):
                self.parts = (Linear(n_in, n_hidden), Sigmoid(), Linear(n_hidden, n_out))

            def forward(self, x):
                for part in self.parts:
                    x = part.forward(x)
                return x

            def backward(self, grad):
                for part in self.parts[::-1]:
                    grad = part.backward(grad)
        """,
        "grad * self.out * (1 - self.out)",
        "grad * (self.out + self.out) * (1 - self.out)",
    ),
    "gradients under the parameters' own keys, of which one sounds like a gradient itself": Habit(
        """
        class Scale:
            def __init__(self, n_in, n_hidden, n_out):
                self.first = {"W": np.random.randn(n_in, n_hidden), "b": np.zeros(n_hidden)}
                self.norm = {"params": {"gamma": np.ones(n_hidden), "beta": np.zeros(n_hidden)}, "grads": {}}
                self.last = {"W": np.random.randn(n_hidden, n_out), "b": np.zeros(n_out)}
                self.parts = [{"params": self.first, "grads": {}}, self.norm, {"params": self.last, "grads": {}}]

            def forward(self, x):
                self.x = x
                self.h = np.tanh(x @ self.first["W"] + self.first["b"])
                p = self.norm["params"]
                self.s = self.h * p["gamma"] + p["beta"]
                return self.s @ self.last["W"] + self.last["b"]

            def loss(self, x, t):
                self.off = self.forward(x) - t
                return np.sum(self.off**2) / (2 * len(x))

            def backward(self):
                d = self.off / len(self.x)
                first, norm, last = (part["grads"] for part in self.parts)
                last["W"], last["b"] = self.s.T @ d, d.sum(axis=0)
                d = d @ self.last["W"].T
                norm["gamma"], norm["beta"] = np.sum(d * self.h, axis=0), np.sum(d, axis=0)
                d = d * self.norm["params"]["gamma"] * (1 - self.h**2)
                first["W"], first["b"] = self.x.T @ d, d.sum(axis=0)
        """,
        "np.sum(d * self.h, axis=0)",
        "np.sum(d * self.s, axis=0)",
    ),
}


@pytest.mark.parametrize("habit", HABITS)
def test_the_right_one_agrees_and_the_mistake_is_found(tmp_path, habit):
    agrees_and_is_found(tmp_path, HABITS[habit])


def test_a_method_that_only_decides_is_no_forward_pass(tmp_path):
    report = checked(
        tmp_path,
        """
        class Machine:
            def __init__(self, rate=0.01, decay=0.1):
                self.rate, self.decay = rate, decay

            def fit(self, X, y):
                self.w, self.b = np.zeros(X.shape[1]), 0.0
                signs = np.where(y <= 0, -1, 1)
                for x, s in zip(X, signs):
                    if s * (x @ self.w - self.b) >= 1:
                        self.w -= self.rate * 2 * self.decay * self.w
                    else:
                        self.w -= self.rate * (2 * self.decay * self.w - s * x)
                        self.b -= self.rate * s

            def predict(self, X):
                return np.sign(X @ self.w - self.b)
        """,
    )
    assert report.verdict == "error"


def test_a_default_that_cannot_be_computed_is_none_of_a_class_s_private_names(tmp_path):
    path = tmp_path / "classifier.py"
    path.write_text(
        "import pandas as pd\n"
        "class Classifier:\n"
        "    def __init__(self, width=pd.read_csv('widths.csv'), rate=0.1):\n"
        "        self.rate = rate\n"
    )
    assert load(path).names["Classifier"]().rate == 0.1
