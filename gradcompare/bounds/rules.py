"""The table of rules: for each torch operation, how far the result can be off when its arguments are off by their own
bounds.

Notation. x stands for an argument: `value(x)` what was computed in float64, `error(x)` = E its bound. `magnitude(x)`
= |value| + 2E is no smaller than |x| for the exact x and for the x of any evaluation. u is the unit roundoff, p the
run's precision. A row is `operation: rule`, where `rule(run, y, *arguments)` is the bound of the result y. Most rows
are made with `rounded`: the row says how far the arguments' errors move the *exact* result, and how many unit
roundoffs of the result the operation adds itself. `PROOF.md` beside this file has the statements and proofs, under
the names of the functions here.

N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002: section 2.2 (the model), lemma 3.1
and section 3.5 (sums and products).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gradcompare.bounds.precision import UNITS_IN_THE_LAST_PLACE, Precision

if TYPE_CHECKING:
    from gradcompare.bounds.tensor import Run

aten = torch.ops.aten
Rule = Callable[..., Any]
Amount = Tensor | float
"""A non-negative bound: a tensor, or 0.0 where nothing can be off (so that no work is spent on it)."""


class RoundedConstant(float):
    """A Python number, which the working precision may not represent (0.01 in float32)."""

    error: float

    def __new__(cls, number: float, p: Precision) -> RoundedConstant:
        self = super().__new__(cls, number)
        self.error = 0.0 if not math.isfinite(number) or p.represents(number) else abs(number) * p.unit_roundoff
        return self


# ---- arguments -------------------------------------------------------------------------------------------------------


def value(x: Any) -> Any:
    """What was computed."""
    return getattr(x, "value", x)


def mapped(tree: Any, function: Callable[[Tensor], Any]) -> Any:
    """The function applied to each tensor of nested lists, tuples and dicts."""
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, dict):
        return {k: mapped(v, function) for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(mapped(v, function) for v in tree)
    return tree


def values(tree: Any) -> Any:
    """What was computed, in nested lists, tuples and dicts too."""
    return mapped(tree, value)


def error(x: Any) -> Amount:
    """E: how far it may be off. 0.0 for anything that carries no bound."""
    return getattr(x, "error", 0.0)


def magnitude(x: Any) -> Any:
    """|value| + 2E: no evaluation, and not the exact value either, is larger."""
    v, e = value(x), error(x)
    size = v.to(torch.float64).abs() if isinstance(v, Tensor) else abs(v)
    return size if isinstance(e, float) and e == 0.0 else size + 2 * e


def is_exact(x: Any) -> bool:
    """Whether nothing about it can be off."""
    e = error(x)
    return not e.any() if isinstance(e, Tensor) else e == 0.0


def times(a: Amount, b: Amount) -> Amount:
    """a * b, where 0 * infinity is 0: no error, however large the other factor."""
    if (isinstance(a, float) and a == 0.0) or (isinstance(b, float) and b == 0.0):
        return 0.0
    product = a * b
    return torch.nan_to_num(product, nan=0.0, posinf=math.inf) if isinstance(product, Tensor) else product


def nonzero(x: Any) -> Any:
    """1 where x may be anything but 0, else 0: an exact 0 times anything does not underflow."""
    m = magnitude(x)
    return (m != 0).to(torch.float64) if isinstance(m, Tensor) else float(m != 0)


# ---- the shapes of rules ---------------------------------------------------------------------------------------------


def finish(p: Precision, y: Tensor, bound: Amount) -> Tensor:
    """The bound as a tensor of y's shape; infinite where the result may leave the working precision, or is not a
    number."""
    if not isinstance(bound, Tensor):
        bound = torch.full_like(y, bound, dtype=torch.float64)
    elif bound.shape != y.shape:
        bound = bound.broadcast_to(y.shape)
    if not y.is_floating_point():
        return bound.clone()
    return torch.where(y.abs() + bound <= p.largest, bound, math.inf)


def rounded(propagated: Rule, *, units: float = 1, floor: Rule | None = None) -> Rule:
    """The rule of an operation that gets exact arguments right to `units` unit roundoffs.

    `propagated(y, *arguments)` is how far the arguments' errors move the exact result; `floor(p, *arguments)` what
    underflow adds.
    """

    def rule(run: Run, y: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        p = run.precision
        moved = propagated(y, *args, **kwargs)
        bound = moved
        if units and y.is_floating_point():
            bound = (y.abs() + 2 * moved) * (units * p.unit_roundoff) + moved
        if floor is not None:
            bound = bound + floor(p, *args)
        return finish(p, y, bound)

    return rule


def elementary(propagated: Rule, *, odd: bool = False) -> Rule:
    """The rule of a function that libraries get right to some units in the last place (assumption 3); odd ones are
    exact at 0."""

    def floor(p: Precision, x: Any, *_: Any) -> Amount:
        return p.smallest_normal * nonzero(x) if odd else p.smallest_normal

    return rounded(propagated, units=2 * UNITS_IN_THE_LAST_PLACE, floor=floor)


def by_slope(slope: Callable[[Tensor], Tensor]) -> Rule:
    """What an error moves a function whose slope falls with |x|: its steepest slope within 2E of x, times E."""

    def propagated(y: Tensor, x: Any, *_: Any) -> Amount:
        return slope((value(x).abs() - 2 * error(x)).clamp(min=0)) * error(x)

    return propagated


def comparison(strict_ties: bool = True) -> Rule:
    """Kinks: 1 (undecided) where rounding can have changed the answer, |a - b| < E(a) + E(b), strictly; else 0.

    A float that equals another exactly (x == x.max()) is the same number, not a coincidence: equality is undecided
    only beside it.
    """

    def rule(run: Run, y: Tensor, a: Any, b: Any) -> Tensor:
        distance = (
            torch.as_tensor(value(a), dtype=torch.float64) - torch.as_tensor(value(b), dtype=torch.float64)
        ).abs()
        undecided = distance < error(a) + error(b)
        if not strict_ties:
            undecided = undecided & (distance > 0)
        elif _differentiated(a) or _differentiated(b):
            tie = distance == 0
            if bool(tie.any()):
                run.met_a_tie = True
                if run.ties_are_kinks:
                    undecided = undecided | tie
        return undecided.to(torch.float64).broadcast_to(y.shape).clone()

    return rule


def _differentiated(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def logical(run: Run, y: Tensor, *args: Any) -> Tensor:
    """A combination of answers is undecided where one of them is."""
    total: Amount = sum((error(a) for a in args), 0.0)
    return finish(run.precision, y, total.clamp(max=1) if isinstance(total, Tensor) else total)


def product(operation: Any) -> Rule:
    """A product of matrices or vectors with inner length n, in any order of summation, with or without fused
    multiply-add.

    E(AB) = E(A) |B| + |A| E(B) + gamma_n |A| |B|, with magnitudes for absolute values (Higham, section 3.5, equation
    3.13).
    """

    def rule(run: Run, y: Tensor, a: Any, b: Any) -> Tensor:
        p = run.precision
        inner = value(a).shape[-1]
        gamma, size_a, size_b = p.gamma(inner), magnitude(a), magnitude(b)
        if is_exact(b):
            bound = (
                operation(error(a) + gamma * size_a, size_b) if not is_exact(a) else gamma * operation(size_a, size_b)
            )
        elif is_exact(a):
            bound = operation(size_a, error(b) + gamma * size_b)
        else:
            bound = operation(error(a), size_b) + operation(size_a, error(b) + gamma * size_b)
        if not bool((bound > p.smallest_normal).all()):  # else nothing can have underflowed unnoticed
            bound = bound + p.smallest_subnormal * operation(nonzero(a), nonzero(b))
        return finish(p, y, bound)

    return rule


def reduction(terms: Callable[[Any], int] | None = None, mean: bool = False) -> Rule:
    """Sums, in any order: the errors add up, and gamma_(n-1) of the sum of absolute values (Higham, section 4.2); a
    mean divides by n."""

    def rule(run: Run, y: Tensor, x: Any, *args: Any, **kwargs: Any) -> Tensor:
        p = run.precision
        n = max(value(x).numel() // max(y.numel(), 1), 1)
        weights = error(x) + p.gamma(n - 1) * magnitude(x) if value(x).is_floating_point() else error(x)
        total = aten.sum(weights, *args, **{**kwargs, "dtype": torch.float64})
        if mean:
            total = total / n * (1 + 2 * p.unit_roundoff) + p.unit_roundoff * y.abs() + p.smallest_subnormal * (n > 1)
        return finish(p, y, total)

    return rule


def cumulative(run: Run, y: Tensor, x: Any, dim: int, **_: Any) -> Tensor:
    """Running sums: each is a sum of at most n terms."""
    n = value(x).shape[dim] if value(x).dim() else 1
    return finish(run.precision, y, (error(x) + run.precision.gamma(n - 1) * magnitude(x)).cumsum(dim))


def accumulated(operation: Any) -> Rule:
    """Adding values into places, some of them into the same place: at most as many additions as there are values."""

    def rule(run: Run, y: Tensor, x: Any, *args: Any, **kwargs: Any) -> Tensor:
        source = next(a for a in reversed(args) if isinstance(a, Tensor))
        gamma = run.precision.gamma(max(value(source).numel(), 1))

        def spread(of: Callable[[Any], Any]) -> Tensor:
            return operation(of(x), *(of(a) if a is source else values(a) for a in args), **kwargs)

        return finish(run.precision, y, spread(lambda t: _tensor(error(t), t)) + gamma * spread(magnitude))

    return rule


def _tensor(amount: Amount, like: Any) -> Tensor:
    return amount if isinstance(amount, Tensor) else torch.full_like(value(like), amount, dtype=torch.float64)


def _products(run: Run, y: Tensor, x: Any, *args: Any, **kwargs: Any) -> Tensor:
    """A product of n numbers: what their errors move it, and gamma_(n-1) of it."""
    p = run.precision
    n = max(value(x).numel() // max(y.numel(), 1), 1)
    largest = aten.prod(magnitude(x), *args, **kwargs)
    return finish(p, y, largest - y.abs() + p.gamma(n) * largest + p.smallest_subnormal * n)


def _scattered(run: Run, y: Tensor, x: Any, dim: int, index: Any, source: Any) -> Tensor:
    moved = error(source) if isinstance(source, Tensor) and isinstance(error(source), Tensor) else 0.0
    if isinstance(moved, float) and isinstance(source, Tensor):
        moved = torch.zeros_like(source, dtype=torch.float64)
    return finish(run.precision, y, aten.scatter(_tensor(error(x), x), dim, value(index), moved))


def extreme(operation: Callable[..., Tensor]) -> Rule:
    """A maximum moves no further than the argument that moves furthest."""

    def rule(run: Run, y: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        moved = operation(_tensor(error(x), x), *args, **kwargs)
        return (
            (moved.broadcast_to(y[0].shape).clone(), None) if isinstance(y, tuple) else finish(run.precision, y, moved)
        )

    return rule


# ---- how errors move the exact result --------------------------------------------------------------------------------


def _sum(y: Tensor, a: Any, b: Any, *, alpha: float = 1) -> Amount:
    return error(a) + abs(alpha) * error(b)


def _difference_reversed(y: Tensor, a: Any, b: Any, alpha: float = 1) -> Amount:
    return error(b) + abs(alpha) * error(a)


def _product(y: Tensor, a: Any, b: Any) -> Amount:
    return times(error(a), magnitude(b)) + times(magnitude(a), error(b))


def _quotient(y: Tensor, a: Any, b: Any, **_: Any) -> Amount:
    """|a'/b' - a/b| <= (E(a) + |a/b| E(b)) / (|b| - E(b)); infinite where b may be 0."""
    e = error(b)
    smallest = abs(value(b)) - 2 * e
    if isinstance(e, float) and e == 0.0:
        return times(error(a), 1 / smallest)
    smallest = torch.as_tensor(smallest)
    quotient = magnitude(a) / smallest
    return torch.where(smallest > 0, (error(a) + times(quotient, e)) / smallest, math.inf)


def _reciprocal(y: Tensor, x: Any) -> Amount:
    return _quotient(y, 1.0, x)


def _power(y: Tensor, x: Any, exponent: Any) -> Amount:
    """Its steepest slope within 2E of x, times E; where x may be 0 or negative only whole exponents have one."""
    if isinstance(exponent, Tensor):
        if not is_exact(exponent) or value(exponent).numel() != 1:
            return _general_power(y, x, exponent)
        exponent = value(exponent).item()
    if not isinstance(x, Tensor):
        return _general_power(y, x, exponent)
    e, size = error(x), magnitude(x)
    if exponent == 0:
        return 0.0
    if exponent >= 1 and float(exponent).is_integer():
        return times(exponent * size ** (exponent - 1), e)
    nearest = value(x).abs() - 2 * e
    steepest = abs(exponent) * torch.maximum(nearest.clamp(min=0) ** (exponent - 1), size ** (exponent - 1))
    allowed = nearest > 0 if float(exponent).is_integer() else value(x) - 2 * e > 0
    return torch.where(allowed, steepest * e, torch.where(torch.as_tensor(e == 0), 0.0, math.inf))


def _general_power(y: Tensor, x: Any, exponent: Any) -> Amount:
    """x^k = exp(k log x) for positive x: the relative error is expm1 of what the exponent moves."""
    base = torch.as_tensor(value(x), dtype=torch.float64)
    lowest = base - 2 * error(x)
    size = torch.maximum(base.log().abs(), lowest.clamp(min=0).log().abs())
    moved = times(error(exponent), size) + times(magnitude(exponent), torch.as_tensor(2 * error(x)) / lowest)
    untouched = torch.as_tensor(error(x) == 0) & torch.as_tensor(error(exponent) == 0)
    return torch.where(untouched, 0.0, torch.where(lowest > 0, y.abs() * torch.expm1(torch.as_tensor(moved)), math.inf))


def _square_root(y: Tensor, x: Any) -> Amount:
    e, lowest = error(x), value(x) - 2 * error(x)
    return torch.where(
        torch.as_tensor(e == 0), 0.0, torch.where(lowest > 0, e / (y + lowest.clamp(min=0).sqrt()), math.inf)
    )


def _exponential(y: Tensor, x: Any) -> Amount:
    return times(y, torch.expm1(torch.as_tensor(2 * error(x), dtype=torch.float64)))


def _exponential_less_1(y: Tensor, x: Any) -> Amount:
    return times(y.abs() + 1, torch.expm1(torch.as_tensor(2 * error(x), dtype=torch.float64)))


def _logarithm(shift: float) -> Rule:
    def propagated(y: Tensor, x: Any) -> Amount:
        lowest = value(x) + shift - 2 * error(x)
        return torch.where(torch.as_tensor(error(x) == 0), 0.0, torch.where(lowest > 0, error(x) / lowest, math.inf))

    return propagated


def _sigmoid_slope(x: Tensor) -> Tensor:
    """e / (1 + e)^2 with e = exp(-|x|): a (1 - a) would cancel to 0 where the slope does not."""
    e = torch.exp(-x)
    return e / (1 + e) ** 2


def _softplus(y: Tensor, x: Any, beta: float = 1, threshold: float = 20) -> Amount:
    """Slope sigmoid(beta x); above the threshold PyTorch returns x, which is exp(-threshold) / beta off."""
    beyond = math.exp(-threshold) / beta
    return torch.sigmoid(beta * (value(x) + 2 * error(x))) * error(x) + torch.where(
        value(x) * beta > threshold - 1, beyond, 0.0
    )


def _wave(y: Tensor, x: Any) -> Amount:
    return error(x)


def _active(y: Tensor, x: Any) -> Amount:
    """max(0, x): where x is surely negative the result is surely 0."""
    return torch.where(value(x) + 2 * error(x) < 0, 0.0, error(x))


def _clamped(y: Tensor, x: Any, low: Any = None, high: Any = None) -> Amount:
    e: Any = torch.as_tensor(error(x))
    for limit, sign in ((low, 1), (high, -1)):
        if limit is not None:
            beyond = sign * (value(x) - value(limit)) + 2 * (error(x) + error(limit)) < 0
            e = torch.where(beyond, torch.as_tensor(error(limit), dtype=torch.float64), e + error(limit))
    return e


def _larger(y: Tensor, a: Any, b: Any) -> Amount:
    """max(a, b): where one is surely the larger its error counts, else the larger error."""
    return _picked(value(a) - value(b), a, b)


def _smaller(y: Tensor, a: Any, b: Any) -> Amount:
    return _picked(value(b) - value(a), a, b)


def _picked(lead_of_a: Tensor, a: Any, b: Any) -> Tensor:
    margin = 2 * (error(a) + error(b))
    ea, eb = torch.as_tensor(error(a), dtype=torch.float64), torch.as_tensor(error(b), dtype=torch.float64)
    return torch.where(lead_of_a > margin, ea, torch.where(lead_of_a < -margin, eb, torch.maximum(ea, eb)))


def _choice(y: Tensor, condition: Any, a: Any, b: Any) -> Amount:
    """Where the condition is undecided the result may be either."""
    ea, eb = torch.as_tensor(error(a), dtype=torch.float64), torch.as_tensor(error(b), dtype=torch.float64)
    decided = torch.where(value(condition), ea, eb)
    if is_exact(condition):
        return decided
    either = torch.maximum(ea, eb) + torch.as_tensor(value(a) - value(b)).abs()
    return torch.where(torch.as_tensor(error(condition)) > 0, either, decided)


def _filled(y: Tensor, x: Any, mask: Any, fill: Any) -> Amount:
    return _choice(y, mask, fill, x)


def _sign(y: Tensor, x: Any) -> Amount:
    return torch.where(value(x).abs() < error(x), 2.0, 0.0)


def _put(run: Run, y: Tensor, x: Any, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """x[indices] = values; where a mask is undecided either may stand."""
    if accumulate:
        return accumulated(aten.index_put)(run, y, x, indices, values, True)
    plain = [value(i) for i in indices]
    bound = aten.index_put(_tensor(error(x), x), plain, torch.as_tensor(error(values), dtype=torch.float64))
    masks = [i for i in indices if i is not None and not is_exact(i)]
    for mask in masks:
        spread = error(mask)
        while isinstance(spread, Tensor) and spread.dim() < y.dim():
            spread = spread.unsqueeze(-1)
        largest = magnitude(values).max() if isinstance(values, Tensor) else abs(values)
        bound = torch.where(torch.as_tensor(spread) > 0, bound + magnitude(x) + largest, bound)
    return finish(run.precision, y, bound)


def _softmax_parts(run: Run, x: Any, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of exp(x - max x): the relative error of each term, and of their sum; and how far x - max x is below 0."""
    u = run.precision.unit_roundoff
    below = (value(x) - value(x).amax(dim, keepdim=True)).abs()
    exponent = 2 * error(x) + u * below
    term = torch.expm1(exponent + 2 * UNITS_IN_THE_LAST_PLACE * u)
    total = (torch.softmax(value(x), dim) * term).sum(dim, keepdim=True) + run.precision.gamma(value(x).shape[dim])
    return term, total, below


