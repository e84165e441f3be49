"""What was found, as data: a verdict on each tensor, and the verdict on all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from gradcompare.bounds.precision import FLOAT64, Precision
from gradcompare.judging.evaluation import Bounded

DECIDES = 1e-3
"""An entry whose bound is above this part of the tensor's largest entry decides nothing."""

WRONG = ("fault", "shape", "dtype", "nonfinite")
"""Verdicts on a tensor that make the gradients wrong, wherever they come from."""

SEVERITY = ("missing", "undecided", "ok", "kink", "scaled", "inherited", "fault", "nonfinite", "dtype", "shape")
"""Of several networks the most severe verdict on a tensor is reported, with its worst ratio."""


@dataclass(frozen=True)
class Finding:
    """The verdict on one tensor, and the numbers that it rests on, those of the worst entry (the largest error /
    bound)."""

    name: str
    of: str
    verdict: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    error: float = 0.0
    bound: float = 0.0
    bound_reference: float = 0.0
    bound_claim: float | None = None
    ratio: float = 0.0
    worst: tuple[int, ...] = ()
    claim: float = math.nan
    reference: float = math.nan
    size: float = 0.0
    """The largest entry of the reference."""
    decided: int = 0
    """How many of the entries decided anything."""
    above: int = 0
    """How many of the entries are above their bound."""
    factor: float | None = None
    inherited_from: str | None = None
    expected_shape: tuple[int, ...] = ()
    line: int | None = None
    cell: int | None = None
    occurrence: int | None = None
    source: str = ""
    """The statement of the line."""
    variable: str = ""
    """What the source calls it."""
    calls: tuple[int, ...] = ()
    """The lines of the calls that led to it."""
    witness: bool = False
    """Whether it is a local variable, which places a fault, and nothing that is returned, stored or applied."""

    def but(self, **changes: Any) -> Finding:
        """The same with other fields."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Bounds:
    """What the difference of a claim from the reference is held against: both sides round."""

    reference: np.ndarray
    """E_ref(u) + E_ref(2^-53)."""
    claim: np.ndarray | None
    """E_claim(u); None where the claim's own rounding is not known."""

    @property
    def total(self) -> np.ndarray:
        """What rounding alone can explain."""
        return self.reference if self.claim is None else self.reference + self.claim


def of(name: str) -> str:
    """The tensor that a claim is about: "dW1" is the gradient of W1, "Z1" is Z1 itself."""
    return name[1:] if name.startswith("d") and len(name) > 1 else name


def judge(name: str, claim: np.ndarray, reference: Bounded, bounds: Bounds, precision: Precision) -> Finding:
    """Hold one claim against the reference: |claim - reference| / bound, entry by entry."""
    value = reference.value
    known: dict[str, Any] = {
        "shape": tuple(claim.shape),
        "dtype": claim.dtype.name,
        "expected_shape": tuple(value.shape),
    }
    if claim.shape != value.shape and not (value.size == claim.size == 1 and name == of(name)):
        return Finding(name, of(name), "shape", **known)
    if not _precise_enough(name, claim, precision):
        return Finding(name, of(name), "dtype", **known)
    if not value.size:
        return Finding(name, of(name), "ok", **known)
    claim, total, size = claim.reshape(value.shape), bounds.total, _size(value)
    ratio, decides = ratios(claim, value, total, DECIDES * (size or _size(claim)))
    worst = np.unravel_index(int(np.argmax(ratio)), value.shape)
    decided = value.size if decides is None else int(np.count_nonzero(decides))
    if ratio[worst] > 1:
        verdict = "fault" if np.all(np.isfinite(claim[... if decides is None else decides])) else "nonfinite"
    else:
        no_number = decides is not None and bool(np.any(np.isfinite(value) & ~np.isfinite(claim)))
        verdict = "undecided" if no_number or 2 * decided < value.size else "ok"
    return Finding(
        name,
        of(name),
        verdict,
        error=abs(float(claim[worst]) - float(value[worst])),
        bound=float(total[worst]),
        bound_reference=float(bounds.reference[worst]),
        bound_claim=None if bounds.claim is None else float(bounds.claim[worst]),
        ratio=max(float(ratio[worst]), 0.0),
        worst=tuple(int(i) for i in worst),
        claim=float(claim[worst]),
        reference=float(value[worst]),
        size=size,
        decided=decided,
        above=0 if verdict in ("ok", "undecided") else int(np.count_nonzero(ratio > 1)),
        **known,
    )


