"""The parts of a function that goes forward and back in one: all that stands before labels meet what it has computed,
and the cost that it keeps to itself, each as a function of its own, with its own lines."""

from __future__ import annotations

import ast
import copy
import inspect
import types
from collections.abc import Callable
from typing import Any

from gradcompare.interfaces import dataflow, making, meaning, source, turns

Function = Callable[..., Any]


@source.kept
def forward_part(function: Function) -> Function | None:
    """(the same arguments, but for those that this part does not read) -> (output, {name: value}); None where the
    function is given no samples or no labels, or where these meet nothing that was computed."""
    definition = _definition(function)
    if definition is None:
        return None
    roles = {name: meaning.role_of(function, name) for name in source.argument_names(function)}
    inputs, labels = ({name for name, role in roles.items() if role == kind} for kind in ("inputs", "targets"))
    body = dataflow.without_asides(definition.body)
    end, output = _meeting(body, inputs, labels)
    return _made(function, definition, body[:end], output) if output is not None else None


@source.kept
def cost_part(function: Function) -> Function | None:
    """(the same arguments, but for those that this part does not read) -> what the function computes under the name of
    a cost, and keeps to itself; None where it computes none."""
    definition = _definition(function)
    body = dataflow.without_asides(definition.body) if definition is not None else []
    for i, statement in enumerate(body):
        called = making.cost_named_in(statement, body)
        if called is not None and definition is not None:
            end, name = making.whole_cost(body, i, called)
            return _made(function, definition, body[: end + 1], ast.Name(name, ast.Load()), with_values=False)
    return None


def _definition(function: Function) -> ast.FunctionDef | None:
    """A function as it stands in its file, with the lines that it has there; None where it does more than compute."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    code = getattr(plain, "__code__", None)
    nodes = [node for node in ast.iter_child_nodes(source.tree(plain)) if isinstance(node, ast.FunctionDef)]
    if code is None or len(nodes) != 1 or plain.__closure__:
        return None
    inside = list(ast.walk(nodes[0]))
    if any(isinstance(node, ast.Yield | ast.YieldFrom | ast.Await | ast.Global) for node in inside):
        return None
    definition = copy.deepcopy(nodes[0])
    ast.increment_lineno(definition, code.co_firstlineno - 1)
    return definition


def _meeting(body: list[ast.stmt], inputs: set[str], labels: set[str]) -> tuple[int, ast.expr | None]:
    """The statement in which labels first meet what was computed from samples, and what they meet."""
    computed: set[str] = set()
    labels = set(labels)
    for i, statement in enumerate(body):
        read, written = dataflow.values_read(statement), set(dataflow.names_written(statement))
        if labels & read and (computed | inputs) & read:
            met = _met(statement, labels, computed | inputs)
            plain = isinstance(met, ast.Name) and met.id not in computed
            return i, None if plain else met  # samples and labels are only shuffled
        if (computed | inputs) & read:
            computed |= written
        elif labels & read:
            labels |= turns.made_of(statement, labels)
    return 0, None


def _met(statement: ast.stmt, labels: set[str], known: set[str]) -> ast.expr | None:
    """What labels meet in a statement: the other operand of the innermost expression that has both, out of
    `2 * (out - y) * slope` and activations[-1] of `cost_derivative(activations[-1], y) * prime(zs[-1])`."""
    for node in dataflow.inner_first(statement):
        if isinstance(node, ast.BinOp):
            operands = [node.left, node.right]
        elif isinstance(node, ast.Call):
            of_object = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            operands = [*of_object, *node.args, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, ast.Subscript):
            operands = [node.value, node.slice]
        else:
            continue
        read = [dataflow.values_read(operand) for operand in operands]
        if any(labels & names for names in read):
            computed = (o for o, names in zip(operands, read, strict=True) if known & names and not labels & names)
            if (met := next(computed, None)) is not None:
                return source.loaded(met)
    return None


def _made(
    function: Function, definition: ast.FunctionDef, body: list[ast.stmt], output: ast.expr, with_values: bool = True
) -> Function:
    plain = inspect.unwrap(getattr(function, "__func__", function))
    values = list(dict.fromkeys(n for s in body if not isinstance(s, ast.If) for n in dataflow.names_bound(s)))
    names = ast.Dict([ast.Constant(n) for n in values], [ast.Name(n, ast.Load()) for n in values])
    returned = ast.Tuple([output, names], ast.Load()) if with_values else output
    result = ast.copy_location(ast.Return(returned), (body or [definition])[-1])
    read = set(dataflow.names_free([*body, ast.Expr(output)]))
    taken = [name for name in inspect.signature(plain).parameters if name in read]
    made = ast.parse(f"def {plain.__name__}({', '.join(taken)}): pass").body[0]
    assert isinstance(made, ast.FunctionDef)
    made.body = [*body, result]
    tree = ast.fix_missing_locations(ast.Module([ast.copy_location(made, definition)], []))
    code = compile(tree, plain.__code__.co_filename, "exec")
    inner = next(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    forward = types.FunctionType(inner, plain.__globals__, plain.__name__)
    forward.__module__, forward.__qualname__ = plain.__module__, plain.__qualname__
    signature = inspect.signature(plain).parameters
    forward.__defaults__ = _defaults([signature[name].default for name in taken])
    forward.tree = made  # type: ignore[attr-defined]
    return forward


def _defaults(values: list[Any]) -> tuple[Any, ...] | None:
    """The defaults of the last arguments, all of which have one."""
    told = [value for value in values if value is not inspect.Parameter.empty]
    return tuple(told) if told and values[-len(told) :] == told else None
