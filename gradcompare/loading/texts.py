"""In place of a text that a file reads while it is loaded: a short one, so that what it counts in it is known."""

from __future__ import annotations

import ast
import io
from collections.abc import Mapping
from typing import Any

TEXT = "the quick brown fox jumps over the lazy dog\n" * 12
"""All letters, a space and an end of line: 28 characters that differ."""
NAME = "__text__"


def text() -> io.StringIO:
    """A file to read from."""
    return io.StringIO(TEXT)


def with_text(expression: ast.expr, names: Mapping[str, Any]) -> ast.expr | None:
    """The expression with a text in place of what `open(...)` would read, where its result is read as text at once;
    None where it reads none."""
    replaced = _WithText(names)
    found = replaced.visit(_copied(expression))
    return found if replaced.found else None


def _copied(expression: ast.expr) -> ast.expr:
    return ast.copy_location(ast.parse(ast.unparse(expression), mode="eval").body, expression)


class _WithText(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names, self.found = names, False

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        read = isinstance(function, ast.Attribute) and function.attr in ("read", "readlines", "readline")
        if read and self._opens_text(function.value):  # type: ignore[attr-defined]
            self.found = True
            opened = ast.Call(ast.Name(NAME, ast.Load()), [], [])
            return ast.Call(ast.Attribute(opened, function.attr, ast.Load()), [], [])  # type: ignore[attr-defined]
        return self.generic_visit(node)

    def _opens_text(self, node: ast.expr) -> bool:
        """open("input.txt"), open("input.txt", "r"): of the built-in function, and not to write or for bytes."""
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) in ("open", "io.open", "codecs.open")):
            return False
        keywords = [k.value for k in node.keywords if k.arg == "mode"]
        mode = ast.literal_eval(mode) if (mode := next(iter([*node.args[1:2], *keywords]), None)) is not None else "r"
        return "open" not in self.names and mode in ("r", "rt")
