"""What a turn of a loop is: parameters, samples, labels, output, cost and learning rate, told by running it.

Nothing is believed that does not show: a turn is taken for a step of training if it moves one parameter at least along
the gradient of a cost, the file's own or one that its output suggests; or if it computes that gradient, and moves the
parameter by something made of it; or, where no gradient is right, if the file's own cost is a usual one.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import re
import types
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from gradcompare import losses
from gradcompare.bounds import Run
from gradcompare.interfaces import axes, metrics, naming, paths, source, words
from gradcompare.interfaces.rehearsal import memory
from gradcompare.interfaces.rehearsal.costs import Seed, fitting, seeds
from gradcompare.interfaces.rehearsal.heads import leaves_one_out, together
from gradcompare.interfaces.rehearsal.meeting import NotedRun, meetings
from gradcompare.interfaces.rehearsal.reading import (
    Candidate,
    Done,
    Held,
    Named,
    Reading,
    contested,
    in_doubt,
    likeliest,
    readings,
    stated,
    steady,
)
from gradcompare.interfaces.rehearsal.script import Script
from gradcompare.interfaces.rehearsal.stage import Event, Turn, Where, differs, number_of
from gradcompare.interfaces.rehearsal.supplies import ROLES, Supplies, is_whole
from gradcompare.tracing.numpy_on_torch import NumpyOnTorch, TracedArray
from gradcompare.tracing.traced_array import leaves, plain

_COST = re.compile(
    r"cost|loss|mse|sse|entropy|\bj\b|objective|custo|perda|perdida|costo|coste|kosten|verlust|"
    r"(sum|total|mean|avg|average|squared|epoch)_?error|error_?(sum|total)",
    re.IGNORECASE,
)
_ERROR = re.compile(r"err|fehler|fout|hata|osh?ib", re.IGNORECASE)
"""What an error is called in some languages: where one number that is called so is a usual cost, it is one."""
_NO_COST = re.compile(r"list|hist|_d|^d|grad|delta|deriv|prime", re.IGNORECASE)
_NO_DATA = re.compile(r"^d[A-Z_bw]|grad|delta|nabla|mom|^v\d?$|^m\d?$", re.IGNORECASE)
TIMES = 20
"""What gets a name oftener in one turn than there are layers is no gradient."""
ATTEMPTS = 3
"""From so many numbers a turn is tried."""
STAYS = 0.5
"""So much of a small move of a parameter is left after a step."""
SEEDS = 12
"""So many places are tried at which an output may meet its labels."""


Arrays = Mapping[Where, np.ndarray]
"""Arrays of numbers, by the places where they are."""


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
    held: dict[str, Held] | None
    """See `reading.Reading`."""
    cost: Candidate
    contested: bool
    """Whether it is the file's own, and its steps go down another."""
    looks_on: int | None
    """The line of a cost of the file's own that it computes at times only, where its steps go down another."""
    samples_axis: int
    rate: float
    told: bool
    """Whether that is what the file says it is."""
    misshapen: bool
    """Whether a step has another shape than its parameter: what meets in it does not lie as it should."""
    others: Arrays = field(default_factory=dict)
    """What is in place of samples of the file's own that are 0 in the first turn."""

    @property
    def believed(self) -> bool:
        """Whether anything is a gradient; else it is only stated what it should be."""
        return bool(self.agreeing)


def stand_in(script: Script, loop: int) -> Callable[..., Any]:
    """A function that stands for the file's code: of its file, with its names."""
    name = script.loops[loop].function or "training_loop"
    code = compile(f"def {name}(): pass", script.file, "exec")
    body = next(c for c in code.co_consts if isinstance(c, types.CodeType))
    return types.FunctionType(body, script.names)


