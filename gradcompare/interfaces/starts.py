"""What a file starts its parameters as, read from its statements: w = np.zeros(n) is one unit's weights."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from gradcompare.interfaces import source

_OF_SHAPE = ("zeros", "ones", "empty", "random_sample", "random")
_OF_LENGTHS = ("rand", "randn")
_OF_SIZE = {"normal": 2, "uniform": 2, "standard_normal": 0}
"""Functions that take a size, and where it stands."""


def weights_of(statements: Iterable[ast.stmt], names: Collection[str]) -> tuple[str, ...]:
    """How weights may be shaped, keys of `layouts.WEIGHTS`: matrices, one vector, or one number, where that is what all
    of them start as; nothing where the statements do not say."""
    axes = {
        _axes(value)
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Assign)
        for target, value in one_by_one(node)
        if isinstance(target, ast.Name) and target.id in names
    }
    said = axes.pop() if len(axes) == 1 else None
    return {0: ("scalar",), 1: ("vector",), 2: ("out_in", "in_out")}.get(said, ())  # type: ignore[arg-type]


def widths_of(statements: Iterable[ast.stmt], names: Collection[str]) -> set[str]:
    """The names of numbers that say how long arrays of these names are: n of W = np.zeros((n, 3))."""
    return {
        length.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Assign)
        for target, value in one_by_one(node)
        if isinstance(target, ast.Name) and target.id in names
        for lengths in _sizes(value)
        for length in lengths
        if isinstance(length, ast.Name)
    }


@source.kept
def lengths_in(function: Callable[..., Any]) -> frozenset[str]:
    """The names of numbers that say how long an array is that a function makes: n and k of np.random.randn(n, k)."""
    lengths = (length for sizes in _sizes(source.tree(function)) for length in sizes)
    return frozenset(length.id for length in lengths if isinstance(length, ast.Name))


@source.kept
def own_lengths_in(method: Callable[..., Any]) -> frozenset[str]:
    """The attributes that say so in a method: n and k of np.random.randn(self.n, self.k)."""
    lengths = (length for sizes in _sizes(source.tree(method)) for length in sizes)
    return frozenset(length.attr for length in lengths if source.is_of_self(length))


def made_as_arrays(statements: Iterable[ast.stmt]) -> set[str]:
    """The names that start as random numbers, zeros or ones of some shape."""
    return {
        target.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Assign)
        for target, value in one_by_one(node)
        if isinstance(target, ast.Name) and _axes(value)
    }


def one_by_one(statement: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """W and b of `W, b = np.ones(n), np.zeros(n)`, each with its own value."""
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


def is_container(statements: Iterable[ast.stmt], name: str) -> bool:
    """Whether a name starts as a dict or a list, such as one of the weights of all layers."""
    made = (s for s in statements if isinstance(s, ast.Assign | ast.AnnAssign) and s.value is not None)
    of = (s.value for s in made for t in getattr(s, "targets", [getattr(s, "target", None)]) if _is_called(t, name))
    return any(isinstance(value, ast.Dict | ast.DictComp | ast.List | ast.ListComp) for value in of)


def _is_called(target: ast.AST, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


def is_one_unit(statements: Iterable[ast.stmt], name: str) -> bool:
    """Whether weights start as a matrix that is written down as having one row or one column: np.zeros((n, 1))."""
    shapes = [
        size
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name
        for size in _sizes(node.value)
    ]
    return bool(shapes) and all(
        len(s) == 2 and any(isinstance(n, ast.Constant) and n.value == 1 for n in s) for s in shapes
    )


def is_number(statements: Iterable[ast.stmt], name: str) -> bool:
    """Whether what begins as a number is called so, as the bias of one unit: `w, b = np.zeros((n, 1)), 0.0`."""
    values = [
        value
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Assign)
        for target, value in one_by_one(node)
        if isinstance(target, ast.Name) and target.id == name
    ]
    return any(isinstance(value, ast.Constant) and type(value.value) in (int, float) for value in values)


def _sizes(value: ast.AST) -> Iterator[list[ast.expr]]:
    """The lengths in each call that makes an array."""
    for node in ast.walk(value):
        name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
        if not isinstance(node, ast.Call) or name not in (*_OF_SHAPE, *_OF_LENGTHS, *_OF_SIZE):
            continue
        given = [*node.args, *(k.value for k in node.keywords if k.arg in ("size", "shape"))]
        tuples = [arg for arg in given if isinstance(arg, ast.Tuple | ast.List)]
        yield tuples[0].elts if tuples else list(node.args) if name in _OF_LENGTHS else []


def _axes(value: ast.expr) -> int | None:
    """How many axes an array has that is made so; None where that is not plain to see."""
    if isinstance(value, ast.Constant) and isinstance(value.value, int | float):
        return 0
    if isinstance(value, ast.UnaryOp):
        return _axes(value.operand)
    if isinstance(value, ast.BinOp):  # 0.01 * np.random.randn(n)
        sides = [_axes(value.left), _axes(value.right)]
        return None if None in sides else max(side for side in sides if side is not None)
    if not isinstance(value, ast.Call):
        return None
    name = getattr(value.func, "attr", getattr(value.func, "id", ""))
    if name in _OF_LENGTHS:
        return len(value.args) if not any(isinstance(a, ast.Starred) for a in value.args) else None
    size = [k.value for k in value.keywords if k.arg in ("size", "shape")]
    at = 0 if name in _OF_SHAPE else _OF_SIZE.get(name)
    if at is None:
        return None
    size = size or value.args[at : at + 1]
    return _length(size[0]) if size else 0


def _length(size: ast.expr) -> int | None:
    """The number of axes that an argument asks for: one for n and X.shape[1]."""
    if isinstance(size, ast.Tuple | ast.List):
        return len(size.elts)
    one = isinstance(size, ast.Constant | ast.Subscript | ast.BinOp)
    one = one or (isinstance(size, ast.Call) and getattr(size.func, "id", "") == "len")
    return 1 if one or (isinstance(size, ast.Name) and not size.id.endswith("shape")) else None
