"""Where it goes wrong: one network compared again, every local variable a witness, each finding with its line."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np

from gradcompare import losses
from gradcompare.bounds.precision import Precision
from gradcompare.checking.sightings import (
    Sighting,
    Watched,
    Witness,
    assign,
    conventions,
    downhill,
    in_helpers,
    is_called_like,
    is_real,
    line_of,
    origins,
    renamings,
    root,
    spread_to,
)
from gradcompare.judging.claims import Comparison, Evaluate
from gradcompare.judging.evaluation import Evaluation
from gradcompare.judging.verdict import SEVERITY, WRONG, Finding, of
from gradcompare.picture import Places
from gradcompare.report import Report

Inputs = Mapping[str, np.ndarray]


class Host(Protocol):
    """What is asked of `gradcompare.checking.host.Host`, here or in a child process."""

    def evaluate(
        self,
        inputs: Inputs,
        claimed: Sequence[str],
        precision: str,
        loss: str | None,
        *,
        watched: bool = False,
        **options: Any,
    ) -> Evaluation:
        """See `gradcompare.checking.host.Host.evaluate`."""

    def watch(self, inputs: Inputs, precision: str, loss: str | None) -> dict[str, Any]:
        """See `gradcompare.checking.host.Host.watch`."""


Eliminated = dict[str, set[tuple[str, Any, int]]]
"""By fault: (a gradient before it, the key of the sighting that stands for it, its sign)."""


@dataclass
class Placed:
    """One network's report, its findings with lines; and what a diagnosis needs to know."""

    report: Report
    sightings: dict[str, Sighting]
    comparison: Comparison
    witnesses: dict[str, Witness]
    """What stands for the gradient of what, beside the claims."""
    returned: set[str]
    """The findings that are claims; the others are witnesses."""
    written: Sequence[tuple[str, int, str, int]]
    """See `Watched.written`."""
    made: Sequence[Sighting] = ()
    """Every array that the backward code made."""
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    """See `Watched.masks`."""
    forward: Places = field(default_factory=dict)
    """Where the values of the forward pass were made."""
    eliminated: Eliminated = field(default_factory=dict)
    """What was found by elimination: for each fault looked into, what stands for the gradient of what."""

    @property
    def places(self) -> Places:
        """Where every tensor that has a line was made."""
        return {**self.forward, **{name: (s.line, s.source) for name, s in self.sightings.items()}}

    @property
    def faults(self) -> list[str]:
        """The claims that are wrong by their own fault."""
        return [f.name for f in self.report.tensors if f.name in self.returned and f.verdict in WRONG]

    @cached_property
    def words(self) -> set[str]:
        """The words in the statements that were seen: a parameter may have no name in the file, but a number."""
        sources = [s.source for s in self.sightings.values()] + [source for _, source in self.forward.values()]
        return set(re.findall(r"\w+", " ".join(sources)))

    @property
    def own(self) -> list[str]:
        """All that is wrong by its own fault, what is returned first."""
        return sorted((f.name for f in self.report.tensors if f.verdict in WRONG), key=lambda n: n not in self.returned)

    @property
    def inherited(self) -> set[str]:
        """What is wrong because something before it is."""
        return {f.name for f in self.report.tensors if f.verdict == "inherited"}

    @property
    def idle(self) -> set[str]:
        """Witnesses called wrong from which nothing wrong that is returned was computed: their names mislead."""
        findings = {f.name: f for f in self.report.tensors}
        needed: set[str] = set()
        for name in self.returned & set(findings):
            cause = findings[name].inherited_from
            while cause is not None and cause not in needed:
                needed.add(cause)
                cause = findings[cause].inherited_from if cause in findings else None
        wrong = {name for name, f in findings.items() if f.verdict in (*WRONG, "inherited")}
        return wrong - self.returned - needed