def found_in(
    script: Script,
    loop: int,
    changed: Sequence[Sequence[paths.Path]],
    supplied: Supplies,
    others: Arrays = types.MappingProxyType({}),
) -> Found | None:
    """What the first turn of a loop is, which changes what is at these paths; None where it is no step of training.

    `others`: samples in place of the file's own, which may be 0 in the first turn, so that weights stay as they are.
    """
    names = _named(changed)
    first = Turn(loop, {}, names, supplied)
    script.run(first)
    if not names or not first.after:
        return None
    found_so = [*changed, *_changed_elsewhere(script, loop, first, names, supplied, others)]
    every = _named([*found_so, *_left_as_they_were(script, first, found_so)])
    names = memory.without_velocities(every, first)
    kept = {path for name, where in every.items() if name not in names for path in where}
    own = {name: first.before[where[0]] for name, where in names.items()}
    sums = {name for name, array in own.items() if memory.is_sum_of_squares(array, first.after.get(name))}
    told = _told_rate(first, script)
    best, used, idle = None, set[str](), set[str]()
    for attempt in _attempts(idle):
        traced = _Traced(script, first, names, told, others, kept)
        traced.rehearse(loop, _moved(own, attempt, sums) | {n: own[n] for n in idle}, supplied)
        if traced.took_too_long:  # it will from other numbers too
            break
        found = readings(traced.candidates, traced.done)
        if best is None and in_doubt(found):
            once_more = _Traced(script, first, names, told, others, kept)
            once_more.rehearse(loop, _moved(own, ATTEMPTS, sums) | {n: own[n] for n in idle}, supplied)
            found = steady(found, readings(once_more.candidates, once_more.done))
        reading = likeliest(found)
        if reading is not None and not reading.agreeing:
            reading = stated(traced.candidates, traced.done)
        if reading is not None and (best is None or (_explains_more if idle else _ranks_higher)(reading, best)):
            best, meeting = reading, traced
        used |= set(best.of.gradients if best else ())
        idle |= memory.without_effect(own, traced.candidates)
        if best is not None and best.agreeing and len(used) == len(names):
            break
    if best is None or leaves_one_out(best, meeting.candidates):
        return None

    def elsewhere() -> list[Candidate]:
        other = _Traced(script, first, names, told, others, kept)
        other.rehearse(loop, _moved(own, ATTEMPTS + 1, sums) | {n: own[n] for n in idle}, supplied)
        return other.candidates

    named, looks_on = contested(best, meeting.candidates, elsewhere), None
    if named is not None and named.cost is not None:
        line = script.places[named.cost[0]].line
        named, looks_on = (None, line) if metrics.is_computed_at_times(script.file, line) else (named, None)
    cost = named or best.of
    parameters = [n for n in names if n in used and (n in best.agreeing or n not in meeting.carried)]
    if not parameters:
        return None
    where = {n: names[n] for n in parameters}
    for name, path in (("X", meeting.samples), ("Y", None if cost.cost else meeting.labels)):
        if path is not None and not _NO_DATA.search(paths.word(path)):
            where[name] = _with_copies(first, path)
    further = {} if others else _without_zeros(first, [*names.values(), where.get("Y", ())])
    more = _changed_elsewhere(script, loop, first, names, supplied, further) if further else []
    again = found_in(script, loop, [*changed, *more], supplied, further) if more else None
    says_so = again is not None and (again.believed or again.cost.called_so)
    if again is not None and says_so and set(parameters) < set(again.parameters):
        return again
    return Found(
        loop,
        where,
        {n: first.before[paths_[0]] for n, paths_ in where.items()},
        parameters,
        list(best.agreeing),
        best.held,
        cost,
        named is not None,
        looks_on,
        meeting.samples_axis,
        best.rate,
        best.told,
        any(np.shape(meeting.done.steps[n]) != own[n].shape for n in parameters),
        others,
    )


def _attempts(idle: Collection[str]) -> Iterator[int]:
    """From which numbers a turn is tried; from the first once more where some turn out to be memory alone."""
    yield 0
    if idle:
        yield 0
    yield from range(1, ATTEMPTS)


def _ranks_higher(reading: Reading, best: Reading) -> bool:
    return reading.rank > best.rank


def _explains_more(reading: Reading, best: Reading) -> bool:
    """Whether it has more gradients, with no memory of former steps, than one that sees them whatever is made of them:
    a tenth of each is a momentum's part, and no constant of the cost's."""
    return len(reading.agreeing) > len(best.agreeing) or (reading.rank > best.rank and best.held is None)


