"""Whether a file means the negative gradient: where its own update adds what it calls the gradient to the weights.

With `d = y - a` in place of `a - y` every gradient has the other sign, and `W += rate * dW` goes downhill. That is a
convention where the file's own update shows it, and a mistake where the file subtracts.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from gradcompare.interfaces import naming, source, words
from gradcompare.loading.statements import updates


def adds_gradients(functions: Iterable[Callable[..., Any]]) -> int | None:
    """The line of the first update that adds a gradient to a parameter, where none subtracts one; else None.

    All of the files of the functions is read, training loops that are not run included.
    """
    return _where_all(functions, 1)


def subtracts_gradients(functions: Iterable[Callable[..., Any]]) -> int | None:
    """The line of the first update that subtracts a gradient from a parameter, where none adds one; else None."""
    return _where_all(functions, -1)


def _where_all(functions: Iterable[Callable[..., Any]], wanted: int) -> int | None:
    steps = [step for _, tree in source.files_of(functions) for step in _steps(ast.walk(tree))]
    return min(step.node.lineno for step in steps) if steps and all(step.sign == wanted for step in steps) else None


class Uphill(NamedTuple):
    """An update that adds a gradient, where others beside it subtract theirs."""

    line: int
    target: str
    """What is updated."""
    source: str
    """Its line."""
    beside: int
    """The line of one that subtracts."""


def adds_among_others(functions: Iterable[Callable[..., Any]]) -> list[Uphill]:
    """The updates of a function, or of the module, that add a gradient although others of the same one subtract
    theirs: where all are gradients, these go up the cost."""
    found = []
    for file, tree in source.files_of(functions):
        for block in _blocks(tree):
            steps = list(_steps(block))
            down = [step for step in steps if step.sign < 0]
            found += [
                Uphill(
                    up.node.lineno,
                    ast.unparse(up.target).replace("'", '"'),
                    linecache.getline(file, up.node.lineno).strip(),
                    down[0].node.lineno,
                )
                for up in steps
                if up.sign > 0 and down
            ]
    return found


def _blocks(tree: ast.AST) -> Iterator[list[ast.AST]]:
    """The nodes of the module, and of each function, without those of functions inside."""
    inner = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for around in (tree, *inner):
        yield list(_own_nodes(around))


def _own_nodes(around: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(around):
        if not isinstance(node, ast.FunctionDef):
            yield node
            yield from _own_nodes(node)


class _Step(NamedTuple):
    """An update of a parameter by its gradient."""

    sign: int
    """1 where that is added, -1 where it is subtracted."""
    target: ast.expr
    node: ast.Assign | ast.AugAssign


def _steps(nodes: Iterable[ast.AST]) -> Iterator[_Step]:
    nodes = list(nodes)
    for node, target, added, plus in updates(nodes):
        if _is_step(target, added):
            yield _Step(1 if plus != _is_negative(added) else -1, target, node)
    for other in nodes:
        if isinstance(other, ast.Assign) and (sign := _of_all_layers(other)):
            yield _Step(sign, other.targets[0], other)


def _of_all_layers(node: ast.Assign) -> int:
    """The sign with which a list of parameters is updated by one of gradients: -1 of `ws = [w - rate * d for w, d in
    zip(ws, ds)]`; 0 where it is none."""
    made = node.value
    if not isinstance(made, ast.ListComp) or len(made.generators) != 1 or not isinstance(made.elt, ast.BinOp):
        return 0
    through, elt = made.generators[0], made.elt
    target = ast.unparse(node.targets[0])
    names = [_name(n) for n in ast.walk(elt.right) if isinstance(n, ast.Name | ast.Attribute)]
    zipped = isinstance(through.iter, ast.Call) and len(through.iter.args) == 2
    own = through.target.elts[0] if isinstance(through.target, ast.Tuple) else through.target
    is_own = zipped and ast.unparse(through.iter.args[0]) == target and _name(own) in map(_name, ast.walk(elt.left))  # type: ignore[attr-defined]
    if not (is_own and isinstance(elt.op, ast.Add | ast.Sub) and any(map(_is_rate, names))):
        return 0
    return 1 if isinstance(elt.op, ast.Add) != _is_negative(elt.right) else -1


def _is_rate(name: str) -> bool:
    return words.role_of_argument(name) == "learning_rate" or "learningrate" in words.plain(name)


def _is_step(target: ast.expr, added: ast.expr) -> bool:
    """Whether a multiple of the target's gradient is added: W1 and rate * dW1, p[k] and rate * grads[k]."""
    names = [_name(node) for node in ast.walk(added) if isinstance(node, ast.Name | ast.Attribute | ast.Subscript)]
    scaled = any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) for node in ast.walk(added))
    rates = any(map(_is_rate, names))
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