def _softmax(run: Run, y: Tensor, x: Any, dim: int, *_: Any) -> Tensor:
    term, total, _below = _softmax_parts(run, x, dim)
    relative = torch.where(total < 0.5, (1 + term) / (1 - total) - 1 + 2 * run.precision.unit_roundoff, math.inf)
    return finish(run.precision, y, times(y, relative) + run.precision.smallest_normal)


def _log_softmax(run: Run, y: Tensor, x: Any, dim: int, *_: Any) -> Tensor:
    p = run.precision
    _term, total, below = _softmax_parts(run, x, dim)
    log_sum = (below + y).abs()  # y = x - max x - log of the sum
    moved = (
        torch.where(total < 0.5, -torch.log1p(-total), math.inf)
        + 2 * UNITS_IN_THE_LAST_PLACE * p.unit_roundoff * log_sum
    )
    return finish(p, y, 2 * error(x) + moved + p.unit_roundoff * (2 * below + y.abs()))


# ---- the table -------------------------------------------------------------------------------------------------------

_tiny_product: Rule = lambda p, a, b, *_: p.smallest_subnormal * nonzero(a) * nonzero(b)  # noqa: E731
_tiny: Rule = lambda p, a, *_: p.smallest_subnormal * nonzero(a)  # noqa: E731

