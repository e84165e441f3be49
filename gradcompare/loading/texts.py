"""In place of a text that a file reads while it is loaded: a short one, so that what it counts in it is known."""

from __future__ import annotations

import ast
import io
from collections.abc import Mapping
from typing import Any

TEXT = "the quick brown fox jumps over the lazy dog\n" * 12
"""All letters, a space and an end of line: 28 characters that differ."""
NAME = "__text__"
_READ = {"read": "read", "readlines": "readlines", "readline": "readline", "read_text": "read"}
_PATHS = ("Path", "pathlib.Path", "PurePath", "pathlib.PurePath")


def text() -> io.StringIO:
    """A file to read from."""
    return io.StringIO(TEXT)


def opened_in(statement: ast.With) -> list[ast.stmt] | None:
    """The statements under `with open(...) as f`, with `open(...)` in place of f; None where it is another `with`."""
    opened = {
        item.optional_vars.id: item.context_expr
        for item in statement.items
        if isinstance(item.optional_vars, ast.Name) and _is_open(item.context_expr)
    }
    if len(opened) != len(statement.items):
        return None
    return [_WithOpened(opened).visit(_copied_statement(inner)) for inner in statement.body]


class _WithOpened(ast.NodeTransformer):
    def __init__(self, opened: Mapping[str, ast.expr]) -> None:
        self.opened = opened

    def visit_Name(self, node: ast.Name) -> ast.AST:
        opened = self.opened.get(node.id) if isinstance(node.ctx, ast.Load) else None
        return node if opened is None else ast.copy_location(opened, node)


def with_text(expression: ast.expr, names: Mapping[str, Any]) -> ast.expr | None:
    """The expression with a text in place of what `open(...)` would read, where its result is read as text at once;
    None where it reads none."""
    replaced = _WithText(names)
    found = replaced.visit(_copied(expression))
    return found if replaced.found else None


def _copied(expression: ast.expr) -> ast.expr:
    return ast.copy_location(ast.parse(ast.unparse(expression), mode="eval").body, expression)


def _copied_statement(statement: ast.stmt) -> ast.stmt:
    copied = ast.parse(ast.unparse(statement)).body[0]
    for node in ast.walk(copied):
        if hasattr(node, "lineno"):
            ast.copy_location(node, statement)
    return copied


def _is_open(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("open", "io.open", "codecs.open")


class _WithText(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names, self.found = names, False

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        how = _READ.get(function.attr) if isinstance(function, ast.Attribute) else None
        if isinstance(function, ast.Attribute) and how is not None and self._is_text(function):
            self.found = True
            opened = ast.Call(ast.Name(NAME, ast.Load()), [], [])
            return ast.Call(ast.Attribute(opened, how, ast.Load()), [], [])
        return self.generic_visit(node)

    def _is_text(self, read: ast.Attribute) -> bool:
        if read.attr == "read_text":  # Path("input.txt").read_text()
            return isinstance(read.value, ast.Call) and ast.unparse(read.value.func) in _PATHS
        return self._opens_text(read.value)

    def _opens_text(self, node: ast.expr) -> bool:
        """open("input.txt"), open("input.txt", "r"): of the built-in function, and not to write or for bytes."""
        if not (isinstance(node, ast.Call) and _is_open(node)):
            return False
        keywords = [k.value for k in node.keywords if k.arg == "mode"]
        mode = ast.literal_eval(mode) if (mode := next(iter([*node.args[1:2], *keywords]), None)) is not None else "r"
        return "open" not in self.names and mode in ("r", "rt")