def _with_copies(first: Turn, path: paths.Path) -> Where:
    """All paths to an array of data, and to its copies: what trains may keep samples beside those that it is given."""
    own = first.before[path]
    alike = [group for group in first.alike if path in group]
    copies = [g for g in first.alike if own.size > 1 and g not in alike and np.array_equal(first.before[g[0]], own)]
    return tuple(each for group in (*alike, *copies) for each in group)


def _named(changed: Sequence[Sequence[paths.Path]]) -> dict[str, Where]:
    """The arrays that a turn changes by a name for each; data that it shuffles and costs that it adds up are left
    out."""
    names: dict[str, Where] = {}
    data = [where for where in changed if _is_of_data(paths.word(where[0]))]
    left = [where for where in changed if where not in data]
    labels = Counter((paths.word(where[0][1:]), paths.label(where[0][1:])) for where in left)
    shared = {word for (word, _), times in labels.items() if times > 1}
    for where in left:
        path = where[0][1:]
        label = (paths.full_label if paths.word(path) in shared else paths.label)(path) or "W"
        tries = (label, *(f"{label}_{i}" for i in range(2, len(changed) + 2)))
        names[next(n for n in tries if n not in names and n not in ("X", "Y"))] = tuple(where)
    return names


def _is_of_data(word: str) -> bool:
    """Whether it is called like data, or a cost."""
    return words.role_of_argument(word) in ROLES or is_whole(word) or bool(_COST.search(word))


