"""Networks of neurons that are dicts with lists of numbers, objects that are told by key, caches and constants for each
layer, and what may be mistaken for a gradient, a cost or a parameter. Of each the right one agrees, and a mistake is
found."""

import textwrap

import numpy as np
import pytest

import gradcompare
from gradcompare.interfaces import words
from gradcompare.interfaces.keyed_settings import settings_class
from gradcompare.tracing import stood_in
from tests.habits import Habit, agrees_and_is_found, checked, rehearsed_right_and_wrong

NEURONS = """
from math import exp
from random import random, seed

def layer(count, width):
    return [{"w": [random() for _ in range(width + 1)]} for _ in range(count)]

def forward(layers, row):
    values = row
    for units in layers:
        ahead = []
        for unit in units:
            z = unit["w"][-1]
            for i in range(len(unit["w"]) - 1):
                z += unit["w"][i] * values[i]
            unit["out"] = 1.0 / (1.0 + exp(-z))
            ahead.append(unit["out"])
        values = ahead
    return values

def back(layers, wanted):
    for k in reversed(range(len(layers))):
        for j, unit in enumerate(layers[k]):
            if k == len(layers) - 1:
                off = unit["out"] - wanted[j]
            else:
                off = sum(above["w"][j] * above["delta"] for above in layers[k + 1])
            unit["delta"] = off * unit["out"] * (1.0 - unit["out"])

def step(layers, row, rate):
    for k, units in enumerate(layers):
        values = row if k == 0 else [unit["out"] for unit in layers[k - 1]]
        for unit in units:
            for i in range(len(values)):
                unit["w"][i] -= rate * unit["delta"] * values[i]
            unit["w"][-1] -= rate * unit["delta"]

seed(3)
rows = [[0.2, 1.1, -0.7], [1.3, -0.4, 0.6], [-0.9, 0.8, 0.1]]
labels = [[1, 0], [0, 1], [1, 0]]
layers = [layer(4, 3), layer(2, 4)]
for epoch in range(50):
    sum_error = 0
    for row, wanted in zip(rows, labels):
        said = forward(layers, row)
        sum_error += sum((wanted[i] - said[i]) ** 2 for i in range(len(wanted))) / 2
        back(layers, wanted)
        step(layers, row, 0.3)
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('off * unit["out"] * (1.0 - unit["out"])', 'off * (1.0 - unit["out"])'),
        ('above["w"][j] * above["delta"]', 'above["delta"]'),
        ('unit["w"][-1] -= rate * unit["delta"]', 'unit["w"][-1] -= rate'),
    ],
    ids=["all are wrong", "those of the first layer", "the biases"],
)
def test_neurons_whose_weights_are_lists_of_numbers(tmp_path, right, wrong):
    text, report = rehearsed_right_and_wrong(tmp_path, Habit(NEURONS, right, wrong))
    assert "Assumed" not in text  # the sum of errors is its cost
    assert {"dw1_1", "dw2_2"} <= {finding.name for finding in report.tensors}
    assert {finding.shape for finding in report.tensors if finding.name == "dw1_1"} == {(4,)}


def test_rows_of_a_matrix_become_lists(tmp_path):
    """Of a matrix every part is a matrix: a list of it ends all the same."""
    of_matrix = NEURONS.replace("values = row\n", "values = np.asmatrix(row).tolist()[0]\n", 1)
    rehearsed_right_and_wrong(tmp_path, Habit(of_matrix, 'above["w"][j] * above["delta"]', 'above["delta"]'))


STATED = """
class Softmax:
    def forward(self, z, y):
        p = np.exp(z - np.max(z)) / np.sum(np.exp(z - np.max(z)))
        return p, -np.log(p[y])

