"""What of a file makes gradients, by its name, and is no part of the program that was found: of that a verdict says
nothing."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gradcompare.interfaces import source, words
from gradcompare.interfaces.program import Program

_MOST = 4
_SAYS_SO = re.compile(r"backward|backprop|bprop|bwd|gradients?$|grads?$|^grads?|^gradient")
_TAKES = re.compile(r"^(apply|save|zero|clip|check|reset|set|scale|average|accumulate|log|show)")
"""Begins a name of what does something with gradients that others made."""


BEGINS = "Not run here, so that nothing is said of it"


def left_out(
    program: Program, namespace: Mapping[str, Any], but: Sequence[str] = (), alone: Sequence[str] = ()
) -> list[str]:
    """A sentence on the functions and methods that were not run, if there are any; `but` those that are checked by
    themselves, `alone` the classes."""
    idle = [f.__qualname__ for f in not_run(program, namespace, but, alone)]
    if not idle:
        return []
    more = f" and {len(idle) - _MOST} more" if len(idle) > _MOST else ""
    return [f"{BEGINS}: {', '.join(idle[:_MOST])}{more}."]


def not_run(
    program: Program, namespace: Mapping[str, Any], but: Sequence[str] = (), alone: Sequence[str] = ()
) -> list[Any]:
    """These functions and methods."""
    own = [f for f in source.functions_in(namespace) if f.__name__ not in but and _makes_gradients(f)]
    begun = {name for f in program.functions if callable(f) for name in source.names_called(f)}
    begun |= {getattr(f, "__name__", str(f)) for f in program.functions if not _is_method(f)}
    functions = [f for f in program.functions if inspect.isfunction(f)]
    run = source.reached([*functions, *(f for f in own if f.__name__ in begun)])
    idle = [f for f in own if f not in run and _class_of(f) not in _bases(run, namespace)]
    return [f for f in idle if _class_of(f) not in alone]


def has_kin_left_out(program: Program, namespace: Mapping[str, Any], but: Sequence[str] = ()) -> bool:
    """Whether of a class that is run there is a method that makes gradients and is not."""
    owners = {_class_of(f) for f in program.functions if inspect.isfunction(f)} - {""}
    return any(_class_of(f) in owners for f in not_run(program, namespace, but))


def _is_method(function: Any) -> bool:
    return bool(_class_of(function))


def _class_of(function: Any) -> str:
    return str(getattr(function, "__qualname__", "")).rpartition(".")[0]


def _bases(functions: list[Any], namespace: Mapping[str, Any]) -> set[str]:
    """The classes from which those are derived whose methods these are."""
    owners = {_class_of(f) for f in functions}
    classes = [made for made in namespace.values() if inspect.isclass(made) and made.__qualname__ in owners]
    return {base.__qualname__ for made in classes for base in made.__mro__[1:]}


def _makes_gradients(function: Any) -> bool:
    """Whether its name says so, and it does anything."""
    name = function.__name__.strip("_").lower()
    role = words.role_of_function(name)
    says = role in ("backward", "fused") or (role not in ("ignored", "update") and _SAYS_SO.search(name))
    makes = says and not _TAKES.search(name) and (source.argument_names(function) or _keeps_labels(function))
    return bool(makes) and not _is_empty(function) and not _only_asks(function)


def _keeps_labels(function: Any) -> bool:
    """Whether it is a method whose class is given labels by another: what a cost goes back from."""
    owner = function.__globals__.get(_class_of(function))
    methods = [f for _, f in inspect.getmembers(owner, inspect.isfunction)] if inspect.isclass(owner) else []
    taken = {words.role_of_argument(name) for f in methods for name in source.argument_names(f)}
    return "targets" in taken


def _only_asks(function: Any) -> bool:
    """Whether all that a function, which is no method, does is to ask others, and to hand nothing on between them:
    `for node in reversed(graph): node.backward()`."""
    body = [] if _is_method(function) else _body(function)
    nodes = [node for statement in body for node in ast.walk(statement)]
    calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    handed = [node.value for node in nodes if isinstance(node, ast.Return)]
    works = any(isinstance(node, ast.BinOp | ast.AugAssign | ast.Assign) for node in nodes)
    works |= any(not isinstance(value, ast.Name | ast.Attribute | None) for value in handed)
    return bool(calls) and not works and not any(call.args or call.keywords for call in calls)


def _is_empty(function: Any) -> bool:
    """Whether it only says that another class has it."""
    return all(isinstance(node, ast.Pass | ast.Raise | ast.Expr) for node in _body(function))


def _body(function: Any) -> list[ast.stmt]:
    """The statements of a function."""
    return list(getattr(next(iter(getattr(source.tree(function), "body", [])), None), "body", []))
