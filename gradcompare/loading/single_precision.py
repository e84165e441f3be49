"""Code that works in float32 whatever it is given: it makes its arrays so. Its gradients are compared in float64, which
stands in its place, for what single precision leaves out of a result no bound of another precision explains."""

from __future__ import annotations

import ast
import re

_ASKS = re.compile(r"\bfloat(32|16)\b")
_GOES_BACK = re.compile(r"back|grad|bprop|deriv|prime|update|step|train|fit|learn", re.IGNORECASE)
"""How functions are called in which less precision may be a mistake, and is for the report to tell."""


def in_double(tree: ast.Module, text: str) -> tuple[int, str] | None:
    """The first line in which a function that makes values, and no gradients, asks for less than double precision, and
    the text with float64 wherever it does; None where none asks."""
    lines = [line for node in tree.body for line in _lines(node, False)]
    return (min(lines), _ASKS.sub("float64", text)) if lines else None


def _lines(node: ast.AST, in_function: bool) -> list[int]:
    if isinstance(node, ast.FunctionDef):
        if _GOES_BACK.search(node.name):
            return []
        in_function = True
    own = [node.lineno] if in_function and _asks(node) else []  # type: ignore[attr-defined]
    return own + [line for child in ast.iter_child_nodes(node) for line in _lines(child, in_function)]


def _asks(node: ast.AST) -> bool:
    """Whether it is np.float32, or the word."""
    name = node.attr if isinstance(node, ast.Attribute) else node.value if isinstance(node, ast.Constant) else None
    return isinstance(name, str) and bool(_ASKS.fullmatch(name))
