"""Every shape is recognised from its names and by running it; layouts, labels and odd names are told apart."""

import textwrap
import types

import numpy as np
import pytest
import torch

from gradcompare import cases, losses
from gradcompare.interfaces import INTERFACES, CannotCheckError, not_recognised, paths, recognise, words
from gradcompare.tracing.numpy_on_torch import NumpyOnTorch

FORWARD = """
def {forward}({x}, {p}):
    Z1 = {x} @ {p}["{w}1"] + {p}["{b}1"]
    A1 = np.tanh(Z1)
    Z2 = A1 @ {p}["{w}2"] + {p}["{b}2"]
    return Z2, {{"Z1": Z1, "A1": A1, "Z2": Z2}}

def {backward}({p}, cache, {x}, {y}):
    dZ2 = (cache["Z2"] - {y}) / len({x})
    dZ1 = dZ2 @ {p}["{w}2"].T * (1 - cache["A1"] ** 2)
    return {{"{d}{w}1": {x}.T @ dZ1, "{d}{b}1": dZ1.sum(0), "{d}{w}2": cache["A1"].T @ dZ2, "{d}{b}2": dZ2.sum(0)}}
"""
USUAL = {"forward": "forward", "backward": "backward", "x": "X", "y": "Y", "p": "params", "w": "W", "b": "b", "d": "d"}


@pytest.fixture
def named(tmp_path):
    """The names of a file with this source."""

    def load(source: str) -> dict:
        path = tmp_path / "subject.py"
        path.write_text("import numpy as np\n" + source)
        module = types.ModuleType("subject")
        vars(module)["__file__"] = str(path)
        exec(compile(path.read_text(), str(path), "exec"), vars(module))
        return vars(module)

    return load


def fitted(names: dict, **options):
    program = recognise(names, **options)
    assert program is not None
    program.fit(0)
    return program


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"forward": "forward_propogation", "backward": "backward_propogation"},
        {"forward": "Feed_Forward", "backward": "BackProp", "x": "inputs", "y": "targets"},
        {"forward": "model_forward", "backward": "model_backward", "p": "parametres"},
        {"x": "x_train", "y": "labels", "w": "w", "p": "theta"},
        {"d": "grad_", "y": "t"},
        {"d": "", "p": "weights"},
    ],
    ids=str,
)
def test_names(named, odd):
    program = fitted(named(FORWARD.format(**USUAL | odd)))
    network = cases.draw_network((3, 5, 2), 4, 0, labels=program.networks()["labels"])
    inputs = program.inputs(network)
    w, b = (USUAL | odd)["w"], (USUAL | odd)["b"]
    assert program.parameters == [f"{w}1", f"{b}1", f"{w}2", f"{b}2"]
    assert {name: inputs[name].shape for name in program.parameters}[f"{w}1"] == (3, 5)
    assert inputs[f"{b}1"].size == 5
    assert inputs["X"].shape == (4, 3)
    claims = program.gradients(inputs)
    assert {f"d{name}" for name in program.parameters} <= set(claims)
    assert all(claims[f"d{name}"].shape == inputs[name].shape for name in program.parameters)


def test_each_call_starts_from_the_inputs_given(named):
    names = named("""
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros(n_out)
    def forward(self, X):
        self.h = np.tanh(X @ self.W1 + self.b1)
        self.out = self.h @ self.W2 + self.b2
        return self.out
    def train(self, X, y, lr=0.1):
        d = self.forward(X) - y
        e = d @ self.W2.T * (1 - self.h ** 2)
        self.W2 -= lr * self.h.T @ d
        self.b2 -= lr * d.sum(0)
        self.W1 -= lr * X.T @ e
        self.b1 -= lr * e.sum(0)
""")
    program = fitted(names)
    assert program.interface == "update-only"
    inputs = program.inputs(cases.draw_network((3, 5, 2), 4, 0, labels=program.networks()["labels"]))
    before = {name: array.copy() for name, array in inputs.items()}
    first, second = program.gradients(inputs), program.gradients(inputs)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    for name, array in inputs.items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(("rate", "expected"), [("", 1.0), ("0.1 * ", 0.1), ("self.alpha * ", 0.5)])
