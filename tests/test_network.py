"""What holds of the network whatever its numbers: shapes, dtypes, keys, aliasing, NaN, and its collapse."""

import numpy as np
import pytest
import torch
from hypothesis import given

import manual
from tests.oracles import assert_agree, by_autograd, by_hand
from tests.strategies import HOSTILE, Case, cases

MODULES = pytest.mark.parametrize("module", [manual, manual.loops])
PRECISIONS = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def test_layer_shapes_are_those_of_the_notes():
    """Notes 3.2: three inputs, four hidden units, one output."""
    assert manual.layer_shapes((3, 4, 1)) == {"W1": (4, 3), "b1": (4, 1), "W2": (1, 4), "b2": (1, 1)}


@MODULES
@PRECISIONS
@given(case=cases())
def test_derivatives_have_the_shape_and_dtype_of_what_they_differentiate(module, dtype, case):
    case = case.at(dtype)
    results = by_hand(case, module)
    of = {**case.parameters, **results}
    for name, array in results.items():
        if name != "J":
            assert array.dtype == dtype
            assert array.shape == of[name.removeprefix("d")].shape
            assert array.ndim == 2


@MODULES
def test_keys_stand_in_the_order_of_the_computation(module):
    case = Case(manual.random_parameters((2, 3, 3, 1), seed=0), np.ones((2, 4)), np.ones((1, 4)), ("tanh",) * 2, "")
    cache = module.forward(case.parameters, case.X, ("tanh", "relu", "sigmoid"))
    gradients = module.backward(case.parameters, cache, case.X, case.Y, ("tanh", "relu", "sigmoid"))
    assert list(cache) == ["Z1", "A1", "Z2", "A2", "Z3", "A3"]
    assert list(gradients) == ["dZ3", "dW3", "db3", "dA2", "dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1"]


@MODULES
def test_cost_is_a_float(module):
    cache = module.forward(manual.random_parameters((2, 3, 1), seed=0), np.ones((2, 4)))
    assert type(module.cost(cache, np.ones((1, 4)))) is float


@MODULES
@given(case=cases())
def test_inputs_are_not_written_to_and_results_share_no_memory(module, case):
    given_arrays = [*case.parameters.values(), case.X, case.Y]
    for array in given_arrays:
        array.flags.writeable = False
    cache = module.forward(case.parameters, case.X, case.activations)
    for array in cache.values():
        array.flags.writeable = False
    gradients = module.backward(case.parameters, cache, case.X, case.Y, case.activations, case.loss)
    module.cost(cache, case.Y, case.activations, case.loss)
    arrays = [*given_arrays, *cache.values(), *gradients.values()]
    for index, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[index + 1 :])


@given(case=cases(pairs=(("squared_error", "identity"),), hidden=("identity",), numbers=HOSTILE))
def test_identity_layers_collapse_into_one(case):
    """Notes 3.7: W'x + b', whatever the depth. The factor is for the products of W, rounded in another order."""
    one = manual.collapse(case.parameters)
    A = manual.forward(one, case.X, ("identity",))["A1"]
    layers = len(case.activations)
    sizes = {name: np.abs(array) for name, array in case.parameters.items()}
    reach = manual.forward(sizes, np.abs(case.X), case.activations)[f"A{layers}"]  # nothing cancels here
    u, n = np.finfo(float).eps / 2, sum(array.shape[1] + 2 for array in case.parameters.values())
    deep = manual.forward(case.parameters, case.X, case.activations)[f"A{layers}"]
    assert np.all(np.abs(A - deep) <= 2 * n * u * reach)


def test_collapse_of_one_layer_is_a_copy():
    parameters = manual.random_parameters((2, 3), seed=0)
    one = manual.collapse(parameters)
    assert list(one) == ["W1", "b1"]
    assert not any(np.shares_memory(one[name], parameters[name]) for name in one)


def test_a_nonlinearity_is_needed_for_exclusive_or():
    """What 3.7 is about: no W', b' gets all four samples right, one hidden layer does."""
    X, Y = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 1.0, 0.0]])
    wrong = {}
    for g in ("identity", "tanh"):
        start = manual.random_parameters((2, 4, 1), scale=1.0, seed=1)
        trained, _ = manual.gradient_descent(start, X, Y, activations=(g, "sigmoid"), learning_rate=1.0, iterations=500)
        wrong[g] = np.sum((manual.forward(trained, X, (g, "sigmoid"))["A2"] > 0.5) != Y)
    assert wrong["identity"] > 0
    assert wrong["tanh"] == 0


def test_no_hidden_layer_is_logistic_regression():
    generator = np.random.default_rng(0)
    X, Y = generator.standard_normal((3, 8)), generator.integers(0, 2, (1, 8)).astype(float)
    case = Case(manual.random_parameters((3, 1), scale=1.0, seed=1), X, Y, ("sigmoid",), "cross_entropy")
    mine = by_hand(case)
    assert_agree(case, mine, by_autograd(case))
    assert list(mine) == ["Z1", "A1", "dZ1", "dW1", "db1", "J"]


@MODULES
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_flow_through(module, bad):
    case = Case(manual.random_parameters((2, 3, 1), scale=1.0, seed=0), np.ones((2, 3)), np.ones((1, 3)), (), "")
    case.X[0, 1] = bad
    with np.errstate(invalid="ignore"):
        cache = module.forward(case.parameters, case.X, ("relu", "identity"))
        gradients = module.backward(case.parameters, cache, case.X, case.Y, ("relu", "identity"), "squared_error")
    assert not np.any(np.isfinite(cache["A2"][:, 1]))
    assert np.all(np.isfinite(cache["A2"][:, [0, 2]]))
    assert not np.any(np.isfinite(gradients["dW1"][:, 0]))


@pytest.mark.parametrize("output", ["relu", "identity"])
def test_regression_learns_with_a_linear_and_with_a_relu_output(output):
    """Notes 3.7: linear for any target, relu for targets that are never negative."""
    X = np.linspace(-1, 1, 20).reshape(1, -1)  # (1, 20)
    activations = ("tanh", output)
    start = manual.random_parameters((1, 8, 1), scale=0.5, seed=0) | {"b2": np.ones((1, 1))}
    _, costs = manual.gradient_descent(
        start, X, X**2, activations=activations, loss="squared_error", learning_rate=0.3, iterations=1500
    )
    assert costs[-1] < costs[0] / 100


def test_torch_agrees_that_the_default_is_tanh_then_sigmoid():
    parameters, X = manual.random_parameters((2, 3, 1), scale=1.0, seed=0), np.ones((2, 4))
    W1, b1, W2, b2 = (torch.tensor(array) for array in parameters.values())
    A2 = torch.sigmoid(W2 @ torch.tanh(W1 @ torch.tensor(X) + b1) + b2)
    torch.testing.assert_close(torch.tensor(manual.forward(parameters, X)["A2"]), A2)
