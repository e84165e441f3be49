"""Which of the programs that may be written for a file trains."""

from __future__ import annotations

import contextlib
import copy
import time
from typing import NamedTuple

from gradcompare.interfaces.rehearsal import supplies
from gradcompare.interfaces.rehearsal.finding import Found, found_in
from gradcompare.interfaces.rehearsal.script import Script
from gradcompare.interfaces.rehearsal.stage import Exploring
from gradcompare.interfaces.rehearsal.writing import programs

SIZES = supplies.Sizes(inputs=7, outputs=5)
"""Numbers that are seldom written down."""
TURNED = "rows turned"
"""Rows, and the labels of each sample in a column."""
LIES = (*supplies.LIES, TURNED)
SECONDS = 6.0
"""So long programs are written and tried."""


class Written(NamedTuple):
    """A program that trains."""

    script: Script
    found: Found
    supplied: supplies.Supplies

    @property
    def agreement(self) -> float:
        """Which part of its parameters goes along the gradient."""
        return len(self.found.agreeing) / len(self.found.parameters)


def written_for(script: Script) -> Written | None:
    """The file followed by a program that trains: the first all of whose parameters go along the gradient, else the
    one of which most do."""
    until = time.process_time() + SECONDS
    best: Written | None = None
    for lie in LIES:
        sizes = SIZES
        for _ in range(supplies.TRIES):
            supplied, problems, seen = _supplies(lie, sizes), list[BaseException](), set[str]()
            for text, each in programs(script, supplied, problems):
                if text in seen or time.process_time() > until:
                    continue
                seen.add(text)
                written = _tried(script.followed_by(text), supplied, [] if each else problems)
                if written is not None and (best is None or written.agreement > best.agreement):
                    best = written
                    if best.agreement == 1:
                        return best
            wanted = supplies.sizes_asked_for(problems, sizes, script.counts)
            if best is not None or wanted is None or _is_poor(wanted) or time.process_time() > until:
                break
            sizes = wanted
        if best is not None or time.process_time() > until:  # other labels may hide what is wrong
            break
    return best


def _supplies(lie: str, sizes: supplies.Sizes) -> supplies.Supplies:
    made = supplies.Supplies(lie.partition(" ")[0], sizes)
    if lie == TURNED:
        made["targets"] = made["targets"].T.copy()
    return made


def _is_poor(sizes: supplies.Sizes) -> bool:
    """Whether there is but one of something, which hides what is wrong with several."""
    return min(sizes.samples, sizes.inputs, sizes.outputs) < 2


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
                return Written(script, found, supplied)
    return None
