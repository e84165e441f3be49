"""Costs that a file computes where it looks on, and that no function of it is: `print(np.mean(np.square(y - out)))`,
`loss = np.sum((out - y) ** 2) / (2 * m)`, `error += (target - output) ** 2`.

Such an expression is read from the text, evaluated on arrays of ours in the place of output and labels, and compared
with the usual costs: which of them it is decides, not how it is written.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gradcompare import losses
from gradcompare.interfaces import source, words
from gradcompare.interfaces.metrics import is_computed_afterwards

_COST = re.compile(
    r"cost|loss|mse|sse|entropy|^j$|error|erro\b|objective|custo|perda|perdida|p[eé]rdida|costo|coste|kosten|fehler|verlust"
    r"|hata|kay[ıi]p|perte|erreur|errore|perdita",
    re.IGNORECASE,
)
_SHOWN = ("print", "format", "append", "write", "info", "log_metric", "set_description", "set_postfix")
_PASSES_ON = ("str", "float", "round", "repr", "item", "asarray", "array")
_REDUCES = ("mean", "sum", "average")
_BY_ENTRY = ("square", "power", "log", "abs", "multiply", "float", "round", "asarray", "array", *_REDUCES)


class Printed(NamedTuple):
    """A cost that a file computes."""

    line: int
    loss: str
    """A key of `losses.LOSSES`."""


def found_in(file: str, samples_axis: int = 0) -> list[Printed]:
    """The usual costs that a file computes on the way, in the order of its lines. `samples_axis`: of its arrays, that
    whose length is the number of samples."""
    tree = source.parsed(file)
    parents = {id(child): parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    differences = _differences(tree)
    found: dict[int, Printed] = {}
    for whole, gathered in _computed(tree, parents):
        loss = _usual(_Arrays(whole, differences, samples_axis), gathered)
        if loss is not None and not (_only_looks_on(whole, file) or _counts_misses(whole, parents)):
            found.setdefault(whole.lineno, Printed(whole.lineno, loss))
    return [found[line] for line in sorted(found)]


_OF_OTHERS = re.compile(r"(^|_)(val|valid|validation|test|dev|holdout)(_|\d|$)", re.IGNORECASE)


def _only_looks_on(whole: ast.expr, file: str) -> bool:
    """Whether a cost is only a measure: computed once training is over, or of samples that training does not see."""
    named = (getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(whole))
    return any(map(_OF_OTHERS.search, named)) or is_computed_afterwards(file, whole.lineno)


def _counts_misses(whole: ast.expr, parents: Mapping[int, ast.AST]) -> bool:
    """Whether it is computed of decisions: res of `res = np.where(output > 0.5, 1, 0)`, which no gradient goes
    through."""
    around = parents.get(id(whole))
    while around is not None and not isinstance(around, ast.FunctionDef | ast.Module):
        around = parents.get(id(around))
    named = {ast.unparse(n) for n in ast.walk(whole) if isinstance(n, ast.Name | ast.Attribute)}
    named = {name for name in named if words.role_of_argument(name.rpartition(".")[2]) != "targets"}
    made = (n for n in ast.walk(around or whole) if isinstance(n, ast.Assign) and n.lineno < whole.lineno)
    last = {ast.unparse(target): n.value for n in sorted(made, key=lambda n: n.lineno) for target in n.targets}
    return any(name in last and _decides(last[name]) for name in named)


def _decides(value: ast.expr) -> bool:
    """Whether an expression is a comparison, what is chosen by one, or rounded."""
    while isinstance(value, ast.Call) and source.called(value) == "astype" and isinstance(value.func, ast.Attribute):
        value = value.func.value
    if isinstance(value, ast.Call) and source.called(value) == "where" and len(value.args) == 3:
        return not any(isinstance(node, ast.Name) for part in value.args[1:] for node in ast.walk(part))
    if isinstance(value, ast.IfExp):
        return isinstance(value.body, ast.Constant) and isinstance(value.orelse, ast.Constant)
    rounds = isinstance(value, ast.Call) and source.called(value) in ("round", "rint", "argmax", "heaviside")
    return isinstance(value, ast.Compare) or rounds


# ---- what is computed ------------------------------------------------------------------------------------------------


def _computed(tree: ast.Module, parents: Mapping[int, ast.AST]) -> Iterator[tuple[ast.expr, str]]:
    """Expressions that end in a number that is shown, or kept under the name of a cost; with whether it is "whole", or
    "summed" over the samples one by one, or "averaged" so."""
    divided = _divided(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and source.called(node) in _REDUCES) and not _is_square(node):
            continue
        assert isinstance(node, ast.expr)
        whole, parent = node, parents.get(id(node))
        while _goes_on(parent, whole):
            whole, parent = parent, parents.get(id(parent))  # type: ignore[assignment]
        while isinstance(parent, ast.Call) and source.called(parent) in _PASSES_ON:
            parent = parents.get(id(parent))
        name = _kept_as(parent)
        if isinstance(parent, ast.AugAssign) and isinstance(parent.op, ast.Add) and name is not None:
            yield whole, "averaged" if name in divided else "summed"
        elif not isinstance(parent, ast.AugAssign) and (name is not None or _is_shown(parent, parents)):
            yield whole, "whole"


def _is_square(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def _goes_on(parent: ast.AST | None, node: ast.AST) -> bool:
    """Whether the number is calculated with further."""
    if isinstance(parent, ast.Call):
        return source.called(parent) in _BY_ENTRY and (node in parent.args or node is parent.func)
    if isinstance(parent, ast.Attribute):
        return parent.attr in _REDUCES
    return isinstance(parent, ast.BinOp | ast.UnaryOp | ast.GeneratorExp | ast.ListComp)


def _kept_as(parent: ast.AST | None) -> str | None:
    """The name of a cost, if it is one that something is kept under."""
    targets = parent.targets if isinstance(parent, ast.Assign) else [getattr(parent, "target", None)]
    name = source.identifier(targets[0]) if len(targets) == 1 and isinstance(targets[0], ast.expr) else None
    return name if name and isinstance(parent, ast.Assign | ast.AugAssign) and _COST.search(name) else None


def _is_shown(parent: ast.AST | None, parents: Mapping[int, ast.AST]) -> bool:
    """Whether it is printed, formatted, or put to a list."""
    while isinstance(parent, ast.BinOp | ast.FormattedValue | ast.JoinedStr | ast.Tuple):
        parent = parents.get(id(parent))
    return isinstance(parent, ast.Call) and source.called(parent) in _SHOWN


def _divided(tree: ast.Module) -> set[str]:
    """The names that are divided somewhere."""
    found = [n.left for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div)]
    found += [n.target for n in ast.walk(tree) if isinstance(n, ast.AugAssign) and isinstance(n.op, ast.Div)]
    return {name for node in found if (name := source.identifier(node))}


def _differences(tree: ast.Module) -> set[str]:
    """What is the difference of two things, by its text: error, of `error = y - out`."""
    assigned = (n for n in ast.walk(tree) if isinstance(n, ast.Assign) and len(n.targets) == 1)
    minus = (n for n in assigned if isinstance(n.value, ast.BinOp) and isinstance(n.value.op, ast.Sub))
    return {ast.unparse(n.targets[0]) for n in minus}


# ---- which cost it is ------------------------------------------------------------------------------------------------


class _CannotReadError(Exception):
    """The expression is made of more than output and labels."""


class _Arrays:
    """An expression with arrays of ours in the place of all that is no arithmetic."""

    def __init__(self, whole: ast.expr, differences: set[str], samples_axis: int) -> None:
        self.whole, self.differences, self.samples_axis = copy.deepcopy(whole), differences, samples_axis
        self.names: dict[str, str] = {}
        """By the text of what they stand for: A and Y, or D for their difference; m for the number of samples."""
        self.logged = {ast.unparse(n) for call in _calls(whole, "log") for n in _arguments(call)}
        self.code: Any = None

    def read(self) -> None:
        """Put names of ours into it. Raises _CannotReadError."""
        replaced = ast.Expression(_Replaced(self).visit(self.whole))
        if not ({"A", "Y"} <= set(self.names.values()) or "D" in self.names.values()):
            raise _CannotReadError
        self.code = compile(ast.fix_missing_locations(replaced), "<cost>", "eval")

    def value(self, A: np.ndarray, Y: np.ndarray, m: int) -> Any:
        """What it is for such an output and such labels."""
        space = {"np": np, "A": A, "Y": Y, "D": A - Y, "m": m, "__builtins__": {}}
        return eval(self.code, space)  # arithmetic and these names alone: see _Replaced

    def name(self, node: ast.expr) -> str:
        """The name of ours for what is no arithmetic. Raises _CannotReadError."""
        text = ast.unparse(node)
        if text not in self.names:
            taken = set(self.names.values())
            role = words.role_of_argument(source.identifier(node) or "")
            if role == "samples" or text in ("m", "n", "N"):
                kind = "m"
            elif text in self.differences:
                kind = "D"
            elif text in self.logged or (role == "output" and "A" not in taken):
                kind = "A"
            elif role == "targets" and "Y" not in taken:
                kind = "Y"
            else:
                kind = "A" if "A" not in taken and not self.logged else "Y"
                kind = "A" if kind in taken else kind
            if kind in taken and kind in "AYD":
                raise _CannotReadError
            self.names[text] = kind
        return self.names[text]


def _calls(node: ast.AST, name: str) -> list[ast.Call]:
    return [n for n in ast.walk(node) if isinstance(n, ast.Call) and source.called(n) == name]


def _arguments(call: ast.Call) -> Iterator[ast.AST]:
    """What stands in a logarithm, but for 1 minus it and small numbers beside it."""
    for node in ast.walk(call):
        if node is not call and isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            yield node


class _Replaced:
    """The arithmetic as it stands, everything else by names of ours; what is neither is refused."""

    def __init__(self, arrays: _Arrays) -> None:
        self.arrays = arrays
        self.index: set[str] = set()
        """What counts through a comprehension."""

    def visit(self, node: ast.AST) -> Any:
        """The expression in names of ours. Raises _CannotReadError."""
        if isinstance(node, ast.BinOp):
            return ast.BinOp(self.visit(node.left), node.op, self.visit(node.right))
        if isinstance(node, ast.UnaryOp):
            return ast.UnaryOp(node.op, self.visit(node.operand))
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return ast.Constant(float(node.value))  # whose powers do not grow for ever
        if isinstance(node, ast.GeneratorExp | ast.ListComp):
            return self._comprehension(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Attribute) and node.attr in ("T", "size"):
            return ast.Attribute(self.visit(node.value), node.attr, ast.Load())
        if isinstance(node, ast.Subscript):
            return self._entry(node)
        if isinstance(node, ast.Name | ast.Attribute):
            return ast.Name(self.arrays.name(node), ast.Load())
        raise _CannotReadError

    def _call(self, node: ast.Call) -> ast.expr:
        name = source.called(node)
        if name == "len" and len(node.args) == 1:
            return ast.Name("m", ast.Load())
        of_array = isinstance(node.func, ast.Attribute) and source.identifier(node.func.value) not in ("np", "numpy")
        if name in _REDUCES and of_array and isinstance(node.func, ast.Attribute):
            value, given = self.visit(node.func.value), node.args
        elif name in _BY_ENTRY and node.args:
            value, given = self.visit(node.args[0]), node.args[1:]
        else:  # the output of a forward pass
            return ast.Name(self.arrays.name(node), ast.Load())
        if name in _PASSES_ON:
            return value
        axes = [k for k in node.keywords if k.arg == "axis" and isinstance(k.value, ast.Constant | ast.UnaryOp)]
        if len(axes) < len([k for k in node.keywords if k.arg != "keepdims"]):
            raise _CannotReadError
        more = [self.visit(argument) for argument in given]
        return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load()), [value, *more], axes)

    def _entry(self, node: ast.Subscript) -> ast.expr:
        if isinstance(node.slice, ast.Name) and node.slice.id in self.index:
            return self.visit(node.value)
        is_shape = isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
        if is_shape:
            if not (isinstance(node.slice, ast.Constant) and node.slice.value == self.arrays.samples_axis):
                raise _CannotReadError  # a number of inputs or outputs
            return ast.Name("m", ast.Load())
        return ast.Name(self.arrays.name(node), ast.Load())

    def _comprehension(self, node: ast.GeneratorExp | ast.ListComp) -> ast.expr:
        """What is done with each, done with all."""
        (through,) = node.generators if len(node.generators) == 1 else (None,)
        if through is None or through.ifs:
            raise _CannotReadError
        called = source.called(through.iter) if isinstance(through.iter, ast.Call) else ""
        if called == "range" and isinstance(through.target, ast.Name):
            self.index.add(through.target.id)
        elif called != "zip":
            raise _CannotReadError
        return self.visit(node.elt)


def _usual(arrays: _Arrays, gathered: str) -> str | None:
    """The usual cost that an expression is; None where it is none."""
    try:
        arrays.read()
        fitting = [loss for loss in losses.LOSSES if _is_it(arrays, loss, gathered)]
    except Exception:  # it is made of more than output and labels, or does not run with ours
        return None
    return fitting[0] if fitting else None


def _is_it(arrays: _Arrays, loss: str, gathered: str) -> bool:
    """Whether it gives the same numbers as a usual cost; one that is gathered sample by sample, for each of them."""
    if gathered != "whole" and loss.startswith("summed_") != (gathered == "summed"):
        return False
    for seed, (m, n) in enumerate(losses.SHAPES):
        shape = (m, n) if gathered == "whole" else (1, n)
        A, Y = losses.drawn(shape, seed)
        with np.errstate(all="ignore"):
            own = np.asarray(arrays.value(A, Y, shape[0]))
        if own.size != 1 or not np.isclose(
            float(own.item()), float(losses.LOSSES[loss].cost(A, Y, 0)), rtol=losses.NEAR
        ):
            return False
    return True
