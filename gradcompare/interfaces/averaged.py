"""By what a file divides and multiplies its cost: where it calls its cost function, which returns a sum of squares, and
what is minimised is half their mean; and by the number of its own samples, written down."""

from __future__ import annotations

import ast
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from gradcompare.interfaces import dataflow, source, words


class Share(NamedTuple):
    """What is minimised, as a part of what a cost function returns."""

    factor: float
    mean: bool
    """Whether it is divided by the number of samples."""


FEWEST_COUNTED = 3
"""A division by 2 is one of a square's derivative."""


def counted_by_hand(functions: Iterable[Callable[..., Any]], axis: int) -> int | None:
    """How many samples a file has, where its functions divide by just that number, written down: 4 for the four cases
    of an exclusive or; None where they do not. `axis`: which of the samples' axes counts them."""
    functions = list(functions)
    nodes = [node for f in functions for node in ast.walk(source.tree(f)) if isinstance(node, ast.BinOp)]
    written = (n.right.value for n in nodes if isinstance(n.op, ast.Div) and isinstance(n.right, ast.Constant))
    divided = {number for number in written if type(number) is int}
    names = {name: thing for f in functions for name, thing in getattr(f, "__globals__", {}).items()}
    arrays = [a for n, a in names.items() if words.role_of_argument(n) == "inputs" and isinstance(a, np.ndarray)]
    counts = {array.shape[axis] for array in arrays if array.ndim == 2}
    found = {n for n in divided & counts if n >= FEWEST_COUNTED}
    return found.pop() if len(found) == len(counts) == 1 else None


def shares(function: Callable[..., Any], slope: Callable[..., Any] | None) -> list[Share]:
    """What the file makes of it, or of a sum of it over the batches: total += cost(A, Y), and total / (2 * m); by what
    it multiplies the derivative of it, where it calls that, is in the gradients already."""
    of_slope = (_scales(slope) if slope is not None else []) or [(1.0, 0)]
    ratios = [_combined(one, other, ast.Div()) for one, other in itertools.product(_scales(function), of_slope)]
    found = [Share(number, power == -1) for number, power in filter(None, ratios) if number > 0 and power in (0, -1)]
    return list(dict.fromkeys(share for share in found if share != Share(1.0, False)))


def _scales(function: Callable[..., Any]) -> list[tuple[float, int]]:
    """By what the file multiplies what a function returns."""
    code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)
    if code is None:
        return []
    tree = source.parsed(code.co_filename)
    made = {name for node in ast.walk(tree) if _is_assigned(node) for name in _named(node, code.co_name)}
    products = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp)]
    scaled = {node: times for node in products if (times := _times(node, made, code.co_name)) is not None}
    inner = {side for node in scaled for side in (node.left, node.right)}
    return [times for node, times in scaled.items() if node not in inner]


def _is_assigned(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign | ast.AugAssign)


def _named(node: Any, cost: str) -> list[str]:
    """The names that a statement gives to what the cost function returns."""
    return dataflow.names_written(node) if _is_of(node.value, set(), cost) else []


def _is_of(node: ast.expr, names: set[str], cost: str) -> bool:
    """Whether an expression is the cost, or one of the names that it has."""
    call = isinstance(node, ast.Call) and source.called(node) == cost
    return call or (isinstance(node, ast.Name) and node.id in names)


def _times(node: ast.expr, names: set[str], cost: str) -> tuple[float, int] | None:
    """(number, power of the number of samples) by which an expression multiplies the cost; None where it does more."""
    if _is_of(node, names, cost):
        return 1.0, 0
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div)):
        return None
    sides = [(node.left, node.right)] + ([(node.right, node.left)] if isinstance(node.op, ast.Mult) else [])
    for inner, factor in sides:
        one, other = _times(inner, names, cost), _number(factor)
        if one is not None and other is not None:
            return _combined(one, other, node.op)
    return None


def _number(node: ast.expr) -> tuple[float, int] | None:
    """(number, power of the number of samples) that an expression is: (0.5, -1) of 1 / (2 * m)."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value), 0
    if _counts(node):
        return 1.0, 1
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        one, other = _number(node.left), _number(node.right)
        return _combined(one, other, node.op) if one is not None and other is not None else None
    return None


def _combined(one: tuple[float, int], other: tuple[float, int], op: ast.operator) -> tuple[float, int] | None:
    if isinstance(op, ast.Mult):
        return one[0] * other[0], one[1] + other[1]
    return (one[0] / other[0], one[1] - other[1]) if other[0] else None


def _counts(node: ast.expr) -> bool:
    """Whether an expression is a number of samples: m, len(X), X.shape[1], config["batch_size"]."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len":
        return any(words.role_of_argument(name) in ("inputs", "targets") for name in dataflow.names_read(node))
    shape = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
    return shape or any(words.role_of_argument(word) in ("samples", "batch_size") for word in _called(node))


def _called(node: ast.expr) -> Iterator[str]:
    """What an expression is called that is a name, an attribute, or stands under a key."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        yield str(node.slice.value)
