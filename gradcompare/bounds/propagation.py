"""How far the errors of the arguments move the exact result of an elementwise operation: `f(y, *arguments)`, where y is
the result computed in float64. What the operation itself rounds is added by the kind of its rule (`kinds.py`)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gradcompare.bounds.kinds import Rule
from gradcompare.bounds.operands import (
    Amount,
    distance_from_0,
    error,
    full_error,
    is_exact,
    lower_end,
    magnitude,
    nonzero,
    number,
    tensor,
    times,
    value,
)
from gradcompare.bounds.precision import FLOAT64

# ---- arithmetic ------------------------------------------------------------------------------------------------------


def multiplied_by(y: Tensor, a: Any, b: Any) -> Amount:
    """|a'b' - ab| <= E(a) |b'| + |a| E(b)."""
    return times(error(a), magnitude(b)) + times(magnitude(a), error(b))


def divided_by(y: Tensor, a: Any, b: Any) -> Amount:
    """|a'/b' - a/b| <= (E(a) + |a/b| E(b)) / |b'|; infinite where b may be 0."""
    smallest = tensor(distance_from_0(b))
    moved = error(a) / smallest
    if not is_exact(b):  # the quotient may have lost something to underflow
        moved = moved + (magnitude(a) / smallest + FLOAT64.underflow * nonzero(a)) * (error(b) / smallest)
    return torch.where(smallest > 0, moved, math.inf)


def inverted(y: Tensor, x: Any) -> Amount:
    """1 / x."""
    return divided_by(y, 1.0, x)


def raised(y: Tensor, x: Any, exponent: Any) -> Amount:
    """x^k: its steepest slope within 2E of x, times E; where x may be 0 or negative only whole exponents have one."""
    k = value(exponent).item() if isinstance(exponent, Tensor) and value(exponent).numel() == 1 else exponent
    if not isinstance(x, Tensor) or isinstance(k, Tensor) or not is_exact(exponent):
        return _raised_in_general(y, x, exponent)
    e, size = error(x), magnitude(x)
    if k == 0 or is_exact(x):
        return 0.0
    whole = float(k).is_integer()
    if whole and k >= 1:
        return times(k * size ** (k - 1), e)
    nearest = distance_from_0(x)
    steepest = torch.maximum(*(end**k * (e / end) for end in (nearest.clamp(min=0), size)))
    return torch.where((nearest if whole else lower_end(x)) > 0, abs(k) * steepest, _infinite_if(e))


def _raised_in_general(y: Tensor, x: Any, exponent: Any) -> Amount:
    """x^k = exp(k log x) for positive x: the relative error is expm1 of what k log x moves by."""
    lowest, ex, ek = tensor(lower_end(x)), tensor(error(x)), tensor(error(exponent))
    steepest = torch.maximum(lowest.log().abs(), tensor(magnitude(x)).log().abs())
    moved = ek * steepest + magnitude(exponent) * (ex / lowest)
    return torch.where(lowest > 0, _exp_moved(y, moved), _infinite_if(ex + ek))


def _exp_moved(exp_x: Tensor, moved: Any) -> Tensor:
    """|exp x' - exp x''| for x', x'' no further than `moved` from each other, x among them."""
    return (exp_x.abs() + FLOAT64.flush) * torch.exp(moved) * torch.expm1(moved)


def _infinite_if(e: Any) -> Tensor:
    return torch.where(tensor(e) > 0, math.inf, torch.zeros_like(tensor(e)))


# ---- elementary functions --------------------------------------------------------------------------------------------


def square_root(y: Tensor, x: Any) -> Amount:
    """Slope 1 / (2 sqrt x), steepest at the lower end."""
    e, lowest = full_error(x), lower_end(x)
    return torch.where(lowest > 0, e / (2 * lowest.clamp(min=0).sqrt()), _infinite_if(e))


def exponential(y: Tensor, x: Any) -> Amount:
    """exp x' - exp x = exp x expm1(x' - x)."""
    return _exp_moved(y, full_error(x))


def exponential_less_1(y: Tensor, x: Any) -> Amount:
    """As `exponential`: the 1 does not move."""
    return _exp_moved(torch.exp(number(x)), full_error(x))


def logarithm(shift: float, log_of_base: float = 1) -> Rule:
    """log(x + shift): slope 1 / (x + shift), steepest at the lower end. To other bases, divided by their logarithm."""

    def propagated(y: Tensor, x: Any) -> Amount:
        e, lowest = full_error(x), torch.sub(number(x) + shift, error(x), alpha=2)
        return torch.where(lowest > 0, e / (lowest * log_of_base), _infinite_if(e))

    return propagated


def sigmoid_slope(x: Tensor) -> Tensor:
    """e / (1 + e)^2 with e = exp(-|x|): a (1 - a) would cancel to 0 where the slope does not."""
    e = torch.exp(-x)
    return e / (1 + e).square_()


