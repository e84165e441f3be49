"""Classes and small frameworks in the habits of their authors. Of each the right one agrees, and a mistake is found at
its line."""

import pytest

from gradcompare.interfaces import recognise
from gradcompare.loading import load
from tests.habits import Habit, agrees_and_is_found, checked

FRAMEWORK = """
class Dense:
    def __init__(self, units, width=None):
        self.units, self.width = units, width

    def start(self):
        self.W = np.random.randn(self.width, self.units) / np.sqrt(self.width)
        self.w0 = np.zeros((1, self.units))

    def ahead(self, input):
        self.input = input
        return input @ self.W + self.w0

    def back(self, delta, rate):
        W = self.W
        self.W = self.W - rate * self.input.T @ delta
        self.w0 = self.w0 - rate * delta.sum(axis=0, keepdims=True)
        return delta @ W.T

class Tanh:
    def ahead(self, input):
        self.output = np.tanh(input)
        return self.output

    def back(self, delta, rate):
        return delta * (1 - self.output**2)
"""
HABITS = {
    "a layer of its own that is given the slope of one output and looks for it": Habit(
        """
        class Shares:
            def __init__(self, width, count):
                self.table, self.shift = np.random.randn(width, count) / width, np.zeros(count)

            def forward(self, input):
                self.seen = input.flatten()
                self.sums = self.seen @ self.table + self.shift
                return np.exp(self.sums) / np.exp(self.sums).sum()

            def backprop(self, d_L_d_out, rate):
                for k, slope in enumerate(d_L_d_out):
                    if slope == 0:
                        continue
                    grown = np.exp(self.sums)
                    whole = grown.sum()
                    part = -grown[k] * grown / whole**2
                    part[k] = grown[k] * (whole - grown[k]) / whole**2
                    self.table -= rate * np.outer(self.seen, slope * part)
                    self.shift -= rate * slope * part
                    return self.table @ (slope * part)
        """,
        "part[k] = grown[k] * (whole - grown[k]) / whole**2",
        "part[k] = grown[k] * (whole - grown[k]) / whole",
    ),
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
    "a network that the file builds step by step, of layers that start when they are added": Habit(
        FRAMEWORK
        + """
class Net:
    def __init__(self, rate):
        self.layers, self.rate = [], rate

    def add(self, layer):
        if hasattr(layer, "start"):
            layer.width = layer.width or next(l.units for l in self.layers[::-1] if hasattr(l, "units"))
            layer.start()
        self.layers.append(layer)
        return self

    def forward(self, X):
        for layer in self.layers:
            X = layer.ahead(X)
        return X

    def train(self, X, Y):
        delta = (self.forward(X) - Y) / len(X)
        for layer in self.layers[::-1]:
            delta = layer.back(delta, self.rate)

def main():
    net = Net(rate=0.1)
    net.add(Dense(4, width=3)).add(Tanh())
    net.add(Dense(2))
    for epoch in range(100):
        net.train(points, values)
""",
        "(1 - self.output**2)",
        "(1 - self.output)",
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
    "settings of a module that is missing, and samples that fit standardises": Habit(
        """
        import settings

        class Classifier:
            def __init__(self, n_in=settings.WIDTH, n_classes=len(settings.NAMES), hidden=16):
                self.W1, self.b1 = np.random.randn(n_in, hidden), np.zeros(hidden)
                self.W2, self.b2 = np.random.randn(hidden, n_classes), np.zeros(n_classes)
                self.n_classes = n_classes
                self.middle, self.width = np.zeros(n_in), np.ones(n_in)

            def _scaled(self, X):
                return (X - self.middle) / self.width

            def _forward(self, X):
                self.A1 = np.tanh(X @ self.W1 + self.b1)
                e = np.exp(self.A1 @ self.W2 + self.b2)
                return e / e.sum(axis=1, keepdims=True)

            def fit(self, X, y, epochs=100, lr=0.1):
                self.middle, self.width = X.mean(axis=0), X.std(axis=0) + 1e-6
                Xs, Y = self._scaled(X), np.eye(self.n_classes)[y]
                for epoch in range(epochs):
                    P = self._forward(Xs)
                    d2 = (P - Y) / len(Xs)
                    d1 = d2 @ self.W2.T * (1 - self.A1**2)
                    self.W2 -= lr * self.A1.T @ d2
                    self.b2 -= lr * d2.sum(axis=0)
                    self.W1 -= lr * Xs.T @ d1
                    self.b1 -= lr * d1.sum(axis=0)

            def predict_proba(self, X):
                return self._forward(self._scaled(X))
        """,
        "(1 - self.A1**2)",
        "(1 - self.A1)",
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


LAYERS = """
class Layer:
    def __init__(self, n_in, n_out):
        self.weight, self.bias = np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        self.out = np.tanh(x @ self.weight + self.bias)
        return self.out

    def backward(self, grad, lr):
        grad = grad * (1 - self.out**2)
        back = grad @ self.weight.T
        self.weight -= lr * self.x.T @ grad / len(self.x)
        self.bias -= lr * grad.sum(axis=0) / len(self.x)
        return back
"""


def test_layers_do_not_take_the_mean_twice_where_their_network_is_known(tmp_path):
    network = """
class Net:
    def __init__(self):
        self.layers = []

    def add_layer(self, layer):
        self.layers.append(layer)
        return self

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def train(self, X, y, epochs=100, lr=0.1):
        for epoch in range(epochs):
            out = self.forward(X)
            loss = np.mean(np.sum((out - y) ** 2, axis=1))
            grad = 2 * (out - y)
            for layer in reversed(self.layers):
                grad = layer.backward(grad, lr)

if __name__ == "__main__":
    net = Net().add_layer(Layer(3, 5)).add_layer(Layer(5, 2))
    net.train(points, values)
"""
    assert checked(tmp_path, LAYERS + network).verdict == "agrees"
    twice = network.replace("2 * (out - y)", "2 * (out - y) / len(X)")
    assert checked(tmp_path, LAYERS + twice).verdict == "scaled"


def test_the_network_that_a_file_builds_is_preferred_to_one_of_its_layers(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("import numpy as np\n" + HABITS[next(h for h in HABITS if "step by step" in h)].source)
    program = recognise(load(path).names)
    assert program is not None
    assert len(program.parameters) == 4


TRAINER_THAT_RETURNS_WEIGHTS = Habit(
    """
    class Sorter:
        def __init__(self, n_inputs, n_outputs=3, n_hidden=9, learning_rate=0.01):
            self.W1, self.b1 = np.random.rand(n_hidden, n_inputs), np.random.rand(n_hidden, 1)
            self.W2, self.b2 = np.random.rand(n_outputs, n_hidden), np.random.rand(n_outputs, 1)
            self.learning_rate = learning_rate

        def forward_prop(self, X):
            Z1 = self.W1.dot(X) + self.b1
            A1 = np.tanh(Z1)
            Z2 = self.W2.dot(A1) + self.b2
            return Z1, A1, Z2, np.exp(Z2) / np.sum(np.exp(Z2), axis=0)

        def back_prop(self, Y, A2, Z2, A1, Z1, X):
            dZ2 = A2 - Y
            dZ1 = self.W2.T.dot(dZ2) * (1 - A1**2)
            m = X.shape[1]
            db2, db1 = np.sum(dZ2, axis=1, keepdims=True) / m, np.sum(dZ1, axis=1, keepdims=True) / m
            return dZ2.dot(A1.T) / m, db2, dZ1.dot(X.T) / m, db1

        def gradient_decent(self, X, Y, num_iterations=5000):
            for i in range(num_iterations):
                Z1, A1, Z2, A2 = self.forward_prop(X)
                dW2, db2, dW1, db1 = self.back_prop(Y, A2, Z2, A1, Z1, X)
                self.W2 -= self.learning_rate * dW2
                self.b2 -= self.learning_rate * db2
                self.W1 -= self.learning_rate * dW1
                self.b1 -= self.learning_rate * db1
            return self.W1, self.b1, self.W2, self.b2
    """,
    "self.W2.T.dot(dZ2) * (1 - A1**2)",
    "self.W2.T.dot(dZ2) * (1 - A1)",
)


def test_weights_that_a_trainer_returns_are_no_gradients(tmp_path):
    agrees_and_is_found(tmp_path, TRAINER_THAT_RETURNS_WEIGHTS)