def place(
    host: Host,
    inputs: Inputs,
    precision: Precision,
    loss: str | None,
    samples_axis: int,
    eliminated: Eliminated | None = None,
    *,
    given_slope: bool = False,
) -> Placed:
    """Compare one network again, with the local variables of the code as witnesses beside what it returns.

    Where names and numbers of the witnesses say different things, that reading is taken which leaves fewest of the
    returned gradients at fault. `eliminated`: what another network has shown of the same faults, so that nothing else
    need be tried. `given_slope`: whether the gradient of the output was given, from which those of dZ and dA follow as
    they are.
    """
    known: dict[Any, Evaluation] = {}

    def evaluate(claimed: Sequence[str], working: Precision, **options: Any) -> Evaluation:
        key = (frozenset(claimed), working.name, *sorted(options)) if not any(options.values()) else None
        if key is None or key not in known:
            found = host.evaluate(inputs, claimed, working.name, loss, watched=True, **options)
            if key is None:
                return found
            known[key] = found
        return known[key]

    usual = [1.0] if given_slope else [1.0, float(losses.count(inputs["X"], samples_axis))]
    seen = host.watch(inputs, precision.name, loss)
    watched: Watched = seen["watched"]
    gradients = [f"d{name}" for name in (*inputs, *seen["names"]) if name != "Y"]
    evaluation = evaluate(gradients, precision)
    watched = downhill(watched, evaluation, usual)
    others = conventions(watched, evaluation, usual)

    def placed_with(witnesses: dict[str, Witness]) -> Placed:
        return _placed_with(witnesses, watched, evaluate, inputs, precision, gradients, others, given_slope)

    readings: list[Placed] = []
    for trust_names in (False, True):
        witnesses = assign(watched, evaluation, [*usual, *others], trust_names=trust_names)
        placed = placed_with(witnesses)
        if placed.idle:
            relevant = {name: witness for name, witness in witnesses.items() if name not in placed.idle}
            placed = placed_with(relevant)
        readings.append(placed)
        if not readings[-1].faults:
            break
    best = min(readings, key=lambda placed: len(placed.faults))

    found: Eliminated = {}
    trials = partial(_trials, watched, evaluation, list(inputs.values()), eliminated or {})
    best = _by_elimination(best, trials, placed_with, evaluation.upstream, found)
    made = [witness.sighting for witness in watched.sightings]
    return replace(best, forward=seen["places"], masks=watched.masks, eliminated=found, made=made)


MOST_TRIALS, SECONDS_OF_TRIALS = 16, 10.0
"""So many further readings are tried, and none after so many seconds: of loops over every number of a convolution one
reading takes seconds."""


Trials = Iterator[tuple[str, str, Witness, int]]
"""(fault, gradient before it, what may stand for that, with which sign)"""


def _by_elimination(
    placed: Placed,
    trials: Callable[[Placed], Trials],
    placed_with: Callable[[dict[str, Witness]], Placed],
    upstream: Mapping[str, Collection[str]],
    found: Eliminated,
    most: int = MOST_TRIALS,
    until: float | None = None,
) -> Placed:
    """Where neither names nor numbers say what the wrong gradient of a value is called: an array of its shape, if what
    is computed from it is right given that it is the one."""
    until = time.monotonic() + SECONDS_OF_TRIALS if until is None else until
    for i, (fault, gradient, witness, sign) in enumerate(trials(placed)):
        if i == most or time.monotonic() > until:
            break
        found.setdefault(fault, set())
        others = {k: w for k, w in placed.witnesses.items() if w.sighting.key != witness.sighting.key}
        sighting = witness.sighting if sign == 1 else replace(witness.sighting, value=-witness.sighting.value)
        tried = placed_with(others | {gradient: Witness(sighting, witness.error)})
        explains = len(tried.faults) < len(placed.faults) or _moves_up(fault, placed, tried)
        is_another = _key_of(fault, placed) == witness.sighting.key and len(tried.own) < len(placed.own)
        if (explains and not _is_used_rightly(gradient, tried, upstream)) or is_another:
            found[fault].add((gradient, witness.sighting.key, sign))
            return _by_elimination(tried, trials, placed_with, upstream, found, most - i - 1, until)
    return placed


def _key_of(name: str, placed: Placed) -> tuple[str, int, str, int] | None:
    """Of the witness that stands for a gradient."""
    return placed.witnesses[name].sighting.key if name in placed.witnesses else None


def _moves_up(fault: str, placed: Placed, tried: Placed) -> bool:
    """Whether what was called a fault of its own is now inherited, and no more is wrong than before."""
    return fault in placed.own and fault in tried.inherited and len(tried.own) <= len(placed.own)


def _is_used_rightly(gradient: str, placed: Placed, upstream: Mapping[str, Collection[str]]) -> bool:
    """Whether a gradient is called wrong that a right one is computed from: then the file has the right one too, and
    what was taken for it is something else, as is dA where dA * g'(Z) is only written where it is multiplied."""
    if gradient not in placed.own:
        return False
    right = {f.name for f in placed.report.tensors if f.verdict == "ok" and f.name in placed.returned}
    return any(gradient in upstream.get(name, ()) for name in right)