def tanh_slope(x: Tensor) -> Tensor:
    """1 - tanh^2, without cancellation."""
    return 4 * sigmoid_slope(2 * x)


def erf_slope(x: Tensor) -> Tensor:
    """2 / sqrt(pi) exp(-x^2)."""
    return 2 / math.sqrt(math.pi) * torch.exp(-x * x)


def atan_slope(x: Tensor) -> Tensor:
    """1 / (1 + x^2)."""
    return 1 / (1 + x * x)


def softplus(y: Tensor, x: Any, beta: Any = 1, threshold: Any = 20) -> Amount:
    """log(1 + exp(beta x)) / beta: slope sigmoid(beta x). Above the threshold PyTorch returns x, `_beyond` off."""
    scale, e = abs(beta), _error_of_scaled(x, beta)
    return (torch.sigmoid(beta * number(x) + 2 * e) * e + _beyond(x, beta, threshold)) / scale


def softplus_slope(y: Tensor, g: Any, x: Any, beta: Any, threshold: Any) -> Amount:
    """g sigmoid(beta x); in PyTorch g e / (e + 1) with e = exp(beta x), and g above the threshold. The slope of
    log(sigmoid) is at most 1, so the sigmoid moves, relatively, by at most expm1 of what beta x moves."""
    e = _error_of_scaled(x, beta)
    largest = (torch.sigmoid(beta * number(x)) * torch.exp(e)).clamp(max=1)
    moved = (largest * torch.expm1(e)).clamp(max=1) + _beyond(x, beta, threshold)
    overflows = magnitude(g) > x.run.precision.largest * math.exp(-threshold) / 2
    return torch.where(overflows, math.inf, times(error(g), largest) + magnitude(g) * moved)


def log_sigmoid(y: Tensor, x: Any) -> Amount:
    """log(1 / (1 + exp(-x))): slope sigmoid(-x), which falls; steepest at the lower end."""
    return torch.sigmoid(-lower_end(x)) * full_error(x)


def _error_of_scaled(x: Any, beta: Any) -> Tensor:
    """beta x is one more rounding."""
    e = full_error(x)
    return e if beta == 1 else abs(beta) * (e + 2 * x.run.precision.unit_roundoff * magnitude(x))


def _beyond(x: Any, beta: Any, threshold: Any) -> Tensor:
    """exp(-beta x) where beta x may be above the threshold, else 0."""
    scaled, margin = beta * number(x), 2 * abs(beta) * error(x)
    return torch.where(scaled + margin > threshold, torch.exp(-(scaled - margin).clamp(min=threshold)), 0.0)


def unmoved(y: Tensor, x: Any) -> Amount:
    """Slope at most 1."""
    return error(x)


# ---- kinks -----------------------------------------------------------------------------------------------------------


def clamped(y: Tensor, x: Any, min: Any = None, max: Any = None) -> Amount:  # noqa: A002
    """Surely below, the lower limit counts; surely inside, x; else the larger error of the two. So from above."""
    e = full_error(x)
    for limit, side in ((min, 1), (max, -1)):
        if limit is not None:
            inside, margin = side * (number(x) - number(limit)), 2 * (error(x) + error(limit))
            e = _of_the_larger(inside, margin, e, error(limit))
    return e


def clamped_above(y: Tensor, x: Any, limit: Any) -> Amount:
    """min(x, limit)."""
    return clamped(y, x, None, limit)


def larger(y: Tensor, a: Any, b: Any) -> Amount:
    """max(a, b)."""
    return _of_the_larger(number(a) - number(b), 2 * (error(a) + error(b)), error(a), error(b))


def smaller(y: Tensor, a: Any, b: Any) -> Amount:
    """min(a, b)."""
    return _of_the_larger(number(b) - number(a), 2 * (error(a) + error(b)), error(a), error(b))


def _of_the_larger(lead: Tensor, margin: Any, ea: Any, eb: Any) -> Tensor:
    """Where one is surely the larger its error counts, else the larger error."""
    ea, eb = tensor(ea), tensor(eb)
    return torch.where(lead > margin, ea, torch.where(lead < -margin, eb, torch.maximum(ea, eb)))


def chosen(y: Tensor, condition: Any, a: Any, b: Any) -> Amount:
    """where(condition, a, b): where the condition is undecided the result may be either."""
    ea, eb = tensor(error(a)), tensor(error(b))
    decided = torch.where(value(condition), ea, eb)
    if is_exact(condition):
        return decided
    either = (tensor(number(a)) - tensor(number(b))).abs() + ea + eb + torch.maximum(ea, eb)
    return torch.where(tensor(error(condition)) > 0, either, decided)


def filled(y: Tensor, x: Any, mask: Any, fill: Any) -> Amount:
    """where(mask, fill, x)."""
    return chosen(y, mask, fill, x)
