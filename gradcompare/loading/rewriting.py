"""The same text with other words in the place of some parts of its tree; every line stays where it is."""

from __future__ import annotations

import ast
from collections.abc import Iterable


def replaced(text: str, parts: Iterable[tuple[ast.expr | ast.stmt, str]]) -> str:
    """The text with these words in the place of these parts, none of which stands in another."""
    lines = [line.encode() for line in text.split("\n")]
    for node, words in sorted(parts, key=lambda part: (part[0].lineno, part[0].col_offset), reverse=True):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        rest = lines[last][node.end_col_offset :]
        emptied = [b""] * (last - first)
        lines[first : last + 1] = [lines[first][: node.col_offset] + words.encode() + rest, *emptied]
    return b"\n".join(lines).decode()
