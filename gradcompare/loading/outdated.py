"""What in a file belongs to Python 2 or to an older NumPy, although it can be parsed."""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeGuard

import numpy as np

PYTHON_2_NAMES = {
    "xrange": "range",
    "raw_input": "input",
    "unicode": "str",
    "basestring": "str",
    "unichr": "chr",
    "long": "int",
    "reduce": "functools.reduce",
    "reload": "importlib.reload",
    "execfile": "exec",
    "cmp": None,
}
PYTHON_2_METHODS = {
    "iteritems": "items",
    "itervalues": "values",
    "iterkeys": "keys",
    "has_key": "in",
}
NUMPY = {
    "float": "float",
    "int": "int",
    "object": "object",
    "str": "str",
    "complex": "complex",
    "bool": "bool",
    "long": "int",
    "unicode": "str",
    "float_": "np.float64",
    "int_": "np.int64",
    "complex_": "np.complex128",
    "Inf": "np.inf",
    "Infinity": "np.inf",
    "infty": "np.inf",
    "NaN": "np.nan",
    "NAN": "np.nan",
    "mat": "np.asmatrix",
    "math": "the module math",
    "asscalar": ".item()",
    "product": "np.prod",
    "cumproduct": "np.cumprod",
    "alltrue": "np.all",
    "sometrue": "np.any",
    "row_stack": "np.vstack",
    "in1d": "np.isin",
    "trapz": "np.trapezoid",
    "round_": "np.round",
    "unicode_": "np.str_",
    "string_": "np.bytes_",
    "cast": "np.asarray",
    "rank": "np.ndim",
    "asfarray": "np.asarray(..., dtype=float)",
}
"""What older NumPy had, and what to write instead."""
_CALLED_OTHERWISE = {"asfarray": lambda a, dtype=np.float64: np.asarray(a, dtype)}
"""Of these what is written instead is more than another name."""
_FROM_PYTHON = {"float", "int", "object", "str", "complex", "bool"}
_lent: set[str] = set()


class Outdated(NamedTuple):
    """A use of something that this Python or this NumPy does not have."""

    line: int
    name: str
    says: str


def lend_to_numpy() -> None:
    """Give NumPy, in this process, the names that it had before, where it has what they stood for under another: a file
    that has them is checked like any other, and told what to write now."""
    for name, instead in NUMPY.items():
        of = builtins if instead in _FROM_PYTHON else np if instead.startswith("np.") else None
        if of is not None and not _numpy_has(name):
            own = _CALLED_OTHERWISE.get(name)
            setattr(np, name, getattr(of, instead.removeprefix("np.")) if own is None else own)
            _lent.add(name)


@contextlib.contextmanager
def arrays_of_lists(file: str, met: dict[int, str], other: Callable[..., Any]) -> Iterator[None]:
    """While this is entered, np.array and np.asarray make of lists of several lengths what NumPy made of them before
    1.24, an array of objects. `met`: what is to be said, by the lines of the file that ask for that. `other`: is asked
    first, and returns NotImplemented where NumPy is to make the array."""
    before = {name: getattr(np, name) for name in ("array", "asarray")}

    def lenient(name: str) -> Callable[..., Any]:
        def array(obj: Any, *args: Any, **kwargs: Any) -> Any:
            found = other(obj, *args, **kwargs)
            if found is not NotImplemented:
                return found
            try:
                return before[name](obj, *args, **kwargs)
            except ValueError as error:
                if args or kwargs or "inhomogeneous" not in str(error):
                    raise
                frame = sys._getframe(1)
                if frame.f_code.co_filename == file:
                    instead = f"np.{name}(..., dtype=object)"
                    met[frame.f_lineno] = _says(f"np.{name} of lists of several lengths", "an older NumPy", instead)
                return before[name](obj, dtype=object)

        return functools.update_wrapper(array, before[name])

    for name in before:
        setattr(np, name, lenient(name))
    try:
        yield
    finally:
        for name, own in before.items():
            setattr(np, name, own)


def outdated_in(tree: ast.AST, names: Mapping[str, Any]) -> list[Outdated]:
    """Every such use in a tree, in the order of its lines; names are the namespace of the file."""
    return sorted(set(_uses(tree, names)))


def _uses(tree: ast.AST, names: Mapping[str, Any]) -> Iterator[Outdated]:
    for node in _walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in PYTHON_2_NAMES:
            if node.id not in names and not _bound_in(tree, node.id):
                yield Outdated(node.lineno, node.id, _says(node.id, "Python 2", PYTHON_2_NAMES[node.id]))
        elif isinstance(node, ast.Attribute) and node.attr in PYTHON_2_METHODS:
            yield Outdated(
                node.lineno, f".{node.attr}", _says(f".{node.attr}", "Python 2", PYTHON_2_METHODS[node.attr])
            )
        elif _is_of_numpy(node, names) and not _numpy_has(node.attr):
            name = ast.unparse(node)
            yield Outdated(node.lineno, name, _says(name, "an older NumPy", NUMPY.get(node.attr)))


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """What a tree holds, without what is there for one version of Python: `if sys.version_info[0] < 3:`, `try:`."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        versions = isinstance(node, ast.If) and "version" in ast.unparse(node.test)
        if not versions and not isinstance(node, ast.Try):
            yield node
            waiting += ast.iter_child_nodes(node)


def _is_of_numpy(node: ast.AST, names: Mapping[str, Any]) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and names.get(node.value.id) is np


def _bound_in(tree: ast.AST, name: str) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.arg) and node.arg == name)
        or (isinstance(node, ast.alias) and (node.asname or node.name) == name)
        or (isinstance(node, ast.FunctionDef) and node.name == name)
        for node in ast.walk(tree)
    )


def _numpy_has(name: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return name not in _lent and hasattr(np, name)


def _says(name: str, age: str, instead: str | None) -> str:
    if age == "an older NumPy" and instead is None:
        return f"NumPy {np.__version__} has no {name}"
    return f"{name} is from {age}" + (f": write {instead}" if instead else "")
