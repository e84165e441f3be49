"""The line of a derivative that is made apart from the step that it goes into: `sp = sigmoid_prime(sigmoid(z))`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradcompare.diagnosis.arithmetic import leaf
from gradcompare.diagnosis.forms import Form
from gradcompare.diagnosis.step import Case, Part, fits

TAKEN = ("derivative_elsewhere", "wrong_variable", "wrong_activation", "wrong_steepness")
"""Mistakes of whoever takes the derivative, who asks for another one or at another place; others are its own."""
LONGEST = 40
"""Letters of a formula that is told."""


def wrong_part(cases: Sequence[Case], forms: Sequence[Form], mistake: str) -> tuple[Part, Form] | None:
    """What stands in the step in place of the activation's derivative, where the code made that on another line; and
    the right formula of the step."""
    for form in forms:
        found = [part for part in _standing_in(cases, form) if part.line != cases[0].step.line]
        own = [part for part in found if not part.outside]
        made = (own if mistake in TAKEN else [part for part in found if part.outside] or own)[:1]
        if made:
            return made[0], form
    return None


def _standing_in(cases: Sequence[Case], form: Form) -> Iterator[Part]:
    if form.slope is None or fits(cases, form.but(slope=None).text()):
        return
    keys = [{(part.name, part.line): part for part in case.step.parts} for case in cases]
    for i, key in enumerate(key for key in keys[0] if all(key in known for known in keys)):
        for case, known in zip(cases, keys, strict=True):
            case.names[f"_part{i}"] = leaf(known[key].value)
        if fits(cases, form.but(slope=f"_part{i}").text()):
            yield keys[0][key]


def made_there(part: Part) -> str:
    """A sentence on where it is made."""
    return f" It is made on line {part.line}, {part.source}."


def is_no_derivative(part: Part, form: Form) -> str:
    """A sentence on a derivative that is none of the known mistakes."""
    activation = f"the derivative of {form.applied.name}" if form.applied is not None else "the derivative"
    right = f", {form.slope}" if form.slope is not None and len(form.slope) <= LONGEST else ""
    what = f"What line {part.line} returns" if part.name.startswith("return") else f"{part.name} of line {part.line}"
    return f"{what} is not {activation}{right}: it is {part.source.removeprefix('return ')}."
