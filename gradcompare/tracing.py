"""Run NumPy code on torch, so that autograd can differentiate it and bounds can follow it.

This file leans on parts of PyTorch that it does not document for users (as do `bounds/tensor.py` and
`bounds/run.py`): `torch._numpy`, NumPy's interface on torch tensors, which PyTorch ships so that NumPy code can be
compiled. While the code under test runs, the names in its modules that are bound to NumPy (`np`, `numpy`, or `exp`
after `from numpy import exp`) are bound to a stand-in that is `torch._numpy` where it can be, and NumPy's own
protocols (`__array_ufunc__`, `__array_function__`) send every other use of a traced array the same way. Afterwards
everything is as it was. `tests/test_private_torch.py` notices when `torch._numpy` changes.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import inspect
import math
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from gradcompare import guards, numpy_functions
from gradcompare.numpy_functions import Ufunc, Vectorized
from gradcompare.randomness import same_random_numbers
from gradcompare.traced_array import (
    NotTraceableError,
    TracedArray,
    asarray,
    converted,
    from_numpy,
    is_differentiated,
    leaves,
    plain,
    torch_numpy,
)

_PATCHING = threading.RLock()
_LIBRARIES = {
    *("numpy", "torch", "scipy", "hypothesis", "pytest", "_pytest", "gradcompare", "matplotlib", "pandas", "rich"),
}
_TRACED_OWN = {"gradcompare.losses", "gradcompare.stood_in"}
"""Modules of ours that are NumPy code to be traced like a user's."""


class NumpyOnTorch:
    """A function of arrays that also takes torch tensors. Made by `numpy_on_torch`.

    Called with arrays it is the function itself. Called with torch tensors anywhere among its arguments it runs on
    torch and returns tensors, differentiable by autograd, with bounds where the arguments carry them.
    """

    def __init__(self, function: Callable[..., Any], reaching: Iterable[Any] = ()) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.reaching = tuple(reaching)
        """Further functions whose modules it runs, where they cannot be found from the function itself."""

    @functools.cached_property
    def _reached(self) -> list[dict[str, Any]]:
        return _namespaces(self.function, *self.reaching)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function.

        Raises NotTraceableError where it was given tensors and uses a part of NumPy that cannot be traced.
        """
        tensors = [leaf for leaf in leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        if not tensors:
            with _PATCHING, same_random_numbers():
                return self.function(*args, **kwargs)
        with _PATCHING, tracing(self._reached), same_random_numbers():
            result = self.function(*converted(args, _to_traced), **converted(kwargs, _to_traced))
            return converted(result, _to_tensor)


def numpy_on_torch(function: Callable[..., Any]) -> NumpyOnTorch:
    """NumPy code as a function of torch tensors: autograd can differentiate it, and `compare` can bound its rounding.

    The function is run as it stands; its module is not changed, except while it runs (other threads should not read
    its global arrays meanwhile). It may index, loop, write in place, and call other functions and modules of its
    author.

    >>> import numpy as np, torch
    >>> def sigmoid(z):
    ...     return 1 / (1 + np.exp(-z))
    >>> z = torch.zeros(3, requires_grad=True)
    >>> numpy_on_torch(sigmoid)(z).sum().backward()
    >>> z.grad
    tensor([0.2500, 0.2500, 0.2500])
    """
    return function if isinstance(function, NumpyOnTorch) else NumpyOnTorch(function)


# ---- into a run and out of it ----------------------------------------------------------------------------------------


def _to_traced(leaf: Any) -> Any:
    """A tensor as an array; a copy, so that code that writes in place does not write into its arguments."""
    return TracedArray(leaf.clone()) if isinstance(leaf, torch.Tensor) else leaf


def _to_tensor(leaf: Any) -> Any:
    return leaf.tensor if isinstance(leaf, TracedArray) else leaf


def _to_numpy(leaf: Any) -> Any:
    """An array of this run for NumPy itself, which is allowed only where autograd has no interest in it."""
    if not isinstance(leaf, TracedArray):
        return _BACK_TO_NUMPY.get(id(leaf), leaf) if callable(leaf) else leaf
    if is_differentiated(leaf):
        raise _CutError
    return plain(leaf)


class _CutError(Exception):
    pass


# ---- the stand-in for NumPy ------------------------------------------------------------------------------------------


class _Namespace(types.ModuleType):
    """The stand-in for one of NumPy's modules: own versions first, then `torch._numpy`, then NumPy for untraced
    arrays."""

    def __init__(self, real: types.ModuleType, on_torch: Any, own: dict[str, Any]) -> None:
        super().__init__(real.__name__)
        self._real, self._on_torch, self._own = real, on_torch, own
        self._made: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name in self._own:
            made = self._own[name]
        elif hasattr(self._on_torch, name) and not name.startswith("__"):
            made = getattr(self._on_torch, name)
        else:
            return _guarded(real, f"{self._real.__name__}.{name}")
        if isinstance(made, types.FunctionType):
            made = _accepting_numpy(made)
        return Ufunc(name, made) if isinstance(real, np.ufunc) else made


def _accepting_numpy(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, given NumPy's own arrays and numbers too."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*converted(args, from_numpy), **converted(kwargs, from_numpy))

    return call


def _guarded(real: Any, name: str) -> Any:
    """NumPy's own function, for arrays that autograd has no interest in; an error that says so for others."""
    if not callable(real) or (isinstance(real, type) and not issubclass(real, np.ndarray | np.nditer)):
        return real

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            args, kwargs = converted(args, _to_numpy), converted(kwargs, _to_numpy)
        except _CutError:
            raise NotTraceableError(f"{name} cannot be traced: torch's NumPy layer does not have it") from None
        return converted(real(*args, **kwargs), from_numpy)

    return call


