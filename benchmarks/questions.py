"""What the rules are asked: right programs in random algebraic forms, and programs with one planted mistake.

A question is known by its row and number, and is the same for every rule.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

import torch_ref
from benchmarks.rules import Question
from gradcompare import cases
from tests.mistakes import MISTAKES
from tests.planting import PAIRS, Plant, Planted, plants
from tests.programs import Form, plain_form, subject
from tests.strategies import Fill, normal, whole
from tests.trials import draw_trial

__all__ = ["NUMBERS", "of_size", "right", "scaled", "wrong"]

NUMBERS: dict[str, Fill] = {
    "normal numbers": normal(1.0),
    "small numbers, 1e-3": normal(1e-3),
    "saturated units, scale 10": normal(10.0),
    "whole numbers, kinks": whole,
}
TRIES = 50  # until a mistake can be made, and changes something
REORDERED = 1e-12  # what another algebra may change in float64; the least of the planted errors is 1e-9


def right(kind: str, number: int) -> Question:
    """A right program on numbers of this kind."""
    generator = np.random.default_rng([number, 3])

    def choose(options: Sequence) -> Any:
        return options[generator.integers(len(options))]

    trial = draw_trial(choose, number, {kind: NUMBERS[kind]})
    return Question(subject(trial.form), _torch(trial.form), trial.inputs, trial.form.mean != "first")


def wrong(mistake: str, number: int) -> Question:
    """A program with this mistake, in a tensor and a network where it changes some number of the result."""
    for attempt in range(TRIES):
        places = _places(mistake)
        plant = places[int(np.random.default_rng([number, attempt]).integers(len(places)))]
        planted = replace(plant, seed=TRIES * number + attempt).planted()
        if planted is not None and _changes_something(planted):
            return Question(planted.wrong, planted.the_reference(), planted.inputs, planted.form.mean != "first")
    raise ValueError(f"{mistake}, number {number}: there is no network that it changes anything in")


def scaled(place: tuple[str, str, int, str], error: float, number: int) -> Question:
    """A program in which a tensor is scaled by 1 + error: (tensor, activation, depth, precision)."""
    tensor, activation, depth, dtype = place
    plant = Plant(f"scaled by {1 + error!r}", (tensor,), activation, depth, dtype, PAIRS[number % 3][1], number)
    planted = plant.planted()
    assert planted is not None
    return Question(planted.wrong, planted.the_reference(), planted.inputs, planted.form.mean != "first")


def of_size(sizes: Sequence[int], m: int) -> Question:
    """The textbook's right program on a network of this size, float64."""
    form = plain_form((*("tanh" for _ in sizes[1:-1]), "sigmoid"), "cross_entropy")
    return Question(subject(form), _torch(form), cases.draw_network(sizes, m, 0).inputs, True)


def _torch(form: Form) -> Callable[[Mapping[str, Any]], Any]:
    def reference(inputs: Mapping[str, Any]) -> Any:
        parameters = {name: tensor for name, tensor in inputs.items() if name not in ("X", "Y")}
        return torch_ref.cost_and_values(parameters, inputs["X"], inputs["Y"], form.activations, form.loss)

    return reference


@cache
def _places(mistake: str) -> list[Plant]:
    return [plant for plant in plants() if plant.name == mistake]


def _changes_something(planted: Planted) -> bool:
    """Some number of the result to the last digit, and in float64 by more than another order of the same sums would."""
    given = planted.inputs
    if MISTAKES[planted.plant.name].cost is None and not _differ(planted.right(given), planted.wrong(given), 0.0):
        return False
    exact = {name: array.astype(np.float64) for name, array in given.items()}
    plain = {**planted.right(exact), "J": planted.plain_cost(exact)}
    return _differ(plain, planted.wrong(exact), REORDERED)


def _differ(before: Mapping[str, Any], after: Mapping[str, Any], part: float) -> bool:
    """Whether any tensor does, by more than this part of its largest entry."""

    def differs(a: np.ndarray, b: np.ndarray) -> bool:
        with np.errstate(invalid="ignore"):
            return a.shape != b.shape or not bool(np.all(np.abs(a - b) <= part * np.max(np.abs(a), initial=0.0)))

    return any(differs(np.asarray(before[name]), np.asarray(after[name])) for name in before)
