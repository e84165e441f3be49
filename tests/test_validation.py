"""Errors teach: each names the array, what it has, what it should have, and what that usually means."""

import numpy as np
import pytest

import manual

MODULES = pytest.mark.parametrize("module", [manual, manual.loops])


def network():
    """3 inputs, 4 hidden units, 2 outputs, 5 samples: no two sizes are the same."""
    parameters = manual.random_parameters((3, 4, 2), scale=1.0, seed=0)
    return {**parameters, "X": np.ones((3, 5)), "Y": np.ones((2, 5))}


def run(module, arrays, activations=("tanh", "sigmoid"), loss="cross_entropy"):
    parameters = {name: array for name, array in arrays.items() if name not in ("X", "Y")}
    cache = module.forward(parameters, arrays["X"], activations)
    module.cost(cache, arrays["Y"], activations, loss)
    return module.backward(parameters, cache, arrays["X"], arrays["Y"], activations, loss)


SHAPES = {
    "scalar bias": ({"b2": 0}, r"b2 has shape \(\); it should be \(n, 1\) = \(2, 1\).* keepdims"),
    "rank-1 bias": ({"b1": np.zeros(4)}, r"b1 has shape \(4,\); it should be \(n, 1\) = \(4, 1\).* keepdims"),
    "bias as a row": ({"b1": np.zeros((1, 4))}, r"b1 has shape \(1, 4\); it should be \(n, 1\) = \(4, 1\)"),
    "bias over the samples": ({"b1": np.zeros((4, 5))}, r"b1 has shape \(4, 5\); it should be \(n, 1\)"),
    "transposed W1": ({"W1": np.ones((3, 4)), "b1": np.ones((3, 1))}, r"W2 has shape \(2, 4\) and W1 has .*transposed"),
    "transposed W2": ({"W2": np.ones((4, 2)), "b2": np.ones((4, 1))}, r"W2 has shape \(4, 2\) and W1 has .*transposed"),
    "samples as rows": ({"X": np.ones((5, 3))}, r"W1 has shape \(4, 3\) and X has shape \(5, 3\).* column i of X"),
    "rank-1 X": ({"X": np.ones(3)}, r"X has shape \(3,\); it should have two axes"),
    "rank-1 W": ({"W1": np.ones(3)}, r"W1 has shape \(3,\); it should have two axes"),
    "no sample": ({"X": np.ones((3, 0))}, r"X has shape \(3, 0\): no sample, m = 0"),
    "rank-1 labels": ({"Y": np.ones(5)}, r"Y has shape \(5,\); it should be \(2, 5\): .*np\.eye"),
    "transposed labels": ({"Y": np.ones((5, 2))}, r"Y has shape \(5, 2\); it should be \(2, 5\) \(it is transposed\)"),
    "one row of labels": ({"Y": np.ones((1, 5))}, r"Y has shape \(1, 5\); it should be \(2, 5\)"),
    "a stray parameter": ({"W9": np.ones((1, 1))}, r"parameters has the keys .*W9; it should have W1, b1, W2, b2"),
}


@MODULES
@pytest.mark.parametrize("case", SHAPES)
def test_wrong_shapes(module, case):
    changes, message = SHAPES[case]
    with pytest.raises(ValueError, match=message):
        run(module, network() | changes)


TYPES = {
    "integers": ({"X": np.ones((3, 5), int)}, r"X has dtype int64; it should be float64 or float32"),
    "booleans": ({"Y": np.ones((2, 5), bool)}, r"Y has dtype bool; it should be float64 or float32"),
    "complex": ({"W1": np.ones((4, 3), complex)}, r"W1 has dtype complex128; it should be"),
    "mixed parameters": ({"W2": np.ones((2, 4), np.float32)}, r"W2 has dtype float32 and W1 has float64"),
    "mixed X": (
        {"X": np.ones((3, 5), np.float32)},
        r"X has dtype float32 and W1 has float64; .*X\.astype\(W1\.dtype\)",
    ),
    "mixed Y": ({"Y": np.ones((2, 5), np.float32)}, r"Y has dtype float32 and Z2 has float64"),
    "a list": ({"X": [[1.0] * 5] * 3}, r"X is a list; it should be a NumPy array"),
    "no labels": ({"Y": None}, r"Y is a NoneType; it should be a NumPy array"),
    "a bias as a list": ({"b1": [[0.0]] * 4}, r"b1 is a list; it should be a NumPy array"),
}


