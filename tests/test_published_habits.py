"""Habits of published files that the examples have not: each program is small, its habit is what the test is called."""

import re
import types
from pathlib import Path

import pytest

import gradcompare

SMALL = {"examples": 6, "dtype": "float64"}

TWO_LAYERS = """
    def forward(self, X):
        self.Z1 = self.W1 @ X + self.b1
        self.A1 = np.maximum(self.Z1, 0)
        self.Z2 = self.W2 @ self.A1 + self.b2
        return self.Z2

    def backward(self, X, Y):
        dZ2 = (self.Z2 - Y) / {count}
        dZ1 = self.W2.T @ dZ2 * (self.Z1 > 0)
        self.dW1, self.db1 = dZ1 @ X.T, dZ1.sum(axis=1, keepdims=True)
        self.dW2, self.db2 = dZ2 @ self.A1.T, dZ2.sum(axis=1, keepdims=True)
"""


@pytest.fixture
def written(tmp_path: Path):
    """The path of a file with this source after `import numpy as np`."""

    def write(source: str) -> Path:
        path = tmp_path / f"subject{len(list(tmp_path.iterdir()))}.py"
        path.write_text("import numpy as np\n" + source)
        return path

    return write


@pytest.fixture
def report_on(written):
    """The report on what such a file defines."""

    def report(source: str):
        path = written(source)
        module = types.ModuleType(path.stem)
        vars(module)["__file__"] = str(path)
        exec(compile(path.read_text(), str(path), "exec"), vars(module))
        return gradcompare.check(vars(module), **SMALL)

    return report


def test_the_number_of_samples_is_given_to_the_constructor(report_on):
    start = """
class Net:
    def __init__(self, m):
        self.m = m
        self.W1, self.b1 = np.random.rand(6, 8) - 0.5, np.random.rand(6, 1)
        self.W2, self.b2 = np.random.rand(4, 6) - 0.5, np.random.rand(4, 1)
"""
    source = start + TWO_LAYERS.format(count="self.m")
    assert report_on(source).verdict == "agrees"
    assert report_on(source.replace("dZ1 @ X.T", "dZ1 @ X.T / self.m")).first_fault.name == "dW1"


LAYERS = """
class Connected:
    def __init__(self, {arguments}):
        self.weights = {draw}((inputs, neurons))
        self.bias = np.zeros((1, neurons))

    def forward(self, values):
        self.values = values
        self.outputs = values @ self.weights + self.bias

    def backward(self, dvalues):
        self.dweights = self.values.T @ dvalues
        self.dbias = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T
"""


@pytest.mark.parametrize(
    ("arguments", "draw"),
    [("inputs, neurons", "np.random.random_sample"), ("inputs, neurons, rng", "rng.standard_normal")],
    ids=["neurons are those of one layer", "a generator of random numbers"],
)
def test_what_a_layer_is_made_of(report_on, arguments, draw):
    report = report_on(LAYERS.format(arguments=arguments, draw=draw))
    assert (report.verdict, report.subject["interface"]) == ("agrees", "layers")


SOFTMAX_AND_COST = """
class SoftmaxCost:
    def forward(self, scores, y_true):
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.outputs = powers / powers.sum(axis=1, keepdims=True)
        return -np.mean(np.log(self.outputs[range(len(scores)), y_true]))

    def backward(self, dvalues, y_true):
        self.dinputs = dvalues.copy()
        self.dinputs[range(len(dvalues)), y_true] -= 1
        self.dinputs /= len(dvalues)
"""


def test_a_softmax_with_its_cost_is_given_back_what_it_keeps_as_outputs(report_on):
    layers = LAYERS.format(arguments="inputs, neurons", draw="np.random.random_sample")
    assert report_on(layers + SOFTMAX_AND_COST).verdict == "agrees"
    wrong = report_on(layers + SOFTMAX_AND_COST.replace("] -= 1", "] -= 2"))
    assert wrong.first_fault.source == "self.dinputs /= len(dvalues)"


def test_methods_of_the_class_alone(report_on):
    start = """
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.rand(n_hidden, n_in), np.random.rand(n_hidden, 1)
        self.W2, self.b2 = np.random.rand(n_out, n_hidden), np.random.rand(n_out, 1)
"""
    private = re.sub(r"(forward|backward)\(", r"__\1(", TWO_LAYERS)
    assert report_on(start + private.format(count="X.shape[1]")).verdict == "agrees"


