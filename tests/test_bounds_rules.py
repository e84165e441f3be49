"""Every row of the table of rules: random operands, wrong by up to their own bounds, land inside the result's bound.

The exact results come from mpmath (60 digits, any exponent), on object arrays. One row below for every row of the
table; a rule without one fails `test_every_rule_has_a_test`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcompare.bounds import FLOAT32, FLOAT64, Precision, Run
from gradcompare.bounds.rules import COMPOSITES, RULES

aten, prims = torch.ops.aten, torch.ops.prims
EXAMPLES = settings(max_examples=max(settings().max_examples // 8, 1))
SHAPE = (3, 4)


# ---- exact arithmetic ------------------------------------------------------------------------------------------------


def real(f: Callable[..., Any], arguments: int = 1) -> Callable[..., Any]:
    """The function on arrays of mpmath numbers; not a number where it is not real."""

    def entry(*x: Any) -> Any:
        try:
            result = mpmath.mpf(f(*x))
        except (TypeError, ValueError, ZeroDivisionError):
            return mpmath.nan
        return result

    return np.frompyfunc(entry, arguments, 1)


def exact(x: Any) -> Any:
    return real(lambda entry: mpmath.mpf(float(entry)))(x)


divide, power = real(lambda a, b: a / b, 2), real(lambda a, b: a**b, 2)
exp, log, tanh = real(mpmath.exp), real(mpmath.log), real(mpmath.tanh)
sigmoid = real(lambda x: 1 / (1 + mpmath.exp(-x)))
root = real(mpmath.sqrt)
sign = real(mpmath.sign)


def choose(condition: Any, a: Any, b: Any) -> Any:
    return np.where(np.asarray(condition, dtype=bool), a, b)


def softmax(x: Any) -> Any:
    terms = exp(x - x.max(0))
    return terms / terms.sum(0)


def variance(x: Any) -> Any:
    return ((x - x.mean(0)) ** 2).sum(0) / (len(x) - 1)


def put(x: Any, where: Any, what: Any) -> Any:
    x = x.copy()
    x[where] = what
    return x


def add_at(x: Any, where: Any, what: Any) -> Any:
    x = x.copy()
    np.add.at(x, where, what)
    return x


# ---- the rows --------------------------------------------------------------------------------------------------------


@dataclass
class Row:
    """`covers`: keys of the table; `torch` and `numpy`: how the operation is called; `shapes`: of its operands."""

    covers: list[Any]
    torch: Callable[..., Any]
    exact: Callable[..., Any]
    numpy: Callable[..., Any] | None = None
    shapes: list[tuple[int, ...]] = field(default_factory=lambda: [SHAPE])
    positive: bool = False
    largest: float = math.inf


TWO = [SHAPE, SHAPE]
INDEX = torch.tensor([0, 2, 2])
PLACES = torch.tensor([[0, 2, 1, 1], [2, 2, 0, 1]])
COLUMNS = np.broadcast_to(np.arange(4), (2, 4))


ROWS: dict[str, Row] = {
    "add": Row([aten.add], lambda a, b: a + b, lambda a, b: a + b, np.add, TWO),
    "add, alpha": Row([aten.add], lambda a, b: torch.add(a, b, alpha=0.3), lambda a, b: a + exact(0.3) * b, None, TWO),
    "add, broadcast": Row([aten.add], lambda a, b: a + b, lambda a, b: a + b, np.add, [SHAPE, (3, 1)]),
    "add, constant": Row([aten.add], lambda a: a + 0.1, lambda a: a + exact(0.1), lambda a: a + 0.1),
    "sub": Row([aten.sub], lambda a, b: a - b, lambda a, b: a - b, np.subtract, TWO),
    "sub, alpha": Row([aten.sub], lambda a, b: torch.sub(a, b, alpha=-3), lambda a, b: a + 3 * b, None, TWO),
    "rsub": Row([aten.rsub], lambda a: 0.7 - a, lambda a: exact(0.7) - a, lambda a: 0.7 - a),
    "mul": Row([aten.mul], lambda a, b: a * b, lambda a, b: a * b, np.multiply, TWO),
    "mul, broadcast": Row([aten.mul], lambda a, b: a * b, lambda a, b: a * b, np.multiply, [(3, 1), (4,)]),
    "mul, mask": Row([aten.mul], lambda a, b: a * (b > 0), lambda a, b: choose(b > 0, a, 0 * a), None, TWO),
    "mul, constant": Row([aten.mul], lambda a: a * 0.01, lambda a: a * exact(0.01), lambda a: a * 0.01),
    "div": Row([aten.div], lambda a, b: a / b, divide, None, TWO),
    "div, constant": Row([aten.div], lambda a: a / 3, lambda a: a / 3, lambda a: a / 3),
    "div, of constant": Row([aten.div], lambda a: torch.tensor(0.3) / a, lambda a: divide(exact(np.float32(0.3)), a)),
    "floor_divide": Row(
        [aten.div.Tensor_mode, aten.div.Scalar_mode],
        lambda a: torch.div(a, 3.0, rounding_mode="floor"),
        lambda a: real(mpmath.floor)(a / 3),
        largest=1e6,
    ),
    "reciprocal": Row([aten.reciprocal], lambda a: 1 / a, lambda a: divide(exact(1), a)),
    "pow 2": Row([aten.pow], lambda a: a**2, lambda a: a**2, lambda a: a**2),
    "pow 3": Row([aten.pow], lambda a: a**3, lambda a: a**3, lambda a: np.power(a, 3)),
    "pow -2": Row([aten.pow], lambda a: a**-2, lambda a: power(a, -2)),
    "pow 0.3": Row([aten.pow], lambda a: a**0.3, lambda a: power(a, exact(0.3)), None, positive=True),
    "2 to the power": Row([aten.pow], lambda a: 2**a, lambda a: power(exact(2), a), largest=1e3),
    "pow": Row([aten.pow], lambda a, b: a**b, power, None, TWO, positive=True),
    "sqrt": Row([aten.sqrt], torch.sqrt, root, np.sqrt, positive=True),
    "rsqrt": Row([aten.rsqrt], torch.rsqrt, lambda a: divide(1, root(a)), None, positive=True),
    "square": Row([aten.square], torch.square, lambda a: a * a, np.square),
    "neg": Row([aten.neg], lambda a: -a, lambda a: -a, np.negative),
    "abs": Row([aten.abs], torch.abs, abs, np.abs),
    "sign": Row([aten.sign], torch.sign, sign, np.sign),
    "sgn": Row([aten.sgn], torch.sgn, sign),
    "mm": Row([aten.mm], lambda a, b: a @ b, lambda a, b: a @ b, np.matmul, [(3, 5), (5, 2)]),
    "mm, transposed": Row([aten.mm], lambda a, b: a.t() @ b.t(), lambda a, b: a.T @ b.T, None, [(5, 3), (2, 5)]),
    "mm, long": Row([aten.mm], lambda a, b: a @ b, lambda a, b: a @ b, np.matmul, [(1, 40), (40, 2)]),
    "bmm": Row([aten.bmm], torch.bmm, lambda a, b: a @ b, np.matmul, [(2, 3, 4), (2, 4, 2)]),
    "mv": Row([aten.mv], torch.mv, lambda a, b: a @ b, np.matmul, [(3, 4), (4,)]),
    "dot": Row([aten.dot], torch.dot, lambda a, b: np.asarray(a @ b), np.dot, [(6,), (6,)]),
    "addmm": Row([aten.addmm], torch.addmm, lambda c, a, b: c + a @ b, None, [(3, 2), (3, 5), (5, 2)]),
    "addmm, scaled": Row(
        [aten.addmm],
        lambda c, a, b: torch.addmm(c, a, b, beta=0.3, alpha=0.7),
        lambda c, a, b: exact(0.3) * c + exact(0.7) * (a @ b),
        None,
        [(2,), (3, 5), (5, 2)],
    ),
    "baddbmm": Row([aten.baddbmm], torch.baddbmm, lambda c, a, b: c + a @ b, None, [(2, 3, 2), (2, 3, 4), (2, 4, 2)]),
    "addmv": Row([aten.addmv], torch.addmv, lambda c, a, b: c + a @ b, None, [(3,), (3, 4), (4,)]),
    "sum": Row([aten.sum], torch.sum, lambda a: np.asarray(a.sum()), np.sum),
    "sum, dim": Row([aten.sum], lambda a: a.sum(1, keepdim=True), lambda a: a.sum(1, keepdims=True)),
    "sum of answers": Row([aten.sum], lambda a: (a > 0).sum(0), lambda a: (a > 0).sum(0)),
    "mean": Row([aten.mean], torch.mean, lambda a: np.asarray(a.sum() / a.size), np.mean),
    "mean, dim": Row([aten.mean], lambda a: a.mean(0), lambda a: a.sum(0) / 3, lambda a: a.mean(0)),
    "var": Row([aten.var, prims.var], lambda a: a.var(0), variance, lambda a: a.var(0, ddof=1), largest=1e15),
    "std": Row([aten.std], lambda a: a.std(0), lambda a: root(variance(a)), None, largest=1e15),
    "cumsum": Row([aten.cumsum], lambda a: a.cumsum(1), lambda a: a.cumsum(1), lambda a: a.cumsum(1)),
    "prod": Row([aten.prod], torch.prod, lambda a: np.asarray(a.prod()), np.prod),
    "prod, dim": Row([aten.prod], lambda a: a.prod(0), lambda a: a.prod(0)),
    "index_add": Row(
        [aten.index_add],
        lambda a, b: a.index_add(0, INDEX, b),
        lambda a, b: add_at(a, INDEX.numpy(), b),
        None,
        [SHAPE, SHAPE],
    ),
    "index_add, alpha": Row(
        [aten.index_add],
        lambda a, b: a.index_add(0, INDEX, b, alpha=-0.3),
        lambda a, b: add_at(a, INDEX.numpy(), exact(-0.3) * b),
        None,
        [SHAPE, SHAPE],
    ),
    "scatter_add": Row(
        [aten.scatter_add],
        lambda a, b: a.scatter_add(0, PLACES, b),
        lambda a, b: add_at(a, (PLACES.numpy(), COLUMNS), b),
        None,
        [SHAPE, (2, 4)],
    ),
    "index_put, accumulate": Row(
        [aten.index_put],
        lambda a, b: a.index_put((INDEX,), b, accumulate=True),
        lambda a, b: add_at(a, INDEX.numpy(), b),
        None,
        [SHAPE, SHAPE],
    ),
    "exp": Row([aten.exp], torch.exp, exp, np.exp, largest=1e3),
    "expm1": Row([aten.expm1], torch.expm1, real(mpmath.expm1), np.expm1, largest=1e3),
    "log": Row([aten.log], torch.log, log, np.log, positive=True),
    "log2": Row([aten.log2], torch.log2, lambda a: log(a) / mpmath.log(2), np.log2, positive=True),
    "log10": Row([aten.log10], torch.log10, lambda a: log(a) / mpmath.log(10), np.log10, positive=True),
    "log1p": Row([aten.log1p], torch.log1p, real(mpmath.log1p), np.log1p, positive=True),
    "log1p, near -1": Row([aten.log1p], torch.log1p, real(mpmath.log1p), largest=1.0),
    "tanh": Row([aten.tanh], torch.tanh, tanh, np.tanh, largest=1e3),
    "sigmoid": Row([aten.sigmoid], torch.sigmoid, sigmoid, None, largest=1e3),
    "softplus": Row(
        [aten.softplus], torch.nn.functional.softplus, real(lambda x: mpmath.log1p(mpmath.exp(x))), largest=1e3
    ),
    "softplus, beta": Row(
        [aten.softplus],
        lambda a: torch.nn.functional.softplus(a, beta=3),
        real(lambda x: mpmath.log1p(mpmath.exp(3 * x)) / 3),
        largest=1e3,
    ),
    "softplus_backward": Row(
        [aten.softplus_backward],
        lambda g, a: aten.softplus_backward(g, a, 2.0, 20.0),
        lambda g, a: g * sigmoid(2 * a),
        None,
        TWO,
        largest=1e3,
    ),
    "log_sigmoid": Row(
        [aten.log_sigmoid_forward],
        torch.nn.functional.logsigmoid,
        real(lambda x: -mpmath.log1p(mpmath.exp(-x))),
        largest=1e3,
    ),
    "erf": Row([aten.erf], torch.erf, real(mpmath.erf), largest=30.0),
    "atan": Row([aten.atan], torch.atan, real(mpmath.atan), np.arctan),
    "exp2": Row([aten.exp2], torch.exp2, lambda a: power(exact(2), a), np.exp2, largest=1e3),
    "sin": Row([aten.sin], torch.sin, real(mpmath.sin), np.sin, largest=1e4),
    "cos": Row([aten.cos], torch.cos, real(mpmath.cos), np.cos, largest=1e4),
    "softmax": Row([aten._softmax], lambda a: torch.softmax(a, 0), softmax, largest=1e3),
    "log_softmax": Row([aten._log_softmax], lambda a: torch.log_softmax(a, 0), lambda a: log(softmax(a)), largest=1e3),
    "relu": Row([aten.relu], torch.relu, lambda a: choose(a > 0, a, 0 * a)),
    "relu backward": Row(
        [aten.threshold_backward],
        lambda g, a: aten.threshold_backward(g, torch.relu(a), 0),
        lambda g, a: choose(a > 0, g, 0 * g),
        None,
        TWO,
    ),
    "leaky_relu": Row(
        [aten.leaky_relu], torch.nn.functional.leaky_relu, lambda a: choose(a > 0, a, exact(0.01) * a), None
    ),
    "leaky_relu_backward": Row(
        [aten.leaky_relu_backward],
        lambda g, a: aten.leaky_relu_backward(g, a, 0.01, False),
        lambda g, a: choose(a > 0, g, exact(0.01) * g),
        None,
        TWO,
    ),
    "tanh_backward": Row(
        [aten.tanh_backward], aten.tanh_backward, lambda g, a: g * (1 - a * a), None, TWO, largest=1e15
    ),
    "sigmoid_backward": Row(
        [aten.sigmoid_backward], aten.sigmoid_backward, lambda g, a: g * (1 - a) * a, None, TWO, largest=1e15
    ),
    "log_sigmoid_backward": Row(
        [aten.log_sigmoid_backward],
        lambda g, a: aten.log_sigmoid_backward(g, a, torch.exp(-(a.value if hasattr(a, "value") else a).abs())),
        lambda g, a: g * sigmoid(-a),
        None,
        TWO,
        largest=1e3,
    ),
    "binary cross entropy of logits": Row(
        [aten.binary_cross_entropy_with_logits],
        lambda a, y: torch.nn.functional.binary_cross_entropy_with_logits(a, y, reduction="none"),
        lambda a, y: (1 - y) * a + real(lambda x: mpmath.log1p(mpmath.exp(-x)))(a),
        None,
        TWO,
        largest=1e3,
    ),
    "softmax backward": Row(
        [aten._softmax_backward_data],
        lambda g, a: aten._softmax_backward_data(g, a, 0, a.dtype),
        lambda g, a: a * (g - (g * a).sum(0)),
        None,
        TWO,
        largest=1e15,
    ),
    "log_softmax backward": Row(
        [aten._log_softmax_backward_data],
        lambda g, a: aten._log_softmax_backward_data(g, a, 0, a.dtype),
        lambda g, a: g - exp(a) * g.sum(0),
        None,
        TWO,
        largest=30.0,
    ),
    "clamp": Row(
        [aten.clamp], lambda a: a.clamp(-0.3, 1), lambda a: np.minimum(np.maximum(a, exact(-0.3)), exact(1)), None
    ),
    "clamp, min": Row([aten.clamp], lambda a: a.clamp(min=0.1), lambda a: np.maximum(a, exact(0.1))),
    "clamp, max": Row([aten.clamp], lambda a: a.clamp(max=0.1), lambda a: np.minimum(a, exact(0.1))),
    "clamp_min": Row([aten.clamp_min], lambda a: aten.clamp_min(a, 0.1), lambda a: np.maximum(a, exact(0.1))),
    "clamp_max": Row([aten.clamp_max], lambda a: aten.clamp_max(a, 0.1), lambda a: np.minimum(a, exact(0.1))),
    "maximum": Row([aten.maximum], torch.maximum, np.maximum, np.maximum, TWO),
    "minimum": Row([aten.minimum], torch.minimum, np.minimum, np.minimum, TWO),
    "max, other": Row([aten.max.other], aten.max.other, np.maximum, None, TWO),
    "min, other": Row([aten.min.other], aten.min.other, np.minimum, None, TWO),
    "amax": Row([aten.amax], lambda a: a.amax(0), lambda a: a.max(0), lambda a: a.max(0)),
    "amin": Row([aten.amin], lambda a: a.amin(0), lambda a: a.min(0), lambda a: a.min(0)),
    "max": Row([aten.max.default], torch.max, lambda a: np.asarray(a.max())),
    "min": Row([aten.min.default], torch.min, lambda a: np.asarray(a.min())),
    "max, dim": Row([aten.max.dim], lambda a: a.max(1).values, lambda a: a.max(1)),
    "max, its place": Row([aten.max.dim], lambda a: a.max(1).indices, lambda a: a.argmax(1)),
    "min, dim": Row([aten.min.dim], lambda a: a.min(1, keepdim=True).values, lambda a: a.min(1, keepdims=True)),
    "argmax": Row([aten.argmax], lambda a: a.argmax(0), lambda a: a.argmax(0)),
    "argmax of all": Row([aten.argmax], lambda a: a.argmax(), lambda a: np.asarray(a.argmax())),
    "argmin": Row([aten.argmin], lambda a: a.argmin(1, keepdim=True), lambda a: a.argmin(1)[:, None]),
    "sort": Row([aten.sort], lambda a: a.sort(0).values, lambda a: np.sort(a, 0)),
    "sort, places": Row([aten.sort], lambda a: a.sort(0).indices, lambda a: np.argsort(a, 0, kind="stable")),
    "topk": Row([aten.topk], lambda a: a.topk(2, 1).values, lambda a: -np.sort(-a, 1)[:, :2]),
    "floor": Row([aten.floor], torch.floor, real(mpmath.floor), np.floor, largest=1e6),
    "ceil": Row([aten.ceil], torch.ceil, real(mpmath.ceil), np.ceil, largest=1e6),
    "trunc": Row([aten.trunc], torch.trunc, real(lambda x: int(x)), np.trunc, largest=1e6),
    "round": Row([aten.round], torch.round, real(mpmath.nint), np.round, largest=1e6),
    "where": Row(
        [aten.where.self], lambda a, b: torch.where(a > b, a, b * b), lambda a, b: choose(a > b, a, b * b), None, TWO
    ),
    "masked_fill": Row(
        [aten.masked_fill],
        lambda a, b: a.masked_fill(b <= 0, 0.3),
        lambda a, b: choose(b <= 0, exact(0.3), a),
        None,
        TWO,
    ),
    "scatter": Row(
        [aten.scatter.src],
        lambda a, b: a.scatter(0, PLACES[:1], b),
        lambda a, b: put(a, (PLACES.numpy()[:1], COLUMNS[:1]), b),
        None,
        [SHAPE, (1, 4)],
    ),
    "scatter, number": Row(
        [aten.scatter.value],
        lambda a: a.scatter(0, PLACES, 0.3),
        lambda a: put(a, (PLACES.numpy(), COLUMNS), exact(0.3)),
    ),
    "scatter, at the maximum": Row(
        [aten.scatter.src],
        lambda a, b: a.scatter(1, a.argmax(1, keepdim=True), b),
        lambda a, b: put(a, (np.arange(3), a.argmax(1)), b[:, 0]),
        None,
        [SHAPE, (3, 1)],
    ),
    "index_put": Row(
        [aten.index_put],
        lambda a, b: a.index_put((INDEX[:2],), b),
        lambda a, b: put(a, INDEX.numpy()[:2], b),
        None,
        [SHAPE, (2, 4)],
    ),
    "index_put, mask": Row(
        [aten.index_put],
        lambda a, b: a.index_put((b <= 0,), torch.zeros((), dtype=a.dtype)),
        lambda a, b: choose(b <= 0, 0 * a, a),
        None,
        TWO,
    ),
    "index_put, mask of columns": Row(
        [aten.index_put],
        lambda a, b: aten.index_put(a, [None, b > 0], torch.ones((), dtype=a.dtype)),
        lambda a, b: choose(np.broadcast_to(b > 0, SHAPE), exact(np.ones(SHAPE)), a),
        None,
        [SHAPE, (4,)],
    ),
    "copy": Row([aten.copy], aten.copy, lambda a, b: b + 0 * a, None, [SHAPE, (4,)]),
    "fill": Row([aten.fill], lambda a: aten.fill(a, 0.3), lambda a: exact(0.3) + 0 * a),
    "gt": Row([aten.gt], lambda a, b: a > b, lambda a, b: a > b, np.greater, TWO),
    "ge": Row([aten.ge], lambda a, b: a >= b, lambda a, b: a >= b, np.greater_equal, TWO),
    "lt": Row([aten.lt], lambda a, b: a < b, lambda a, b: a < b, np.less, TWO),
    "le, constant": Row([aten.le], lambda a: a <= 0.1, lambda a: a <= exact(0.1), lambda a: a <= 0.1),
    "eq": Row([aten.eq], lambda a, b: a == b, lambda a, b: a == b, np.equal, TWO),
    "ne": Row([aten.ne], lambda a, b: a != b, lambda a, b: a != b, np.not_equal, TWO),
    "eq, the maximum": Row([aten.eq], lambda a: a == a.amax(0, keepdim=True), lambda a: a == a.max(0, keepdims=True)),
    "count of maxima": Row(
        [aten.eq, aten.sum, aten.div],
        lambda a: 1 / (a == a.amax(0, keepdim=True)).sum(0, keepdim=True).double(),
        lambda a: divide(exact(1), (a == a.max(0, keepdims=True)).sum(0, keepdims=True)),
    ),
    "logical_and": Row(
        [aten.logical_and], lambda a, b: torch.logical_and(a > 0, b), lambda a, b: (a > 0) & (b != 0), None, TWO
    ),
    "logical_or": Row(
        [aten.logical_or], lambda a, b: torch.logical_or(a > 0, b > 0), lambda a, b: (a > 0) | (b > 0), None, TWO
    ),
    "logical_xor": Row(
        [aten.logical_xor], lambda a, b: torch.logical_xor(a > 0, b > 0), lambda a, b: (a > 0) ^ (b > 0), None, TWO
    ),
    "logical_not": Row([aten.logical_not], torch.logical_not, lambda a: a == 0),
    "bitwise_and": Row([aten.bitwise_and], lambda a, b: (a > 0) & (b > 0), lambda a, b: (a > 0) & (b > 0), None, TWO),
    "bitwise_or": Row([aten.bitwise_or], lambda a, b: (a > 0) | (b > 0), lambda a, b: (a > 0) | (b > 0), None, TWO),
    "bitwise_xor": Row([aten.bitwise_xor], lambda a, b: (a > 0) ^ (b > 0), lambda a, b: (a > 0) ^ (b > 0), None, TWO),
    "bitwise_not": Row([aten.bitwise_not], lambda a: ~(a > 0), lambda a: a <= 0),
    "all": Row([aten.all], lambda a: (a > 0).all(), lambda a: np.asarray((a > 0).all())),
    "any": Row([aten.any], lambda a: (a > 0).any(0), lambda a: (a > 0).any(0)),
    "nonzero": Row(
        [aten.nonzero],
        lambda a: (a > 0).nonzero().sum() + (a > 0).count_nonzero(),  # an empty result has no entry to carry a bound
        lambda a: np.asarray(np.argwhere(a > 0).sum() + (a > 0).sum()),
    ),
    "count_nonzero": Row([aten.count_nonzero], torch.count_nonzero, lambda a: np.asarray((a != 0).sum())),
    "to whole numbers": Row([aten._to_copy], lambda a: a.to(torch.int64), real(lambda x: int(x)), largest=1e6),
    "to answers": Row([aten._to_copy], lambda a: a.to(torch.bool), lambda a: a != 0),
    "answers to numbers": Row([prims.convert_element_type], lambda a: (a > 0).double(), lambda a: a > 0),
    "prims.sum": Row([prims.sum], lambda a: prims.sum(a, [0]), lambda a: a.sum(0)),
    "prims.prod": Row([prims.prod], lambda a: prims.prod(a, [0, 1]), lambda a: np.asarray(a.prod())),
}


def test_every_rule_has_a_test():
    covered = {key for row in ROWS.values() for key in row.covers}
    missing = {str(key) for key in {*RULES, *COMPOSITES} - covered}
    assert not missing, f"add a row to ROWS for each rule: {sorted(missing)}"
    assert covered <= {*RULES, *COMPOSITES}, "a row of ROWS is about no rule"


# ---- operands --------------------------------------------------------------------------------------------------------


@dataclass
class Operand:
    """What the run holds (value, error), the exact number, and the number that an evaluation in the precision has."""

    value: np.ndarray
    error: np.ndarray
    exact: np.ndarray
    computed: np.ndarray


@st.composite
def operands(draw: Any, row: Row, p: Precision) -> list[Operand]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [_operand(draw, rng, shape, row, p) for shape in row.shapes]


def _operand(draw: Any, rng: Any, shape: tuple[int, ...], row: Row, p: Precision) -> Operand:
    kinds = ["ordinary", "ordinary", "whole", "zeros", "wide", "tiny", "huge", "alike"]
    kind, relative = draw(st.sampled_from(kinds)), draw(st.sampled_from([0, 0, 1, 1, 100, 1e5, 1e7]))
    dtype = np.dtype(p.name)
    value = rng.standard_normal(shape)
    if kind == "whole":
        value = rng.integers(-3, 4, shape).astype(float)
    if kind == "zeros":
        value = value * rng.integers(0, 2, shape)
    if kind == "wide":
        value = value * 10.0 ** rng.uniform(-8, 8, shape)
    if kind == "tiny":
        value = value * float(np.finfo(dtype).tiny) * 10.0 ** rng.uniform(-5, 5, shape)
    if kind == "huge":
        value = value * (float(np.finfo(dtype).max) ** rng.uniform(0.4, 1, shape) / 64)
    if kind == "alike":
        value = np.round(value) + 4 * p.unit_roundoff * rng.integers(-2, 3, shape)
    if row.positive:
        value = np.abs(value)
    value = np.clip(value, -row.largest, row.largest).astype(dtype).astype(np.float64)

    def within() -> np.ndarray:
        return rng.choice([-0.99, 0.99, 0.0, rng.uniform(-0.99, 0.99)], shape)

    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(value) * relative * 10 * p.unit_roundoff * rng.choice([0, 1], shape, p=[0.2, 0.8])
        if draw(st.booleans()):
            error = error + relative * p.unit_roundoff * (kind in ("ordinary", "whole", "zeros"))
        true = value + error * within()
        computed = (true + error * within()).astype(dtype)
        moved = np.maximum(np.abs(value - true), np.abs(computed.astype(np.float64) - true))
        outside = ~(moved <= error) | ~np.isfinite(computed)
    error[outside] = 0
    true, computed = np.where(outside, value, true), np.where(outside, value, computed).astype(dtype)
    return Operand(value, error, true, computed)


def bound(row: Row, p: Precision, inputs: list[Operand]) -> tuple[np.ndarray, np.ndarray]:
    """The operation on bounded operands: value and error."""
    run = Run(p)
    y = row.torch(*(run.wrap(torch.from_numpy(x.value.copy()), torch.from_numpy(x.error.copy()), ()) for x in inputs))
    assert y.value.shape == y.error.shape
    assert y.error.dtype == torch.float64
    assert not bool((y.error < 0).any() | y.error.isnan().any())
    return y.value.numpy(), y.error.numpy()


def usage(computed: Any, true: Any, error: np.ndarray) -> float:
    """The largest |computed - exact| / error; NaN and infinity count as infinitely wrong unless anything may be."""
    computed, true = np.broadcast_to(computed, error.shape), np.broadcast_to(true, error.shape)
    worst = 0.0
    for c, t, e in zip(computed.flat, true.flat, error.flat, strict=True):
        if math.isinf(e):
            continue
        c, t = float(c), t if isinstance(t, mpmath.mpf) else mpmath.mpf(int(t))
        off = abs(mpmath.mpf(c) - t) if math.isfinite(c) else mpmath.inf
        if not off <= 0:
            worst = max(worst, float(off / e) if e > 0 and not mpmath.isnan(off) else math.inf)
    return worst


@np.errstate(all="ignore")
def usages(row: Row, p: Precision, inputs: list[Operand]) -> dict[str, float]:
    with mpmath.workdps(60):
        value, error = bound(row, p, inputs)
        true = row.exact(*(exact(x.exact) for x in inputs))
        found = {"float64": usage(value, true, error)}
        found["torch"] = usage(row.torch(*(torch.from_numpy(x.computed) for x in inputs)).numpy(), true, error)
        if row.numpy is not None:
            found["numpy"] = usage(row.numpy(*(x.computed for x in inputs)), true, error)
    return found


@pytest.mark.parametrize("p", [FLOAT32, FLOAT64], ids=["float32", "float64"])
def test_powers_of_two_count_the_rounding_of_log_2(p: Precision):
    """Far from 0 it is as large as that of x log 2: without it one number in some thousands left its bound."""
    x = np.linspace(-120.0 if p is FLOAT32 else -1000.0, 120.0 if p is FLOAT32 else 1000.0, 4001)
    x = x.astype(np.float32).astype(np.float64) if p is FLOAT32 else x
    operand = Operand(x, np.zeros_like(x), x, x)
    assert max(usages(ROWS["exp2"], p, [operand]).values()) <= 1


@pytest.mark.parametrize("p", [FLOAT32, FLOAT64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", ROWS)
def test_no_evaluation_leaves_the_bound(name: str, p: Precision):
    row = ROWS[name]

    @EXAMPLES
    @given(operands(row, p))
    def holds(inputs: list[Operand]) -> None:
        for by, used in usages(row, p, inputs).items():
            assert used <= 1, f"{name} in {by} is off by {used} times its bound"

    holds()


# How much of its bound an operation uses at worst, on exact operands of ordinary size: a rule that is never nearly used
# would find nothing. One correct rounding uses all of it; sums and products of n terms use less, because roundings
# cancel; functions that are allowed four units in the last place and are right to half of one use an eighth.
FLOORS = {
    "add": 0.9,
    "sub": 0.9,
    "mul": 0.9,
    "div": 0.9,
    "reciprocal": 0.4,
    "sqrt": 0.4,
    "mean": 0.05,
    "sum": 0.05,
    "mm": 0.1,
    "mm, long": 0.02,
    "addmm": 0.1,
    "prod": 0.02,
    "exp": 0.1,
    "log": 0.1,
    "tanh": 0.1,
    "sigmoid": 0.1,
    "softplus": 0.05,
    "log_sigmoid": 0.03,
    "softmax": 0.02,
    "log_softmax": 0.02,
    "pow": 0.05,
    "var": 0.01,
}


@pytest.mark.parametrize("p", [FLOAT32, FLOAT64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", FLOORS)
def test_bounds_are_not_slack(name: str, p: Precision):
    rng, row, used = np.random.default_rng(0), ROWS[name], []
    for _ in range(40):
        values = [rng.standard_normal(shape).astype(p.name) for shape in row.shapes]
        values = [np.abs(v) if row.positive else v for v in values]
        inputs = [Operand(v.astype(float), np.zeros(v.shape), v.astype(float), v) for v in values]
        used.append(usages(row, p, inputs)["torch"])
    assert max(used) >= FLOORS[name]


@pytest.mark.parametrize(
    "name", ["neg", "abs", "relu", "add", "mul", "div", "exp", "log", "tanh", "sigmoid", "sum", "mm"]
)
def test_errors_of_operands_are_not_magnified_beyond_need(name: str):
    """Operands off by their whole bounds (which are far above u) use at least a fifth of the result's bound."""
    p, rng, row, used = FLOAT64, np.random.default_rng(0), ROWS[name], []
    for _ in range(40):
        values = [np.abs(rng.standard_normal(shape)) + 0.1 for shape in row.shapes]
        inputs = [Operand(v, np.full(v.shape, 1e-9), v, v + 0.999e-9 * rng.choice([-1, 1])) for v in values]
        used.append(usages(row, p, inputs)["torch"])
    assert max(used) >= 0.2
