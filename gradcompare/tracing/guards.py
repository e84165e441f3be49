"""Numbers that a cost adds so that a logarithm never meets 0, log(A + 1e-8), and a quotient no divisor of 0.

The gradient of the cost without them, A - Y, is what people write beside it, and mean. So a reference can be asked to
leave them out. Python or NumPy numbers only, and only directly in the logarithm: log(A + eps), log(1 - A + eps),
log(1 - (A + eps)), log(1.0000001 - A). With e / (sum(e) + eps) a softmax is no longer the same whatever number all of z
are shifted by, e = exp(z - max(z)), and A - Y is its gradient where that number stays what it is: so it does there.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcompare.tracing import unnamed
from gradcompare.tracing.traced_array import TracedArray

LARGEST = 1e-4
"""A number above it is no guard."""
_WITHOUT = "_without_guard"
_LARGEST_OF, _SHIFTED = "_largest_of", "_shifted"


class _Guards:
    """What the runs of this process do with guards, and which they met."""

    def __init__(self) -> None:
        self.left_out = False
        self.met: set[float] = set()


_GUARDS = _Guards()


@contextlib.contextmanager
def noted(*, left_out: bool) -> Iterator[set[float]]:
    """The guards that are met inside, and whether they are left out."""
    before = _GUARDS.left_out, _GUARDS.met
    _GUARDS.left_out, _GUARDS.met = left_out, set()
    try:
        yield _GUARDS.met
    finally:
        _GUARDS.left_out, _GUARDS.met = before


def _is_guard(number: Any) -> bool:
    return _is_number(number) and 0 < abs(float(number)) <= LARGEST


def _is_number(other: Any) -> bool:
    return isinstance(other, float | np.floating)


def _version(array: Any) -> Any:
    """Something that changes when the array is written into."""
    return getattr(array.tensor, "number", None)


def adding(
    function: Callable[[Any, Any], Any], *, from_one: bool = False, shifts: bool = False
) -> Callable[[Any, Any], Any]:
    """A sum or difference of a traced array and another, which remembers what it would be without a guard. `from_one`:
    whether the array is taken away from the other, 1.0000001 - A; `shifts`: whether the other is from the array."""

    def add(array: Any, other: Any) -> Any:
        result = function(array, other)
        inner = getattr(array, _WITHOUT, None)
        if isinstance(result, TracedArray):
            unnamed.added(array, other, result)
            of = getattr(other, _LARGEST_OF, None) if shifts else None
            if of is not None and of == (id(array), _version(array), _version(other)):
                setattr(result, _SHIFTED, (array, other, _version(result)))
            if _is_guard(other):
                setattr(result, _WITHOUT, (array, float(other), _version(result)))
            elif from_one and _is_number(other) and _is_guard(float(other) - 1.0):
                setattr(result, _WITHOUT, (function(array, 1.0), float(other) - 1.0, _version(result)))
            elif inner is not None and isinstance(other, int | float):
                setattr(result, _WITHOUT, (function(inner[0], other), inner[1], _version(result)))
        return result

    return add


def logarithm(function: Callable[..., Any]) -> Callable[..., Any]:
    """A logarithm that leaves guards out where it is asked to."""

    def log(x: Any, *args: Any, **kwargs: Any) -> Any:
        found = getattr(x, _WITHOUT, None)
        if found is not None and found[2] == _version(x):
            _GUARDS.met.add(found[1])
            x = found[0] if _GUARDS.left_out else x
        return function(x, *args, **kwargs)

    return log


def dividing(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A quotient, which notes a guard in its divisor."""

    def divide(array: Any, other: Any) -> Any:
        found = getattr(other, _WITHOUT, None)
        if found is not None and found[2] == _version(other):
            _GUARDS.met.add(found[1])
        return function(array, other)

    return divide


def largest(function: Callable[..., Any]) -> Callable[..., Any]:
    """The largest entries of an array, which remember what they are of."""

    @functools.wraps(function)
    def max_(*args: Any, **kwargs: Any) -> Any:
        result, array = function(*args, **kwargs), args[0] if args else None
        if isinstance(result, TracedArray) and isinstance(array, TracedArray):
            setattr(result, _LARGEST_OF, (id(array), _version(array), _version(result)))
        return result

    return max_


def exponential(function: Callable[..., Any]) -> Callable[..., Any]:
    """exp(z - max(z)), where guards are left out with a maximum that stays what it is."""

    @functools.wraps(function)
    def exp(x: Any, *args: Any, **kwargs: Any) -> Any:
        found = getattr(x, _SHIFTED, None)
        if _GUARDS.left_out and found is not None and found[2] == _version(x):
            x = found[0] - TracedArray(found[1].tensor.detach())
        return function(x, *args, **kwargs)

    return exp