class _Traced:
    """The turn run on torch: what meets what, its steps, and the gradients of every cost that may be meant."""

    def __init__(
        self,
        script: Script,
        first: Turn,
        names: Mapping[str, Where],
        rate: float,
        others: Arrays,
        kept: Collection[paths.Path],
    ) -> None:
        """`kept`: what is changed, and neither a parameter nor data."""
        self.script, self.first, self.names, self.rate, self.kept = script, first, names, rate, kept
        self.before = first.before | {path: array for where, array in others.items() for path in where}
        """What is there before the turn, by path."""
        self.run = NotedRun()
        self.samples: paths.Path | None = None
        self.labels: paths.Path | None = None
        self.samples_axis = 0
        self.done = Done({}, [], rate)
        self.candidates: list[Candidate] = []
        self.took_too_long = False
        """Whether the turn did not come to its end in its time."""
        self.carried: set[str] = set()
        """Vectors that are others after the turn, and hardly because of what they were before: a state."""

    def rehearse(self, loop: int, moved: Mapping[str, np.ndarray], supplied: Supplies) -> None:
        """Run it from these parameters, and fill in what was found out."""
        reaching = [stand_in(self.script, loop), losses.target]
        start = {n: self.run.exact(torch.from_numpy(array), requires_grad=True) for n, array in moved.items()}
        with self.run:
            NumpyOnTorch(lambda given: self._turn(loop, given, start, supplied), reaching)(dict(start))

    def _turn(self, loop: int, given: Mapping[str, Any], start: Mapping[str, Any], supplied: Supplies) -> None:
        parameters = frozenset(given[n].tensor.number for n in self.names)  # what is written into them has another
        data: dict[int, paths.Path] = {}

        def numbered(path: paths.Path, array: Any) -> Any:
            tensor = self.run.exact(torch.from_numpy(np.array(self.before.get(path, 0.0))))
            if path not in self.kept:
                data[tensor.number] = path
            return TracedArray(tensor)

        turn = Turn(loop, {where: given[n] for n, where in self.names.items()}, self.names, supplied, numbered)
        self.script.run(turn)
        self.took_too_long = turn.took_too_long
        if turn.took_too_long:
            return
        parameters |= turn.entries & {n for n in turn.entries if any(p in parameters for p in self.run.parents[n])}
        met = meetings(self.run, parameters, data)
        computed = [
            Named(occurrence, self.script.places[e.place].text, plain(e.value))
            for e, occurrence in zip(turn.events, turn.occurrences(), strict=True)
            if e.number is not None and met.depends[e.number] and occurrence[1] <= TIMES
        ]
        steps = {n: _step(plain(TracedArray(start[n])), turn.after.get(n)) for n in self.names}
        after = {n: plain(array) for n, array in turn.after.items() if isinstance(array, TracedArray)}
        self.done = Done(steps, computed, self.rate, after, _numbers_named(turn))
        self.carried = {n for n in self.names if _is_carried(start[n], turn.after.get(n))}
        self.samples, self.labels = (data.get(n) if n is not None else None for n in (met.samples, met.labels))
        self.samples_axis = _samples_axis(self._at(self.samples), self._at(self.labels))
        possible = [event for event in turn.events if self._may_be_cost(event)]
        called_so = [event for event in possible if _COST.search(self._text(event)) and event.value.tensor.numel() == 1]
        for event in _ends(called_so):
            self._differentiate(event, turn, start, called_so=True)
        for seed in itertools.islice(seeds(self.script, turn, met.depends, parameters), SEEDS):
            with contextlib.suppress(Exception):
                self._differentiate_all(seed, turn, start)
        used = self.run.ancestors(number_of(after) for after in turn.after.values())
        others = [e for e in possible if e.number not in used and not any(e is named for named in called_so)]
        for event in _ends(others)[-SEEDS:]:
            self._differentiate(event, turn, start, called_so=False)
        self.candidates = [candidate for candidate in self.candidates if candidate.gradients]
        self.candidates += together(self.candidates, self.done)

    def _text(self, event: Event) -> str:
        return self.script.places[event.place].text

    def _may_be_cost(self, event: Event) -> bool:
        """Whether it depends on parameters, and is one number or one for each sample or output."""
        computed = event.number is not None and event.value.tensor.ndim <= 2 and event.value.tensor.requires_grad
        return bool(computed and not _NO_COST.search(self._text(event)))

    def _differentiate(self, event: Event, turn: Turn, start: Mapping[str, Any], called_so: bool) -> None:
        """Note the gradients of a cost of the file's own."""
        measures = called_so or (event.value.tensor.numel() == 1 and bool(_ERROR.search(self._text(event))))
        gradients = _down(event.value, start)
        self.candidates.append(Candidate(turn.occurrence(event), None, None, called_so, gradients, measures=measures))

    def _differentiate_all(self, seed: Seed, turn: Turn, start: Mapping[str, Any]) -> None:
        """The same of all costs that may be meant by a meeting: those that are multiples of one another, at once."""
        events = turn.met[seed.meeting][seed.output][: seed.times]
        outputs = [part.tensor for e in events for part in leaves(e.value) if isinstance(part, TracedArray)]
        known: list[tuple[np.ndarray, dict[str, np.ndarray]]] = []
        for loss in fitting(seed.pairs(turn)[0]):
            cost = seed.cost(loss, turn)
            slopes = torch.autograd.grad(cost.tensor, outputs, retain_graph=True, materialize_grads=True)
            with Run.paused():
                slope = np.concatenate([plain(TracedArray(each)).ravel() for each in slopes])
            same = next(((_multiple(slope, of), down) for of, down in known if _multiple(slope, of)), None)
            if same is None:
                down = _down(cost, start)
                known.append((slope, down))
            else:
                down = {name: same[0] * gradient for name, gradient in same[1].items()}
            self.candidates.append(Candidate(None, seed, loss, False, down, events[0].number))

    def _at(self, path: paths.Path | None) -> Any:
        return self.first.before[path] if path is not None else np.zeros((1, 1))


