"""Infinities and NaN that a program writes itself, as constants: no rounding brought them about.

A number that is not finite because something overflowed has an infinite bound: in another evaluation it may be finite.
A constant that is not finite is what it is in every evaluation, its bound is 0, and so it is with everything that
cannot be finite because of it. An operation is asked for its result with these constants and with finite numbers in
their place, all other operands being finite both times: what is finite only the second time is not finite because of
them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gradcompare.bounds.operands import full_error, is_exact, value
from gradcompare.bounds.tensor import BoundedTensor, bounded_among


def is_among(arguments: tuple[Any, ...]) -> bool:
    """Whether a Python number among them is not finite."""
    return any(isinstance(a, float) and not math.isfinite(a) for a in arguments)


def because_of_constants(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """Which entries of a result cannot be finite; None where nothing is known of that."""
    if not all(is_exact(t) for t in bounded_among((*args, *kwargs.values())) if not t.is_floating_point()):
        return None  # which entries are taken is itself undecided
    given, instead = (
        function(*_each(args, replaced), **{k: _each(a, replaced) for k, a in kwargs.items()})
        for replaced in (_with_constants, _without)
    )
    return ~given.isfinite() & instead.isfinite()


def _each(tree: Any, function: Callable[[Any], Any]) -> Any:
    return type(tree)(_each(a, function) for a in tree) if isinstance(tree, list | tuple) else function(tree)


def _with_constants(x: Any) -> Any:
    """The operand, an overflow replaced by 1."""
    if not isinstance(x, BoundedTensor) or not x.is_floating_point():
        return value(x)
    v = value(x)
    return torch.where(v.isfinite() | (full_error(x) == 0), v, 1.0)


def _without(x: Any) -> Any:
    """The operand, everything that is not finite replaced by 1."""
    v = value(x)
    if isinstance(v, Tensor):
        return torch.where(v.isfinite(), v, 1.0) if v.is_floating_point() else v
    return 1.0 if is_among((v,)) else v
