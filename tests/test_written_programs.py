"""For a file that only defines things a program is written that makes and calls them."""

import pytest

from tests.habits import Habit, rehearsed, rehearsed_right_and_wrong

HABITS = {
    "a class whose method goes through its epochs": Habit(
        """
        class Brain:
            def __init__(self, n_in, n_hidden, n_out, pace=0.1):
                self.pace = pace
                self.one, self.two = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)

            def fit(self, X, y, days=1000):
                for day in range(days):
                    seen = np.tanh(X @ self.one)
                    off = (seen @ self.two - y) / len(X)
                    back = off @ self.two.T * (1 - seen**2)
                    self.two -= self.pace * seen.T @ off
                    self.one -= self.pace * X.T @ back
        """,
        "* (1 - seen**2)",
        "* (1 - seen)",
    ),
    "functions, each given what those before it return": Habit(
        """
        def init_params(n_x, n_h, n_y):
            return {"into": np.random.randn(n_h, n_x), "out": np.random.randn(n_y, n_h), "shift": np.zeros((n_y, 1))}

        def forward(X, params):
            hidden = np.tanh(params["into"] @ X)
            A = 1 / (1 + np.exp(-(params["out"] @ hidden + params["shift"])))
            return A, hidden

        def compute_cost(A, Y):
            return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / Y.shape[1]

        def backward(A, hidden, X, Y, params):
            off = (A - Y) / X.shape[1]
            back = params["out"].T @ off * (1 - hidden**2)
            return {"into": back @ X.T, "out": off @ hidden.T, "shift": off.sum(axis=1, keepdims=True)}

        def update_params(params, grads, rate):
            return {name: params[name] - rate * grads[name] for name in params}
        """,
        "* (1 - hidden**2)",
        "* (1 - hidden)",
    ),
    "gradients that nothing applies": Habit(
        """
        class Net:
            def __init__(self, sizes):
                self.W = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]

            def forward(self, X):
                self.kept = [X]
                for W in self.W[:-1]:
                    self.kept.append(np.tanh(self.kept[-1] @ W))
                return self.kept[-1] @ self.W[-1]

            def backward(self, output, y):
                off = (output - y) / len(y)
                dW = [None] * len(self.W)
                for i in reversed(range(len(self.W))):
                    dW[i] = self.kept[i].T @ off
                    off = off @ self.W[i].T * (1 - self.kept[i] ** 2)
                return dW
        """,
        "* (1 - self.kept[i] ** 2)",
        "* (1 - self.kept[i])",
    ),
    "layers that nothing puts together": Habit(
        """
        class Affine:
            def __init__(self, n_in, n_out):
                self.W, self.b = np.random.randn(n_in, n_out), np.zeros((1, n_out))

            def forward(self, x):
                self.x = x
                return x @ self.W + self.b

            def backward(self, dout):
                self.dW, self.db = self.x.T @ dout, dout.sum(axis=0, keepdims=True)
                return dout @ self.W.T

        class Bend:
            def forward(self, x):
                self.y = np.tanh(x)
                return self.y

            def backward(self, dout):
                return dout * (1 - self.y**2)
        """,
        "* (1 - self.y**2)",
        "* (1 - self.y)",
    ),
    "a network to which layers are added": Habit(
        """
        class Layer:
            def __init__(self, n_in, n_out):
                self.w, self.b = np.random.randn(n_in, n_out), np.zeros((1, n_out))

            def forward(self, x):
                self.x, self.y = x, np.tanh(x @ self.w + self.b)
                return self.y

            def backward(self, grad, rate):
                grad = grad * (1 - self.y**2)
                back = grad @ self.w.T
                self.w -= rate * self.x.T @ grad
                self.b -= rate * grad.sum(axis=0, keepdims=True)
                return back

        class Network:
            def __init__(self):
                self.layers = []

            def add(self, layer):
                self.layers.append(layer)

            def train(self, x, y, rate):
                output = x
                for layer in self.layers:
                    output = layer.forward(output)
                grad = output - y
                for layer in reversed(self.layers):
                    grad = layer.backward(grad, rate)
        """,
        "back = grad @ self.w.T",
        "back = self.y @ self.w.T",
    ),
    "weights that a step is given and returns": Habit(
        """
        def step(W1, b1, W2, b2, X, Y, alpha):
            Z1 = W1 @ X + b1
            A1 = np.maximum(Z1, 0)
            grown = np.exp(W2 @ A1 + b2)
            A2 = grown / grown.sum(axis=0)
            dZ2 = (A2 - Y) / X.shape[1]
            dZ1 = W2.T @ dZ2 * (Z1 > 0)
            W2, b2 = W2 - alpha * dZ2 @ A1.T, b2 - alpha * dZ2.sum(axis=1, keepdims=True)
            W1, b1 = W1 - alpha * dZ1 @ X.T, b1 - alpha * dZ1.sum(axis=1, keepdims=True)
            return W1, b1, W2, b2
        """,
        "dZ2 * (Z1 > 0)",
        "dZ2",
    ),
    "lists of pairs of columns": Habit(
        """
        class Network:
            def __init__(self, sizes):
                self.weights = [np.random.randn(b, a) / 3 for a, b in zip(sizes, sizes[1:])]

            def learn(self, training_data, epochs, rate):
                for epoch in range(epochs):
                    for x, y in training_data:
                        kept = [x]
                        for weight in self.weights:
                            kept.append(np.tanh(weight @ kept[-1]))
                        off, changes = kept[-1] - y, []
                        for i in reversed(range(len(self.weights))):
                            off = off * (1 - kept[i + 1] ** 2)
                            changes.insert(0, off @ kept[i].T)
                            off = self.weights[i].T @ off
                        self.weights = [w - rate * d for w, d in zip(self.weights, changes)]
        """,
        "self.weights[i].T @ off",
        "np.abs(self.weights[i]).T @ off",
    ),
    "weights of the file that functions read": Habit(
        """
        inner, outer = np.random.randn(3, 4), np.random.randn(4, 2)

        def forward(x):
            hidden = np.tanh(x @ inner)
            return hidden, hidden @ outer

        def backward(x, hidden, output, y):
            off = (output - y) / x.shape[0]
            back = off @ outer.T * (1 - hidden**2)
            return x.T @ back, hidden.T @ off

        hidden, output = forward(np.ones((1, 3)))
        d_inner, d_outer = backward(np.ones((1, 3)), hidden, output, np.ones((1, 2)))
        """,
        "* (1 - hidden**2)",
        "* (1 - hidden)",
    ),
    "one sample at a time": Habit(
        """
        class Unit:
            def __init__(self, inputs, hidden, outputs):
                self.low, self.high = np.random.randn(hidden, inputs), np.random.randn(outputs, hidden)

            def learn(self, x, target):
                seen = np.tanh(self.low @ x)
                off = self.high @ seen - target
                back = self.high.T @ off * (1 - seen**2)
                self.high -= 0.1 * np.outer(off, seen)
                self.low -= 0.1 * np.outer(back, x)
        """,
        "* (1 - seen**2)",
        "* (1 - seen)",
    ),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=list(HABITS))
def test_the_right_definitions_agree_and_the_wrong_ones_are_found(tmp_path, habit: Habit):
    said, _ = rehearsed_right_and_wrong(tmp_path, habit)
    assert "trains nothing" in said


def test_a_file_in_which_nothing_trains_says_so(tmp_path):
    report = rehearsed(tmp_path, "def sigmoid(x):\n    return 1 / (1 + np.exp(-x))\n")
    assert report.verdict == "error"
    assert "no loop of it" in str(report)