def _down(value: Any, start: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The gradients of a number, or of a sum, with respect to the parameters that it depends on."""
    if not value.tensor.requires_grad:
        return {}
    found = torch.autograd.grad(value.tensor.sum(), list(start.values()), allow_unused=True, retain_graph=True)
    with Run.paused():
        gradients = {n: plain(TracedArray(g)) for n, g in zip(start, found, strict=True) if g is not None}
    return {n: g for n, g in gradients.items() if np.any(g)}  # else it is written over before it is read


def _multiple(slope: np.ndarray, of: np.ndarray) -> float:
    """The number by which one is a multiple of the other; 0 where it is none."""
    factor = float(slope @ of / (of @ of)) if np.any(of) else 0.0
    near = factor and np.allclose(slope, factor * of, rtol=1e-12, atol=1e-14 * np.max(np.abs(slope)))
    return factor if near else 0.0


def _ends(events: Sequence[Event]) -> list[Event]:
    """Of each place the last event and the first: a sum is whole at its end."""
    by_place: dict[int, list[Event]] = {}
    for event in events:
        by_place.setdefault(event.place, []).append(event)
    return [event for at in by_place.values() for event in ([at[-1], at[0]] if len(at) > 1 else at)]


def _changed_elsewhere(
    script: Script, loop: int, first: Turn, names: Mapping[str, Where], supplied: Supplies, further: Arrays
) -> list[list[paths.Path]]:
    """What the turn changes from other numbers, and did not from the file's own: a bias where the errors cancel out.
    `further`: other samples, from which a turn changes weights that meet nothing but 0 in the file's own first one."""
    own = {name: first.before[where[0]] for name, where in names.items()}
    sums = {name for name, array in own.items() if memory.is_sum_of_squares(array, first.after.get(name))}
    moved = _moved(own, 0, sums)
    there = {paths_[0]: tuple(paths_) for paths_ in first.alike if first.before[paths_[0]].dtype.kind == "f"}
    known = [*names.values(), *further]
    others = {str(path): where for path, where in there.items() if not any(path in own for own in known)}
    turn = Turn(loop, {names[n]: array for n, array in moved.items()} | dict(further), others, supplied)
    script.run(turn)
    return [
        list(where)
        for key, where in others.items()
        if turn.after.get(key) is not None and differs(first.before[where[0]], turn.after[key])
    ]


def _left_as_they_were(script: Script, first: Turn, changed: Sequence[Sequence[paths.Path]]) -> list[list[paths.Path]]:
    """Weights beside others that the turn changes, which it leaves as they were although something is called like their
    gradient: dWhh of which only that of the first step, where the state is 0, is left."""
    beside = {path[:-1] for where in changed for path in where}
    known = {path for where in changed for path in where}
    called = {script.places[event.place].text.rpartition(".")[2] for event in first.events}
    called |= {paths.word(path) for path in first.before}
    found = []
    for where in first.alike:
        path, array = where[0], first.before[where[0]]
        if known & set(where) or array.dtype.kind != "f" or array.ndim != 2 or path[:-1] not in beside:
            continue
        name = paths.word(path)
        if any(naming.likeness(name, other) == 3 for other in called - {name}) and not words.GRADIENT.match(name):
            found += [list(where)] if _is_updated(script.file, name) else []
    return found


def _is_updated(file: str, name: str) -> bool:
    """Whether any statement gives what is called so a new value made of the old one, or hands it on among others, as to
    a loop that goes through all parameters."""
    for node in ast.walk(source.parsed(file)):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        own = [target for target in targets if target is not None and _ends_in(target, name)]
        if isinstance(node, ast.AugAssign) and own:
            return True
        if isinstance(node, ast.Assign) and own and any(_ends_in(part, name) for part in ast.walk(node.value)):
            return True
        listed = node.elts if isinstance(node, ast.List | ast.Tuple) and isinstance(node.ctx, ast.Load) else []
        if any(_ends_in(part, name) for part in listed):
            return True
    return False


def _ends_in(node: ast.AST, name: str) -> bool:
    """Whether it is name, thing.name, or thing["name"]."""
    last = node.slice if isinstance(node, ast.Subscript) else node
    called = getattr(last, "id", None) or getattr(last, "attr", None) or getattr(last, "value", None)
    return isinstance(called, str) and called == name


def _without_zeros(first: Turn, known: Sequence[Where]) -> dict[Where, np.ndarray]:
    """What else is there of numbers some of which are 0, with 1 in their place: it may be samples of which the first
    turn takes one."""
    groups = [tuple(alike) for alike in first.alike if not any(path in where for where in known for path in alike)]
    arrays = {where: first.before[where[0]] for where in groups}
    numbers = {where: array for where, array in arrays.items() if array.dtype.kind in "fiu"}
    filled = {_table_of(where[0]) for where, array in numbers.items() if np.any(array != 0)}
    empty = {where for where, array in numbers.items() if not np.any(array) and _table_of(where[0]) in filled}
    some = {where for where, array in numbers.items() if np.any(array == 0) and np.any(array != 0)}
    some = {where for where in some if where[0] not in first.whole_rows}  # [0, 1] may be a label
    mixed = {where: numbers[where] for where in (*some, *empty)}
    return {where: np.where(array == 0, np.ones_like(array), array) for where, array in mixed.items()}


def _table_of(path: paths.Path) -> paths.Path:
    """Where the list is of which something is a row, or a part of one; of anything else the place itself."""
    while path[-1][0] == "item" and isinstance(path[-1][1], int):
        path = path[:-1]
    return path


def _moved(own: Mapping[str, np.ndarray], attempt: int, sums: Collection[str]) -> dict[str, np.ndarray]:
    """Other numbers than the file's own, of their size: beside these at first, since some cannot be any; then any,
    since all units may be at their ends beside these, or none alive. `sums`: of which roots are taken."""
    moved = {
        name: np.asarray(size_of(array) * _noise(i + 100 * attempt, array) + (0 if attempt else array))
        for i, (name, array) in enumerate(own.items())
    }
    return {name: np.asarray(np.abs(array)) if name in sums else array for name, array in moved.items()}


def _noise(i: int, like: np.ndarray) -> np.ndarray:
    return np.random.default_rng(7 + i).standard_normal(like.shape)


def size_of(own: np.ndarray) -> float:
    """How large random numbers in the place of a parameter are: about as its own, but so that sums over hundreds of
    inputs do not drive every unit to its end."""
    most = 1.0 if own.ndim < 2 else min(1.0, 2 / np.sqrt(max(own.shape)))
    return float(np.clip(np.std(own), min(0.2, most / 4), most))


def _step(before: np.ndarray, after: Any) -> np.ndarray:
    """By how much something was moved; nothing where it has another shape since."""
    now = axes.spread(plain(after) if isinstance(after, TracedArray) else after, np.shape(before), added_later=False)
    return before - np.asarray(now, dtype=float) if np.shape(now) == np.shape(before) else np.zeros(0)


def _is_carried(before: Any, after: Any) -> bool:
    """Whether a vector does not stay where it is but for a step: moved at random, what comes out moves elsewhere."""
    if not isinstance(after, TracedArray) or max(after.shape, default=1) < after.tensor.numel():
        return False
    if tuple(after.shape) != tuple(before.shape) or not after.tensor.requires_grad:
        return tuple(after.shape) == tuple(before.shape)
    moved = torch.from_numpy(_noise(0, np.zeros(tuple(after.shape))))
    (along,) = torch.autograd.grad(after.tensor, [before], moved, retain_graph=True, allow_unused=True)
    with Run.paused():
        return along is None or float((along * moved).sum()) < STAYS * float((moved * moved).sum())


def _told_rate(turn: Turn, script: Script) -> float:
    """What the file calls its learning rate; 0 where nothing is called so."""
    named = [e.value for e in turn.events if words.role_of_argument(script.places[e.place].text) == "learning_rate"]
    named += [a for path, a in turn.before.items() if words.role_of_argument(paths.word(path)) == "learning_rate"]
    return next((float(value) for value in named if np.ndim(value) == 0), 0.0)


def _numbers_named(turn: Turn) -> set[float]:
    """The fractions that have a name and that nothing computes of parameters: one may be the learning rate."""
    named = [event.value for event in turn.events if event.number is None]
    numbers = [float(v) for v in (*named, *turn.before.values()) if isinstance(v, float) or _is_number(v)]
    return {number for number in numbers if 0 < number < 1}


def _is_number(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.floating) and np.ndim(value) == 0 and value.dtype.kind == "f"


def _samples_axis(samples: Any, labels: Any) -> int:
    """1 where columns are samples, 0 where rows are."""
    if np.ndim(samples) < 2 or not np.ndim(labels):
        return 0
    return int(len(samples) != len(labels) and np.shape(samples)[-1] == np.shape(labels)[-1])
