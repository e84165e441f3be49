"""Which of the programs that may be written for a file trains."""

from __future__ import annotations

import contextlib
import copy
import time
from typing import NamedTuple

import numpy as np

from gradcompare.interfaces import sizing, source
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
    upright: bool = False
    """Whether each sample, and each of its labels, is a column of its own: the steps of a sequence."""
    sequences: bool = False
    """Whether samples are sequences, each step with a class of its own."""


FORMS = (
    *map(Form, supplies.LIES),
    Form("columns", one=True),
    Form("rows", turned=True),
    Form("classes", letters=True),
    Form("rows", upright=True),
    Form("classes", sequences=True),
)
STEPS = 3
"""Of the sequences that are given."""
SECONDS = 9.0
"""So long programs are written and tried."""


class Written(NamedTuple):
    """A program that trains."""

    script: Script
    found: Found
    supplied: supplies.Supplies

    spreads: bool
    """Whether a parameter has another shape afterwards: code for one sample that was given several."""

    @property
    def rank(self) -> tuple[bool, float]:
        """Whether it can be believed, and which part of its parameters goes along the gradient."""
        return not self.spreads, len(self.found.agreeing) / len(self.found.parameters)


def written_for(script: Script) -> Written | None:
    """The file followed by a program that trains."""
    search = _Search(script)
    with contextlib.suppress(_EnoughError):
        for one_by_one in (False, True):
            for form in FORMS:
                if not form.sequences or _takes_three_axes(script):
                    search.through(form, one_by_one)
            if search.ran:  # what goes through one sample after another would hide what is wrong with several
                break
    best = search.best
    return best if best is not None and not best.spreads else None


def _takes_three_axes(script: Script) -> bool:
    """Whether the file says of what any of its functions is given that it has three axes."""
    return any(3 in sizing.ranks_told(function).values() for function in source.functions_in(script.names))


class _EnoughError(Exception):
    """The search is over."""


class _Search:
    """The first program all of whose parameters go along the gradient, else the one of which most do."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.best: Written | None = None
        self.ran = False
        """Whether a program came to its end with all samples at once."""
        self._until = time.process_time() + SECONDS

    def through(self, form: Form, one_by_one: bool) -> None:
        """Try what may be written for data of a form, and of the sizes that failures ask for; `one_by_one`: one sample
        after another also where the code says something of several. Raises _EnoughError: other labels than the first
        with which anything trains may hide what is wrong."""
        sizes: supplies.Sizes | None = SIZES._replace(outputs=1) if form.one else SIZES
        for _ in range(supplies.TRIES):
            if sizes is None or _is_poor(sizes, form):
                break
            problems = self._with(_supplies(form, sizes), one_by_one)
            if self.best is not None:
                raise _EnoughError
            sizes = supplies.sizes_asked_for(problems, sizes, self.script.counts)

    def _with(self, supplied: supplies.Supplies, one_by_one: bool) -> list[BaseException]:
        """Try what may be written for these data; what went wrong."""
        problems, seen = list[BaseException](), set[str]()
        for text, each, counts in programs(self.script, supplied, problems):
            self._look_at_the_clock()
            odd = each and counts and not one_by_one
            if text in seen or (odd and not (self.best is not None and self.best.spreads)):
                continue
            seen.add(text)
            went_wrong = list[BaseException]()
            written = _tried(self.script.followed_by(text), supplied, went_wrong)
            problems += [] if each else went_wrong
            self.ran |= not each and not went_wrong
            if written is not None and (self.best is None or written.rank > self.best.rank):
                self.best = written
                if written.rank == (True, 1):
                    raise _EnoughError
        self._look_at_the_clock()
        return problems

    def _look_at_the_clock(self) -> None:
        if time.process_time() > self._until:
            raise _EnoughError


def _supplies(form: Form, sizes: supplies.Sizes) -> supplies.Supplies:
    if form.letters:
        made = supplies.Supplies(form.lie, sizes._replace(inputs=sizes.outputs))
        made["inputs"] = made["targets"][::-1].copy()
        return made
    made = supplies.Supplies(form.lie, sizes)
    if form.turned:
        made["targets"] = made["targets"].T.copy()
    if form.sequences:
        made["inputs"] = np.stack([np.roll(made["inputs"], step, axis=0) for step in range(STEPS)], axis=1)
        made["targets"] = np.stack([np.roll(made["targets"], step) for step in range(STEPS)], axis=1)
    if form.upright:
        made |= {name: array[:, :, np.newaxis].copy() for name, array in made.items()}
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
                turn = _turn(script, found, supplied)
                if turn.stopped is None and _heeds_labels(script, found, supplied, turn):
                    return Written(script, found, supplied, _spreads(found, turn))
    return None


def _turn(script: Script, found: Found, supplied: supplies.Supplies) -> Turn:
    turn = Turn(found.loop, {}, {name: found.where[name] for name in found.parameters}, supplied)
    script.run(turn)
    return turn


def _spreads(found: Found, turn: Turn) -> bool:
    return any(np.shape(np.asarray(turn.after.get(name))) != found.own[name].shape for name in found.parameters)


def _heeds_labels(script: Script, found: Found, supplied: supplies.Supplies, turn: Turn) -> bool:
    """Whether a parameter goes elsewhere with other labels, where there are any of ours: the softmax of one output does
    not."""
    labels = {name for name in supplied if supplies.role(name) == "targets" and name != "targets"}
    if not labels:
        return True
    other = copy.copy(supplied)
    for name in labels:
        axis = int(np.ndim(other[name]) > 1 and len(other[name]) != supplied.sizes.samples)
        other[name] = np.roll(other[name], 1, axis)
    after = _turn(script, found, other).after
    return any(not np.array_equal(np.asarray(after[name]), np.asarray(turn.after[name])) for name in found.parameters)
