"""Operations that are computed, values and bounds, as expressions in simpler ones."""

from __future__ import annotations

import math
from typing import Any

import torch

from gradcompare.bounds.kinds import magnitude_above
from gradcompare.bounds.operands import lower_end, value


def converted(x: Any, dtype: torch.dtype | None = None, **_: Any) -> Any:
    """A conversion between floating formats is no operation of the mathematics: the run's own precision bounds every
    rounding. To whole numbers, truncation jumps where rounding crosses one; to bool, where it crosses 0."""
    target = torch.float64 if dtype is None or dtype.is_floating_point else dtype
    parents = (x.number,)
    with x.run.paused():
        bound = None if x.memory.surely_exact else x.error.clone()
        if bound is None:
            pass
        elif target is torch.bool:
            bound = ((value(x).abs() <= 2 * bound) & (bound > 0)).to(torch.float64)
        elif value(x).is_floating_point() and not target.is_floating_point:
            bound = torch.trunc(magnitude_above(x)) - torch.trunc(lower_end(x))
        return x.run.wrap(x.value.to(target, copy=True), bound, parents)


def divided(a: Any, b: Any, *, rounding_mode: str | None = None) -> Any:
    """A quotient rounded to a whole number."""
    quotient = a / b
    return {None: lambda q: q, "floor": torch.floor, "trunc": torch.trunc}[rounding_mode](quotient)


def variance(x: Any, dim: Any = None, correction: float | None = None, keepdim: bool = False) -> Any:
    """The mean square of the centred numbers, in two passes; and what Welford's one pass loses beside that.

    T. F. Chan, G. H. Golub and R. J. LeVeque, Algorithms for computing the sample variance, The American Statistician
    37 (1983), table 1: relatively n kappa u, with kappa = norm(x) / norm(x - mean).
    """
    dims = list(range(x.dim())) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    centred = x - x.mean(dims, keepdim=True)
    squares = (centred * centred).sum(dims, keepdim=keepdim)
    n = x.numel() // max(squares.numel(), 1)
    result = squares / (n - (1 if correction is None else correction))
    with x.run.paused():
        size, spread = ((value(t) ** 2).sum(dims, keepdim=keepdim).sqrt() for t in (x, centred))
        result.error.add_(4 * x.run.precision.gamma(n) * (size * spread) / n)
    return result


_REST_OF_LOG_2 = 2.3190468138462996e-17
"""log 2 less the float64 that is nearest to it."""


def power_of_two(x: Any) -> Any:
    """exp(x log 2), where the rounding of log 2 itself counts as well: far from 0 it is as large as that of x log 2."""
    return (x * math.log(2) + x * _REST_OF_LOG_2).exp()


def softmax_gradient(g: Any, y: Any, dim: int) -> Any:
    """g - y sum(g). For softmax PyTorch computes y (g - sum(g y)), which rounds no more, for |g - s| <= |g| + |s|."""
    return g - y * g.sum(dim, keepdim=True)


def cross_entropy_of_logits(x: Any, y: Any, weight: Any = None, pos_weight: Any = None, reduction: int = 1) -> Any:
    """(1 - y) x - log sigmoid(x), the second term weighted where the class is 1; all of it weighted and summed."""
    log_sigmoid = torch.nn.functional.logsigmoid(x)
    if pos_weight is not None:
        log_sigmoid = ((pos_weight - 1) * y + 1) * log_sigmoid
    entries = (1 - y) * x - log_sigmoid
    if weight is not None:
        entries = entries * weight
    return {0: lambda: entries, 1: entries.mean, 2: entries.sum}[reduction]()


def product_over(x: Any, dims: Any) -> Any:
    """A product over several dimensions, one after the other."""
    for dim in sorted(range(x.dim()) if dims is None else dims, reverse=True):
        x = x.prod(dim)
    return x