def test_the_learning_rate_of_code_that_only_updates(named, rate, expected):
    names = named(f"""
class Net:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        {"self.alpha = 0.01" if "alpha" in rate else "pass"}
    def forward(self, X):
        return X @ self.W
    def train(self, X, y):
        self.W -= {rate}(X.T @ (self.forward(X) - y))
""")
    program = fitted(names)
    inputs = program.inputs(cases.draw_network((3, 2), 4, 0, labels=program.networks()["labels"]))
    gradient = inputs["X"].T @ (inputs["X"] @ inputs["W"] - inputs["Y"])
    np.testing.assert_allclose(program.gradients(inputs)["dW"], gradient, rtol=1e-12)
    assert any(f"/ {expected:g}" in note for note in program.notes)


@pytest.mark.parametrize(
    ("older", "value"),
    [(False, "A1"), (True, "A1")],
)
def test_both_conventions_for_the_key_of_dA(older, value):
    from pathlib import Path

    from gradcompare.loading import load

    name = "l_layer_older_keys_right" if older else "l_layer_right"
    program = fitted(load(Path(__file__).parent.parent / "examples" / f"{name}.py").names)
    network = cases.draw_network((3, 5, 7, 1), 4, 0, labels="binary")
    claims = program.gradients(program.inputs(network))
    assert claims[f"d{value}"].shape == (5, 4)
    assert claims["dA2"].shape == (7, 4)


def test_global_names_are_restored(named):
    names = named("""
W1, b1 = np.ones((2, 3)), np.zeros((2, 1))
def forward(X):
    return W1 @ X + b1
def backward(X, Y):
    m = X.shape[1]
    d = forward(X) - Y
    return d @ X.T / m, d.sum(axis=1, keepdims=True) / m
""")
    kept = names["W1"]
    program = fitted(names)
    assert program.interface == "global-weights"
    program.gradients(program.inputs(cases.draw_network((3, 2), 4, 0, labels="one_hot")))
    assert names["W1"] is kept


def test_an_assert_that_forbids_several_outputs_is_respected(named):
    source = FORWARD.format(**USUAL).replace("    return Z2,", "    assert Z2.shape == (X.shape[0], 1)\n    return Z2,")
    program = fitted(named(source))
    assert program.networks()["outputs"] == 1
    assert any("one output" in note for note in program.notes)


def test_what_cannot_run_says_so(named):
    source = FORWARD.format(**USUAL).replace("np.tanh(Z1)", "np.tanhh(Z1)")
    program = recognise(named(source))
    assert program is not None
    with pytest.raises(CannotCheckError, match="tanhh"):
        program.fit(0)


def test_nothing_recognised_offers_the_adapter(named):
    names = named("def frobnicate(a):\n    return a\n")
    assert recognise(names) is None
    says = not_recognised(names)
    assert "frobnicate" in says
    assert "def gradients(parameters, X, Y)" in says


def test_an_engine_of_its_own_is_told_so(named):
    source = """\
    from numpy import *
    class Value:
        def __init__(self, data, made_of=()):
            self.data, self.made_of, self.grad = data, made_of, 0.0
        def __add__(self, other):
            return Value(self.data + other.data, (self, other))
        def backward(self):
            self.grad = 1.0
    """
    names = named(textwrap.dedent(source))
    assert recognise(names) is None
    says = not_recognised(names)
    assert "Value differentiates by itself" in says
    assert "triu_indices" not in says


def test_a_framework_is_told_that_it_differentiates_by_itself(named):
    names = named("import torch.nn as nn\nclass Net(nn.Module):\n    pass\n")
    assert "computes with torch" in not_recognised(names)


def test_a_file_without_numpy_is_told_so():
    assert "The file uses no NumPy" in not_recognised({"step": lambda network, row: None})
    assert "The file uses no NumPy" not in not_recognised({"np": np})


