"""The local variables of the code under test, line by line.

dZ is a local variable almost everywhere: neither returned nor stored. The interpreter's tracing hook sees every array
that comes to be bound to a name, stored in a dict, a list or an attribute, changed in place, or returned, with its
line and the chain of calls that led there.

A value is often built over several lines (`dZ = np.array(dA); dZ[Z <= 0] = 0`). What counts is what a name holds when
another name is computed from it, when it is bound anew, or when its function returns: such a sighting is `settled`;
earlier ones are its parts.
"""

from __future__ import annotations

import ast
import dis
import functools
import linecache
import sys
import types
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcompare.checking.plain_numbers import plain_numbers
from gradcompare.checking.sightings import Sighting, root
from gradcompare.interfaces.rehearsal.asking import STAGE
from gradcompare.tracing.numpy_on_torch import TracedArray

DEPTH = 2
"""How deep stored arrays are looked for: grads["W1"], self.cache["Z1"]."""
LARGEST = 100_000
"""Entries beyond which a change in place is not looked for."""


@dataclass
class _Frame:
    """What is known of a running function."""

    calls: tuple[int, ...]
    line: int
    tokens: dict[str, Any]
    history: list[int] = field(default_factory=list)
    """The lines run so far."""
    seen: list[tuple[int, Sighting]] = field(default_factory=list)
    """Sightings, each with its position in the history."""


class Watcher:
    """Watch the functions of some files while something runs: `with Watcher(files, keep) as watcher: ...`.

    Args:
        files: the file names of the code to be watched; all other code runs at full speed.
        keep: what to keep of an array (a copy, say), called at the moment it is seen; None to leave it out.
        has_begun: whether what is to be watched has begun; what runs before it is not looked at.
    """

    def __init__(
        self, files: Collection[str], keep: Callable[[Any], Any], has_begun: Callable[[], bool] = lambda: True
    ) -> None:
        self.files, self.keep, self.has_begun = frozenset(files), keep, has_begun
        self._looks = False
        self.sightings: list[Sighting] = []
        self._frames: dict[types.FrameType, _Frame] = {}
        self._counts: dict[tuple[str, int, str], int] = {}
        self._before: Any = None
        self._seen: dict[int, tuple[Any, Any, types.FrameType]] = {}
        """By the id of every array that was seen: itself, so that no other gets its id, its token, and who saw it."""
        self._numbers: dict[int, tuple[int, Any]] = {}
        """By the id of every array that was noted: which one it is, and itself, so that no other gets its id."""

    def __enter__(self) -> Watcher:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)
        for frame in list(self._frames):  # left by an exception that was not seen
            self._leave(frame)

    def _trace(self, frame: types.FrameType, event: str, _argument: Any) -> Any:
        if event != "call" or frame.f_code.co_filename not in self.files:
            return None
        calls = tuple(reversed([caller.f_lineno for caller in self._callers(frame)]))
        self._frames[frame] = _Frame(calls, frame.f_lineno, _tokens(frame) if self._looks else {})
        return self._trace_lines

    def _callers(self, frame: types.FrameType) -> Iterator[types.FrameType]:
        caller = frame.f_back
        while caller is not None:
            if caller.f_code.co_filename in self.files:
                yield caller
            caller = caller.f_back

    def _trace_lines(self, frame: types.FrameType, event: str, argument: Any) -> Any:
        state = self._frames.get(frame)
        if state is None:
            return None
        if event in ("line", "return") and self._looks_now():
            self._look(frame, state)
        if event == "line":
            state.line = frame.f_lineno
            state.history.append(state.line)
        if event == "return":
            if argument is not None and self._looks:
                self._add_returned(frame, state, argument)
            self._leave(frame)
        return self._trace_lines

    def _looks_now(self) -> bool:
        """Whether what is to be watched has begun; what has been there before is no news then."""
        if not self._looks and self.has_begun():
            self._looks = True
            for frame, state in self._frames.items():
                state.tokens = _tokens(frame)
        return self._looks

    def _look(self, frame: types.FrameType, state: _Frame) -> None:
        """What has changed since the line before was begun was done by that line."""
        tokens: dict[str, Any] = {}
        changed: list[tuple[str, Any]] = []
        known: set[int] = set()
        before_too: set[int] = set()
        for name, array, token in _arrays(_variables(frame)):
            tokens[name] = token
            if state.tokens.get(name) != token:
                changed.append((name, array))
                _, before, by = self._seen.get(id(array), (None, None, frame))
                known |= {id(array)} if before == token and by is not frame else set()
                before_too |= {id(array)} if before == token else set()
                self._seen[id(array)] = array, token, frame
        state.tokens = tokens
        if not changed:
            return
        statement = _statement(frame.f_code.co_filename, state.line)
        targets, renamed = statement.targets, statement.renamed
        # what an object holds is no news where the object gets one more name: layer = self.layers[i]
        changed = [(n, a) for n, a in changed if id(a) not in before_too or n == root(n) or root(n) not in renamed]
        written = known | {id(array) for name, array in changed if root(name) in targets}
        for name, array in changed:  # another name of what this line writes into, or a call of it has made, is no news
            if root(name) in targets or id(array) not in written:
                self._add(frame, state, name, array)

    def _add(self, frame: types.FrameType, state: _Frame, name: str, array: Any) -> None:
        kept = self.keep(array)
        if kept is None:
            return
        function, line = frame.f_code.co_name, state.line
        count = self._counts[function, line, name] = self._counts.get((function, line, name), 0) + 1
        source = simple_statement(frame.f_code.co_filename, line)
        constants = plain_numbers(frame.f_code.co_filename, line, frame.f_locals, frame.f_globals)
        number, _ = self._numbers.setdefault(id(array), (len(self._numbers) + 1, array))
        sighting = Sighting(
            name, line, function, state.calls, kept, count, source=source, constants=constants, array=number
        )
        state.seen.append((len(state.history), sighting))
        self.sightings.append(sighting)

    def _add_returned(self, frame: types.FrameType, state: _Frame, result: Any) -> None:
        """Arrays that were never bound to a name: `return X.T @ dZ`."""
        known = {id(array) for _, array, _ in _arrays(frame.f_locals)}
        for name, array, _ in _arrays({"return": result}):
            if id(array) not in known:
                self._add(frame, state, name, array)

    def _leave(self, frame: types.FrameType) -> None:
        state = self._frames.pop(frame)
        _settle(frame.f_code.co_filename, state)