RULES: dict[Any, Rule] = {
    # arithmetic
    aten.add: rounded(_sum),
    aten.sub: rounded(_sum),
    aten.rsub: rounded(_difference_reversed),
    aten.mul: rounded(_product, floor=_tiny_product),
    aten.div: rounded(_quotient, floor=_tiny),
    aten.reciprocal: rounded(_reciprocal, floor=_tiny),
    aten.pow: rounded(_power, units=2 * UNITS_IN_THE_LAST_PLACE, floor=_tiny),
    aten.sqrt: rounded(_square_root),
    aten.neg: rounded(lambda y, x: error(x), units=0),
    aten.abs: rounded(lambda y, x: error(x), units=0),
    aten.sign: rounded(_sign, units=0),
    aten.sgn: rounded(_sign, units=0),
    # products
    aten.mm: product(aten.mm),
    aten.bmm: product(aten.bmm),
    aten.mv: product(aten.mv),
    aten.dot: product(aten.dot),
    # sums
    aten.sum: reduction(),
    aten.mean: reduction(mean=True),
    aten.cumsum: cumulative,
    aten.prod: _products,
    aten.scatter: _scattered,
    aten.index_add: accumulated(aten.index_add),
    aten.scatter_add: accumulated(aten.scatter_add),
    # elementary functions
    aten.exp: elementary(_exponential),
    aten.expm1: elementary(_exponential_less_1, odd=True),
    aten.log: elementary(_logarithm(0)),
    aten.log1p: elementary(_logarithm(1), odd=True),
    aten.tanh: elementary(by_slope(lambda x: 4 * _sigmoid_slope(2 * x)), odd=True),
    aten.sigmoid: elementary(by_slope(_sigmoid_slope)),
    aten.softplus: elementary(_softplus),
    aten.erf: elementary(by_slope(lambda x: 2 / math.sqrt(math.pi) * torch.exp(-x * x)), odd=True),
    aten.sin: elementary(_wave, odd=True),
    aten.cos: elementary(_wave),
    aten._softmax: _softmax,
    aten._log_softmax: _log_softmax,
    # kinks
    aten.relu: rounded(_active, units=0),
    aten.clamp: rounded(_clamped, units=0),
    aten.clamp_min: rounded(_clamped, units=0),
    aten.clamp_max: rounded(lambda y, x, high: _clamped(y, x, None, high), units=0),
    aten.maximum: rounded(_larger, units=0),
    aten.minimum: rounded(_smaller, units=0),
    aten.amax: extreme(aten.amax),
    aten.amin: extreme(aten.amax),
    aten.max: extreme(lambda e, *dims: e.amax(*dims)),
    aten.min: extreme(lambda e, *dims: e.amax(*dims)),
    aten.sort: extreme(lambda e, dim=-1, *_: e.amax(dim, keepdim=True)),
    aten.topk: extreme(lambda e, k, dim=-1, *_: e.amax(dim, keepdim=True)),
    aten.where: rounded(_choice, units=0),
    aten.masked_fill: rounded(_filled, units=0),
    aten.index_put: _put,
    aten._index_put_impl: _put,
    # writing
    aten.copy: rounded(lambda y, x, source, *_: error(source), units=0),
    aten.fill: rounded(lambda y, x, fill: error(fill), units=0),
    # answers
    aten.gt: comparison(),
    aten.ge: comparison(),
    aten.lt: comparison(),
    aten.le: comparison(),
    aten.eq: comparison(strict_ties=False),
    aten.ne: comparison(strict_ties=False),
    aten.logical_and: logical,
    aten.logical_or: logical,
    aten.logical_xor: logical,
    aten.logical_not: logical,
    aten.bitwise_and: logical,
    aten.bitwise_or: logical,
    aten.bitwise_xor: logical,
    aten.bitwise_not: logical,
}

