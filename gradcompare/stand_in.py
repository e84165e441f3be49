"""The rounding of a subject that cannot be followed: compiled code, bare arrays, another language.

Its algebra is not known, so it is allowed more than the reference's. This is a stand-in, not a proof: a subject wrapped
in `numpy_on_torch` has its own bound.

Where an exponential or its kin is involved, from one named tensor to the next, a subject may pass through 1 and through
numbers as large as the largest that the reference met there, and lose what rounding loses of those: some roundings.
(A textbook A - Y loses u |A| where autograd's form of the same derivative, A^2 exp(-Z), may lose next to nothing.)
Where an exponential of what it met overflows, nothing is known. Elsewhere, in sums, products and masks, it may lose one
rounding of the largest entry more than the rules give. From there on the loss is carried by the rules of the bounds,
like any other error. Nothing is added to a tensor that the subject has been seen to have right within the reference's
own bound: there it has lost nothing.

A probability A beside a cost that is computed from its logits Z: a subject may take the logarithm of A and divide by
A (1 - A), and what A has lost in saturation, u, comes back as u / (A (1 - A)) of dZ, and of each term of the cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping

import numpy as np

from gradcompare.evaluation import COST, Evaluation, Floors

ROUNDINGS = 4
"""How many unit roundoffs of the largest number may be lost from one named tensor to the next, at an exponential."""


def stand_in(first: Evaluation, again: Callable[[Floors], Evaluation], right: Collection[str]) -> Evaluation:
    """The reference evaluated again, each named tensor but those that are `right` with an error of its own on top of
    what the rules give."""
    floors = {name: _floor(first, number) for name, number in first.numbers.items() if name not in right}
    values = {first.numbers[name]: floor for name, floor in floors.items() if name in first.values}
    gradients = {name[1:]: floor for name, floor in floors.items() if name not in first.values}
    parts = _lost_in_saturation(first)
    evaluation = again(Floors(values, gradients, {Z: part for Z, part in parts.items() if f"d{Z}" not in right}))
    for logits, part in parts.items():
        _add_to_cost(evaluation, f"d{logits}", part)
    return evaluation


def at_its_step(first: Evaluation, name: str) -> np.ndarray:
    """What a claim may be off by that was computed from tensors that are right."""
    error = first.tensors[name].error + (_floor(first, first.numbers[name]) if name in first.numbers else 0.0)
    for logits, part in _lost_in_saturation(first).items():
        d = first.tensors.get(f"d{logits}")
        if name == f"d{logits}" and d is not None:
            error = error + _times(part, np.abs(d.value))
        elif name == COST:
            error = error + (np.inf if d is None else np.sum(_times(part, np.abs(d.value))))
    return np.asarray(error)


def lost(widened: Evaluation, name: str, claim: np.ndarray, doubtful: Collection[str]) -> np.ndarray:
    """What a claim may be off by. Where nothing is known of what it was computed from, a masked entry may be 0 times
    infinity as well as 0."""
    error = widened.tensors[name].error
    unknown = name in doubtful or any(
        not np.all(np.isfinite(widened.tensors[source].error)) for source in widened.upstream[name]
    )
    if not unknown or claim.shape != error.shape or claim.dtype.kind != "f":
        return error
    return np.where(np.isfinite(claim), error, np.inf)


def doubtful(first: Evaluation, claims: Mapping[str, np.ndarray], undecided: Collection[str]) -> set[str]:
    """The claims that are no numbers where nothing can be decided, and those that are none because of them."""
    found: set[str] = set()
    for name in first.order:
        claim = claims.get(name)
        if claim is None or claim.dtype.kind != "f" or np.all(np.isfinite(claim)):
            continue
        if name in undecided or first.upstream[name] & found:
            found.add(name)
    return found


def _floor(first: Evaluation, number: int) -> float:
    """What may be lost since the nearest named tensors."""
    largest, parents = first.run.largest, first.run.parents
    if not parents[number]:
        return 0.0  # an input
    named = set(first.numbers.values())
    between, met, waiting = {number}, {number}, list(parents[number])
    while waiting:
        parent = waiting.pop()
        if parent not in met:
            met.add(parent)
            if parent not in named:
                between.add(parent)
                waiting += parents[parent]
    u = first.run.precision.unit_roundoff
    if all(largest[k] >= 0 for k in between):
        return u * largest[number]
    worst = max(abs(largest[k]) for k in met)
    return ROUNDINGS * u * worst if worst < math.log(first.run.precision.largest) else math.inf


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
            with np.errstate(divide="ignore", over="ignore"):
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
    if gradient in evaluation.tensors:
        cost, d = evaluation.tensors[COST], np.abs(evaluation.tensors[gradient].value)
        evaluation.tensors[COST] = cost._replace(error=cost.error + np.sum(_times(part, d)))


def _times(part: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Infinite where the part is, for a size of 0 too."""
    infinite = np.isinf(part)
    return np.where(infinite, np.inf, np.where(infinite, 0.0, part) * size)
