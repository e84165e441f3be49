"""The strategies keep their word: what a test asks for is drawn, and what it rules out is not."""

import numpy as np
import pytest
from hypothesis import find, given

import manual
from tests.oracles import by_hand
from tests.strategies import HIDDEN, HOSTILE, KINKED, PAIRS, cases, whole


@given(case=cases(hidden=KINKED, pairs=PAIRS[:2], layers=(2, 3), units=(2, 4), samples=(3, 5), numbers=HOSTILE))
def test_options_are_kept(case):
    *hidden, output = case.activations
    sizes = [case.X.shape[0], *(case.parameters[f"b{layer}"].shape[0] for layer in range(1, len(case.activations) + 1))]
    assert set(hidden) <= set(KINKED)
    assert (case.loss, output) in PAIRS[:2]
    assert 2 <= len(case.activations) <= 3
    assert all(2 <= size <= 4 for size in sizes)
    assert 3 <= case.X.shape[1] <= 5
    assert {name: array.shape for name, array in case.parameters.items()} == manual.layer_shapes(sizes)
    assert case.Y.shape == (sizes[-1], case.X.shape[1])


@given(case=cases())
def test_ordinary_cases_stay_off_the_kinks(case):
    assert all(np.all(values != 0) for name, values in by_hand(case).items() if name.startswith("Z"))


@given(case=cases(pairs=(("cross_entropy", "softmax"),)))
def test_softmax_labels_are_one_hot(case):
    np.testing.assert_array_equal(np.sort(case.Y, axis=0)[-1], 1)
    np.testing.assert_array_equal(np.sum(np.abs(case.Y), axis=0), 1)


@given(case=cases(numbers=HOSTILE))
def test_at_rounds_every_array(case):
    single = case.at(np.float32)
    assert {array.dtype for array in (*single.parameters.values(), single.X, single.Y)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", HIDDEN)
def test_every_activation_is_drawn_with_every_loss(name, pair):
    find(cases(pairs=(pair,)), lambda case: name in case.activations[:-1])


WANTED = {
    "one sample": lambda case: case.X.shape[1] == 1,
    "one unit everywhere": lambda case: all(array.shape == (1, 1) for array in case.parameters.values()),
    "no hidden layer": lambda case: len(case.activations) == 1,
    "four layers": lambda case: len(case.activations) == 4,
    "zero biases": lambda case: not any(array.any() for name, array in case.parameters.items() if name[0] == "b"),
    "a zero sample": lambda case: not case.X[:, 0].any() and case.X.any(),
    "a saturated output": lambda case: case.activations[-1] == "sigmoid" and np.any(by_hand(case)["dZ1"] == 0),
    "an exact zero at a kink": lambda case: case.activations[0] in KINKED and np.any(by_hand(case)["Z1"] == 0),
    "small numbers": lambda case: 0 < np.max(np.abs(case.X)) < 0.01,
    "large numbers": lambda case: np.max(np.abs(case.X)) > 50,
    "whole numbers": lambda case: case.X.any() and np.all(np.round(case.X) == case.X),
}


@pytest.mark.parametrize("wanted", WANTED)
def test_hostile_cases_have(wanted):
    find(cases(numbers=HOSTILE, hollow=True), WANTED[wanted])


@given(case=cases(numbers=(whole,)))
def test_whole_numbers_are_whole(case):
    assert all(np.all(array == np.round(array)) for array in (*case.parameters.values(), case.X))
