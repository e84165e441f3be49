"""The learning rate of code that only ever changes its weights: what it is told, or what its source says."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gradcompare.interfaces import paths, source, words
from gradcompare.interfaces.layouts import RATE


def rate_of(
    maker: Callable[..., Any], functions: Iterable[Callable[..., Any]], root: Any, names: Mapping[str, Any]
) -> float:
    """RATE where the file can be told one: as an argument, an attribute or a global name; else the one number that its
    updates multiply by; else 1."""
    asked = [name for f in functions for name in source.argument_names(f)]
    held = [paths.word(path) for path, _ in paths.walk(root)]
    if any(words.role_of_argument(name) == "learning_rate" for name in [*asked, *held, *names]):
        return RATE
    literals = _multipliers(source.tree(maker))
    return literals.pop() if len(literals) == 1 else 1.0


def _multipliers(tree: ast.AST) -> set[float]:
    """The numbers below 1 by which something is multiplied that is added to or taken from a name."""
    updates = [n for n in ast.walk(tree) if isinstance(n, ast.AugAssign) and isinstance(n.op, ast.Add | ast.Sub)]
    products = [
        n for update in updates for n in ast.walk(update) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult)
    ]
    numbers = [side.value for n in products for side in (n.left, n.right) if isinstance(side, ast.Constant)]
    return {n for n in numbers if isinstance(n, float) and 0 < n < 1}
