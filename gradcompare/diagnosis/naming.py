"""Which known mistake a step at fault is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from gradcompare.diagnosis.correction import correction
from gradcompare.diagnosis.difference import are_names, difference
from gradcompare.diagnosis.forms import LEAF, Form, constant, forms, sums_of_two
from gradcompare.diagnosis.formulas.constants import said
from gradcompare.diagnosis.formulas.known import Known
from gradcompare.diagnosis.mistakes import TABLE, Row
from gradcompare.diagnosis.parts import is_no_derivative, made_there, wrong_part
from gradcompare.diagnosis.regularities import FLOAT32, plainest
from gradcompare.diagnosis.step import RESULT, RIGHT, Case, Diagnosis, Step, fits

UNKNOWN = "unknown"
_NO_FORM = Form(LEAF, (RIGHT,))


def diagnose(steps: Sequence[Step], until: float = math.inf) -> list[Diagnosis]:
    """Name the mistake of a step at fault.

    Args:
        steps: the same step (same names) on several random networks, two at least; a mistake is named only where its
            formula gives the code's numbers, within rounding, on every one of them, and on two at least these can be
            told from the right ones.
        until: when formulas are tried no more, by `time.monotonic`: of numbers that are no arrays any may be made of
            any others.

    Returns:
        The diagnosis; its `mistake` is "unknown" where no row of the table fits, and `says` then has the plainest
        regularities. Nothing where rounding can explain every network.
    """
    cases = [Case(step, until) for step in steps]
    if all(case.is_right() for case in cases):
        return []
    cases = sorted(_telling(cases), key=Case.is_right)
    for case in cases:
        case.names["_shape"] = case.claim.shape
    right = forms(cases) or sums_of_two(cases)
    mistake, says = _named(cases, right) or (UNKNOWN, plainest(cases))
    apart = wrong_part(cases, right, mistake)
    if apart is not None and mistake == UNKNOWN:
        mistake, says = "wrong_formula", is_no_derivative(*apart)
    elif apart is not None:
        says += made_there(apart[0])
    step = steps[0]
    fix = next((fix for form in [*right, None] if (fix := correction(cases, form)) is not None), None)
    if mistake == UNKNOWN and fix is not None and (parts := difference(step.source or "", fix)) is not None:
        says = f"{parts[0]} stands where {parts[1]} belongs."
        return [Diagnosis(step.name, step.line, "wrong_variable" if are_names(*parts) else UNKNOWN, says, fix)]
    return [Diagnosis(step.name, step.line, mistake, cases[0].show(says), fix)]


def _telling(cases: Sequence[Case]) -> Sequence[Case]:
    """The networks where there is something to be right; that of dead units is 0, whatever the formula."""
    alive = [case for case in cases if np.any(case.right)]
    return alive if len(alive) > 1 and not all(case.is_right() for case in alive) else cases


def _named(cases: Sequence[Case], right: Sequence[Form]) -> tuple[str, str] | None:
    if not all(np.all(np.isfinite(case.claim)) for case in cases):
        return None
    own = [Known(cases, form) for form in right] or [Known(cases, _NO_FORM)]
    inner = [known for form in right for known in _inside(cases, form)]
    for ways in (own, inner):
        if (found := _first_fit(ways)) is not None:
            return found
    if _single(cases):
        return "float32", f"{RESULT} is computed in float32, which keeps 7 digits."
    return _first_fit_times_constant([*own, *inner])


def _inside(cases: Sequence[Case], right: Form) -> Iterator[Known]:
    """The gradients in a step that the code never had in a variable: the mistake may be in them."""
    for i, operand in enumerate(right.operands):
        name = operand.removesuffix(".T")
        if cases[0].shown.get(name, name) in cases[0].step.hidden and name in cases[0].gradients:
            for inner in forms(cases, name):
                yield Known(cases, inner, _within(right, i, operand.removeprefix(name)))


def _within(form: Form, i: int, turned: str) -> Callable[[str], str]:
    return lambda text: form.with_operand(i, f"({text}){turned}").text()


def _words(row: Row, known: Known, words: dict[str, str]) -> str:
    return row.says.format(name=RESULT, **words)


def _rows(ways: Sequence[Known]) -> Iterator[tuple[Row, Known]]:
    for row in TABLE:
        for known in ways:
            if known.first.is_late:
                return
            if row.needs_no_form or known.form is not _NO_FORM:
                yield row, known


def _first_fit(ways: Sequence[Known]) -> tuple[str, str] | None:
    for row, known in _rows(ways):
        for formula, words in row.formulas(known):
            if fits(known.cases, formula):
                mistake = f"{row.mistake} {words['factor']}" if row.mistake == "factor" else row.mistake
                return mistake, _words(row, known, words)
    return None


def _first_fit_times_constant(ways: Sequence[Known]) -> tuple[str, str] | None:
    """A mistake together with a wrong constant."""
    for row, known in _rows(ways):
        for formula, words in row.formulas(known) if row.scalable else ():
            suffix = constant(known.cases, formula, known.claims, any_number=False)
            if suffix and fits(known.cases, f"({formula}){suffix}"):
                besides = f" Besides, it is {said(known.cases, suffix)} times that."
                return row.mistake, _words(row, known, words) + besides
    return None


def _single(cases: Sequence[Case]) -> bool:
    """Whether the claims are numbers of float32 where float64 was asked for, and right as such."""
    wrong = [case for case in cases if not case.is_right()]
    return len(wrong) > 1 and all(
        case.unit < FLOAT32
        and case.claim.shape == case.right.shape
        and np.array_equal(case.claim, case.claim.astype(np.float32))
        and np.max(np.abs(case.claim - case.right)) <= 100 * FLOAT32 * np.max(np.abs(case.right))
        for case in wrong
    )
