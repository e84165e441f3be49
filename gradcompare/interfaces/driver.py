"""What the file's own code gives its constructors and functions, where that can be told without running more than
definitions."""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import built, dataflow, naming, paths, sampling, source, words
from gradcompare.interfaces.layouts import Layout
from gradcompare.interfaces.plans import Plan
from gradcompare.loading.safety import danger
from gradcompare.network import Network
from gradcompare.tracing.randomness import same_random_numbers

MAIN = ("main", "run", "demo", "test")


class AsTold(Plan):
    """Gives a constructor what the file itself gives it, whatever the widths of the network."""

    def __init__(self, made: Any, depth: int, forward: str | None = None) -> None:
        """`forward`: the method that makes the weights when it is first called."""
        super().__init__({}, (depth,))
        self.made, self.forward = made, forward

    def call(self, function: Callable[..., Any], network: Network, layout: Layout) -> Any:
        """An object like the file's own."""
        made = copy.deepcopy(self.made)
        if self.forward is not None:
            getattr(made, self.forward)(layout.X(network))
        return made


def plans_told(made: type, tree: ast.Module, names: Mapping[str, Any]) -> Iterator[AsTold]:
    """How the file itself makes an object of a class; nothing where it makes none, or of more than definitions."""
    for block in _blocks(tree):
        for i, statement in enumerate(block):
            for call in ast.walk(statement):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == made.__name__:
                    things = (_evaluated(call, block[:i], names), built.built(made, block, i, names))
                    told = next((t for thing in things if isinstance(thing, made) and (t := _as_told(thing))), None)
                    if told is not None:
                        yield told
                        return


def _as_told(thing: Any) -> AsTold | None:
    """How to make such a thing, where it has weights, or has them after its first forward pass."""
    if depth := weights_in(thing):
        return AsTold(thing, depth)
    for name, method in inspect.getmembers(type(thing), inspect.isfunction):
        if words.role_of_function(name) == "forward" and len(source.argument_names(method)) == 1:
            once = copy.deepcopy(thing)
            with contextlib.suppress(Exception), np.errstate(all="ignore"), same_random_numbers():
                getattr(once, name)(np.ones((3, 5)))
                if depth := weights_in(once):
                    return AsTold(thing, depth, name)
    return None


def _blocks(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """Where a file uses its own definitions: the module, `if __name__ == "__main__"`, a function main."""
    yield tree.body
    for statement in tree.body:
        is_main = isinstance(statement, ast.FunctionDef) and statement.name.lower() in MAIN
        if isinstance(statement, ast.If) or is_main:
            yield statement.body  # type: ignore[attr-defined]


@source.kept
def told(function: Callable[..., Any], argument: str) -> list[Any]:
    """[what the file's own call gives an argument that is no data]: a setting, a function, a state that begins with
    zeros; empty where no call tells one."""
    names = getattr(inspect.unwrap(function), "__globals__", {})
    tree = source.parsed(str(names.get("__file__")))
    order = source.argument_names(function)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and source.called(call) == getattr(function, "__name__", ""):
            given = dict(zip(order, call.args, strict=False)) | {k.arg: k.value for k in call.keywords if k.arg}
            for value in values_of(given.get(argument), tree, names):
                if _is_setting(value):
                    return [value]
    return []


@source.kept
def given_back(function: Callable[..., Any]) -> dict[tuple[int, ...], str]:
    """{place in what a function returns: argument} of what the file takes for new values of what it has just given:
    (0, 1) of `(w, b), e = step(w, b, kept)` is b."""
    names = getattr(inspect.unwrap(function), "__globals__", {})
    order = source.argument_names(function)
    found: dict[tuple[int, ...], str] = {}
    for node in ast.walk(source.parsed(str(names.get("__file__")))):
        call = node.value if isinstance(node, ast.Assign) else None
        if isinstance(node, ast.Assign) and isinstance(call, ast.Call) and source.called(call) == function.__name__:
            given = [*zip(order, call.args, strict=False), *((str(k.arg), k.value) for k in call.keywords)]
            arguments = {value.id: name for name, value in given if isinstance(value, ast.Name)}
            found |= {place: arguments[name] for place, name in _places(node.targets[0]) if name in arguments}
    return found


@source.kept
def taken_as(function: Callable[..., Any], count: int) -> dict[str, int]:
    """{name: place} of what the file calls the several values that it takes from a function: h_last, of
    `prob, h_last = self.forward(x)`."""
    file = str(getattr(inspect.unwrap(function), "__globals__", {}).get("__file__"))
    found: dict[str, int] = {}
    for node in ast.walk(source.parsed(file)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            names = list(_places(node.targets[0])) if source.called(node.value) == function.__name__ else []
            if len(getattr(node.targets[0], "elts", [])) == count:
                found |= {name: place[0] for place, name in names if len(place) == 1 and name not in found}
    return found


@source.kept
def takes_each_sample(function: Callable[..., Any]) -> bool:
    """Whether the file calls a function with one sample after another: in `for x, y in zip(X, Y)`."""
    file = str(getattr(inspect.unwrap(function), "__globals__", {}).get("__file__"))
    for loop in (node for node in ast.walk(source.parsed(file)) if isinstance(node, ast.For)):
        counts = isinstance(loop.iter, ast.Call) and source.called(loop.iter) in ("range", "trange")
        if counts or sampling.gives_batches(loop):
            continue
        taken = set(dataflow.names_bound(loop.target))
        calls = [n for s in loop.body for n in ast.walk(s) if isinstance(n, ast.Call)]
        own = [call for call in calls if source.called(call) == function.__name__]
        if any(taken & set(dataflow.names_read(argument)) for call in own for argument in call.args):
            return True
    return False


def _places(target: ast.expr, place: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], str]]:
    """The names that a value is taken apart into, with where they stand in it."""
    if isinstance(target, ast.Name):
        yield place, target.id
    for i, part in enumerate(getattr(target, "elts", [])):
        yield from _places(part, (*place, i))


