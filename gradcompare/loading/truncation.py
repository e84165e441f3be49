"""Code that goes back through time for so many steps and no further: what it makes is an approximation on purpose, and
is the gradient where nothing is cut off (R. J. Williams and J. Peng, "An efficient gradient-based algorithm for on-line
training of recurrent network trajectories", 1990, section 3). So nothing is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gradcompare.loading.rewriting import replaced

_CALLED_SO = re.compile(r"trunc", re.IGNORECASE)
FAR = 10_000
"""More steps than a sequence has."""


def without_truncation(tree: ast.Module, text: str) -> tuple[int, str] | None:
    """The line in which it is first said how far to go back, and the text in which that is as far as one can; None
    where it is said nowhere, or where it is not what is counted back by, as in `t - bptt_truncate`."""
    numbers = list(_numbers(tree)) if any(map(_counts_back, ast.walk(tree))) else []
    if not numbers:
        return None
    return min(number.lineno for number in numbers), replaced(text, [(number, str(FAR)) for number in numbers])


def _is_called_so(node: ast.AST | None) -> bool:
    name = getattr(node, "attr", getattr(node, "id", getattr(node, "arg", ""))) or ""
    return bool(_CALLED_SO.search(name))


def _counts_back(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and _is_called_so(node.right)


def _numbers(tree: ast.Module) -> Iterator[ast.Constant]:
    """The whole numbers that are given to what is called so: as a default, by its name in a call, or as its value."""
    for node in ast.walk(tree):
        for value in _given(node):
            if isinstance(value, ast.Constant) and type(value.value) is int and value.value > 0:
                yield value


def _given(node: ast.AST) -> list[ast.expr | None]:
    if isinstance(node, ast.arguments):
        by_place = zip(node.args[::-1], node.defaults[::-1], strict=False)
        defaults = (*by_place, *zip(node.kwonlyargs, node.kw_defaults, strict=True))
        return [value for argument, value in defaults if _is_called_so(argument)]
    named = isinstance(node, ast.keyword) and _is_called_so(node)
    assigned = isinstance(node, ast.Assign) and any(map(_is_called_so, node.targets))
    return [node.value] if named or assigned else []  # type: ignore[attr-defined]
