"""The learning rate of code that only ever changes its weights: what it is told, or what its source says."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gradcompare.interfaces import meaning, paths, source, words
from gradcompare.interfaces.layouts import RATE

_MAY_BE = (None, *words.COUNTS)
"""What a rate may be called like that is known by its value: n = 0.1."""


def rate_of(
    maker: Callable[..., Any], functions: Iterable[Callable[..., Any]], root: Any, names: Mapping[str, Any]
) -> float:
    """RATE where the file can be told one: as an argument, an attribute or a global name that is called so; else the
    one in its settings or written in the function; else the one number, held or written there, that its updates
    multiply by; else 1.

    `names`: the global names that are read, with their namespaces.
    """
    if is_told(functions, root, names):
        return RATE
    settings = {value for name, space in names.items() for value in _rates_in(space.get(name))}
    settings |= set(_written_in(source.tree(maker)))
    if len(settings) == 1:
        return settings.pop()
    factors = list(_factors(source.tree(maker)))
    values = {path[-1][1]: value for path, value in paths.walk(root) if path} | {n: s.get(n) for n, s in names.items()}
    read = [name for node in factors if (name := source.identifier(node)) and words.role_of_argument(name) in _MAY_BE]
    rates = {value for name in read if isinstance(value := values.get(name), float) and 0 < value < 1}
    literals = {node.value for node in factors if isinstance(node, ast.Constant)}
    found = rates or {n for n in literals if isinstance(n, float) and 0 < n < 1}
    return found.pop() if len(found) == 1 else 1.0


def is_told(functions: Iterable[Callable[..., Any]], root: Any, names: Mapping[str, Any]) -> bool:
    """Whether the file can be told a learning rate: an argument, an attribute or a global name is called so."""
    asked = {meaning.role_of(f, name) for f in functions for name in source.argument_names(f)}
    held = [paths.word(path) for path, _ in paths.walk(root)]
    return "learning_rate" in asked or any(words.role_of_argument(name) == "learning_rate" for name in [*held, *names])


def is_given(function: Callable[..., Any]) -> bool:
    """Whether a function is given a learning rate."""
    return any(meaning.role_of(function, name) == "learning_rate" for name in source.argument_names(function))


def _rates_in(settings: Any) -> Iterator[float]:
    """The learning rates in an object of settings: args.lr, config["learning_rate"]."""
    for path, value in paths.walk(settings):
        if path and isinstance(value, float) and words.role_of_argument(paths.word(path)) == "learning_rate":
            yield value


def _written_in(tree: ast.AST) -> Iterator[float]:
    """The learning rates that a function writes down: 0.5 of `rate = 0.5`."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, float)
        ):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if any(words.role_of_argument(name) == "learning_rate" for name in names):
                yield node.value.value


def _factors(tree: ast.AST) -> Iterator[ast.expr]:
    """What something else is multiplied by that is added to or taken from a name, a key or an attribute."""
    for target, added in _additions(tree):
        for node in ast.walk(added):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
                own = target in (ast.unparse(node.left), ast.unparse(node.right))  # 0.9 * v + ...
                yield from () if own else (node.left, node.right)


def _additions(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What is changed, and by what: w and 0.1 * d of `w -= 0.1 * d` and of `w = w - 0.1 * d`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            yield ast.unparse(node.target), node.value
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            for name, value in _assigned(node.targets[0], node.value):
                target = ast.unparse(name)
                steps = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub)
                if steps and target in map(ast.unparse, ast.walk(value.left)):  # type: ignore[attr-defined]
                    yield target, value


def _assigned(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """What is assigned to what, also of `w, b = w - rate * dw, b - rate * db`."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=False))
    return [(target, value)]