@MODULES
@pytest.mark.parametrize("case", TYPES)
def test_wrong_types(module, case):
    changes, message = TYPES[case]
    with pytest.raises(TypeError, match=message):
        run(module, network() | changes)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_matrices_are_refused():
    """For np.matrix * is the matrix product, and dA * slope would be something else."""
    with pytest.raises(TypeError, match="W1 is a matrix; it should be a NumPy array, and no subclass"):
        run(manual, network() | {"W1": np.matrix(np.ones((4, 3)))})


NAMES = {
    "unknown hidden": (
        {"activations": ("swish", "sigmoid")},
        r"hidden layer 1 has the activation 'swish'; .* one of sigm",
    ),
    "unknown output": ({"activations": ("tanh", "Sigmoid")}, r"the output has the activation 'Sigmoid'; .* softmax"),
    "softmax inside": ({"activations": ("softmax", "sigmoid")}, r"hidden layer 1 has the activation 'softmax'"),
    "too few": (
        {"activations": ("sigmoid",)},
        r"activations is \('sigmoid',\); it should have one name for each of the 2",
    ),
    "too many": ({"activations": ("tanh", "tanh", "sigmoid")}, r"it should have one name for each of the 2"),
    "a string": ({"activations": "tanh"}, r"activations is 'tanh'; it should have one name for each"),
    "unknown loss": ({"loss": "hinge"}, r"the loss 'hinge' has no meaning here with the output 'sigmoid'"),
    "cross entropy of tanh": ({"activations": ("tanh", "tanh")}, r"these pairs have one: cross_entropy with sigmoid"),
    "squared softmax": (
        {"activations": ("tanh", "softmax"), "loss": "squared_error"},
        r"'squared_error' has no meaning here with the output 'softmax'",
    ),
    "labels that are no distribution": ({"activations": ("tanh", "softmax")}, r"Y has a column whose sum is not 1"),
}


@MODULES
@pytest.mark.parametrize("case", NAMES)
def test_wrong_names_and_pairs(module, case):
    options, message = NAMES[case]
    with pytest.raises(ValueError, match=message):
        run(module, network(), **options)


@MODULES
def test_a_cache_of_other_samples_or_of_another_network(module):
    arrays = network()
    parameters = {name: array for name, array in arrays.items() if name not in ("X", "Y")}
    cache = module.forward(parameters, np.ones((3, 6)))
    with pytest.raises(ValueError, match=r"Z1 has shape \(4, 6\); it should be \(4, 5\): the cache is of another"):
        module.backward(parameters, cache, arrays["X"], arrays["Y"])
    with pytest.raises(ValueError, match=r"cache has the keys Z1, A1, Z2; it should have Z1, A1"):
        module.backward(parameters, {name: cache[name] for name in ("Z1", "A1", "Z2")}, arrays["X"], arrays["Y"])
    with pytest.raises(ValueError, match=r"cache has the keys \(none\); it should have Z1, A1"):
        module.cost({}, arrays["Y"])


def test_a_cache_without_samples():
    empty = {"Z1": np.ones((1, 0)), "A1": np.ones((1, 0))}
    with pytest.raises(ValueError, match=r"Y has shape \(1, 0\): no sample, m = 0"):
        manual.cost(empty, np.ones((1, 0)), ("sigmoid",))


@pytest.mark.parametrize("function", [manual.collapse, manual.symmetric_units])
def test_parameters_that_do_not_fit(function):
    with pytest.raises(ValueError, match=r"parameters has the keys \(none\); it should have W1, b1"):
        function({})
    with pytest.raises(ValueError, match=r"W2 has shape \(2, 9\) and W1 has shape \(4, 3\)"):
        function({"W1": np.ones((4, 3)), "b1": np.ones((4, 1)), "W2": np.ones((2, 9)), "b2": np.ones((2, 1))})


@pytest.mark.parametrize("function", [manual.layer_shapes, manual.random_parameters, manual.zero_parameters])
@pytest.mark.parametrize("sizes", [(), (3,), (3, 0), (3, -1), (3, 1.0), (3, 1.5)])
def test_sizes_without_a_meaning(function, sizes):
    with pytest.raises(ValueError, match=r"sizes is \(.*\); it should be \(n_0, n_1, \.\.\., n_L\)"):
        function(sizes)
