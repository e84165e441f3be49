"""The functions that are made of a turn of a loop: of its own statements, with their own lines."""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import re
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import dataflow, source, starts, words
from gradcompare.interfaces.turns import Turn
from gradcompare.loading.absent import Absent

Function = Callable[..., Any]
_FILLED = ("inputs", "targets", "learning_rate", "regularisation", "samples", "batch_size", "classes")
"""What is given to a turn where it reads a name of such a role."""
_COST = re.compile(r"cost|loss|^[jel]$|mse|objective|error|nll", re.IGNORECASE)
_NOTED = "noted_cost"
_NOTES = re.compile(r"cost|loss|objective|nll|^j", re.IGNORECASE)
_FOR_TESTS = re.compile(r"test|val(id|_|$)|dev(_|$)", re.IGNORECASE)
_GATHERED = "{np}.array({all}).reshape(len({all}), -1) if {np}.ndim({all}[0]) > 1 else {np}.array({all})"
"""The outputs of all samples, a row each; a number each where they are numbers."""
NAME = "training_loop"
"""Of all that is made of a loop: what stands on a line is the same, whichever function runs it."""


class Maker:
    """Makes functions of the statements of a turn, in the namespace of the file."""

    def __init__(self, turn: Turn, names: Mapping[str, Any], file: str) -> None:
        self.turn, self.names, self.file = turn, names, file

    def forward(self) -> Function:
        """parameters, X -> (output, {name: value}) of all that the turn computes up to there."""
        body = self.turn.body[: self.turn.end]
        values = list(dict.fromkeys(name for s in body for name in dataflow.names_bound(s) if _is_surely_run(s)))
        assert self.turn.output is not None
        output, body = source.loaded(self.turn.output), [*body, *self.turn.gathers]
        if self.turn.gathers:
            output = ast.parse(_GATHERED.format(np=self._numpy, all=ast.unparse(output)), mode="eval").body
        result = ast.Tuple([output, _dict(values)], ast.Load())
        function = self._function(body, result)
        function.gives_output = True  # type: ignore[attr-defined]
        return function

    @functools.cached_property
    def _numpy(self) -> str:
        """What the file calls NumPy."""
        return next((name for name, thing in self.names.items() if thing is np), "np")

    def step(self) -> Function:
        """parameters, X, Y -> {name: parameter} after a turn."""
        return self._function(self.turn.body, _dict(self.turn.parameters))

    def values(self, names: list[str]) -> Function:
        """parameters, X, Y -> {name: value} of these names after a turn."""
        return self._function(self.turn.body, _dict(names))

    def cost(self) -> Function | None:
        """parameters, X, Y -> the cost, where the turn computes one."""
        for i, statement in enumerate(self.turn.body[self.turn.end :], start=self.turn.end):
            called = cost_named_in(statement, self.turn.body)
            if called is not None:
                end, name = whole_cost(self.turn.body, i, called)
                body = dataflow.needed(self.turn.body[: end + 1], {name}, set(self.turn.parameters))
                return self._function(body, _name(name))
        return self._noted_cost()

    def _noted_cost(self) -> Function | None:
        """The cost that a turn only notes in a list: losses.append(loss_of(W, X, y))."""
        for statement in self.turn.loop.body:
            call = statement.value if isinstance(statement, ast.Expr) else None
            noted = dataflow.filled(call) if isinstance(call, ast.Call) and len(call.args) == 1 else None
            if not isinstance(call, ast.Call) or noted is None or not _NOTES.search(noted):
                continue
            if isinstance(call.args[0], ast.Name):
                continue
            kept = ast.copy_location(ast.Assign([ast.Name(_NOTED, ast.Store())], call.args[0]), statement)
            read = dataflow.names_read(kept)
            if not any(map(_FOR_TESTS.search, [noted, *read])) and not _is_metric(kept.value, self.turn.body):
                body = dataflow.needed([*self.turn.body, kept], {_NOTED}, set(self.turn.parameters))
                return self._function(body, _name(_NOTED))
        return None

    def start(self) -> Function | None:
        """X, Y, widths -> {name: parameter} as they are before the first turn; None where no statement says that."""
        parameters = set(self.turn.parameters)
        before = dataflow.needed(self.turn.before, parameters, set())
        if not parameters <= {n for s in before for n in dataflow.names_bound(s)}:
            return None
        return self._made([], before, _dict(self.turn.parameters), set())

    def method(self) -> Function:
        """self, X, Y -> None."""
        return self._function(self.turn.body, ast.Constant(None))

    def begin(self) -> Function:
        """self, X, Y -> None: what is run before the first turn."""
        return self._made([], dataflow.without_asides(self.turn.before), ast.Constant(None), set())

    def _function(self, body: list[ast.stmt], result: ast.expr) -> Function:
        """A function of what the statements read of the parameters, the samples, the labels and the rates."""
        parameters, statements = set(self.turn.parameters), [*body, ast.Expr(result)]
        bound = {n for s in body for n in dataflow.names_bound(s)}
        free = {n for n in dataflow.names_free(statements) if n not in parameters and not self._is_given(n)}
        wanted = {n for n in free if n in bound or n not in self.names}
        written = {n for s in self.turn.before for n in dataflow.names_written(s)}
        given = {n for n in written if self._is_given(n)}
        before = dataflow.needed(self.turn.before, wanted, parameters, given)
        return self._made(before, body, result, parameters)

    def _made(self, before: list[ast.stmt], body: list[ast.stmt], result: ast.expr, parameters: set[str]) -> Function:
        statements = [*before, *body, ast.Expr(result)]
        arguments = [n for n in dataflow.names_free(statements) if n in parameters or self._is_given(n)]
        definition = ast.parse(f"def {NAME}({', '.join(arguments)}): pass").body[0]
        assert isinstance(definition, ast.FunctionDef)
        last = ast.copy_location(ast.Return(result), (body or [self.turn.loop])[-1])
        plain = _AsArrays({n for n in arguments if self.turn.role_of(n) in ("inputs", "targets")})
        counted = _CountsOne(self.turn.samples)
        in_order = _InOrder(self._numpy)
        visited = (plain.visit(counted.visit(in_order.visit(copy.deepcopy(s)))) for s in (*before, *body, last))
        definition.body = list(visited)
        tree = ast.Module([ast.copy_location(definition, self.turn.loop)], [])
        code = compile(ast.fix_missing_locations(tree), self.file, "exec")
        inner = next(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
        function = types.FunctionType(inner, self.names, NAME)  # type: ignore[arg-type]
        function.tree = definition  # type: ignore[attr-defined]
        function.one_sample = self.turn.goes_through_samples  # type: ignore[attr-defined]
        function.one_row = self.turn.indexes_samples or bool(self.turn.gathers)  # type: ignore[attr-defined]
        function.roles = self.turn.roles  # type: ignore[attr-defined]
        return function

    def _is_given(self, name: str) -> bool:
        if hasattr(builtins, name) and name not in self.names and name in self._called:
            return False  # input("How many?")
        role, value = self.turn.role_of(name), self.names.get(name)
        if role == "regularisation" and (isinstance(value, float) or self._counts_data(name)):
            return False  # the cost function may read it too; C = y.max() + 1 is no strength
        if name == "self" or name in self.turn.given:
            return True
        if role not in ("inputs", "targets") and starts.is_container(self.turn.before, name):
            return False  # m = {k: np.zeros_like(p) for k, p in params.items()}
        if role == "classes" and len(name) == 1:
            return False  # it may count anything
        if role in ("inputs", "targets") and self._is_made_of_arguments(name, role):
            return False  # Y = np.eye(k)[y]
        if role == "samples" and self._is_a_length(name):
            return False  # m, n = X.shape
        if role == "learning_rate" and self._is_gathered(name):
            return False  # lr_b = lr_b + db**2
        return (
            role in _FILLED and not words.is_guard(name, value) and (isinstance(value, Absent) or not callable(value))
        )

    def _is_gathered(self, name: str) -> bool:
        """Whether the turn makes it of what it computes."""
        written = {n for s in self.turn.body for n in dataflow.names_written(s)} - {name}
        made = [s for s in self.turn.body if name in dataflow.names_bound(s)]
        return any(written & set(dataflow.names_read(s)) for s in made)

    def _is_a_length(self, name: str) -> bool:
        """Whether what is run before the turn takes it from the shape of what the function around it is given, other
        than labels: those may be of another form than the turn's."""
        made = [s for s in self.turn.before if isinstance(s, ast.Assign) and name in dataflow.names_bound(s)]
        shapes = [s for s in made if "shape" in ast.unparse(s.value)]
        measured = {n for s in shapes for n in dataflow.names_read(s)} & self.turn.arguments
        return any(self.turn.role_of(n) != "targets" for n in measured)

    def _is_made_of_arguments(self, name: str, role: str) -> bool:
        """Whether what is run before the turn makes these data of data that the function around it is given."""
        if name in self.turn.arguments:
            return False
        made = [s for s in self.turn.before if isinstance(s, ast.Assign) and name in dataflow.names_bound(s)]
        read = {n for s in made for n in dataflow.names_read(s)} & self.turn.arguments
        return any(self.turn.role_of(n) == role for n in read)

    @functools.cached_property
    def _called(self) -> set[str]:
        """The names that the turn, or what is run before it, calls."""
        nodes = (node for s in (*self.turn.before, *self.turn.body) for node in ast.walk(s))
        return {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}

    def _counts_data(self, name: str) -> bool:
        """Whether what is run before the turn makes it of samples or labels."""
        made = [s for s in self.turn.before if name in dataflow.names_bound(s)]
        read = {n for s in made for n in dataflow.names_read(s)} - (self._called & set(dir(builtins)))
        return any(self.turn.role_of(n) in ("inputs", "targets") for n in read)


def cost_named_in(statement: ast.stmt, body: list[ast.stmt]) -> str | None:
    """What a statement calls the cost that it computes, among others of a function or a turn; None where it computes
    none, or only a measure."""
    if not (isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name)):
        return None
    error = re.match(r"(err|delta|.*error$|[el]$)", target.id, re.IGNORECASE)
    is_cost = _COST.search(target.id) and (not error or _is_number(statement.value))
    return target.id if is_cost and not _is_metric(statement.value, body) else None


