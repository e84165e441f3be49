"""The kinds of rules for sums and products, whose errors grow with the number of terms.

N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002: lemma 3.1 and section 3.5.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gradcompare.bounds.kinds import Rule, finish, with_underflow
from gradcompare.bounds.operands import (
    error,
    full_error,
    is_exact,
    magnitude,
    nonzero,
    number,
    value,
)
from gradcompare.bounds.precision import FLOAT64, Precision

if TYPE_CHECKING:
    from gradcompare.bounds.run import Run

aten = torch.ops.aten


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
        if alpha not in (0, 1):  # a BLAS may scale A, or B, before it multiplies: what is lost there is multiplied too
            ones = [torch.ones_like(magnitude(factor)) for factor in (a, b)]
            bound = bound + p.underflow * (operation(ones[0], magnitude(b)) + operation(magnitude(a), ones[1]))
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
