"""What the file's own code gives its constructors and functions, where that can be told without running more than
definitions."""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import dataflow, naming, paths, source
from gradcompare.interfaces.layouts import Layout
from gradcompare.interfaces.plans import Plan
from gradcompare.loading.safety import danger
from gradcompare.network import Network
from gradcompare.tracing.randomness import same_random_numbers

MAIN = ("main", "run", "demo", "test")


class AsTold(Plan):
    """Gives a constructor what the file itself gives it, whatever the widths of the network."""

    def __init__(self, made: Any, depth: int) -> None:
        super().__init__({}, (depth,))
        self.made = made

    def call(self, function: Callable[..., Any], network: Network, layout: Layout) -> Any:
        """An object like the file's own."""
        return copy.deepcopy(self.made)


def plans_told(made: type, tree: ast.Module, names: Mapping[str, Any]) -> Iterator[AsTold]:
    """How the file itself makes an object of a class; nothing where it makes none, or of more than definitions."""
    for block in _blocks(tree):
        for i, statement in enumerate(block):
            for call in ast.walk(statement):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == made.__name__:
                    thing = _evaluated(call, block[:i], names)
                    arrays = [(paths.label(path), array) for path, array in paths.walk(thing)]
                    depth = sum(naming.is_weight(name, array) for name, array in arrays)
                    if depth and isinstance(thing, made):
                        yield AsTold(thing, depth)
                        return


def _blocks(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """Where a file uses its own definitions: the module, `if __name__ == "__main__"`, a function main."""
    yield tree.body
    for statement in tree.body:
        is_main = isinstance(statement, ast.FunctionDef) and statement.name.lower() in MAIN
        if isinstance(statement, ast.If) or is_main:
            yield statement.body  # type: ignore[attr-defined]


@functools.lru_cache(maxsize=512)
def told(function: Callable[..., Any], argument: str) -> list[Any]:
    """[what the file's own call gives an argument that is no data]: a setting, a function, a state that begins with
    zeros; empty where no call tells one."""
    names = getattr(inspect.unwrap(function), "__globals__", {})
    tree = source.parsed(str(names.get("__file__")))
    order = source.argument_names(function)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and source.called(call) == getattr(function, "__name__", ""):
            given = dict(zip(order, call.args, strict=False)) | {k.arg: k.value for k in call.keywords if k.arg}
            for value in _values(given.get(argument), tree, names):
                if _is_setting(value):
                    return [value]
    return []


def _values(given: ast.expr | None, tree: ast.Module, names: Mapping[str, Any]) -> Iterator[Any]:
    """What an expression may stand for; a name for what the file assigns to it anywhere."""
    assigned = [s for s in ast.walk(tree) if isinstance(s, ast.Assign) and isinstance(given, ast.Name)]
    called_so = [s.value for s in assigned if [ast.unparse(t) for t in s.targets] == [getattr(given, "id", "")]]
    for expression in [given, *called_so] if given is not None else []:
        if expression is not None and danger(expression, names) is None:
            with contextlib.suppress(Exception):
                yield eval(compile(ast.Expression(expression), "<its own call>", "eval"), dict(names))


def _is_setting(value: Any) -> bool:
    zeros = isinstance(value, np.ndarray) and not value.any()
    return zeros or callable(value) or isinstance(value, str | bool | int | float)


def _evaluated(call: ast.Call, before: list[ast.stmt], names: Mapping[str, Any]) -> Any:
    """What a call gives; None where it would run more than definitions, or fails."""
    known = dict(names)
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    wanted = {name for argument in arguments for name in dataflow.names_read(argument)}
    steps = [s for s in dataflow.needed(before, wanted, set()) if isinstance(s, ast.Assign)]
    try:
        with np.errstate(all="ignore"), same_random_numbers():
            for step in steps:
                if danger(step.value, known) is not None:
                    return None
                exec(compile(ast.fix_missing_locations(ast.Module([step], [])), "<its own call>", "exec"), known)
            if danger(call, known) is not None:
                return None
            return eval(compile(ast.Expression(call), "<its own call>", "eval"), known)
    except Exception:
        return None
