"""Whether a file's own networks have one output: what makes them has 1 for its default, or is told so wherever the file
makes one."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gradcompare.interfaces import driver, source


def says_one(holder: Any) -> bool:
    """Whether a file says so of the networks that a holder holds; where it says nothing, it does not."""
    plan = getattr(holder, "plan", None)
    layer = getattr(plan, "dense", None)
    function = layer or getattr(holder, "made", None) or getattr(holder, "initialise", None)
    roles: Mapping[str, str] = getattr(getattr(plan, "plan", plan), "roles", {})
    if function is None or not roles:
        return False
    last = max((role for role in roles.values() if role.startswith("width ")), key=_place, default="all")
    asks = next((name for name, role in roles.items() if role == "all"), None)
    asks = asks or next((name for name, role in roles.items() if role == last), None)
    if asks is None:
        return False
    told = list(_told(function, asks))
    if layer is not None:
        told = told[-1:]  # the last layer that is made
    asked = source.signature(function).get(asks)  # what is handed layers asks for no widths itself
    return all(map(_is_one, told)) if told else asked is not None and _is_one(asked.default)


def _place(role: str) -> float:
    number = int(role.partition(" ")[2])
    return number if number >= 0 else float("inf")


def _is_one(value: Any) -> bool:
    """Whether it is 1, or a list of widths that ends with it."""
    if isinstance(value, list | tuple) and len(value) > 1:
        value = value[-1]
    return type(value) is int and value == 1


def _told(function: Callable[..., Any], argument: str) -> Iterator[Any]:
    """What each call of the file gives an argument; None where that cannot be told."""
    maker = function.__init__ if inspect.isclass(function) else function
    names = getattr(inspect.unwrap(maker), "__globals__", {})
    tree = source.parsed(str(names.get("__file__")))
    order = source.argument_names(function)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if source.called(call) != function.__name__:
            continue
        given = dict(zip(order, call.args, strict=False)) | {k.arg: k.value for k in call.keywords if k.arg}
        if argument.startswith("*"):
            given = {argument: call.args[-1]} if call.args else {}
        if argument in given:
            expression = given[argument]
            if isinstance(expression, ast.List | ast.Tuple) and len(expression.elts) > 1:
                expression = expression.elts[-1]  # of the others it may not be known what they are
            values = list(driver.values_of(expression, tree, names))
            yield values[0] if len(values) == 1 else None
