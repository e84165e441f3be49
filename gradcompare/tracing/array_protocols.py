"""What traced arrays answer to while code under test runs: NumPy's protocols and Python's, and the methods of NumPy's
arrays that `torch._numpy` lacks or gets wrong."""

from __future__ import annotations

import builtins
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcompare.bounds import BoundedTensor
from gradcompare.tracing import guards, numpy_functions, numpy_shapes
from gradcompare.tracing.numpy_namespace import NUMPY, accepting_numpy, stacked
from gradcompare.tracing.numpy_ufuncs import Ufunc
from gradcompare.tracing.traced_array import (
    NotTraceableError,
    TracedArray,
    array,
    asarray,
    dtype_of,
    plain_index,
    torch_numpy,
    written,
)


def _array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy met a traced array in one of its own functions: run `torch._numpy`'s."""
    function: Any = _SCIPY.get(ufunc.__name__) or getattr(NUMPY, ufunc.__name__, None)
    if function is None or (method != "__call__" and not isinstance(function, Ufunc)):
        raise NotTraceableError(f"{ufunc.__name__} cannot be traced: torch's NumPy layer does not have it")
    out = kwargs.pop("out", None)
    result = (function if method == "__call__" else getattr(function, method))(*inputs, **kwargs)
    return result if out is None else written(result, out)


_SCIPY = {
    "expit": lambda x: 1 / (1 + torch_numpy.exp(-asarray(x))),
    "xlogy": lambda x, y: asarray(x) * torch_numpy.log(numpy_functions.where(asarray(x) == 0, 1.0, y)),
    "logit": lambda x: torch_numpy.log(asarray(x)) - NUMPY.log1p(-asarray(x)),
    "log_expit": lambda x: -NUMPY.logaddexp(0, -asarray(x)),
    "erf": numpy_functions.erf,
}
"""SciPy's elementwise functions that people use in place of their own."""


