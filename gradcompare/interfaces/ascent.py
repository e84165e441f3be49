"""Whether a file means the negative gradient: where its own update adds what it calls the gradient to the weights.

With `d = y - a` in place of `a - y` every gradient has the other sign, and `W += rate * dW` goes downhill. That is a
convention where the file's own update shows it, and a mistake where the file subtracts.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gradcompare.interfaces import naming, words


def adds_gradients(functions: Iterable[Callable[..., Any]]) -> int | None:
    """The line of the first update that adds a gradient to a parameter, where none subtracts one; else None.

    All of the files of the functions is read, training loops that are not run included.
    """
    return _where_all(functions, 1)


def subtracts_gradients(functions: Iterable[Callable[..., Any]]) -> int | None:
    """The line of the first update that subtracts a gradient from a parameter, where none adds one; else None."""
    return _where_all(functions, -1)


def _where_all(functions: Iterable[Callable[..., Any]], wanted: int) -> int | None:
    signs = [found for tree in _trees(functions) for found in _updates(tree)]
    return signs[0][1] if signs and all(sign == wanted for sign, _ in signs) else None


def _trees(functions: Iterable[Callable[..., Any]]) -> Iterator[ast.AST]:
    files = {code.co_filename for f in functions if (code := getattr(inspect.unwrap(f), "__code__", None)) is not None}
    for file in sorted(files):
        try:
            yield ast.parse("".join(linecache.getlines(file)))
        except (SyntaxError, ValueError, RecursionError):
            continue


def _updates(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """(sign, line) of every update of a parameter by its gradient: 1 where it is added, -1 where it is subtracted."""
    target: ast.expr
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            target, added, plus = node.target, node.value, isinstance(node.op, ast.Add)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and len(node.targets) == 1:
            value = node.value
            if not isinstance(value.op, ast.Add | ast.Sub) or ast.unparse(value.left) != ast.unparse(node.targets[0]):
                continue
            target, added, plus = node.targets[0], value.right, isinstance(value.op, ast.Add)
        else:
            continue
        if _is_step(target, added):
            yield (1 if plus != _is_negative(added) else -1), node.lineno


def _is_step(target: ast.expr, added: ast.expr) -> bool:
    """Whether a multiple of the target's gradient is added: W1 and rate * dW1, p[k] and rate * grads[k]."""
    names = [_name(node) for node in ast.walk(added) if isinstance(node, ast.Name | ast.Attribute | ast.Subscript)]
    scaled = any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) for node in ast.walk(added))
    rates = any(words.role_of_argument(name) == "learning_rate" for name in names)
    own = _name(target)
    of_target = any(name != own and naming.likeness(own, name) == 3 for name in names)
    of_all = isinstance(target, ast.Subscript) and any(words.plain(n) in ("grads", "gradients", "grad") for n in names)
    return scaled and rates and (of_target or of_all)


def _name(node: ast.AST) -> str:
    """W1 of W1, self.W1 and p["W1"]; grads of grads[k]."""
    if isinstance(node, ast.Subscript):
        key = node.slice
        return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else _name(node.value)
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _is_negative(node: ast.expr) -> bool:
    """Whether a product begins with a minus."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        node = node.left
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
