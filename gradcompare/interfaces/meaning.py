"""What a function's arguments are: by their names, else by what the function does with them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from gradcompare.interfaces import dataflow, source, usage, words

_WEIGHT = re.compile(r"^(w|weights?|theta|kernel)$", re.IGNORECASE)


def role_of(function: Callable[..., Any], argument: str) -> str | None:
    """The role of an argument by its name, else by its use: parameters, where "W1" is looked up in it, weights are
    taken from one of its elements after another, or it has them itself; a slope, where the file hands over one."""
    function = getattr(function, "__func__", function)
    by_name = getattr(function, "roles", {}).get(argument) or words.role_of_argument(argument)
    if by_name is None and argument in _parameter_dicts(function) | _lists_of_layers(function):
        return "parameters"
    if by_name in (None, "inputs") and _FIRST_STATE.match(argument) and _takes_inputs_beside(function, argument):
        return "state"
    if by_name in (None, "samples") and argument in _objects_with_weights(function):
        return "parameters"
    if by_name in (None, "samples") and argument in _numbers_of_layers(function):
        return "layers"
    if by_name in _UNSURE and argument in _samples_and_labels(function):
        return _samples_and_labels(function)[argument]
    if by_name == "cache" and argument in gone_through(function):
        return "targets"
    if by_name is None and held_against(function) == {argument}:
        return "targets"
    if by_name == "output" and _goes_forward_of(function, argument):
        return "inputs"
    if argument in _carried_back(function) or (by_name is None and argument in given_slopes(function)):
        return "slope"
    samples = by_name is None and (argument == _data_in(function) or argument in _samples_of_its_class(function))
    return "inputs" if samples else by_name


@source.kept
def held_against(function: Callable[..., Any]) -> frozenset[str]:
    """The arguments that take part in a difference with what a function that goes back, trains or is a cost has
    computed of samples, where none is called like labels: seen of `(seen - out) * (1 - out ** 2)`."""
    names = source.argument_names(function)
    roles = {name: words.role_of_argument(name) for name in names}
    role = words.role_of_function(getattr(function, "__name__", "").strip("_"))
    if role not in ("backward", "update", "fused", "cost") or "targets" in roles.values():
        return frozenset()
    computed: set[str] = {name for name in names if roles[name] == "inputs"}
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.Assign) and dataflow.values_read(node.value) & computed:
            computed |= set(dataflow.names_bound(node))
    computed -= set(names)
    found = set()
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            for one, other in ((node.left, node.right), (node.right, node.left)):
                of_output = isinstance(other, ast.Name) and other.id in computed
                if of_output and isinstance(one, ast.Name) and one.id in names and roles[one.id] is None:
                    found.add(one.id)
    return frozenset(found)


_FIRST_STATE = re.compile(r"^(a_?0|a_?prev(ious)?|prev(ious)?_?a)$", re.IGNORECASE)


def _takes_inputs_beside(function: Callable[..., Any], argument: str) -> bool:
    """Whether another argument is called like samples: then a0 is no other name for them."""
    return any(words.role_of_argument(name) == "inputs" for name in source.argument_names(function) if name != argument)


@source.kept
def gone_through(function: Callable[..., Any]) -> frozenset[str]:
    """The arguments of which a function takes one element after another, by no number: context of `for word in context`
    and of `[y - word for word in context]`."""
    through = (n.iter for n in ast.walk(source.tree(function)) if isinstance(n, ast.For | ast.comprehension))
    names = {node.id for node in through if isinstance(node, ast.Name)}
    return frozenset(names & set(source.argument_names(function)))


def rows_with_labels(function: Callable[..., Any], argument: str, deep: int = 1) -> bool:
    """Whether an argument is gone through row by row, and of each row the last entry is taken, or left out: `for row in
    data`, and row[-1] or row[:-1] there, or in what row or data is handed to."""
    loops = [n for n in ast.walk(source.tree(function)) if isinstance(n, ast.For | ast.comprehension)]
    pairs = (pair for loop in loops for pair in _pairs(loop.iter, loop.target))
    rows = {target.id for name, target in pairs if name == argument and isinstance(target, ast.Name)}
    handed_on = (rows_with_labels(other, name, deep - 1) for other, name in _handed(function, argument) if deep)
    return any(_takes_the_last(function, row) for row in rows) or any(handed_on)


def _takes_the_last(function: Any, name: str) -> bool:
    """Whether a function, or one of its file that it hands a name to, takes the last entry of that, or all others."""
    places = [(function, name), *_handed(function, name)]
    last = ((f"{own}[-1]", f"{own}[:-1]") for _, own in places)
    return any(
        isinstance(node, ast.Subscript) and ast.unparse(node) in said
        for (where, _), said in zip(places, last, strict=True)
        for node in ast.walk(source.tree(where))
    )


def _handed(function: Any, name: str) -> Iterator[tuple[Any, str]]:
    """The functions of its file that a function hands what has a name, and what they call it."""
    own = {f.__name__: f for f in source.reached([function]) if f is not function}
    for call in (n for n in ast.walk(source.tree(function)) if isinstance(n, ast.Call)):
        other = own.get(source.called(call))
        taken = source.argument_names(other) if other is not None else []
        for value, called in zip(call.args, taken, strict=False):
            if isinstance(value, ast.Name) and value.id == name:
                yield other, called


@source.kept
def _samples_of_its_class(function: Callable[..., Any]) -> frozenset[str]:
    """What a method that goes forward, of the class of a method, calls the only thing that it is given: t of
    `def forward(self, t)`, also in `def backward(self, t, wanted)`."""
    made = getattr(function, "__qualname__", "").rpartition(".")[0]
    tree = source.parsed(str(getattr(function, "__globals__", {}).get("__file__")))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == made]
    methods = [node for c in classes for node in c.body if isinstance(node, ast.FunctionDef)]
    ahead = [node for node in methods if words.role_of_function(node.name) in ("forward", "predict")]
    given = [[a.arg for a in (*node.args.posonlyargs, *node.args.args)][1:] for node in ahead]
    return frozenset(names[0] for names in given if len(names) == 1)


def _goes_forward_of(function: Callable[..., Any], argument: str) -> bool:
    """Whether a method goes forward and is given nothing else: A of `def forward(self, A)`."""
    ahead = words.role_of_function(getattr(function, "__name__", "")) in ("forward", "predict")
    return ahead and source.is_method(function) and source.argument_names(function) == [argument]


_UNSURE = (None, "samples", "biases", "output")
"""Roles of names such as m, b and A, which stand for samples and labels too."""


@source.kept
def _samples_and_labels(function: Callable[..., Any]) -> dict[str, str]:
    """Of two arguments whose names say nothing of samples and labels, the one with which a function itself calls what
    goes forward, and the other: s and m of `def cost(self, s, m): return sum((m - self.forward(s)) ** 2)`."""
    names = source.argument_names(function)
    known = _UNSURE if source.is_method(function) else _UNSURE[:2]  # of a function b may be a bias
    if len(names) != 2 or any(words.role_of_argument(name) not in known for name in names):
        return {}
    calls = (node for node in ast.walk(source.tree(function)) if isinstance(node, ast.Call) and len(node.args) == 1)
    ahead = [call.args[0] for call in calls if words.role_of_function(source.called(call) or "") == "forward"]
    handed = {node.id for node in ahead if isinstance(node, ast.Name)} & set(names)
    return {name: "inputs" if name in handed else "targets" for name in names} if len(handed) == 1 else {}


@source.kept
def _carried_back(function: Callable[..., Any]) -> frozenset[str]:
    """The arguments that a function hands from layer to layer on the way back, and binds by nothing else: v of
    `for layer in reversed(layers): v = layer.backward(v)`."""
    tree = source.tree(function)
    bound = [name for node in ast.walk(tree) if isinstance(node, ast.Assign) for name in dataflow.names_bound(node)]
    found = set()
    for loop in (node for node in ast.walk(tree) if isinstance(node, ast.For)):
        for step in (s for s in loop.body if isinstance(s, ast.Assign) and isinstance(s.value, ast.Call)):
            call, targets = step.value, dataflow.names_bound(step)
            role = words.role_of_function(source.called(call)) if isinstance(call, ast.Call) else None
            if role == "backward" and len(targets) == 1 and bound.count(targets[0]) == 1:
                found |= {a.id for a in getattr(call, "args", ()) if isinstance(a, ast.Name) and a.id in targets}
    return frozenset(found & set(source.argument_names(function)))


@source.kept
def given_slopes(function: Callable[..., Any]) -> frozenset[str]:
    """The arguments for which the file hands a function that goes back the gradient of a cost, or the difference
    between output and labels: v of `net.backward(mse_prime(out, y))`."""
    name = getattr(function, "__name__", "")
    if words.role_of_function(name) != "backward":
        return frozenset()
    tree = source.parsed(str(getattr(function, "__globals__", {}).get("__file__")))
    made: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            made.setdefault(node.targets[0].id, []).append(node.value)
    found = set()
    for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call) and source.called(n) == name):
        given = [*zip(source.argument_names(function), call.args, strict=False)]
        given += [(k.arg, k.value) for k in call.keywords if k.arg]
        for argument, value in given:
            values = made.get(value.id, []) if isinstance(value, ast.Name) else [value]
            found |= {argument} if any(map(_is_slope, values)) else set()
    return frozenset(found)


def _is_slope(value: ast.expr) -> bool:
    """Whether an expression is, but for factors, a difference of predictions and labels or what a derivative of a cost
    gives."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Div):
        return _is_slope(value.left) or _is_slope(value.right)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub):
        roles = {words.role_of_argument(source.identifier(side) or "") for side in (value.left, value.right)}
        return "targets" in roles
    if isinstance(value, ast.UnaryOp):
        return _is_slope(value.operand)
    if isinstance(value, ast.ListComp | ast.GeneratorExp):
        return _is_slope(value.elt)
    if not isinstance(value, ast.Call):
        return False
    called = source.called(value)
    if called == "subtract" and len(value.args) == 2:
        return "output" in {words.role_of_argument(source.identifier(side) or "") for side in value.args}
    if called in ("sum", "mean", "array", "asarray") and value.args:
        return _is_slope(value.args[0])
    return words.role_of_function(called) == "slope_of_cost"