def test_every_row_has_a_skeleton():
    assert all("def " in row.skeleton or "for " in row.skeleton for row in INTERFACES.values())
    with pytest.raises(KeyError):
        recognise({}, "nothing like it")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("L_model_forward", "forward"),
        ("feedfoward", "forward"),
        ("linear_backward", None),
        ("backprop", "backward"),
        ("compute_cost", "cost"),
        ("cost_derivative", "slope_of_cost"),
        ("numerical_gradient", "ignored"),
        ("initialize_parameters_deep", "initialise"),
        ("train_step", "update"),
    ],
)
def test_roles_of_functions(name, role):
    assert words.role_of_function(name) == role


def test_paths():
    tree = {"layers": [types.SimpleNamespace(W=np.ones(2)), types.SimpleNamespace(W=np.ones(3))], "pair": (1.0, [2.0])}
    assert [paths.label(path) for path, _ in paths.walk(tree)] == ["W1", "W2", "pair1", "pair1"]
    for path, array in list(paths.walk(tree)):
        tree = paths.put(tree, path, array * 2)
    assert tree["pair"] == (2.0, [4.0])
    assert tree["layers"][1].W.tolist() == [2.0, 2.0, 2.0]


def test_losses_of_one_sample_and_the_other_way_up():
    output = np.array([0.2, 0.5])
    assert losses.count(output, 1) == 1
    assert losses.target(np.array(1), output, 1).tolist() == [0.0, 1.0]
    assert losses.target(np.ones((4, 2)), np.ones((2, 4)), 1).shape == (2, 4)
    assert losses.fitting(np.array(0.3), 0) == []


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["W1", "b1", "W2", "b2", "X"], [("W1", "b1"), ("W2", "b2")]),
        (["W", "b", "W2", "b2"], [("W", "b"), ("W2", "b2")]),
        (["x", "w_h", "b_h", "w_o", "b_o"], [("w_h", "b_h"), ("w_o", "b_o")]),
        (["hidden_w", "hidden_b", "out_w", "out_b"], [("hidden_w", "hidden_b"), ("out_w", "out_b")]),
        (["wih", "who", "lr"], [("wih", ""), ("who", "")]),
        (["weight_decay", "weights", "w_h"], []),
        (["X", "y", "w", "b"], []),
    ],
)
def test_layers_with_numbers_and_with_names(names: list[str], pairs: list[tuple[str, str]]):
    assert words.parameter_pairs(names) == pairs


def test_functions_in_another_language_are_told_by_what_they_take_and_return(named):
    renamed = USUAL | {"forward": "vorwaerts", "backward": "rueckwaerts"}
    program = fitted(named(FORWARD.format(**renamed)))
    assert [f.__name__ for f in program.functions] == ["vorwaerts", "rueckwaerts"]
    assert program.complete


UPDATES = """
def step(W1, dW1, lr):
    W1 {sign}= lr * dW1
    return W1
"""


@pytest.mark.parametrize(("sign", "expected"), [("+", -1), ("-", 1)])
def test_the_update_says_which_sign_gradients_have(named, sign: str, expected: int):
    program = fitted(named(FORWARD.format(**USUAL) + UPDATES.format(sign=sign)))
    assert program.sign == expected


def test_a_constructor_that_fails_is_said_without_the_name_of_a_class_of_ours(named):
    names = named("class Net:\n    def __init__(self, n_in, n_out):\n        raise ValueError('no')\n" + METHODS)
    with pytest.raises(CannotCheckError, match="what makes its parameters stopped with ValueError: no") as stopped:
        fitted(names)
    assert "Error:" not in str(stopped.value).replace("ValueError:", "")


METHODS = """
    def forward(self, X):
        return X

    def backward(self, X, y):
        return X
"""


LOOP = """
n_h, lr = 4, 0.1
def fresh(a, b):
    return np.random.randn(a, b)

{before}
{indent}for epoch in range(1000):
{indent}    {hidden}
{indent}    error = A1 @ W2 + b2 - y
{indent}    if epoch % 100 == 0:
{indent}        print(np.mean(error ** 2))
{indent}    delta = error @ W2.T * (1 - A1 ** 2)
{indent}    W2 -= lr * A1.T @ error
{indent}    b2 -= lr * error.sum(axis=0)
{indent}    W1 -= lr * X.T @ delta
{indent}    b1 = b1 - lr * delta.sum(axis=0)
"""


