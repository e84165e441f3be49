"""The tester is tested: mistakes planted in right gradients must be found, in every kind of network they can show in.

Each row changes the gradients as the mistake would, given the case and the values; found means that the comparison of
`tests/oracles.py` names the tensor.
"""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import manual
from tests.oracles import assert_agree, by_autograd, by_hand
from tests.strategies import PAIRS, cases
from tests.tolerance import rounding

BINARY = (("cross_entropy", "sigmoid"),)
SHALLOW = {"layers": (2, 2), "units": (2, 5), "samples": (2, 6)}


def dZ1(case, v, slope):
    return (case.parameters["W2"].T @ v["dZ2"]) * slope


MISTAKES = {
    "m left out of dW2": lambda case, v: {"dW2": v["dZ2"] @ v["A1"].T},
    "m left out of db1": lambda case, v: {"db1": np.sum(v["dZ1"], axis=1, keepdims=True)},
    "db2 summed over the units too": lambda case, v: {
        "db2": np.full_like(v["db2"], np.sum(v["dZ2"]) / case.X.shape[1])
    },
    "dW1 from the samples in another order": lambda case, v: {"dW1": v["dZ1"] @ case.X[:, ::-1].T / case.X.shape[1]},
    "W2 updated before it is read": lambda case, v: {"dA1": (case.parameters["W2"] - 0.01 * v["dW2"]).T @ v["dZ2"]},
    "slope left out": lambda case, v: {"dZ1": dZ1(case, v, 1)},
    "slope at Z": lambda case, v: {"dZ1": dZ1(case, v, 1 - v["Z1"] ** 2)},
    "the other sign": lambda case, v: {"dZ2": case.Y - v["A2"]},
    "tanh's slope is 1 - a": lambda case, v: {"dZ1": dZ1(case, v, 1 - v["A1"])},
    "cost summed": lambda case, v: {"J": v["J"] * case.X.shape[1]},
    "dZ2 too long by 1e-12": lambda case, v: {"dZ2": v["dZ2"] * (1 + 1e-12)},
}


def differs(case, right, wrong):
    try:
        assert_agree(case, right, wrong)
    except AssertionError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("mistake", MISTAKES)
@settings(max_examples=30)
@given(case=cases(hidden=("tanh",), pairs=BINARY, **SHALLOW))
def test_mistake_is_found_and_named(mistake, case):
    right = by_hand(case)
    planted = MISTAKES[mistake](case, right)
    (name,) = planted
    assert differs(case, right, right | planted).startswith(f"{name} is off by")


@settings(max_examples=100)
@given(case=cases(pairs=PAIRS), data=st.data())
def test_one_entry_moved_by_a_little_more_than_the_bound_is_found(case, data):
    right = by_autograd(case)
    name = data.draw(st.sampled_from(sorted(set(right) - {"J"})))
    index = tuple(data.draw(st.integers(0, n - 1)) for n in right[name].shape)
    wrong = right[name].copy()
    wrong[index] += 2.001 * rounding(case, right)[name][index] + np.spacing(abs(wrong[index])) + 1e-300
    assert name in differs(case, right, right | {name: wrong})


@settings(max_examples=100)
@given(case=cases(hidden=("sigmoid", "tanh", "identity"), layers=(1, 3)))
def test_bounds_are_small_on_ordinary_networks(case):
    """A bound too large to fail proves nothing. Inputs and weights are near 1, which counts where entries vanish."""
    right = by_hand(case)
    for name, bound in rounding(case, right).items():
        if name in right:
            assert np.max(bound) <= 1e-11 * max(np.max(np.abs(right[name])), 1), name


@settings(max_examples=30)
@given(case=cases(hidden=("tanh",), pairs=BINARY, **SHALLOW))
def test_wrong_slope_in_the_table_is_found(case):
    """The code itself is spoilt here, not its result."""
    spoilt = manual.ACTIVATIONS["tanh"]._replace(slope=lambda z, a: 1 - (1 + 1e-9) * a * a)
    with mock.patch.dict(manual.ACTIVATIONS, tanh=spoilt):
        wrong = by_hand(case)
    assert differs(case, by_autograd(case), wrong).startswith("dZ1 is off by")
