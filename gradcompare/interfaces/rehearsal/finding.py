"""What a turn of a loop is: parameters, samples, labels, output, cost and learning rate, told by running it.

Nothing is believed that does not show: a turn is taken for a step of training if it moves one parameter at least along
the gradient of a cost, the file's own or one that its output suggests.
"""

from __future__ import annotations

import contextlib
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from gradcompare import losses
from gradcompare.bounds import Run
from gradcompare.interfaces import paths, words
from gradcompare.interfaces.rehearsal import supplies
from gradcompare.interfaces.rehearsal.meeting import Met, NotedRun, meetings
from gradcompare.interfaces.rehearsal.script import Script
from gradcompare.interfaces.rehearsal.stage import Event, Turn, Where
from gradcompare.tracing.numpy_on_torch import NumpyOnTorch, TracedArray
from gradcompare.tracing.traced_array import plain

_COST = re.compile(r"cost|loss|mse|entropy|\bj\b|objective|custo|perda|costo|kosten|verlust", re.IGNORECASE)
_NO_COST = re.compile(r"list|hist|_d|^d|grad|delta|deriv|prime", re.IGNORECASE)
_NO_DATA = re.compile(r"^d[A-Z_bw]|grad|delta|nabla|mom|^v\d?$|^m\d?$", re.IGNORECASE)
NEAR = 1e-6
"""How near a step must be to a multiple of a gradient, as a part of it."""
TOLD = 0.05
"""How near the multiple must be to what the file calls its learning rate to be that: with one output and one sample a
wrong derivative makes another multiple of a gradient of it."""

Occurrence = tuple[int, int]
"""A place where something gets a name, and the how manieth time."""


@dataclass(frozen=True)
class Found:
    """One turn, understood."""

    loop: int
    where: dict[str, Where]
    """Where parameters are, and samples "X" and labels "Y" as far as they were found."""
    own: dict[str, np.ndarray]
    """What the file has there."""
    parameters: list[str]
    agreeing: list[str]
    """Those that the turn moves along the gradient."""
    output: Occurrence | None
    cost: Occurrence | None
    samples_axis: int
    rate: float


class _Reading(NamedTuple):
    """A cost, and what the steps are beside its gradients."""

    cost: Occurrence | None
    used: list[str]
    """The parameters that it depends on."""
    agreeing: dict[str, float]
    """By name the number by which a step is a multiple of the gradient, of those that share it."""

    def is_told(self, rate: float) -> bool:
        """Whether that number is what the file calls its learning rate."""
        return any(abs(rate - factor) <= TOLD * factor for factor in self.agreeing.values())


def stand_in(script: Script, loop: int) -> Callable[..., Any]:
    """A function that stands for the file's code: of its file, with its names."""
    name = script.loops[loop].function or "training_loop"
    code = compile(f"def {name}(): pass", script.file, "exec")
    body = next(c for c in code.co_consts if isinstance(c, types.CodeType))
    return types.FunctionType(body, script.names)


def found_in(
    script: Script, loop: int, changed: Sequence[Sequence[paths.Path]], supplied: Mapping[str, np.ndarray]
) -> Found | None:
    """What the first turn of a loop is, which changes what is at these paths; None where it is no step of training."""
    names = _named(changed)
    first = Turn(loop, {}, names, supplied)
    script.run(first)
    if not names or not first.after:
        return None
    own = {name: first.before[where[0]] for name, where in names.items()}
    moved = {name: _moved(array, i) for i, (name, array) in enumerate(own.items())}
    traced = _Traced(script, first, names)
    start = {n: traced.run.exact(torch.from_numpy(array), requires_grad=True) for n, array in moved.items()}
    with traced.run:
        traced.rehearse(loop, start, supplied)
    again = Turn(loop, {names[n]: array.copy() for n, array in moved.items()}, names, supplied)
    script.run(again)
    steps = {n: _step(moved[n], again.after.get(n)) for n in names}
    told = _told_rate(first, script)
    best = max(
        (
            _Reading(cost, list(g), _agreeing({n: _factor(steps[n], g[n]) for n in g}, steps))
            for cost, g in traced.costs
        ),
        key=lambda reading: (len(reading.agreeing), reading.cost is not None, reading.is_told(told)),
        default=None,
    )
    if best is None or not best.agreeing:
        return None
    where = {n: names[n] for n in best.used}
    for name, path in (("X", traced.samples), ("Y", None if best.cost else traced.labels)):
        if path is not None and not _NO_DATA.search(paths.word(path)):
            where[name] = next(tuple(alike) for alike in first.alike.values() if path in alike)
    return Found(
        loop,
        where,
        {n: first.before[paths_[0]] for n, paths_ in where.items()},
        best.used,
        list(best.agreeing),
        traced.output,
        best.cost,
        traced.samples_axis,
        told if best.is_told(told) else next(iter(best.agreeing.values())),
    )


