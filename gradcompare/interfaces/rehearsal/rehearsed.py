"""A program whose turn is run as it stands, from numbers under test in the places of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradcompare.interfaces import axes, failures, paths, source
from gradcompare.interfaces.program import OWN_PROGRAM, CannotCheckError, Program, ProgramStopsError
from gradcompare.interfaces.rehearsal import supplies
from gradcompare.interfaces.rehearsal.finding import Found, found_in, size_of, stand_in
from gradcompare.interfaces.rehearsal.reading import Candidate, Occurrence
from gradcompare.interfaces.rehearsal.script import Script
from gradcompare.interfaces.rehearsal.stage import Exploring, Turn
from gradcompare.interfaces.rehearsal.straight import going_straight
from gradcompare.interfaces.rehearsal.trying import written_for
from gradcompare.losses import LOSSES
from gradcompare.network import Network
from gradcompare.tracing.traced_array import TracedArray, from_numpy

SECONDS = 12.0
"""So long other data are tried."""
SECONDS_IN_ALL = 25.0
"""So long, in all, loops are looked at, and statements that stand in none."""


def recognise(names: Mapping[str, Any]) -> Rehearsed | None:
    """The file's own program."""
    return Rehearsed(Script(names)) if isinstance(names, dict) and names.get("__file__") else None