def _trials(
    watched: Watched, evaluation: Evaluation, given: Sequence[Any], eliminated: Eliminated, placed: Placed
) -> Trials:
    """What may be tried: with either sign where nothing is known of the file's; of faults that another network has
    shown, what was found there."""
    values = [*given, *(evaluation.tensors[name].value for name in evaluation.values)]
    known = renamings(watched)
    new = [w for w in watched.sightings if w.sighting.key not in known]
    numbers = [w for w in new if np.isfinite(w.sighting.value).all() and np.any(w.sighting.value)]
    numbers = [w for w in numbers if not np.isin(w.sighting.value, (0, 1)).all()]  # one-hot labels, masks
    made = [w for w in numbers if not any(_alike(w.sighting.value, value) for value in values)]  # NaN explains any NaN
    for fault in placed.own:
        yield from _of_another(fault, placed, evaluation, eliminated)
        for gradient in (*_unseen_before(fault, placed, evaluation), *_doubtful_before(fault, placed, evaluation)):
            shape = evaluation.tensors[gradient].value.shape
            alike = [w for w in reversed(made) if w.sighting.value.shape == shape and is_real(w)]
            alike += [one for w in made if (one := spread_to(shape, w, gradient)) is not None]
            fitting = sorted(alike, key=lambda w: root(w.sighting.name) != w.sighting.name)  # stored ones last
            for witness, sign in itertools.product(fitting, (1,) if placed.witnesses else (1, -1)):
                if witness.sighting.key == _key_of(gradient, placed):
                    continue
                if fault not in eliminated or (gradient, witness.sighting.key, sign) in eliminated[fault]:
                    yield fault, gradient, witness, sign


def _of_another(fault: str, placed: Placed, evaluation: Evaluation, eliminated: Eliminated) -> Trials:
    """A witness that is called wrong as what may be the gradient of something else: `dhidden`, after its mask, of z."""
    witness = placed.witnesses.get(fault)
    if witness is None:
        return
    before = evaluation.upstream.get(fault, ())
    for other in (n for n in evaluation.order if fault in evaluation.upstream.get(n, ()) and n not in before):
        seen = other in placed.witnesses or other in placed.returned
        alike = evaluation.tensors[other].value.shape == witness.sighting.value.shape
        known = fault not in eliminated or (other, witness.sighting.key, 1) in eliminated[fault]
        if of(other) != other and alike and known and not seen:
            yield fault, other, witness, 1


def _alike(array: np.ndarray, other: np.ndarray) -> bool:
    return array.shape == np.shape(other) and np.allclose(np.abs(array), np.abs(other))


def _unseen_before(name: str, placed: Placed, evaluation: Evaluation) -> list[str]:
    """The gradients that one was computed from and that nothing stands for yet, the nearest first."""
    found: list[str] = []
    waiting = [name]
    while waiting:
        for before in sorted(evaluation.upstream.get(waiting.pop(0), ())):
            seen = before in placed.witnesses or before in placed.returned or before in found
            if not seen and of(before) != before and before in evaluation.tensors:
                found.append(before)
                waiting.append(before)
    return found


def _doubtful_before(name: str, placed: Placed, evaluation: Evaluation) -> list[str]:
    """The gradients that one was computed from and that something of another name stands for, by its numbers alone:
    `error = A - Y` is dZ with cross entropy, but where `delta = error * slope` follows the file goes on from that."""
    right = {f.name for f in placed.report.tensors if f.verdict == "ok"} & set(placed.witnesses)
    before = sorted(evaluation.upstream.get(name, set()) & right)
    return [gradient for gradient in before if not is_called_like(placed.witnesses[gradient], gradient)]


def shown(report: Report) -> Report:
    """The same with the code's own names for gradients of what has no name in its forward pass; of several that have
    one the first fault has it as it stands, and the others are numbered."""
    first = report.first_fault
    nameless = [f for f in report.tensors if "(" in f.name and f.variable]
    taken = {f.name for f in report.tensors}
    own: dict[str, str] = {}
    for finding in sorted(nameless, key=lambda f: first is None or f.name != first.name):
        tries = itertools.chain([finding.variable], (f"{finding.variable}#{i}" for i in itertools.count(2)))
        own[finding.name] = next(name for name in tries if name not in taken)
        taken.add(own[finding.name])
    report.tensors = [
        f.but(name=own.get(f.name, f.name), inherited_from=own.get(f.inherited_from or "", f.inherited_from))
        for f in report.tensors
    ]
    return report


