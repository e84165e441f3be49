"""Gradients that have fewer axes than their parameters, or more, where that is no mistake: broadcasting evens them out,
or the file does where it applies the gradient."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import re
from typing import Any

import numpy as np

from gradcompare.interfaces import source


def spread(array: Any, shape: tuple[int, ...], added_later: bool) -> Any:
    """A gradient in the shape of its parameter, where it only lacks axes that are added, (n,) for (1, n); or has some
    that the parameter gets with it, (1, n) for (n,)."""
    own = np.shape(array)
    lacks = len(own) < len(shape)
    by_broadcasting = _without_first(own) == _without_first(shape)
    by_the_file = added_later and lacks and tuple(n for n in shape if n != 1) == tuple(n for n in own if n != 1)
    other = own != shape and hasattr(array, "reshape") and (by_broadcasting or by_the_file)
    return array.reshape(shape) if other else array


def _without_first(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without the axes of length 1 before its others, which broadcasting adds."""
    return tuple(itertools.dropwhile(lambda n: n == 1, shape))


def are_added_later(function: Any, name: str) -> bool:
    """Whether the file that a function is from gives another shape to what is called so: `db.reshape(b.shape)`."""
    file = getattr(inspect.unwrap(function), "__globals__", {}).get("__file__")
    return _word(name) in _reshaped(str(file))


@functools.lru_cache(maxsize=16)
def _reshaped(file: str) -> frozenset[str]:
    """The words of what is reshaped in a file, without numbers: db of `grads[f"db{i}"].reshape(...)`."""
    return frozenset(filter(None, (_base(node) for node in ast.walk(source.parsed(file)))))


def _base(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and source.called(node) in ("reshape", "expand_dims"):
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        of_numpy = owner is None or getattr(owner, "id", "") in ("np", "numpy")
        return _called(next(iter(node.args), None) if of_numpy else owner)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
        new = [e for e in node.slice.elts if ast.unparse(e) in ("None", "np.newaxis", "numpy.newaxis")]
        return _called(node.value) if new else ""
    return ""


def _called(node: ast.AST | None) -> str:
    if isinstance(node, ast.Subscript):
        return _word(source.key_begins(node.slice)) or _called(node.value)
    return _word(getattr(node, "attr", getattr(node, "id", "")))


def _word(name: str) -> str:
    return re.sub(r"_?\d+$", "", name)