@pytest.mark.parametrize(
    "where",
    [
        {"before": "X, y, W1, b1, W2, b2 = [np.ones((0, 2))] * 6", "indent": ""},
        {
            "before": "def run(X, y):\n    W1, b1 = fresh(X.shape[1], n_h), 0\n    W2, b2 = fresh(n_h, 1), 0",
            "indent": "    ",
        },
    ],
    ids=["in a script", "in a function"],
)
@pytest.mark.parametrize("hidden", ["A1 = np.tanh(X @ W1 + b1)", "A1 = X.dot(W1); A1 += b1; A1 = np.tanh(A1)"])
def test_a_turn_of_a_training_loop_is_a_step(named, where, hidden):
    source = LOOP.replace("range(1000)", "range(0)" if not where["indent"] else "range(1000)")
    program = fitted(named(source.format(hidden=hidden, **where)))
    assert program.interface == "training-loop"
    assert program.parameters == ["W1", "b1", "W2", "b2"]
    inputs = program.inputs(cases.draw_network((3, 5, 2), 4, 0, labels="one_hot"))
    output, _ = program.forward(inputs)
    A1 = np.tanh(inputs["X"] @ inputs["W1"] + inputs["b1"])
    np.testing.assert_allclose(output, A1 @ inputs["W2"] + inputs["b2"])
    np.testing.assert_allclose(program.gradients(inputs)["dW2"], A1.T @ (output - inputs["Y"]), rtol=1e-12)


def test_a_method_that_trains_for_as_long_as_it_likes_is_taken_one_turn_at_a_time(named):
    names = named("""
class Neuron:
    def __init__(self):
        self.w1, self.w2, self.b = np.random.normal(), np.random.normal(), np.random.normal()
    def feedforward(self, x):
        return np.tanh(self.w1 * x[0] + self.w2 * x[1] + self.b)
    def train(self, data, all_y_trues):
        learn_rate = 0.1
        epochs = 1000
        for epoch in range(epochs):
            for x, y_true in zip(data, all_y_trues):
                out = self.feedforward(x)
                d = (out - y_true) * (1 - out ** 2)
                self.w1 -= learn_rate * d * x[0]
                self.w2 -= learn_rate * d * x[1]
                self.b -= learn_rate * d
""")
    program = fitted(names)
    inputs = program.inputs(cases.draw_network((2, 1), 1, 0, labels="binary"))
    out = np.tanh(inputs["w1"] * inputs["X"][0] + inputs["w2"] * inputs["X"][1] + inputs["b"])
    slope = (out - inputs["Y"]) * (1 - out**2)
    assert program.interface == "training-loop"
    np.testing.assert_allclose(program.gradients(inputs)["dw2"], slope * inputs["X"][1], rtol=1e-9)


def test_parameters_that_a_function_takes_apart(named):
    names = named("""
def nn(params, X, y, grad=True):
    W1, b1, W2, b2 = params
    H = np.tanh(X @ W1 + b1)
    d = H @ W2 + b2 - y
    loss = 0.5 * np.sum(d ** 2)
    if not grad:
        return loss
    e = d @ W2.T * (1 - H ** 2)
    return loss, [X.T @ e, e.sum(0), H.T @ d, d.sum(0)]
""")
    program = fitted(names)
    assert program.complete
    assert program.parameters == ["W1", "b1", "W2", "b2"]


def test_functions_that_are_given_an_object(named):
    names = named("""
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.W2 = np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)

def forward(net, X):
    net.H = np.tanh(X @ net.W1)
    return net.H @ net.W2

def backward(net, X, y):
    d = forward(net, X) - y
    return {"W1": X.T @ (d @ net.W2.T * (1 - net.H ** 2)), "W2": net.H.T @ d}
""")
    program = fitted(names)
    assert program.complete
    assert program.parameters == ["W1", "W2"]


