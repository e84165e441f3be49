"""How far the code under test goes by itself: rounds of training, and steps with one sample after another."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Collection
from typing import Any, TypeGuard

from gradcompare.interfaces import meaning, source, words


def rounds_of(made: type) -> set[str]:
    """The attributes that say how often an object trains: n of `for _ in range(self.n)`, whose turns are no layers,
    `self.W[k]`, and change something or call a method; and of `while turn < self.n`, where the turns are counted."""
    methods = [method for method in vars(made).values() if inspect.isfunction(method)]
    loops = [node for method in methods for node in ast.walk(source.tree(method)) if isinstance(node, ast.For)]
    counts = {node.attr for loop in loops if _trains(loop) for node in ast.walk(loop.iter) if source.is_of_self(node)}
    counted = (node for method in methods for node in ast.walk(source.tree(method)) if isinstance(node, ast.While))
    counts |= {name for loop in counted for name in _ends_of(loop)}
    return {name for name in counts if words.role_of_size(name) is None}


def _ends_of(loop: ast.While) -> set[str]:
    """n of `while turn < self.n: ...; turn += 1`."""
    bodies = [node for statement in loop.body for node in ast.walk(statement)]
    steps = {ast.unparse(node.target) for node in bodies if isinstance(node, ast.AugAssign)}
    compared = [node for node in ast.walk(loop.test) if isinstance(node, ast.Compare) and len(node.ops) == 1]
    upwards = [node for node in compared if isinstance(node.ops[0], ast.Lt | ast.LtE)]
    ends = [node.comparators[0] for node in upwards if ast.unparse(node.left) in steps]
    return {end.attr for end in ends if source.is_of_self(end)}


def _trains(loop: ast.For) -> bool:
    ranges = isinstance(loop.iter, ast.Call) and source.called(loop.iter) in ("range", "trange", "tqdm")
    inside = [node for statement in loop.body for node in ast.walk(statement)]
    places = {name for node in inside if isinstance(node, ast.Subscript) for name in _names(node.slice)}
    changes = any(isinstance(node, ast.AugAssign | ast.Call) for node in inside)
    return ranges and changes and not places & _names(loop.target)


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def goes_through_samples(function: Any) -> bool:
    """Whether a function goes through samples one by one."""
    loops = (node for node in ast.walk(source.tree(function)) if isinstance(node, ast.For))
    return any(_goes_through_samples(loop, function) for loop in loops)


def steps_with_each_sample(function: Any, names: Collection[str]) -> bool:
    """Whether a function goes through the samples one by one and changes one of these names with each of them: what
    it has done in the end is no step along one gradient."""
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.For) and _goes_through_samples(node, function):
            for inner in ast.walk(ast.Module(node.body, [])):
                if isinstance(inner, ast.AugAssign | ast.Assign) and _stored_in(inner) in names:
                    return True
    return False


def _goes_through_samples(loop: ast.For, function: Any) -> bool:
    """Whether a loop's turns are samples: of `zip(X, Y)`, `enumerate(X)`, `X`, or of numbers that index X."""

    def are_inputs(node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and meaning.role_of(function, node.id) == "inputs"

    whole = not isinstance(loop.iter, ast.Call) or source.called(loop.iter) in ("zip", "enumerate", "tqdm")
    if whole and any(map(are_inputs, ast.walk(loop.iter))):
        return True
    inside = [n for s in [loop.target, *loop.body] for n in ast.walk(s)]
    counted = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    counted -= {
        name for n in inside if isinstance(n, ast.Assign) and _is_several(n.value) for name in _bound(n.targets)
    }
    ones = {text for name in counted for text in (name, f"{name}:{name} + 1")}
    parts = [n for n in inside if isinstance(n, ast.Subscript) and are_inputs(n.value)]
    if any(ast.unparse(n.slice) in ones for n in parts):
        return True
    return _counts_samples(loop.iter, are_inputs) and any(
        any(map(are_inputs, call.args)) and bool(_names(loop.target) & {a.id for a in call.args if _is_name(a)})
        for call in inside
        if isinstance(call, ast.Call)
    )


def _is_name(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)


def _counts_samples(whole: ast.expr, are_inputs: Callable[[ast.AST], bool]) -> bool:
    """Whether what a loop goes over is as many numbers as there are samples: range(n_samples), range(len(X))."""
    if not isinstance(whole, ast.Call) or source.called(whole) not in ("range", "trange") or len(whole.args) != 1:
        return False
    count = whole.args[0]
    told = words.role_of_argument(source.identifier(count) or "") == "samples"
    return told or (isinstance(count, ast.Call | ast.Subscript) and any(map(are_inputs, ast.walk(count))))


def _is_several(value: ast.expr) -> bool:
    """order[start : start + size]: the places of several samples."""
    return isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice)


def _bound(targets: list[ast.expr]) -> list[str]:
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _stored_in(statement: ast.AugAssign | ast.Assign) -> str | None:
    """w of `w += ...`, `self.w[0] -= ...` and `self.w = ...`."""
    target: ast.AST = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
    while isinstance(target, ast.Subscript):
        target = target.value
    return getattr(target, "attr", getattr(target, "id", None))
