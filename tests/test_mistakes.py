"""The verdict is tested: every mistake of the catalogue is found, and placed where it was made."""

import math
import random
from collections import Counter
from functools import cache

import numpy as np
import pytest

from gradcompare import compare, numpy_on_torch
from tests.mistakes import MISTAKES, TENSORS
from tests.planting import Outcome, Plant, outcome_of, plants

SAMPLE, PARTS = 120, 6
"""How many of the plants the ordinary tests try, and in how many tests."""
NO_NUMBER = ("one NaN", "one infinity")
"""Of code whose rounding is followed, what is no number may be an overflow: then it is undecided, and never agrees."""
RARE = 0.01
"""The part of the mistakes in opaque code that a stand-in for its rounding may leave undecided."""


def check(outcome: Outcome) -> str:
    """The class that a plant falls into; AssertionError where the verdict on it is wrong."""
    plant, verdict = outcome.planted.plant, outcome.report.verdict
    if not outcome.changed and plant.mistake.cost is None:
        assert verdict in ("agrees", "undecided"), f"{plant}: nothing was changed, and it is {verdict}"
        return "changes nothing"
    beyond = outcome.beyond_rounding
    if plant.name in NO_NUMBER:
        assert verdict in ("wrong", "undecided"), f"{plant}: {verdict}"
    if beyond and outcome.traced:
        assert outcome.found, f"{plant}: {verdict}"
    elif beyond:
        assert verdict != "agrees", f"{plant}: {verdict}"
    if outcome.found:
        assert not outcome.misplaced, f"{plant}: {outcome.misplaced}"
        return "found and placed"
    return "undecided, opaque" if beyond else "within rounding"


def count(some: list[Plant]) -> Counter[str]:
    outcomes = [outcome_of(plant) for plant in some]
    counted = Counter("cannot be made" if outcome is None else check(outcome) for outcome in outcomes)
    print(dict(counted))
    return counted


@cache
def shuffled() -> list[Plant]:
    every = list(plants())
    random.Random(0).shuffle(every)
    return every


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("part", range(PARTS))
def test_planted_mistakes_are_found_and_placed(part):
    counted = count(shuffled()[part:SAMPLE:PARTS])
    assert counted["found and placed"] > 10
    assert counted["undecided, opaque"] == 0


@pytest.mark.long
@pytest.mark.parametrize("part", range(24))
def test_the_whole_catalogue_is_found_and_placed(part):
    counted = count(list(plants())[part::24])
    assert counted["found and placed"] > 250
    assert counted["undecided, opaque"] <= RARE * counted["found and placed"]


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_can_be_made_and_is_found(name):
    """Once, in some network: a row that never applies, or never changes anything, would prove nothing."""
    for plant in (plant for plant in shuffled() if plant.name == name):
        outcome = outcome_of(plant, traced=False)
        if outcome is not None and outcome.beyond_rounding:
            assert check(outcome) == "found and placed"
            return
    pytest.fail("it cannot be made, or never lies beyond rounding")


def test_the_catalogue_covers_every_tensor():
    edited = {name for plant in plants() for name in plant.tensors}
    assert {name.rstrip("0123456789") for name in edited} == set(TENSORS)
    assert {"Z1", "Z4", "A4", "dZ4", "dZ1", "dA3", "dW4", "db1", "J"} <= edited


def relu_with_positive_units(inputs):
    Z = inputs["W"] @ inputs["X"] + 100
    return np.sum(np.maximum(Z, 0)) / inputs["X"].shape[1]


HIDDEN_MISTAKES = {
    "a lost mask where all Z > 0": lambda i: {"dW": np.ones((2, 4)) @ i["X"].T / 4},
    "1/m twice and once by hand": lambda i: {"dW": (np.ones((2, 4)) / 4) @ i["X"].T},
}


@pytest.mark.parametrize("name", HIDDEN_MISTAKES)
def test_what_changes_nothing_is_no_mistake(name):
    generator = np.random.default_rng(0)
    inputs = {"W": generator.standard_normal((2, 3)), "X": generator.standard_normal((3, 4))}
    assert compare(numpy_on_torch(relu_with_positive_units), HIDDEN_MISTAKES[name], inputs).verdict == "agrees"


# ---- a graph that is cut ---------------------------------------------------------------------------------------------


def power(x):
    return x**0.5


CUTS = {
    "math.sqrt": lambda s: math.sqrt(s),
    ".item()": lambda s: power(s.item()),
    "float()": lambda s: power(float(s)),
    "np.array([...])": lambda s: power(np.array([s])[0]),
    ".tolist()": lambda s: power(sum(np.reshape(s, (1,)).tolist())),
    "a number of NumPy's": lambda s: np.float64(0.5) * power(4 * s),
    "text": lambda s: power(float(repr(float(s)))),
    "np.frompyfunc": lambda s: power(np.frompyfunc(lambda x: x, 1, 1)(s)),
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("factor", [1, 1.001])
def test_a_cut_in_the_graph_accuses_nobody_and_hides_nothing(cut, factor):
    def cost(inputs):
        return CUTS[cut](np.sum(inputs["W"] ** 2))

    def subject(inputs):
        return {"dW": factor * inputs["W"] / np.sqrt(np.sum(inputs["W"] ** 2))}

    report = compare(numpy_on_torch(cost), subject, {"W": np.random.default_rng(0).standard_normal((2, 3))})
    assert report.verdict == ("agrees" if factor == 1 else "wrong"), str(report)
