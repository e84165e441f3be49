"""Which cost a turn may go down: of the file's own, or of what meets in it as an output and its labels do.

`A - Y`, `Y / A` and `P[np.arange(m), labels]` are where backward code begins, whatever cost it has in mind. Which of
them it is, and with which cost, only the steps that are taken can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gradcompare import losses
from gradcompare.interfaces.rehearsal.meeting import alike
from gradcompare.interfaces.rehearsal.script import Script
from gradcompare.interfaces.rehearsal.stage import OFTEN, Event, Turn, number_of
from gradcompare.tracing.traced_array import TracedArray, leaves, plain


class Pair(NamedTuple):
    """An output and its labels, both (m, n_L) or (n_L, m)."""

    output: Any
    labels: Any
    samples_axis: int


class Seed(NamedTuple):
    """Where the output meets its labels."""

    meeting: int
    kind: str
    """See `script.Meeting`."""
    output: int
    """On which side it is: 0 or 1."""
    times: int
    """How often they meet in a turn, and the costs are summed; 1 where only the first time counts."""

    def pairs(self, turn: Turn) -> list[Pair]:
        """Output and labels in a turn. Raises what stopped it, or ValueError, where it goes another way."""
        sides = turn.met.get(self.meeting, ([], []))
        met = list(zip(sides[self.output], sides[1 - self.output], strict=False))[: self.times]
        if len(met) < self.times:
            raise turn.stopped or ValueError("the turn went another way than before")
        return [paired(self.kind, output.value, labels.value) for output, labels in met]

    def cost(self, loss: str, turn: Turn) -> Any:
        """An assumed cost, summed over all times: a key of `losses.LOSSES`."""
        total = 0.0
        for output, labels, axis in self.pairs(turn):
            total = total + losses.LOSSES[loss].cost(output, losses.target(labels, output, axis), axis)
        return total


def seeds(script: Script, turn: Turn, depends: Sequence[bool], parameters: frozenset[int]) -> list[Seed]:
    """Where an output may meet its labels in a turn, in the order in which they are computed. `depends`: of each
    tensor, by number, whether it was computed from a parameter; `parameters`: the numbers of these."""
    found: list[tuple[int, Seed]] = []
    for meeting, sides in turn.met.items():
        kind = script.meetings[meeting].kind
        times = min(map(len, sides))
        for output in (0,) if kind == "look-up" else (1,) if kind == "quotient" else (0, 1):
            first = [sides[i][0] for i in (output, 1 - output) if sides[i]]
            if len(first) < 2 or not _is_computed(first[0], depends, parameters) or _is_computed(first[1], depends):
                continue
            if not _fit(kind, first[0].value, first[1].value):
                continue
            number = first[0].number or 0
            found += [(number, Seed(meeting, kind, output, n)) for n in {times if times <= OFTEN else 1, 1}]
    return [seed for _, seed in sorted(found, key=lambda each: (each[0], -each[1].times))]


def _is_computed(event: Event, depends: Sequence[bool], parameters: frozenset[int] = frozenset()) -> bool:
    """Whether it, or a part of it, was computed from parameters."""
    numbers = [event.number] if event.number is not None else [number_of(part) for part in leaves(event.value)]
    known = (n for n in numbers if n is not None and n < len(depends))  # others are what was written there later
    return any(depends[n] and n not in parameters for n in known)


def _fit(kind: str, output: Any, labels: Any) -> bool:
    try:
        output, labels, axis = paired(kind, output, labels)
        losses.target(labels, output, axis)
    except (ValueError, TypeError, IndexError, AttributeError):
        return False
    if kind == "look-up":
        shares = _plain(output)
        return shares.shape[1 - axis] > 1 and bool(np.allclose(shares.sum(axis=1 - axis), 1))
    return alike(output.shape, labels.shape)


def paired(kind: str, output: Any, labels: Any) -> Pair:
    """Output and labels as tables. Raises ValueError or TypeError where they are none."""
    output = output if isinstance(output, TracedArray) else np.asarray(output)  # and no matrix
    if isinstance(output, np.ndarray) and output.dtype.kind not in "fiub":
        raise TypeError("an output is numbers")
    if kind == "look-up":
        return _looked_up(output, labels)
    labels = labels if isinstance(labels, TracedArray) else np.asarray(labels)
    if isinstance(labels, np.ndarray) and labels.dtype.kind not in "fiub":
        raise TypeError("labels are numbers")
    if output.ndim == 0:
        if int(np.prod(labels.shape)) != 1:
            raise ValueError("a single number has one label")
        output, labels = output.reshape(1, 1), labels.reshape(1, 1)
    if output.ndim > 2:
        raise ValueError("an output has two axes at most")
    column = output.ndim == 2 and output.shape[1] == 1 and output.shape[0] > 1
    one_row = column and labels.ndim == 2 and labels.shape[0] == 1
    return Pair(output, labels, int(one_row or _are_columns_shares(output)))


def _are_columns_shares(output: Any) -> bool:
    """Whether it is a softmax down its columns: these are samples then."""
    if output.ndim != 2 or output.shape[0] == 1:
        return False
    shares = _plain(output)
    return bool(np.allclose(shares.sum(axis=0), 1) and not np.allclose(shares.sum(axis=1), 1))


def _looked_up(output: Any, index: Any) -> Pair:
    """P[np.arange(m), labels], P[labels, np.arange(m)], p[label], p[label, 0] and p[0, label]."""
    parts = [_plain(part) for part in (index if isinstance(index, tuple) else (index,))]
    if any(part.dtype.kind not in "iu" or part.ndim > 1 for part in parts):
        raise TypeError("classes are whole numbers")
    if len(parts) == 1 and parts[0].ndim == 0 and max(output.shape) == int(np.prod(output.shape)):
        return Pair(output.reshape(1, -1), parts[0].reshape(1), 0)
    if len(parts) == 2 and output.ndim == 2:
        m, n = output.shape
        if parts[0].ndim == parts[1].ndim == 0 and 1 in (m, n):
            return Pair(output.reshape(1, -1), parts[int(m == 1)].reshape(1), 0)
        for axis in (0, 1):
            rows = np.arange(output.shape[axis])
            if np.array_equal(parts[axis].reshape(-1), rows) and parts[1 - axis].size == len(rows):
                return Pair(output, parts[1 - axis].reshape(-1), axis)
    raise ValueError("nothing is looked up by class")


def _plain(part: Any) -> np.ndarray:
    return plain(part) if isinstance(part, TracedArray) else np.asarray(part)


def fitting(pair: Pair) -> list[str]:
    """The costs that an output suggests."""
    return losses.fitting(_plain(pair.output), 1 - pair.samples_axis)
