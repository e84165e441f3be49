"""Which names are multiplied and added on the way from the samples to the output, layer by layer: in a turn of a loop,
or in the functions that it calls."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from gradcompare.interfaces import dataflow, naming

Functions = Mapping[str, ast.FunctionDef]
_DEEPEST = 3


def layers_of(
    body: Sequence[ast.AST], carried: set[str], functions: Functions = MappingProxyType({})
) -> list[tuple[str, str]]:
    """Of what is carried, the weights as they are multiplied on the way, each with the bias that is added next."""
    statements = list(body)
    for product in (is_product, _is_multiple):  # w * x where nothing is a product of matrices
        for deeper in (statements, _with_called(statements, functions, _DEEPEST)):
            if pairs := _multiplied(deeper, carried, product):
                return pairs
    calls = [node for s in body for node in dataflow.inner_first(s) if isinstance(node, ast.Call)]
    handed = dict.fromkeys(str(n) for call in calls for arg in call.args if (n := plain_name(arg)) in carried)
    weights = [name for name in handed if not naming.is_bias(name)]  # scores_of(X, W, b)
    biases = dict(zip(weights, (name for name in handed if naming.is_bias(name)), strict=False))
    return [(weight, biases.get(weight, "")) for weight in weights]


def _multiplied(
    body: Sequence[ast.AST], carried: set[str], product: Callable[[ast.AST], list[ast.expr]]
) -> list[tuple[str, str]]:
    weights: list[str] = []
    biases: dict[str, str] = {}
    for node in (n for statement in body for n in dataflow.inner_first(statement)):
        names = [name for part in product(node) if (name := plain_name(part)) in carried]
        for name in names:
            if name not in weights and name not in biases.values():
                weights.append(str(name))
        for part in _summands(node):
            bias = plain_name(part)
            if bias in carried and weights and bias not in weights:
                biases.setdefault(weights[-1], str(bias))
    return [(weight, biases.get(weight, "")) for weight in weights]


def _with_called(body: Sequence[ast.AST], functions: Functions, depth: int) -> list[ast.AST]:
    """The statements with those of the functions that they call before them, about what these are given."""
    found: list[ast.AST] = []
    for statement in body:
        for node in dataflow.inner_first(statement) if depth else ():
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if isinstance(node, ast.Call) and name in functions:
                given = _Given(functions[name], node)
                inner = [given.visit(copy.deepcopy(s)) for s in functions[name].body]
                found += _with_called(inner, functions, depth - 1)
        found.append(statement)
    return found


class _Given(ast.NodeTransformer):
    """The names that a call gives a function for the function's own; what else it binds is nobody's."""

    def __init__(self, function: ast.FunctionDef, call: ast.Call) -> None:
        arguments = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
        given = list(zip(arguments, call.args, strict=False)) + [(k.arg, k.value) for k in call.keywords if k.arg]
        self.names = {name: value.id for name, value in given if isinstance(value, ast.Name)}
        self.own = {*arguments, *(name for statement in function.body for name in dataflow.names_bound(statement))}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self.own:
            return node
        return ast.copy_location(ast.Name(self.names.get(node.id, f"{node.id} inside"), node.ctx), node)


def is_product(node: ast.AST) -> list[ast.expr]:
    """The factors, where a node is a product of matrices."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return [node.left, node.right]
    if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("dot", "matmul"):
        return [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
    return []


def _is_multiple(node: ast.AST) -> list[ast.expr]:
    return [node.left, node.right] if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) else []


def _summands(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [node.left, node.right]
    return [node.value] if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) else []


def plain_name(node: ast.expr) -> str | None:
    """W of W and of W.T."""
    while isinstance(node, ast.Attribute) and node.attr == "T":
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
