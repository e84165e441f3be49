"""`torch._numpy`, NumPy's interface on torch tensors: its array, and how NumPy's own arrays and numbers become one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from gradcompare.bounds import BoundedTensor, Run

torch_numpy: Any = importlib.import_module("torch._numpy")
TracedArray = torch_numpy.ndarray
if "torch._dynamo.config" not in sys.modules:
    torch_numpy.set_default_dtype("numpy", "numpy")  # the default; not set, it loads the compiler to look it up


class NotTraceableError(TypeError):
    """NumPy code that does something autograd cannot see through."""


def leaves(tree: Any) -> Iterator[Any]:
    """What nested dicts, lists and tuples hold."""
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, list | tuple):
        yield tree
        return
    for branch in tree:
        yield from leaves(branch)


def converted(tree: Any, function: Callable[[Any], Any]) -> Any:
    """Nested dicts, lists and tuples with the function applied to what they hold."""
    if isinstance(tree, dict):
        return {key: converted(branch, function) for key, branch in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(converted(branch, function) for branch in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(converted(branch, function) for branch in tree)
    return function(tree)


def from_numpy(leaf: Any) -> Any:
    """What NumPy itself computed, as an array of this run; NumPy's dtypes as torch's: of more than double precision,
    which torch has not, it has double."""
    if isinstance(leaf, np.matrix):
        from gradcompare.tracing.matrices import as_matrix

        return as_matrix(from_numpy(np.asarray(leaf)))
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fiub":
        own = np.float64 if leaf.dtype == np.longdouble else leaf.dtype
        return TracedArray(torch.from_numpy(np.array(leaf, own, order="C")).clone())
    if isinstance(leaf, np.generic) and leaf.dtype.kind in "fiub":
        return leaf.item()
    if isinstance(leaf, np.dtype) or (isinstance(leaf, type) and issubclass(leaf, np.generic)):
        own = np.dtype(np.float64) if np.dtype(leaf) == np.longdouble else np.dtype(leaf)
        return getattr(torch_numpy, own.name, leaf)
    return leaf


def dtype_of(dtype: Any) -> Any:
    """A dtype however it is spelt ("<f4", np.float32, float, another array's) as torch's."""
    return from_numpy(np.dtype(dtype)) if isinstance(dtype, str) else from_numpy(dtype)


def written(result: Any, out: Any) -> Any:
    """A result in the array that NumPy's `out=` names.

    Raises NotTraceableError for a traced result and an array that was made outside of the function.
    """
    target = out[0] if isinstance(out, tuple) else out
    if isinstance(target, TracedArray):
        target[...] = result
    elif is_differentiated(result):
        raise NotTraceableError("a traced array would be written, by out=, into one made outside of the function")
    else:
        target[...] = plain(asarray(result))
    return target


def plain(leaf: Any) -> np.ndarray:
    """The numbers of a traced array. Torch's operations are its own meanwhile: a run's tensors have no memory that
    NumPy could read."""
    with Run.paused():
        tensor = leaf.tensor
        value = tensor.value if isinstance(tensor, BoundedTensor) else tensor
        return value.detach().numpy().copy()


def index(x: Any) -> np.ndarray:
    """Indices and counts, which autograd has no interest in, as NumPy has them."""
    if is_differentiated(x):
        raise NotTraceableError("a traced number was used as an index")
    return plain(x) if isinstance(x, TracedArray) else np.asarray(x)


def plain_index(at: Any) -> Any:
    """What stands between brackets, for NumPy."""
    return converted(at, lambda i: index(i) if isinstance(i, TracedArray) else i)


def is_differentiated(leaf: Any) -> bool:
    """Whether autograd has an interest in it."""
    return isinstance(leaf, TracedArray) and leaf.tensor.requires_grad


def _is_of_things(dtype: Any) -> bool:
    try:
        return np.dtype(dtype).kind in "OUS"
    except TypeError:  # one of torch's
        return False


def _of_things(obj: Any, dtype: Any) -> Any:
    if not any(isinstance(leaf, TracedArray) for leaf in leaves(obj)):
        return np.array(obj, dtype=dtype)
    made = np.empty(len(obj), dtype=object)
    for i, thing in enumerate(obj):
        made[i] = thing
    return made


def asarray(obj: Any, dtype: Any = None) -> Any:
    """np.asarray; traced numbers in a list are stacked, where `torch._numpy` would cut the graph."""
    if isinstance(obj, TracedArray) and (dtype is None or obj.dtype == torch_numpy.dtype(dtype_of(dtype))):
        return obj
    return array(obj, dtype)


def traced_among(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """np.array of what is traced, for code that has kept NumPy's own from before: self.array = np.array.
    NotImplemented where nothing is."""
    if not any(isinstance(leaf, TracedArray) for leaf in leaves(obj)):
        return NotImplemented
    return array(obj, *args, **{name: kwargs[name] for name in ("dtype", "copy", "ndmin") if name in kwargs})


def array(obj: Any, dtype: Any = None, copy: Any = True, ndmin: int = 0) -> Any:
    """np.array, likewise; what holds no numbers, words or lists of several lengths, is NumPy's own."""
    if dtype is not None and not isinstance(obj, TracedArray) and _is_of_things(dtype):
        return _of_things(obj, dtype)
    obj, dtype = converted(obj, from_numpy), None if dtype is None else dtype_of(dtype)
    if isinstance(obj, list | tuple) and any(isinstance(leaf, TracedArray) for leaf in leaves(obj)):
        obj, copy = torch_numpy.stack([asarray(row) for row in obj]), False
    try:
        made = torch_numpy.array(obj, dtype=dtype, copy=copy is not False, ndmin=ndmin)
    except (NotImplementedError, TypeError, ValueError):  # no rows of one length
        return np.array(obj)
    return made if isinstance(made.tensor, BoundedTensor) else TracedArray(made.tensor.clone())