class Rehearsed(Program):
    """The file's own program, up to the end of one turn of a loop."""

    interface, is_own = OWN_PROGRAM, True

    def __init__(self, script: Script) -> None:
        self.script = script
        self.functions, self.parameters, self.last_layer, self.notes = [], [], [], []
        self.has_cost = self.given_slope = False
        self.shares = []
        self.complete = self.only_updates = True
        self.metric = self.loss = None
        self.own_widths = []
        self.samples_axis, self.sign = 0, 1.0
        self._found: Found | None = None
        self._supplied = supplies.Supplies()
        self._last: Turn | None = None
        self._size = 1.0
        self._running: Turn | None = None

    # ---- finding out

    def fit(self, seed: int) -> None:
        """See Program."""
        until = time.process_time() + SECONDS
        until_at_last = until - SECONDS + SECONDS_IN_ALL
        problems: list[BaseException] = []
        stated: tuple[Found, list[str], supplies.Supplies] | None = None
        misshapen: tuple[Found, list[str], supplies.Supplies] | None = None
        runs: list[tuple[int, list[str], supplies.Supplies]] = []
        for lie in supplies.LIES:
            sizes: supplies.Sizes | None = supplies.Sizes()
            for _ in range(supplies.TRIES):
                explored = self._explore(supplies.Supplies(lie, sizes, self.script.in_pairs))
                problems = problems or list(self.script.problems)
                asked, told = sorted(explored.asked), sorted(explored.told)
                runs.append((len(self.script.problems), asked or told, self._supplied))
                own = explored.supplied.sizes
                wanted = supplies.sizes_asked_for(self.script.problems, own, self.script.counts)
                wanted = wanted or own.for_batches(self.script.batches)
                if wanted is None and not explored.changed:
                    wanted = supplies.with_some_left(own, self.script.counts)
                for loop, changed in explored.changed.items():
                    found = None
                    if time.process_time() > until_at_last:
                        break
                    with contextlib.suppress(Exception):
                        found = found_in(self.script, loop, list(changed.values()), self._supplied)
                    if found is not None and found.misshapen and (asked or told):  # other data may fit
                        misshapen = misshapen or (found, asked or told, self._supplied)
                        continue
                    if found is not None and found.believed:
                        found = self._largest(found, explored)
                        return self._settle(found, asked or told)
                    if found is not None and stated is None:
                        stated = found, asked or told, self._supplied
                if wanted is None or not (asked or told) or time.process_time() > until:
                    break
                sizes = wanted
            if not (asked or told) or time.process_time() > until:
                break
        last = stated or misshapen
        if last is not None:
            found, asked, self._supplied = last
            return self._settle(found, asked)
        if self.may_be_written and runs and not runs[0][1] and (stopped := _stopped_in_loop(self.script, problems)):
            raise stopped
        _, asked, supplied = min(runs, key=lambda run: run[0])
        at_once = going_straight(self.script, supplied, until_at_last)
        if at_once is not None:
            (self.script, found), self._supplied = at_once, supplied
            return self._settle(found, asked)
        written = written_for(self.script) if self.may_be_written else None
        if written is not None:
            self.script, self._supplied = written.script, written.supplied
            return self._settle(written.found, [])
        raise CannotCheckError(
            "Its own program was run, and no loop of it goes a step along the gradient of a cost."
        ) from next(iter(problems), None)

    def _explore(self, supplied: supplies.Supplies) -> Exploring:
        """One run; what it asks for is there beforehand in those that follow."""
        supplied.apart = self.script.apart
        explored = Exploring(supplied)
        self.script.run(explored)
        supplied |= {name: supplied[supplies.role(name) or ""] for name in explored.asked}
        self._supplied = supplied
        return explored

    def _largest(self, found: Found, explored: Exploring) -> Found:
        """Of the networks that the program trains one after another, this first one or a later one of more weights."""
        first = explored.changed[found.loop]
        for loop, changed in explored.changed.items():
            if len(changed) <= len(first) or any(path in first for group in changed.values() for path in group):
                continue
            further = self.script.past(found.loop)
            with contextlib.suppress(Exception):
                later = found_in(further, loop, list(changed.values()), self._supplied)
                if later is not None and later.believed and len(later.parameters) > len(found.parameters):
                    self.script = further
                    return later
        return found

    def _settle(self, found: Found, asked: Sequence[str]) -> None:
        if self.keeps_data:
            where = {name: path for name, path in found.where.items() if name in found.parameters}
            found = dataclasses.replace(found, where=where, own={name: found.own[name] for name in where})
        self._found, self.seen_right = found, found.believed and not found.contested
        self.functions = [stand_in(self.script, found.loop)]
        self.parameters = self.last_layer = found.parameters
        self.samples_axis, self.has_cost = found.samples_axis, found.cost.cost is not None
        self.loss, self.scale_known = found.cost.loss, found.told
        if found.looks_on is not None:
            self.metric = f"what line {found.looks_on} computes at times only is taken for a metric"
        weights = [n for n in found.parameters if found.own[n].ndim == 2 and not n.lower().startswith("b")]
        self.own_widths = _chained([found.own[n].shape for n in weights])
        of_ours = f", with random data for {', '.join(asked)}" if asked else ""
        self.notes = [
            _as_it_stands(self.script, found, of_ours) if not self.script.written else _as_written(self.script),
            f"No gradient is to be seen, only its effect: it is taken to be (before - after) / {found.rate:.6g}.",
        ]
        if self.script.optimisers:
            called = " and ".join(dict.fromkeys(self.script.optimisers))
            self.notes.append(f"In place of {called}: a step along the gradient that it is handed.")
        self.notes += [f"Line {line}: {says}." for line, says in sorted(self.script.outdated.items())]
        if found.cost.beside:
            self.notes.append(_of_several_outputs(self.script, found.cost))
        if found.held:
            lines = {self.script.places[held.occurrence[0]].line for held in found.held.values()}
            said = ", ".join(map(str, sorted(lines)))
            self.notes[1] = f"What is applied is made of the gradients by a rule; checked are these (line {said})."
            self.only_updates = False

    # ---- the API of every program

    def networks(self) -> dict[str, Any]:
        """Of what is drawn only the seed matters."""
        return {"layers": 1, "outputs": 1, "labels": "binary"}

    def inputs(self, network: Network) -> dict[str, Any]:
        """Random numbers in the places of its parameters, samples and labels."""
        assert self._found is not None
        generator, dtype = np.random.default_rng(network.seed), network.X.dtype
        given: dict[str, Any] = {}
        for name, own in self._found.own.items():
            size = self._size * size_of(own) if name in self.parameters else 1.0
            of_labels = _labels(own, generator, self.samples_axis) if name == "Y" else None
            drawn = of_labels if of_labels is not None else size * generator.standard_normal(own.shape)
            given[name] = np.asarray(drawn).astype(dtype) if np.asarray(drawn).dtype.kind == "f" else drawn
        return given | {name: np.zeros((1, 1), dtype) for name in ("X", "Y") if name not in given}

    def give_slope_of(self, name: str | None) -> None:
        """See Program; what goes back is what the file's own program gives."""

    def draw_smaller(self) -> None:
        """See Program."""
        self._size *= 0.1

    def start(self, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the file itself starts from."""
        assert self._found is not None
        return {name: self._found.own[name] for name in self.parameters}

    def forward(self, inputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """See Program; the output alone."""
        assert self._found is not None
        self._last = turn = self._turn(inputs)
        if self._found.cost.seed is not None:
            return self._found.cost.seed.pairs(turn)[0].output, {}
        return _value(turn, self._found.cost.cost), {}

    def cost(self, inputs: Mapping[str, Any], output: Any) -> Any:
        """See Program."""
        assert self._found is not None
        turn = self._last if self._last is not None else self._turn(inputs)
        self._last = None
        return _cost(self._found.cost, turn)

    def assumed_cost(self, loss: str, inputs: Mapping[str, Any], output: Any) -> Any:
        """See Program; summed, where output and labels meet several times in a turn."""
        assert self._found is not None
        assert self._found.cost.seed is not None
        turn = self._last if self._last is not None else self._turn(inputs)
        self._last = None
        return _cost(self._found.cost._replace(loss=loss), turn)

    def share_of_cost(self, factor: float, mean: bool) -> None:
        """See Program; its cost is what it is."""

    def gradients(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """See Program."""
        assert self._found is not None
        turn = self._turn(inputs)
        if self._found.held:
            return {f"d{n}": _value(turn, held.occurrence) / held.factor for n, held in self._found.held.items()}
        after = {n: turn.after[n] for n in self.parameters if turn.after[n] is not None}
        after = {n: axes.spread(array, np.shape(inputs[n]), added_later=False) for n, array in after.items()}
        return {f"d{n}": (inputs[n] - array) / self._found.rate for n, array in after.items()}

    def has_begun(self) -> bool:
        """See Program."""
        return self._running is None or self._running.begun

    def again(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing: every turn is the first."""
        return {}

    def _turn(self, inputs: Mapping[str, Any]) -> Turn:
        """The turn, from these inputs. Raises what the file raises where it does not come to an end."""
        assert self._found is not None
        where = self._found.where
        given = {places: array.copy() for places, array in self._found.others.items()}
        given |= {places: inputs[n].copy() for n, places in where.items()}
        costs = [self._found.cost, *(each.of for each in self._found.cost.beside)]
        only = [cost.seed.meeting for cost in costs if cost.seed is not None]
        wrapped = _traced if any(isinstance(array, TracedArray) for array in given.values()) else None
        turn = Turn(self._found.loop, given, {n: where[n] for n in self.parameters}, self._supplied, wrapped, only)
        self._running = turn
        self.script.run(turn)
        if not turn.after:
            raise next(iter(reversed(self.script.problems)), ValueError("its loop was not reached"))
        return turn


def _stopped_in_loop(script: Script, problems: Sequence[BaseException]) -> ProgramStopsError | None:
    """What stops a program in a loop outside of functions, in words; None where nothing does. Shapes that do not fit
    are its own mistake, where nothing is made up; other things may be those of how it is run."""
    loops = source.loops_outside(script.file)
    lines = {line for loop in loops for line in range(loop.lineno, (loop.end_lineno or loop.lineno) + 1)}
    for problem in problems:
        frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == script.file]
        if isinstance(problem, ValueError) and len(frames) == 1 and frames[0].lineno in lines:
            said = f"Its own program stops in its loop, at line {frames[0].lineno}: {failures.describe(problem)}."
            return ProgramStopsError(f"{said} Once it runs, it can be checked.")
    return None