STRUCTURAL = {
    aten.alias,
    aten.as_strided,
    aten.cat,
    aten.clone,
    aten.constant_pad_nd,
    aten.contiguous,
    aten.detach,
    aten.diag,
    aten.diag_embed,
    aten.diagonal,
    aten.diagonal_backward,
    aten.expand,
    aten.flip,
    aten.gather,
    aten.index,
    aten.index_select,
    aten.lift,
    aten.lift_fresh,
    aten.masked_select,
    aten.movedim,
    aten.narrow,
    aten.permute,
    aten.positive,
    aten.repeat,
    aten.reshape,
    aten.roll,
    aten.select,
    aten.select_backward,
    aten.slice,
    aten.slice_backward,
    aten.split,
    aten.split_with_sizes,
    aten.squeeze,
    aten.stack,
    aten.t,
    aten.transpose,
    aten.tril,
    aten.triu,
    aten.unbind,
    aten.unfold,
    aten.unsqueeze,
    aten.unsqueeze_,
    aten.view,
    aten._unsafe_view,
    aten._reshape_alias,
    torch.ops.prims.broadcast_in_dim,
}
"""Operations that move values about: the bounds move the same way."""

FRESH = {
    aten.zeros_like,
    aten.ones_like,
    aten.full_like,
    aten.empty_like,
    aten.rand_like,
    aten.randn_like,
    aten.new_zeros,
    aten.new_ones,
    aten.new_full,
    aten.new_empty,
    aten.new_empty_strided,
    aten.zero,
    aten.bernoulli,
    aten.multinomial,
    aten.native_dropout,
}
"""Operations whose result does not depend on the values of their arguments."""

