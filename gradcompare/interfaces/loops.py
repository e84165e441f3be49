"""A training loop as it stands, in a script, a function or a method: one turn of it is a step.

The step, the forward pass and the cost become functions of the parameters, the samples and the labels, made of the
loop's own statements with their own lines.
"""

from __future__ import annotations

import ast
import linecache
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gradcompare.interfaces import dataflow, starts, turns, words
from gradcompare.interfaces.driven import Driven, Steps
from gradcompare.interfaces.holders import Arguments

Function = Callable[..., Any]
_FILLED = ("inputs", "targets", "learning_rate", "regularisation", "samples", "batch_size", "classes")
"""What is given to a turn where it reads a name of such a role."""
_COST = re.compile(r"cost|loss|^j$|mse|objective|error|nll", re.IGNORECASE)
NAME = "training_loop"
"""Of all that is made of a loop: what stands on a line is the same, whichever function runs it."""


def candidates(names: Mapping[str, Any], costs: Iterable[Function]) -> Iterator[Driven]:
    """Programs made of the training loops of a file, the innermost first; `costs`: its own cost functions."""
    file, own = str(names.get("__file__")), list(costs)[:1]
    tree = _parsed(file)
    for body in [tree.body, *(node.body for node in tree.body if isinstance(node, ast.FunctionDef))]:
        for loop, before in _loops(body, []):
            turn = turns.training_turn(loop, before)
            if turn is not None:
                yield from _programs(turn, names, file, own)


def turns_of(made: type, names: Mapping[str, Any]) -> Iterator[Function]:
    """(self, X, Y) -> None: a turn of each loop, innermost first, in a class's methods that changes the object."""
    file = str(names.get("__file__"))
    classes = [node for node in _parsed(file).body if isinstance(node, ast.ClassDef) and node.name == made.__name__]
    methods = (node for found in classes for node in found.body if isinstance(node, ast.FunctionDef))
    for method in map(_Mangled(made.__name__).visit, methods):
        for loop, before in _loops(method.body, []):
            turn = turns.turn_of(loop, before)
            roles = set(map(words.role_of_argument, dataflow.names_free(turn.body)))
            if {"inputs", "targets"} <= roles and any(map(_changes_self, turn.body)):
                yield _Maker(turn, names, file).method()


class _Mangled(ast.NodeTransformer):
    """__slope of a class Net as Python has it outside of the class: _Net__slope."""

    def __init__(self, made: str) -> None:
        self.prefix = f"_{made.lstrip('_')}"

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr.startswith("__") and not node.attr.endswith("__"):
            node.attr = self.prefix + node.attr
        return node