class Net:
    def __init__(self, n_in, n_hidden, n_out, rate):
        self.inner = np.random.randn(n_hidden, n_in)
        self.outer = np.random.randn(n_out, n_hidden)
        self.end, self.rate = Softmax(), rate

    def forward(self, x, y):
        self.x, self.h = x, np.tanh(self.inner @ x)
        p, loss = self.end.forward(self.outer @ self.h, y)
        return p, loss

    def backward(self, y, p):
        g = p.copy()
        g[y] -= 1
        self.d_outer = np.outer(g, self.h)
        self.d_inner = np.outer(self.outer.T @ g * (1 - self.h**2), self.x)

    def mean_loss(self, X, y):
        return np.mean([self.forward(X[i], y[i])[1] for i in range(len(y))])
"""


def test_a_cost_that_forward_returns_beside_the_output_is_the_files_own(tmp_path):
    report = checked(tmp_path, STATED)
    assert report.verdict == "agrees", str(report)
    assert not report.assumed
    assert checked(tmp_path, STATED.replace("(1 - self.h**2)", "(1 - self.h)")).verdict == "wrong"


MARGIN = """
        class Margin:
            def __init__(self, rate=0.001, lambda_param=0.01, n_iters=1000):
                self.rate, self.lambda_param, self.n_iters = rate, lambda_param, n_iters

            def start(self, n_features):
                self.w, self.b = np.zeros(n_features), 0

            def decision_function(self, X):
                return X @ self.w - self.b

            def slopes(self, X, y, i):
                if y[i] * self.decision_function(X[i]) >= 1:
                    return 2 * self.lambda_param * self.w, 0
                return 2 * self.lambda_param * self.w - y[i] * X[i], y[i]

            def fit(self, X, y):
                n_samples, n_features = X.shape
                self.start(n_features)
                signs = np.where(y <= 0, -1, 1)
                for _ in range(self.n_iters):
                    for i in range(n_samples):
                        dw, db = self.slopes(X, signs, i)
                        self.w -= self.rate * dw
                        self.b -= self.rate * db
        """


@pytest.mark.parametrize("wrong", ["- X[i], y[i]", "- y[i] * X[i], -y[i]"])
def test_samples_go_one_by_one_into_another_method_and_outputs_lie_between_0_and_1_by_chance(tmp_path, wrong):
    report = checked(tmp_path, MARGIN)
    assert report.verdict == "agrees", str(report)
    assert "hinge" in report.assumed[0]
    assert checked(tmp_path, MARGIN.replace("- y[i] * X[i], y[i]", wrong)).verdict == "wrong"


HABITS = {
    "weights of a class, an object made for its data, and a cost of y that is the output": Habit(
        """
        class Xor:
            inner = np.random.rand(3, 2)
            outer = np.random.rand(1, 3)

            def __init__(self, train_X, train_Y, learning_rate, max_epochs):
                self.train_X, self.train_Y = train_X, train_Y
                self.learning_rate, self.max_epochs = learning_rate, max_epochs

            def forward_propagation(self, X):
                self.h = np.tanh(self.inner @ X)
                self.said = 1 / (1 + np.exp(-self.outer @ self.h))
                return self.said

            def cost_function(self, y):
                return 0.5 * np.sum((self.train_Y - y) ** 2)

            def backward_propagation(self):
                delta = (self.said - self.train_Y) * self.said * (1 - self.said)
                d_outer = delta @ self.h.T
                d_inner = (self.outer.T @ delta * (1 - self.h**2)) @ self.train_X.T
                return d_inner, d_outer
        """,
        "d_inner = (self.outer.T @ delta * (1 - self.h**2)) @ self.train_X.T",
        "d_inner = (self.outer.T @ delta) @ self.train_X.T",
    ),
    "settings by key, and what of them has a default": Habit(
        """
        class Net:
            def __init__(self, config):
                self.config = config
                self.W1 = np.random.randn(config["hidden_size"], config["input_size"])
                self.W2 = np.random.randn(config["output_size"], config["hidden_size"])
                self.rate = config.get("learning_rate", 0.1)

            def forward(self, X):
                self.h = np.tanh(self.W1 @ X)
                return self.W2 @ self.h

            def backward(self, X, Y):
                delta = (self.forward(X) - Y) / X.shape[1]
                dW2 = delta @ self.h.T
                dW1 = (self.W2.T @ delta * (1 - self.h**2)) @ X.T
                return dW1, dW2
        """,
        "dW1 = (self.W2.T @ delta * (1 - self.h**2)) @ X.T",
        "dW1 = (self.W2.T @ delta * (1 - self.h)) @ X.T",
    ),
    "activations and what dropout keeps, one for each layer": Habit(
        """
        class Deep:
            def __init__(self, layers_dim, activations):
                self.layers_dim, self.activations = layers_dim, activations
                self.p = {}
                for l in range(1, len(layers_dim)):
                    self.p[f"W{l}"] = np.random.randn(layers_dim[l], layers_dim[l - 1])
                    self.p[f"b{l}"] = np.zeros((layers_dim[l], 1))

            def forward(self, X, keep_prob):
                D = np.random.rand(*X.shape) < keep_prob[0]
                A = X * D / keep_prob[0]
                caches = [(A, A, D)]
                for l in range(1, len(self.layers_dim)):
                    Z = self.p[f"W{l}"] @ A + self.p[f"b{l}"]
                    A = 1 / (1 + np.exp(-Z)) if self.activations[l - 1] == "sigmoid" else np.maximum(0, Z)
                    D = np.random.rand(*A.shape) < keep_prob[l]
                    A = A * D / keep_prob[l]
                    caches.append((Z, A, D))
                return A, caches

            def backward(self, caches, Y, keep_prob):
                grads, L, m = {}, len(self.layers_dim) - 1, Y.shape[1]
                dZ = caches[L][1] - Y
                for l in reversed(range(1, L + 1)):
                    grads[f"dW{l}"] = dZ @ caches[l - 1][1].T / m
                    grads[f"db{l}"] = dZ.sum(axis=1, keepdims=True) / m
                    if l > 1:
                        dA = self.p[f"W{l}"].T @ dZ * caches[l - 1][2] / keep_prob[l - 1]
                        dZ = dA * (caches[l - 1][0] > 0)
                return grads
        """,
        'dA = self.p[f"W{l}"].T @ dZ * caches[l - 1][2] / keep_prob[l - 1]',
        'dA = self.p[f"W{l}"].T @ dZ / keep_prob[l - 1]',
    ),
}


@pytest.mark.parametrize("habit", HABITS)
def test_the_right_one_agrees_and_the_mistake_is_found(tmp_path, habit):
    agrees_and_is_found(tmp_path, HABITS[habit])


LAYERS = """
    class Sigmoid:
        def forward(self, x):
            out = 1 / (1 + np.exp(-x))
            return out, out

        def backward(self, dout, cache):
            return dout * cache * (1 - cache)

    class Leaky:
        def forward(self, x):
            out = np.maximum(0.1 * x, x)
            return out, out

        def backward(self, dout, cache):
            cache[cache > 0] = 1
            cache[cache < 0] = 0.1
            return dout * cache

    class Full:
        def __init__(self, in_feature, out_feature, weight_init_fn, bias_init_fn):
            self.W, self.b = weight_init_fn(in_feature, out_feature), bias_init_fn(out_feature)
            self.dW, self.db = np.zeros((in_feature, out_feature)), np.zeros((1, out_feature))

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b, x

        def backward(self, dout, cache):
            self.dW, self.db = cache.T @ dout, np.sum(dout, axis=0, keepdims=True)
            return dout @ self.W.T
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("dout * cache * (1 - cache)", "dout * cache * (1 + cache)"),
        ("cache[cache < 0] = 0.1", "cache[cache < 0] = 0.2"),
        ("np.sum(dout, axis=0, keepdims=True)", "np.mean(dout, axis=0, keepdims=True)"),
    ],
)
def test_what_forward_returns_beside_its_output_goes_back(tmp_path, right, wrong):
    assert LAYERS.count(right) == 1
    assert checked(tmp_path, LAYERS).verdict == "agrees"
    assert checked(tmp_path, LAYERS.replace(right, wrong)).verdict == "wrong"


