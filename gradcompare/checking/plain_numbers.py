"""The plain numbers that a function could read: m, keep_prob, self.l1, hyper["reg"]."""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Mapping, Sequence
from typing import Any


def plain_numbers(file: str, line: int, variables: Mapping[str, Any], globals_: Mapping[str, Any]) -> dict[str, float]:
    """{how it is written: number} of the numbers that the function around a line reads somewhere and that are there
    already; those that the line itself reads first.

    `variables` are the function's own; what it has under no such name is looked for among `globals_`.
    """
    around = _functions(file)
    own = min((f for f in around if f[0] <= line <= f[1]), key=lambda f: f[1] - f[0], default=None)
    written = sorted(own[2], key=lambda found: not found[0] <= line <= found[1]) if own is not None else []
    numbers: dict[str, float] = {}
    for _, _, text, node in written:
        if text not in numbers:
            value = _value(node, variables, globals_)
            if isinstance(value, int | float) and not isinstance(value, bool):
                numbers[text] = float(value)
    return numbers


_Written = tuple[int, int, str, ast.expr]
"""The lines of the statement, the expression as it is written, and the expression."""


@functools.lru_cache(maxsize=64)
def _functions(file: str) -> Sequence[tuple[int, int, list[_Written]]]:
    """(first line, last line, what is read) of every function of a file; of the file itself last."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):
        return []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    found = [(f.lineno, f.end_lineno or f.lineno, _read_in(f)) for f in functions]
    return [*found, (1, 10**9, _read_in(tree))]


def _read_in(root: ast.AST) -> list[_Written]:
    found: list[_Written] = []
    for statement in ast.walk(root):
        if isinstance(statement, ast.stmt) and not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            for node in ast.walk(statement):
                reads = isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Load)
                if reads and _is_plain(node):
                    end = statement.end_lineno or statement.lineno
                    found.append((statement.lineno, end, ast.unparse(node), node))  # type: ignore[arg-type]
    return found


def _is_plain(node: ast.AST) -> bool:
    """Whether it is a name, or an attribute or a string's item of one."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
            return False
        node = node.value
    return isinstance(node, ast.Name)


def _value(node: ast.expr, variables: Mapping[str, Any], globals_: Mapping[str, Any]) -> Any:
    """What it stands for; looked up in dicts alone, so that nothing of the file is run. None where it is nothing."""
    if isinstance(node, ast.Name):
        return variables.get(node.id, globals_.get(node.id))
    if isinstance(node, ast.Attribute):
        return getattr(_value(node.value, variables, globals_), "__dict__", {}).get(node.attr)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        holder = _value(node.value, variables, globals_)
        return holder.get(node.slice.value) if type(holder) is dict else None
    return None