def _placed_with(
    witnesses: dict[str, Witness],
    watched: Watched,
    evaluate: Evaluate,
    inputs: Inputs,
    precision: Precision,
    gradients: Sequence[str],
    others: Sequence[float],
    given_slope: bool,
) -> Placed:
    claims = watched.claims
    witnesses = {name: witness for name, witness in witnesses.items() if name not in claims}
    sightings = {
        name: s
        for name, claim in claims.items()
        if (s := line_of(name, claim, watched, inputs.get(name[1:]))) is not None
    }
    sightings = origins(sightings | {name: witness.sighting for name, witness in witnesses.items()}, watched)
    comparison = Comparison(
        evaluate,
        inputs,
        claims | {name: w.sighting.value for name, w in witnesses.items()},
        _errors(claims, sightings, watched.sightings, witnesses),
        precision,
        [],
        also=gradients,
        conventions=others,
        given_slope=given_slope,
    )
    report = comparison.report()
    faults = [f.name for f in report.tensors if f.verdict in WRONG]
    sightings = in_helpers(faults, [f.name for f in report.tensors if f.verdict == "ok"], sightings, watched)
    report.tensors = [
        _placed(finding, sightings.get(finding.name)).but(witness=finding.name not in claims)
        for finding in report.tensors
    ]
    report.tensors = _in_order([w.sighting for w in watched.sightings], report.tensors, sightings)
    return Placed(report, sightings, comparison, witnesses, set(claims), watched.written)


def _in_order(
    seen: Sequence[Sighting], findings: Sequence[Finding], sightings: Mapping[str, Sighting]
) -> list[Finding]:
    """The findings as the code made them; one whose line is not known stays behind the one before it."""
    moments = {sighting.key: i for i, sighting in enumerate(seen)}
    keys: dict[str, int] = {}
    last = -1
    for finding in findings:
        sighting = sightings.get(finding.name)
        last = keys[finding.name] = last if sighting is None else moments[sighting.key]
    return sorted(findings, key=lambda finding: keys[finding.name])


def _errors(
    claims: Mapping[str, np.ndarray],
    sightings: Mapping[str, Sighting],
    seen: Sequence[Witness],
    witnesses: Mapping[str, Witness],
) -> dict[str, np.ndarray]:
    """E_claim of what was returned, from the sighting of the same array, and of the witnesses."""
    by_key = {w.sighting.key: w.error for w in seen}
    returned = {
        n: s for n, s in sightings.items() if n in claims and np.array_equal(s.value, claims[n], equal_nan=True)
    }
    errors = {name: by_key.get(sighting.key) for name, sighting in returned.items()}
    errors |= {name: witness.error for name, witness in witnesses.items()}
    shapes = {name: claim.shape for name, claim in claims.items()} | {
        n: w.sighting.value.shape for n, w in witnesses.items()
    }
    return {name: error for name, error in errors.items() if error is not None and error.shape == shapes[name]}


def _placed(finding: Finding, sighting: Sighting | None) -> Finding:
    if sighting is None:
        return finding
    return finding.but(
        line=sighting.line,
        occurrence=sighting.occurrence,
        variable=sighting.name,
        calls=sighting.calls,
        source=sighting.source,
    )


_BLAMED = ("fault", "dtype", "inherited")


def merged_with(report: Report, placed: Sequence[Placed]) -> Report:
    """The report on all networks, its blame and lines from those that were watched.

    The verdict is that of the claims on all networks. Witnesses add rows, unless nothing returned is wrong.
    """
    if not placed:
        return report
    found: dict[str, list[Finding]] = {}
    for one in placed:
        for finding in one.report.tensors:
            found.setdefault(finding.name, []).append(finding)
    overall = {finding.name: finding for finding in report.tensors}
    wrong = any(finding.verdict in (*WRONG, "inherited", "scaled") for finding in report.tensors)
    others = any(f.verdict == "fault" for findings in found.values() for f in findings)
    rows = []
    for name, findings in found.items():
        own = max(findings, key=lambda f: (SEVERITY.index(f.verdict), f.ratio))
        if name not in overall:
            if wrong or own.verdict in ("ok", "kink"):
                rows.append(own)
            continue
        finding = overall.pop(name)
        blamed = [f for f in findings if f.verdict in _BLAMED]
        if finding.verdict in _BLAMED and blamed:
            worst = max(blamed, key=lambda f: f.verdict != "inherited")
            finding = finding.but(verdict=worst.verdict, inherited_from=worst.inherited_from)
        elif finding.verdict == "fault" and others and all(f.verdict == "undecided" for f in findings):
            finding = finding.but(verdict="undecided")  # what is before it is wrong, and whose fault this is not said
        rows.append(
            finding.but(
                line=own.line, occurrence=own.occurrence, variable=own.variable, calls=own.calls, source=own.source
            )
        )
    report.tensors = rows + list(overall.values())
    return report
