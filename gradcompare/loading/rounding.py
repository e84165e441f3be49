"""Code that rounds what it hands out to a few decimal places, to be read: what is compared is what it rounds.

What rounds to whole numbers stays, a decision: `np.round(output)`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcompare.loading.rewriting import replaced

_ROUNDS = ("round", "around", "round_")
_SHOWS = ("print", "format", "append", "write", "info")
"""What is rounded for these alone is nothing to speak of."""


def without_rounding(tree: ast.Module, text: str) -> tuple[int, str] | None:
    """The first line in which a function rounds to decimal places, and the text without that; None where none does."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    parts = {id(call): (call, number) for f in functions for call, number in _rounded(f)}
    if not parts:
        return None
    rewritten = replaced(text, [(call, f"({ast.unparse(number)})") for call, number in parts.values()])
    try:
        ast.parse(rewritten)
    except SyntaxError:  # a line goes on behind a backslash
        return None
    return min(call.lineno for call, _ in parts.values()), rewritten


def _rounded(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(what rounds, what it rounds), none of which stands in another."""
    for child in ast.iter_child_nodes(node):
        called = getattr(child.func, "attr", getattr(child.func, "id", "")) if isinstance(child, ast.Call) else ""
        if called in _SHOWS or isinstance(child, ast.JoinedStr):
            continue
        number = _number(child, called) if isinstance(child, ast.Call) and called in _ROUNDS else None
        if isinstance(child, ast.Call) and number is not None:
            yield child, number
        else:
            yield from _rounded(child)


def _number(call: ast.Call, called: str) -> ast.expr | None:
    """x of round(x, 4), np.round(x, 4) and x.round(4)."""
    of_function = isinstance(call.func, ast.Name) or getattr(call.func.value, "id", "") in ("np", "numpy")  # type: ignore[attr-defined]
    given = list(call.args) if of_function else [call.func.value, *call.args]  # type: ignore[attr-defined]
    given += [k.value for k in call.keywords if k.arg in ("decimals", "ndigits")]
    places = given[1] if len(given) == 2 else None
    if isinstance(places, ast.Constant) and type(places.value) is int and places.value > 0:
        return given[0]
    return None
