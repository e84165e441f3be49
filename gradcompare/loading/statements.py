"""What the statements of a module are, and which names they bind."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

COMPOUND = ast.If | ast.Try
FILLING = {"append", "extend", "update", "insert", "setdefault", "add"}
"""Methods that fill a list, a dict or a set."""


def flat(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that may be run, those in `if` and `try` one by one."""
    for statement in statements:
        if isinstance(statement, COMPOUND):
            handlers = [s for handler in getattr(statement, "handlers", []) for s in handler.body]
            yield from flat([*statement.body, *handlers, *statement.orelse, *getattr(statement, "finalbody", [])])
        elif isinstance(statement, Definition):
            yield statement


Definition = (
    ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
    | ast.AugAssign
)  # fmt: skip


class Update(NamedTuple):
    """`target += added`, or `target = target + added`; or with a minus."""

    node: ast.Assign | ast.AugAssign
    target: ast.expr
    added: ast.expr
    plus: bool
    """Whether it is added, and not subtracted."""


def updates(nodes: Iterable[ast.AST]) -> Iterator[Update]:
    """Those among the nodes of a tree that add to something or subtract from it."""
    for node in nodes:
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            yield Update(node, node.target, node.value, isinstance(node.op, ast.Add))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            if isinstance(value.op, ast.Add | ast.Sub) and ast.unparse(value.left) == ast.unparse(target):
                yield Update(node, target, value.right, isinstance(value.op, ast.Add))


def bound_by(statement: ast.stmt) -> set[str]:
    """The names of the module that a statement binds, or into which it stores."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.Assign):
        return roots(statement.targets)
    if isinstance(statement, ast.AnnAssign | ast.AugAssign | ast.For):
        return roots([statement.target])
    return set()


def roots(targets: list[ast.expr]) -> set[str]:
    found: set[str] = set()
    for target in targets:
        if isinstance(target, ast.Tuple | ast.List):
            found |= roots(target.elts)
        elif (name := root_of(target)) is not None:
            found.add(name)
    return found


def root_of(expression: ast.expr) -> str | None:
    """`params` of params["W1"], `net` of net.layers[0].W."""
    while isinstance(expression, ast.Subscript | ast.Attribute | ast.Starred):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else None


def bound_in_class(node: ast.ClassDef) -> set[str]:
    return {name for statement in node.body for name in bound_by(statement)}


def bound_anywhere(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    """(name, line) of what a statement and those in it would bind, without the inside of functions."""
    for name in bound_by(statement):
        yield name, statement.lineno
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    if isinstance(statement, ast.With | ast.AsyncWith):
        for item in statement.items:
            for name in roots([item.optional_vars] if item.optional_vars else []):
                yield name, statement.lineno
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        root = root_of(statement.value.func)
        if (
            root is not None
            and isinstance(statement.value.func, ast.Attribute)
            and statement.value.func.attr in FILLING
        ):
            yield root, statement.lineno
    for child in ast.walk(statement):
        if child is not statement and isinstance(child, ast.stmt):
            yield from ((name, child.lineno) for name in bound_by(child))


def what_it_is(statement: ast.stmt) -> str:
    kinds = {ast.For: "a loop", ast.While: "a loop", ast.With: "a `with` block", ast.AsyncFor: "a loop"}
    return f"it stands in {kinds.get(type(statement), 'code that is no definition')}"


def caught(handler: ast.ExceptHandler) -> list[str | None]:
    if handler.type is None:
        return [None]
    types_ = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [getattr(t, "id", getattr(t, "attr", None)) for t in types_]


def catches(handler: ast.ExceptHandler, error: Exception) -> bool:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return any(name is None or name in kinds for name in caught(handler))
