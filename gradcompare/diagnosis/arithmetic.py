"""Formulas as text, worked out on arrays together with how far rounding can have moved the result.

Only what a line of a backward pass is made of is understood: arithmetic, products, sums, a few functions, slices.
Nothing is executed: the text is parsed, and every operation has a row below.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np


class CannotEvaluateError(ValueError):
    """The formula has something in it that is not understood, or shapes that do not fit."""


@dataclass(frozen=True)
class Rounded:
    """An array, and elementwise how many units of roundoff another evaluation may be away from it."""

    value: np.ndarray
    error: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.value.shape


def rounded(x: Any) -> Rounded:
    """A plain number or array as one that is exact."""
    if isinstance(x, Rounded):
        return x
    value = np.asarray(x, dtype=np.float64)
    return Rounded(value, np.zeros_like(value))


def leaf(x: Any) -> Rounded:
    """An array that the code under test may hold slightly rounded."""
    value = np.asarray(x, dtype=np.float64)
    return Rounded(value, np.zeros_like(value) if np.asarray(x).dtype.kind in "iub" else 2 * np.abs(value))


# ---- a rule for each operation: how it moves the value, and how the error --------------------------------------------


def _add(a: Rounded, b: Rounded) -> Rounded:
    value = a.value + b.value
    return Rounded(value, a.error + b.error + np.abs(value))


def _subtract(a: Rounded, b: Rounded) -> Rounded:
    return _add(a, Rounded(-b.value, b.error))


def _multiply(a: Rounded, b: Rounded) -> Rounded:
    value = a.value * b.value
    return Rounded(value, np.abs(a.value) * b.error + a.error * np.abs(b.value) + np.abs(value))


def _divide(a: Rounded, b: Rounded) -> Rounded:
    value = a.value / b.value
    return Rounded(value, (a.error + np.abs(value) * b.error) / np.abs(b.value) + np.abs(value))


def _matmul(a: Rounded, b: Rounded) -> Rounded:
    size = np.abs(a.value) @ np.abs(b.value)
    error = np.abs(a.value) @ b.error + a.error @ np.abs(b.value)
    return Rounded(a.value @ b.value, error + (a.shape[-1] + 1) * size)


def _dot(a: Rounded, b: Rounded) -> Rounded:
    return _multiply(a, b) if not a.shape or not b.shape else _matmul(a, b)


def _power(a: Rounded, b: Rounded) -> Rounded:
    value = a.value**b.value
    slope = np.abs(b.value) * np.abs(a.value) ** (b.value - 1)
    return Rounded(value, slope * a.error + 4 * np.abs(value))


def _compare(compare: Callable[[Any, Any], Any]) -> Callable[[Rounded, Rounded], Rounded]:
    return lambda a, b: rounded(compare(a.value, b.value))


def _sum(x: Rounded, axis: Any = None, keepdims: bool = False) -> Rounded:
    total = np.sum(x.value, axis=axis, keepdims=keepdims)
    size = np.sum(np.abs(x.value), axis=axis, keepdims=keepdims)
    return Rounded(total, np.sum(x.error, axis=axis, keepdims=keepdims) + x.value.size * size)


def _mean(x: Rounded, axis: Any = None, keepdims: bool = False) -> Rounded:
    total = _sum(x, axis, keepdims)
    return _divide(total, rounded(x.value.size / max(total.value.size, 1)))


def _where(condition: Rounded, a: Rounded, b: Rounded) -> Rounded:
    chosen = condition.value != 0
    return Rounded(np.where(chosen, a.value, b.value), np.where(chosen, a.error, b.error))


def _function(f: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Callable[[Any], Rounded]:
    def rule(x: Any) -> Rounded:
        x = rounded(x)
        value = f(x.value)
        return Rounded(value, np.abs(slope(x.value)) * x.error + 4 * np.abs(value))

    return rule


def _moved(f: Callable[..., Any]) -> Callable[..., Rounded]:
    """An operation that only moves entries: the errors move alike."""
    return lambda x, *args, **kwargs: Rounded(f(x.value, *args, **kwargs), f(x.error, *args, **kwargs))


def _of(rule: Callable[..., Rounded]) -> Callable[..., Rounded]:
    return lambda *arguments: rule(*map(rounded, arguments))


def _float32(x: Rounded) -> Rounded:
    value = x.value.astype(np.float32).astype(np.float64)
    return Rounded(value, 0 * x.error)


OPERATORS: dict[type, Callable[[Rounded, Rounded], Rounded]] = {
    ast.Add: _add,
    ast.Sub: _subtract,
    ast.Mult: _multiply,
    ast.Div: _divide,
    ast.MatMult: _matmul,
    ast.Pow: _power,
    ast.Gt: _compare(operator.gt),
    ast.GtE: _compare(operator.ge),
    ast.Lt: _compare(operator.lt),
    ast.LtE: _compare(operator.le),
}

FUNCTIONS: dict[str, Callable[..., Rounded]] = {
    "add": _of(_add),
    "subtract": _of(_subtract),
    "multiply": _of(_multiply),
    "divide": _of(_divide),
    "power": _of(_power),
    "dot": _of(_dot),
    "matmul": _of(_matmul),
    "outer": lambda a, b: _multiply(FUNCTIONS["reshape"](a, (-1, 1)), FUNCTIONS["reshape"](b, (1, -1))),
    "sum": _sum,
    "mean": _mean,
    "where": _of(_where),
    "maximum": _of(lambda a, b: _where(rounded(a.value >= b.value), a, b)),
    "minimum": _of(lambda a, b: _where(rounded(a.value <= b.value), a, b)),
    "clip": lambda x, low, high: FUNCTIONS["minimum"](FUNCTIONS["maximum"](x, low), high),
    "exp": _function(np.exp, np.exp),
    "log": _function(np.log, lambda x: 1 / x),
    "tanh": _function(np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "sin": _function(np.sin, np.cos),
    "cos": _function(np.cos, np.sin),
    "sqrt": _function(np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "square": _function(np.square, lambda x: 2 * x),
    "abs": _function(np.abs, np.ones_like),
    "sign": _function(np.sign, np.zeros_like),
    "trunc": _function(np.trunc, np.zeros_like),
    "ones_like": lambda x: rounded(np.ones_like(x.value)),
    "float32": _float32,
    "float64": rounded,
    "int64": rounded,
    "array": rounded,
    "asarray": rounded,
    "copy": rounded,
    "transpose": _moved(np.transpose),
    "ravel": _moved(np.ravel),
    "flatten": _moved(np.ravel),
    "squeeze": _moved(np.squeeze),
    "reshape": lambda x, *shape: _moved(np.reshape)(x, shape[0] if len(shape) == 1 else shape),
    "expand_dims": _moved(np.expand_dims),
    "broadcast_to": _moved(np.broadcast_to),
}
METHODS = {"sum", "mean", "dot", "copy", "transpose", "ravel", "flatten", "squeeze", "reshape"}


# ---- working a formula out -------------------------------------------------------------------------------------------

Resolve = Callable[[ast.expr], Any]
"""The array that a name, attribute or subscript stands for; None where it is not known."""


@lru_cache(maxsize=50_000)
def parse(formula: str) -> ast.expr:
    """The formula's syntax tree."""
    return ast.parse(formula.strip(), mode="eval").body


