"""A loop that calls functions without arguments, which read and write global names: with their statements in place of
the calls it says what it computes from what."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping

Loop = ast.For | ast.While
_DEEPEST = 3


def inlined(loop: Loop, tree: ast.Module) -> Loop:
    """The loop with the bodies of such functions of the module; the very loop where it calls none."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef) and _can_be(node)}
    body = _with_bodies(loop.body, functions, _DEEPEST)
    if body == loop.body:
        return loop
    found = copy.copy(loop)
    found.body = body
    return found


def _can_be(function: ast.FunctionDef) -> bool:
    """Whether it takes nothing, writes global names, and returns at its end if anywhere."""
    takes = function.args.posonlyargs or function.args.args or function.args.kwonlyargs or function.args.vararg
    inside = list(ast.walk(function))
    returns = [node for node in inside if isinstance(node, ast.Return)]
    writes = any(isinstance(node, ast.Global) for node in inside)
    return not takes and writes and returns in ([], [function.body[-1]])


def _with_bodies(body: list[ast.stmt], functions: Mapping[str, ast.FunctionDef], depth: int) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in body:
        call = getattr(statement, "value", None)
        name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else None
        simple = isinstance(statement, ast.Expr | ast.Assign) and name in functions
        if not simple or not depth or name is None:
            found.append(statement)
            continue
        inner = [s for s in copy.deepcopy(functions[name].body) if not isinstance(s, ast.Global)]
        last = inner[-1] if inner else None
        if isinstance(last, ast.Return):
            inner.pop()
            if isinstance(statement, ast.Assign) and last.value is not None:
                kept = ast.Assign(statement.targets, last.value)
                inner.append(ast.fix_missing_locations(ast.copy_location(kept, last)))
        found += _with_bodies(inner, functions, depth - 1)
    return found