def _settle(file: str, state: _Frame) -> None:
    """Mark the sightings that were only parts: nothing else was computed from them before the name was written
    again."""
    last: dict[str, tuple[int, Sighting]] = {}
    for position, sighting in state.seen:
        before = last.get(sighting.name)
        if before is not None:
            before[1].settled = _was_used(file, state.history, before[0], position, root(sighting.name))
        last[sighting.name] = position, sighting


def _was_used(file: str, history: list[int], written: int, again: int, variable: str) -> bool:
    """Whether something else read the variable between two writes, or the second did not build on the first: in a
    loop's next turn, or further down after some statement has read it."""
    between = [_statement(file, line) for line in history[written : again - 1]]
    if any(variable in statement.reads and statement.targets - {variable} for statement in between):
        return True
    if any(variable in statement.renamed for statement in between):  # another layer's by now
        return True
    second = _statement(file, history[again - 1]) if again else None
    if second is None or second.limits:
        return True
    if variable in second.reads:
        return False
    return history[again - 1] <= history[written - 1] or any(variable in statement.reads for statement in between)


# ---- arrays in the variables of a function ---------------------------------------------------------------------------


def _variables(frame: types.FrameType) -> dict[str, Any]:
    """The variables of a running function, and the global ones that it binds anew."""
    bound = _globals_bound(frame.f_code)
    return (
        {**{n: frame.f_globals[n] for n in bound if n in frame.f_globals}, **frame.f_locals}
        if bound
        else frame.f_locals
    )


