"""The rounding of a subject that cannot be followed: compiled code, bare arrays, another language.

Its algebra is not known, so it is allowed more than the reference's. This is a stand-in, not a proof: a subject wrapped
in `numpy_on_torch` has its own bound.

Where an exponential or its kin is involved, from one named tensor to the next, a subject may pass through 1 and through
numbers as large as the largest that the reference met there, and lose what rounding loses of those: some roundings.
(A textbook A - Y loses u |A| where autograd's form of the same derivative, A^2 exp(-Z), may lose next to nothing.)
Where an exponential of what it met overflows, nothing is known; what has been through one already, such as the exp(-Z)
of a sigmoid, need not go through another. Elsewhere, in sums, products and masks, it may lose one
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

from gradcompare.bounds.precision import Precision
from gradcompare.judging.evaluation import COST, Bounded, Evaluation, Floors

ROUNDINGS = 4
"""How many unit roundoffs of the largest number may be lost from one named tensor to the next, at an exponential."""
BESIDE_DIFFERENCES = 1000
"""So many of the largest entry, where nothing is known of the steps: beside central differences."""


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


def lost(widened: Evaluation, claims: Mapping[str, np.ndarray], undecided: Collection[str]) -> dict[str, np.ndarray]:
    """What each claim may be off by.

    A claim that is no number where nothing can be decided is in doubt, and so are those that are none because of it: a
    masked entry may be 0 times infinity as well as 0.
    """
    errors = {name: widened.tensors[name].error for name in claims}
    in_doubt = {name for name, bounded in widened.tensors.items() if not np.all(np.isfinite(bounded.error))}
    in_doubt |= set(undecided)
    for name in widened.order:
        claim = claims.get(name)
        if claim is None or claim.dtype.kind != "f" or claim.shape != errors[name].shape or np.all(np.isfinite(claim)):
            continue
        if name in in_doubt or widened.upstream[name] & in_doubt:
            in_doubt.add(name)
            errors[name] = np.where(np.isfinite(claim), errors[name], np.inf)
    return errors


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
    exponents = met - _after_an_exponential(between, first)
    if max(abs(largest[k]) for k in exponents) >= math.log(first.run.precision.largest):
        return math.inf
    return ROUNDINGS * u * max(abs(largest[k]) for k in met)


def _after_an_exponential(between: Collection[int], first: Evaluation) -> set[int]:
    """Of these the results of an exponential or its kin, and all that were computed from one."""
    found: set[int] = set()
    for number in sorted(between):  # numbers grow along the computation
        if first.run.largest[number] < 0 or found.intersection(first.run.parents[number]):
            found.add(number)
    return found


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


def unknown_rounding(truth: Bounded, precision: Precision) -> np.ndarray:
    """What is allowed a claim whose own rounding is not known: some thousand roundings of its largest entry; of a cost,
    which is made of logarithms and squares of numbers near 1, of 1."""
    largest = max(1.0, abs(float(truth.value))) if truth.value.ndim == 0 else np.max(np.abs(truth.value), initial=0.0)
    return np.full(truth.value.shape, BESIDE_DIFFERENCES * precision.unit_roundoff * largest)
