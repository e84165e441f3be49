"""Right programs in unusual habits are not accused; the same with a mistake are."""

import textwrap
from typing import NamedTuple

import pytest

import gradcompare
from gradcompare.loading import load


class Habit(NamedTuple):
    """A right program, what the report says of it, and edits that make it wrong."""

    source: str
    says: str
    mistakes: dict[str, str]


HABITS = {
    "a cost that is a matrix with several outputs": Habit(
        """
        import numpy as np

        def forward(X, params):
            H = np.tanh(params["W1"] @ X + params["b1"])
            P = 1 / (1 + np.exp(-(params["W2"] @ H + params["b2"])))
            return P, {"H": H, "P": P}

        def compute_cost(P, Y, params, lambd):
            m = Y.shape[1]
            fit = -(np.dot(np.log(P), Y.T) + np.dot(np.log(1 - P), (1 - Y).T)) / m
            size = sum(np.sum(params[name] ** 2) for name in ("W1", "W2"))
            return np.squeeze(fit) + lambd * size / (2 * m)

        def backward(params, cache, X, Y, lambd):
            m = X.shape[1]
            delta = cache["P"] - Y
            back = params["W2"].T @ delta * (1 - cache["H"] ** 2)
            return {
                "dW2": delta @ cache["H"].T / m + lambd / m * params["W2"],
                "db2": delta.sum(axis=1, keepdims=True) / m,
                "dW1": back @ X.T / m + lambd / m * params["W1"],
                "db1": back.sum(axis=1, keepdims=True) / m,
            }
        """,
        "With several outputs compute_cost gives an array of shape (2, 2)",
        {"lambd / m * params": "2 * lambd / m * params", "* (1 - cache": "+ 0 * (1 - cache"},
    ),
    "labels picked by ranges and lists": Habit(
        """
        import numpy as np

        class Classifier:
            def __init__(self, n_in, n_hidden, n_out):
                self.params = {
                    "W1": 0.1 * np.random.randn(n_in, n_hidden), "b1": np.zeros(n_hidden),
                    "W2": 0.1 * np.random.randn(n_hidden, n_out), "b2": np.zeros(n_out),
                }

            def loss(self, X, y, reg=0.0):
                W1, b1, W2, b2 = (self.params[k] for k in ("W1", "b1", "W2", "b2"))
                H = np.maximum(X @ W1 + b1, 0)
                S = H @ W2 + b2
                P = np.exp(S - S.max(axis=1).reshape(-1, 1))
                P = P / P.sum(axis=1).reshape(-1, 1)
                N = len(X)
                cost = -np.sum(np.log(P[range(N), list(y)])) / N + reg * np.sum(W1 * W1)
                D = P.copy()
                D[range(N), list(y)] -= 1
                D = D / N
                dH = D @ W2.T * (H > 0)
                grads = {"W2": H.T @ D, "b2": D.sum(axis=0), "W1": X.T @ dH + 2 * reg * W1, "b1": dH.sum(axis=0)}
                return cost, grads
        """,
        "",
        {"2 * reg * W1": "reg * W1", "D = D / N": "D = D / N / 2"},
    ),
    "weight decay without a cost, and a bias of one axis less": Habit(
        """
        import numpy as np

        def forward(params, X):
            a1 = np.tanh(X.dot(params["W1"]) + params["b1"])
            e = np.exp(a1.dot(params["W2"]) + params["b2"])
            return a1, e / e.sum(axis=1, keepdims=True)

        def backward(params, X, y, a1, probs):
            d3 = probs.copy()
            d3[range(len(X)), y] -= 1
            dW2 = a1.T.dot(d3)
            db2 = d3.sum(axis=0, keepdims=True)
            d2 = d3.dot(params["W2"].T) * (1 - a1 ** 2)
            dW1 = X.T.dot(d2)
            db1 = d2.sum(axis=0)
            dW2 += 0.01 * params["W2"]
            dW1 += 0.01 * params["W1"]
            return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
        """,
        "0.01 times half the sum of squares of W1, W2: the gradients have such a term, and no cost",
        {"dW1 += 0.01": "dW1 += 0.02", "+= 0.01": "-= 0.01", "* (1 - a1 ** 2)": "* (1 - a1)"},
    ),
    "weights and biases as two lists": Habit(
        """
        import numpy as np

        def forward(X, Ws, bs):
            A = [X]
            for i, (W, b) in enumerate(zip(Ws, bs)):
                Z = W @ A[-1] + b
                A.append(Z if i == len(Ws) - 1 else np.tanh(Z))
            return A[-1], A

        def cost(out, Y):
            return np.sum((out - Y) ** 2) / (2 * Y.shape[1])

        def backward(A, Y, Ws):
            d, gW, gb = (A[-1] - Y) / Y.shape[1], [], []
            for i in reversed(range(len(Ws))):
                gW.insert(0, d @ A[i].T)
                gb.insert(0, d.sum(axis=1, keepdims=True))
                d = Ws[i].T @ d * (1 - A[i] ** 2)
            return gW, gb
        """,
        "",
        {"d.sum(axis=1, keepdims=True)": "d.sum()", "* (1 - A[i] ** 2)": "* (1 - A[i])"},
    ),
    "momentum in the update": Habit(
        """
        import numpy as np

        class Regression:
            def __init__(self, n_in, n_out):
                self.W = 0.1 * np.random.randn(n_in, n_out)
                self.b = np.zeros(n_out)
                self.speed = {"W": np.zeros_like(self.W), "b": np.zeros_like(self.b)}

            def loss(self, X, y):
                error = X @ self.W + self.b - y
                grads = {"W": X.T @ error / len(X), "b": error.mean(axis=0)}
                return 0.5 * np.sum(error ** 2) / len(X), grads

            def step(self, X, y, learning_rate=0.1):
                _, grads = self.loss(X, y)
                for name in grads:
                    self.speed[name] = 0.9 * self.speed[name] - learning_rate * grads[name]
                    setattr(self, name, getattr(self, name) + self.speed[name])
        """,
        "",
        {
            "                return 0.5": '                self.speed["W"] = 0.9 * self.speed["W"] + grads["W"]\n'
            '                grads["W"] = self.speed["W"]\n                return 0.5'
        },
    ),
    "a softmax layer and a loss of probabilities that gives each sample's": Habit(
        """
        import numpy as np

        class Linear:
            def __init__(self, fan_in, fan_out):
                self.W = 0.1 * np.random.randn(fan_in, fan_out)
                self.b = np.zeros((1, fan_out))

            def forward(self, x):
                self.x = x
                self.output = x @ self.W + self.b

            def backward(self, dvalues):
                self.dW = self.x.T @ dvalues
                self.db = dvalues.sum(axis=0, keepdims=True)
                self.dinputs = dvalues @ self.W.T

        class Tanh:
            def forward(self, x):
                self.output = np.tanh(x)

            def backward(self, dvalues):
                self.dinputs = dvalues * (1 - self.output ** 2)

        class Softmax:
            def forward(self, x):
                e = np.exp(x - x.max(axis=1, keepdims=True))
                self.output = e / e.sum(axis=1, keepdims=True)

            def backward(self, dvalues):
                inner = np.sum(dvalues * self.output, axis=1, keepdims=True)
                self.dinputs = self.output * (dvalues - inner)

        class CrossEntropy:
            def calculate(self, p, y):
                return np.mean(self.forward(p, y))

            def forward(self, p, y):
                p = np.clip(p, 1e-7, 1 - 1e-7)
                return -np.log(p[range(len(p)), y] if y.ndim == 1 else np.sum(p * y, axis=1))

            def backward(self, dvalues, y):
                y = np.eye(dvalues.shape[1])[y] if y.ndim == 1 else y
                self.dinputs = -y / dvalues / len(dvalues)
        """,
        "",
        {"(dvalues - inner)": "dvalues", "/ dvalues / len(dvalues)": "/ dvalues"},
    ),
    "Adam": Habit(
        """
        import numpy as np

        class Model:
            def __init__(self, n_in, n_hidden, n_out, lr=0.01):
                self.W1, self.b1 = 0.1 * np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
                self.W2, self.b2 = 0.1 * np.random.randn(n_hidden, n_out), np.zeros(n_out)
                self.lr, self.t = lr, 0
                self.m = [np.zeros_like(p) for p in (self.W1, self.b1, self.W2, self.b2)]
                self.v = [np.zeros_like(p) for p in (self.W1, self.b1, self.W2, self.b2)]

            def forward(self, X):
                self.h = np.tanh(X @ self.W1 + self.b1)
                return self.h @ self.W2 + self.b2

            def loss(self, X, y):
                return np.mean((self.forward(X) - y) ** 2)

            def train_step(self, X, y):
                d = 2 * (self.forward(X) - y) / y.size
                gW2, gb2 = self.h.T @ d, d.sum(axis=0)
                d = d @ self.W2.T * (1 - self.h ** 2)
                gW1, gb1 = X.T @ d, d.sum(axis=0)
                self.t += 1
                for i, (p, g) in enumerate(zip((self.W1, self.b1, self.W2, self.b2), (gW1, gb1, gW2, gb2))):
                    self.m[i] = 0.9 * self.m[i] + 0.1 * g
                    self.v[i] = 0.999 * self.v[i] + 0.001 * g ** 2
                    m, v = self.m[i] / (1 - 0.9 ** self.t), self.v[i] / (1 - 0.999 ** self.t)
                    p -= self.lr * m / (np.sqrt(v) + 1e-8)
        """,
        "as with Adam",
        {"(1 - self.h ** 2)": "(1 - self.h)", "(gW1, gb1, gW2, gb2)": "(gW1, gb1, -gW2, gb2)"},
    ),
    "gradients shortened to a length": Habit(
        """
        import numpy as np

        def forward(params, X):
            H = np.maximum(X @ params["W1"] + params["b1"], 0)
            return H @ params["W2"] + params["b2"], H

        def loss(out, y):
            return np.sum((out - y) ** 2) / len(y)

        def backward(params, X, y, out, H):
            d = 2 * (out - y) / len(y)
            grads = {"W2": H.T @ d, "b2": d.sum(axis=0)}
            d = d @ params["W2"].T * (H > 0)
            grads["W1"], grads["b1"] = X.T @ d, d.sum(axis=0)
            length = np.sqrt(sum(np.sum(g ** 2) for g in grads.values()))
            if length > 0.5:
                for name in grads:
                    grads[name] = grads[name] * 0.5 / length
            return grads
        """,
        "The gradients are shortened to a limit; checked are",
        {"* (H > 0)": "* (X @ params['W1'] > 0)", "* 0.5 / length": "* 0.5 / length ** 2"},
    ),
    "a rate written into the update, and weight decay": Habit(
        """
        import numpy as np

        X = np.random.randn(50, 3)
        Y = (X.sum(axis=1, keepdims=True) > 0) * 1.0
        W1, b1 = np.random.randn(3, 4), np.zeros((1, 4))
        W2 = np.random.randn(4, 1)
        b2 = np.zeros((1, 1))

        for step in range(100):
            H = np.tanh(X @ W1 + b1)
            P = 1 / (1 + np.exp(-(H @ W2 + b2)))
            loss = -np.mean(Y * np.log(P) + (1 - Y) * np.log(1 - P))
            d2 = (P - Y) / len(X)
            dW2 = H.T @ d2
            db2 = d2.sum(axis=0, keepdims=True)
            d1 = d2 @ W2.T * (1 - H ** 2)
            dW1 = X.T @ d1
            db1 = d1.sum(axis=0, keepdims=True)
            W2 = W2 - 0.2 * (dW2 + 0.01 * W2)
            b2 = b2 - 0.2 * db2
            W1 = W1 - 0.2 * (dW1 + 0.01 * W1)
            b1 = b1 - 0.2 * db1
        """,
        "weight decay; checked are the gradients that variables hold",
        {"0.2 * db1": "0.2 * db1 / len(X)", "(1 - H ** 2)": "(1 - H)"},
    ),
}


@pytest.fixture
def checked(tmp_path):
    def run(source, **options):
        file = tmp_path / "habit.py"
        file.write_text(textwrap.dedent(source).lstrip())
        return gradcompare.check(load(file).names, **{"examples": 3, **options})

    return run


@pytest.mark.parametrize("name", HABITS)
def test_a_right_program_is_not_accused(checked, name):
    report = checked(HABITS[name].source)
    assert report.verdict == "agrees", str(report)
    assert HABITS[name].says in str(report)


@pytest.mark.parametrize(("name", "old"), [(name, old) for name, habit in HABITS.items() for old in habit.mistakes])
def test_a_wrong_one_does_not_agree(checked, name, old):
    habit = HABITS[name]
    assert old in habit.source
    report = checked(habit.source.replace(old, habit.mistakes[old]))
    assert report.verdict in ("wrong", "scaled"), str(report)
