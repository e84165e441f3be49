"""At exactly 0 relu and leaky_relu have no derivative: the notes take 1, PyTorch 0 and 0.01. Each is pinned here."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given

import manual
import torch_ref
import torch_ref.activations
from tests.oracles import assert_agree, by_autograd, by_hand
from tests.strategies import KINKED, Case, cases, normal, whole

TORCH_SLOPE = {"relu": 0.0, "leaky_relu": 0.01}
REGRESSION = (("squared_error", "identity"),)
PRECISIONS = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def at_kink(hidden: str) -> Case:
    """One hidden unit at exactly 0 for both samples, the first of which is zero."""
    parameters = {"W1": np.array([[1.0, 1.0]]), "b1": np.zeros((1, 1)), "W2": np.array([[3.0]]), "b2": np.ones((1, 1))}
    X, Y = np.array([[0.0, 2.0], [0.0, -2.0]]), np.array([[-1.0, -1.0]])
    return Case(parameters, X, Y, (hidden, "identity"), "squared_error")


@PRECISIONS
@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("name", KINKED)
def test_slope_at_zero_is_one_by_hand_and_in_torch_under_the_notes(name, zero, dtype):
    z = np.full((1, 1), zero, dtype)
    Z = torch.tensor(z, requires_grad=True)
    (slope,) = torch.autograd.grad(torch_ref.activations.NOTES[name](Z).sum(), Z)
    assert manual.ACTIVATIONS[name].slope(z, z).item() == slope.item() == 1


@PRECISIONS
@pytest.mark.parametrize("name", KINKED)
def test_slope_at_zero_in_torch_is_the_left_one(name, dtype):
    Z = torch.tensor(np.zeros((1, 1), dtype), requires_grad=True)
    (slope,) = torch.autograd.grad(torch_ref.activations.ACTIVATIONS[name](Z).sum(), Z)
    assert slope.item() == dtype(TORCH_SLOPE[name])


@PRECISIONS
@pytest.mark.parametrize("hidden", KINKED)
def test_conventions_differ_where_expected_and_nowhere_else(hidden, dtype):
    case = at_kink(hidden).at(dtype)
    mine, notes, torchs = by_hand(case), by_autograd(case, "notes"), by_autograd(case, "torch")
    for name in mine:
        np.testing.assert_array_equal(mine[name], notes[name], err_msg=name)
    np.testing.assert_array_equal(mine["dZ1"], mine["dA1"])
    np.testing.assert_array_equal(torchs["dZ1"], dtype(TORCH_SLOPE[hidden]) * torchs["dA1"])
    assert {name for name in mine if np.any(mine[name] != torchs[name])} == {"dZ1", "dW1", "db1"}


@given(case=cases(hidden=("relu",), pairs=REGRESSION, numbers=(whole,), samples=(4, 4)))
def test_whole_numbers_agree_to_the_last_bit_under_the_notes(case):
    """Sums of products of small whole numbers are exact, and so is a mean over four: only the convention is left."""
    exact = replace(case, Y=np.round(case.Y))
    mine, theirs = by_hand(exact), by_autograd(exact, "notes")
    for name in mine:
        np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)


@given(case=cases(hidden=KINKED, numbers=(normal(1.0),)))
def test_conventions_agree_away_from_zero(case):
    assert_agree(case, by_autograd(case, "notes"), by_autograd(case, "torch"))