def test_layers_as_pairs_of_functions_are_all_checked(named):
    names = named("""
def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)
def affine_backward(dout, cache):
    x, w, b = cache
    return dout.dot(w.T), x.T @ dout, dout.sum(axis=0)
def relu_forward(x):
    return np.maximum(x, 0), x
def relu_backward(dout, cache):
    return dout * (cache > 0)
def softmax_loss(x, y):
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    dx = p.copy()
    dx[np.arange(len(x)), y] -= 1
    return -np.log(p[np.arange(len(x)), y]).mean(), dx / len(x)
""")
    program = fitted(names)
    assert program.interface == "function-layers"
    assert program.parameters == ["x_affine", "w_affine", "b_affine", "x_relu", "x_softmax_loss"]
    assert program.complete
    network = cases.draw_network((3, 2), 4, 0, labels="one_hot")
    inputs = {name: torch.from_numpy(array) for name, array in program.inputs(network).items()}
    traced = NumpyOnTorch(program.gradients, reaching=program.functions)(inputs)
    assert traced["dw_affine"].shape == inputs["w_affine"].shape


def test_the_cost_of_layers_is_worked_out_without_their_gradients(named):
    """To trace the backward pass and to differentiate it takes longer than all else."""
    names = named("""
TURNS = []
def scale_forward(x, w):
    return x * w, (x, w)
def scale_backward(dout, cache):
    TURNS.append("back")
    x, w = cache
    return dout * w, (dout * x).sum(axis=0)
""")
    program = fitted(names)
    inputs = program.inputs(cases.draw_network((3, 2), 4, 0, labels="one_hot"))
    names["TURNS"].clear()
    output, _ = program.forward(inputs)
    program.cost(inputs, output)
    assert not names["TURNS"]
    program.gradients(inputs)
    assert names["TURNS"]


def test_what_is_returned_under_a_parameters_name_is_its_gradient_whatever_else_is_stored(named):
    names = named("""
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.params = {"W1": np.random.randn(n_in, n_hidden), "b1": np.zeros(n_hidden),
                       "W2": np.random.randn(n_hidden, n_out), "b2": np.zeros(n_out)}
    def predict(self, x):
        self.H = np.tanh(x @ self.params["W1"] + self.params["b1"])
        return self.H @ self.params["W2"] + self.params["b2"]
    def gradient(self, x, t):
        d = self.predict(x) - t
        e = d @ self.params["W2"].T * (1 - self.H ** 2)
        self.db1, self.db2 = e.sum(0), d.sum(0)
        return {"W1": x.T @ e, "b1": self.db2, "W2": self.H.T @ d, "b2": self.db2}
""")
    program = fitted(names)
    inputs = program.inputs(cases.draw_network((3, 5, 2), 4, 0, labels="one_hot"))
    assert program.gradients(inputs)["db1"].shape == (2,)


def test_arrays_that_are_updated_and_returned_are_no_gradients(named):
    names = named("""
def predict(x, w1, w2):
    return np.tanh(x @ w1) @ w2
def back_prop(x, y, w1, w2, alpha):
    h = np.tanh(x @ w1)
    d = h @ w2 - y
    w1_adj = x.T @ (d @ w2.T * (1 - h ** 2))
    w2_adj = h.T @ d
    w1 = w1 - alpha * w1_adj
    w2 = w2 - alpha * w2_adj
    return w1, w2
""")
    program = fitted(names)
    inputs = program.inputs(cases.draw_network((3, 5, 2), 4, 0, labels="one_hot"))
    h = np.tanh(inputs["X"] @ inputs["w1"])
    expected = h.T @ (h @ inputs["w2"] - inputs["Y"])
    np.testing.assert_allclose(program.gradients(inputs)["dw2"], expected, rtol=1e-9)


