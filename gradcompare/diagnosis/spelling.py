"""How the function around a line writes the tensors that a corrected line may name: x, self.W2, cache["A1"]."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from gradcompare.interfaces.words import role_of_argument

ROLES = {"X": "inputs", "Y": "targets"}
"""What samples and labels are called here, and the role of the argument that they are there."""


def spelled(text: str, line: int) -> dict[str, str] | None:
    """{"W2": "self.W2", "X": "x", ...}: each by the last part of how it is written, in the innermost function around a
    line of a file.

    What is bound more than once, or written in several ways, is left out. None where the text cannot be read.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    around = [node for node in ast.walk(tree) if _holds(node, line)]
    function: ast.AST = min(around, key=lambda node: node.end_lineno - node.lineno) if around else tree  # type: ignore[attr-defined]
    bound = Counter(_bound(function))
    ways: dict[str, set[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Load):
            ways.setdefault(last_part(node), set()).add(ast.unparse(node))
    ways = {name: {written} for name, written in _stored_by_its_class(tree, function).items()} | ways
    found = {last: written.pop() for last, written in ways.items() if len(written) == 1}
    found |= {name: name for name, times in bound.items() if times == 1}
    for name, role in ROLES.items():
        arguments = [a for a in bound if bound[a] == 1 and role_of_argument(a) == role]
        if name not in found and len(arguments) == 1:
            found[name] = arguments[0]
    return {name: written for name, written in found.items() if bound[name] < 2}


def _stored_by_its_class(tree: ast.AST, method: ast.AST) -> dict[str, str]:
    """{"A1": "self.A1"}: what the class of a method stores in its objects."""
    arguments = method.args.args if isinstance(method, ast.FunctionDef) else []
    owner = next((c for c in ast.walk(tree) if isinstance(c, ast.ClassDef) and method in c.body), None)
    if owner is None or not arguments:
        return {}
    stored = [n for n in ast.walk(owner) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
    own = {n.attr for n in stored if isinstance(n.value, ast.Name) and n.value.id == "self"}
    return {name: f"{arguments[0].arg}.{name}" for name in own}


def last_part(node: ast.AST) -> str:
    """The name at the end of an expression: W1 of W1, self.W1 and parameters["W1"]."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value
    return ""


def _holds(node: ast.AST, line: int) -> bool:
    return isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or node.lineno)


def _bound(function: ast.AST) -> Iterator[str]:
    """The names that are bound in a function, as often as they are."""
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
