"""Whether the strength of a regulariser is something that the backward pass is told and the cost is not."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from gradcompare.interfaces import source, words


def only_backward_has_one(maker: Callable[..., Any], costs: Sequence[Callable[..., Any]]) -> bool:
    """Whether a function that makes gradients asks for a strength, and those that give the cost, or what they call,
    have nothing of that name."""
    asks = any(map(_is_strength, source.argument_names(maker)))
    return asks and maker not in costs and not any(_names_one(function) for function in source.reached(costs))


def _is_strength(name: str) -> bool:
    return words.role_of_argument(name) == "regularisation"


def _names_one(function: Any) -> bool:
    names = {getattr(n, "id", getattr(n, "attr", getattr(n, "arg", None))) for n in ast.walk(source.tree(function))}
    keys = set(source.keys_in(function))
    return any(_is_strength(name) for name in names | keys if name)