MIXER = """
    class Mixer:
        def __init__(self, config):
            self.heads, self.width, self.size = config["num_heads"], config["head_dim"], config["hidden_size"]
            self.W = np.zeros((self.heads * self.width, self.size))
            self.V = np.zeros((self.size, self.heads * self.width))

        def forward(self, x):
            self.x, self.h = x, np.tanh(x @ self.W.T)
            return self.h @ self.V.T

        def backward(self, dout):
            self.dV = dout.T @ self.h
            dh = dout @ self.V * (1 - self.h**2)
            self.dW = dh.T @ self.x
            return dh @ self.W
"""


def test_a_layer_that_is_told_by_key_and_starts_at_0_is_moved_away_from_it(tmp_path):
    report = checked(tmp_path, MIXER)
    assert report.verdict == "agrees", str(report)
    assert {"dW", "dV"} <= {finding.name for finding in report.tensors}
    assert checked(tmp_path, MIXER.replace("dh.T @ self.x", "dh.T @ np.abs(self.x)")).verdict == "wrong"


BESIDE_A_GAP = """
    class Relu:
        def forward(self, z):
            return np.maximum(0, z)

        def backward(self, z):
            return np.where(z > 0, 1, 0)

    class Scale:
        def __init__(self):
            self.gamma = np.random.randn(4)

        def forward(self, x):
            self.x = x
            return self.gamma * x

        def backward(self, dout):
            self.dgamma = np.sum(dout * self.x, axis=0)
            return dout * self.gamma

    class Softmax:
        def forward(self, z):
            return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)

        def backward(self, z):
            raise NotImplementedError
"""


