"""Labels for what takes those of several outputs: each such as the output that it meets."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcompare.interfaces import meaning, source, words
from gradcompare.interfaces.rehearsal import supplies

if TYPE_CHECKING:
    from gradcompare.interfaces.rehearsal.desk import Data

_NUMBERS = "np.random.standard_normal({shape})"
_SHARES = "np.eye({n})[np.arange({m}) % {n}]"
"""One-hot rows, with as many 1 in each column."""


@source.kept
def several(function: Callable[..., Any]) -> tuple[str, ...]:
    """The arguments that are labels, where there are two or more: of several outputs."""
    found = tuple(name for name in source.argument_names(function) if _are_labels(function, name))
    return found if len(found) > 1 else ()


def _are_labels(function: Callable[..., Any], name: str) -> bool:
    role = meaning.role_of(function, name)
    if role is not None or words.role_of_size(name) is not None:  # num_outputs is a width
        return role == "targets"
    return words.is_of_labels(name) or supplies.role(name) == "targets"


def of(
    function: Callable[..., Any], name: str, known: Mapping[str, str], space: Mapping[str, Any], data: Data
) -> Iterator[str]:
    """What one of several such arguments may be, the likeliest first. `known`: by expression the names of what was made
    before; `space`: what it is."""
    output = _met(function, name, known, space)
    if output is None:
        yield data.labels
        if name != several(function)[0] and not data.each:
            shapes = (f"(len({data.samples}), 1)", f"len({data.samples})")
            yield from (_NUMBERS.format(shape=shape) for shape in shapes)
        return
    text, value = output
    if value.shape == np.shape(np.asarray(space.get(data.labels))):
        yield data.labels
    elif value.ndim == 2 and value.shape[1] > 1 and np.allclose(value.sum(axis=1), 1):
        yield _SHARES.format(m=len(value), n=value.shape[1])
    else:
        yield _NUMBERS.format(shape=f"np.shape({text})")


def _met(
    function: Callable[..., Any], name: str, known: Mapping[str, str], space: Mapping[str, Any]
) -> tuple[str, Any] | None:
    """What a function takes the difference of an argument with, as an expression outside of it, and its value: of what
    it is given or holds."""
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            for one, other in ((node.left, node.right), (node.right, node.left)):
                text = _outside(other, known) if isinstance(one, ast.Name) and one.id == name else None
                value = _value(text, space) if text is not None else None
                if text is not None and isinstance(value, np.ndarray) and value.dtype.kind == "f":
                    return text, value
    return None


def _outside(node: ast.expr, known: Mapping[str, str]) -> str | None:
    """An expression for the same where the function is called."""
    if isinstance(node, ast.Subscript):
        whole = _outside(node.value, known)
        return None if whole is None else f"{whole}[{ast.unparse(node.slice)}]"
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return next((text for text in known if text.partition(".")[2] == node.attr), None)
    if isinstance(node, ast.Name):
        return next((text for text, called in known.items() if called == node.id), None)
    return None


def _value(text: str, space: Mapping[str, Any]) -> Any:
    try:
        return eval(compile(text, "<its program>", "eval"), dict(space))
    except Exception:
        return None
