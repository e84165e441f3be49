"""Code whose steps have learning rates of their own, one for each layer. Where no gradient is to be seen but what the
steps make of it, a rate is told from a mistake only if all have the same: the first stands in place of all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gradcompare.loading.rewriting import replaced
from gradcompare.loading.statements import updates

_CALLED_SO = re.compile(r"(?<![a-z])(lr|eta|alpha|nu|(l|learn|learning)?_?rate|step_?size)s?(?![a-z])", re.IGNORECASE)


def with_one(tree: ast.Module, text: str) -> tuple[int, str] | None:
    """The line of the first rate, and the text with that in place of all; None where they are one and the same."""
    numbers = _rates(tree)
    if len({number.value for number in numbers}) < 2:
        return None
    return numbers[0].lineno, replaced(text, [(number, str(numbers[0].value)) for number in numbers])


def _rates(tree: ast.Module) -> list[ast.Constant]:
    """The numbers of the rates of steps, in the order of the source.

    A rate is a number that is called so, or one of a list that is, is bound once, and of which nothing is made but a
    factor of what is subtracted from an array, or added to it.
    """
    products = [update.added for update in updates(ast.walk(tree)) if isinstance(update.added, ast.BinOp)]
    steps = {id(_first_factor(product)) for product in products}
    read: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            read[node.id] = read.get(node.id, True) and id(node) in steps
    bound: dict[str, list[list[ast.Constant] | None]] = {}
    for node in ast.walk(tree):
        for name, numbers in _bindings(node):
            bound.setdefault(name, []).append(numbers)
    found = [number for name, only in read.items() if only for number in _of(bound.get(name, []))]
    return sorted(found, key=lambda number: (number.lineno, number.col_offset))


def _first_factor(step: ast.expr) -> ast.expr:
    """What a product begins with: lr of lr * dw / m, or rates of rates[0] * dw."""
    while isinstance(step, ast.BinOp) and isinstance(step.op, ast.Mult | ast.MatMult | ast.Div):
        step = step.left
    return step.value if isinstance(step, ast.Subscript) else step


def _bindings(node: ast.AST) -> Iterator[tuple[str, list[ast.Constant] | None]]:
    """(name, its numbers) of what a node binds; None in place of numbers where it is anything else."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for to, value in pairs:
                if isinstance(to, ast.Name):
                    yield to.id, _numbers(to.id, value)
    elif isinstance(node, ast.arg):
        yield node.arg, None
    elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For | ast.NamedExpr | ast.comprehension):
        yield from ((name.id, None) for name in ast.walk(node.target) if isinstance(name, ast.Name))
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from ((name, None) for name in node.names)


def _numbers(name: str, value: ast.expr) -> list[ast.Constant] | None:
    listed = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    numbers = [n for n in listed if isinstance(n, ast.Constant) and type(n.value) in (int, float)]
    return numbers if _CALLED_SO.search(name) and len(numbers) == len(listed) else None


def _of(bound: list[list[ast.Constant] | None]) -> list[ast.Constant]:
    """The numbers of what is bound once."""
    return bound[0] or [] if len(bound) == 1 else []
