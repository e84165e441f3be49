"""A program that trains in no loop: some of its statements are a turn, from where its parameters are there on."""

from __future__ import annotations

import ast
import contextlib
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gradcompare.interfaces import naming, paths, source, words
from gradcompare.interfaces.rehearsal.finding import Found, found_in
from gradcompare.interfaces.rehearsal.going_down import RATE
from gradcompare.interfaces.rehearsal.rows import numbers_of
from gradcompare.interfaces.rehearsal.script import Script
from gradcompare.interfaces.rehearsal.stage import Stage, arrays_in, has_moved, own_names, root_of
from gradcompare.interfaces.rehearsal.supplies import Supplies
from gradcompare.interfaces.rehearsal.wording import is_weight

LARGEST = 100_000
"""Arrays of more numbers than this are data."""
SECONDS = 2.0
"""So long it may take to its end, where it is run to see what is left there."""
TRIES = 8
"""So many statements are tried as the first of the turn."""


def going_straight(script: Script, supplied: Supplies, until: float) -> tuple[Script, Found] | None:
    """The program with a turn in it, understood; None where its statements are no step of training, or where it is not
    known at that moment of `time.process_time`. Where it makes gradients and takes no step, one is written."""
    found = _turn_in(script, supplied, until)
    for sign in "-+" if found is None else "":
        steps = _steps_not_taken(script, supplied, sign)
        found = found or (_turn_in(script.followed_by(steps), supplied, until) if steps else None)
    return found


def _steps_not_taken(script: Script, supplied: Supplies, sign: str) -> str:
    """A step for each array that has another one beside it: what it would be after a step, new_w of `new_w = w - rate *
    dw`; or, where it is called like a parameter, what is called like its gradient. `sign`: up or down that."""
    space = own_names(script.run(Stage(supplied, SECONDS)))
    arrays = {name: value for name, value in space.items() if isinstance(value, np.ndarray) and value.ndim}
    alike = [(a, b) for a in arrays for b in arrays if a != b and arrays[a].shape == arrays[b].shape]
    later = [(name, after) for name, after in _under_other_names(script.file) if {name, after} <= set(arrays)]
    stepped = {name: f"{name} = {after}" for name, after in later}
    weights = [name for name in arrays if is_weight(name) or words.WEIGHTY.match(name)]
    graded = {name: gradient for name, gradient in alike if name in weights and naming.likeness(name, gradient) == 3}
    graded |= _by_shape(
        [n for n in weights if n not in graded], [n for n in arrays if n not in graded.values()], arrays
    )
    made = {name: f"{name} = {name} {sign} {RATE} * {gradient}" for name, gradient in graded.items()}
    return "\n".join([*(made | stepped).values(), *_of_dicts(space, sign)])


def _of_dicts(space: Mapping[str, Any], sign: str) -> Iterator[str]:
    """Steps of numbers that one dict holds, along those that another holds under the same keys, called like
    gradients."""
    dicts = {name: value for name, value in space.items() if type(value) is dict and len(value) > 1 and _numbers(value)}
    for name, value in dicts.items():
        of = [n for n in dicts if n != name and dicts[n].keys() == value.keys() and words.GRADIENT.match(n)]
        if not words.GRADIENT.match(name) and len(of) == 1:
            yield from (f"{name}[{key!r}] = {name}[{key!r}] {sign} {RATE} * {of[0]}[{key!r}]" for key in value)


def _numbers(held: Mapping[Any, Any]) -> bool:
    return all(isinstance(value, float | np.ndarray) and np.asarray(value).dtype.kind == "f" for value in held.values())


_OF_A_PARAMETER = re.compile(
    r"(d|del(ta)?|grad(ient)?|change|update|step)_?(of_?)?(w|weights?|b|bias(es)?)(_|\d|$)", re.I
)
"""What the gradient of weights or biases is called, whichever they are: delta_w_h_o."""


def _by_shape(weights: Sequence[str], others: Sequence[str], arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Weights with what is called like a gradient of some, where each of them alone has the shape of the other."""
    called = [name for name in others if name not in weights and _OF_A_PARAMETER.match(name)]
    fits = {name: [g for g in called if arrays[g].shape == arrays[name].shape] for name in weights}
    taken = Counter(gradient for row in fits.values() for gradient in row)
    return {name: row[0] for name, row in fits.items() if len(row) == 1 and taken[row[0]] == 1}


def _under_other_names(file: str) -> Iterator[tuple[str, str]]:
    """(name, other name) of what a statement makes of an array by adding to it or taking something from it, and calls
    like it: new_w of `new_w = w - rate * dw`."""
    for node in ast.walk(source.parsed(file)):
        value = node.value if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
            name, other = (source.identifier(part) or "" for part in (value.left, node.targets[0]))  # type: ignore
            if name and name != other and re.fullmatch(rf"(\w*_)?{re.escape(name)}(_\w*)?|(new|updated){name}", other):
                yield name, other


def _turn_in(script: Script, supplied: Supplies, until: float) -> tuple[Script, Found] | None:
    seen = _Between(supplied, arrays_in({"global": own_names(script.names)}))
    script.watched().run(seen)
    best: tuple[Script, Found] | None = None
    for first in sorted({seen.made[path] for path in seen.changed})[:TRIES]:
        there = [path for path, at in seen.changed.items() if seen.made[path] <= first < at]
        if not there or time.process_time() > until:
            continue
        turn = script.as_turn(first, max(seen.changed[path] for path in there))
        found = None
        with contextlib.suppress(Exception):
            found = found_in(turn, len(script.loops), seen.together(there), supplied)
        if found is not None and (best is None or _explains(found) > _explains(best[1])):
            best = turn, found
    return best if best is not None and best[1].believed else None


def _explains(found: Found) -> tuple[int, int]:
    return len(found.agreeing), len(found.parameters)


class _Between(Stage):
    """Notes between which statements an array comes to be, and is changed for the first time."""

    def __init__(self, supplied: Supplies, left: Mapping[paths.Path, Any]) -> None:
        """`left`: what loading the file has left behind."""
        super().__init__(supplied)
        self.made: dict[paths.Path, int] = {}
        self.changed: dict[paths.Path, int] = {}
        self._values: dict[paths.Path, tuple[int, np.ndarray]] = {}
        """With the identity of what was there first."""
        self._left = left

    def between(self, number: int) -> None:
        """See `script.Stage`."""
        self._look_at_the_clock()
        for path, array in arrays_in(root_of(sys._getframe(1))).items():
            if array is self._left.get(path):
                continue
            if path not in self._values and np.size(array) <= LARGEST:
                self.made[path], self._values[path] = number, (id(array), numbers_of(array))
            elif path not in self.changed and path in self._values and has_moved(self._values[path][1], array):
                self.changed[path] = number

    def together(self, found: list[paths.Path]) -> list[list[paths.Path]]:
        """Those that are one array under several names, changed at once, together."""
        groups: dict[Any, list[paths.Path]] = {}
        for path in found:
            groups.setdefault((self._values[path][0], self.changed[path]), []).append(path)
        return list(groups.values())
