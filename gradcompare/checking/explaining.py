"""What a diagnosis needs to know of a step at fault, from a network that was watched."""

from __future__ import annotations

import keyword
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from gradcompare import losses
from gradcompare.checking.defects import excused
from gradcompare.checking.placing import Placed
from gradcompare.checking.sightings import Sighting, base
from gradcompare.checking.spoken import Cells, plain_name, spoken
from gradcompare.diagnosis import UNKNOWN, Diagnosis, Part, Spoken, Step, diagnose
from gradcompare.diagnosis.spelling import spelled
from gradcompare.judging.blame import is_intermediate
from gradcompare.judging.evaluation import COST, Evaluation
from gradcompare.judging.verdict import WRONG, Finding, of

MOST = 3
"""So many faults are diagnosed, the first ones."""
SECONDS = 10.0
"""So long, in all, formulas of their mistakes are looked for."""


def diagnosed(
    placed: Sequence[Placed],
    first_fault: Finding | None,
    samples_axis: int,
    text: str,
    notes: list[str],
    cells: Cells = MappingProxyType({}),
) -> list[Diagnosis]:
    """A diagnosis of each tensor at fault, the first fault first, from the networks that show it.

    Args:
        placed: the networks, watched.
        first_fault: where it first goes wrong.
        samples_axis: 1 where columns are samples, 0 where rows are.
        text: the file's.
        notes: told of a diagnosis that failed; it is "unknown" then.
        cells: of a notebook, by line, the cell and the line in it.
    """
    masks = {name for one in placed for name, array in one.masks.items() if len(np.unique(array)) == 2}
    steps: dict[str, list[Step]] = {}
    for one in placed:
        for finding in one.report.tensors:
            if finding.verdict in (*WRONG, "scaled") and finding.verdict != "dtype":
                step = step_of(one, finding, samples_axis, text, masks, cells)
                if step is not None:
                    steps.setdefault(finding.name, []).append(step)
    ordered = sorted(steps, key=lambda name: first_fault is None or name != first_fault.name)
    if first_fault is not None and first_fault.verdict == "scaled":
        ordered = ordered[:1]  # the others have the same constant
    diagnoses = [_of_dtype(first_fault)] if first_fault is not None and first_fault.verdict == "dtype" else []
    until = time.monotonic() + SECONDS
    for name in ordered[:MOST]:
        for found in _diagnosed(_with_the_same_names(steps[name]), notes, until)[:1]:
            said = {(d.mistake, d.line) for d in diagnoses}
            if not diagnoses or (found.mistake != UNKNOWN and (found.mistake, found.line) not in said):
                diagnoses.append(found)
    return diagnoses


def _of_dtype(finding: Finding) -> Diagnosis:
    """What a dtype of its own does to a gradient."""
    whole = finding.dtype.startswith(("int", "uint", "bool"))
    loses = "fractions are cut off" if whole else f"it keeps {'3' if finding.dtype == 'float16' else '7'} digits"
    says = f"{finding.variable or finding.name} is {finding.dtype}, which its inputs are not: {loses}."
    return Diagnosis(finding.name, finding.line, "whole_numbers" if whole else "float32", says)


def _diagnosed(steps: Sequence[Step], notes: list[str], until: float) -> list[Diagnosis]:
    with excused(notes, "the mistake"):
        return diagnose(steps, until)
    return [Diagnosis(steps[0].name, steps[0].line, UNKNOWN, "Which mistake it is could not be found out.")]


def _with_the_same_names(steps: Sequence[Step]) -> list[Step]:
    """The steps, each with the values and gradients that all of them have."""
    values = set.intersection(*(set(step.values) for step in steps))
    gradients = set.intersection(*(set(step.gradients) for step in steps))
    return [
        replace(
            step,
            values={name: array for name, array in step.values.items() if name in values},
            gradients={name: array for name, array in step.gradients.items() if name in gradients},
            hidden=[name for name in step.hidden if name in gradients],
            spelled=step.spelled and {k: written for k, written in step.spelled.items() if k in values | gradients},
        )
        for step in steps
    ]