def evaluate(formula: str | ast.expr, resolve: Resolve | Mapping[str, Any]) -> Rounded:
    """The formula's value, its error in units of roundoff.

    Raises:
        CannotEvaluateError: for anything that is not understood, and for shapes that do not fit.
    """
    find = resolve if callable(resolve) else _by_name(resolve)
    try:
        tree = parse(formula) if isinstance(formula, str) else formula
        with np.errstate(all="ignore"):
            return rounded(_value(tree, find))
    except CannotEvaluateError:
        raise
    except (ValueError, TypeError, IndexError, ArithmeticError, SyntaxError, AttributeError, RecursionError) as error:
        raise CannotEvaluateError(str(error)) from error


def _by_name(names: Mapping[str, Any]) -> Resolve:
    return lambda node: names.get(node.id) if isinstance(node, ast.Name) else None


def _value(node: ast.expr, find: Resolve) -> Any:
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        known = find(node)
        if known is not None:
            return known
    rule = _NODES.get(type(node))
    if rule is None:
        raise CannotEvaluateError(ast.unparse(node))
    return rule(node, find)


def _constant(node: ast.Constant, find: Resolve) -> Any:
    if node.value is None or isinstance(node.value, bool | int | float):
        return node.value
    raise CannotEvaluateError(repr(node.value))