@source.kept
def _data_in(function: Callable[..., Any]) -> str | None:
    """The argument that stands for samples where none is called so: of those that a function multiplies with global
    weights the first that is not called like anything else; None where it is given weights or has no such."""
    names = source.argument_names(function)
    roles = [words.role_of_argument(name) for name in names]
    if source.is_method(function) or {"inputs", "parameters"} & set(roles) or words.parameter_pairs(names):
        return None
    read = source.globals_read([function])
    weights = any(source.rank(space.get(name, 0)) == 2 for name, space in read.items())
    unknown = [n for n in usage.multiplied_in(function) if words.role_of_argument(n) is None]
    return unknown[0] if weights and unknown else None


@source.kept
def _parameter_dicts(function: Any) -> frozenset[str]:
    """The names in which a function looks up weights: p of p["W1"] and of p["W" + str(k)]."""
    found = set()
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            key = source.key_begins(node.slice)
            if words.WEIGHT.match(key) or (key in ("W", "w") and not isinstance(node.slice, ast.Constant)):
                found.add(node.value.id)
    return frozenset(found)


@source.kept
def _numbers_of_layers(function: Any) -> frozenset[str]:
    """The names up to which, or from which, a function counts layers, whose numbers it puts into keys: n of
    `for i in range(n): cache[f"Z{i}"]`."""
    found = set()
    for loop in (node for node in ast.walk(source.tree(function)) if isinstance(node, ast.For)):
        if isinstance(loop.iter, ast.Call) and source.called(loop.iter) == "range":
            counted = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
            if counted & set(_put_into_keys(loop)):
                found |= {node.id for node in ast.walk(loop.iter) if isinstance(node, ast.Name)}
    return frozenset(found)


