"""Run NumPy code on torch, so that autograd can differentiate it and bounds can follow it.

This is one of the two files that lean on parts of PyTorch that it does not document for users (the other is
`bounds/tensor.py`): `torch._numpy`, NumPy's interface on torch tensors, which PyTorch ships so that NumPy code can be
compiled. While the code under test runs, the names in its modules that are bound to NumPy (`np`, `numpy`, or `exp`
after `from numpy import exp`) are bound to a stand-in that is `torch._numpy` where it can be, and NumPy's own
protocols (`__array_ufunc__`, `__array_function__`) send every other use of a traced array the same way. Afterwards
everything is as it was. `tests/test_private_torch.py` notices when `torch._numpy` changes.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib
import math
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from gradcompare.bounds import BoundedTensor

torch_numpy: Any = importlib.import_module("torch._numpy")
TracedArray = torch_numpy.ndarray
_PATCHING = threading.RLock()
_LIBRARIES = {
    "numpy",
    "torch",
    "scipy",
    "hypothesis",
    "pytest",
    "_pytest",
    "gradcompare",
    "matplotlib",
    "pandas",
    "rich",
}

_TRACED_OWN = {"gradcompare.losses", "gradcompare.stood_in"}
"""Modules of ours that are NumPy code to be traced like a user's."""


class NotTraceableError(TypeError):
    """NumPy code that does something autograd cannot see through."""


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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function.

        Raises NotTraceableError where it was given tensors and uses a part of NumPy that cannot be traced.
        """
        tensors = [leaf for leaf in _leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        if not tensors:
            with same_random_numbers():
                return self.function(*args, **kwargs)
        with tracing(self.function, *self.reaching), same_random_numbers():
            result = self.function(*_converted(args, _to_traced), **_converted(kwargs, _to_traced))
            return _converted(result, _to_tensor)


def numpy_on_torch(function: Callable[..., Any]) -> NumpyOnTorch:
    """NumPy code as a function of torch tensors: autograd can differentiate it, and `compare` can bound its rounding.

    The function is run as it stands; its module is not changed, except while it runs. It may index, loop, write in
    place, and call other functions and modules of its author.

    >>> import numpy as np, torch
    >>> def sigmoid(z):
    ...     return 1 / (1 + np.exp(-z))
    >>> z = torch.zeros(3, requires_grad=True)
    >>> numpy_on_torch(sigmoid)(z).sum().backward()
    >>> z.grad
    tensor([0.2500, 0.2500, 0.2500])
    """
    return function if isinstance(function, NumpyOnTorch) else NumpyOnTorch(function)


# ---- trees of arrays -------------------------------------------------------------------------------------------------


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, list | tuple):
        yield tree
        return
    for branch in tree:
        yield from _leaves(branch)


def _converted(tree: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(tree, dict):
        return {key: _converted(branch, function) for key, branch in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(_converted(branch, function) for branch in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(_converted(branch, function) for branch in tree)
    return function(tree)


def _to_traced(leaf: Any) -> Any:
    """A tensor as an array; a copy, so that code that writes in place does not write into its arguments."""
    return TracedArray(leaf.clone()) if isinstance(leaf, torch.Tensor) else leaf


def _to_tensor(leaf: Any) -> Any:
    return leaf.tensor if isinstance(leaf, TracedArray) else leaf


def _from_numpy(leaf: Any) -> Any:
    """What NumPy itself computed, as an array of this run."""
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fiub":
        return TracedArray(torch.from_numpy(np.array(leaf, order="C")).clone())
    if isinstance(leaf, np.generic) and leaf.dtype.kind in "fiub":
        return leaf.item()
    return leaf


def _to_numpy(leaf: Any) -> Any:
    """An array of this run for NumPy itself, which is allowed only where autograd has no interest in it."""
    if not isinstance(leaf, TracedArray):
        return _BACK_TO_NUMPY.get(id(leaf), leaf) if callable(leaf) else leaf
    tensor = leaf.tensor
    if tensor.requires_grad:
        raise _CutError
    value = tensor.value if isinstance(tensor, BoundedTensor) else tensor
    return value.detach().numpy()


class _CutError(Exception):
    pass


# ---- the stand-in for NumPy ------------------------------------------------------------------------------------------


class _Namespace(types.ModuleType):
    """The stand-in for one of NumPy's modules: own versions first, then `torch._numpy`, then NumPy for untraced
    arrays."""

    def __init__(self, real: types.ModuleType, on_torch: Any, own: dict[str, Any]) -> None:
        super().__init__(real.__name__)
        self._real, self._on_torch, self._own = real, on_torch, own

    def __getattr__(self, name: str) -> Any:
        if name in self._own:
            return self._own[name]
        if hasattr(self._on_torch, name) and not name.startswith("__"):
            return getattr(self._on_torch, name)
        return _guarded(getattr(self._real, name), f"{self._real.__name__}.{name}")


def _guarded(real: Any, name: str) -> Any:
    """NumPy's own function, for arrays that autograd has no interest in; an error that says so for others."""
    if not callable(real) or isinstance(real, type):
        return real

    @functools.wraps(real)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            args, kwargs = _converted(args, _to_numpy), _converted(kwargs, _to_numpy)
        except _CutError:
            raise NotTraceableError(f"{name} cannot be traced: torch's NumPy layer does not have it") from None
        return _converted(real(*args, **kwargs), _from_numpy)

    return call


