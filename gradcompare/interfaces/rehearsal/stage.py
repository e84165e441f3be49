"""What happens on the stage: which arrays a turn of a loop changes, and the same turn from other numbers."""

from __future__ import annotations

import sys
import time
import types
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gradcompare.bounds import BoundedTensor
from gradcompare.interfaces import naming, paths
from gradcompare.interfaces.rehearsal.asking import STAGE
from gradcompare.interfaces.rehearsal.images import Tensor
from gradcompare.interfaces.rehearsal.rows import (
    gathered,
    is_row,
    is_whole_row,
    left_in,
    numbers_of,
    with_shared_numbers,
)
from gradcompare.interfaces.rehearsal.script import TurnOverError
from gradcompare.interfaces.rehearsal.supplies import Supplies
from gradcompare.interfaces.rehearsal.supplying import Supplying
from gradcompare.interfaces.rehearsal.tables import Record
from gradcompare.loading.absent import Absent
from gradcompare.tracing.matrices import like
from gradcompare.tracing.numpy_on_torch import trace_from_now_on
from gradcompare.tracing.traced_array import TracedArray

SECONDS = 3.0
"""So long the file's own program may take to come to the end of a turn."""
LONGEST = 64
"""Lists of more than this hold data."""
OFTEN = 200
"""What meets oftener in one turn is no output and its labels."""

Where = tuple[paths.Path, ...]
"""All paths to one array."""
Root = dict[str, dict[str, Any]]
"""{"local": ..., "global": ...}: the names that are known where a loop stands."""
_LIBRARY = types.ModuleType | types.FunctionType | types.BuiltinFunctionType | types.MethodType | type | Absent | Record


class Stage(Supplying):
    """A stage on which nothing happens; the time is limited."""

    def __init__(self, supplied: Supplies | None = None, seconds: float = SECONDS) -> None:
        super().__init__(supplied)
        self.until = time.process_time() + seconds
        self.took_too_long = False
        self.short: frozenset[int] = frozenset()
        self.is_traced = False
        """Whether the turn is to be traced."""
        self._ended: set[int] = set()

    def begin(self, loop: int) -> bool:
        """See `script.Stage`."""
        self._look_at_the_clock()
        return loop in self._ended

    def end(self, loop: int) -> None:
        """See `script.Stage`."""
        if loop in self.short:
            self._ended.add(loop)

    def between(self, number: int) -> None:
        """See `script.Stage`."""

    def take(self, loop: int, name: str, value: Any) -> Any:
        """See `script.Stage`."""
        return value

    def note(self, place: int, value: Any) -> Any:
        """See `script.Stage`."""
        return value

    def meet(self, meeting: int, side: int, value: Any) -> Any:
        """See `script.Stage`."""
        return value

    def _look_at_the_clock(self) -> None:
        if time.process_time() > self.until:
            self.took_too_long = True
            raise TurnOverError


class Exploring(Stage):
    """Notes which loops change which arrays in their first turn; a loop that stands in no other ends with it."""

    def __init__(self, supplied: Supplies | None = None) -> None:
        super().__init__(supplied)
        self.changed: dict[int, dict[paths.Path, list[paths.Path]]] = {}
        """By loop, of each array that is another after the turn all paths that lead to it; inner loops first."""
        self._active: list[tuple[int, dict[paths.Path, tuple[np.ndarray, _Kept]]]] = []
        self._seen: set[int] = set()
        self._over: set[int] = set()

    def begin(self, loop: int) -> bool:
        """See `script.Stage`."""
        self._look_at_the_clock()
        if loop in self._over:
            return True
        if loop not in self._seen:
            self._seen.add(loop)
            root = root_of(sys._getframe(1))
            before = arrays_in(root)
            kept = {path: (numbers_of(array), _kept(root, path, array)) for path, array in before.items()}
            self._active.append((loop, kept))
        return False

    def end(self, loop: int) -> None:
        """See `script.Stage`."""
        if not self._active or self._active[-1][0] != loop:
            return
        _, before = self._active.pop()
        after = arrays_in(root_of(sys._getframe(1)))
        changed = [p for p, (was, _) in before.items() if p in after and has_moved(was, after[p])]
        if changed:
            numbers = {path: "" if np.ndim(was) else str(after.get(path, path)) for path, (was, _) in before.items()}
            together = _together({path: (kept, numbers[path]) for path, (_, kept) in before.items()})
            groups = [group for group in together if any(path in changed for path in group)]  # one may keep the old
            self.changed[loop] = {group[0]: group for group in groups}
            if not self._active:
                self._over.add(loop)


class _Kept(NamedTuple):
    """Where an array, or a number, is found."""

    identity: int
    """Of the object."""
    place: tuple[int, Any] | None
    """Of a number in a list: which list, and where in it."""