_IS_FUNCTION = re.compile(r"(func|function|fn|callback)$")


def function_for(function: Callable[..., Any], argument: str) -> Callable[..., Any] | None:
    """The function of the file that an argument which is called is meant to be, by its name: forward_prop for
    forward_prop_func, and for forward_fn where no other function goes forward."""
    if argument not in source.names_called(function):
        return None
    names = getattr(inspect.unwrap(function), "__globals__", {})
    own = [f for f in names.values() if inspect.isfunction(f) and f.__module__ == names.get("__name__")]
    word = _IS_FUNCTION.sub("", words.plain(argument))
    role = words.role_of_function(word)
    alike = [f for f in own if words.plain(f.__name__) == word]
    alike = alike or [f for f in own if role is not None and words.role_of_function(f.__name__) == role]
    return alike[0] if len(alike) == 1 else None


def structure(function: Callable[..., Any], argument: str) -> Any:
    """What the file has under an argument's name, or gives it, that describes a network in words: a list of dicts or
    tuples, one for each layer; None where there is no such thing."""
    names = getattr(inspect.unwrap(function), "__globals__", {})
    if words.role_of_argument(argument) is not None:
        return None
    alike = (value for name, value in names.items() if words.plain(name) == words.plain(argument))
    return next((copy.deepcopy(value) for value in alike if _describes(value)), None)


def _describes(value: Any) -> bool:
    """Whether a list has a dict or a tuple for each layer, with a word or a function in it, and no arrays."""
    rows = list(value) if isinstance(value, list | tuple) else []
    inside = [
        list(row.values()) if isinstance(row, dict) else list(row) for row in rows if isinstance(row, dict | tuple)
    ]
    parts = [part for row in inside for part in row]
    told = any(isinstance(part, str) or callable(part) for part in parts)
    return told and len(inside) == len(rows) and not any(isinstance(part, np.ndarray | list) for part in parts)


def plan_of_structure(initialise: Callable[..., Any]) -> Iterator[AsTold]:
    """How an initialiser is called that is given a description of the layers; nothing where it asks for more."""
    required = {n: structure(initialise, n) for n, p in source.signature(initialise).items() if p.default is p.empty}
    if not required or any(own is None for own in required.values()):
        return
    with contextlib.suppress(Exception), same_random_numbers():
        made = initialise(**required)
        if depth := weights_in(made):
            yield AsTold(made, depth)


