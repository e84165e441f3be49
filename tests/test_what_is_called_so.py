"""Names that say another thing than they are, and what stands on the way of training and has no part in a gradient. Of
each program the right one agrees, and a mistake is found."""

import pytest

from tests.habits import Habit, agrees_and_is_found, checked, rehearsed_right_and_wrong

HABITS = {
    "an activation that keeps the gradient of what it was given as that of what it gave": Habit(
        """
        class Sigmoid:
            def forward(self, z):
                self.a = 1 / (1 + np.exp(-z))
                return self.a

            def backward(self, slope):
                self.da = slope * self.a * (1 - self.a)
                return self.da

        class Layer:
            def __init__(self, n_in, n_out):
                self.w = np.random.randn(n_out, n_in)
                self.b = np.zeros((n_out, 1))

            def forward(self, a):
                self.before = a
                return self.w @ a + self.b

            def backward(self, slope):
                self.dw = slope @ self.before.T
                self.db = np.sum(slope, axis=1, keepdims=True)
                return self.w.T @ slope

        class Network:
            def __init__(self, layers):
                self.layers = layers

            def forward(self, x):
                for layer in self.layers:
                    x = layer.forward(x)
                self.out = x
                return x

            def backward(self, y):
                slope = (self.out - y) / y.shape[1]
                for layer in reversed(self.layers):
                    slope = layer.backward(slope)

        net = Network([Layer(3, 5), Sigmoid(), Layer(5, 2), Sigmoid()])
        """,
        "self.db = np.sum(slope, axis=1, keepdims=True)",
        "self.db = np.mean(slope, axis=1, keepdims=True)",
    ),
    "a bias that starts as the whole number 0 and has a gradient for each sample": Habit(
        """
        def sigmoid(z):
            return 1 / (1 + np.exp(-z))

        def initialize(dim):
            w = np.zeros((dim, 1))
            b = 0
            return w, b

        def propagate(w, b, X, Y):
            m = X.shape[1]
            A = sigmoid(np.dot(w.T, X) + b)
            cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
            dw = np.dot(X, (A - Y).T) / m
            db = np.sum(A - Y) / m
            return {"dw": dw, "db": db}, cost
        """,
        "db = np.sum(A - Y) / m",
        "db = np.sum(A - Y, axis=0) / m",
    ),
    "steps of a layer that are added up as deltas until they are applied": Habit(
        """
        class FullyConnected:
            def __init__(self, n_in, n_out):
                self.weights = np.random.rand(n_out, n_in) - 0.5
                self.bias = np.random.rand(n_out, 1) - 0.5
                self.weight_deltas = np.zeros_like(self.weights)
                self.bias_deltas = np.zeros_like(self.bias)

            def forward(self, x):
                self.x = x
                return np.dot(self.weights, x) + self.bias

            def backprop(self, slope, lr):
                self.weight_deltas += lr * np.dot(slope, self.x.T)
                self.bias_deltas += lr * slope
                return np.dot(self.weights.T, slope)
        """,
        "self.weight_deltas += lr * np.dot(slope, self.x.T)",
        "self.weight_deltas += lr * np.dot(slope, abs(self.x.T))",
    ),
    "labels that are counted, of as many classes as the file's own outputs": Habit(
        """
        class Net:
            def __init__(self, X, Y):
                self.W1 = np.random.randn(9, 20) * 0.1
                self.b1 = np.zeros((9, 1))
                self.W2 = np.random.randn(8, 9) * 0.1
                self.b2 = np.zeros((8, 1))
                self.X, self.Y = X, Y

            def forward_prop(self, X):
                self.A1 = np.tanh(self.W1 @ X + self.b1)
                Z2 = self.W2 @ self.A1 + self.b2
                self.A2 = np.exp(Z2) / np.exp(Z2).sum(axis=0)

            def one_hot(self, y):
                return np.eye(len(np.unique(self.Y)))[y].T

            def backward_prop(self, X, y):
                dZ2 = (self.A2 - self.one_hot(y)) / y.size
                self.dW2 = dZ2 @ self.A1.T
                self.db2 = dZ2.sum(axis=1, keepdims=True)
                dZ1 = self.W2.T @ dZ2 * (1 - self.A1 ** 2)
                self.dW1 = dZ1 @ X.T
                self.db1 = dZ1.sum(axis=1, keepdims=True)
        """,
        "dZ1 = self.W2.T @ dZ2 * (1 - self.A1 ** 2)",
        "dZ1 = self.W2.T @ dZ2 * (1 - self.A1)",
    ),
    "a run that goes forward, beside a sigmoid of inputs": Habit(
        """
        class Net:
            def sigmoid(self, inputs):
                return 1 / (1 + np.exp(-inputs))

            def __init__(self, n_inputs, n_hidden, n_outputs, rate):
                self.to_hidden = np.random.randn(n_hidden, n_inputs)
                self.to_output = np.random.randn(n_outputs, n_hidden)
                self.lr = rate

            def train(self, inputs_list, targets_list):
                inputs, targets = (np.array(given, ndmin=2).T for given in (inputs_list, targets_list))
                hidden = self.sigmoid(self.to_hidden @ inputs)
                off = targets - self.to_output @ hidden
                back = self.to_output.T @ off * hidden * (1 - hidden)
                self.to_output += self.lr * off @ hidden.T
                self.to_hidden += self.lr * back @ inputs.T

            def run(self, inputs_list):
                inputs = np.array(inputs_list, ndmin=2).T
                return self.to_output @ self.sigmoid(self.to_hidden @ inputs)
        """,
        "self.to_output.T @ off * hidden * (1 - hidden)",
        "self.to_output.T @ off * hidden * (1 + hidden)",
    ),
}
PROGRAMS = {
    "plots that are taken apart, and a measure of a library that is not there": Habit(
        """
        import matplotlib_that_is_not_there.pyplot as plt
        from sklearn_that_is_not_there.metrics import accuracy_score

        class Logistic:
            def fit(self, X, y, rate=0.1, turns=100):
                self.w, self.b = np.zeros(X.shape[1]), 0.0
                for turn in range(turns):
                    p = 1 / (1 + np.exp(-(X @ self.w + self.b)))
                    self.w -= rate * X.T @ (p - y) / len(y)
                    self.b -= rate * np.mean(p - y)
                    self.right = accuracy_score(y, p > 0.5)

        X, y = np.random.randn(20, 3), np.arange(20) % 2
        print(Logistic().fit(X, y))
        """,
        "X.T @ (p - y) / len(y)",
        "X.T @ (p - y) * 2 / len(y)",
    ),
    "training that is printed": Habit(
        """
        class Prices:
            def best(self):
                for attempt in range(3):
                    self.inner, self.outer = np.random.randn(1, 4), np.random.randn(4, 1)
                    for turn in range(100):
                        hidden = np.tanh(sizes @ self.inner)
                        off = hidden @ self.outer - prices
                        cost = 0.5 * np.sum(off ** 2)
                        back = off @ self.outer.T * (1 - hidden ** 2)
                        self.outer = self.outer - 0.05 * hidden.T @ off
                        self.inner = self.inner - 0.05 * sizes.T @ back
                return cost

        sizes, prices = np.random.rand(12, 1), np.random.rand(12, 1)
        print("best", Prices().best())
        """,
        "* (1 - hidden ** 2)",
        "* (1 - hidden)",
    ),
}
PENALISED = """
    class Penalised:
        def __init__(self, rate, strength):
            self.rate, self.strength = rate, strength

        def fit(self, x, y, epochs):
            self.w, self.b = np.zeros(x.shape[1]), 0.0
            for epoch in range(epochs):
                p = np.array([1 / (1 + np.exp(-z)) for z in x @ self.w + self.b])
                loss = self.loss(y, p)
                off = p - y
                dw = x.T @ off / len(y)
                dw += self.strength * self.w
                self.w = self.w - self.rate * dw
                self.b = self.b - self.rate * np.mean(off)

        def loss(self, y, p):
            penalty = self.strength / 2 * np.sum(self.w ** 2)
            return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + penalty
"""
HANDED_OUT = """
    class Logistic:
        def __init__(self, lr=0.1):
            self.w, self.b, self.lr = None, 0.0, lr

        {cost}

        def gradient(self, x, y):
            p = 1 / (1 + np.exp(-(x @ self.w + self.b)))
            off = {off}
            return p, x.T @ off / len(y), np.mean(off)

        def predict(self, x):
            return 1 / (1 + np.exp(-(x @ self.w + self.b)))

        def fit(self, x, y):
            self.w = np.zeros((x.shape[1], 1))
            for turn in range(100):
                p, dw, db = self.gradient(x, y)
                self.w {step} self.lr * dw
                self.b {step} self.lr * db
"""
ENTROPY = """def entropy(self, p, y):
            return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))"""