def _ignore(*_: Any, **__: Any) -> dict[str, str]:
    return {}


def _errstate(**_: Any) -> Any:
    return contextlib.nullcontext()


_random = _Namespace(np.random, types.SimpleNamespace(), {})
_linalg = _Namespace(np.linalg, torch_numpy.linalg, {})
NUMPY = _Namespace(
    np,
    torch_numpy,
    {
        **numpy_functions.TABLE,
        "random": _random,
        "linalg": _linalg,
        "errstate": _errstate,
        "seterr": _ignore,
        "geterr": _ignore,
        "set_printoptions": _ignore,
        "array2string": lambda a, *_, **__: str(a),
        **{name: guards.logarithm(getattr(torch_numpy, name)) for name in ("log", "log2", "log10")},
    },
)

_MATH = {"pow": "power", "fabs": "abs", "fsum": "sum"}


def _math_function(name: str) -> Callable[..., Any]:
    """A function of `math`, for a traced number NumPy's of the same meaning: `math` would take it out of the graph."""
    real = getattr(math, name)
    on_torch = numpy_functions.erf if name == "erf" else getattr(NUMPY, _MATH.get(name, name), None)

    @functools.wraps(real)
    def call(*args: Any) -> Any:
        if not any(isinstance(a, TracedArray) for a in leaves(args)):
            return real(*args)
        if on_torch is not None:
            return on_torch(*args)
        if any(map(is_differentiated, leaves(args))):
            raise NotTraceableError(f"math.{name} cannot be traced: NumPy has no function of this name")
        return real(*args)

    return call


MATH = types.ModuleType("math")
MATH.__dict__.update(
    {n: _math_function(n) if callable(v) else v for n, v in vars(math).items() if not n.startswith("_")}
)


class _FloatType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, builtins.float) or (isinstance(instance, TracedArray) and instance.ndim == 0)

    def __eq__(cls, other: object) -> bool:  # dtype=float
        return other is cls or other is builtins.float

    def __hash__(cls) -> int:
        return hash(builtins.float)


