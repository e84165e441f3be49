"""A loop over things that are written down, `for p, d in ((W, dW), (b, db)): p -= rate * d`, as the statements that it
stands for: so it says which names it updates."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Mapping, Sequence

from gradcompare.interfaces import dataflow


def unrolled(body: Iterable[ast.stmt]) -> list[ast.stmt]:
    """The statements, such loops taken apart; what binds its names anew is left as it is."""
    return [part for statement in body for part in _turns_of(statement)]


def _turns_of(statement: ast.stmt) -> list[ast.stmt]:
    if not isinstance(statement, ast.For) or statement.orelse:
        return [statement]
    names = [part.id for part in _parts(statement.target) if isinstance(part, ast.Name)]
    rows = _rows(statement.iter)
    rebound = {name for inner in statement.body for name in _rebound(inner)}
    leaves = any(isinstance(node, ast.Break | ast.Continue) for node in ast.walk(statement))
    if leaves or not rows or rebound & set(names) or any(len(row) != len(names) for row in rows):
        return [statement]
    turns = (_Put(dict(zip(names, row, strict=True))) for row in rows)
    return [turn.visit(copy.deepcopy(inner)) for turn in turns for inner in statement.body]


def _rows(iterated: ast.expr) -> list[Sequence[ast.expr]]:
    """What each turn takes; nothing where that is not written down, or is more than names."""
    if isinstance(iterated, ast.Call) and getattr(iterated.func, "id", "") == "zip":
        columns = [_parts(argument) for argument in iterated.args if isinstance(argument, ast.Tuple | ast.List)]
        written = len(columns) == len(iterated.args)
        rows: list[Sequence[ast.expr]] = list(zip(*columns, strict=False)) if written else []
    else:
        rows = [_parts(row) for row in _parts(iterated)] if isinstance(iterated, ast.Tuple | ast.List) else []
    plain = all(isinstance(part, ast.Name | ast.Attribute | ast.Subscript) for row in rows for part in row)
    return rows if plain else []


def _parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple | ast.List) else [node]


def _rebound(statement: ast.stmt) -> set[str]:
    """The names that stand for something else afterwards: not those whose array is changed in place."""
    binding = ast.Assign | ast.AnnAssign | ast.For | ast.NamedExpr
    found = (node for node in ast.walk(statement) if isinstance(node, binding))
    targets = (t for node in found for t in getattr(node, "targets", None) or [node.target])  # type: ignore[union-attr]
    return {name for target in targets for name in dataflow.names_bound(target)}


class _Put(ast.NodeTransformer):
    """What names stand for, in their places."""

    def __init__(self, things: Mapping[str, ast.expr]) -> None:
        self.things = things

    def visit_Name(self, node: ast.Name) -> ast.AST:
        thing = self.things.get(node.id)
        if thing is None:
            return node
        put = copy.deepcopy(thing)
        put.ctx = node.ctx  # type: ignore[attr-defined]
        return ast.copy_location(put, node)