def _tuple(node: ast.Tuple, find: Resolve) -> Any:
    return tuple(_value(element, find) for element in node.elts)


def _unary(node: ast.UnaryOp, find: Resolve) -> Any:
    x = _value(node.operand, find)
    if isinstance(node.op, ast.USub):
        return Rounded(-x.value, x.error) if isinstance(x, Rounded) else -x
    if isinstance(node.op, ast.UAdd):
        return x
    raise CannotEvaluateError(ast.unparse(node))


def _binary(node: ast.BinOp, find: Resolve) -> Any:
    return _operate(type(node.op), _value(node.left, find), _value(node.right, find))


def _comparison(node: ast.Compare, find: Resolve) -> Any:
    return _operate(type(node.ops[0]), _value(node.left, find), _value(node.comparators[0], find))


def _operate(kind: type, a: Any, b: Any) -> Rounded:
    if kind not in OPERATORS:
        raise CannotEvaluateError(kind.__name__)
    return OPERATORS[kind](rounded(a), rounded(b))


def _attribute(node: ast.Attribute, find: Resolve) -> Any:
    x = _value(node.value, find)
    if isinstance(x, Rounded) and node.attr in ("T", "shape", "size"):
        return _moved(np.transpose)(x) if node.attr == "T" else getattr(x.value, node.attr)
    raise CannotEvaluateError(ast.unparse(node))


def _subscript(node: ast.Subscript, find: Resolve) -> Any:
    x, index = _value(node.value, find), _index(node.slice, find)
    return x[index] if isinstance(x, tuple) else Rounded(x.value[index], x.error[index])


def _index(node: ast.expr, find: Resolve) -> Any:
    if isinstance(node, ast.Tuple):
        return tuple(_index(element, find) for element in node.elts)
    if isinstance(node, ast.Slice):
        return slice(*(None if part is None else _value(part, find) for part in (node.lower, node.upper, node.step)))
    if ast.unparse(node) in ("np.newaxis", "numpy.newaxis"):
        return None
    return _value(node, find)


def _call(node: ast.Call, find: Resolve) -> Any:
    keywords = {keyword.arg: _value(keyword.value, find) for keyword in node.keywords if keyword.arg}
    arguments = [_value(argument, find) for argument in node.args]
    f = node.func
    if isinstance(f, ast.Attribute) and ast.unparse(f.value) in ("np", "numpy") and f.attr in FUNCTIONS:
        return FUNCTIONS[f.attr](*arguments, **keywords)
    if isinstance(f, ast.Attribute) and f.attr in METHODS:
        return FUNCTIONS[f.attr](rounded(_value(f.value, find)), *arguments, **keywords)
    if isinstance(f, ast.Attribute) and f.attr == "astype":
        return _value(f.value, find)
    if isinstance(f, ast.Name) and f.id == "len":
        return len(arguments[0].value)
    if isinstance(f, ast.Name) and f.id == "float":
        return arguments[0]
    raise CannotEvaluateError(ast.unparse(f))


_NODES: dict[type, Callable[..., Any]] = {
    ast.Constant: _constant,
    ast.Tuple: _tuple,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _comparison,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
}
