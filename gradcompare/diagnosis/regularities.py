"""What can be said of a mistake that is not in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from gradcompare.diagnosis.step import Case

FLOAT32 = 2.0**-24
Observation = Callable[[Case], str | None]


def plainest(cases: Sequence[Case]) -> str:
    """A sentence: what all the wrong networks have in common."""
    wrong = [case for case in cases if not case.is_right()]
    found = [words for observe in OBSERVATIONS if (words := _common(observe, wrong)) is not None]
    return f"It is none of the known mistakes. {' '.join(found[:2])}".strip()


def _common(observe: Observation, cases: Sequence[Case]) -> str | None:
    words = {observe(case) for case in cases}
    return next(iter(words)) if len(words) == 1 and len(cases) > 1 else None


def off(case: Case) -> np.ndarray:
    """Which entries are wrong."""
    with np.errstate(invalid="ignore"):
        return ~(np.abs(case.claim - case.right) <= case.bound) & np.isfinite(case.bound)


def _shape(case: Case) -> str | None:
    return "Its shape is not that of the tensor." if case.claim.shape != case.right.shape else None


def _same_shape(observe: Observation) -> Observation:
    return lambda case: observe(case) if case.claim.shape == case.right.shape else None


def _not_finite(case: Case) -> str | None:
    return "It has entries that are no finite numbers." if not np.all(np.isfinite(case.claim)) else None


def _zero(case: Case) -> str | None:
    return "It is 0 everywhere." if not np.any(case.claim) else None


def _single(case: Case) -> str | None:
    size = np.max(np.abs(case.right), initial=0.0)
    error = np.max(np.abs(case.claim - case.right), initial=0.0)
    if case.unit < FLOAT32 and error <= 100 * FLOAT32 * size and error >= 1e-4 * FLOAT32 * size:
        return "The error is about as large as float32 would make it, or a small epsilon."
    return None


def _constant_difference(case: Case) -> str | None:
    difference = case.claim - case.right
    if difference.size > 1 and np.ptp(difference) <= 1e-8 * np.max(np.abs(difference)):
        return "Every entry is wrong by the same amount."
    return None


def _lines(case: Case, axis: int) -> tuple[str, str]:
    """What runs along an axis of a tensor of two axes: ("unit", "sample"), as far as can be told."""
    names = ("row", "column")
    return names[axis], names[1 - axis]


def _only_one(axis: int) -> Observation:
    def observe(case: Case) -> str | None:
        if case.right.ndim != 2 or case.right.shape[axis] < 2:
            return None
        where = np.flatnonzero(np.any(off(case), axis=1 - axis))
        if len(where) != 1:
            return None
        last = case.right.shape[axis] - 1
        which = {0: "first", last: "last"}.get(int(where[0]), f"[{where[0]}]")
        return f"Only the {which} {_lines(case, axis)[0]}{_meaning(case, axis)} is wrong."

    return observe


def _meaning(case: Case, axis: int) -> str:
    step = case.step
    if step.of in step.inputs:
        return ""
    return ", a sample," if axis == step.samples_axis and case.right.shape[axis] == step.samples else ", a unit,"


def _one_entry(case: Case) -> str | None:
    where = np.argwhere(off(case))
    return f"Only the entry {where[0].tolist()} is wrong." if len(where) == 1 and case.right.size > 1 else None


def _by_sign(case: Case) -> str | None:
    z = case.values.get(case.of)
    if z is None or z.shape != case.right.shape or not (np.any(z > 0) and np.any(z <= 0)):
        return None
    wrong, name = off(case), case.of
    if not np.any(wrong & (z > 0)):
        return f"It is wrong only where {name} <= 0."
    return f"It is wrong only where {name} > 0." if not np.any(wrong & (z <= 0)) else None


def _ratio_along(axis: int) -> Observation:
    def observe(case: Case) -> str | None:
        if case.right.ndim != 2 or min(case.right.shape) < 2:
            return None
        with np.errstate(all="ignore"):
            ratios = case.claim / case.right
            spread = np.ptp(ratios, axis=axis)
        size = np.max(np.abs(ratios))
        if np.isfinite(size) and np.all(spread <= 1e4 * case.unit * (1 + size)):
            across, along = _lines(case, 1 - axis)
            return f"Each {across} is a constant times the right one." if along else None
        return None

    return observe


OBSERVATIONS: tuple[Observation, ...] = (
    _shape,
    *map(
        _same_shape,
        (
            _not_finite,
            _zero,
            _one_entry,
            _only_one(0),
            _only_one(1),
            _by_sign,
            _single,
            _constant_difference,
            _ratio_along(0),
            _ratio_along(1),
        ),
    ),
)


def all_regularities(cases: Sequence[Case]) -> Iterator[str]:
    """Every observation that holds of all the wrong networks."""
    wrong = [case for case in cases if not case.is_right()]
    yield from (words for observe in OBSERVATIONS if (words := _common(observe, wrong)) is not None)
