"""Exercises that nobody has filled in: `pass`, `...`, NotImplementedError, `dZ2 = None`, `dZ2 = ____`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
MARKER = re.compile(
    r"start code|your code|code here|todo|fill (this )?in|not ?implemented|exercise|insert code|complete (this|the)",
    re.I,
)
"""Comments that ask for code."""
LEFT_OPEN_ON_PURPOSE = {"abstractmethod", "overload", "abstractproperty"}


class Unfinished(NamedTuple):
    """Something in a function that is still to be written."""

    function: str
    line: int
    what: str


def unfinished_in(tree: ast.Module, lines: list[str]) -> list[Unfinished]:
    """What is still to be written in the functions of a file."""
    bases = {name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for name in _names(node.bases)}
    return [gap for function, name in _functions(tree.body, "", bases) for gap in _gaps(function, name, lines)]


def _functions(body: list[ast.stmt], prefix: str, bases: set[str]) -> Iterator[tuple[FunctionNode, str]]:
    """Each function with its full name; not those of a class that others of the file build on."""
    for node in body:
        if isinstance(node, FunctionNode):
            if not LEFT_OPEN_ON_PURPOSE & _names(node.decorator_list) and not re.fullmatch("__.*__", node.name):
                yield node, prefix + node.name
        elif isinstance(node, ast.ClassDef):
            if node.name not in bases and not {"ABC", "Protocol"} & _names(node.bases):
                inner = _functions(node.body, f"{prefix}{node.name}.", bases)
                yield from (row for row in inner if not (_goes_back(row[0]) and _hands_on(node)))
        elif isinstance(node, ast.If | ast.Try):
            yield from _functions(node.body, prefix, bases)


def _goes_back(function: FunctionNode) -> bool:
    return function.name.lower().startswith("back") and _empty(function.body) is not None


def _hands_on(made: ast.ClassDef) -> bool:
    """Whether what goes forward in a class hands on its inputs as they are: nothing needs to go back."""
    ahead = [f for f in made.body if isinstance(f, FunctionNode) and f.name.lower().startswith(("forward", "__call__"))]
    working = (ast.BinOp, ast.Call, ast.UnaryOp)
    return bool(ahead) and all(
        _empty(f.body) is None and not any(isinstance(node, working) for node in ast.walk(f)) for f in ahead
    )


def _names(nodes: list[ast.expr]) -> set[str]:
    return {getattr(node, "id", getattr(node, "attr", "")) for node in nodes}


def _gaps(function: FunctionNode, name: str, lines: list[str]) -> Iterator[Unfinished]:
    what = _empty(function.body)
    if what is not None:
        yield Unfinished(name, function.lineno, what)
        return
    yield from (Unfinished(name, line, f"{target} is {value}") for target, value, line in _left_none(function, lines))
    yield from (Unfinished(name, line, f"{blank} stands in it") for blank, line in _blanks(function))
    for statement in function.body:
        if _raises_not_implemented(statement):
            yield Unfinished(name, statement.lineno, "it ends in NotImplementedError")


def _empty(body: list[ast.stmt]) -> str | None:
    """What the whole body is, where it does nothing."""
    rest = [s for s in body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    if not rest:
        dots = any(isinstance(s, ast.Expr) and getattr(s.value, "value", None) is ... for s in body)
        return "its body is only ..." if dots else "its body is only a docstring"
    if _raises_not_implemented(rest[-1]) and len(rest) == 1:
        return "it only raises NotImplementedError"
    if all(isinstance(s, ast.Pass) for s in rest):
        return "its body is only pass"
    if all(isinstance(s, ast.Pass) or (isinstance(s, ast.Return) and _is_none(s.value)) for s in rest):
        return "it only returns None"
    return None


def _blanks(function: FunctionNode) -> Iterator[tuple[str, int]]:
    """(name, line) of names of underscores alone, from three on, which nothing in the function binds."""
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name) and re.fullmatch("_{3,}", node.id)]
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    yield from dict.fromkeys((node.id, node.lineno) for node in names if node.id not in bound)


def _raises_not_implemented(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Raise):
        return False
    raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def _is_none(node: ast.expr | None) -> bool:
    """None, `...`, or several of them."""
    if node is None or (isinstance(node, ast.Constant) and node.value in (None, ...)):
        return True
    if isinstance(node, ast.Tuple):
        return bool(node.elts) and all(map(_is_none, node.elts))
    return False


def _is_left_open(node: ast.expr, marked: bool) -> bool:
    """None; in a function with a comment that asks for code also a call given only None: np.dot(None, None)."""
    call = marked and isinstance(node, ast.Call) and bool(node.args) and all(map(_is_none, node.args))
    return call or _is_none(node)


def _left_none(function: FunctionNode, lines: list[str]) -> Iterator[tuple[str, str, int]]:
    """(target, value, line) of what is None, is nothing else anywhere in the function, and is used."""
    marked = bool(MARKER.search("\n".join(lines[function.lineno - 1 : function.end_lineno])))
    nodes = list(ast.walk(function))
    given, otherwise = _assignments(nodes, marked)
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for target, value in given:
        text = ast.unparse(target)
        used = text in read if isinstance(target, ast.Name) else marked
        if used and text not in otherwise:
            yield text, "None" if isinstance(value, ast.Tuple) else ast.unparse(value), target.lineno


def _assignments(nodes: list[ast.AST], marked: bool) -> tuple[list[tuple[ast.expr, ast.expr]], set[str]]:
    """The targets that are given None, and the names of those that are given something else."""
    given: list[tuple[ast.expr, ast.expr]] = []
    nothing: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Assign) and _is_left_open(node.value, marked):
            for target in node.targets:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                given += [(part, node.value) for part in parts]
                nothing |= {id(part) for part in parts}
    otherwise = {
        ast.unparse(node)
        for node in nodes
        if isinstance(node, ast.Name | ast.Subscript | ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and id(node) not in nothing
    }
    return given, otherwise