def test_beside_what_is_not_filled_in_a_layer_may_be_wrong(tmp_path):
    """And what gives a derivative where z is, goes back from no gradient."""
    report = checked(tmp_path, BESIDE_A_GAP)
    assert report.verdict in ("agrees", "unfinished"), str(report)
    report = checked(tmp_path, BESIDE_A_GAP.replace("return dout * self.gamma", "return dout"))
    assert report.verdict == "wrong"
    assert report.first_fault.name.startswith("dx")


TWO_COSTS = """
    def compute_loss_mse(y, X, w):
        return np.mean((y - X @ w) ** 2) / 2

    def compute_gradient_mse(y, X, w):
        return -X.T @ (y - X @ w) / len(y)

    def compute_loss_logistic(y, X, w):
        p = 1 / (1 + np.exp(-X @ w))
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    def compute_gradient_logistic(y, X, w):
        return X.T @ (1 / (1 + np.exp(-X @ w)) - y) / len(y)
"""


def test_each_gradient_goes_with_the_cost_that_is_called_like_it(tmp_path):
    path = tmp_path / "implementations.py"
    path.write_text("import numpy as np\n" + textwrap.dedent(TWO_COSTS))
    report = gradcompare.check(str(path), examples=4, dtype="float64")
    assert report.verdict == "agrees", str(report)
    assert any("agrees too" in note for note in report.notes)
    path.write_text(path.read_text().replace("(1 / (1 + np.exp(-X @ w)) - y)", "(X @ w - y)"))
    assert gradcompare.check(str(path), examples=4, dtype="float64").verdict == "wrong"


def test_a_parameter_that_its_step_replaces_is_not_decayed(tmp_path):
    """W = X.T @ delta is W minus all of W, and a step."""
    script = """
    X, y = np.random.randn(6, 3), np.random.randn(6, 2)
    W1, W2 = np.random.randn(3, 4), np.random.randn(4, 2)
    for _ in range(100):
        h = np.tanh(X @ W1)
        delta = y - h @ W2
        back = delta @ W2.T * (1 - h**2)
        W1 += X.T @ back
        W2 += h.T @ delta
    """
    assert checked(tmp_path, script).verdict == "agrees"
    report = checked(tmp_path, script.replace("+= X", "= X").replace("+= h", "= h"))
    assert report.verdict == "wrong", str(report)
    assert report.diagnosis[0]["mistake"] == "replaced"


