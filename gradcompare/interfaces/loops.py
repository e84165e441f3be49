"""A training loop as it stands, in a script, a function or a method: one turn of it is a step.

The step, the forward pass and the cost become functions of the parameters, the samples and the labels, made of the
loop's own statements with their own lines (`making`).
"""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gradcompare.interfaces import dataflow, methods, sampling, source, starts, surroundings, turns, words
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.holders import Arguments, Started
from gradcompare.interfaces.inlined import inlined
from gradcompare.interfaces.late import StartedIn
from gradcompare.interfaces.making import Maker
from gradcompare.interfaces.plans import Plan
from gradcompare.interfaces.session import Steps

Function = Callable[..., Any]


def candidates(names: Mapping[str, Any], costs: Iterable[Function]) -> Iterator[Driven]:
    """Programs made of the training loops of a file, the innermost first; `costs`: its own cost functions."""
    file, own = str(names.get("__file__")), list(costs)
    tree = source.parsed(file)
    called = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for loop, before in _loops(tree.body, []):
        data = surroundings.data_of_script(loop, tree, names)
        turn = turns.training_turn(inlined(loop, tree), before, data, called)
        if turn is not None:
            yield from _programs(turn, names, file, own, _starts_from_vectors(turn, names))
    for function in map(surroundings.spread, called.values()):
        told = surroundings.settings(function, tree, names)
        for loop, before in _loops(function.body, told):
            roles = surroundings.roles(function)
            if surroundings.takes_nothing(function):
                loop, roles = inlined(loop, tree), surroundings.data_of_script(loop, tree, names, before)
            turn = turns.training_turn(loop, before, roles, called)
            if turn is not None:
                turn.given, turn.arguments = surroundings.asked(function)
                yield from _programs(turn, names, file, own, True)
    yield from _of_straight_script(tree, names, file)


def _of_straight_script(tree: ast.Module, names: Mapping[str, Any], file: str) -> Iterator[Driven]:
    """A script that goes forward and back once: its gradients are what is called like those of its arrays."""
    found = turns.straight(tree, names)
    if found is None:
        return
    turn, gradients = found
    turn.roles = surroundings.data_of_script(turn.loop, tree, names)
    make = Maker(turn, names, file)
    forward, step, cost, start = make.forward(), make.values(gradients), make.cost(), make.start()
    used, steps = [f for f in (forward, step, cost) if f is not None], Steps(step, "backward", forward, cost)
    if start is not None:
        yield Driven("training-loop", Started(start, turn.pairs), steps, used)
    yield Driven("training-loop", Arguments(turn.pairs, own=names), steps, used)


class InMethod(NamedTuple):
    """What is made of a loop in a method."""

    step: Function
    """(self, X, Y) -> None."""
    forward: Function | None
    """(self, X) -> (output, {name: value}), where labels meet something in the loop."""
    cost: Function | None
    begin: Function
    """(self, X, Y) -> None: what is run before the first turn."""


def takes_data(turn: InMethod) -> bool:
    """Whether a turn takes samples or labels."""
    return any(words.role_of_argument(name) in ("inputs", "targets") for name in source.argument_names(turn.step))


def turns_of(made: type, names: Mapping[str, Any]) -> Iterator[InMethod]:
    """A turn of each loop, innermost first, in a class's methods that takes samples and labels."""
    file = str(names.get("__file__"))
    tree = source.parsed(file)
    for method in map(_with_data_as_names, filter(_may_train, _methods(made, tree))):
        told = surroundings.settings(method, tree, names)
        for loop, before in _loops(method.body, told):
            turn = methods.method_turn(loop, before, surroundings.roles(method))
            turn.given, turn.arguments = surroundings.asked(method)
            if any(map(_uses_self, turn.body)) or turn.output is not None:
                make = Maker(turn, names, file)
                whole = turn.output is not None
                yield InMethod(
                    make.method(), make.forward() if whole else None, make.cost() if whole else None, make.begin()
                )


def of_methods(made: type, made_by: Iterable[Plan], names: Mapping[str, Any]) -> Iterator[Driven]:
    """Programs of loops in methods whose parameters are local: `w -= self.rate * dw`, and `self.w = w` when all is
    done."""
    file, plans = str(names.get("__file__")), list(made_by)
    tree = source.parsed(file)
    for method in _methods(made, tree):
        told = surroundings.settings(method, tree, names)
        for loop, before in _loops(method.body, told):
            turn = turns.training_turn(loop, before, surroundings.roles(method))
            if turn is None:
                continue
            turn.given, turn.arguments = surroundings.asked(method)
            make = Maker(turn, names, file)
            forward, step, cost, start = make.forward(), make.step(), make.cost(), make.start()
            used = [f for f in (forward, step, cost) if f is not None]
            holders = (StartedIn(start, turn.pairs, made, plan) for plan in plans if start is not None)
            yield from (Driven("training-loop", h, Steps(step, "update", forward, cost), used) for h in holders)


