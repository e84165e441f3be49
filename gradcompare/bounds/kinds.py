"""The kinds of rules: what most operations have in common, so that a row of the table names only what is its own.

A rule is `rule(run, y, *arguments) -> bound`: y is the result computed in float64, the bound is E(y) as a new tensor of
y's shape. Most are made by `rounded`: how far the arguments' errors move the *exact* result, and how many unit
roundoffs of the result the operation adds itself. `PROOF.md` beside this file proves each kind under its name here.

N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002: section 2.2 (the model), lemma 3.1
and section 3.5 (sums and products).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gradcompare.bounds.operands import (
    Amount,
    error,
    full_error,
    is_exact,
    lower_end,
    magnitude,
    nonzero,
    number,
    tensor,
    value,
    values,
)
from gradcompare.bounds.precision import FLOAT64, UNITS_IN_THE_LAST_PLACE, Precision

if TYPE_CHECKING:
    from gradcompare.bounds.run import Run

aten = torch.ops.aten
Rule = Callable[..., Any]

_NEGLIGIBLE = 2.0**40
"""Beside a bound that much larger, what underflow adds is covered by the guard in u."""


def finish(p: Precision, y: Tensor, bound: Amount, reach: Tensor | None = None) -> Tensor:
    """The bound as a new tensor of y's shape; infinite where it is not a number, or where something met on the way
    (no larger than `reach`; if not given, the result itself) may leave the working precision. A constant that is not
    finite was there from the start."""
    if not isinstance(bound, Tensor):
        bound = torch.full_like(y, bound, dtype=torch.float64)
    elif bound.shape != y.shape:
        bound = bound.broadcast_to(y.shape).contiguous()
    if y.numel() == 0 or _largest_met(y, bound, reach) <= p.largest:
        return bound
    if reach is not None:
        return torch.where(reach <= p.largest, bound, math.inf)
    reach = torch.add(y.abs(), bound, alpha=2) if y.is_floating_point() else bound
    return torch.where((reach <= p.largest) | ((bound == 0) & ~y.isfinite()), bound, math.inf)


def _largest_met(y: Tensor, bound: Tensor, reach: Tensor | None) -> float:
    """A number no smaller than any entry of `reach`; NaN if one is not a number."""
    if reach is not None:
        return float(reach.max())
    if not y.is_floating_point():
        return float(bound.max())
    least, most = y.aminmax()
    return max(float(most), -float(least)) + 2 * float(bound.max())


def with_underflow(bound: Tensor, lost: float, possible: Callable[[], Any]) -> Tensor:
    """The bound, and what underflow adds to it where that counts: `lost` times `possible()`, which is 0 where nothing
    can underflow."""
    if bound.numel() == 0 or float(bound.min()) > _NEGLIGIBLE * lost:
        return bound
    possible_at = possible()
    return torch.add(bound, possible_at, alpha=lost) if isinstance(possible_at, Tensor) else bound + lost * possible_at


# ---- elementwise -----------------------------------------------------------------------------------------------------


def rounded(propagated: Rule, *, units: float = 1, underflows: Rule | None = None) -> Rule:
    """The rule of an operation that gets exact arguments right to `units` unit roundoffs.

    `propagated(y, *arguments)` is how far the arguments' errors move the exact result; `underflows(*arguments)` is 0
    where the operation cannot underflow.
    """

    def rule(run: Run, y: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        p = run.precision
        moved = propagated(y, *args, **kwargs)
        if not units or not y.is_floating_point():
            return finish(p, y, moved.clone() if isinstance(moved, Tensor) else moved)
        bound = _with_roundings(y, moved, units * p.unit_roundoff)
        if underflows is not None:
            bound = with_underflow(bound, p.underflow, lambda: underflows(*args))
        return finish(p, y, bound)

    return rule


def elementary(propagated: Rule, *, functions: int = 1, underflows: Rule | None = None) -> Rule:
    """The rule of a function that libraries get right to some units in the last place, each at most 2u (assumption 3);
    or of so many of them, one after the other.

    `underflows(*arguments)` is what the loss to underflow is multiplied by: 0 where the result is exact, as tanh 0 is.
    """

    def rule(run: Run, y: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        p = run.precision
        u = 2 * functions * UNITS_IN_THE_LAST_PLACE * p.unit_roundoff
        moved = propagated(y, *args, **kwargs)
        if not y.is_floating_point():  # a power of whole numbers is exact
            return finish(p, y, moved.clone() if isinstance(moved, Tensor) else moved)
        bound = _with_roundings(y, moved, u)
        return finish(p, y, bound + p.flush * (1.0 if underflows is None else underflows(*args)))

    return rule


def with_workspace(rule: Rule) -> Rule:
    """The rule of an operation that returns, beside its result, numbers for its own derivative: nothing is known of
    those."""

    def both(run: Run, y: Any, *args: Any, **kwargs: Any) -> Any:
        return rule(run, y[0], *args, **kwargs), torch.full_like(y[1], math.inf, dtype=torch.float64)

    return both


def added(run: Run, y: Tensor, a: Any, b: Any, alpha: Any = 1) -> Tensor:
    """a + alpha b: where alpha is not 1, alpha b is one more rounding."""
    p, moved = run.precision, error(b)
    if alpha != 1:
        rounding = p.unit_roundoff * abs(alpha) * magnitude(b) + p.underflow * nonzero(b)
        moved = error(alpha) * magnitude(b) + magnitude(alpha) * moved + rounding
    moved = error(a) + moved
    return finish(p, y, _with_roundings(y, moved, p.unit_roundoff) if y.is_floating_point() else moved)


def subtracted_from(run: Run, y: Tensor, a: Any, b: Any, alpha: Any = 1) -> Tensor:
    """b - alpha a."""
    return added(run, y, b, a, alpha)


def _with_roundings(y: Tensor, moved: Amount, u: float) -> Tensor:
    """A relative error u of the result, no larger than |y| + 2 `moved` before it is rounded, and what it moved."""
    bound = y.abs().mul_(u)
    if isinstance(moved, Tensor):
        return bound.add_(moved, alpha=1 + 2 * u) if moved.shape == y.shape else bound + moved * (1 + 2 * u)
    return bound.add_(moved * (1 + 2 * u)) if moved else bound


def by_slope(slope: Callable[[Tensor], Tensor]) -> Rule:
    """What an error moves a function whose slope falls with |x|: its steepest slope within 2E of x, times E."""

    def propagated(y: Tensor, x: Any, *_: Any) -> Amount:
        e = error(x)
        return slope(torch.sub(number(x).abs(), e, alpha=2).clamp_(min=0)) * e

    return propagated


def jumping(operation: Callable[[Tensor], Tensor]) -> Rule:
    """A step function that never falls (floor, round, ...): as far as it climbs within 2E of x."""

    def rule(run: Run, y: Tensor, x: Any, *args: Any, **kwargs: Any) -> Tensor:
        climbed = operation(magnitude_above(x), *args, **kwargs) - operation(lower_end(x), *args, **kwargs)
        return finish(run.precision, y, climbed)

    return rule


def magnitude_above(x: Any) -> Any:
    """value + 2E: no evaluation, and not the exact value either, is larger."""
    return torch.add(number(x), error(x), alpha=2)


# ---- sums and products -----------------------------------------------------------------------------------------------


def product(operation: Any) -> Rule:
    """A product of matrices or vectors with inner length n, in any order of summation, with or without fused
    multiply-add.

    E(AB) = E(A) |B| + |A| E(B) + gamma_n |A| |B|, with magnitudes for absolute values (Higham, section 3.5, equation
    3.13).
    """

    def rule(run: Run, y: Tensor, a: Any, b: Any) -> Tensor:
        p = run.precision
        gamma = p.gamma(value(a).shape[-1])
        bound = _product_bound(p, operation, a, b, gamma)
        if bound.numel() == 0 or float(bound.max()) <= gamma * p.largest:  # for bound >= gamma |A| |B|
            return bound
        return finish(p, y, bound, reach=bound / max(gamma, p.unit_roundoff))

    return rule


def _product_bound(p: Precision, operation: Any, a: Any, b: Any, gamma: float) -> Tensor:
    size_a, size_b, inner = magnitude(a), magnitude(b), value(a).shape[-1]
    if is_exact(b):
        bound = (
            gamma * operation(size_a, size_b)
            if is_exact(a)
            else operation(torch.add(error(a), size_a, alpha=gamma), size_b)
        )
    else:
        bound = operation(size_a, torch.add(full_error(b), size_b, alpha=gamma))
        if not is_exact(a):
            bound += operation(full_error(a), size_b)

    def terms_that_are_not_0() -> Tensor:
        smallest = [float(torch.where(s > 0, s, math.inf).min()) if s.numel() else math.inf for s in (size_a, size_b)]
        if gamma * smallest[0] * smallest[1] > p.underflow:  # then bound is 0 where, and only where, all terms are
            return bound.sign()
        return operation(nonzero(a), nonzero(b)).clamp(max=1)

    largest = sum(float(s.max()) if s.numel() else 0.0 for s in (size_a, size_b))  # magnifies what weights lose
    return with_underflow(bound, inner * (p.underflow + FLOAT64.underflow * largest), terms_that_are_not_0)


def product_added(operation: Any) -> Rule:
    """beta C + alpha A B, summed in any order: one more term."""

    def rule(run: Run, y: Tensor, c: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
        p = run.precision
        scaled = (alpha not in (0, 1)) + (beta not in (0, 1))
        gamma = p.gamma(value(a).shape[-1] + 1 + scaled)
        size_alpha, size_beta = magnitude(alpha), magnitude(beta)
        bound = size_alpha * _product_bound(p, operation, a, b, gamma)
        if size_beta:
            bound = bound + size_beta * (error(c) + gamma * magnitude(c))
        for factor, of in ((alpha, lambda: operation(magnitude(a), magnitude(b))), (beta, lambda: magnitude(c))):
            if error(factor):
                bound = bound + error(factor) * of()
        if scaled:
            bound = bound + 2 * p.underflow
        return finish(p, y, bound, reach=bound / gamma)

    return rule


def reduction(mean: bool = False) -> Rule:
    """Sums, in any order: the errors add up, and gamma_(n-1) of the sum of absolute values (Higham, section 4.2); a
    mean divides by n, or multiplies by 1/n."""

    def rule(run: Run, y: Tensor, x: Any, *args: Any, **kwargs: Any) -> Tensor:
        p = run.precision
        kwargs = {**kwargs, "dtype": torch.float64}
        n = max(value(x).numel() // max(y.numel(), 1), 1)
        bound = aten.sum(full_error(x), *args, **kwargs)
        if not value(x).is_floating_point():
            return finish(p, y, bound / n if mean else bound)
        gamma = p.gamma(n - 1)
        sizes = aten.sum(number(x).abs(), *args, **kwargs)
        reach = torch.add(sizes, bound, alpha=2)
        bound = torch.add(bound, reach, alpha=gamma)
        if mean and n > 1:
            u = 2 * p.unit_roundoff
            bound = (
                bound * ((1 + 2 * u) / n) + u * y.abs() + torch.where(reach > 0, p.underflow, torch.zeros_like(bound))
            )
        return finish(p, y, bound, reach=torch.add(reach, bound, alpha=2))

    return rule


def cumulative(run: Run, y: Tensor, x: Any, dim: int, **_: Any) -> Tensor:
    """Running sums: each is a sum of at most n terms."""
    n = value(x).shape[dim] if value(x).dim() else 1
    reach = magnitude(x).cumsum(dim)
    return finish(run.precision, y, full_error(x).cumsum(dim) + run.precision.gamma(n - 1) * reach, reach)


def accumulated(operation: Any) -> Rule:
    """Adding values into places, some of them into the same place, in any order: sums of as many terms as met there."""

    def rule(run: Run, y: Tensor, x: Any, *args: Any, alpha: float = 1, **kwargs: Any) -> Tensor:
        p = run.precision
        source = next(a for a in reversed(args) if isinstance(a, Tensor))
        if not all(is_exact(i) for a in args if a is not source for i in (a if isinstance(a, list | tuple) else [a])):
            return finish(p, y, math.inf)  # where things go is itself undecided

        def spread(into: Tensor, added: Tensor) -> Tensor:
            return operation(into, *(added if a is source else values(a) for a in args), **kwargs)

        factor = abs(alpha)
        met = spread(torch.zeros_like(y), torch.ones_like(value(source), dtype=torch.float64)) + (alpha != 1)
        reach = spread(magnitude(x), factor * magnitude(source))
        nu = met * p.unit_roundoff
        gamma = torch.where(nu < 1, nu / (1 - nu), math.inf)
        bound = spread(full_error(x), factor * full_error(source) + error(alpha) * magnitude(source))
        underflow = met * (p.underflow if alpha != 1 else 0.0)
        return finish(p, y, bound + torch.where(met > 0, gamma * reach, 0.0) + underflow, torch.add(reach, bound))

    return rule


def multiplied(run: Run, y: Tensor, x: Any, *args: Any, **kwargs: Any) -> Tensor:
    """A product of n numbers, in any order: what one error after the other moves it, gamma_n of it, and each underflow
    magnified by the other numbers."""
    p = run.precision
    n = max(value(x).numel() // max(y.numel(), 1), 1)

    def over(factors: Tensor) -> Tensor:
        return aten.prod(factors, *args, **{**kwargs, "dtype": torch.float64})

    sizes = magnitude(x)
    largest, reach = over(sizes), over(sizes.clamp(min=1))
    moved = over(sizes + full_error(x)) - largest
    lost = p.underflow * n * reach * over(nonzero(x)) if n > 1 else 0.0
    rounding = 4 * p.gamma(n) * largest if n > 1 or not is_exact(x) else 0.0
    return finish(p, y, moved * (1 + 4 * p.gamma(n)) + rounding + lost, 2 * (reach + moved))


# ---- kinks -----------------------------------------------------------------------------------------------------------


def comparison(run: Run, y: Tensor, a: Any, b: Any) -> Tensor:
    """1 (undecided) where rounding can have changed the answer, |a - b| <= 2 E(a) + 2 E(b), unless both are exact;
    else 0.

    Where a differentiated tensor meets exactly the number it is compared with, that is a kink (see `Run`).
    """
    distance, undecided = _undecided(a, b)
    if differentiated(a) or differentiated(b):
        tie = distance == 0
        if bool(tie.any()):
            run.met_a_tie = True
            if run.ties_are_kinks:
                undecided = undecided | tie
    return undecided.to(torch.float64).broadcast_to(y.shape).contiguous()


def equality(run: Run, y: Tensor, a: Any, b: Any) -> Tensor:
    """As `comparison`, without kinks; and x == max(x) is decided where only one entry can be the maximum. Where several
    exact ones are, that is a kink: which of them the derivative goes to, or in which parts, is a matter of choice."""
    distance, undecided = _undecided(a, b)
    for one, other in ((a, b), (b, a)):
        kept = run.extremes_shape(one, other, distance.dim())
        if kept is not None:
            dims = [d for d, n in enumerate(kept) if n == 1]
            alone = undecided.sum(dims, keepdim=True) == 1 if dims else torch.ones_like(undecided)
            undecided = undecided & ~(alone & (distance == 0))
            tie = (distance == 0) & ~undecided
            several = tie & (tie.sum(dims, keepdim=True) > 1) if dims else torch.zeros_like(tie)
            if bool(several.any()):
                run.met_a_tie = True
                undecided = undecided | several if run.ties_are_kinks else undecided
    return undecided.to(torch.float64).broadcast_to(y.shape).contiguous()


def _undecided(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    distance = (tensor(number(a)) - tensor(number(b))).abs()
    margin = tensor(error(a) + error(b))
    return distance, ~(distance > 2 * margin) & (margin > 0)


def differentiated(x: Any) -> bool:
    """Whether autograd follows it."""
    return isinstance(x, Tensor) and x.requires_grad


def logical(run: Run, y: Tensor, *args: Any) -> Tensor:
    """A combination of answers is undecided where one of them is; a number is an answer as to whether it is 0."""
    undecided = [_undecided(a, 0.0)[1] if value(a).is_floating_point() else tensor(error(a)) > 0 for a in args]
    return finish(run.precision, y, sum((q.to(torch.float64) for q in undecided), 0.0)).clamp_(max=1)


def all_or_any(run: Run, y: Tensor, x: Any, *_: Any, **__: Any) -> Tensor:
    """One answer about many entries: undecided where one of those is."""
    return finish(run.precision, y, 0.0 if is_exact(x) else 1.0)


def positions(run: Run, y: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Where something was found: nothing is known if rounding can have changed what was looked at."""
    return finish(run.precision, y, 0.0 if is_exact(x) else math.inf)