def _array_function(self: Any, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    function: Any = NUMPY
    for part in (*func.__module__.split(".")[1:], func.__name__):
        function = getattr(function, part, None)
    if function is None or function is func:
        raise NotTraceableError(f"{func.__module__}.{func.__name__} cannot be traced: torch's NumPy layer lacks it")
    return function(*args, **kwargs)


def _dtype(self: Any) -> Any:
    """That of the precision whose rounding is bounded, which is what the code would find: the run's own numbers are of
    float64."""
    tensor = self.tensor
    bounded = isinstance(tensor, BoundedTensor) and tensor.is_floating_point()
    return torch_numpy.dtype(tensor.run.precision.name if bounded else tensor.dtype)


def _astype(
    self: Any, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
) -> Any:
    """`.astype()`, a copy unless it is told otherwise."""
    wanted = torch_numpy.dtype(dtype_of(dtype)).torch_dtype
    return self if not copy and self.tensor.dtype == wanted else TracedArray(self.tensor.to(wanted, copy=True))


def _view(self: TracedArray, *shape: Any) -> Any:
    """A tensor's view(-1, 784); NumPy's, of a type, shows the same numbers."""
    if shape and all(isinstance(n, int | tuple) for n in shape):
        return numpy_shapes.reshape(self, shape, "C")
    return self


def _getitem(self: Any, at: Any) -> Any:
    """Steps may be negative, with ends too."""
    at = _places(at)
    if _goes_backwards(at):
        return numpy_shapes.at_places(self, lambda places: places[plain_index(at)])
    return _AS_THEY_WERE["__getitem__"](self, at)


def _setitem(self: Any, at: Any, values: Any) -> None:
    at = _places(at)
    if _goes_backwards(at):
        places = np.arange(self.size).reshape(self.shape)[plain_index(at)]
        at = tuple(map(array, np.unravel_index(places, self.shape)))
    _AS_THEY_WERE["__setitem__"](self, at, values)


def _goes_backwards(at: Any) -> bool:
    slices = [i for i in (at if isinstance(at, tuple) else (at,)) if isinstance(i, slice)]
    return any(i.step is not None and i.step < 0 for i in slices)


def _places(at: Any) -> Any:
    """What stands between brackets: traced numbers in a list stacked, ranges and tuples beside others as lists."""
    return tuple(map(_place, at)) if isinstance(at, tuple) else _place(at)


def _place(at: Any) -> Any:
    return stacked(list(at) if isinstance(at, range | tuple) else at)


def _item(self: Any, *index: Any) -> Any:
    """`.item()`, which leaves a traced number traced."""
    return torch_numpy.reshape(self[index] if index else self, ())


def _tolist(self: Any) -> Any:
    """`.tolist()`, likewise; a row of a matrix is a matrix, and goes on for ever."""
    self = self if type(self) is TracedArray else TracedArray(self.tensor)
    return [_tolist(row) for row in self] if self.ndim else self


def _round(self: Any, digits: int = 0) -> Any:
    return torch_numpy.round(self, digits)


def _format(self: Any, spec: str) -> str:
    return format(_float(self), spec) if spec else str(self)


def _float(self: Any) -> float:
    """For printing, and wherever Python itself asks: this number leaves the graph."""
    return builtins.float(self.tensor.detach())


def _rounded_to_objects(self: Any, *_: Any, **__: Any) -> Any:
    raise NotTraceableError(
        "a traced array was to become one of NumPy's own. An array made outside of the function, or a method of one "
        "(W.dot(x) for np.dot(W, x)), does that."
    )


_of_tensor = TracedArray.__init__


def _init(self: Any, shape: Any = None, dtype: Any = float, **_: Any) -> None:
    """np.ndarray(shape=(2, 3)), of which the numbers are whatever they are: here 0."""
    sizes = isinstance(shape, int) or (isinstance(shape, tuple | list) and len(shape) > 0)
    _of_tensor(self, torch_numpy.zeros(shape, dtype=dtype_of(dtype)).tensor if sizes else shape)


_AS_THEY_WERE: dict[str, Any] = {
    name: accepting_numpy(method)
    for name, method in vars(TracedArray).items()
    if isinstance(method, types.FunctionType) and name != "__init__"
}
_IN_PLACE = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")


def _in_place(name: str) -> Callable[..., Any]:
    """x += y, which makes another number of a number: `x = w[0]; x += 1` leaves w as it is."""

    def operator(self: Any, other: Any) -> Any:
        return getattr(self, f"__{name}__" if self.ndim == 0 else f"_i{name}")(other)

    return operator


PROTOCOLS: dict[str, Any] = _AS_THEY_WERE | {
    **{f"_i{name}": _AS_THEY_WERE[f"__i{name}__"] for name in _IN_PLACE},
    **{f"__i{name}__": _in_place(name) for name in _IN_PLACE},
    "__init__": _init,
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
    "__array__": _rounded_to_objects,
    **{
        name: guards.adding(
            accepting_numpy(vars(TracedArray)[name]), from_one=name == "__rsub__", shifts=name == "__sub__"
        )
        for name in ("__add__", "__radd__", "__sub__", "__rsub__")
    },
    "__truediv__": guards.dividing(accepting_numpy(vars(TracedArray)["__truediv__"])),
    "max": guards.largest(accepting_numpy(vars(TracedArray)["max"])),
    "__matmul__": numpy_functions.matmul,
    "__rmatmul__": lambda self, other: numpy_functions.matmul(other, self),
    "__pow__": numpy_functions.power,
    "dot": accepting_numpy(numpy_functions.dot),
    "dtype": property(_dtype),
    "astype": _astype,
    "copy": lambda self, order="C": array(self),
    "__copy__": lambda self: array(self),
    "__deepcopy__": lambda self, _: array(self),
    "flatten": lambda self, order="C": array(numpy_shapes.ravel(self, order)),
    "mT": property(lambda self: torch_numpy.swapaxes(self, -1, -2)),
    "ravel": numpy_shapes.ravel,
    "reshape": lambda self, *shape, order="C": numpy_shapes.reshape(self, shape, order),
    "__floordiv__": numpy_functions.floor_divide,
    "__getitem__": _getitem,
    "__setitem__": _setitem,
    "__mod__": numpy_functions.remainder,
    "__round__": _round,
    "__format__": _format,
    "__float__": _float,
    "item": _item,
    "tolist": _tolist,
    "numpy": lambda self: self,  # of data that stand in for tensors (`rehearsal.images`)
    "view": _view,
}