@pytest.mark.parametrize("habit", HABITS)
def test_names_that_mislead_accuse_nobody_and_hide_nothing(tmp_path, habit):
    agrees_and_is_found(tmp_path, HABITS[habit])


def test_what_is_only_called_so_is_said(tmp_path):
    source = next(iter(HABITS.values())).source
    assert "is not that gradient, and others that would be made of it are right" in str(checked(tmp_path, source))


@pytest.mark.parametrize("habit", PROGRAMS)
def test_what_has_no_part_in_a_gradient_stops_no_program(tmp_path, habit):
    rehearsed_right_and_wrong(tmp_path, PROGRAMS[habit])


def test_the_penalty_of_a_cost_of_its_own_is_not_for_nothing(tmp_path):
    assert checked(tmp_path, PENALISED).verdict == "agrees"
    report = checked(tmp_path, PENALISED.replace("self.strength * self.w\n", "self.strength * self.w / len(y)\n"))
    assert report.verdict == "wrong", str(report)
    assert "The regulariser is wrong" in str(report)


@pytest.mark.parametrize(
    ("off", "step", "verdict"),
    [("p - y", "-=", "agrees"), ("y - p", "+=", "agrees"), ("y - p", "-=", "wrong")],
)
def test_gradients_that_are_handed_out_go_where_the_file_puts_them(tmp_path, off, step, verdict):
    """Up a cost of the file's own they are -1 times it; up one that is assumed they are no convention."""
    own, assumed = (checked(tmp_path, HANDED_OUT.format(cost=cost, off=off, step=step)) for cost in (ENTROPY, ""))
    assert (own.verdict, assumed.verdict) == ("scaled" if verdict == "wrong" else verdict, verdict), str(assumed)