SCRIPT = """
def one_hot(y, n):
    hot = np.zeros((len(y), n))
    hot[np.arange(len(y)), y] = 1
    return hot

X_train, X_test, y_train, y_test = split_of("flowers")
X_train_scaled, X_test_scaled = scaled(X_train), scaled(X_test)
num_classes = len(np.unique(y_train))
W1, b1 = np.random.randn(X_train.shape[1], 6), np.zeros((1, 6))
W2, b2 = np.random.randn(6, num_classes), np.zeros((1, num_classes))
tested = []
for epoch in range(2000):
    h = np.tanh(X_train_scaled @ W1 + b1)
    scores = h @ W2 + b2
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    accuracy = np.mean(p.argmax(axis=1) == y_train)
    e = p - one_hot(y_train, num_classes)
    W2, b2, before = W2 - 0.1 * h.T @ e, b2 - 0.1 * e.sum(axis=0, keepdims=True), W2
    g = e @ {weights}.T * (1 - h**2)
    W1, b1 = W1 - 0.1 * X_train_scaled.T @ g, b1 - 0.1 * g.sum(axis=0, keepdims=True)
    h_test = np.tanh(X_test_scaled @ W1 + b1)
    test_accuracy = np.mean((h_test @ W2 + b2).argmax(axis=1) == y_test)
    tested.append(test_accuracy)
"""


@pytest.mark.parametrize(("weights", "verdict"), [("before", "agrees"), ("W2", "wrong")])
def test_a_script_that_scales_its_data_and_tests_itself_in_every_turn(written, weights, verdict):
    assert gradcompare.check(written(SCRIPT.format(weights=weights)), **SMALL).verdict == verdict


WHOLE_LAYER = """
class Layer:
    def __init__(self, input_size, output_size):
        self.weights = np.random.rand(input_size + 1, output_size)

    def forward(self, values):
        self.values = np.hstack((values, np.ones((len(values), 1))))
        self.out = 1 / (1 + np.exp(-self.values @ self.weights))
        return self.out

    def backward(self, delta):
        delta = delta * self.out * (1 - self.out)
        self.delta_weights = self.values.T @ delta
        self.delta = ({delta} @ self.weights.T)[:, :-1]

    def update(self, rate):
        self.weights += rate * self.delta_weights
"""


def test_layers_with_their_activation_that_keep_the_delta_for_the_one_before(report_on):
    assert report_on(WHOLE_LAYER.format(delta="delta")).verdict == "agrees"
    wrong = report_on(WHOLE_LAYER.format(delta="(delta / self.out)"))
    assert wrong.first_fault.source.startswith("self.delta =")


@pytest.mark.parametrize(
    ("backward", "says"),
    [
        ("[(A - Y)[i] for i in xrange(len(A))]", "xrange is from Python 2"),
        ("cache('A') - Y", "'dict' object is not callable (line 11)"),
    ],
)
def test_of_all_that_fails_that_is_said_which_came_furthest(written, backward, says):
    source = f"""
def initialize(n_x, n_h, n_y):
    return {{"W1": np.ones((n_h, n_x)), "b1": np.ones((n_h, 1)), "W2": np.ones((n_y, n_h)), "b2": np.ones((n_y, 1))}}
def forward(X, parameters):
    H = np.tanh(parameters["W1"] @ X + parameters["b1"])
    A = parameters["W2"] @ H + parameters["b2"]
    return A, {{"A": A, "H": H}}
def backward(parameters, cache, X, Y):
    A = cache["A"]
    return {{"dW2": {backward} @ cache["H"].T}}
"""
    assert says in gradcompare.check(written(source), **SMALL).notes[0]


HANDED = """
class Layer:
    def __init__(self, units, inputs):
        self.kernel = np.random.random((inputs, units))

class Net:
    def __init__(self, first, second):
        self.first, self.second = first, second

    def think(self, inputs):
        hidden = 1 / (1 + np.exp(-inputs @ self.first{kernel}))
        return hidden, 1 / (1 + np.exp(-hidden @ self.second{kernel}))

    def train(self, inputs, outputs, number_of_iterations):
        for _ in range(number_of_iterations):
            hidden, out = self.think(inputs)
            delta2 = (outputs - out) * out * (1 - out)
            delta1 = delta2 @ self.second{kernel}.T * {slope}
            self.first{kernel} += inputs.T @ delta1
            self.second{kernel} += hidden.T @ delta2
"""


@pytest.mark.parametrize("kernel", [".kernel", ""], ids=["layers", "arrays"])
def test_a_constructor_that_is_handed_what_holds_the_parameters(report_on, kernel):
    right = report_on(HANDED.format(kernel=kernel, slope="hidden * (1 - hidden)"))
    assert (right.verdict, right.subject["interface"]) == ("agrees", "update-only")
    wrong = report_on(HANDED.format(kernel=kernel, slope="(1 - hidden)"))
    assert wrong.first_fault.source.startswith("delta1 =")