@functools.lru_cache(maxsize=256)
def _globals_bound(code: types.CodeType) -> frozenset[str]:
    return frozenset(i.argval for i in dis.get_instructions(code) if i.opname == "STORE_GLOBAL")


def _tokens(frame: types.FrameType) -> dict[str, Any]:
    return {name: token for name, _, token in _arrays(_variables(frame))}


def _arrays(variables: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(name, array, token) of every array in reach; a token changes when another array stands there, or its numbers
    do."""
    for name, value in list(variables.items()):
        if not name.startswith((".", "__")) and name != STAGE:
            yield from _arrays_in(name, value, DEPTH)


def _arrays_in(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "fiub":
            yield name, value, (id(value), value.tobytes() if value.size <= LARGEST else None)
    elif isinstance(value, np.floating):
        yield name, value, float(value)
    elif isinstance(value, TracedArray):
        tensor = value.tensor
        yield name, value, (id(tensor), getattr(tensor, "number", None))
    elif depth:
        for part, inner in _parts(value):
            yield from _arrays_in(name + part, inner, depth - 1)


_PLAIN = (int, float, str, bool, bytes, type(None))
"""What is no array and holds none, and there may be many of."""


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        keyed = [(key, inner) for key, inner in list(value.items()) if isinstance(key, str | int)]
        return [(f"[{key!r}]", inner) for key, inner in keyed if type(inner) not in _PLAIN]
    if isinstance(value, list | tuple):
        return [(f"[{i}]", inner) for i, inner in enumerate(value[:64]) if type(inner) not in _PLAIN]
    if isinstance(value, types.ModuleType | type | types.FunctionType) or type(value).__module__ == "builtins":
        return []
    attributes = getattr(value, "__dict__", None)
    return [(f".{key}", inner) for key, inner in list(attributes.items())] if isinstance(attributes, dict) else []


# ---- the statements of a file ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Statement:
    reads: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    renamed: frozenset[str] = frozenset()
    """Of the targets the names that the line gives to what is there already."""
    limits: bool = False
    """Whether it cuts numbers off: what it cuts was whole before."""


def _statement(file: str, line: int) -> _Statement:
    return _statements(file).get(line, _Statement())


@functools.lru_cache(maxsize=64)
def _statements(file: str) -> dict[int, _Statement]:
    """By line, the variables that the simple statement there reads and writes."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[int, _Statement] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            parts = _header(node)
            limits = any(_is_limit(n) for part in parts for n in ast.walk(part))
            reads, targets = frozenset(_reads(parts)), frozenset(_targets(parts))
            statement = _Statement(reads, targets, frozenset(_renamed(node)), limits)
            for line in range(
                node.lineno, (node.end_lineno or node.lineno) + 1 if parts == [node] else node.lineno + 1
            ):
                found[line] = statement
    return found


def _header(node: ast.stmt) -> list[ast.AST]:
    """Of a compound statement only what its first line runs."""
    if isinstance(node, ast.For):
        return [node.target, node.iter]
    if isinstance(node, ast.If | ast.While):
        return [node.test]
    if isinstance(node, ast.With):
        return list(node.items)
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Try):
        return []
    return [node]


def _reads(parts: list[ast.AST]) -> Iterator[str]:
    for part in parts:
        for node in ast.walk(part):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                yield node.id
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                yield node.target.id


def _targets(parts: list[ast.AST]) -> Iterator[str]:
    for part in parts:
        for node in ast.walk(part):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
                base = node.value
                while isinstance(base, ast.Subscript | ast.Attribute):
                    base = base.value
                if isinstance(base, ast.Name):
                    yield base.id


def _is_limit(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "clip"


def _renamed(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Attribute | ast.Subscript):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.For):
        yield from (n.id for n in ast.walk(node.target) if isinstance(n, ast.Name))


def simple_statement(file: str, line: int) -> str:
    """The source of the statement that a line belongs to, without its indentation; its first line where it is long."""
    return linecache.getline(file, line).strip()


def copy_of(array: Any) -> Any:
    """A copy of a NumPy array; for `keep`."""
    return np.array(array, copy=True) if isinstance(array, np.ndarray | np.floating) else None