def whole_cost(body: list[ast.stmt], at: int, name: str) -> tuple[int, str]:
    """Where a cost is whole and what it is called there: past `cost += penalty`, `cost = cost / m` and
    `cost = misfit + penalty`."""
    end = at
    for i, statement in enumerate(body[at + 1 :], start=at + 1):
        bound = dataflow.names_bound(statement)
        if bound == [name] and name in dataflow.names_read(statement):
            end = i
        elif isinstance(statement, ast.Assign) and _is_summand(name, statement.value) and len(bound) == 1:
            if bound[0] not in dataflow.names_read(statement):  # what gathers costs is none
                end, name = i, bound[0]
        elif name in bound:
            break
    return end, name


def _is_metric(value: ast.expr, body: list[ast.stmt]) -> bool:
    """Whether it only says how far off the output is: a mean of absolute values, of which no sign is taken, or the
    root of a mean."""
    called = {source.called(node) for node in ast.walk(value) if isinstance(node, ast.Call)}
    everywhere = {source.called(n) for s in body for n in ast.walk(s) if isinstance(n, ast.Call)}
    root = isinstance(value, ast.Call) and source.called(value) == "sqrt"
    return root or ("abs" in called and "sign" not in everywhere)


class _InOrder(ast.NodeTransformer):
    """Samples in their order where they are taken in another: what goes forward is held against labels in theirs."""

    def __init__(self, numpy: str) -> None:
        self.ordered = f"(lambda n: {numpy}.arange(n) if isinstance(n, int) else n)"

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if source.called(node) == "permutation" and len(node.args) == 1:
            of_order = ast.parse(self.ordered, mode="eval").body
            for inner in ast.walk(of_order):
                ast.copy_location(inner, node)
            return ast.copy_location(ast.Call(of_order, node.args, []), node)
        return node