def _parsed(file: str) -> ast.Module:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _changes_self(statement: ast.stmt) -> bool:
    stored = [n for n in ast.walk(statement) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
    return any(isinstance(n.value, ast.Name) and n.value.id == "self" for n in stored)


def _loops(statements: list[ast.stmt], before: list[ast.stmt]) -> Iterator[tuple[ast.For | ast.While, list[ast.stmt]]]:
    """Every loop, inner ones first, and the statements that are run before its first turn."""
    for i, statement in enumerate(statements):
        earlier = [*before, *statements[:i]]
        if isinstance(statement, ast.For | ast.While):
            first = turns.starts(statement.target) if isinstance(statement, ast.For) else []
            yield from _loops(statement.body, [*earlier, *first])
            yield statement, earlier
        elif isinstance(statement, ast.If | ast.With | ast.Try):
            yield from _loops(statement.body, earlier)


def _programs(turn: turns.Turn, names: Mapping[str, Any], file: str, costs: list[Function]) -> Iterator[Driven]:
    """With the cost that a turn computes, else with the file's own cost function."""
    make = _Maker(turn, names, file)
    forward, step = make.forward(), make.step()
    cost = make.cost() or next(iter(costs), None)
    used = [f for f in (forward, step, cost) if f is not None]
    starts_as = starts.weights_of(turn.before, {weight for weight, _ in turn.pairs})
    holder = Arguments(turn.pairs, starts_as=starts_as)
    holder.one_output = starts.is_one_unit(turn.before, turn.pairs[-1][0])
    yield Driven("training-loop", holder, Steps(step, "update", forward, cost), used)


class _Maker:
    """Makes functions of the statements of a turn, in the namespace of the file."""

    def __init__(self, turn: turns.Turn, names: Mapping[str, Any], file: str) -> None:
        self.turn, self.names, self.file = turn, names, file

    def forward(self) -> Function:
        """parameters, X -> (output, {name: value}) of all that the turn computes up to there."""
        body = self.turn.body[: self.turn.end]
        values = list(dict.fromkeys(name for s in body for name in dataflow.names_bound(s)))
        assert self.turn.output is not None
        result = ast.Tuple([self.turn.output, _dict(values)], ast.Load())
        return self._function(body, result)

    def step(self) -> Function:
        """parameters, X, Y -> {name: parameter} after a turn."""
        return self._function(self.turn.body, _dict(self.turn.parameters))

    def cost(self) -> Function | None:
        """parameters, X, Y -> the cost, where the turn computes one."""
        for i, statement in enumerate(self.turn.body[self.turn.end :], start=self.turn.end):
            if isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name):
                error = target.id.lower().startswith(("err", "delta")) or target.id.lower().endswith("error")
                if _COST.search(target.id) and (not error or _is_number(statement.value, self.names)):
                    body = dataflow.needed(self.turn.body[: i + 1], {target.id}, set(self.turn.parameters))
                    return self._function(body, _name(target.id))
        return None

    def method(self) -> Function:
        """self, X, Y -> None."""
        return self._function(self.turn.body, ast.Constant(None))

    def _function(self, body: list[ast.stmt], result: ast.expr) -> Function:
        """A function of what the statements read of the parameters, the samples, the labels and the rates."""
        parameters, statements = set(self.turn.parameters), [*body, ast.Expr(result)]
        bound = {n for s in body for n in dataflow.names_bound(s)}
        free = {n for n in dataflow.names_free(statements) if n not in parameters and not self._is_given(n)}
        wanted = {n for n in free if n in bound or n not in self.names}
        written = {n for s in self.turn.before for n in dataflow.names_written(s)}
        before = dataflow.needed(self.turn.before, wanted, parameters | {n for n in written if self._is_given(n)})
        arguments = [n for n in dataflow.names_free([*before, *statements]) if n in parameters or self._is_given(n)]
        definition = ast.parse(f"def {NAME}({', '.join(arguments)}): pass").body[0]
        assert isinstance(definition, ast.FunctionDef)
        definition.body = [*before, *body, ast.copy_location(ast.Return(result), (body or [self.turn.loop])[-1])]
        tree = ast.Module([ast.copy_location(definition, self.turn.loop)], [])
        code = compile(ast.fix_missing_locations(tree), self.file, "exec")
        inner = next(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
        function = types.FunctionType(inner, self.names, NAME)  # type: ignore[arg-type]
        function.tree = definition  # type: ignore[attr-defined]
        function.one_sample = self.turn.goes_through_samples  # type: ignore[attr-defined]
        return function

    def _is_given(self, name: str) -> bool:
        role, value = words.role_of_argument(name), self.names.get(name)
        if role == "regularisation" and isinstance(value, float):
            return False  # the cost function may read it too
        if role == "classes" and len(name) == 1:
            return False  # it may count anything
        return name == "self" or (role in _FILLED and not words.is_guard(name, value) and not callable(value))


def _is_number(value: ast.expr, names: Mapping[str, Any]) -> bool:
    """Whether an expression sums, or calls what the file calls a cost."""
    called = [n for n in ast.walk(value) if isinstance(n, ast.Call)]
    ends = [str(getattr(n.func, "attr", getattr(n.func, "id", ""))) for n in called]
    return any(end in ("sum", "mean", "norm", "vdot") or words.role_of_function(end) == "cost" for end in ends)


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _dict(names: list[str]) -> ast.expr:
    return ast.Dict([ast.Constant(name) for name in names], [_name(name) for name in names])