def _put_into_keys(tree: ast.AST) -> Iterator[str]:
    """The names whose numbers are part of keys: i of cache[f"Z{i}"] and of cache["Z" + str(i)]."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and source.key_begins(node.slice) and not isinstance(node.slice, ast.Name):
            yield from (inner.id for inner in ast.walk(node.slice) if isinstance(inner, ast.Name))


@source.kept
def data_in(function: Callable[..., Any], argument: str) -> list[str]:
    """The roles of what an argument is taken apart into, where that is samples and labels: x, y = batch."""
    apart = source.taken_apart(function).get(argument, [])
    roles = [str(words.role_of_argument(name)) for name in apart]
    return roles if sorted(roles) == ["inputs", "targets"] else []


@source.kept
def samples_in(function: Callable[..., Any], argument: str) -> list[str]:
    """The roles of what the elements of an argument are taken apart into, where each is a sample with its labels:
    `for x, y in data`."""
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Name):
            names = [source.identifier(part) or "" for part in getattr(node.target, "elts", [])]
            roles = [str(words.role_of_argument(name)) for name in names]
            if node.iter.id == argument and sorted(roles) == ["inputs", "targets"]:
                return roles
    return []


@source.kept
def _lists_of_layers(function: Any) -> frozenset[str]:
    """The names of what a function goes through and takes weights from: layers of `for p in layers`, where it takes
    p["W"] or p.weights, and of `for (w, b), a in zip(layers, kept)`."""
    tree = source.tree(function)
    taken = set(_bases_of_weights(tree))
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.comprehension):
            for name, target in _pairs(node.iter, node.target):
                one = isinstance(target, ast.Name) and target.id in taken
                apart = isinstance(target, ast.Tuple | ast.List) and any(map(_is_weight, target.elts))
                found |= {name} if one or apart else set()
    return frozenset(found)


@source.kept
def _objects_with_weights(function: Any) -> frozenset[str]:
    """The names of what a function asks for weights under their names, n of n.weights and of n.W1, or gives another
    that does."""
    nodes = list(ast.walk(source.tree(function)))
    asked = (n for n in nodes if isinstance(n, ast.Attribute) and (_WEIGHT.match(n.attr) or words.WEIGHT.match(n.attr)))
    found = {a.value.id for a in asked if isinstance(a.value, ast.Name) and a.value.id != "self"}
    for call in (n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)):
        called = getattr(function, "__globals__", {}).get(call.func.id)  # type: ignore[attr-defined]
        if inspect.isfunction(called) and called is not function and called.__module__ == function.__module__:
            given = zip(source.argument_names(called), call.args, strict=False)
            handed_on = _objects_with_weights(called)
            found |= {value.id for name, value in given if isinstance(value, ast.Name) and name in handed_on}
    return frozenset(found)


def _is_weight(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and bool(_WEIGHT.match(node.id))


def _bases_of_weights(tree: ast.AST) -> Iterator[str]:
    """p of p["W"] and p.weights."""
    for node in ast.walk(tree):
        key = node.attr if isinstance(node, ast.Attribute) else ""
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            key = str(node.slice.value)
        base = node.value if isinstance(node, ast.Attribute | ast.Subscript) else None
        if isinstance(base, ast.Name) and _WEIGHT.match(key):
            yield base.id


def _pairs(iterated: ast.expr, target: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """(name, what a turn calls one of its elements), through zip, enumerate, reversed and slices."""
    if isinstance(iterated, ast.Call):
        called, targets = source.called(iterated), getattr(target, "elts", [])
        if called == "zip" and len(targets) == len(iterated.args):
            for argument, part in zip(iterated.args, targets, strict=True):
                yield from _pairs(argument, part)
        elif called == "enumerate" and len(targets) == 2:
            yield from _pairs(iterated.args[0], targets[1])
        elif called in ("reversed", "list", "tuple") and iterated.args:
            yield from _pairs(iterated.args[0], target)
    elif isinstance(iterated, ast.Subscript) and isinstance(iterated.slice, ast.Slice):
        yield from _pairs(iterated.value, target)
    elif isinstance(iterated, ast.Name):
        yield iterated.id, target
