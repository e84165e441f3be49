"""Z, A, J and every gradient, against autograd and against the loops: any depth, activation, loss and precision."""

import numpy as np
import pytest
from hypothesis import given

import manual
from tests.oracles import assert_agree, by_autograd, by_hand
from tests.strategies import HOSTILE, cases

PRECISIONS = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@PRECISIONS
@given(case=cases())
def test_every_tensor_matches_autograd(dtype, case):
    case = case.at(dtype)
    assert_agree(case, by_hand(case), by_autograd(case))


@PRECISIONS
@given(case=cases(numbers=HOSTILE, hollow=True))
def test_hostile_networks_match_autograd(dtype, case):
    case = case.at(dtype)
    assert_agree(case, by_hand(case), by_autograd(case))


@PRECISIONS
@given(case=cases(numbers=HOSTILE, hollow=True))
def test_loops_match_the_matrix_form(dtype, case):
    case = case.at(dtype)
    assert_agree(case, by_hand(case), by_hand(case, manual.loops))
