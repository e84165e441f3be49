"""The rounding of a subject that cannot be followed: compiled code, bare arrays, another language.

Its algebra is not known, so it is allowed more than the reference's. This is a stand-in, not a proof: a subject wrapped
in `numpy_on_torch` has its own bound.

Between one named tensor and the next a subject may pass through numbers as large as the largest that the reference met
there, and through 1 where an exponential or its kin is involved, and lose what rounding loses of those. (A textbook
A - Y loses u |A| where autograd's form of the same derivative, A^2 exp(-Z), may lose next to nothing.) Where an
exponential of what it met overflows, nothing is known. From there on the loss is carried by the rules of the bounds,
like any other error.

A probability A beside a cost that is computed from its logits Z: a subject may take the logarithm of A and divide by
A (1 - A), and what A has lost in saturation, u, comes back as u / (A (1 - A)) of dZ, and of each term of the cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gradcompare.evaluation import COST, Evaluation, Floors

ROUNDINGS = 8
"""How many unit roundoffs of the largest number may be lost from one named tensor to the next."""


def stand_in(first: Evaluation, again: Callable[[Floors], Evaluation]) -> Evaluation:
    """The reference evaluated again, each named tensor with an error of its own on top of what the rules give."""
    floors = {name: _floor(first, number) for name, number in first.numbers.items()}
    values = {first.numbers[name]: floor for name, floor in floors.items() if name in first.values}
    gradients = {name[1:]: floor for name, floor in floors.items() if name not in first.values}
    lost = _lost_in_saturation(first)
    evaluation = again(Floors(values, gradients, lost))
    for logits, part in lost.items():
        _add_to_cost(evaluation, f"d{logits}", part)
    return evaluation


def _floor(first: Evaluation, number: int) -> float:
    """The largest number met since the nearest named tensors, theirs included, in unit roundoffs."""
    named, largest = set(first.numbers.values()), first.run.largest
    met, waiting, seen = largest[number], list(first.run.parents[number]), set()
    if not waiting:
        return 0.0  # an input
    while waiting:
        parent = waiting.pop()
        if parent not in seen:
            seen.add(parent)
            met = max(met, largest[parent])
            if parent not in named:
                waiting += first.run.parents[parent]
    return ROUNDINGS * first.run.precision.unit_roundoff * (met if math.isfinite(met) else math.inf)


def _lost_in_saturation(first: Evaluation) -> dict[str, np.ndarray]:
    """By the name of logits, what is lost of each entry of their gradient; infinite where A may round to 0 or 1."""
    used = _ancestors(first, first.numbers[COST])
    lost = {}
    for name in first.values:
        A, logits = first.tensors[name].value, first.upstream[name]
        beside = name in first.numbers and first.numbers[name] not in used and len(logits) == 1
        if not beside or not A.size or A.min() < 0 or A.max() > 1:
            continue
        (Z,) = logits
        if first.tensors[Z].value.shape == A.shape:
            with np.errstate(divide="ignore"):
                part = ROUNDINGS * first.run.precision.unit_roundoff / (A * (1 - A))
            lost[Z] = np.where(part < 0.5, part, np.inf)
    return lost


def _ancestors(first: Evaluation, number: int) -> set[int]:
    """All that a tensor was computed from, and itself."""
    found, waiting = {number}, [number]
    while waiting:
        for parent in first.run.parents[waiting.pop()]:
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def _add_to_cost(evaluation: Evaluation, gradient: str, part: np.ndarray) -> None:
    if gradient not in evaluation.tensors:
        return
    value, error = evaluation.tensors[COST]
    d = np.abs(evaluation.tensors[gradient].value)
    with np.errstate(invalid="ignore"):
        evaluation.tensors[COST] = evaluation.tensors[COST]._replace(
            value=value, error=error + np.sum(np.where(np.isinf(part), np.inf, part * d))
        )
