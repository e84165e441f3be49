"""Run NumPy code on torch, so that autograd can differentiate it and bounds can follow it.

This file leans on parts of PyTorch that it does not document for users (as do `bounds/tensor.py` and
`bounds/run.py`): `torch._numpy`, NumPy's interface on torch tensors, which PyTorch ships so that NumPy code can be
compiled. While the code under test runs, the names in its modules that are bound to NumPy (`np`, `numpy`, or `exp`
after `from numpy import exp`) are bound to a stand-in that is `torch._numpy` where it can be, and NumPy's own
protocols (`__array_ufunc__`, `__array_function__`) send every other use of a traced array the same way. Afterwards
everything is as it was. `tests/test_private_torch.py` notices when `torch._numpy` changes.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from gradcompare.tracing.array_protocols import PROTOCOLS
from gradcompare.tracing.numpy_functions import Vectorized
from gradcompare.tracing.numpy_namespace import Float, real_of, stand_in_for
from gradcompare.tracing.randomness import same_random_numbers
from gradcompare.tracing.traced_array import NotTraceableError, TracedArray, converted, from_numpy, leaves, plain

__all__ = ["NotTraceableError", "NumpyOnTorch", "TracedArray", "numpy_on_torch", "tracing"]

_PATCHING = threading.RLock()
_LIBRARIES = {
    *("numpy", "torch", "scipy", "hypothesis", "pytest", "_pytest", "gradcompare", "matplotlib", "pandas", "rich"),
}
_TRACED_OWN = {"gradcompare.losses", "gradcompare.tracing.stood_in", "gradcompare.tracing.usual_forward"}
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


# ---- binding names to the stand-in -----------------------------------------------------------------------------------


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
def tracing(namespaces: Iterable[dict[str, Any]]) -> Iterator[None]:
    """While this is entered, code with these global names finds `torch._numpy` where it looks for NumPy."""
    with _PATCHING, contextlib.ExitStack() as undo:
        for namespace in namespaces:
            undo.callback(_restore, namespace, dict(namespace))
            names = [(k, v) for k, v in namespace.items() if k != "__builtins__"]
            namespace.update({k: new for k, v in names if (new := _stand_in(v)) is not v})
            namespace["float"] = Float
        undo.enter_context(protocols())
        undo.enter_context(torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t))
        yield


@contextlib.contextmanager
def protocols() -> Iterator[None]:
    """While this is entered, traced arrays answer NumPy's own protocols. Whoever traces often and alone enters it once
    around them all: to set and to unset attributes of a class takes a while."""
    absent = object()
    before = {name: vars(TracedArray).get(name, absent) for name in PROTOCOLS}
    missing = [name for name, method in PROTOCOLS.items() if before[name] is not method]
    for name in missing:
        setattr(TracedArray, name, PROTOCOLS[name])
    try:
        yield
    finally:
        for name in reversed(missing):
            _restore_attribute(name, before[name], absent)


def untraced(namespace: dict[str, Any]) -> dict[str, Any] | None:
    """Names that are traced, as they are otherwise; None where they are not. What is run in them is not traced before
    `trace_from_now_on`: what only prepares data may do whatever NumPy can."""
    if namespace.get("float") is not Float:
        return None
    names = {name: thing for name, thing in namespace.items() if thing is not Float}
    return {name: real_of(converted(thing, _to_numpy)) for name, thing in names.items()}


def trace_from_now_on(namespace: dict[str, Any]) -> None:
    """Bind the names to what stands in for NumPy; arrays stay what they are."""
    names = [(k, v) for k, v in namespace.items() if k != "__builtins__" and not isinstance(v, np.ndarray)]
    namespace.update({k: new for k, v in names if (new := stand_in_for(v)) is not v} | {"float": Float})


def _to_numpy(leaf: Any) -> Any:
    return plain(leaf) if isinstance(leaf, TracedArray) else leaf


def _stand_in(thing: Any) -> Any:
    """What a global name is bound to in the meantime: of NumPy its stand-in, of arrays traced ones."""
    if isinstance(thing, np.vectorize):
        return Vectorized(thing.pyfunc)
    if isinstance(thing, np.ndarray) or (type(thing) in (dict, list, tuple) and _holds_arrays(thing)):
        return converted(thing, from_numpy)
    return stand_in_for(thing)


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
    return value is Float or any(isinstance(leaf, TracedArray) for leaf in leaves(value))


def _restore_attribute(name: str, before: Any, absent: object) -> None:
    if before is absent:
        delattr(TracedArray, name)
    else:
        setattr(TracedArray, name, before)
