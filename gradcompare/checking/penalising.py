"""Weight decay in a file that has no cost: gradients with a term that is the same multiple of every parameter.

No cost of the file says whether the term belongs. It is the gradient of some cost, so it becomes part of the assumed
one, and the report says so.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import numpy as np

from gradcompare.checking.subject import Beside, Subject
from gradcompare.losses import PENALTIES, Penalty
from gradcompare.network import Network
from gradcompare.short_numbers import exactly

NEARLY = 1e-7
"""How near a term must be to a multiple of its parameter, as a part of the gradient's largest entry."""
TOLERANCE = 1e-6
"""How near a measured strength must be to one that somebody has written down, as a part of it."""

REPLACED = (
    "{} is replaced by its step, and not moved by it: what it was before is lost. Usually = stands where += belongs."
)


def penalty_of(subject: Subject, networks: Iterable[Network]) -> Penalty | None:
    """The penalty that the gradients of a few networks show beside the gradient of the assumed cost, if they do: in the
    last layer's weights at least, of the same strength on all networks and in all parameters that have it. None where
    the forward pass cannot be traced: central differences are not exact enough to see a small term."""
    if subject.untraceable is not None:
        return None
    found = [(network.m, subject.beside(network)) for network in networks]
    parameters = [name for name in found[0][1] if all(name in beside for _, beside in found)]
    last = [name for name in subject.about["last_layer"] if name in parameters]
    if not last:
        return None
    last = sorted(last, key=lambda name: -found[0][1][name].parameter.size)
    for kind, weights in itertools.product(PENALTIES, last):
        strengths = {name: [(m, _multiple(kind, beside[name])) for m, beside in found] for name in parameters}
        for per_sample in (False, True):
            strength = _alike(strengths[weights], per_sample)
            if strength is not None and _replaces(subject, kind, strength, per_sample):
                subject.about["replaced"] = REPLACED.format(weights)
                return None
            if strength is not None and strength > 0:
                alike = [name for name in parameters if _alike(strengths[name], per_sample) == strength]
                wrong = [name for name in parameters if all(_is_wrong_matrix(beside[name]) for _, beside in found)]
                left_out = _left_out([n for n in parameters if any(_is_matrix(b[n]) for _, b in found)], alike)
                of = {*alike, *wrong, *left_out}
                return Penalty(kind, [name for name in parameters if name in of], strength, per_sample)
    return None


def _replaces(subject: Subject, kind: str, strength: float, per_sample: bool) -> bool:
    """Whether steps by a rate take off all of a parameter: what looks like its decay is that it is replaced."""
    whole = subject.about["only_updates"] and kind == "squares" and not per_sample
    return bool(whole and math.isclose(strength * subject.about["rate"], 1.0, rel_tol=TOLERANCE))


def _alike(strengths: Iterable[tuple[int, float | None]], per_sample: bool) -> float | None:
    """The strength that a term has on all networks, given (samples, multiple) of each."""
    found = {None if s is None else _rounded(s * m if per_sample else s) for m, s in strengths}
    return found.pop() if len(found) == 1 else None


def _left_out(weights: list[str], alike: list[str]) -> list[str]:
    """The weights that alone of several have no such term: it is more likely that theirs was forgotten."""
    without = [name for name in weights if name not in alike]
    return without if len(without) == 1 and len(weights) > 2 else []


def _is_matrix(beside: Beside) -> bool:
    return beside.parameter.ndim == 2 and 1 not in beside.parameter.shape


def _is_wrong_matrix(beside: Beside) -> bool:
    """Whether weights have something beside, which may have a mistake in it."""
    return not _is_right(beside) and _is_matrix(beside)


def _is_right(beside: Beside) -> bool:
    return float(np.max(np.abs(beside.more), initial=0.0)) <= NEARLY * _size(beside)


def _size(beside: Beside) -> float:
    return float(np.max(np.abs(beside.gradient), initial=0.0)) + float(np.max(np.abs(beside.more), initial=0.0))


def _multiple(kind: str, beside: Beside) -> float | None:
    """The multiple that a term is of what a penalty of a kind gives; None where it is none."""
    slope = PENALTIES[kind].slope(beside.parameter)
    below = float(np.sum(slope * slope))
    factor = float(np.sum(beside.more * slope)) / below if below else 0.0
    near = bool(np.all(np.abs(beside.more - factor * slope) <= NEARLY * _size(beside)))
    return factor if near and not _is_right(beside) else None


def _rounded(strength: float) -> float:
    return exactly(strength, TOLERANCE) if math.isfinite(strength) else 0.0