def _kept(root: Root, path: paths.Path, array: Any) -> _Kept:
    number = isinstance(array, int | float | np.generic)
    listed = number and len(path) > 2 and path[-1][0] == "item" and isinstance(path[-1][1], int)
    return _Kept(id(array), (id(paths.get(root, path[:-1])), path[-1][1]) if listed else None)


def _together(found: Mapping[paths.Path, tuple[_Kept, Any]]) -> Iterator[list[paths.Path]]:
    """The paths that lead to one array, or to one number under several names; several places in lists may hold the same
    number without being one: [1.0] * 3. Beside each path what else must be the same."""
    alike: dict[Any, list[paths.Path]] = {}
    for path, (kept, beside) in found.items():
        alike.setdefault((kept.identity, beside), []).append(path)
    for group in alike.values():
        by_place: dict[Any, list[paths.Path]] = {}
        for path in group:
            by_place.setdefault(found[path][0].place, []).append(path)
        yield from by_place.values() if len(by_place.keys() - {None}) > 1 else [group]


class Event(NamedTuple):
    """Something got a name."""

    place: int
    value: Any
    """As it was then: the code may write into it later."""
    number: int | None
    """Of the tensor, where it is one of a run."""


def _event(place: int, value: Any) -> Event:
    if isinstance(value, TracedArray):
        return Event(place, TracedArray(value.tensor.clone()), number_of(value))
    return Event(place, value.copy() if isinstance(value, np.ndarray) else value, None)


def number_of(value: Any) -> int | None:
    """Of its tensor, where it is one of a run."""
    tensor = value.tensor if isinstance(value, TracedArray) else None
    return tensor.number if isinstance(tensor, BoundedTensor) else None


class Turn(Stage):
    """The first turn of one loop, from numbers that are given to it."""

    def __init__(
        self,
        loop: int,
        given: Mapping[Where, Any],
        watched: Mapping[str, Where],
        supplied: Supplies | None = None,
        wrapped: Callable[[paths.Path, Any], Any] | None = None,
        only: Collection[int] | None = None,
    ) -> None:
        """`given`: what is to be at these paths. `watched`: by name, of what is to be told what it is after the turn.
        `wrapped`: what is to be made of every other array that is there when the turn begins, and of a path to it.
        `only`: the meetings that are to be noted; None for all."""
        super().__init__(supplied)
        self.loop, self.given, self.watched, self.wrapped, self.only = loop, given, watched, wrapped, only
        self.begun = False
        self.before: dict[paths.Path, Any] = {}
        """The arrays that were there when the turn began, and were not given."""
        self.alike: list[list[paths.Path]] = []
        """The same, by what is one array under several paths."""
        self.whole_rows: set[paths.Path] = set()
        """Those that are lists of whole numbers."""
        self.after: dict[str, Any] = {}
        self.events: list[Event] = []
        """All that got a name in the turn."""
        self.met: dict[int, tuple[list[Event], list[Event]]] = {}
        """By meeting, what was on its two sides, time after time."""
        self.entries: set[int] = set()
        """The numbers of the tensors that are entries of what was given to the places of lists."""
        self.stopped: BaseException | None = None
        """What ended the turn before its time."""
        self._pending: dict[str, Any] = {}
        self._handled: BaseException | None = None

    def begin(self, loop: int) -> bool:
        """See `script.Stage`."""
        left = super().begin(loop)
        if loop == self.loop and not self.begun:
            self.begun = True
            self._handled = sys.exc_info()[1]
            frame = sys._getframe(1)
            if self.is_traced:
                trace_from_now_on(frame.f_globals)
            self._set(frame)
        return left

    def end(self, loop: int) -> None:
        """See `script.Stage`."""
        super().end(loop)
        if loop == self.loop and self.begun:
            now = sys.exc_info()[1]
            self.stopped = now if now is not self._handled else None
            root = root_of(sys._getframe(1))
            for name, where in self.watched.items():
                found = [left_in(value) for path in where if (value := paths.got(root, path)) is not None]
                moved = [value for value in found if value is not self.given.get(where)]
                self.after[name] = next(iter(moved or found), None)
            raise TurnOverError

    def take(self, loop: int, name: str, value: Any) -> Any:
        """See `script.Stage`."""
        return self._pending.pop(name, value) if loop == self.loop and self.begun else value

    def note(self, place: int, value: Any) -> Any:
        """See `script.Stage`."""
        if self.begun:
            self.events += (_event(place, part) for part in (value if isinstance(value, tuple) else (value,)))
        return value

    def meet(self, meeting: int, side: int, value: Any) -> Any:
        """See `script.Stage`."""
        if self.begun and (self.only is None or meeting in self.only):
            events = self.met.setdefault(meeting, ([], []))[side]
            if len(events) <= OFTEN:
                events.append(_event(meeting, value))
        return value

    def occurrences(self) -> list[tuple[int, int]]:
        """Of each event its place, and the how manieth it is there."""
        counts: Counter[int] = Counter()
        found = []
        for event in self.events:
            counts[event.place] += 1
            found.append((event.place, counts[event.place]))
        return found

    def occurrence(self, event: Event) -> tuple[int, int]:
        """(its place, the how manieth event there it is)"""
        return event.place, 1 + next(
            i for i, e in enumerate(e for e in self.events if e.place == event.place) if e is event
        )

    def _set(self, frame: types.FrameType) -> None:
        root = root_of(frame)
        mine = {path for where in self.given for path in where}
        others = {path: array for path, array in arrays_in(root, whole=True).items() if path not in mine}
        self.before = {path: numbers_of(array) for path, array in others.items()}
        self.whole_rows = {path for path, value in others.items() if is_whole_row(value)}
        self.alike = list(_together({path: (_kept(root, path, array), None) for path, array in others.items()}))
        if self.wrapped is not None:
            for group in self.alike:
                made = self.wrapped(group[0], gathered(others[group[0]]))
                for path in group:
                    self._put(root, path, made, frame)
        for where, value in self.given.items():
            for path in where:
                self._put(root, path, value, frame)

    def _put(self, root: Root, path: paths.Path, value: Any, frame: types.FrameType) -> None:
        (_, scope), (_, name), *rest = path
        names = root[scope]
        before = paths.got(root, path)
        if is_whole_row(before):
            before[:] = [int(number) for number in numbers_of(value)]
            return
        if is_row(before):
            entries = [value[i] for i in range(len(value))]
            self.entries |= {n for entry in entries if (n := number_of(entry)) is not None}
            before[:] = entries
            return
        value = like(value, before)
        if isinstance(before, float | np.floating) and type(value) is np.ndarray:
            value = value[()]  # a number, which nothing can write into
        value = value.view(Tensor) if isinstance(before, Tensor) and type(value) is np.ndarray else value
        put = names[name] = paths.put(names[name], tuple(rest), value) if rest else value
        if scope == "global":
            frame.f_globals[name] = put
        else:
            self._pending[name] = put