def gate(run: Run, y: Tensor, g: Any, x: Any, threshold: Any) -> Tensor:
    """g where x > threshold, else 0: either where that is undecided.

    x is the *result* of relu, so an exact 0 is no kink: relu's own rule tells a kink from an inactive unit.
    """
    _, undecided = _undecided(x, threshold)
    decided = torch.where(value(x) > value(threshold), full_error(g), 0.0)
    return finish(run.precision, y, torch.where(undecided, magnitude(g), decided))


def rectified(run: Run, y: Tensor, x: Any) -> Tensor:
    """max(0, x): where x is surely negative the result is surely 0.

    At an exact 0 that is to be a kink the result carries the smallest bound there is, so that `gate` sees it.
    """
    bound = torch.where(magnitude_above(x) < 0, 0.0, full_error(x))
    if differentiated(x):
        tie = (value(x) == 0) & (bound == 0)
        if bool(tie.any()):
            run.met_a_tie = True
            if run.ties_are_kinks:
                bound = torch.where(tie, run.precision.underflow, bound)
    return finish(run.precision, y, bound)


def sign(run: Run, y: Tensor, x: Any) -> Tensor:
    """2 where x may have either sign; 1 at an exact 0 that is to be a kink."""
    _, undecided = _undecided(x, 0.0)
    bound = 2 * undecided.to(torch.float64)
    if differentiated(x):
        tie = value(x) == 0
        if bool(tie.any()):
            run.met_a_tie = True
            if run.ties_are_kinks:
                bound = torch.where(tie & ~undecided, 1.0, bound)
    return finish(run.precision, y, bound)


