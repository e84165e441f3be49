"""NumPy's functions that move entries about, where `torch._numpy` lacks them: orders, windows, strides, padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcompare.tracing.traced_array import NotTraceableError, array, asarray, torch_numpy

tnp = torch_numpy


def reshape(a: Any, shape: Any, order: str = "C") -> Any:
    a, shape = asarray(a), shape[0] if len(shape) == 1 and isinstance(shape[0], list | tuple) else shape
    if order != "F":
        return tnp.reshape(a, shape)
    return tnp.transpose(tnp.reshape(tnp.transpose(a), tuple(shape)[::-1]))


def ravel(a: Any, order: str = "C") -> Any:
    return reshape(a, (-1,), order)


def pad(array_: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """Other than with constants: entries of the array itself, where NumPy puts them."""
    if mode == "constant":
        return tnp.pad(asarray(array_), pad_width, mode, **options)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise NotTraceableError(f"numpy.pad with mode={mode!r} cannot be traced")
    return at_places(array_, lambda places: np.pad(places, pad_width, mode, **options))


def at_places(x: Any, moved: Callable[[np.ndarray], np.ndarray]) -> Any:
    """The entries that are found where `moved` puts their places."""
    x = asarray(x)
    return tnp.ravel(x)[array(moved(np.arange(x.size).reshape(x.shape)))]


def as_strided(x: Any, shape: Any = None, strides: Any = None, **_: Any) -> Any:
    """To be read, not written to: a copy."""
    x = asarray(x)
    wanted = _places(shape or x.shape, [step // x.itemsize for step in strides or x.strides])
    own = _places(x.shape, x.tensor.stride())
    entry = np.full(max(wanted.max(initial=0), own.max(initial=0)) + 1, -1)
    entry[own] = np.arange(x.size).reshape(x.shape)
    if wanted.min(initial=0) < 0 or entry[wanted].min(initial=0) < 0:
        raise NotTraceableError("numpy.lib.stride_tricks.as_strided beyond its array cannot be traced")
    return at_places(x, lambda _: entry[wanted])


def _places(shape: Sequence[int], steps: Sequence[int]) -> np.ndarray:
    """How many entries from the first in memory each entry lies."""
    places = np.zeros(tuple(shape), dtype=int)
    for axis, (n, step) in enumerate(zip(shape, steps, strict=True)):
        places += np.expand_dims(np.arange(n) * step, [k for k in range(len(shape)) if k != axis])
    return places


def sliding_window_view(x: Any, window_shape: Any, axis: Any = None, **_: Any) -> Any:
    """To be read, not written to: a copy."""
    return at_places(x, lambda places: np.lib.stride_tricks.sliding_window_view(places, window_shape, axis))


def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = asarray(a), asarray(v)
    if len(a) < len(v):
        return correlate(v, a, mode)[::-1]
    n = len(v)
    beside = {"valid": (0, 0), "same": (n // 2, (n - 1) // 2), "full": (n - 1, n - 1)}[mode]
    return tnp.matmul(sliding_window_view(pad(a, beside), n), v)


def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = sorted((asarray(a), asarray(v)), key=len, reverse=True)
    return correlate(a, v[::-1], mode)


STRIDE_TRICKS = {"as_strided": as_strided, "sliding_window_view": sliding_window_view}
