"""What follows once all networks are judged: the lines, the diagnosis, the smallest network that shows the fault."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradcompare.bounds.precision import Precision
from gradcompare.checking.defects import excused
from gradcompare.checking.errors import CodeError
from gradcompare.checking.explaining import diagnosed
from gradcompare.checking.placing import Placed, merged_with, place, shown
from gradcompare.checking.smallest import smallest
from gradcompare.checking.subject import Subject
from gradcompare.diagnosis.step import Diagnosis
from gradcompare.judging.claims import Familiar
from gradcompare.judging.evaluation import COST
from gradcompare.judging.verdict import WRONG, Finding
from gradcompare.losses import LOSSES, count
from gradcompare.network import Network
from gradcompare.picture import Picture, picture_of
from gradcompare.report import WRONG_COST, Report

__all__ = ["Judged", "explained", "factor"]

WATCHED, SECONDS_OF_WATCHING = 3, 15.0
"""So many of the networks that show a fault are run again with every line watched; one where that takes longer."""


class Judged(NamedTuple):
    """A network and its report."""

    network: Network
    report: Report

    @property
    def precision(self) -> str:
        """The one under test."""
        return self.network.X.dtype.name


def explained(
    report: Report, subject: Subject, judged: Sequence[Judged], familiar: Mapping[str, Familiar], seed: int
) -> Report:
    """The report on all networks with lines, diagnosis and the smallest network that shows the fault.

    Args:
        report: the verdict on all of them.
        subject: the code under test.
        judged: the networks, one by one.
        familiar: by precision, what is wrong in enough of them.
        seed: what the networks were drawn from.
    """
    is_wrong = report.verdict in ("wrong", "scaled")
    with excused(report.notes, "the lines"):
        placed = _placed(subject, judged)
        report = merged_with(report, placed)
        report.draw = partial(_picture, placed, report)
        if is_wrong:
            report.diagnosis = _wrong_cost(subject, judged) or _diagnosis(report, subject, placed)
        _put_into_cells(report, subject.about["cells"])
    if is_wrong:
        with excused(report.notes, "the smallest network"):
            report.smallest_case = _smallest(subject, judged, familiar, seed, report.first_fault)
    shown(report)
    return report


FACTORS: dict[str, Callable[[int, int, int], float]] = {
    "m": lambda m, inputs, outputs: m,
    "1/m": lambda m, inputs, outputs: 1 / m,
    "n_L (the number of outputs)": lambda m, inputs, outputs: outputs,
    "1/n_L (n_L, the number of outputs)": lambda m, inputs, outputs: 1 / outputs,
    "m n_L (the number of labels)": lambda m, inputs, outputs: m * outputs,
    "1/(m n_L) (m n_L, the number of labels)": lambda m, inputs, outputs: 1 / (m * outputs),
    "m - 1 (m, the steps of a sequence)": lambda m, inputs, outputs: m - 1,
    "m/n_0 (n_0, the number of inputs)": lambda m, inputs, outputs: m / inputs,
    "m/n_L (n_L, the number of outputs)": lambda m, inputs, outputs: m / outputs,
}
"""What a factor common to all gradients can be that differs from network to network: of m samples, n_0 inputs and n_L
outputs."""
CONSTANTS = {"": 1.0, "-": -1.0, "1/2 * ": 0.5, "2 * ": 2.0, "-1/2 * ": -0.5, "-2 * ": -2.0}
"""By what else it can be multiplied, as by a half that a square's derivative does not have."""


def varies(judged: Iterable[Judged]) -> bool:
    """Whether these factors are others in every network, and nothing that is known makes them so: no constant."""
    judged = list(judged)
    numbers = [number for *_, number in _factors(judged)]
    alike = not numbers or all(math.isclose(number, numbers[0], rel_tol=1e-3) for number in numbers)
    return not alike and factor(judged) is None


def _factors(judged: Iterable[Judged]) -> set[tuple[int, int, int, float]]:
    """(samples, inputs, outputs, factor) of the networks whose gradients are all a constant times what they should
    be."""
    return {
        (one.network.m, one.network.sizes[0], one.network.sizes[-1], finding.factor)
        for one in judged
        for finding in one.report.tensors
        if finding.verdict == "scaled" and finding.factor is not None
    }


def factor(judged: Iterable[Judged]) -> str | None:
    """What the factor of the networks whose gradients are all a constant times what they should be is, in each."""
    found = _factors(judged)
    if len({number for *_, number in found}) < 2:
        return None
    for (prefix, number), name in itertools.product(CONSTANTS.items(), FACTORS):
        if all(math.isclose(factor, number * FACTORS[name](*sizes), rel_tol=1e-3) for *sizes, factor in found):
            return f"{prefix}{name}"
    return None


