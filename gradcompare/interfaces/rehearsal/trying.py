"""Which of the programs that may be written for a file trains."""

from __future__ import annotations

import contextlib
import copy
import time
from typing import NamedTuple

import numpy as np

from gradcompare.interfaces.rehearsal import supplies
from gradcompare.interfaces.rehearsal.finding import Found, found_in
from gradcompare.interfaces.rehearsal.script import Script
from gradcompare.interfaces.rehearsal.stage import Exploring, Turn
from gradcompare.interfaces.rehearsal.writing import programs

SIZES = supplies.Sizes(inputs=7, outputs=5)
"""Numbers that are seldom written down."""


class Form(NamedTuple):
    """How samples and labels lie."""

    lie: str
    """See `supplies.LIES`."""
    one: bool = False
    """Whether there is one output."""
    turned: bool = False
    """Whether the labels of a sample are in a column though it is a row."""
    letters: bool = False
    """Whether samples and labels are whole numbers, one after another."""


FORMS = (
    *map(Form, supplies.LIES),
    Form("columns", one=True),
    Form("rows", turned=True),
    Form("classes", letters=True),
)
SECONDS = 6.0
"""So long programs are written and tried."""


class Written(NamedTuple):
    """A program that trains."""

    script: Script
    found: Found
    supplied: supplies.Supplies

    spreads: bool
    """Whether a parameter has another shape afterwards: code for one sample that was given several."""

    @property
    def agreement(self) -> float:
        """Which part of its parameters goes along the gradient."""
        return len(self.found.agreeing) / len(self.found.parameters)


def written_for(script: Script) -> Written | None:
    """The file followed by a program that trains: the first all of whose parameters go along the gradient, else the
    one of which most do."""
    until = time.process_time() + SECONDS
    best: Written | None = None
    for form in FORMS:
        sizes = SIZES._replace(outputs=1) if form.one else SIZES
        for _ in range(supplies.TRIES):
            supplied, problems, seen = _supplies(form, sizes), list[BaseException](), set[str]()
            ran = False
            for text, each, counts in programs(script, supplied, problems):
                hides = each and counts and (not best.spreads if best is not None else ran)
                if text in seen or hides or time.process_time() > until:
                    continue
                seen.add(text)
                went_wrong = list[BaseException]()
                written = _tried(script.followed_by(text), supplied, went_wrong)
                problems += [] if each else went_wrong
                ran |= not each and not went_wrong
                if written is not None and (best is None or written.agreement > best.agreement):
                    best = written
                    if best.agreement == 1:
                        return best
            wanted = supplies.sizes_asked_for(problems, sizes, script.counts)
            if best is not None or wanted is None or _is_poor(wanted, form) or time.process_time() > until:
                break
            sizes = wanted
        if best is not None or time.process_time() > until:  # other labels may hide what is wrong
            break
    return best


def _supplies(form: Form, sizes: supplies.Sizes) -> supplies.Supplies:
    if form.letters:
        made = supplies.Supplies(form.lie, sizes._replace(inputs=sizes.outputs))
        made["inputs"] = made["targets"][::-1].copy()
        return made
    made = supplies.Supplies(form.lie, sizes)
    if form.turned:
        made["targets"] = made["targets"].T.copy()
    return made


def _is_poor(sizes: supplies.Sizes, form: Form) -> bool:
    """Whether there is but one of something, which hides what is wrong with several."""
    return min(sizes.samples, sizes.inputs, 2 if form.one else sizes.outputs) < 2


def _tried(script: Script, supplied: supplies.Supplies, problems: list[BaseException]) -> Written | None:
    explored = Exploring(supplied)
    script.run(explored)
    problems += script.problems
    supplied = copy.copy(supplied)
    supplied |= {name: supplied[supplies.role(name) or ""] for name in explored.asked}
    for loop, changed in explored.changed.items():
        with contextlib.suppress(Exception):
            found = found_in(script, loop, list(changed.values()), supplied)
            if found is not None and found.believed:
                turn = Turn(loop, {}, {name: found.where[name] for name in found.parameters}, supplied)
                script.run(turn)
                if turn.stopped is None:
                    return Written(script, found, supplied, _spreads(found, turn))
    return None


def _spreads(found: Found, turn: Turn) -> bool:
    return any(np.shape(np.asarray(turn.after.get(name))) != found.own[name].shape for name in found.parameters)