FILLED = Habit(
    """
    import os
    import librosa

    names, rows, wanted = ["C", "G", "F"], [], []
    for name in names:
        folder = os.path.join("sounds", name)
        if not os.path.exists(folder):
            continue
        for each in os.listdir(folder):
            rows.append(np.mean(librosa.load(os.path.join(folder, each))[0]))
            hot = np.zeros(3)
            hot[names.index(name)] = 1
            wanted.append(hot)
    X = np.array(rows)
    d = np.array(wanted)
    X = X / np.max(np.abs(X), axis=0)
    W, V = np.random.uniform(-0.5, 0.5, (X.shape[1], 5)), np.random.uniform(-0.5, 0.5, (5, 3))
    total_loss = 0.0
    for epoch in range(500):
        h = np.tanh(X @ W)
        e = np.exp(h @ V)
        off = e / e.sum(axis=1, keepdims=True) - d
        total_loss += -np.sum(d * np.log(e / e.sum(axis=1, keepdims=True)))
        back = off @ V.T * (1 - h**2)
        V -= 0.1 * h.T @ off
        W -= 0.1 * X.T @ back
    """,
    "back = off @ V.T * (1 - h**2)",
    "back = off @ V.T",
)


def test_arrays_of_lists_that_stay_empty_are_samples_and_labels(tmp_path):
    """And a cost that is added up over the turns is no parameter."""
    text, report = rehearsed_right_and_wrong(tmp_path, FILLED)
    assert "with random data for X, d" in text
    assert not any("total_loss" in finding.name for finding in report.tensors)


def test_a_helper_file_in_a_folder_beside_is_found_and_images_become_rows(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "squash.py").write_text("import numpy as np\n\ndef squash(z):\n    return np.tanh(z)\n")
    source = """
    import numpy as np
    from squash import squash
    from common.util import im2col, col2im

    class Convolution:
        def __init__(self, n_channels, n_filters, stride=1, pad=0):
            self.W, self.b = np.random.randn(n_filters, n_channels, 3, 3), np.zeros(n_filters)
            self.stride, self.pad = stride, pad

        def forward(self, x):
            n, side = len(x), (x.shape[2] + 2 * self.pad - 3) // self.stride + 1
            self.x, self.columns = x, im2col(x, 3, 3, self.stride, self.pad)
            out = self.columns @ self.W.reshape(len(self.W), -1).T + self.b
            self.out = squash(out.reshape(n, side, side, -1).transpose(0, 3, 1, 2))
            return self.out

        def backward(self, dout):
            dout = dout * (1 - self.out**2)
            rows = dout.transpose(0, 2, 3, 1).reshape(-1, len(self.W))
            self.db, self.dW = rows.sum(axis=0), (self.columns.T @ rows).T.reshape(self.W.shape)
            back = rows @ self.W.reshape(len(self.W), -1)
            return col2im(back, self.x.shape, 3, 3, self.stride, self.pad)
    """
    path = tmp_path / "convolution.py"
    path.write_text(textwrap.dedent(source))
    report = gradcompare.check(str(path), examples=2, dtype="float64")
    assert report.verdict == "agrees", str(report)
    assert any("im2col" in note for note in report.notes)
    path.write_text(textwrap.dedent(source).replace("(1 - self.out**2)", "(1 - self.out)"))
    assert gradcompare.check(str(path), examples=2, dtype="float64").verdict == "wrong"