class _Float(metaclass=_FloatType):
    """`float`, which leaves a traced number traced."""

    def __new__(cls, x: Any = 0.0) -> Any:
        return torch_numpy.reshape(x, ()) if isinstance(x, TracedArray) else builtins.float(x)

    fromhex = builtins.float.fromhex


# ---- binding names to the stand-in -----------------------------------------------------------------------------------


def _numpy_names() -> dict[int, Any]:
    """What stands in for each public object of NumPy, by its identity: `exp` after `from numpy import exp`."""
    table: dict[int, Any] = {id(np): NUMPY, id(np.random): _random, id(np.linalg): _linalg, id(math): MATH}
    for module, stand_in in ((np, NUMPY), (np.linalg, _linalg), (np.random, _random)):
        for name in dir(module):
            real = getattr(module, name)
            if not name.startswith("_") and (callable(real) or name in ("c_", "r_")) and not _is_builtin(real):
                table.setdefault(id(real), getattr(stand_in, name))
    return table | {id(real): getattr(MATH, name) for name, real in vars(math).items() if callable(real)}


def _is_builtin(thing: Any) -> bool:
    return getattr(builtins, getattr(thing, "__name__", ""), None) is thing


_STAND_INS = _numpy_names()
_BACK_TO_NUMPY = {
    id(getattr(torch_numpy, name)): getattr(np, name)
    for name in dir(np)
    if isinstance(getattr(torch_numpy, name, None), type)
} | {id(_Float): builtins.float}


def _namespaces(*functions: Any) -> list[dict[str, Any]]:
    """The global names of the functions and of all code of the same author that they can reach."""
    found: dict[int, dict[str, Any]] = {}
    waiting: list[Any] = list(functions)
    seen: set[int] = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, functools.partial):
            waiting.append(thing.func)
        elif isinstance(thing, types.MethodType):
            waiting += [thing.__func__, thing.__self__]
        elif isinstance(thing, types.FunctionType):
            if not _is_library(thing.__module__):
                _add_namespace(thing.__globals__, found, waiting)
            waiting += [c.cell_contents for c in thing.__closure__ or () if _filled(c)]
            waiting += [getattr(thing, "__wrapped__", None)]
        elif isinstance(thing, types.ModuleType):
            if not _is_library(thing.__name__):
                _add_namespace(vars(thing), found, waiting)
        elif isinstance(thing, type):
            if not _is_library(thing.__module__):
                waiting += [v for v in vars(thing).values() if isinstance(v, types.FunctionType)]
                waiting += list(thing.__bases__)
        elif isinstance(thing, NumpyOnTorch):
            waiting.append(thing.function)
        elif not isinstance(thing, str | bytes | int | float | np.ndarray | dict | list | tuple | type(None)):
            waiting.append(type(thing))
    return list(found.values())


def _add_namespace(namespace: dict[str, Any], found: dict[int, dict[str, Any]], waiting: list[Any]) -> None:
    if id(namespace) not in found:
        found[id(namespace)] = namespace
        kinds = types.FunctionType | types.ModuleType | type | functools.partial | types.MethodType | NumpyOnTorch
        waiting += [v for v in list(namespace.values()) if isinstance(v, kinds)]


def _filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _is_library(module: str | None) -> bool:
    top = (module or "").partition(".")[0]
    if module in _TRACED_OWN:
        return False
    return top in _LIBRARIES or top in sys.stdlib_module_names - {"__main__"}


def _with_signatures_at_hand() -> None:
    """`torch._numpy` asks for the signature of each of its functions at every call: let it be answered at once."""
    for function in vars(torch_numpy).values():
        while isinstance(function, types.FunctionType):
            if function.__module__.startswith("torch._numpy"):
                function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
            function = getattr(function, "__wrapped__", None)


_with_signatures_at_hand()


