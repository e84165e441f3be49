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
    parts = {id(call): (call, instead) for f in functions for call, instead in _rounded(f)}  # of inner functions once
    if not parts:
        return None
    rewritten = replaced(text, parts.values())
    try:
        ast.parse(rewritten)
    except SyntaxError:  # a line goes on behind a backslash
        return None
    return min(call.lineno for call, _ in parts.values()), rewritten


def _rounded(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """(what rounds, what is to stand in its place), none of which stands in another."""
    for child in ast.iter_child_nodes(node):
        called = getattr(child.func, "attr", getattr(child.func, "id", "")) if isinstance(child, ast.Call) else ""
        if called in _SHOWS or isinstance(child, ast.JoinedStr):
            continue
        instead = _unrounded(child) if isinstance(child, ast.Call) and called in _ROUNDS else None
        if isinstance(child, ast.Call) and instead is not None:
            yield child, instead
        else:
            yield from _rounded(child)


def _unrounded(call: ast.Call) -> str | None:
    """x for round(x, 4), and a copy, into which may be written, for np.round(x, 4) and x.round(4); None where it rounds
    to whole numbers."""
    of = call.func.value if isinstance(call.func, ast.Attribute) else None
    given = [*call.args, *(k.value for k in call.keywords if k.arg in ("decimals", "ndigits"))]
    of_numpy = getattr(of, "id", "") in ("np", "numpy")
    operands = given if of is None or of_numpy else [of, *given]
    places = getattr(operands[1], "value", None) if len(operands) == 2 else None
    if type(places) is not int or places < 1:
        return None
    number = ast.unparse(operands[0])
    if of is None:
        return f"({number})"
    return f"{ast.unparse(of)}.array({number})" if of_numpy else f"({number}).copy()"
