"""Values and costs at every size of z: exact to some units in the last place, and silent."""

import warnings

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import manual
from tests.tolerance import ULPS

PRECISIONS = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def numbers(dtype):
    width = np.finfo(dtype).bits
    return st.one_of(st.floats(-800, 800, width=width), st.floats(allow_nan=False, allow_infinity=False, width=width))


def assert_within_ulps(value, exact, dtype):
    """Within `ULPS` units of roundoff of the exact number, or of the smallest subnormal ones."""
    spacing = max(float(np.spacing(dtype(abs(exact)))), float(np.finfo(dtype).smallest_subnormal))
    assert value.dtype == dtype
    assert abs(mpmath.mpf(float(value)) - exact) <= ULPS * spacing


@PRECISIONS
@given(data=st.data())
def test_sigmoid_is_exact_and_silent_for_every_finite_number(dtype, data):
    z = np.full((1, 1), data.draw(numbers(dtype)), dtype)
    with warnings.catch_warnings(), mpmath.workdps(50):
        warnings.simplefilter("error")
        a = manual.ACTIVATIONS["sigmoid"].value(z)
        t = min(max(mpmath.mpf(z.item()), -2000), 2000)
        assert_within_ulps(a[0, 0], 1 / (1 + mpmath.exp(-t)), dtype)


@PRECISIONS
@pytest.mark.parametrize("name", manual.OUTPUTS)
def test_values_and_slopes_keep_dtype_and_shape_and_are_new(name, dtype):
    Z = np.array([[-2.0, 0.0, 3.0]], dtype)
    A = manual.OUTPUTS[name](Z)
    results = [A] if name == "softmax" else [A, manual.ACTIVATIONS[name].slope(Z, A)]
    for result in results:
        assert result.dtype == dtype
        assert result.shape == Z.shape
        assert not np.shares_memory(result, Z)


@pytest.mark.parametrize("name", manual.OUTPUTS)
def test_nan_flows_through(name):
    assert np.isnan(manual.OUTPUTS[name](np.array([[np.nan], [1.0]]))[0, 0])


@PRECISIONS
def test_infinity_flows_through(dtype):
    Z = np.array([[-np.inf, np.inf]], dtype)
    expected = {"sigmoid": (0, 1), "tanh": (-1, 1), "relu": (0, np.inf), "leaky_relu": Z[0], "identity": Z[0]}
    for name, values in expected.items():
        np.testing.assert_array_equal(manual.ACTIVATIONS[name].value(Z)[0], values, err_msg=name)


@PRECISIONS
@given(z=st.floats(-1e6, 1e6, width=32), y=st.sampled_from([0.0, 0.25, 1.0]))
@example(z=1000.0, y=0.0)
@example(z=40.0, y=1.0)
def test_cost_of_a_saturated_sigmoid_is_finite_and_right(dtype, z, y):
    Z, Y = np.full((1, 1), z, dtype), np.full((1, 1), y, dtype)
    J = manual.cost({"Z1": Z, "A1": manual.OUTPUTS["sigmoid"](Z)}, Y, ("sigmoid",))
    with mpmath.workdps(50):
        exact = (max(z, 0) - mpmath.mpf(y) * z) + mpmath.log1p(mpmath.exp(-abs(mpmath.mpf(z))))  # first what cancels
        assert abs(J - exact) <= ULPS * (np.finfo(dtype).eps * (exact + abs(z) * (y == 0.25)) + np.finfo(dtype).tiny)


@PRECISIONS
@given(z=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=5), data=st.data())
def test_cost_of_a_saturated_softmax_is_finite_and_right(dtype, z, data):
    Z, label = np.array([z], dtype).T, data.draw(st.integers(0, len(z) - 1))
    A, Y = manual.OUTPUTS["softmax"](Z), np.eye(len(z), dtype=dtype)[:, [label]]
    J = manual.cost({"Z1": Z, "A1": A}, Y, ("softmax",))
    assert np.sum(A) == pytest.approx(1, abs=ULPS * float(np.finfo(dtype).eps))
    with mpmath.workdps(50):
        top = max(z)
        exact = mpmath.log(sum(mpmath.exp(mpmath.mpf(t) - top) for t in z)) + top - mpmath.mpf(z[label])
        assert abs(J - exact) <= ULPS * np.finfo(dtype).eps * (1 + exact)