def _named(changed: Sequence[Sequence[paths.Path]]) -> dict[str, Where]:
    """The arrays that a turn changes by a name for each; data that it shuffles are left out."""
    names: dict[str, Where] = {}
    for where in changed:
        if words.role_of_argument(paths.word(where[0])) in ("inputs", "targets"):
            continue
        label = paths.label(where[0][1:]) or "W"
        tries = (label, *(f"{label}_{i}" for i in range(2, len(changed) + 2)))
        names[next(n for n in tries if n not in names and n not in ("X", "Y"))] = tuple(where)
    return names


class _Traced:
    """The turn run on torch: what meets what, and the gradients of every cost that may be meant."""

    def __init__(self, script: Script, first: Turn, names: Mapping[str, Where]) -> None:
        self.script, self.first, self.names = script, first, names
        self.run = NotedRun()
        self.samples: paths.Path | None = None
        self.labels: paths.Path | None = None
        self.output: Occurrence | None = None
        self.samples_axis = 0
        self.costs: list[tuple[Occurrence | None, dict[str, np.ndarray]]] = []
        """(the file's own, or None for an assumed one; its gradients by name)"""

    def rehearse(self, loop: int, start: Mapping[str, Any], supplied: Mapping[str, np.ndarray]) -> None:
        """Run it, and fill in what was found out."""
        reaching = [stand_in(self.script, loop), losses.target]
        NumpyOnTorch(lambda given: self._turn(loop, given, start, supplied), reaching)(dict(start))

    def _turn(
        self, loop: int, given: Mapping[str, Any], start: Mapping[str, Any], supplied: Mapping[str, np.ndarray]
    ) -> None:
        parameters = {given[n].tensor.number for n in self.names}  # what the code writes into them has another number
        data: dict[int, paths.Path] = {}

        def numbered(path: paths.Path, array: Any) -> Any:
            tensor = self.run.exact(torch.from_numpy(np.array(self.first.before.get(path, 0.0))))
            data[tensor.number] = path
            return TracedArray(tensor)

        turn = Turn(loop, {where: given[n] for n, where in self.names.items()}, {}, supplied, numbered)
        self.script.run(turn)
        met = meetings(self.run, parameters, data)
        self.samples, self.labels = (data.get(n) if n is not None else None for n in (met.samples, met.labels))
        output = self._output(turn, met)
        self.output = turn.occurrence(output) if output is not None else None
        self.samples_axis = _samples_axis(self._at(self.samples), self._at(self.labels))
        for event in turn.events:
            if self._is_cost(event):
                self._differentiate(event.value, start, turn.occurrence(event))
        if output is not None and self.labels is not None:
            for cost in self._assumed(output.value):
                self._differentiate(cost, start, None)

    def _output(self, turn: Turn, met: Met) -> Event | None:
        """Where the output got a name; where it is a part or another view of what has one, that. A name rather than a
        return: np.vectorize calls a function once more than it needs."""
        named: dict[int, Event] = {}
        for event in turn.events:
            known = named.get(event.number) if event.number is not None else None
            if event.number is not None and (known is None or self.script.places[known.place].text == "return"):
                named[event.number] = event
        number = met.output
        shapes = self.run.shapes
        while number is not None and number not in named:
            whole = int(np.prod(shapes[number]))
            before = [p for p in self.run.parents[number] if met.depends[p] and int(np.prod(shapes[p])) == whole]
            number = before[0] if len(before) == 1 else None
        return named[number] if number is not None else self._looked_up(turn, met)

    def _looked_up(self, turn: Turn, met: Met) -> Event | None:
        """What is a probability for each class, where labels are whole numbers by which some of them are looked up."""
        whole = [
            path
            for path, array in self.first.before.items()
            if array.dtype.kind in "iu" and array.ndim == 1 and supplies.role(paths.word(path)) == "targets"
        ]
        for event in turn.events if whole and met.labels is None else ():
            if event.number is None or not met.depends[event.number] or len(event.value.shape) != 2:
                continue
            value = plain(event.value)
            for axis in (1, 0):
                fitting = [path for path in whole if len(self.first.before[path]) == value.shape[1 - axis]]
                if fitting and value.shape[axis] > 1 and np.allclose(value.sum(axis=axis), 1):
                    self.labels = fitting[0]
                    return event
        return None

    def _is_cost(self, event: Event) -> bool:
        text = self.script.places[event.place].text
        one = event.number is not None and event.value.tensor.numel() == 1 and event.value.tensor.requires_grad
        return bool(one and _COST.search(text) and not _NO_COST.search(text))

    def _assumed(self, output: Any) -> Sequence[Any]:
        labels, found = self._at(self.labels), []
        for name in losses.fitting(plain(output), 1 - self.samples_axis):
            with contextlib.suppress(Exception):
                target = losses.target(labels, output, self.samples_axis)
                found.append(losses.LOSSES[name].cost(output, target, self.samples_axis))
        return found

    def _differentiate(self, cost: Any, start: Mapping[str, Any], occurrence: Occurrence | None) -> None:
        """Note the gradients of a cost with respect to the parameters that it depends on."""
        if not cost.tensor.requires_grad:
            return
        found = torch.autograd.grad(cost.tensor.sum(), list(start.values()), allow_unused=True, retain_graph=True)
        with Run.paused():
            gradients = {n: plain(TracedArray(g)) for n, g in zip(start, found, strict=True) if g is not None}
        self.costs.append((occurrence, gradients))

    def _at(self, path: paths.Path | None) -> Any:
        return self.first.before[path] if path is not None else np.zeros((1, 1))