def test_the_slope_that_only_the_product_with_the_hidden_layer_has(report_on):
    report = report_on("""
class Net:
    def __init__(self, n_in, n_hidden, n_out, rate):
        self.rate = rate
        self.w_ih, self.w_ho = np.random.rand(n_hidden, n_in), np.random.rand(n_out, n_hidden)

    def query(self, x):
        self.h = 1 / (1 + np.exp(-self.w_ih @ x))
        self.o = 1 / (1 + np.exp(-self.w_ho @ self.h))
        return self.o

    def train(self, x, t):
        o = self.query(x)
        miss = t - o
        blame = self.w_ho.T @ miss
        self.w_ho += self.rate * (miss * o * (1 - o)) @ self.h.T
        self.w_ih += self.rate * (blame * self.h * (1 - self.h)) @ x.T
""")
    assert report.verdict == "wrong"
    assert report.first_fault.source == "blame = self.w_ho.T @ miss"
    assert {f.verdict for f in report.tensors if f.name == "dw_ho"} == {"ok"}


ADAM = """
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.W2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)
        self.m = [np.zeros_like(self.W1), np.zeros_like(self.W2)]
        self.v = [np.zeros_like(self.W1), np.zeros_like(self.W2)]
        self.t = 0

    def forward(self, X):
        self.h = np.tanh(X @ self.W1)
        self.out = self.h @ self.W2
        return self.out

    def backward(self, X, Y):
        self.t += 1
        d = (self.out - Y) / len(X)
        dW2 = self.h.T @ d
        dW1 = X.T @ (d @ {weights}.T * (1 - self.h**2))
        steps = []
        for i, g in enumerate((dW1, dW2)):
            self.m[i] = 0.9 * self.m[i] + 0.1 * g
            self.v[i] = 0.999 * self.v[i] + 0.001 * g**2
            mean, square = self.m[i] / (1 - 0.9**self.t), self.v[i] / (1 - 0.999**self.t)
            steps.append(0.001 * mean / (np.sqrt(square) + 1e-8))
        self.W1 -= steps[0]
        self.W2 -= steps[1]
"""


def test_gradients_that_the_steps_do_not_show(report_on):
    assert report_on(ADAM.format(weights="self.W2")).verdict == "agrees"
    assert report_on(ADAM.format(weights="dW2")).first_fault.name == "dW1"


def test_arguments_whose_names_mean_something_else_elsewhere(report_on):
    source = """
def cost_function(W, samples, classes):
    p = np.exp(samples @ W)
    p /= p.sum(axis=1, keepdims=True)
    T = np.eye(W.shape[1])[classes.ravel()]
    return -np.sum(T * np.log(p)) / len(samples), samples.T @ (p - T) / len(samples)
"""
    assert report_on(source).verdict == "agrees"


def test_a_loop_in_a_function_that_prepares_its_labels_and_its_samples_before(report_on):
    source = """
def softmax_regression(x, y, rate, turns):
    m, k_classes = len(y), len(set(y))
    rows = np.column_stack((np.ones(len(x)), x))
    table = np.eye(k_classes)[y]
    theta_matrix = np.zeros((rows.shape[1], k_classes))
    for i in range(turns):
        p = np.exp(rows @ theta_matrix)
        p = p / p.sum(axis=1, keepdims=True)
        rest = p - table
        theta_matrix = theta_matrix - rate * (rows.T @ rest) / {count}
        cost = -np.sum(table * np.log(p)) / m
        if cost < 1e-5:
            break
    return theta_matrix
"""
    assert report_on(source.format(count="m")).verdict == "agrees"
    assert report_on(source.format(count="k_classes")).verdict in ("scaled", "wrong")


def test_what_a_constructor_misses_is_said(written):
    source = """
from my_layers import *
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.first, self.second = Affine(n_in, n_hidden), Affine(n_hidden, n_out)
    def forward(self, X):
        return self.second.forward(self.first.forward(X))
    def backward(self, X, Y):
        self.first.backward(self.second.backward(self.forward(X) - Y))
"""
    assert "my_layers.Affine is needed here" in gradcompare.check(written(source), **SMALL).notes[0]


APPLIES = """
from helpers import column_means

class Logistic:
    def __init__(self, features, labels):
        self.kernel, self.offset = np.zeros((labels, features)), np.zeros(labels)

    def predict(self, x):
        return 1 / (1 + np.exp(-(x @ self.kernel.T + self.offset)))

    def slopes(self, x, y_true, y_pred):
        return x.T @ (y_pred - y_true) / len(x), column_means(y_pred - y_true)

    def update(self, miss_kernel, miss_offset):
        self.kernel = self.kernel - 0.1 * miss_kernel.T
        self.offset = self.offset - 0.1 * miss_offset

    def fit(self, x, y, epochs):
        for _ in range(epochs):
            self.update(*self.slopes(x, y, self.predict(x)))
"""


def test_what_applies_gradients_is_not_what_makes_them(written, report_on):
    report = gradcompare.check(written(APPLIES), **SMALL)
    assert report.verdict == "error"
    assert "helpers.column_means is needed" in report.notes[0]
    whole = APPLIES.replace("from helpers import column_means", "column_means = lambda a: np.mean(a, axis=0)")
    assert report_on(whole).verdict == "agrees"
    assert report_on(whole.replace("(y_pred - y_true) /", "y_pred /")).verdict == "wrong"
