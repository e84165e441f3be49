"""The learning rate of code that only ever changes its weights: what it is told, or what its source says."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    """The numbers below 1 by which something else is multiplied that is added to or taken from a name."""
    numbers: list[ast.expr] = []
    for target, added in _additions(tree):
        for node in ast.walk(added):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
                own = target in (ast.unparse(node.left), ast.unparse(node.right))  # 0.9 * v + ...
                numbers += [] if own else [node.left, node.right]
    found = {n.value for n in numbers if isinstance(n, ast.Constant)}
    return {n for n in found if isinstance(n, float) and 0 < n < 1}


def _additions(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What is changed, and by what: w and 0.1 * d of `w -= 0.1 * d` and of `w = w - 0.1 * d`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            yield ast.unparse(node.target), node.value
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.value, ast.BinOp):
            target = ast.unparse(node.targets[0])
            if isinstance(node.value.op, ast.Add | ast.Sub) and target in map(ast.unparse, ast.walk(node.value.left)):
                yield target, node.value