def _array(obj: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """np.array, np.asarray of a list of traced arrays: they are stacked, where `torch._numpy` would cut the graph."""
    if isinstance(obj, list | tuple) and any(isinstance(leaf, TracedArray) for leaf in _leaves(obj)):
        return torch_numpy.stack([_array(row) for row in obj])
    if isinstance(obj, np.ndarray):
        obj = _from_numpy(obj)
    copy = kwargs.pop("copy", True)
    ndmin = kwargs.pop("ndmin", 0)
    array = torch_numpy.array(obj, dtype=dtype, copy=copy is not False, ndmin=ndmin)
    return _carried(array)


def _asarray(obj: Any, dtype: Any = None, **kwargs: Any) -> Any:
    if isinstance(obj, TracedArray) and (dtype is None or obj.dtype == torch_numpy.dtype(dtype)):
        return obj
    return _array(obj, dtype, **kwargs)


def _carried(array: Any) -> Any:
    """A new array under the run's care: `torch.tensor` of plain numbers makes a tensor that carries no bound."""
    return array if isinstance(array.tensor, BoundedTensor) else TracedArray(array.tensor.clone())


def _where(condition: Any, *choices: Any) -> Any:
    return torch_numpy.where(condition, *choices)


def _nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Finite entries as they are."""
    x = _asarray(x)
    return TracedArray(torch.where(torch.isfinite(x.tensor), x.tensor, torch.nan_to_num(x.tensor, nan, posinf, neginf)))


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
        "random": _random,
        "linalg": _linalg,
        "array": _array,
        "asarray": _asarray,
        "asanyarray": _asarray,
        "ascontiguousarray": _asarray,
        "asfortranarray": _asarray,
        "copy": _array,
        "nan_to_num": _nan_to_num,
        "errstate": _errstate,
        "seterr": _ignore,
        "geterr": _ignore,
        "set_printoptions": _ignore,
        "acos": torch_numpy.arccos,
        "asin": torch_numpy.arcsin,
        "atan": torch_numpy.arctan,
        "atanh": torch_numpy.arctanh,
        "pow": torch_numpy.power,
        "concat": torch_numpy.concatenate,
        "permute_dims": torch_numpy.transpose,
        "matrix_transpose": lambda x: torch_numpy.swapaxes(x, -1, -2),
        "vecdot": lambda a, b, axis=-1: torch_numpy.sum(a * b, axis=axis),
    },
)


def _math_function(name: str) -> Callable[..., Any]:
    """A function of `math`, for a traced array NumPy's of the same meaning: `math` would take the number out of it."""
    real = getattr(math, name)
    on_torch = getattr(torch_numpy, {"pow": "power", "fabs": "abs"}.get(name, name), None)

    @functools.wraps(real)
    def call(*args: Any) -> Any:
        traced = any(isinstance(a, TracedArray) for a in args)
        return on_torch(*args) if traced and on_torch is not None else real(*args)

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
            real = getattr(module, name, None)
            if (
                name.startswith("_")
                or not callable(real)
                or (
                    hasattr(builtins, getattr(real, "__name__", ""))
                    and (real is getattr(builtins, real.__name__, None))
                )
            ):
                continue
            table.setdefault(id(real), getattr(stand_in, name))
    for name, real in vars(math).items():
        if callable(real):
            table[id(real)] = getattr(MATH, name, real)
    return table


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


@contextlib.contextmanager
def tracing(*functions: Any) -> Iterator[None]:
    """While this is entered, the functions and the code they reach find `torch._numpy` where they look for NumPy."""
    absent = object()
    with _PATCHING, contextlib.ExitStack() as undo:
        for namespace in _namespaces(*functions):
            changes = {k: _STAND_INS[id(v)] for k, v in namespace.items() if id(v) in _STAND_INS} | {"float": _Float}
            undo.callback(_restore, namespace, {k: namespace.get(k, absent) for k in changes}, absent)
            namespace.update(changes)
        for name, method in _PROTOCOLS.items():
            undo.callback(_restore_attribute, name, getattr(TracedArray, name, absent), absent)
            setattr(TracedArray, name, method)
        undo.enter_context(torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t))
        yield


def _restore(namespace: dict[str, Any], before: dict[str, Any], absent: object) -> None:
    for key, value in before.items():
        if value is absent:
            namespace.pop(key, None)
        else:
            namespace[key] = value


def _restore_attribute(name: str, before: Any, absent: object) -> None:
    if before is absent:
        delattr(TracedArray, name)
    else:
        setattr(TracedArray, name, before)


def _array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy met a traced array in one of its own functions: run `torch._numpy`'s."""
    out = kwargs.pop("out", None)
    if method == "__call__":
        result = getattr(NUMPY, ufunc.__name__)(*inputs, **kwargs)
    elif method == "reduce" and ufunc.__name__ in _REDUCTIONS:
        result = getattr(NUMPY, _REDUCTIONS[ufunc.__name__])(*inputs, **kwargs)
    else:
        raise NotTraceableError(f"numpy.{ufunc.__name__}.{method} cannot be traced")
    if out is None:
        return result
    if not isinstance(out[0], TracedArray):
        raise NotTraceableError(
            f"numpy.{ufunc.__name__} would write a traced array into one made outside of the function"
        )
    out[0][...] = result
    return out[0]


_REDUCTIONS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}


def _array_function(self: Any, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    return getattr(NUMPY, func.__name__)(*args, **kwargs)


def _item(self: Any, *index: Any) -> Any:
    """`.item()`, which leaves a traced number traced."""
    return torch_numpy.reshape(self[index] if index else self, ())


_PROTOCOLS: dict[str, Any] = {"__array_ufunc__": _array_ufunc, "__array_function__": _array_function, "item": _item}


@contextlib.contextmanager
def same_random_numbers(seed: int = 0) -> Iterator[None]:
    """Random numbers drawn inside (dropout) are the same in every run; the state outside is left as it was."""
    state = np.random.get_state()  # noqa: NPY002 (the stream that the code under test draws from)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
