"""What a rule asks of an operand: its value, its bound E, and how large it can be at most.

An operand is a bounded tensor, a plain tensor or a Python number. The last two have bound 0, except a Python number
that the working precision does not represent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gradcompare.bounds.precision import Precision
from gradcompare.bounds.tensor import BoundedTensor

_LISTS = (list, tuple)
_TREES = (*_LISTS, dict)

Amount = Tensor | float
"""A non-negative bound: a tensor, or 0.0 where nothing can be off (so that no work is spent on it)."""


class NoRuleError(NotImplementedError):
    """An operation for which there is neither a rule nor a decomposition into operations that have one."""


class RoundedConstant(float):
    """A Python number, which the working precision may not represent (0.01 in float32)."""

    error: float

    def __new__(cls, number: float, p: Precision) -> RoundedConstant:
        self = super().__new__(cls, number)
        if not math.isfinite(number) or p.represents(number):
            self.error = 0.0
        else:
            self.error = max(abs(number) * p.unit_roundoff, p.underflow)
        return self


def value(x: Any) -> Any:
    """What was computed."""
    return x.value if type(x) is BoundedTensor else getattr(x, "value", x)


def number(x: Any) -> Any:
    """What was computed, as a float64 tensor or a Python number."""
    v = value(x)
    return v.to(torch.float64) if isinstance(v, Tensor) and v.dtype != torch.float64 else v


def mapped(tree: Any, function: Callable[[Tensor], Any]) -> Any:
    """The function applied to each tensor of nested lists, tuples and dicts."""
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, dict):
        return {k: mapped(v, function) for k, v in tree.items()}
    if isinstance(tree, _LISTS):
        return type(tree)(mapped(v, function) for v in tree)
    return tree


def values(tree: Any) -> Any:
    """What was computed, in nested lists, tuples and dicts too."""
    if type(tree) is tuple:
        return tuple([x.value if type(x) is BoundedTensor else values(x) for x in tree])
    return mapped(tree, value) if isinstance(tree, _TREES) else value(tree)


def error(x: Any) -> Amount:
    """E: how far it may be off. 0.0 for anything that carries no bound, or is known to be exact."""
    if type(x) is BoundedTensor:
        return 0.0 if x.memory.surely_exact else x.error
    return getattr(x, "error", 0.0)


def full_error(x: Any) -> Tensor:
    """E as a tensor of the operand's shape."""
    e, v = error(x), value(x)
    if isinstance(e, Tensor):
        return e
    return torch.full_like(v, e, dtype=torch.float64) if isinstance(v, Tensor) else tensor(e)


def tensor(amount: Any) -> Tensor:
    return torch.as_tensor(amount, dtype=torch.float64)


def magnitude(x: Any) -> Any:
    """|value| + 2E: no evaluation, and not the exact value either, is larger."""
    v, e = number(x), error(x)
    if isinstance(e, Tensor):
        return v.abs().add_(e, alpha=2)
    return abs(v) + 2 * e if e else abs(v)


def lower_end(x: Any) -> Any:
    """value - 2E: no evaluation, and not the exact value either, is smaller."""
    e = error(x)
    return torch.sub(number(x), e, alpha=2) if isinstance(e, Tensor) else number(x) - 2 * e


def distance_from_0(x: Any) -> Any:
    """|value| - 2E, no evaluation is closer to 0 than that; negative where one may be 0."""
    e = error(x)
    nearest = torch.sub(number(x).abs(), e, alpha=2) if isinstance(e, Tensor) else abs(number(x)) - 2 * e
    return nearest.clamp(min=1) if hasattr(x, "run") and x.run.is_at_least_one(x) else nearest


def is_exact(x: Any) -> bool:
    """Whether nothing about it can be off."""
    e = error(x)
    if not isinstance(e, Tensor):
        return e == 0.0
    return e.numel() == 0 or float(e.max()) == 0.0


def times(a: Amount, b: Amount) -> Amount:
    """a * b, with no work spent on 0.0. Nothing is known of 0 * infinity: it is not a number, and becomes infinity."""
    if (isinstance(a, float) and a == 0.0) or (isinstance(b, float) and b == 0.0):
        return 0.0
    return a * b


def nonzero(x: Any) -> Any:
    """1 where x may be anything but 0, else 0: an exact 0 times anything does not underflow."""
    m = magnitude(x)
    return m.sign() if isinstance(m, Tensor) else float(m != 0)
