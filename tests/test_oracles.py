"""The gradients by hand, and autograd's, against answers that owe them nothing: complex steps, fifty digits, JAX."""

import numpy as np
import pytest
from hypothesis import given, settings

from tests.oracles import ANALYTIC, assert_agree, by_autograd, by_complex_step, by_hand, by_jax, by_mpmath
from tests.strategies import HIDDEN, PAIRS, cases

SMOOTH = tuple((loss, output) for loss, output in PAIRS if output in (*ANALYTIC, "softmax"))
FEW = {"layers": (1, 3), "units": (1, 3), "samples": (1, 3)}


@settings(max_examples=50)
@given(case=cases(hidden=ANALYTIC, pairs=SMOOTH, **FEW))
def test_complex_steps_agree(case):
    mine = by_hand(case)
    assert_agree(case, mine, mine | by_complex_step(case))


@settings(max_examples=25)
@given(case=cases(hidden=ANALYTIC, pairs=SMOOTH, **FEW))
def test_complex_steps_agree_with_autograd_too(case):
    theirs = by_autograd(case)
    assert_agree(case, theirs, theirs | by_complex_step(case))


@pytest.mark.filterwarnings("ignore")  # of other people's code
@settings(max_examples=8)
@given(case=cases(hidden=HIDDEN, **FEW))
def test_jax_agrees_with_autograd(case):
    """Another engine, with other formulas for every function; where it is installed."""
    pytest.importorskip("jax", reason="JAX is not installed")
    theirs = by_autograd(case)
    assert_agree(case, theirs, theirs | by_jax(case))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@settings(max_examples=25)
@given(case=cases(hidden=HIDDEN, **FEW))
def test_fifty_digits_agree(dtype, case):
    """An exact answer has no rounding of its own: the error by hand is held to one side of the bound."""
    case = case.at(dtype)
    mine = by_hand(case)
    assert_agree(case, mine, mine | by_mpmath(case), sides=1)


@settings(max_examples=25)
@given(case=cases(hidden=HIDDEN, **FEW))
def test_fifty_digits_agree_with_autograd_too(case):
    theirs = by_autograd(case)
    assert_agree(case, theirs, theirs | by_mpmath(case), sides=1)