def with_weights(function: Callable[..., Any], argument: str) -> Any:
    """What the file has made that holds weights, in an object or a container, and gives an argument or has under its
    name; None where there is no such thing."""
    names = getattr(inspect.unwrap(function), "__globals__", {})
    order = source.argument_names(function)
    tree = source.parsed(str(names.get("__file__")))
    for block in _blocks(tree):
        for i, statement in enumerate(block):
            for call in (n for n in ast.walk(statement) if isinstance(n, ast.Call)):
                if source.called(call) == function.__name__:
                    given = dict(zip(order, call.args, strict=False)) | {k.arg: k.value for k in call.keywords if k.arg}
                    value = given.get(argument)
                    own = names.get(value.id) if isinstance(value, ast.Name) else None
                    if value is not None and own is None and isinstance(value, ast.Name):
                        own = _evaluated(value, block[:i], names)
                    if _holds_weights(own):
                        return own
    return names[argument] if _holds_weights(names.get(argument)) else None


def _holds_weights(thing: Any) -> bool:
    return thing is not None and not paths.is_array(thing) and weights_in(thing) > 0


def weights_in(thing: Any) -> int:
    """How many weights something holds."""
    arrays = [(paths.label(path), array) for path, array in paths.walk(thing)]
    return sum(naming.is_weight(name, array) and not naming.is_bias(name) for name, array in arrays)


def values_of(given: ast.expr | None, tree: ast.Module, names: Mapping[str, Any]) -> Iterator[Any]:
    """What an expression may stand for; a name for what the file assigns to it anywhere."""
    assigned = [s for s in ast.walk(tree) if isinstance(s, ast.Assign) and isinstance(given, ast.Name)]
    called_so = [s.value for s in assigned if [ast.unparse(t) for t in s.targets] == [getattr(given, "id", "")]]
    for expression in [given, *called_so] if given is not None else []:
        if expression is not None and danger(expression, names) is None:
            with contextlib.suppress(Exception):
                yield eval(compile(ast.Expression(expression), "<its own call>", "eval"), dict(names))


def _is_setting(value: Any) -> bool:
    zeros = isinstance(value, np.ndarray) and not value.any()
    return zeros or callable(value) or isinstance(value, str | bool | int | float)


def own_arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """What the file itself gives each argument where it calls a function; empty where it does not, or where that takes
    more than definitions."""
    names = getattr(inspect.unwrap(function), "__globals__", {})
    tree, name = source.parsed(str(names.get("__file__"))), getattr(function, "__name__", "")
    for block in _blocks(tree):
        for i, statement in enumerate(block):
            for call in ast.walk(statement):
                if isinstance(call, ast.Call) and source.called(call) == name:
                    pairs = [ast.keyword(k.arg, k.value) for k in call.keywords]
                    given = _evaluated(ast.Call(ast.Name("dict", ast.Load()), [], pairs), block[:i], names)
                    listed = _evaluated(ast.List(call.args, ast.Load()), block[:i], names)
                    if listed is not None and given is not None:
                        return dict(zip(source.argument_names(function), listed, strict=False)) | given
    return {}


def _evaluated(call: ast.expr, before: list[ast.stmt], names: Mapping[str, Any]) -> Any:
    """What an expression gives; None where it would run more than definitions, or fails."""
    known = dict(names)
    parts = [*call.args, *(keyword.value for keyword in call.keywords)] if isinstance(call, ast.Call) else [call]
    wanted = {name for part in parts for name in dataflow.names_read(part)}
    steps = [s for s in dataflow.needed(before, wanted, set()) if isinstance(s, ast.Assign)]
    try:
        with np.errstate(all="ignore"), same_random_numbers():
            for step in steps:
                if danger(step.value, known) is not None:
                    return None
                exec(compile(ast.fix_missing_locations(ast.Module([step], [])), "<its own call>", "exec"), known)
            if danger(call, known) is not None:
                return None
            return eval(compile(ast.fix_missing_locations(ast.Expression(call)), "<its own call>", "eval"), known)
    except Exception:
        return None
