"""NumPy's functions that `torch._numpy` lacks or gets wrong, written with those that it has: one row each, in `TABLE`.

They take and return traced arrays, and follow NumPy's own documentation; what of it is not supported raises
NotTraceableError, by name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from gradcompare.tracing import unnamed
from gradcompare.tracing.numpy_shapes import convolve, correlate, pad, ravel, reshape
from gradcompare.tracing.numpy_ufuncs import running
from gradcompare.tracing.traced_array import (
    NotTraceableError,
    TracedArray,
    array,
    asarray,
    index,
    is_differentiated,
    plain,
    torch_numpy,
)

tnp = torch_numpy


# ---- joining and cutting ---------------------------------------------------------------------------------------------


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr, axis = (tnp.ravel(asarray(arr)), 0) if axis is None else (asarray(arr), axis)
    if index(obj).ndim:
        raise NotTraceableError("numpy.insert at several places cannot be traced")
    at, parts = int(index(obj)), tnp.moveaxis(arr, axis, 0)
    at += len(parts) if at < 0 else 0
    values = asarray(values)
    rows = values if values.ndim == parts.ndim else tnp.broadcast_to(values, (1, *parts.shape[1:]))
    if arr.ndim == 1:
        rows = tnp.ravel(values)
    return tnp.moveaxis(tnp.concatenate([parts[:at], rows, parts[at:]]), 0, axis)


def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    arr, axis = (tnp.ravel(asarray(arr)), 0) if axis is None else (asarray(arr), axis)
    kept = np.delete(np.arange(arr.shape[axis]), obj if isinstance(obj, slice) else index(obj))
    return tnp.take(arr, array(kept), axis=axis)


def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    a, axis = (tnp.ravel(asarray(a)), 0) if axis is None else (asarray(a), axis)
    return tnp.take(a, array(np.flatnonzero(index(condition))), axis=axis)


def block(arrays: Any) -> Any:
    def joined(rows: Any, axis: int) -> Any:
        return (
            tnp.concatenate([joined(row, axis + 1) for row in rows], axis=axis)
            if isinstance(rows, list)
            else tnp.atleast_2d(asarray(rows))
        )

    return joined(arrays, -2 if isinstance(arrays[0], list) else -1)


class _Joined:
    """np.c_ and np.r_, of arrays and numbers."""

    def __init__(self, name: str, join: Callable[[list[Any]], Any]) -> None:
        self.name, self.join = name, join

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if any(isinstance(part, str) for part in parts):
            raise NotTraceableError(f"{self.name} with a string cannot be traced")
        return self.join([asarray(_stepped(part)) for part in parts])


def _stepped(part: Any) -> Any:
    if not isinstance(part, slice):
        return part
    start, step = part.start or 0, 1 if part.step is None else part.step
    return (
        np.linspace(start, part.stop, int(abs(step)))
        if isinstance(step, complex)
        else np.arange(start, part.stop, step)
    )


def _columns(parts: list[Any]) -> Any:
    return tnp.concatenate([x[:, None] if x.ndim == 1 else tnp.atleast_2d(x) for x in parts], axis=-1)


def _rows(parts: list[Any]) -> Any:
    return tnp.concatenate([tnp.atleast_1d(x) for x in parts])


# ---- choosing --------------------------------------------------------------------------------------------------------


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    result = asarray(default)
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result


def where(condition: Any, *choices: Any) -> Any:
    """Of Python numbers torch would make float32."""
    return tnp.where(asarray(condition), *map(asarray, choices))


def piecewise(x: Any, condlist: Sequence[Any], funclist: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
    x = asarray(x)
    pieces = [f(x, *args, **kwargs) if callable(f) else f for f in funclist]
    otherwise = pieces.pop() if len(pieces) > len(condlist) else 0
    return select(condlist, pieces, otherwise)


def put(a: Any, indices: Any, values: Any, mode: str = "raise") -> None:
    """In place; places are counted along the rows."""
    a[np.unravel_index(index(indices), a.shape)] = values


def putmask(a: Any, mask: Any, values: Any) -> None:
    if asarray(values).size != 1:
        raise NotTraceableError("numpy.putmask with several values cannot be traced")
    a[...] = tnp.where(asarray(mask), tnp.reshape(asarray(values), ()), a)


# ---- sums and means --------------------------------------------------------------------------------------------------


def _answer(question: Callable[..., Any]) -> Callable[..., Any]:
    """Of the numbers as they are: asked of a tensor it would be a comparison, which rounding could turn."""
    return lambda x: array(question(plain(asarray(x))))


_is_nan = _answer(np.isnan)


def unique(ar: Any, *args: Any, **options: Any) -> Any:
    """Of labels: which there are is no number that autograd would follow."""
    found = np.unique(plain(asarray(ar)), *args, **options)
    return tuple(map(array, found)) if isinstance(found, tuple) else array(found)


def _known(x: Any, instead: float) -> Any:
    x = asarray(x)
    return tnp.where(_is_nan(x), instead, x)


def _count(x: Any, **options: Any) -> Any:
    return tnp.sum(tnp.where(_is_nan(asarray(x)), 0.0, 1.0), **options)


def nanmean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return tnp.sum(_known(a, 0.0), axis=axis, keepdims=keepdims) / _count(a, axis=axis, keepdims=keepdims)


def _summed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def total(a: Any, *args: Any, where: Any = True, **kwargs: Any) -> Any:
        if where is not True and name not in ("sum", "any"):
            raise NotTraceableError(f"numpy.{name} with where= cannot be traced")
        return function(asarray(a) if where is True else tnp.where(asarray(where), a, 0), *args, **kwargs)

    return total


def _order_statistic(name: str) -> Callable[..., Any]:
    def stop(a: Any, *args: Any, **kwargs: Any) -> Any:
        if is_differentiated(a):
            raise NotTraceableError(f"numpy.{name} cannot be traced: torch's NumPy layer gets its shape wrong")
        return array(getattr(np, name)(index(a), *args, **kwargs))

    return stop


def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    y = tnp.moveaxis(asarray(y), axis, -1)
    widths = dx if x is None else tnp.diff(asarray(x))
    return tnp.sum(widths * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)


def polyval(p: Any, x: Any) -> Any:
    total = asarray(x) * 0
    for coefficient in p:
        total = total * x + coefficient
    return total


@unnamed.product
def matmul(a: Any, b: Any) -> Any:
    a, b = asarray(a), asarray(b)
    return tnp.matmul(a[None, :], b)[..., 0, :] if a.ndim == 1 < b.ndim else tnp.matmul(a, b)


@unnamed.product
def dot(a: Any, b: Any) -> Any:
    a, b = asarray(a), asarray(b)
    return matmul(a, b) if a.ndim == 1 and b.ndim == 2 else tnp.dot(a, b)


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """A question, not a number that autograd would follow."""
    return np.allclose(plain(asarray(a)), plain(asarray(b)), rtol=rtol, atol=atol, equal_nan=equal_nan)


def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """By differences, whose rounding is known."""
    a, b = asarray(a), asarray(b)
    near = (tnp.abs(a - b) <= atol + rtol * tnp.abs(b)) | (a == b)
    return near | (tnp.isnan(a) & tnp.isnan(b)) if equal_nan else near


# ---- elementwise -----------------------------------------------------------------------------------------------------


def cosh(x: Any) -> Any:
    return (tnp.exp(x) + tnp.exp(-asarray(x))) / 2


def sinh(x: Any) -> Any:
    return (tnp.expm1(x) - tnp.expm1(-asarray(x))) / 2


def cbrt(x: Any) -> Any:
    return tnp.sign(x) * tnp.abs(x) ** (1 / 3)


def power(x1: Any, x2: Any, **options: Any) -> Any:
    """A plain number as the exponent stays one: as a tensor, the exponent of the derivative would carry an error."""
    if options or not isinstance(x2, int | float) or not isinstance(x1, TracedArray):
        return tnp.power(x1, x2, **options)
    t = x1.tensor
    return TracedArray(torch.pow(t, x2)) if t.is_floating_point() else tnp.power(x1, x2)


def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    x = asarray(x)
    return tnp.where(_answer(np.isfinite)(x), x, array(np.nan_to_num(plain(x), True, nan, posinf, neginf)))


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    least, most = (min if a_min is None else a_min), (max if a_max is None else a_max)
    if most is a:  # np.clip(x, 1e-10, x) is x, and no entry of it is at a kink
        return asarray(a)
    return tnp.clip(asarray(a), None if least is a else least, most)


def floor_divide(x1: Any, x2: Any) -> Any:
    """Its derivative is 0, which PyTorch does not say."""
    return tnp.floor(asarray(x1) / x2) if _is_floating(x1, x2) else tnp.floor_divide(x1, x2)


def remainder(x1: Any, x2: Any) -> Any:
    return x1 - asarray(x2) * floor_divide(x1, x2) if _is_floating(x1, x2) else tnp.remainder(x1, x2)


def _is_floating(*numbers: Any) -> bool:
    return any(asarray(x).tensor.is_floating_point() for x in numbers)


def erf(x: Any) -> Any:
    return TracedArray(torch.erf(asarray(x).tensor))


# ---- SciPy's, of the module scipy.special ----------------------------------------------------------------------------


def logsumexp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    a = asarray(a)
    largest = tnp.max(a, axis=axis, keepdims=True)
    total = largest + tnp.log(tnp.sum(tnp.exp(a - largest), axis=axis, keepdims=True))
    return total if keepdims else tnp.squeeze(total, axis)


def log_softmax(x: Any, axis: Any = None) -> Any:
    return asarray(x) - logsumexp(x, axis, keepdims=True)


def softmax(x: Any, axis: Any = None) -> Any:
    e = tnp.exp(asarray(x) - tnp.max(asarray(x), axis=axis, keepdims=True))
    return e / tnp.sum(e, axis=axis, keepdims=True)


SCIPY: dict[str, Callable[..., Any]] = {"softmax": softmax, "log_softmax": log_softmax, "logsumexp": logsumexp}


# ---- Python functions, entry by entry --------------------------------------------------------------------------------


class Vectorized:
    """np.vectorize of a function of numbers."""

    def __init__(self, pyfunc: Callable[..., Any], otypes: Any = None, signature: str | None = None, **_: Any) -> None:
        if signature is not None:
            raise NotTraceableError("numpy.vectorize with a signature cannot be traced")
        self.pyfunc = pyfunc

    def __call__(self, *args: Any) -> Any:
        arrays = tnp.broadcast_arrays(*(asarray(a) for a in args))
        shape = arrays[0].shape
        entries = zip(*(tnp.ravel(a) for a in arrays), strict=True)
        return tnp.reshape(array([self.pyfunc(*entry) for entry in entries]), shape)


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    lines = tnp.moveaxis(asarray(arr), axis, -1)
    results = [asarray(func1d(lines[i], *args, **kwargs)) for i in np.ndindex(*lines.shape[:-1])]
    stacked = tnp.reshape(tnp.stack(results), (*lines.shape[:-1], *results[0].shape))
    return tnp.moveaxis(stacked, -1, axis) if results[0].ndim else stacked


def fromiter(iterable: Any, dtype: Any = None, count: int = -1) -> Any:
    return array(list(itertools.islice(iterable, count if count >= 0 else None)), dtype)


# ---- the table -------------------------------------------------------------------------------------------------------

TABLE: dict[str, Any] = {
    "acos": tnp.arccos,
    "allclose": allclose,
    "apply_along_axis": apply_along_axis,
    "array": lambda obj, dtype=None, copy=True, ndmin=0, **_: array(obj, dtype, copy, ndmin),
    "asanyarray": lambda obj, dtype=None, **_: asarray(obj, dtype),
    "asarray": lambda obj, dtype=None, **_: asarray(obj, dtype),
    "ascontiguousarray": lambda obj, dtype=None, **_: asarray(obj, dtype),
    "asfortranarray": lambda obj, dtype=None, **_: asarray(obj, dtype),
    "asin": tnp.arcsin,
    "atan": tnp.arctan,
    "atanh": tnp.arctanh,
    "block": block,
    "c_": _Joined("numpy.c_", _columns),
    "cbrt": cbrt,
    "clip": clip,
    "compress": compress,
    "concat": tnp.concatenate,
    "convolve": convolve,
    "correlate": correlate,
    "copy": lambda a, **_: array(a),
    "cosh": cosh,
    "cumprod": lambda a, axis=None, **_: running(tnp.multiply, a, axis),
    "delete": delete,
    "dot": dot,
    "ediff1d": lambda ary: tnp.diff(tnp.ravel(asarray(ary))),
    "extract": lambda condition, arr: tnp.ravel(asarray(arr))[tnp.ravel(asarray(condition))],
    "floor_divide": floor_divide,
    "fmax": lambda x, y: tnp.where(tnp.isnan(asarray(x)), y, tnp.maximum(x, _known(y, -math.inf))),
    "fmin": lambda x, y: tnp.where(tnp.isnan(asarray(x)), y, tnp.minimum(x, _known(y, math.inf))),
    "fromiter": fromiter,
    "heaviside": lambda x, h: tnp.where(asarray(x) == 0, h, tnp.where(asarray(x) > 0, 1.0, 0.0)),
    "hypot": lambda x, y: tnp.sqrt(asarray(x) ** 2 + asarray(y) ** 2),
    "insert": insert,
    "isclose": isclose,
    "isfinite": _answer(np.isfinite),
    "isinf": _answer(np.isinf),
    "isnan": _answer(np.isnan),
    "matmul": matmul,
    "matrix_transpose": lambda x: tnp.swapaxes(x, -1, -2),
    "mean": _summed("mean", tnp.mean),
    "median": _order_statistic("median"),
    "mod": remainder,
    "nan_to_num": nan_to_num,
    "ndenumerate": lambda arr: ((at, arr[at]) for at in np.ndindex(*arr.shape)),
    "nanmax": lambda a, **options: tnp.max(_known(a, -math.inf), **options),
    "nanmean": nanmean,
    "nanmin": lambda a, **options: tnp.min(_known(a, math.inf), **options),
    "nansum": lambda a, **options: tnp.sum(_known(a, 0.0), **options),
    "outer": lambda a, b, out=None: tnp.outer(tnp.ravel(asarray(a)), tnp.ravel(asarray(b)), out=out),
    "pad": pad,
    "percentile": _order_statistic("percentile"),
    "permute_dims": tnp.transpose,
    "piecewise": piecewise,
    "polyval": polyval,
    "pow": power,
    "power": power,
    "put": put,
    "putmask": putmask,
    "quantile": _order_statistic("quantile"),
    "r_": _Joined("numpy.r_", _rows),
    "ravel": ravel,
    "reshape": lambda a, shape=None, order="C", newshape=None, **_: reshape(a, (newshape or shape,), order),
    "remainder": remainder,
    "select": select,
    "sinh": sinh,
    "sum": _summed("sum", tnp.sum),
    "trapezoid": trapezoid,
    "vecdot": lambda a, b, axis=-1: tnp.sum(asarray(a) * b, axis=axis),
    "unique": unique,
    "vectorize": Vectorized,
    "where": where,
}
