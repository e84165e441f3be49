"""Gradient descent: the steps, the costs, the callback, and what stops it."""

import numpy as np
import pytest

import manual

X = np.array([[0.5, -1.0, 2.0], [1.0, 0.25, -0.5]])  # (2, 3)
Y = np.array([[1.0, 0.0, 1.0]])  # (1, 3)


def start(dtype=np.float64):
    return {name: array.astype(dtype) for name, array in manual.random_parameters((2, 3, 1), seed=0).items()}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("learning_rate", [0.1, np.float64(0.1)])
def test_one_step_is_parameter_minus_rate_times_gradient(dtype, learning_rate):
    parameters, x, y = start(dtype), X.astype(dtype), Y.astype(dtype)
    after, costs = manual.gradient_descent(parameters, x, y, learning_rate=learning_rate, iterations=1)
    cache = manual.forward(parameters, x)
    gradients = manual.backward(parameters, cache, x, y)
    assert costs == [manual.cost(cache, y)]
    for name, array in after.items():
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, parameters[name] - 0.1 * gradients[f"d{name}"])


def test_costs_are_those_before_each_step_and_the_callback_sees_them():
    seen = []
    _, costs = manual.gradient_descent(
        start(), X, Y, learning_rate=0.5, iterations=50, callback=lambda i, J: seen.append((i, J))
    )
    assert seen == list(enumerate(costs))
    assert len(costs) == 50
    assert costs == sorted(costs, reverse=True)


def test_no_iterations_give_a_copy_and_no_costs():
    parameters = start()
    after, costs = manual.gradient_descent(parameters, X, Y, learning_rate=0.5, iterations=0)
    assert costs == []
    for name, array in after.items():
        np.testing.assert_array_equal(array, parameters[name])
        assert not np.shares_memory(array, parameters[name])


def test_parameters_given_are_left_alone():
    parameters = start()
    for array in (*parameters.values(), X, Y):
        array.flags.writeable = False
    manual.gradient_descent(parameters, X, Y, learning_rate=0.5, iterations=3)
    for name, array in start().items():
        np.testing.assert_array_equal(parameters[name], array)


def test_a_cost_that_overflows_stops_it_with_words():
    options = {"activations": ("identity", "identity"), "loss": "squared_error", "learning_rate": 100.0}
    with pytest.raises(FloatingPointError, match=r"before step \d+, after .* learning_rate \(100\) is too large"):
        manual.gradient_descent(start(), X, Y, iterations=10_000, **options)


def test_nan_in_the_inputs_stops_it_before_the_first_step():
    calls = []
    with pytest.raises(FloatingPointError, match="the cost is nan before step 0, from the start"):
        manual.gradient_descent(
            start(), np.nan * X, Y, learning_rate=1.0, iterations=9, callback=lambda *call: calls.append(call)
        )
    assert calls == []


def test_a_scalar_bias_is_refused_before_anything_is_copied():
    """The notes' own b_2 = 0 (3.11)."""
    with pytest.raises(ValueError, match=r"b2 has shape \(\); it should be \(n, 1\) = \(1, 1\)"):
        manual.gradient_descent(start() | {"b2": 0}, X, Y, learning_rate=1.0, iterations=0)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"learning_rate": 0.0, "iterations": 1}, "learning_rate is 0.0; it should be finite and above 0"),
        ({"learning_rate": np.nan, "iterations": 1}, "learning_rate is nan"),
        ({"learning_rate": 1.0, "iterations": -1}, "iterations is -1; it should be a whole number, 0 or more"),
        ({"learning_rate": 1.0, "iterations": 1.5}, r"iterations is 1\.5"),
    ],
)
def test_a_schedule_without_a_meaning_is_refused(schedule, message):
    with pytest.raises(ValueError, match=message):
        manual.gradient_descent(start(), X, Y, **schedule)