def step_of(
    placed: Placed,
    finding: Finding,
    samples_axis: int,
    text: str = "",
    masks: Collection[str] = (),
    cells: Cells = MappingProxyType({}),
) -> Step | None:
    """The step that made a tensor, with its true inputs, in the code's own numbers; None where blame was not needed.

    `masks`: the names of `Placed.masks` that are some on one of the networks at least.
    """
    comparison, local = placed.comparison, placed.comparison.local
    name = finding.name
    if local is None or name not in local.tensors or of(name) == name:
        return None
    scale = comparison.scale if is_intermediate(name, comparison.inputs) else 1.0
    arrived = local.tensors[name]
    claim_error = comparison.claim_errors.get(name, np.zeros(()))
    claim_error = claim_error if claim_error.shape in ((), arrived.error.shape) else np.zeros(())
    gradients, hidden, unspoken = _gradients(placed, name, local)
    unspoken += [k for k in comparison.inputs if k not in ("X", "Y") and k not in placed.words]
    sighting = placed.sightings.get(name)
    values = _values(placed, local, masks)
    called = finding.variable if sighting is not None and _holds(sighting, comparison.claims[name]) else name
    known = spoken(comparison.first, placed.forward, list(comparison.inputs), cells)
    said = {k: known[k] for k in (*values, *hidden, *unspoken) if k in known}
    if called.startswith("return") or (called == name and finding.variable != name):
        said[called] = known.get(name) or Spoken(plain_name(name), "")
    return Step(
        name=called,
        of=base(of(name)),
        claim=comparison.claims[name],
        right=arrived.value * scale,
        bound=2 * arrived.error * scale + claim_error + 2.0**-52 * np.abs(arrived.value * scale),
        values=values,
        gradients=gradients,
        hidden=hidden,
        unspoken=unspoken,
        inputs=list(comparison.inputs),
        samples=losses.count(comparison.inputs["X"], samples_axis),
        samples_axis=samples_axis,
        source=sighting.source if sighting is not None else None,
        constants=sighting.constants if sighting is not None else {},
        line=finding.line,
        spelled=_spelled(text, finding.line, values, set(gradients) - {*hidden, *unspoken}),
        spoken=said,
        parts=_parts(placed, sighting, comparison.claims[name]),
        unit_roundoff=comparison.precision.unit_roundoff,
    )


def _parts(placed: Placed, step: Sighting | None, claim: np.ndarray) -> list[Part]:
    """What the backward code had of a step's shape, and that nothing was taken for."""
    taken = {sighting.key for sighting in placed.sightings.values()}
    return [
        Part(s.name, s.line, s.source, step is None or s.function != step.function, s.value)
        for s in placed.made
        if s.key not in taken and s.value.shape == claim.shape and not np.array_equal(s.value, claim)
    ]


def _holds(sighting: Sighting, claim: np.ndarray) -> bool:
    return sighting.value.shape == claim.shape and np.allclose(np.abs(sighting.value), np.abs(claim), rtol=1e-4)


def _spelled(text: str, line: int | None, values: Collection[str], gradients: Collection[str]) -> dict[str, str] | None:
    """How the line can write values, and the gradients that it has names for."""
    found = spelled(text, line) if text and line is not None else None
    if found is None:
        return None
    return {k: found[k] for k in values if k in found} | {k: k for k in gradients if k.isidentifier()}


def _still_holds(placed: Placed, sighting: Sighting, here: Sighting) -> bool:
    """Whether a variable holds at a line what it was seen to hold before, in the same function."""
    function, _, variable, _ = sighting.key
    before = placed.written[: placed.written.index(here.key)] if here.key in placed.written else []
    held = [key for key in before if (key[0], key[2]) == (function, variable)]
    return function == here.function and (not held or held[-1] == sighting.key)


def _variable(sighting: Sighting | None, claim: np.ndarray) -> str | None:
    """The variable that holds a gradient; None where what was seen is another thing, a parameter after its update."""
    if sighting is None or not sighting.name.isidentifier() or keyword.iskeyword(sighting.name):
        return None
    return sighting.name if _holds(sighting, claim) else None


def _values(placed: Placed, local: Evaluation, masks: Collection[str]) -> dict[str, np.ndarray]:
    """Forward values, parameters and data."""
    values = {name: local.tensors[name].value for name in local.order if name in local.values and name != COST}
    beside = {name: mask for name, mask in placed.masks.items() if name not in values and name in masks}
    return beside | values | dict(placed.comparison.inputs)


def _gradients(placed: Placed, name: str, local: Evaluation) -> tuple[dict[str, np.ndarray], list[str], list[str]]:
    """The gradients that the step could read, the code's own where it has them; the names of those it has not; and of
    those for which the line has no name."""
    comparison, numbers = placed.comparison, placed.comparison.first.numbers
    before = [k for k in local.order[: local.order.index(name)] if k not in local.values and k in numbers]
    own: dict[str, np.ndarray] = {}
    unspoken: list[str] = []
    hidden: dict[str, np.ndarray] = {}
    known = {numbers.get(name)}  # the same tensor under another name is no other tensor
    for k in (k for k in before if k in comparison.claims and numbers[k] not in known):
        sighting = placed.sightings.get(k)
        variable = _variable(sighting, comparison.claims[k])
        here = placed.sightings.get(name)
        if here is not None and sighting is not None and not _still_holds(placed, sighting, here):
            variable = None
        if variable is None or variable in own:  # the line knows it by no name of its own
            variable = k
            unspoken.append(k)
        own[variable] = comparison.claims[k]
        known.add(numbers[k])
    for k in (k for k in before if k not in comparison.claims and numbers[k] not in known):
        scale = comparison.scale if is_intermediate(k, comparison.inputs) else 1.0
        hidden[k] = local.tensors[k].value * scale
        known.add(numbers[k])
    return own | hidden, list(hidden), unspoken
