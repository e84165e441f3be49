"""Own fault, or inherited: every step is judged on the subject's own inputs to it.

In a second run of the reference each tensor that the subject has an opinion on hands on the subject's value in place
of the computed one, and in the backward pass the subject's gradient. What arrives at a tensor was then computed from
the subject's own inputs to that step: if it differs from the subject's, the step itself is wrong; if it agrees, the
fault came from upstream.

At a kink of the subject's own every slope between the two is as valid as at one of the reference's.

What a wrong value beside a step may have gone into is not judged. The derivative of one: where A1 = g(Z1) is at fault
the subject may have computed g'(Z1) from its A1, or for another g. And what the reference computes past it: where its
cost is one of the logits Z2, the subject's may well be one of its A2 = g(Z2).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np

from gradcompare.bounds.precision import FLOAT64, Precision
from gradcompare.judging.evaluation import COST, Bounded, Evaluation, HandedOn
from gradcompare.judging.verdict import WRONG, Bounds, Finding, judge, of

EXCUSED = ("kink", "undecided")

Evaluate = Callable[..., Evaluation]
"""(**options of `gradcompare.judging.reference.evaluate`) -> Evaluation."""


def scales(claims: Mapping[str, np.ndarray], inputs: Iterable[str]) -> list[float]:
    """The scales that dZ and dA may carry by convention: 1, or m where they are derivatives of the summed loss.

    m is a length that every such claim has among its axes.
    """
    lengths = [set(claim.shape) for name, claim in claims.items() if is_intermediate(name, inputs)]
    return [1.0, *(float(m) for m in sorted(set.intersection(*lengths), reverse=True) if m > 1)] if lengths else [1.0]


FEW = 2
"""So many entries may be proportional by chance."""
NEARLY = 1e-5
"""How near they are, as a part of the largest; float32 has seven digits."""
SIMPLE = 100
"""The largest denominator of a fraction that a person writes."""


def proportion(claim: np.ndarray, value: np.ndarray) -> float | None:
    """The simple fraction that all entries of an array are of those of another; None where there is none above 0."""
    if claim.shape != value.shape or value.size <= FEW or claim.dtype.kind != "f":
        return None
    with np.errstate(all="ignore"):
        below = float(np.sum(value * value))
        ratio = float(np.sum(claim * value)) / below if below else math.nan
        alike = math.isfinite(ratio) and np.max(np.abs(claim - ratio * value)) <= NEARLY * ratio * np.max(np.abs(value))
    if not alike or ratio <= 0:
        return None
    simple = float(Fraction(ratio).limit_denominator(SIMPLE))
    return simple if simple and abs(ratio - simple) <= NEARLY * simple else None


def is_intermediate(name: str, inputs: Iterable[str]) -> bool:
    """Whether a claim is the gradient of something between the inputs and the cost."""
    return of(name) != name and of(name) not in set(inputs)


def unscaled(claims: Mapping[str, np.ndarray], inputs: Iterable[str], scale: float) -> dict[str, np.ndarray]:
    """The claims with the convention divided out."""
    if scale == 1:
        return dict(claims)
    with np.errstate(all="ignore"):  # an array may hold what was never written
        return {
            k: c.astype(np.float64) / scale if is_intermediate(k, inputs) and c.dtype.kind == "f" else c
            for k, c in claims.items()
        }


def blame(
    findings: Mapping[str, Finding],
    claims: Mapping[str, np.ndarray],
    claim_errors: Mapping[str, np.ndarray],
    evaluation: Evaluation,
    evaluate: Evaluate,
    precision: Precision,
    inputs: Iterable[str],
) -> tuple[dict[str, Finding], Evaluation]:
    """The findings, with "fault" or "inherited" for each one found wrong; and the run that told them apart."""
    inputs = set(inputs)
    passable = {
        k: c for k, c in claims.items() if findings[k].verdict not in ("shape", "dtype", "missing") and _finite(c)
    }
    values = {
        evaluation.numbers[k]: c
        for k, c in passable.items()
        if k == of(k) and k not in inputs and k != COST and k in evaluation.numbers
    }
    gradients = {of(k): c for k, c in passable.items() if is_intermediate(k, inputs)}
    handed_on = HandedOn(values, gradients)
    local = evaluate(handed_on=handed_on)
    parting = _parting(evaluation, local)
    if parting is not None:
        values = {number: value for number, value in values.items() if number < parting}
        passable = {k: c for k, c in passable.items() if k != of(k) or k in inputs or evaluation.numbers[k] in values}
        handed_on = HandedOn(values, gradients)
        local = replace(evaluate(handed_on=handed_on), parting=parting)

    @cache
    def at_ties() -> Evaluation:
        return evaluate(handed_on=handed_on, ties_are_kinks=True)

    judged: dict[str, Finding] = {}
    wrong = {k for k, f in findings.items() if f.verdict in WRONG}
    for name in local.order:
        if name not in findings:
            continue
        finding = findings[name]
        judged[name] = finding
        if name not in wrong or finding.verdict == "shape":
            continue
        if finding.verdict == "dtype":
            before = [k for k in nearest(name, local.upstream, wrong) if findings[k].dtype == finding.dtype]
            if before:  # what is computed from it has its dtype
                judged[name] = finding.but(verdict="inherited", inherited_from=max(before, key=local.order.index))
            continue
        near = sorted(nearest(name, local.upstream, wrong), key=local.order.index, reverse=True)
        unseen = [k for k in near if k not in passable]
        arrived = _arrived(name, local, passable)
        step = judge(name, claims[name], arrived, _local_bounds(arrived, claim_errors.get(name)), precision)
        own = step.verdict in WRONG and not unseen
        cause = _wrong_value_beside(name, local, judged) if own else None
        excuse = None
        if own and cause is None and step.verdict == "fault" and local.run.met_a_tie:
            excuse = _excuse(claims[name], arrived, at_ties().tensors[name], claim_errors.get(name))
        found = {
            k: judged.get(k, findings[k]).verdict for k in near
        }  # of two names of one tensor either may come first
        causes = [k for k in near if found[k] not in EXCUSED]
        if cause is not None or (causes and not (own and excuse is None)):
            judged[name] = finding.but(verdict="inherited", inherited_from=cause or causes[0])
        elif excuse is not None or (near and not own):
            excuses = {excuse, *found.values()}
            judged[name] = (
                finding.but(verdict="undecided", ratio=0.0) if "undecided" in excuses else finding.but(verdict="kink")
            )
    gone = {name: _without_a_step(name, findings, evaluation, wrong) for name in findings if name not in judged}
    return judged | gone, local


def _parting(evaluation: Evaluation, local: Evaluation) -> int | None:
    """The number of the first tensor of the forward pass that was made of others than before; None where all are the
    same. With the subject's own values the code may take the other branch of an `if`, or leave a loop elsewhere."""
    end = evaluation.numbers[COST] + 1
    before, now = evaluation.run.parents[:end], local.run.parents[:end]
    pairs = enumerate(itertools.zip_longest(before, now))
    other = next((i for i, (one, two) in pairs if one is None or two is None or tuple(one) != tuple(two)), None)
    return end - 1 if other is None and local.numbers[COST] != evaluation.numbers[COST] else other