class _AsArrays(ast.NodeTransformer):
    """X for X.values and X.to_numpy(), which arrays do not have; X.reshape(-1, 1) for X.reshape(784, 1)."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def _of_data(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id in self.names

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return node.value if node.attr == "values" and self._of_data(node.value) else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr == "to_numpy" and self._of_data(function.value):
            return function.value
        if isinstance(function, ast.Attribute) and function.attr == "reshape" and self._of_data(function.value):
            _of_any_length(node.args)
        return self.generic_visit(node)


def _of_any_length(lengths: list[ast.expr]) -> None:
    """Put -1 in place of the one length that is written down as a number, beside ones."""
    if len(lengths) == 1 and isinstance(lengths[0], ast.Tuple):
        lengths = lengths[0].elts
    told = [isinstance(n, ast.Constant) and n.value == 1 for n in lengths]
    long = [i for i, one in enumerate(told) if not one]
    if len(long) == 1 and not any(isinstance(n, ast.Name | ast.Attribute) for n in ast.walk(lengths[long[0]])):
        lengths[long[0]] = ast.copy_location(ast.UnaryOp(ast.USub(), ast.Constant(1)), lengths[long[0]])


class _CountsOne(ast.NodeTransformer):
    """1 for the length of what a loop takes its samples from, one by one: there is one."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Call(self, node: ast.Call) -> ast.AST:
        counted = [a.id for a in node.args if isinstance(a, ast.Name)] if source.called(node) == "len" else []
        return ast.copy_location(ast.Constant(1), node) if set(counted) & self.names else self.generic_visit(node)


def _is_surely_run(statement: ast.stmt) -> bool:
    """Whether all that a statement binds is bound whatever holds."""
    return not isinstance(statement, ast.If) or bool(statement.orelse)


def _is_number(value: ast.expr) -> bool:
    """Whether an expression sums, or calls what the file calls a cost."""
    called = [n for n in ast.walk(value) if isinstance(n, ast.Call)]
    ends = [str(getattr(n.func, "attr", getattr(n.func, "id", ""))) for n in called]
    return any(end in ("sum", "mean", "norm", "vdot") or words.role_of_function(end) == "cost" for end in ends)


def _is_summand(name: str, value: ast.expr) -> bool:
    """Whether a sum has a name among what it adds."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return any(_is_summand(name, side) or getattr(side, "id", "") == name for side in (value.left, value.right))
    return False


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _dict(names: list[str]) -> ast.expr:
    return ast.Dict([ast.Constant(name) for name in names], [_name(name) for name in names])