IN_PLACE_NAMES = {"_index_put_impl_": "index_put", "squeeze_": "squeeze"}
"""In-place operations are named as the out-of-place ones with an underscore behind, except these."""


# ---- operations written in terms of others ---------------------------------------------------------------------------


def _converted(x: Any, dtype: torch.dtype | None = None, **_: Any) -> Any:
    """A conversion between floating formats is no operation of the mathematics: the run's own precision bounds every
    rounding."""
    run = x.run
    target = torch.float64 if dtype is None or dtype.is_floating_point else dtype
    bound = x.error
    if (
        value(x).is_floating_point() and not target.is_floating_point
    ):  # truncation jumps where rounding crosses a whole number
        bound = (torch.trunc(x.value + x.error) != torch.trunc(x.value - x.error)).to(torch.float64)
    if target is torch.bool:
        bound = (x.value.abs() < x.error).to(torch.float64)
    return run.wrap(x.value.to(target, copy=True), bound.clone(), (x.number,))


COMPOSITES: dict[Any, Callable[..., Any]] = {
    aten._to_copy: _converted,
    torch.ops.prims.convert_element_type: _converted,
    aten.std: lambda x, *args, **kwargs: x.var(*args, **kwargs).sqrt(),
    aten.var: lambda x, dim=None, correction=1, keepdim=False: _variance(x, dim, correction, keepdim),
    torch.ops.prims.var: lambda x, dims, correction=1, **_: _variance(x, dims, correction, False),
    torch.ops.prims.sum: lambda x, dims, **_: x.sum(dims),
    torch.ops.prims.prod: lambda x, dims, **_: _product_over(x, dims),
    aten.square: lambda x: x * x,
    aten.rsqrt: lambda x: 1 / x.sqrt(),
    aten.addmm: lambda c, a, b, beta=1, alpha=1: _scaled(c, beta) + _scaled(a @ b, alpha),
    aten.tanh_backward: lambda g, y: g * (1 - y * y),
    aten.sigmoid_backward: lambda g, y: g * (y * (1 - y)),
    aten.threshold_backward: lambda g, y, threshold: torch.where(y > threshold, g, 0.0),
    aten.leaky_relu: lambda x, slope=0.01: torch.where(x > 0, x, x * slope),
    aten.leaky_relu_backward: lambda g, x, slope, _of_result: torch.where(x > 0, g, g * slope),
    aten.softplus_backward: lambda g, x, beta, _threshold: g * torch.sigmoid(x * beta),
}
"""Operations computed, values and bounds, as these expressions; what is not here is left to PyTorch's own
decompositions."""


def _scaled(x: Any, factor: float) -> Any:
    return x if factor == 1 else x * factor


def _variance(x: Any, dim: Any, correction: float, keepdim: bool) -> Any:
    dims = list(range(x.dim())) if dim is None else dim
    centred = x - x.mean(dims, keepdim=True)
    squares = (centred * centred).sum(dims, keepdim=keepdim)
    return squares / (x.numel() // max(squares.numel(), 1) - correction)


def _product_over(x: Any, dims: Any) -> Any:
    for dim in sorted(range(x.dim()) if dims is None else dims, reverse=True):
        x = x.prod(dim)
    return x
