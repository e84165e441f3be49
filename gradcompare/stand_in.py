"""The rounding of a subject that cannot be followed: compiled code, bare arrays, another language.

Its algebra is not known, so it is allowed more than the reference's: between one named tensor and the next it may
pass through numbers as large as the largest that the reference met there, and lose what rounding loses of those. (A
textbook A - Y loses u |A| where autograd's form of the same derivative, A^2 exp(-Z), may lose next to nothing.) From
there on the loss is carried by the rules of the bounds, like any other error. This is a stand-in, not a proof: a
subject wrapped in `numpy_on_torch` has its own bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gradcompare.bounds.precision import UNITS_IN_THE_LAST_PLACE
from gradcompare.reference import Evaluation, Floors, MeasuredRun

ROUNDINGS = 4 * UNITS_IN_THE_LAST_PLACE
"""How many unit roundoffs of the largest number may be lost from one named tensor to the next."""


def stand_in(first: Evaluation, again: Callable[[Floors], Evaluation]) -> Evaluation:
    """The reference evaluated again, each named tensor with an error of its own on top of what the rules give."""
    assert isinstance(first.run, MeasuredRun)
    floors = {name: _floor(first, number) for name, number in first.numbers.items()}
    values = {first.numbers[name]: floor for name, floor in floors.items() if name in first.values}
    gradients = {name[1:]: floor for name, floor in floors.items() if name not in first.values}
    return again(Floors(values, gradients))


def _floor(first: Evaluation, number: int) -> float:
    """The largest number met since the nearest named tensors, theirs included, in unit roundoffs."""
    assert isinstance(first.run, MeasuredRun)
    named, largest = set(first.numbers.values()), first.run.largest
    met, waiting, seen = largest[number], list(first.run.parents[number]), set()
    while waiting:
        parent = waiting.pop()
        if parent not in seen:
            seen.add(parent)
            met = max(met, largest[parent])
            if parent not in named:
                waiting += first.run.parents[parent]
    return ROUNDINGS * first.run.precision.unit_roundoff * (met if math.isfinite(met) else math.inf)