def ratios(
    claim: np.ndarray, value: np.ndarray, total: np.ndarray, deciding: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """|claim - value| / total, -1 in entries that decide nothing; and which entries decide, None where all do."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        ratio = np.asarray(np.subtract(claim, value, dtype=np.result_type(np.float64, claim, value)))
        np.abs(ratio, out=ratio)
        ratio /= total
        if total.max() <= deciding and not np.isnan(ratio.max()):  # as nearly always
            return ratio, None
        decides = (total <= deciding) & np.isfinite(value)  # where the bound is NaN it does not
        ratio[(claim == value) & np.isfinite(value)] = 0.0
        ratio[np.isnan(ratio)] = np.inf  # a claim that is no number
        ratio[~decides] = -1.0
    return ratio, decides


def _size(value: np.ndarray) -> float:
    """The largest finite entry."""
    largest = max(float(value.max()), -float(value.min()))
    return largest if np.isfinite(largest) else float(np.max(np.abs(value), initial=0.0, where=np.isfinite(value)))


def _precise_enough(name: str, claim: np.ndarray, precision: Precision) -> bool:
    """Whether its dtype can hold a result of the working precision; a value may be whole numbers, a gradient not."""
    if claim.dtype.kind == "f":
        return float(np.finfo(claim.dtype).eps) < 2.1 * precision.unit_roundoff
    return claim.dtype.kind in "iub" and name == of(name)


def matches(name: str, claim: np.ndarray, reference: Bounded, bounds: Bounds, factor: float) -> bool:
    """Whether the claim is a constant times the reference, within rounding."""
    if claim.shape != reference.value.shape or not np.all(np.isfinite(claim)):
        return False
    scaled = Bounded(reference.value * factor, reference.error * abs(factor))
    slack = abs(factor) + 1
    wider = Bounds(bounds.reference * slack, None if bounds.claim is None else bounds.claim * slack)
    verdict = judge(name, claim.astype(np.float64), scaled, wider, FLOAT64).verdict
    if verdict == "undecided":  # the wider bounds are too wide to accuse anyone, and not to say that it fits
        return bool(np.all(np.abs(claim - scaled.value) <= wider.total))
    return verdict == "ok"


def constant_factor(name: str, claim: np.ndarray, reference: Bounded, bounds: Bounds) -> float | None:
    """c where claim = c * reference in every entry, within rounding; else None. c is a simple number where one fits."""
    value = reference.value
    if claim.shape != value.shape or not value.size or not np.all(np.isfinite(claim)) or not np.all(np.isfinite(value)):
        return None
    largest = np.unravel_index(int(np.argmax(np.abs(value))), value.shape)
    if value[largest] == 0 or claim[largest] == 0:
        return None
    measured = float(claim[largest] / value[largest])
    uncertain = (abs(measured) + 1) * float(bounds.total[largest]) / abs(float(value[largest]))
    if not math.isfinite(uncertain):
        return None
    if not _plausible(claim, value, measured, bounds.total, uncertain):
        return None
    for factor in _simple_numbers(measured):
        if abs(factor - measured) <= uncertain + 1e-12 * abs(measured) and matches(
            name, claim, reference, bounds, factor
        ):
            return factor
    return measured if matches(name, claim, reference, _widened(bounds, value, uncertain), measured) else None


def _plausible(claim: np.ndarray, value: np.ndarray, factor: float, total: np.ndarray, uncertain: float) -> bool:
    """Whether some of the entries have that factor: enough to rule it out."""
    c, v, allowed = (array.ravel()[:: array.size // 100 + 1] for array in (claim, value, total))
    with np.errstate(invalid="ignore", over="ignore"):
        return not np.any(np.abs(c - factor * v) > 2 * ((abs(factor) + 1) * allowed + uncertain * np.abs(v)))


def _simple_numbers(near: float) -> Iterable[float]:
    """A whole number, the inverse of one, or a fraction of small ones near a measured ratio; what a cost in bits or
    decades is of one in nats."""
    yield float(round(near))
    if near != 0 and abs(1 / near) < 1e9:
        yield 1.0 / (round(1 / near) or 1)
    if abs(near) < 1e9:
        yield float(Fraction(near).limit_denominator(100))
    yield from (math.log(2), 1 / math.log(2), math.log(10), 1 / math.log(10))


def _widened(bounds: Bounds, value: np.ndarray, uncertain: float) -> Bounds:
    return Bounds(bounds.reference + uncertain * np.abs(value), bounds.claim)


def overall(findings: Sequence[Finding], *, decided: int = 1, drawn: int = 1) -> str:
    """The verdict on all tensors together: "wrong", "scaled", "agrees" or "undecided"."""
    verdicts = {finding.verdict for finding in findings}
    if verdicts & {*WRONG, "inherited"}:
        return "wrong"
    if "scaled" in verdicts:
        return "scaled"
    if 2 * decided < drawn or not verdicts & {"ok", "kink"}:
        return "undecided"
    return "agrees"


def worse(a: Finding, b: Finding) -> Finding:
    """Of two findings about the same tensor, in two networks, the one to report."""

    def key(finding: Finding) -> tuple[int, float]:
        return SEVERITY.index(finding.verdict), finding.ratio

    return b if key(b) > key(a) else a
