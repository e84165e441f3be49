"""What a corrected line changes, in a sentence: `1 + A1 stands where 1 - A1 belongs`."""

from __future__ import annotations

import ast

LONGEST = 40
"""Letters of a part of a line that is told."""


def difference(line: str, corrected: str) -> tuple[str, str] | None:
    """The smallest part of a statement that a correction replaces, and by what; None where that is all of it, or too
    much to be told."""
    try:
        before, after = ast.parse(line).body, ast.parse(corrected).body
    except SyntaxError:
        return None
    if len(before) != 1 or len(after) != 1:
        return None
    found = _parting(before[0], after[0])
    if found is None or not all(isinstance(node, ast.expr) for node in found) or found[0] is _whole(before[0]):
        return None
    one, other = (ast.unparse(node) for node in found)
    return (one, other) if max(len(one), len(other)) <= LONGEST else None


def are_names(*texts: str) -> bool:
    """Whether they are variables, or places in containers: A1, cache['A1'], self.a1."""
    return all(isinstance(ast.parse(text).body[0].value, ast.Name | ast.Attribute | ast.Subscript) for text in texts)  # type: ignore[attr-defined]


def _whole(statement: ast.stmt) -> ast.expr | None:
    value: ast.expr | None = getattr(statement, "value", None)
    return value


def _parting(one: ast.AST, other: ast.AST) -> tuple[ast.AST, ast.AST] | None:
    """Where two trees of the same kind part, as far down as a single pair of nodes says it; None where they do not."""
    if type(one) is not type(other):
        return one, other
    apart: list[tuple[ast.AST, ast.AST]] = []
    for name in one._fields:
        a, b = getattr(one, name, None), getattr(other, name, None)
        first, second = (x if isinstance(x, list) else [x] for x in (a, b))
        if len(first) != len(second):
            return one, other
        for x, y in zip(first, second, strict=True):
            if isinstance(x, ast.expr) and isinstance(y, ast.expr):
                if ast.dump(x) != ast.dump(y):
                    apart.append((x, y))
            elif (ast.dump(x) if isinstance(x, ast.AST) else x) != (ast.dump(y) if isinstance(y, ast.AST) else y):
                return one, other
    if len(apart) == 1:
        return _parting(*apart[0])
    return (one, other) if apart else None