@contextlib.contextmanager
def tracing(namespaces: Iterable[dict[str, Any]]) -> Iterator[None]:
    """While this is entered, code with these global names finds `torch._numpy` where it looks for NumPy."""
    absent = object()
    with _PATCHING, contextlib.ExitStack() as undo:
        for namespace in namespaces:
            undo.callback(_restore, namespace, dict(namespace))
            namespace.update({k: new for k, v in list(namespace.items()) if (new := _stand_in(v)) is not v})
            namespace["float"] = _Float
        for name, method in _PROTOCOLS.items():
            undo.callback(_restore_attribute, name, vars(TracedArray).get(name, absent), absent)
            setattr(TracedArray, name, method)
        undo.enter_context(torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t))
        yield


def _stand_in(thing: Any) -> Any:
    """What a global name is bound to in the meantime: of NumPy its stand-in, of arrays traced ones."""
    if isinstance(thing, np.vectorize):
        return Vectorized(thing.pyfunc)
    if isinstance(thing, np.ndarray) or (type(thing) in (dict, list, tuple) and _holds_arrays(thing)):
        return converted(thing, from_numpy)
    return _STAND_INS.get(id(thing), thing)


def _holds_arrays(tree: Any) -> bool:
    return any(isinstance(leaf, np.ndarray) for leaf in leaves(tree))


def _restore(namespace: dict[str, Any], before: dict[str, Any]) -> None:
    """Every name as it was, but for what the code itself has bound to something that is not traced."""
    for key, value in list(namespace.items()):
        if key in before:
            replaced = before[key] is not value and (_of_a_run(value) or _stand_in(before[key]) is not before[key])
            namespace[key] = before[key] if replaced else value
        elif _of_a_run(value):
            del namespace[key]


def _of_a_run(value: Any) -> bool:
    return value is _Float or any(isinstance(leaf, TracedArray) for leaf in leaves(value))


def _restore_attribute(name: str, before: Any, absent: object) -> None:
    if before is absent:
        delattr(TracedArray, name)
    else:
        setattr(TracedArray, name, before)


# ---- what traced arrays answer to while code runs --------------------------------------------------------------------


def _array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy met a traced array in one of its own functions: run `torch._numpy`'s."""
    out = kwargs.pop("out", None)
    function = _SCIPY.get(ufunc.__name__) or getattr(NUMPY, ufunc.__name__, None)
    if function is None or (method != "__call__" and not isinstance(function, Ufunc)):
        raise NotTraceableError(f"{ufunc.__name__} cannot be traced: torch's NumPy layer does not have it")
    result = (function if method == "__call__" else getattr(function, method))(*inputs, **kwargs)
    if out is None:
        return result
    if not isinstance(out[0], TracedArray):
        raise NotTraceableError(
            f"numpy.{ufunc.__name__} would write a traced array into one made outside of the function"
        )
    out[0][...] = result
    return out[0]


_SCIPY = {
    "expit": lambda x: 1 / (1 + torch_numpy.exp(-asarray(x))),
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


def _item(self: Any, *index: Any) -> Any:
    """`.item()`, which leaves a traced number traced."""
    return torch_numpy.reshape(self[index] if index else self, ())


def _tolist(self: Any) -> Any:
    """`.tolist()`, likewise."""
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


_PROTOCOLS: dict[str, Any] = {
    name: _accepting_numpy(method)
    for name, method in vars(TracedArray).items()
    if isinstance(method, types.FunctionType) and name != "__init__"
} | {
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
    "__array__": _rounded_to_objects,
    **{
        name: guards.adding(_accepting_numpy(vars(TracedArray)[name]))
        for name in ("__add__", "__radd__", "__sub__", "__rsub__")
    },
    "__matmul__": numpy_functions.matmul,
    "__rmatmul__": lambda self, other: numpy_functions.matmul(other, self),
    "__pow__": numpy_functions.power,
    "dot": numpy_functions.dot,
    "__round__": _round,
    "__format__": _format,
    "__float__": _float,
    "item": _item,
    "tolist": _tolist,
}
