"""What surrounds a training loop in a function says what its arguments are: data by their names or places, settings by
their defaults or by what the file's own calls of the function give them."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gradcompare.interfaces import dataflow, source, usage, words
from gradcompare.interfaces.inlined import Loop, inlined
from gradcompare.interfaces.starts import made_as_arrays

Function = ast.FunctionDef | ast.AsyncFunctionDef
_NUMBERS = ast.Constant | ast.Name | ast.UnaryOp | ast.BinOp | ast.Tuple | ast.List | ast.expr_context | ast.operator
_NUMBERS |= ast.unaryop


def roles(function: Function) -> dict[str, str]:
    """{argument: role} of the arguments whose own names do not say that they are the inputs, the targets or a width:
    data come first and without a default, inputs before targets."""
    required, _ = _arguments(function)
    own = {name: words.role_of_argument(name) for name in required}
    written = {name for statement in function.body for name in dataflow.names_bound(statement)}
    unsaid = [name for name in required if own[name] is None or (own[name] in _UNSAID and name not in written)]
    weights = {name for pair in words.parameter_pairs(required) for name in pair}
    unknown = [name for name in unsaid if name not in weights and not _is_compared(function, name)]
    left = [role for role in ("inputs", "targets") if role not in own.values()]
    if len(left) == 2 and required[:2] != unknown[:2]:
        return {}  # nothing says that there are data
    return dict(zip(unknown, left, strict=False))


def data_of_script(
    loop: Loop, tree: ast.Module, names: Mapping[str, Any], before: Sequence[ast.stmt] = ()
) -> dict[str, str]:
    """{name: role} of the arrays of a script that a loop reads and does not write, where their own names do not say
    which are the inputs and which the labels: the inputs are read first. `before`: the statements of the function
    around it, where it stands in one that is given nothing."""
    body = inlined(loop, tree).body
    written = {name for statement in body for name in dataflow.names_written(statement)}
    taken = [loop.iter] if isinstance(loop, ast.For) else []
    free = [name for name in dataflow.names_free([*taken, *body]) if name not in written]
    data = set(_of_data(tree.body, names)) | set(_of_data(before, names)) - made_as_arrays(before)
    arrays = [name for name in free if name in data or (isinstance(names.get(name), np.ndarray) and names[name].ndim)]
    own = {name: words.role_of_argument(name) for name in free}
    unknown = [name for name in arrays if own[name] in _UNSAID and not _WEIGHT.search(name)]
    left = [role for role in ("inputs", "targets") if role not in own.values()]
    return dict(zip(unknown, left, strict=True)) if len(unknown) == len(left) else {}


_WEIGHT = re.compile(r"bias|weight", re.IGNORECASE)
_UNSAID = (None, "output", "cache")
"""The roles of names that may be those of data: outputs, where nothing writes them, are those that are wanted."""


def _of_data(statements: Sequence[ast.stmt], names: Mapping[str, Any]) -> Iterator[str]:
    """The names that statements give what was not run: data."""
    for statement in statements:
        value = statement.value if isinstance(statement, ast.Assign) else None
        number = isinstance(value, ast.Call) and source.called(value) in ("int", "float", "len", "input", "str")
        if isinstance(value, ast.Call | ast.Tuple | ast.Subscript) and not number:
            yield from (name for name in dataflow.names_bound(statement) if name not in names)


def settings(function: Function, tree: ast.AST, names: Mapping[str, Any]) -> list[ast.stmt]:
    """`seed = 0` for each other argument: what the file's own calls give it where that is told by the module alone,
    else its default."""
    required, defaults = _arguments(function)
    told = {name: value for call in _calls(function.name, tree) for name, value in _given(call, function)}
    told = defaults | {name: value for name, value in told.items() if _is_of_module(value, names)}
    data = roles(function)
    for name in required:
        says_itself = name in data or words.role_of_argument(name) not in (None, "activation")
        if name not in told and not says_itself and (value := usage.told_in(function, name)):
            told[name] = ast.Constant(value[0])
    return [
        ast.fix_missing_locations(ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], told[name]), function))
        for name in [*required, *defaults]
        if name in told and not _is_width(name) and _name_of(told[name]) != name  # the module's own is found as it is
    ]


def spread(function: Function) -> Function:
    """The function with the parts of what it takes apart as arguments of their own: rate and rounds of
    `rate, rounds = settings`."""
    required, _ = _arguments(function)
    parts: dict[str, list[str]] = {}
    for node in function.body:
        names = dataflow.names_bound(node)
        taken = _name_of(node.value) if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) else ""
        if taken in required and len(names) > 1 and words.role_of_argument(taken) is None:
            parts[taken] = names
    if not parts:
        return function
    found = copy.deepcopy(function)
    found.args.args = [a for arg in function.args.args for a in map(ast.arg, parts.get(arg.arg, [arg.arg]))]
    found.body = [s for s in found.body if not (isinstance(s, ast.Assign) and _name_of(s.value) in parts)]
    return ast.fix_missing_locations(found)


def _name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _is_compared(function: Function, name: str) -> bool:
    """Whether an argument is a word: kind == "relu"."""
    return any(isinstance(value, str) for value in usage.told_in(function, name))


def takes_nothing(function: Function) -> bool:
    """Whether a function is a script with a name: main()."""
    return not any(_arguments(function))


def asked(function: Function) -> tuple[frozenset[str], frozenset[str]]:
    """The arguments that ask for a width of the network, and all of them."""
    required, defaults = _arguments(function)
    names = [*required, *defaults]
    return frozenset(filter(_is_width, names)), frozenset(names)


def _is_width(name: str) -> bool:
    role = words.role_of_argument(name)
    return role == "classes" or (role is None and words.role_of_size(name) is not None)


def _arguments(function: Function) -> tuple[list[str], dict[str, ast.expr]]:
    """Those without a default, `self` left out, and the defaults of the others."""
    positional = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
    count = len(positional) - len(function.args.defaults)
    defaults = dict(zip(positional[count:], function.args.defaults, strict=True))
    keywords = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    defaults |= {a.arg: value for a, value in keywords if value is not None}
    return [name for name in positional[:count] if name not in ("self", "cls")], defaults


def _calls(name: str, tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call) and source.called(node) == name)


def _given(call: ast.Call, function: Function) -> Iterator[tuple[str, ast.expr]]:
    """(argument, expression) of what a call gives."""
    names = [a.arg for a in [*function.args.posonlyargs, *function.args.args] if a.arg not in ("self", "cls")]
    if not any(isinstance(value, ast.Starred) for value in call.args):
        yield from zip(names, call.args, strict=False)
    yield from ((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg)


def _is_of_module(value: ast.expr, names: Mapping[str, Any]) -> bool:
    """Whether it is computed from numbers and names of the module."""
    nodes = list(ast.walk(value))
    read = (node.id for node in nodes if isinstance(node, ast.Name))
    return all(isinstance(node, _NUMBERS) for node in nodes) and all(name in names for name in read)
