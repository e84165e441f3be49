"""Notes 3.11: why W begins random, and why b need not. The notes' own example: two inputs, two hidden units."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import manual
import torch_ref

HIDDEN = pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "leaky_relu"])
X = np.array([[0.5, -1.0, 2.0, 1.5], [1.0, 0.25, -0.5, -2.0]])  # (2, 4)
Y = np.array([[1.0, 0.0, 1.0, 1.0]])  # (1, 4): more ones than zeros, or b2 would not move


def train(parameters, hidden, iterations=20):
    return manual.gradient_descent(
        parameters, X, Y, activations=(hidden, "sigmoid"), learning_rate=0.5, iterations=iterations
    )[0]


@pytest.mark.parametrize("hidden", ["tanh", "relu", "leaky_relu"])
def test_from_zeros_units_that_are_zero_at_zero_never_move(hidden):
    trained = train(manual.zero_parameters((2, 2, 1)), hidden)
    for name in ("W1", "b1", "W2"):
        np.testing.assert_array_equal(trained[name], 0, err_msg=name)
    assert trained["b2"] != 0


def test_from_zeros_sigmoid_units_move_and_stay_equal():
    trained = train(manual.zero_parameters((2, 2, 1)), "sigmoid")
    assert np.all(trained["W1"] != 0)
    assert np.all(trained["W2"] != 0)
    assert manual.symmetric_units(trained) == {1: [(1, 2)]}


@HIDDEN
def test_equal_rows_that_are_not_zero_move_and_stay_equal(hidden):
    start = {"W1": np.full((2, 2), 0.3), "b1": np.zeros((2, 1)), "W2": np.full((1, 2), 0.2), "b2": np.zeros((1, 1))}
    trained = train(start, hidden)
    assert np.all(trained["W1"] != start["W1"])
    assert manual.symmetric_units(trained) == {1: [(1, 2)]}


@HIDDEN
def test_zero_biases_are_harmless(hidden):
    start = manual.random_parameters((2, 2, 1), scale=1.0, seed=3)
    trained, costs = manual.gradient_descent(
        start, X, Y, activations=(hidden, "sigmoid"), learning_rate=0.5, iterations=200
    )
    assert np.all(trained["b1"] != 0)
    assert manual.symmetric_units(trained) == {}
    assert costs[-1] < costs[0] / 2


def test_from_zero_W1_alone_relu_trains_under_the_notes_slope_and_never_under_torchs():
    """The one place where "either will do" (3.6) is false: every pre-activation is exactly 0."""
    start = manual.random_parameters((2, 2, 1), scale=1.0, seed=0) | {"W1": np.zeros((2, 2))}
    after = {at_zero: dict(start) for at_zero in ("notes", "torch")}
    for at_zero, parameters in after.items():
        for _ in range(20):
            gradients = torch_ref.gradients(parameters, X, Y, ("relu", "sigmoid"), at_zero=at_zero)
            parameters |= {name: parameters[name] - 0.5 * gradients[f"d{name}"] for name in parameters}
    np.testing.assert_array_equal(after["torch"]["W1"], 0)
    np.testing.assert_array_equal(after["torch"]["W2"], start["W2"])
    assert np.any(after["notes"]["W1"] != 0)
    for name, array in train(start, "relu").items():
        torch.testing.assert_close(array, after["notes"][name], rtol=1e-12, atol=1e-12)


def test_random_parameters_are_normal_times_scale_with_zero_biases():
    parameters = manual.random_parameters((400, 300, 2), seed=0)
    assert {name: array.shape for name, array in parameters.items()} == manual.layer_shapes((400, 300, 2))
    assert {array.dtype for array in parameters.values()} == {np.dtype(np.float64)}
    assert np.std(parameters["W1"]) == pytest.approx(0.01, rel=0.02)  # 120,000 draws: five standard errors are 1 %
    assert np.mean(parameters["W1"]) == pytest.approx(0, abs=5 * 0.01 / np.sqrt(120_000))
    assert not parameters["b1"].any()
    assert not parameters["b2"].any()


def test_scale_may_be_one_number_a_layer():
    wide, narrow = (manual.random_parameters((3, 4, 1), scale=scale, seed=0) for scale in ((1.0, 0.01), 0.01))
    np.testing.assert_allclose(wide["W1"], 100 * narrow["W1"], rtol=1e-15)
    np.testing.assert_array_equal(wide["W2"], narrow["W2"])
    with pytest.raises(ValueError, match="scale has 3 numbers; it should be one number, or 2"):
        manual.random_parameters((3, 4, 1), scale=(1.0, 1.0, 1.0))


@given(seed=st.integers(0, 2**63))
def test_a_seed_repeats_and_a_generator_goes_on(seed):
    first, again = (manual.random_parameters((2, 3, 1), seed=seed)["W1"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    generator = np.random.default_rng(seed)
    from_generator, then = (manual.random_parameters((2, 3, 1), seed=generator)["W1"] for _ in range(2))
    np.testing.assert_array_equal(first, from_generator)
    assert np.any(then != first)


def test_zero_parameters_are_zero_in_the_right_shapes():
    parameters = manual.zero_parameters((2, 3, 1))
    assert {name: array.shape for name, array in parameters.items()} == manual.layer_shapes((2, 3, 1))
    assert not any(array.any() for array in parameters.values())


def test_symmetric_units_are_named_by_layer_and_counted_from_one():
    parameters = manual.random_parameters((2, 4, 3, 1), scale=1.0, seed=0)
    assert manual.symmetric_units(parameters) == {}
    for row in (2, 3):
        parameters["W1"][row] = parameters["W1"][row - 2]
    assert manual.symmetric_units(parameters) == {1: [(1, 3), (2, 4)]}
    parameters["b1"][2] = 1.0
    assert manual.symmetric_units(parameters) == {1: [(2, 4)]}


def test_symmetric_units_sees_through_the_layer_before():
    """Units 1 and 2 of layer 1 are one, so that only the sum of the weights to them counts in layer 2."""
    parameters = manual.zero_parameters((1, 3, 2, 1))
    parameters["W1"][:] = [[1.0], [1.0], [2.0]]
    parameters["W2"][:] = [[1.0, 2.0, 5.0], [2.0, 1.0, 5.0]]
    assert manual.symmetric_units(parameters) == {1: [(1, 2)], 2: [(1, 2)]}


def test_symmetric_units_adds_weights_up_in_one_order():
    """(0.1 + 0.2) + 0.3 is not (0.3 + 0.2) + 0.1 in floating point, but the units are the same."""
    parameters = manual.zero_parameters((1, 3, 2, 1))
    parameters["W2"][:] = [[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]]
    assert manual.symmetric_units(parameters) == {1: [(1, 2, 3)], 2: [(1, 2)]}


def test_one_layer_has_no_hidden_units():
    assert manual.symmetric_units(manual.zero_parameters((2, 3))) == {}