def _without_a_step(name: str, findings: Mapping[str, Finding], evaluation: Evaluation, wrong: set[str]) -> Finding:
    """What the run with the subject's own numbers has not made, it cannot judge: inherited where it may be."""
    near = nearest(name, evaluation.upstream, wrong) if name in wrong and name in evaluation.upstream else set()
    cause = max(near, key=evaluation.order.index, default=None)
    return findings[name] if cause is None else findings[name].but(verdict="inherited", inherited_from=cause)


def _arrived(name: str, local: Evaluation, passable: Mapping[str, np.ndarray]) -> Bounded:
    """What the step was to give: of a tensor with two names, what the subject has under the first."""
    first = next((k for k in local.upstream[name] if local.numbers.get(k) == local.numbers[name]), None)
    if first is None or first not in passable or name != of(name):
        return local.tensors[name]
    value = passable[first].astype(np.float64)
    return Bounded(value, np.zeros_like(value))


def _wrong_value_beside(name: str, local: Evaluation, judged: Mapping[str, Finding]) -> str | None:
    """A value V that is wrong itself and that the subject may have used where the reference uses U, which V was
    computed from and has the shape of: for the gradient of U, and for a value computed from U, if V leads nowhere."""
    is_gradient = name != of(name)
    for value, finding in judged.items():
        if finding.verdict not in WRONG or value != of(value) or value == name:
            continue
        if not is_gradient and _leads_to({name, COST}, value, local):
            continue
        for source in {of(name)} if is_gradient else local.upstream[name]:
            alike = local.tensors[source].value.shape == local.tensors[value].value.shape
            if alike and source in local.upstream[value]:
                return value
    return None


def _leads_to(names: Iterable[str], value: str, local: Evaluation) -> bool:
    """Whether one of these was computed from the value."""
    return any(value in nearest(name, local.upstream, {value}) for name in names)


def within(claim: np.ndarray, value: np.ndarray, bound: np.ndarray) -> bool:
    """Whether no entry is further off than its bound, however large that is."""
    with np.errstate(invalid="ignore"):
        return not np.any(np.abs(claim - value) > bound)


def _excuse(claim: np.ndarray, arrived: Bounded, at_ties: Bounded, claim_error: np.ndarray | None) -> str | None:
    """Where another choice at the kinks of a step explains the claim: "kink"; "undecided" where that is anything."""
    if not within(claim, at_ties.value, _local_bounds(at_ties, claim_error).total):
        return None
    off = np.abs(claim - arrived.value) > _local_bounds(arrived, claim_error).total
    return "undecided" if np.any(off & ~np.isfinite(at_ties.error)) else "kink"


def _local_bounds(arrived: Bounded, claim_error: np.ndarray | None) -> Bounds:
    return Bounds(2 * arrived.error + FLOAT64.unit_roundoff * np.abs(arrived.value), claim_error)


def nearest(name: str, upstream: Mapping[str, set[str]], wrong: set[str]) -> set[str]:
    """The wrong tensors that this one was computed from, seen past those that are right."""
    found: set[str] = set()
    waiting, seen = list(upstream[name]), set()
    while waiting:
        parent = waiting.pop()
        if parent in seen:
            continue
        seen.add(parent)
        if parent in wrong:
            found.add(parent)
        else:
            waiting += upstream.get(parent, ())
    return found - {name}


def _finite(claim: np.ndarray) -> bool:
    return claim.dtype.kind in "fiub" and bool(np.all(np.isfinite(claim)))
