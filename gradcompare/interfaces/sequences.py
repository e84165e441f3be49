"""Whether what a function is given as one sample may be a sequence, of which it takes one step after another."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from gradcompare.interfaces import dataflow, meaning, source


@source.kept
def goes_through_inputs(function: Callable[..., Any]) -> bool:
    """Whether a loop goes through the inputs, or counts to what is known of their shape: `for x in inputs`,
    `for t in range(len(x))`, `for t in range(T)` after `N, T, D = X.shape`."""
    tree = source.tree(function)
    roles = {name: meaning.role_of(function, name) for name in source.argument_names(function)}
    inputs = {name for name, role in roles.items() if role in ("inputs", None)}
    for statement in (node for node in ast.walk(tree) if isinstance(node, ast.Assign)):
        if _asks_for_size(statement.value, inputs):
            inputs |= set(dataflow.names_bound(statement))
    targets = {name for name, role in roles.items() if role == "targets"}
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For)]
    through = [loop for loop in loops if inputs & _names(loop.iter)]
    return bool(through) and not any(_has_a_label_each(loop, targets) for loop in through)


@source.kept
def has_a_label_for_each_step(function: Callable[..., Any]) -> bool:
    """Whether a loop of what goes back takes the labels one by one, by its number: targets[t]."""
    roles = {name: meaning.role_of(function, name) for name in source.argument_names(function)}
    targets = {name for name, role in roles.items() if role == "targets"}
    loops = (node for node in ast.walk(source.tree(function)) if isinstance(node, ast.For))
    return any(_has_a_label_each(loop, targets) for loop in loops if not targets & _through(loop))


def _through(loop: ast.For) -> set[str]:
    """The names that a loop goes through as they are, not by how many there are."""
    return {loop.iter.id} if isinstance(loop.iter, ast.Name) else set()


@source.kept
def goes_through_labels(function: Callable[..., Any]) -> bool:
    """Whether each of the labels that a function is given meets something as a whole, and none of the inputs goes with
    it: `sum(y - word for word in context)`."""
    roles = {name: meaning.role_of(function, name) for name in source.argument_names(function)}
    labels = {name for name, role in roles.items() if role == "targets"} or {n for n, r in roles.items() if r is None}
    return bool(labels & meaning.gone_through(function))


def _has_a_label_each(loop: ast.For, targets: set[str]) -> bool:
    """Whether what a loop goes through are samples, or steps, of which each has its label: `zip(x, y)`, y[t]."""
    inside = (node for statement in loop.body for node in ast.walk(statement))
    parts = (node for node in inside if isinstance(node, ast.Subscript) and _names(node.slice) & _names(loop.target))
    return bool(targets & _names(loop.iter)) or any(ast.unparse(part.value) in targets for part in parts)


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _asks_for_size(value: ast.expr, inputs: set[str]) -> bool:
    """len(x), x.shape and x.shape[1], of the inputs."""
    asks = (n for n in ast.walk(value) if isinstance(n, ast.Call | ast.Attribute))
    return any(
        ast.unparse(of) in inputs
        for node in asks
        for of in ([node.value] if isinstance(node, ast.Attribute) and node.attr == "shape" else [])
        + (node.args[:1] if isinstance(node, ast.Call) and source.called(node) == "len" else [])
    )
