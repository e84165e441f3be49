"""Whether a file divides what its cost function returns by the number of samples where it calls it: the cost is a sum,
and what is minimised is the mean."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

from gradcompare.interfaces import dataflow, source, words


def is_averaged(function: Callable[..., Any]) -> bool:
    """Whether that, or a sum of it over the batches, is divided so: total += cost(A, Y), and total / m."""
    code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)
    if code is None:
        return False
    tree = source.parsed(code.co_filename)
    made = {name for node in ast.walk(tree) if _is_assigned(node) for name in _named(node, code.co_name)}
    divisions = (node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
    return any(_is_of(node.left, made, code.co_name) and _counts(node.right) for node in divisions)


def _is_assigned(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign | ast.AugAssign)


def _named(node: Any, cost: str) -> list[str]:
    """The names that a statement gives to what the cost function returns."""
    return dataflow.names_written(node) if _is_of(node.value, set(), cost) else []


def _is_of(node: ast.expr, names: set[str], cost: str) -> bool:
    """Whether an expression is the cost, or one of the names that it has."""
    call = isinstance(node, ast.Call) and source.called(node) == cost
    return call or (isinstance(node, ast.Name) and node.id in names)


def _counts(node: ast.expr) -> bool:
    """Whether an expression is a number of samples: m, len(X), X.shape[1]."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len":
        return any(words.role_of_argument(name) in ("inputs", "targets") for name in dataflow.names_read(node))
    shape = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
    return shape or (isinstance(node, ast.Name) and words.role_of_argument(node.id) == "samples")
