"""A program watched: the named values of its forward pass for autograd, and the arrays that its backward code makes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from gradcompare.bounds import BoundedTensor, Precision, Run
from gradcompare.checking.sightings import Sighting, Watched, Witness, short
from gradcompare.checking.watching import Watcher, copy_of
from gradcompare.interfaces import Program
from gradcompare.judging.reference import Moment
from gradcompare.tracing import unnamed
from gradcompare.tracing.numpy_on_torch import NumpyOnTorch, TracedArray

Forward = Callable[[Mapping[str, Any]], tuple[Any, dict[str, Any]]]


def files_of(program: Program) -> frozenset[str]:
    """The source files whose functions are watched."""
    return frozenset(code.co_filename for f in program.functions if (code := getattr(f, "__code__", None)) is not None)


# ---- the forward pass ------------------------------------------------------------------------------------------------


class WatchedForward:
    """A reference whose named values are all that the file's functions bind to names on the way to the cost."""

    def __init__(self, forward: Forward, program: Program) -> None:
        self.forward, self.files, self.has_begun = forward, files_of(program), program.has_begun
        self.lines: set[tuple[str, int]] = set()
        """(function, line) of every sighting: lines that belong to the forward pass."""
        self.places: dict[str, tuple[int, str]] = {}
        """The line of each named value, and the statement there."""

    def __call__(self, inputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """cost, {name: Moment}; a name that is bound several times gets "#2", "#3", ... behind it.

        Only what the cost was computed from: one function may go on to the gradients.
        """
        nameless: list[tuple[int, Moment]] = []
        watcher = Watcher(self.files, _moment, self.has_begun)
        with watcher, unnamed.noted(lambda array: self._note(array, nameless)):
            cost, returned = self.forward(inputs)
        used = _ancestors(cost.tensor) if isinstance(cost, TracedArray) else set()
        given = [moment.arrived.value for array in inputs.values() if (moment := _moment(array)) is not None]
        sightings = [s for s in watcher.sightings if s.value.number in used and not _is_one_of(s.value, given)]
        self.lines |= {(s.function, s.line) for s in sightings}
        named = _numbered([s for s in sightings if s.settled and short(s.name) not in inputs])
        self.places = {name: (s.line, s.source) for name, s in named.items()}
        sums = _sums(nameless, used - {s.value.number for s in named.values()}, cost)
        self.places |= {name: (line, "") for name, (line, _) in sums.items()}
        moments = {name: _moment(value) for name, value in returned.items() if name not in named and name not in inputs}
        return cost, {name: s.value for name, s in named.items()} | {name: m for name, (_, m) in sums.items()} | {
            name: m for name, m in moments.items() if m is not None and m.number in used and not _is_one_of(m, given)
        }

    def _note(self, array: Any, noted: list[tuple[int, Moment]]) -> None:
        """Note a sum that may have no name, with the line of the file that it is made on."""
        moment, frame = _moment(array), sys._getframe(1)
        while frame is not None and frame.f_code.co_filename not in self.files:
            frame = frame.f_back  # type: ignore[assignment]
        if moment is not None and frame is not None:
            noted.append((frame.f_lineno, moment))


def _sums(noted: Sequence[tuple[int, Moment]], wanted: Collection[int], cost: Any) -> dict[str, tuple[int, Moment]]:
    """The nameless sums that are wanted, by a name that says where they are made; the last of each chain of sums."""
    parts = {parent for _, m in noted if m.number is not None for parent in cost.tensor.run.parents[m.number]}
    found: dict[str, tuple[int, Moment]] = {}
    for line, moment in noted:
        if moment.number in wanted and moment.number not in parts:
            alike = sum(name.startswith(f"z(line {line})") for name in found)
            found[f"z(line {line})#{alike + 1}" if alike else f"z(line {line})"] = line, moment
    return found


def _is_one_of(moment: Moment, given: Sequence[np.ndarray]) -> bool:
    """Whether it is an input, or a copy of one, under another name."""
    return any(np.array_equal(moment.arrived.value, array) for array in given)


def _ancestors(tensor: Any) -> set[int]:
    """All tensors of the run that this one was computed from, and itself, by number."""
    found = {tensor.number}
    waiting = [tensor.number]
    while waiting:
        new = set(tensor.run.parents[waiting.pop()]) - found
        found |= new
        waiting += new
    return found


def _moment(array: Any) -> Moment | None:
    if isinstance(array, TracedArray) and isinstance(array.tensor, BoundedTensor) and array.tensor.requires_grad:
        return Moment(array.tensor)
    return None


def _numbered(sightings: Sequence[Sighting]) -> dict[str, Sighting]:
    """By name; places in containers only of what has no name of its own."""
    plainly = {s.value.number for s in sightings if short(s.name).isidentifier() and short(s.name) != "return"}
    named: dict[str, Sighting] = {}
    seen: set[tuple[str, int | None]] = set()
    counts: dict[str, int] = {}
    for sighting in sightings:
        name, number = short(sighting.name), sighting.value.number
        stored = not name.isidentifier() or name == "return"
        if (name, number) in seen or (stored and (number in plainly or name.startswith("return"))):
            continue
        seen.add((name, number))
        counts[name] = counts.get(name, 0) + 1
        named[name if counts[name] == 1 else f"{name}#{counts[name]}"] = sighting
    return named


# ---- the backward pass -----------------------------------------------------------------------------------------------


def watch(program: Program, inputs: Mapping[str, Any], precision: Precision, forward_lines: Collection[Any]) -> Watched:
    """Run the program's gradients as they stand, and once more on bounded tensors, and note every array that is
    made."""
    files = files_of(program)
    with np.errstate(all="ignore"), Watcher(files, copy_of, program.has_begun) as plainly:
        claims = NumpyOnTorch(program.gradients)({k: np.array(a) for k, a in inputs.items()})
    errors = _errors(program, inputs, precision, files)
    sightings = [
        Witness(replace(s, value=program.sign * s.value) if program.sign != 1 else s, _of_its_shape(s, errors))
        for s in plainly.sightings
        if s.settled and (s.function, s.line) not in forward_lines
    ]
    named = {short(s.name): s.value for s in plainly.sightings if short(s.name) != "return"}
    masks = {name: value for name, value in named.items() if name.isidentifier() and _is_mask(value)}
    return Watched(claims, sightings, [s.key for s in plainly.sightings], masks)


def _of_its_shape(sighting: Sighting, errors: Mapping[Any, np.ndarray]) -> np.ndarray | None:
    """The error of a sighting; None where the other run has counted another array as this one."""
    error = errors.get(sighting.key)
    return error if error is not None and error.shape == sighting.value.shape else None


def _is_mask(array: np.ndarray) -> bool:
    """Whether it has zeros and one other number, as dropout has; of few samples it may keep all, or drop them."""
    levels = np.unique(array) if array.ndim == 2 and array.dtype.kind in "fiub" else np.zeros(0)
    return len(levels) == 1 or (len(levels) == 2 and levels[0] == 0)


def _errors(
    program: Program, inputs: Mapping[str, Any], precision: Precision, files: Collection[str]
) -> dict[Any, np.ndarray]:
    run = Run(precision)
    subject = NumpyOnTorch(program.gradients, reaching=program.functions)
    try:
        with run, torch.no_grad(), Watcher(files, _error, program.has_begun) as traced:
            subject({k: run.exact(torch.from_numpy(np.array(a))) for k, a in inputs.items()})
    except Exception:
        return {}
    return {s.key: s.value for s in traced.sightings}


def _error(array: Any) -> np.ndarray | None:
    if isinstance(array, TracedArray) and isinstance(array.tensor, BoundedTensor):
        with Run.paused():
            return array.tensor.error.detach().clone().numpy()
    return None
