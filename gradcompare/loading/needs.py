"""Which names of a module its functions need, and which of them are missing because what binds them was not run."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

from gradcompare.loading.reads import Read, compiled, read_by_functions, read_directly, stored_globally
from gradcompare.loading.statements import bound_anywhere, bound_by, flat


class Missing(NamedTuple):
    """A name of the module that functions read and that is not bound, because what binds it was not run."""

    name: str
    line: int | None
    """Of the statement that would bind it; None where there is none in the file."""
    why: str
    """ "it calls pd.read_csv"."""
    functions: tuple[str, ...]
    """Those that read it."""
    read_at: int
    """The first line that reads it."""


class LeftOut(NamedTuple):
    """A statement that was not run; line 0 where there is none."""

    line: int
    why: str


class Needs:
    """The names that the functions of a module read, and those that these are computed from."""

    def __init__(self, tree: ast.Module, file: str) -> None:
        self.reads: list[Read] = []
        self.stored_by_functions: set[str] = set()
        sources: list[tuple[set[str], set[str]]] = []
        for statement in flat(tree.body):
            code = compiled(statement, file)
            self.reads += read_by_functions(code)
            self.stored_by_functions |= stored_globally(code)
            sources.append((bound_by(statement), read_directly(code)))
        self.names = _with_sources({read.name for read in self.reads}, sources)

    def bound_nowhere(self, tree: ast.Module) -> set[str]:
        """The needed names that no statement of the module binds: what `from helper import *` would have to give."""
        bound = {name for statement in tree.body for name, _ in bound_anywhere(statement)}
        return self.names - bound - self.stored_by_functions

    def missing(self, names: Mapping[str, Any], left_out: Mapping[str, LeftOut]) -> dict[str, Missing]:
        """What functions read and a namespace does not have, or has without what was to be filled in."""
        found: dict[str, Missing] = {}
        for read in sorted(self.reads, key=lambda read: read.line):
            reason = self._reason(read.name, names, left_out)
            if reason is not None:
                first = found.get(read.name, Missing(read.name, reason.line or None, reason.why, (), read.line))
                functions = tuple(dict.fromkeys((*first.functions, read.function)))
                found[read.name] = first._replace(functions=functions)
        return found

    def _reason(self, name: str, names: Mapping[str, Any], left_out: Mapping[str, LeftOut]) -> LeftOut | None:
        if name in names["__builtins__"]:
            return None
        if name in names:
            return left_out.get(name) if _is_empty(names[name]) else None
        if name not in left_out and name in self.stored_by_functions:
            return LeftOut(0, "only a function that was not called assigns it")
        return left_out.get(name, LeftOut(0, "nothing in the file defines it"))


def _is_empty(value: Any) -> bool:
    return isinstance(value, dict | list) and not value


def _with_sources(needed: set[str], sources: list[tuple[set[str], set[str]]]) -> set[str]:
    """The needed names and, as (bound, read) tell of each statement, those that they are computed from."""
    while True:
        more = set().union(*(read for bound, read in sources if bound & needed)) - needed
        if not more:
            return needed
        needed = needed | more
