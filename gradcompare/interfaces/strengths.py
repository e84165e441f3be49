"""Whether the strength of a regulariser is something that only the backward pass is told, or only the cost."""

from __future__ import annotations

import ast
import inspect
import re
import types
from collections.abc import Callable, Sequence
from typing import Any

from gradcompare.interfaces import source, words


def only_backward_has_one(maker: Callable[..., Any], costs: Sequence[Callable[..., Any]]) -> bool:
    """Whether a function that makes gradients asks for a strength, or its object for one, and those that give the
    cost, or what they call, have nothing of that name."""
    held = [node.attr for node in ast.walk(source.tree(maker)) if isinstance(node, ast.Attribute)]
    asks = any(map(_is_strength, [*source.argument_names(maker), *held]))
    return asks and maker not in costs and not any(_names_one(function) for function in source.reached(costs))


def another_backward_has_one(maker: Callable[..., Any], costs: Sequence[Callable[..., Any]]) -> bool:
    """Whether the cost is told a strength, and the function that makes gradients is none of it, while another one of
    the same file is: the cost goes with that one, and the first with no regulariser."""
    told = any(_is_strength(name) for cost in costs for name in source.argument_names(cost))
    if not told or _names_one(maker) or maker in costs:
        return False
    others = [f for f in vars_of(maker).values() if isinstance(f, types.FunctionType) and f is not maker]
    alike = [f for f in others if words.role_of_function(f.__name__) == words.role_of_function(maker.__name__)]
    return any(_is_strength(name) for other in alike for name in source.argument_names(other))


_OF_COSTS = re.compile(r"loss|cost|penalt|reg|l2|l1|total|decay|objective|^j$", re.IGNORECASE)
"""What a cost, or a term of one, is called."""


def only_the_step_has_one(maker: Callable[..., Any], costs: Sequence[Callable[..., Any]]) -> bool:
    """Whether the cost is told a strength, and what makes the gradients does nothing with one but in that cost, while a
    function of the file that applies gradients does: the decay of weights, which is part of the step there."""
    run = source.reached([maker, *costs])
    own = source.functions_in(vars_of(maker))
    steps = [f for f in own if f not in run and words.role_of_function(f.__name__.strip("_")) == "update"]
    if not any(map(_has_one_in_a_gradient, steps)) or not any(map(_names_one, run)):
        return False
    gives_gradients = [f for f in run if f is maker or words.role_of_function(f.__name__.strip("_")) != "cost"]
    return not any(map(_has_one_in_a_gradient, gives_gradients))


def _has_one_in_a_gradient(function: Any) -> bool:
    """Whether a function computes with a strength, and not a cost; what it only hands on does not count."""
    for node in ast.walk(source.tree(function)):
        if not isinstance(node, ast.Assign | ast.AugAssign | ast.Return) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        called = [source.identifier(target) or "" for target in targets if target is not None]
        if any(map(_OF_COSTS.search, called)) or isinstance(node.value, ast.Call | ast.Name):
            continue
        if any(_is_strength(str(getattr(n, "id", getattr(n, "attr", "")))) for n in ast.walk(node.value)):
            return True
    return False


def a_cost_has_one(functions: Sequence[Any]) -> bool:
    """Whether one of the functions of a file that are called costs knows the strength of a regulariser."""
    return any(_names_one(f) for f in functions if words.role_of_function(f.__name__.strip("_")) == "cost")


def vars_of(function: Any) -> dict[str, Any]:
    """The global names of a function; none where it has none."""
    return getattr(inspect.unwrap(function), "__globals__", {})


def _is_strength(name: str) -> bool:
    return words.role_of_argument(name) == "regularisation"


def _names_one(function: Any) -> bool:
    names = {getattr(n, "id", getattr(n, "attr", getattr(n, "arg", None))) for n in ast.walk(source.tree(function))}
    keys = set(source.keys_in(function))
    return any(_is_strength(name) for name in names | keys if name)
