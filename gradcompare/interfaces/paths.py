"""Where arrays are in what a program holds or returns: paths through dicts, lists, tuples and objects.

>>> [(label(path), array.shape) for path, array in walk({"W1": np.zeros((2, 3)), "rest": [np.ones(4)]})]
[('W1', (2, 3)), ('rest1', (4,))]
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gradcompare.loading.absent import Absent

Path = tuple[tuple[str, Any], ...]
"""("attr", name) and ("item", key) from the root to an array."""

DEEPEST = 7
_LEAVES = str | bytes | bool | complex | types.ModuleType | types.FunctionType | types.MethodType | type


def is_array(value: Any) -> bool:
    """An array of real numbers, of NumPy or traced; or a bare number. What the file itself makes a class of is none,
    though it has a shape: a tensor that holds its data and their gradient."""
    if isinstance(value, bool | Absent) or value is None:
        return False
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiub"
    if hasattr(value, "shape"):
        return type(value).__module__.partition(".")[0] in ("numpy", "torch", "gradcompare")
    return isinstance(value, int | float | np.generic)


def walk(tree: Any, path: Path = (), seen: frozenset[int] = frozenset()) -> Iterator[tuple[Path, Any]]:
    """(path, array) of every array under a root, bare numbers included; objects are entered by their attributes."""
    if is_array(tree):
        yield path, tree
        return
    if id(tree) in seen or len(path) > DEEPEST or isinstance(tree, _LEAVES):
        return
    seen |= {id(tree)}
    for step, branch in branches(tree):
        yield from walk(branch, (*path, step), seen)


def branches(tree: Any) -> Iterator[tuple[tuple[str, Any], Any]]:
    """(step, what is there) of all that a container or an object holds."""
    if isinstance(tree, Mapping):
        yield from ((("item", key), branch) for key, branch in list(tree.items()))
    elif isinstance(tree, list | tuple) or (isinstance(tree, np.ndarray) and tree.dtype == object and tree.ndim == 1):
        yield from ((("item", i), branch) for i, branch in enumerate(tree))
    elif hasattr(tree, "__dict__") and type(tree).__module__.partition(".")[0] not in ("numpy", "torch", "builtins"):
        own = vars(tree)
        yield from ((("attr", name), branch) for name, branch in list(own.items()))
        for made in type(tree).__mro__:  # what all objects of a class share, until one gets its own
            for name, branch in vars(made).items():
                if isinstance(branch, np.ndarray) and name not in own:
                    yield ("attr", name), branch


def get(tree: Any, path: Path) -> Any:
    """What is at a path. Raises LookupError or AttributeError where nothing is."""
    for kind, key in path:
        tree = getattr(tree, key) if kind == "attr" else tree[key]
    return tree


def got(tree: Any, path: Path) -> Any:
    """The same, and None where nothing is."""
    try:
        return get(tree, path)
    except (LookupError, AttributeError, TypeError):
        return None


def put(tree: Any, path: Path, value: Any) -> Any:
    """Set what is at a path; returns the root, which is another where it is a tuple."""
    if not path:
        return value
    (kind, key), rest = path[0], path[1:]
    branch = put(getattr(tree, key) if kind == "attr" else tree[key], rest, value) if rest else value
    if kind == "attr":
        setattr(tree, key, branch)
    elif isinstance(tree, tuple):
        parts = [branch if i == key else part for i, part in enumerate(tree)]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    else:
        tree[key] = branch
    return tree


def label(path: Path) -> str:
    """A name for what is at a path: the last name on it, and a number from 1 where it is in a list."""
    names = [str(key) for kind, key in path if kind == "attr" or isinstance(key, str)]
    indices = [key for kind, key in path if kind == "item" and isinstance(key, int)]
    name = names[-1] if names else ""
    return f"{name}{indices[-1] + 1}" if indices and not name[-1:].isdigit() else name


def full_label(path: Path) -> str:
    """A name with every number on the path: weights1_2 of network[0][1]["weights"]."""
    names = [str(key) for kind, key in path if kind == "attr" or isinstance(key, str)]
    indices = [str(key + 1) for kind, key in path if kind == "item" and isinstance(key, int)]
    return (names[-1] if names else "W") + "_".join(indices)


def index(path: Path) -> int | None:
    """The last number on a path: the layer, where layers are in a list or numbered by a dict's keys."""
    for kind, key in reversed(path):
        if kind == "item" and isinstance(key, int):
            return key
        if isinstance(key, str) and (found := re.search(r"(\d+)$", key)):
            return int(found[1])
    return None


def word(path: Path) -> str:
    """The last name on a path, without a number: "W" of layers[0].W and of params["W1"]."""
    names = [str(key) for kind, key in path if kind == "attr" or isinstance(key, str)]
    return re.sub(r"_?\d+$", "", names[-1]) if names else ""


def parent(path: Path) -> Path:
    """The path without its last step."""
    return path[:-1]
