"""Objects that the file itself builds step by step: `net = Net()`, `net.add(Dense(8))`, `net.compile(loss)`."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import dataflow, words
from gradcompare.loading.safety import danger, danger_in_function
from gradcompare.tracing.randomness import same_random_numbers

_DATA = {"inputs": (12, 5), "targets": (12, 3)}
"""Of which shapes samples and labels are where a width is read off them."""


def built(made: type, block: list[ast.stmt], i: int, names: Mapping[str, Any]) -> Any:
    """What a statement of a block that makes an object of a class binds, after the calls of its methods that follow,
    up to one that does more than build; None where nothing is bound, or more than definitions would be run."""
    statement = block[i]
    if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
        return None
    name = statement.targets[0].id
    steps = [statement, *_builders(block[i + 1 :], name, made)]
    wanted = {read for step in steps for read in dataflow.names_read(step)} - {name}
    before = [s for s in dataflow.needed(block[:i], wanted, set()) if isinstance(s, ast.Assign)]
    known = {**_data(wanted - set(names)), **names}
    try:
        with np.errstate(all="ignore"), same_random_numbers():
            for step in (*before, *steps):
                value = step.value if isinstance(step, ast.Assign | ast.Expr) else None
                if value is None or danger(_without_methods(value, made), known | {name: None}) is not None:
                    return None
                exec(compile(ast.fix_missing_locations(ast.Module([step], [])), "<its own steps>", "exec"), known)
        return known[name]
    except Exception:
        return None


def _builders(block: list[ast.stmt], name: str, made: type) -> Iterator[ast.stmt]:
    """The calls of methods of the object that only build."""
    for statement in block:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if name not in dataflow.names_read(statement) or not isinstance(call, ast.Call):
            continue
        called: list[str] = []
        inner: ast.expr = call
        while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):  # model.add(...).add(...)
            called.append(inner.func.attr)
            inner = inner.func.value
        of_it = isinstance(inner, ast.Name) and inner.id == name
        if not of_it or not all(_only_builds(made, method) for method in called):
            return
        yield statement


def _only_builds(made: type, method: str) -> bool:
    function = inspect.getattr_static(made, method, None)
    role = words.role_of_function(method)
    return inspect.isfunction(function) and role in (None, "initialise") and danger_in_function(function) is None


def _without_methods(value: ast.expr, made: type) -> ast.expr:
    """The expression with what is given to a method that only builds in place of the method's call."""

    class Taken(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            self.generic_visit(node)
            if isinstance(node.func, ast.Attribute) and _only_builds(made, node.func.attr):
                given = [node.func.value, *node.args, *(keyword.value for keyword in node.keywords)]
                return ast.copy_location(ast.Tuple(given, ast.Load()), node)
            return node

    return ast.fix_missing_locations(Taken().visit(copy.deepcopy(value)))


def _data(names: set[str]) -> dict[str, Any]:
    """Samples and labels for the names that are called so."""
    roles = {name: words.role_of_argument(name) for name in names}
    generator = np.random.default_rng(0)
    return {name: generator.random(_DATA[role]) for name, role in roles.items() if role in _DATA}
