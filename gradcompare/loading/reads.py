"""Which names of its module compiled code reads."""

from __future__ import annotations
import __future__

import ast
import dis
import types
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")
GLOBAL_READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "LOAD_CLASSDEREF")


class Read(NamedTuple):
    """A name of the module that a function reads."""

    name: str
    function: str
    line: int


def compiled(statement: ast.stmt, file: str) -> types.CodeType:
    """A statement as code; annotations are not evaluated."""
    whole: Any = ast.Module([statement], [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flags = __future__.annotations.compiler_flag | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        return compile(whole, file, "exec", flags, dont_inherit=True)


def read_directly(code: types.CodeType) -> set[str]:
    """The names that are read when a statement runs, those of its comprehensions included."""
    found = {i.argval for i in dis.get_instructions(code) if i.opname in GLOBAL_READS}
    return found.union(*(read_directly(inner) for inner in _inner(code) if inner.co_name in COMPREHENSIONS))


def read_by_functions(code: types.CodeType) -> Iterator[Read]:
    """The names that the functions and classes in a statement read, in the order of their lines."""
    for inner in _inner(code):
        if inner.co_name not in COMPREHENSIONS:
            yield from _all_reads(inner, inner.co_qualname)
        else:
            yield from read_by_functions(inner)


def stored_globally(code: types.CodeType) -> set[str]:
    """The names that functions assign after `global`."""
    found = {i.argval for i in dis.get_instructions(code) if i.opname == "STORE_GLOBAL"}
    return found.union(*(stored_globally(inner) for inner in _inner(code)))


def _all_reads(code: types.CodeType, function: str) -> Iterator[Read]:
    instructions = list(dis.get_instructions(code))
    own = {i.argval for i in instructions if i.opname == "STORE_NAME"}
    for i in instructions:
        if i.opname in GLOBAL_READS and i.argval not in own and not i.argval.startswith("__"):
            line = i.positions.lineno if i.positions else None
            yield Read(i.argval, function, line or code.co_firstlineno)
    for inner in _inner(code):
        name = function if inner.co_name in COMPREHENSIONS or inner.co_name == "<lambda>" else inner.co_qualname
        yield from _all_reads(inner, name.replace(".<locals>", ""))


def _inner(code: types.CodeType) -> Iterator[types.CodeType]:
    return (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