@pytest.mark.parametrize(("stride", "pad", "height", "width"), [(1, 0, 3, 3), (2, 1, 3, 2), (2, 0, 2, 2), (1, 2, 1, 3)])
def test_the_rows_of_images_and_their_transpose(stride, pad, height, width):
    generator = np.random.default_rng(0)
    images = generator.standard_normal((2, 3, 7, 6))
    rows = stood_in.im2col(images, height, width, stride, pad)
    padded = np.pad(images, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    places = [
        (n, y, x)
        for n in range(2)
        for y in range(0, padded.shape[2] - height + 1, stride)
        for x in range(0, padded.shape[3] - width + 1, stride)
    ]
    windows = [padded[n, :, y : y + height, x : x + width].ravel() for n, y, x in places]
    np.testing.assert_array_equal(rows, windows)
    other = generator.standard_normal(rows.shape)
    back = stood_in.col2im(other, images.shape, height, width, stride, pad)
    assert np.isclose(np.sum(rows * other), np.sum(images * back))


def test_what_a_constructor_reads_of_its_settings():
    class Reader:
        def __init__(self, config):
            self.width, self.depth, self.rate = config["width"], config.depth, config.get("rate", 0.1)

    found = settings_class(Reader, "config")
    assert found(width=3, depth=2) == {"width": 3, "depth": 2, "rate": 0.1}
    assert settings_class(Reader, "other") is None


@pytest.mark.parametrize(
    ("word", "role"),
    [("y_previsto", "output"), ("prediccion", "output"), ("y_real", "targets"), ("etiketler", "targets")],
)
def test_words_of_arguments_in_other_languages(word, role):
    assert words.role_of_argument(word) == role


@pytest.mark.parametrize(
    ("word", "role"),
    [("calcular_perda", "cost"), ("costo", "cost"), ("geri_yayilim", "backward"), ("ileri_yayilim", "forward")],
)
def test_words_of_functions_in_other_languages(word, role):
    assert words.role_of_function(word) == role


SPARSE = """
    def squash(z):
        return 1 / (1 + np.exp(-z))

    def divergence(rho, activity):
        return rho * np.log(rho / activity) + (1 - rho) * np.log((1 - rho) / (1 - activity))

    def penalty(sparsity_param, beta, activity):
        return beta * np.sum(divergence(sparsity_param, activity))

    def sparse_autoencoder_cost(theta, visible_size, hidden_size, lambda_, sparsity_param, beta, data):
        n = hidden_size * visible_size
        W1, W2 = theta[:n].reshape(hidden_size, visible_size), theta[n : 2 * n].reshape(visible_size, hidden_size)
        b1, b2 = theta[2 * n : 2 * n + hidden_size], theta[2 * n + hidden_size :]
        m = data.shape[1]
        a2 = squash(W1 @ data + b1[:, None])
        a3 = squash(W2 @ a2 + b2[:, None])
        activity = a2.mean(axis=1)
        cost = np.sum((a3 - data) ** 2) / (2 * m) + lambda_ / 2 * (np.sum(W1**2) + np.sum(W2**2))
        cost += penalty(sparsity_param, beta, activity)
        d3 = (a3 - data) * a3 * (1 - a3)
        sparse = beta * (-sparsity_param / activity + (1 - sparsity_param) / (1 - activity))
        d2 = (W2.T @ d3 + sparse[:, None]) * a2 * (1 - a2)
        W1grad, W2grad = d2 @ data.T / m + lambda_ * W1, d3 @ a2.T / m + lambda_ * W2
        grad = np.concatenate([W1grad.ravel(), W2grad.ravel(), d2.mean(axis=1), d3.mean(axis=1)])
        return cost, grad
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("(-sparsity_param / activity +", "(sparsity_param / activity +"), ("@ data.T / m", "@ data.T")],
)
def test_a_sparse_autoencoder_of_one_vector_that_is_told_numbers(tmp_path, right, wrong):
    assert SPARSE.count(right) == 1
    report = checked(tmp_path, SPARSE)
    assert report.verdict == "agrees", str(report)
    assert checked(tmp_path, SPARSE.replace(right, wrong)).verdict == "wrong"


TYPED = Habit(
    """
    import sys

    def read(name):
        with open(name) as file:
            table = np.array([[float(number) for number in line.split(",")] for line in file])
        return table[:, 0], table[:, 1:]

    def begin(n, k, width):
        if init_flag == 1:
            return np.random.uniform(-0.1, 0.1, (n, width)), np.random.uniform(-0.1, 0.1, (k, n))
        if init_flag == 2:
            return np.zeros((n, width)), np.zeros((k, n))

    train_y, train_x = read(sys.argv[1])
    epochs, hidden_units = int(sys.argv[2]), int(sys.argv[3])
    init_flag = int(sys.argv[4])
    rate = float(sys.argv[5])
    A, B = begin(hidden_units, 10, train_x.shape[1])
    for epoch in range(epochs):
        for x, y in zip(train_x, train_y):
            h = np.tanh(A @ x)
            e = np.exp(B @ h)
            delta = e / e.sum()
            delta[int(y)] -= 1
            back = B.T @ delta * (1 - h**2)
            B = B - rate * np.outer(delta, h)
            A = A - rate * np.outer(back, x)
    """,
    "back = B.T @ delta * (1 - h**2)",
    "back = B.T @ delta * (1 - h)",
)


def test_what_a_command_line_would_choose_is_the_first_way(tmp_path):
    text, _ = rehearsed_right_and_wrong(tmp_path, TYPED)
    assert "a file that the command line names" in text


DRAWN = """
    class Words:
        def __init__(self, vocabulary_size, embedding_dim):
            self.W_in = np.random.randn(vocabulary_size, embedding_dim) * 0.1
            self.W_out = np.random.randn(vocabulary_size, embedding_dim) * 0.1

        def train_pair(self, target, context, negative_samples, lr):
            v, u = self.W_in[target].copy(), self.W_out[context].copy()
            said = 1 / (1 + np.exp(-u @ v))
            loss = -np.log(said)
            self.W_out[context] -= lr * (said - 1) * v
            self.W_in[target] -= lr * (said - 1) * u
            for word in negative_samples:
                u = self.W_out[word].copy()
                said = 1 / (1 + np.exp(-u @ v))
                loss -= np.log(1 - said)
                self.W_out[word] -= lr * said * v
                self.W_in[target] -= lr * said * u
            return loss
"""


def test_words_that_are_drawn_are_none_of_those_that_are_given(tmp_path):
    """Whoever meets a row again meets it as it is by then, which is no mistake of the gradient's."""
    report = checked(tmp_path, DRAWN, examples=12)
    assert report.verdict == "agrees", str(report)
    assert checked(tmp_path, DRAWN.replace("lr * said * u", "lr * said * v")).verdict == "wrong"


HANDED_SLOPE = """
    class Net:
        def __init__(self, i_nodes, h_nodes, o_nodes):
            self.W1, self.W2 = np.random.randn(i_nodes, h_nodes), np.random.randn(h_nodes, o_nodes)

        def forward(self, u):
            z = u @ self.W1
            h = np.tanh(z)
            v = h @ self.W2
            return v, h, z

        def loss_mse(self, preds, targets):
            return 0.5 * np.sum((preds - targets) ** 2)

        def loss_deriv(self, preds, targets):
            return preds - targets

        def backprop(self, W1, W2, dL_dPred, U, H, Z):
            dL_dW2 = H.T @ dL_dPred
            dL_dZ = dL_dPred @ W2.T * (1 - np.tanh(Z) ** 2)
            return U.T @ dL_dZ, dL_dW2
"""


def test_the_derivative_of_the_loss_by_a_prediction_is_what_goes_back(tmp_path):
    report = checked(tmp_path, HANDED_SLOPE)
    assert report.verdict == "agrees", str(report)
    assert checked(tmp_path, HANDED_SLOPE.replace("* (1 - np.tanh(Z) ** 2)", "")).verdict == "wrong"