def _diagnosis(report: Report, subject: Subject, placed: Sequence[Placed]) -> list[dict[str, Any]]:
    about = subject.about
    if "replaced" in about and report.first_fault is not None:
        name, line = report.first_fault.name, report.first_fault.line
        return [Diagnosis(name, line, "replaced", about["replaced"], None).to_dict()]
    found = diagnosed(placed, report.first_fault, about["samples_axis"], about["text"], report.notes, about["cells"])
    return [diagnosis.to_dict() for diagnosis in found]


def _placed(subject: Subject, judged: Sequence[Judged]) -> list[Placed]:
    """Some networks again, watched: those that show what is wrong, if anything is, and that have fewest gradients of
    nothing but zeros, as those of dead units are."""
    failing = [one for one in judged if one.report.verdict != "agrees"]
    chosen = sorted(failing, key=lambda one: (one.precision != "float64", _dead(one.report)))[:WATCHED] or judged[:1]
    samples_axis = subject.about["samples_axis"]
    placed: list[Placed] = []
    until = time.monotonic() + SECONDS_OF_WATCHING
    ways = [True, False] if subject.about["given_slope"] else [False]  # whether dZ and dA have no convention of theirs
    for one in (one for one in chosen if one.report.reference == "autograd"):
        inputs, precision = subject.inputs(one.network), Precision.of(one.precision)
        eliminated = placed[0].eliminated if placed else None
        read = [
            place(subject.host, inputs, precision, subject.loss, samples_axis, eliminated, given_slope=way)
            for way in ways
        ]
        best = min(range(len(ways)), key=lambda i: sum(f.verdict in WRONG for f in read[i].report.tensors))
        ways = [ways[best]]
        placed.append(read[best])
        if time.monotonic() > until:
            break
    return placed


def _dead(report: Report) -> int:
    return sum(finding.size == 0 for finding in report.tensors if finding.verdict != "missing")


def _picture(placed: Sequence[Placed], report: Report) -> Picture | None:
    """Of the networks that were watched, the one where most tensors have the verdict that is reported of them."""
    reported = {finding.name: finding.verdict for finding in report.tensors}

    def typical(one: Placed) -> int:
        return sum(reported.get(finding.name) == finding.verdict for finding in one.report.tensors)

    best = max(placed, key=typical, default=None)
    return None if best is None else picture_of(best.comparison, best.places)


def _wrong_cost(subject: Subject, judged: Iterable[Judged]) -> list[dict[str, Any]]:
    """Where the gradients are right for a named cost and not for the file's own: the cost is what is wrong."""
    if subject.loss is not None or subject.untraceable is not None:
        return []
    wrong = [one for one in judged if one.report.verdict == "wrong"][:WATCHED]
    names = subject.fitting_losses(wrong[0].network) if wrong else []
    for one in wrong if names else ():
        names = subject.agreeing_losses(one.network, one.precision, names)
    if not names:
        return []
    says = f"It is the cost that differs: the gradients are right for {LOSSES[names[0]].says}."
    return [{"name": COST, "line": None, "mistake": WRONG_COST, "says": says, "fix": None}]


def _put_into_cells(report: Report, cells: Mapping[str, Sequence[int]]) -> None:
    """Of a notebook, the cell and the line in it."""
    if cells:
        for i, finding in enumerate(report.tensors):
            if finding.line is not None and str(finding.line) in cells:
                cell, line = cells[str(finding.line)]
                report.tensors[i] = finding.but(cell=cell, line=line)
        for found in report.diagnosis:
            if str(found["line"]) in cells:
                found["cell"], found["line"] = cells[str(found["line"])]


def _smallest(
    subject: Subject, judged: Sequence[Judged], familiar: Mapping[str, Familiar], seed: int, first: Finding | None
) -> dict[str, Any]:
    """The smallest network on which a gradient is wrong: the first fault, where that is one that is returned."""

    def is_it(report: Report) -> bool:
        seen = next((f for f in report.tensors if first is not None and f.name == first.name), None)
        right = seen is not None and seen.verdict not in (*WRONG, "inherited", "scaled")
        return report.verdict in ("wrong", "scaled") and not right

    all_wrong = [one for one in judged if one.report.verdict in ("wrong", "scaled")]
    wrong = [one for one in all_wrong if is_it(one.report)] or all_wrong
    known = min(wrong, key=lambda one: one.network.X.dtype != np.float64)
    precision = known.precision

    def shows(network: Network) -> bool:
        with contextlib.suppress(CodeError, ValueError):
            report = subject.compared(network.astype(precision), precision, familiar=familiar[precision], whose=False)
            return is_it(report)
        return False

    of_one_size = subject.about["is_own"] or not subject.about["is_network"]
    found = (known.network if of_one_size else smallest(known.network, subject.wide, shows)).astype(precision)
    sizes, inputs = subject.about["own_widths"] or list(found.sizes), subject.inputs(found)
    samples = count(inputs["X"], subject.about["samples_axis"]) if of_one_size else found.m
    return {"sizes": sizes, "m": samples, "inputs": inputs, "seed": seed}
