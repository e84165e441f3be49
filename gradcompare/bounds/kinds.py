"""The kinds of rules: what most operations have in common, so that a row of the table names only what is its own.

A rule is `rule(run, y, *arguments) -> bound`: y is the result computed in float64, the bound is E(y) as a new tensor of
y's shape. Most are made by `rounded`: how far the arguments' errors move the *exact* result, and how many unit
roundoffs of the result the operation adds itself. `PROOF.md` beside this file proves each kind under its name here.

Here are those of single entries; `products.py` has sums and products, `kinks.py` what jumps.

N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002: section 2.2 (the model).
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
    lower_end,
    magnitude,
    nonzero,
    number,
)
from gradcompare.bounds.precision import UNITS_IN_THE_LAST_PLACE, Precision

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