def _methods(made: type, tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The methods of a class as they stand in its file, with what its private names are outside of it."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == made.__name__]
    own = (copy.deepcopy(node) for c in classes for node in c.body if isinstance(node, ast.FunctionDef))
    yield from map(_Mangled(made.__name__).visit, own)


def _may_train(method: ast.FunctionDef) -> bool:
    """Whether it is no constructor that is given neither samples nor labels."""
    given = {words.role_of_argument(argument.arg) for argument in method.args.args}
    return method.name != "__init__" or bool(given & {"inputs", "targets"})


class _Mangled(ast.NodeTransformer):
    """__slope of a class Net as Python has it outside of the class: _Net__slope."""

    def __init__(self, made: str) -> None:
        self.prefix = f"_{made.lstrip('_')}"

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr.startswith("__") and not node.attr.endswith("__"):
            node.attr = self.prefix + node.attr
        return node


def _with_data_as_names(method: ast.FunctionDef) -> ast.FunctionDef:
    """X for self.X of a method that takes no samples and only reads those of its object, so that they can be given."""
    data = ("inputs", "targets")
    taken = {node.id for node in ast.walk(method) if isinstance(node, ast.Name)}
    if any(words.role_of_argument(a.arg) in data for a in method.args.args):
        return method
    own = [node for node in ast.walk(method) if isinstance(node, ast.Attribute) and _is_self(node.value)]
    stored = {node.attr for node in own if not isinstance(node.ctx, ast.Load)}
    given = {node.attr for node in own if words.role_of_argument(node.attr) in data} - stored - taken
    roles = [words.role_of_argument(name) for name in given]
    return _Named(given).visit(method) if sorted(map(str, roles)) == ["inputs", "targets"] else method


class _Named(ast.NodeTransformer):
    """X for self.X."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr in self.names and _is_self(node.value):
            return ast.copy_location(ast.Name(node.attr, node.ctx), node)
        return self.generic_visit(node)


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == methods.SELF


def _uses_self(statement: ast.stmt) -> bool:
    """Whether it stores something in the object, or calls a method of it."""
    used = [node for node in ast.walk(statement) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)]
    called = (node.func for node in ast.walk(statement) if isinstance(node, ast.Call))
    used += [function for function in called if isinstance(function, ast.Attribute)]
    return any(_base(node) == methods.SELF for node in used)


def _base(node: ast.expr) -> str:
    """The name that attributes and elements are taken from: self of self.layers[0].w."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return getattr(node, "id", "")


def _loops(statements: list[ast.stmt], before: list[ast.stmt]) -> Iterator[tuple[ast.For | ast.While, list[ast.stmt]]]:
    """Every loop, inner ones first, and the statements that are run before its first turn."""
    for i, statement in enumerate(statements):
        earlier = [*before, *statements[:i]]
        if isinstance(statement, ast.For | ast.While):
            first = sampling.counted_from(statement) if isinstance(statement, ast.For) else []
            yield from _loops(statement.body, [*earlier, *first])
            yield statement, earlier
        elif isinstance(statement, ast.If | ast.With | ast.Try):
            yield from _loops(statement.body, earlier)


def _starts_from_vectors(turn: turns.Turn, names: Mapping[str, Any]) -> bool:
    """Whether a script's own weights are no matrices."""
    weights = [weight for weight, _ in turn.pairs]
    said = any(starts.weights_of(turn.before, {weight}) == ("vector",) for weight in weights if weight not in names)
    return said or any(np.ndim(names[weight]) < 2 for weight in weights if weight in names)


def _reads_widths(turn: turns.Turn, names: Mapping[str, Any]) -> bool:
    """Whether a turn, or what it calls, calculates with the numbers of the module that say how wide its weights are:
    2 * (guess - y) / n_out."""
    widths = starts.widths_of(turn.before, turn.parameters) - turn.given
    read = {name for statement in turn.body for name in dataflow.names_read(statement)}
    called = [names[name] for name in read if inspect.isfunction(names.get(name))]
    return any(type(names.get(name)) is int for name in widths & (read | set(source.globals_read(called))))


def _programs(
    turn: turns.Turn, names: Mapping[str, Any], file: str, costs: list[Function], starts_first: bool
) -> Iterator[Driven]:
    """With the cost that a turn computes, else with the file's own cost function; the parameters of the shapes that
    they start from, where that is to be tried or nothing else runs, else of any."""
    make = Maker(turn, names, file)
    forward, step = make.forward(), make.step()
    called = [source.called(node) for node in ast.walk(turn.loop) if isinstance(node, ast.Call)]
    near = sorted(costs, key=lambda cost: cost.__name__ not in called)
    cost = make.cost() or next(iter(near), None)
    used = [f for f in (forward, step, cost) if f is not None]
    start, steps = make.start(), Steps(step, "update", forward, cost)
    depths = (2, 1, 3) if turn.in_containers else ()  # how many layers are in them their names do not say
    of_own_shapes = [Driven("training-loop", Started(start, turn.pairs, depths), steps, used)] if start else []
    own_widths = turn.in_containers or (bool(of_own_shapes) and _reads_widths(turn, names))
    starts_first = starts_first or bool(turn.others) or own_widths
    if starts_first:
        yield from of_own_shapes
    if own_widths:
        return
    starts_as = starts.weights_of(turn.before, {weight for weight, _ in turn.pairs})
    holder = Arguments(turn.pairs, starts_as=starts_as, own={} if starts_first else names)
    for known in (turn.before, source.parsed(file).body):  # what is given to a loop, another function has made
        one = starts.is_one_unit(known, turn.pairs[-1][0]) or starts.is_number(known, turn.pairs[-1][1])
        holder.one_output = holder.one_output or one
    of_any = Driven("training-loop", holder, steps, used)
    yield of_any
    if of_any.found is None and not starts_first:  # it is run before the next is asked for
        yield from of_own_shapes