def _moved(own: np.ndarray, i: int) -> np.ndarray:
    """Other numbers than the file's own, of their size."""
    noise = np.random.default_rng(7 + i).standard_normal(own.shape)
    return np.asarray(np.asarray(own, dtype=float) + size_of(own) * noise)


def size_of(own: np.ndarray) -> float:
    """How large random numbers in the place of a parameter are."""
    return float(np.clip(np.std(own), 0.2, 1.0))


def _step(before: np.ndarray, after: Any) -> np.ndarray:
    """By how much something was moved; nothing where it has another shape since."""
    return before - np.asarray(after, dtype=float) if np.shape(after) == np.shape(before) else np.zeros(0)


def _factor(step: np.ndarray, gradient: np.ndarray) -> float | None:
    """The number by which a step is a multiple of a gradient, if it is."""
    below = float(np.sum(gradient * gradient))
    if step.shape != gradient.shape or not below:
        return None
    factor = float(np.sum(step * gradient)) / below
    near = np.max(np.abs(step - factor * gradient)) <= NEAR * abs(factor) * np.max(np.abs(gradient))
    return float(f"{factor:.8g}") if near else None


def _agreeing(factors: Mapping[str, float | None], steps: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The parameters whose steps share one factor with their gradients, as many as do; single numbers, which always are
    a multiple, two at least."""
    positive = {n: f for n, f in factors.items() if f is not None and f > 0}
    best: list[str] = []
    for factor in positive.values():
        alike = [n for n, f in positive.items() if np.isclose(f, factor, rtol=NEAR)]
        if len(alike) > len(best) and (len(alike) > 1 or steps[alike[0]].size > 1):
            best = alike
    return {n: positive[n] for n in best}


def _told_rate(turn: Turn, script: Script) -> float:
    """What the file calls its learning rate; 0 where nothing is called so."""
    named = [e.value for e in turn.events if words.role_of_argument(script.places[e.place].text) == "learning_rate"]
    named += [a for path, a in turn.before.items() if words.role_of_argument(paths.word(path)) == "learning_rate"]
    return next((float(value) for value in named if np.ndim(value) == 0), 0.0)


def _samples_axis(samples: Any, labels: Any) -> int:
    """1 where columns are samples, 0 where rows are."""
    if np.ndim(samples) < 2 or not np.ndim(labels):
        return 0
    return int(len(samples) != len(labels) and np.shape(samples)[-1] == np.shape(labels)[-1])