def extreme(run: Run, y: Tensor, x: Any, *args: Any, **kwargs: Any) -> Tensor:
    """A maximum or minimum moves no further than the argument that moves furthest."""
    return finish(run.precision, y, aten.amax(full_error(x), *args, **kwargs))


def extreme_and_position(run: Run, y: Any, x: Any, dim: int, keepdim: bool = False) -> Any:
    """The maximum of each line, and where it is."""
    moved = aten.amax(full_error(x), dim, keepdim)
    contested = _contested(run, x, y[0] if keepdim else y[0].unsqueeze(dim), dim)
    return finish(run.precision, y[0], moved), contested if keepdim else contested.squeeze(dim)


def position_of_extreme(run: Run, y: Tensor, x: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the maximum is; y is its position."""
    if dim is None:
        contested = _contested(run, _Flat(x), value(x).flatten()[y.flatten()], 0)
        return contested.reshape(y.shape)
    at = y if keepdim else y.unsqueeze(dim)
    contested = _contested(run, x, number(x).gather(dim, at), dim)
    return contested if keepdim else contested.squeeze(dim)


class _Flat:
    def __init__(self, x: Any) -> None:
        self.value, self.error, self.requires_grad = value(x).flatten(), full_error(x).flatten(), differentiated(x)


def _contested(run: Run, x: Any, found: Tensor, dim: int) -> Tensor:
    """Infinite where another entry of the line may take the place of the one found, else 0. Where several exact ones
    are alike, which of them the derivative goes to is a matter of choice."""
    margin = full_error(x) + full_error(x).amax(dim, keepdim=True)
    distance = (number(x) - found).abs()
    rivals = ~(distance > 2 * margin) & (margin > 0)
    if x.requires_grad:
        alike = distance == 0
        several = alike.sum(dim, keepdim=True) > 1
        run.met_a_tie = run.met_a_tie or bool(several.any())
        rivals = rivals | (alike & several) if run.ties_are_kinks else rivals
    return torch.where(rivals.sum(dim, keepdim=True) > 1, math.inf, tensor(0.0))


def _ordered(run: Run, y: Any, x: Any, dim: int) -> Any:
    """Numbers in order move no further than the one that moves furthest (each is a maximum of minima). Where they stood
    is known unless two may change places."""
    furthest = full_error(x).amax(dim, keepdim=True)
    gaps = number(x).sort(dim).values.diff(dim=dim)
    contested = (~(gaps > 4 * furthest) & (furthest > 0)).any(dim, keepdim=True)
    lost = torch.where(contested, math.inf, tensor(0.0)).broadcast_to(y[1].shape).clone()
    return finish(run.precision, y[0], furthest), lost


def in_order(run: Run, y: Any, x: Any, dim: int = -1, *_: Any, **__: Any) -> Any:
    """sort."""
    return _ordered(run, y, x, dim)


def foremost(run: Run, y: Any, x: Any, k: int, dim: int = -1, *_: Any, **__: Any) -> Any:
    """topk."""
    return _ordered(run, y, x, dim)


def scattered(run: Run, y: Tensor, x: Any, dim: int, index: Any, source: Any) -> Tensor:
    """Writing values into places of one dimension; where the places are undecided nothing is known of the line."""
    moved = full_error(source) if isinstance(source, Tensor) else error(source)
    bound = aten.scatter(full_error(x), dim, value(index), moved)
    if not is_exact(index):
        lines = full_error(index).amax(dim, keepdim=True)
        if any(n < m for d, (n, m) in enumerate(zip(lines.shape, y.shape, strict=True)) if d != dim % y.dim()):
            return finish(run.precision, y, math.inf)
        bound = bound + lines
    return finish(run.precision, y, bound)


def put(run: Run, y: Tensor, x: Any, indices: Any, new: Any, accumulate: bool = False, *_: Any) -> Tensor:
    """x[indices] = new; where a mask is undecided, either may stand."""
    if accumulate:
        return accumulated(aten.index_put)(run, y, x, indices, new, True)
    at = [value(i) for i in indices]
    bound = aten.index_put(full_error(x), at, full_error(new))
    masks = [i for i in indices if i is not None and not is_exact(i)]
    if not masks:
        return finish(run.precision, y, bound)
    if len([i for i in indices if i is not None]) > 1 or value(new).numel() != 1 or value(masks[0]).dtype != torch.bool:
        return finish(run.precision, y, math.inf)  # which number goes where is itself undecided
    undecided = [None if i is None else error(i) > 0 for i in indices]
    either = magnitude(x) + magnitude(new)
    marked = aten.index_put(torch.zeros_like(bound, dtype=torch.bool), undecided, torch.tensor(True))
    return finish(run.precision, y, torch.where(marked, either, bound))