def has_moved(was: np.ndarray, now: Any) -> bool:
    """Whether it is another than before, and no list that has grown."""
    array = gathered(now)
    grown = isinstance(now, list) and np.shape(array) != was.shape
    return not isinstance(array, list) and not grown and differs(was, array)


def root_of(frame: types.FrameType) -> Root:
    """The names that are known in a frame, without what is no data."""
    inner = frame.f_locals if frame.f_locals is not frame.f_globals else {}
    return {"local": own_names(inner), "global": own_names(frame.f_globals)}


def own_names(names: Mapping[str, Any]) -> dict[str, Any]:
    """What is data among names."""
    return {n: v for n, v in names.items() if not n.startswith("__") and n != STAGE and not isinstance(v, _LIBRARY)}


def arrays_in(root: Root, whole: bool = False) -> dict[paths.Path, Any]:
    """Every array in reach, and every number that is none of whole ones; with `whole`, arrays of whole numbers too."""
    found: dict[paths.Path, Any] = {}
    for scope, names in root.items():
        for path, array in _walk(names, (("item", scope),), frozenset(), whole):
            if isinstance(array, list):
                found[path] = array
                continue
            kind = getattr(getattr(array, "dtype", None), "kind", "f")
            number = isinstance(array, float | np.floating) or (
                isinstance(array, int) and naming.is_bias(str(path[-1][1]))
            )
            if np.ndim(array) == 0 and not hasattr(array, "shape") and not number:
                continue
            if isinstance(array, TracedArray) or kind == "f" or (whole and kind in "iub" and np.ndim(array)):
                found[path] = array
    return with_shared_numbers(found)


def _walk(tree: Any, path: paths.Path, seen: frozenset[int], whole: bool) -> Iterator[tuple[paths.Path, Any]]:
    if isinstance(tree, list | tuple) and len(tree) > LONGEST and not is_row(tree):
        return
    if isinstance(tree, (*_LIBRARY.__args__, str, bytes)):
        return
    if paths.is_array(tree) or is_row(tree) or (whole and is_whole_row(tree)):
        yield path, tree
        return
    if id(tree) in seen or len(path) > paths.DEEPEST:
        return
    for step, branch in paths.branches(tree):
        yield from _walk(branch, (*path, step), seen | {id(tree)}, whole)


def differs(before: Any, now: Any) -> bool:
    """Whether an array is another than before; what gets an axis before its others with its first step is the same."""
    if np.ndim(now) == np.ndim(before) + 1 and np.shape(now) == (1, *np.shape(before)) and np.size(now) > 1:
        return not np.array_equal(before, np.asarray(now)[0], equal_nan=True)
    if np.shape(before) != np.shape(now):
        return np.ndim(now) == np.ndim(before) or np.ndim(before) == 0
    return not np.array_equal(before, np.asarray(now), equal_nan=True)