PARTS = """
def affine_forward(x, w, b):
    return x @ w + b, (x, w)

def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)

def squared(out, y):
    return 0.5 * np.sum((out - y) ** 2) / len(y), (out - y) / len(y)

class Net:
    def __init__(self, input_dim=12, hidden_dim=5, num_classes=3):
        self.params = {"W1": np.random.randn(input_dim, hidden_dim), "b1": np.zeros(hidden_dim),
                       "W2": np.random.randn(hidden_dim, num_classes), "b2": np.zeros(num_classes)}

    def METHOD(self, X, y):
        p = self.params
        h, cache1 = affine_forward(X, p["W1"], p["b1"])
        out, cache2 = affine_forward(h, p["W2"], p["b2"])
        loss, dout = squared(out, y)
        dh, dW2, db2 = affine_backward(dout, cache2)
        _, dW1, db1 = affine_backward(dh, cache1)
        return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
"""


@pytest.mark.parametrize("method", ["loss", "_loss_grad"])
def test_a_class_made_of_the_files_functions_is_the_program_and_its_own_cost_counts(named, method: str):
    program = fitted(named(PARTS.replace("METHOD", method)))
    assert (program.interface, program.has_cost) == ("loss-and-gradients", True)
    assert set(program.parameters) == {"W1", "b1", "W2", "b2"}


def test_layers_that_are_told_the_width_of_their_inputs_later(named):
    names = named("""
SLOPES = {"linear": (lambda z: z, np.ones_like), "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2)}
class Dense:
    def __init__(self, units, activation="linear"):
        self.units, (self.g, self.slope) = units, SLOPES[activation]
    def build(self, n):
        self.W, self.b = np.random.randn(n, self.units), np.zeros(self.units)
    def forward(self, x):
        self.x, self.z = x, x @ self.W + self.b
        return self.g(self.z)
    def backward(self, grad):
        delta = grad * self.slope(self.z)
        self.dW, self.db = self.x.T @ delta, delta.sum(axis=0)
        return delta @ self.W.T
""")
    program = fitted(names)
    assert program.interface == "layers"
    assert program.found.layout.activation == "tanh"


def test_that_a_cost_counts_samples_does_not_make_the_gradients_those_of_several(named):
    names = named("""
class Net:
    def __init__(self, sizes):
        self.weights = [np.random.randn(n, k) for k, n in zip(sizes, sizes[1:])]
        self.biases = [np.zeros((n, 1)) for n in sizes[1:]]
    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases):
            a = np.tanh(w @ a + b)
        return a
    def cost(self, out, y):
        return 0.5 * np.sum((out - y) ** 2) / y.shape[1]
    def backprop(self, x, y):
        activations = [x]
        for w, b in zip(self.weights, self.biases):
            activations.append(np.tanh(w @ activations[-1] + b))
        delta = (activations[-1] - y) * (1 - activations[-1] ** 2)
        nabla_b, nabla_w = [delta], [delta @ activations[-2].T]
        for l in range(2, len(activations)):
            delta = self.weights[-l + 1].T @ delta * (1 - activations[-l] ** 2)
            nabla_b.insert(0, delta)
            nabla_w.insert(0, delta @ activations[-l - 1].T)
        return nabla_b, nabla_w
""")
    assert fitted(names).networks()["samples"] == (1, 1)


KEYED = """
params = {"W1": np.ones((0, 2)), "b1": np.ones((0, 2))}
for start in range(0):
    xb, yb = X[start:start + 8], Y[start:start + 8]
    A = xb @ params["W1"] + params["b1"]
    J = ((A - yb) * (A - yb)).dot(np.ones(A.shape[1])) @ np.ones(len(A))
    dZ = 2 * (A - yb)
    params["W1"] -= 0.5 * xb.T @ dZ
    params["b1"] -= 0.5 * dZ.sum(axis=0)
"""


def test_a_loop_over_batches_with_its_parameters_in_a_dict_and_a_cost_of_its_own(named):
    program = fitted(named("X = Y = None" + KEYED))
    assert program.parameters == ["W1", "b1"]
    assert program.has_cost
    inputs = program.inputs(cases.draw_network((3, 2), 4, 0, labels="one_hot"))
    output = inputs["X"] @ inputs["W1"] + inputs["b1"]
    assert float(program.cost(inputs, program.forward(inputs)[0])) == pytest.approx(np.sum((output - inputs["Y"]) ** 2))
