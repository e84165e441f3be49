"""A loop that calls functions which change what they are given, or global names: with their statements in place of the
calls it says what it computes from what."""

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
    """Whether it writes global names or changes its arguments in place, and returns at its end if anywhere."""
    arguments = function.args
    inside = list(ast.walk(function))
    returns = [node for node in inside if isinstance(node, ast.Return)]
    writes = any(isinstance(node, ast.Global) for node in inside) or bool(_changed_in_place(function))
    plain = not (arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg)
    return plain and writes and returns in ([], [function.body[-1]])


def _changed_in_place(function: ast.FunctionDef) -> set[str]:
    """The arguments that a function changes for its caller, too, `W += ...`, if it never binds one of them anew."""
    taken = {argument.arg for argument in function.args.args}
    inside = list(ast.walk(function))
    updated = [node.target for node in inside if isinstance(node, ast.AugAssign)]
    anew = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n not in updated}
    changed = {node.id for node in updated if isinstance(node, ast.Name)} & taken
    return changed if not taken & anew else set()


def _with_bodies(body: list[ast.stmt], functions: Mapping[str, ast.FunctionDef], depth: int) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in body:
        call = getattr(statement, "value", None)
        name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else None
        simple = isinstance(statement, ast.Expr | ast.Assign) and name in functions
        given = _given(call, functions[name]) if simple and name is not None and isinstance(call, ast.Call) else None
        if given is None or not depth or name is None:
            found.append(statement)
            continue
        own = copy.deepcopy(functions[name].body)
        inner = [_Renamed(given).visit(s) for s in own if not isinstance(s, ast.Global)]
        last = inner[-1] if inner else None
        if isinstance(last, ast.Return):
            inner.pop()
            if isinstance(statement, ast.Assign) and last.value is not None:
                kept = ast.Assign(statement.targets, last.value)
                inner.append(ast.fix_missing_locations(ast.copy_location(kept, last)))
        found += _with_bodies(inner, functions, depth - 1)
    return found


def _given(call: ast.Call, function: ast.FunctionDef) -> dict[str, str] | None:
    """{argument: the name that a call gives it}; None where it is given more than names."""
    names = [argument.arg for argument in function.args.args]
    if len(call.args) != len(names) or call.keywords or not all(isinstance(a, ast.Name) for a in call.args):
        return None
    return dict(zip(names, (a.id for a in call.args if isinstance(a, ast.Name)), strict=True))


class _Renamed(ast.NodeTransformer):
    """Names of one function as they are called in another."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node
