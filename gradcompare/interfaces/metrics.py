"""Whether what looks like a file's cost only looks at results: a metric, which training never calls, or the size of the
errors."""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Iterator
from typing import Any

from gradcompare.interfaces import source

_SIZES = frozenset({"abs", "absolute", "fabs"})
_DESCENDED = frozenset({"log", "square", "power", "dot"})
"""Beside one of these an absolute value may be of a cost."""
_TRAINS = ast.For | ast.While | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def why_metric(function: Callable[..., Any]) -> str | None:
    """Why a function that is called as a cost may be is taken for a metric, where another cost has the gradients; None
    where it is not."""
    name = getattr(function, "__name__", "the cost")
    if _is_called_afterwards(function):
        return f"training never calls {name}, which is taken for a metric"
    if "error" in name.lower() and _is_size(function):
        return f"{name} is the size of the errors, which is taken for a metric"
    return None


def is_computed_at_times(file: str, line: int) -> bool:
    """Whether the statement in a line is reached in some turns of its loop only: `if i % 100 == 0: loss = ...`."""
    loops = (node for node in ast.walk(source.parsed(file)) if isinstance(node, ast.For | ast.While))
    conditions = (node for loop in loops for node in ast.walk(loop) if isinstance(node, ast.If))
    around = (node for node in conditions if node.lineno <= line <= (node.end_lineno or 0))
    return any(isinstance(part, ast.Mod) for node in around for part in ast.walk(node.test))


def is_computed_afterwards(file: str, line: int) -> bool:
    """Whether a line is reached once training is over: outside of all loops, and below one, of the module or of a
    function that drives the program."""
    for block in _blocks(source.parsed(file)):
        outside = [node for node in _outside(block) if isinstance(node, ast.stmt)]
        loops = [node for node in block.body if isinstance(node, ast.For | ast.While)]
        above = any((loop.end_lineno or 0) < line for loop in loops)
        if above and any(node.lineno <= line <= (node.end_lineno or 0) for node in outside):
            return True
    return False


def _is_size(function: Callable[..., Any]) -> bool:
    """Whether a function takes absolute values, and nothing that training would descend: no power, no logarithm."""
    called = source.names_called(function)
    powers = any(isinstance(node, ast.Pow) for node in ast.walk(source.tree(function)))
    return bool(called & _SIZES) and not called & _DESCENDED and not powers


def _is_called_afterwards(function: Callable[..., Any]) -> bool:
    """Whether the file calls a function of its own, and only once training is over: in statements that stand in no
    loop, of the module or of a function that drives the program, main()."""
    function = inspect.unwrap(getattr(function, "__func__", function))
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except (SyntaxError, ValueError, RecursionError):
        return False
    everywhere = sum(_calls(node, code.co_name) for node in ast.walk(tree))
    outside = sum(_calls(node, code.co_name) for block in _blocks(tree) for node in _outside(block))
    return everywhere == outside > 0


def _blocks(tree: ast.Module) -> Iterator[ast.Module | ast.FunctionDef]:
    """What drives a program: the module, and its functions that are given nothing and are called in no loop."""
    yield tree
    looped = {
        name
        for loop in ast.walk(tree)
        if isinstance(loop, ast.For | ast.While)
        for node in ast.walk(loop)
        if isinstance(node, ast.Call) and (name := getattr(node.func, "attr", getattr(node.func, "id", None)))
    }
    for statement in tree.body:
        takes = isinstance(statement, ast.FunctionDef) and (statement.args.args or statement.args.vararg)
        if isinstance(statement, ast.FunctionDef) and not takes and statement.name not in looped:
            yield statement


def _outside(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes that stand in no loop, function or class."""
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, _TRAINS):
            yield child
            yield from _outside(child)


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and name == getattr(node.func, "attr", getattr(node.func, "id", None))