def _cost(cost: Candidate, turn: Turn) -> Any:
    """A cost, the file's own or an assumed one, with those of other outputs that are added to it."""
    if cost.seed is not None and cost.loss is not None:
        value = cost.seed.cost(cost.loss, turn)
    else:
        value = _value(turn, cost.cost)
    for other in cost.beside:
        value = value + other.weight * _cost(other.of, turn)
    return value.sum() if np.ndim(value) else value


def _traced(_: paths.Path, array: Any) -> Any:
    """An array beside those under test: NumPy's own cannot be indexed by traced ones."""
    return from_numpy(array)


def _as_it_stands(script: Script, found: Found, of_ours: str) -> str:
    loop = script.loops[found.loop]
    far = f"to the end of the first turn of its loop in line {loop.line}"
    if loop.last is not None:
        far = f"to line {loop.last}, as a step of training that begins in line {loop.line},"
    return f"The file's own program was run, {far} and no further{of_ours}: networks have its own widths."


def _of_several_outputs(script: Script, cost: Candidate) -> str:
    """What the costs are that are added."""
    said = [_called(script, cost), *(f"{_times(each.weight)}{_called(script, each.of)}" for each in cost.beside)]
    return f"There are several outputs, each with a cost of its own; the cost is their sum: {' + '.join(said)}."


def _called(script: Script, cost: Candidate) -> str:
    if cost.cost is not None:
        place = script.places[cost.cost[0]]
        return f"{place.text} (line {place.line})"
    assert cost.seed is not None
    says = LOSSES[cost.loss].says if cost.loss is not None else ""
    return f"{says} (line {script.meetings[cost.seed.meeting].line})"


def _times(weight: float) -> str:
    return "" if weight == 1 else f"{weight:.6g} times "


def _as_written(script: Script) -> str:
    lines = [line.strip() for line in script.written.splitlines()]
    said = "; ".join(line for line in lines if not line.startswith(("import ", "for turn ")))
    return f"The file's own program trains nothing. With random data for what is not there it was called as: {said}."


def _value(turn: Turn, occurrence: Occurrence | None) -> Any:
    """What got its name at a place, the how manieth time."""
    values = [event.value for event in turn.events if occurrence is not None and event.place == occurrence[0]]
    if occurrence is None or len(values) < occurrence[1]:
        raise turn.stopped or ValueError("the turn went another way than before")
    return values[occurrence[1] - 1]


def _labels(own: np.ndarray, generator: np.random.Generator, samples_axis: int) -> Any:
    """Other labels of the same kind: the file's own in another order, or any numbers where they are not few."""
    few = np.unique(own)
    if own.dtype.kind == "f" and not np.array_equal(few, np.round(few)):
        return generator.standard_normal(own.shape)
    if own.ndim < 2 or 1 in own.shape:
        return generator.choice(few, own.shape)
    many = own.shape[samples_axis]
    return np.take(own, generator.integers(0, many, many), samples_axis)


def _chained(weights: Sequence[tuple[int, ...]]) -> list[int]:
    """The widths of a network whose weights have these shapes, one after another; nothing where they do not chain."""
    for into in (0, 1):
        if weights and all(a[1 - into] == b[into] for a, b in itertools.pairwise(weights)):
            return [weights[0][into], *(w[1 - into] for w in weights)]
    return []
