"""NumPy's elementwise functions as objects: np.add and its kin are called, and have `.reduce`, `.accumulate`, `.outer`
and `.at`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from gradcompare.tracing.traced_array import (
    NotTraceableError,
    TracedArray,
    asarray,
    plain_index,
    torch_numpy,
    written,
)

tnp = torch_numpy

_REDUCE = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}
_AT = {"add": 1.0, "subtract": -1.0}


def running(function: Callable[..., Any], a: Any, axis: int | None = None) -> Any:
    """What the function makes of the entries so far, along an axis."""
    a, axis = (tnp.ravel(asarray(a)), 0) if axis is None else (asarray(a), axis)
    return tnp.stack(list(itertools.accumulate(tnp.moveaxis(a, axis, 0), function)), axis=axis)


class Ufunc:
    """np.add and its kin: called, and `np.add.reduce`, `.accumulate`, `.outer`, `.at`."""

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.__name__, self._call = name, call

    def __getattr__(self, name: str) -> Any:
        """`np.add.nin` and the like; not its other methods, such as `np.add.reduceat`."""
        real = getattr(getattr(np, self.__name__), name)
        if callable(real):
            raise NotTraceableError(f"numpy.{self.__name__}.{name} cannot be traced")
        return real

    def __call__(self, *args: Any, out: Any = None, where: Any = True, **kwargs: Any) -> Any:
        """`out` may come after the operands; where `where` is False it keeps what it holds, and nothing is computed."""
        operands = args[: self.nin]
        out = args[len(operands)] if len(args) > len(operands) else out
        if where is True:
            result = self._call(*operands, **kwargs)
        elif out is None:
            raise NotTraceableError(f"numpy.{self.__name__} with where= and without out= leaves some entries undefined")
        else:
            mask, before = asarray(where), out[0] if isinstance(out, tuple) else out
            result = tnp.where(mask, self._call(*(tnp.where(mask, asarray(a), 1) for a in operands), **kwargs), before)
        return result if out is None else written(result, out)

    def reduce(self, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        """Along the first axis, unless said otherwise."""
        if self.__name__ == "logaddexp" and isinstance(axis, int):
            return TracedArray(torch.logsumexp(asarray(a).tensor, axis, keepdim=keepdims))
        if self.__name__ not in _REDUCE or out is not None:
            raise NotTraceableError(f"numpy.{self.__name__}.reduce cannot be traced")
        return getattr(tnp, _REDUCE[self.__name__])(asarray(a), axis=axis, keepdims=keepdims)

    def accumulate(self, a: Any, axis: int = 0) -> Any:
        """Along the first axis, unless said otherwise."""
        if self.__name__ == "add":
            return tnp.cumsum(asarray(a), axis=axis)
        return running(self._call, a, axis)

    def outer(self, a: Any, b: Any) -> Any:
        """Of all pairs."""
        a, b = asarray(a), asarray(b)
        return self._call(tnp.reshape(a, (*a.shape, *(1,) * b.ndim)), b)

    def at(self, a: Any, indices: Any, b: Any) -> None:
        """In place, an index that occurs twice counting twice."""
        if self.__name__ not in _AT or not isinstance(a, TracedArray):
            raise NotTraceableError(f"numpy.{self.__name__}.at cannot be traced")
        places = np.arange(a.size).reshape(a.shape)[plain_index(indices)]
        b = tnp.broadcast_to(_AT[self.__name__] * asarray(b), places.shape).tensor.to(a.tensor.dtype)
        flat = tnp.ravel(a).tensor.index_put([torch.from_numpy(places.ravel())], b.reshape(-1), accumulate=True)
        a[...] = TracedArray(flat.reshape(a.shape))
