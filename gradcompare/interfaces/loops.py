"""A training loop as it stands, in a script or inside a function: one turn of it is a step.

Its parameters are what a turn reads before it writes it and what is multiplied or added on the way to the output; the
forward pass is what stands before labels meet anything that was computed from them. Both become functions of the
parameters, the samples and the labels, made of the loop's own statements with their own lines.
"""

from __future__ import annotations

import ast
import linecache
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradcompare.interfaces import words
from gradcompare.interfaces.driven import Driven, Steps
from gradcompare.interfaces.holders import Arguments

Function = Callable[..., Any]
_FILLED = ("inputs", "targets", "learning_rate", "regularisation", "samples", "batch_size")
"""What is given to a turn where it reads a name of such a role."""
_COST = re.compile(r"cost|loss|^j$|mse|objective|error|nll", re.IGNORECASE)
NAME = "training_loop"
"""Of all that is made of a loop: what stands on a line is the same, whichever function runs it."""
_EFFECTS = re.compile(r"save|load|print|plot|show|dump|write|input|exit")


def candidates(names: Mapping[str, Any], costs: Iterable[Function]) -> Iterator[Driven]:
    """Programs made of the training loops of a file, the innermost first; `costs`: its own cost functions."""
    file, own = str(names.get("__file__")), list(costs)[:1]
    tree = _parsed(file)
    for body in [tree.body, *(node.body for node in tree.body if isinstance(node, ast.FunctionDef))]:
        for loop, before in _loops(body, []):
            turn = _turn(loop, before)
            if turn is not None:
                yield from _programs(turn, names, file, own)


def turns_of(made: type, names: Mapping[str, Any]) -> Iterator[Function]:
    """(self, X, Y) -> None: a turn of each loop, innermost first, in a class's methods that changes the object."""
    file = str(names.get("__file__"))
    classes = [node for node in _parsed(file).body if isinstance(node, ast.ClassDef) and node.name == made.__name__]
    for method in (node for c in classes for node in c.body if isinstance(node, ast.FunctionDef)):
        for loop, before in _loops(method.body, []):
            turn = _turn_of(loop, before)
            roles = set(map(words.role_of_argument, _free(turn.body)))
            if {"inputs", "targets"} <= roles and any(map(_changes_self, turn.body)):
                yield _Maker(turn, names, file).method()


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
            first = _starts(statement.target) if isinstance(statement, ast.For) else []
            yield from _loops(statement.body, [*earlier, *first])
            yield statement, earlier
        elif isinstance(statement, ast.If | ast.With | ast.Try):
            yield from _loops(statement.body, earlier)


def _starts(target: ast.expr) -> list[ast.stmt]:
    """`i = 0` for what a loop counts; samples and labels that it goes through are given."""
    counted = [name for name in _stored(target) if words.role_of_argument(name) not in ("inputs", "targets")]
    return [
        ast.fix_missing_locations(ast.copy_location(ast.Assign([ast.Name(n, ast.Store())], ast.Constant(0)), target))
        for n in counted
    ]


# ---- a turn ----------------------------------------------------------------------------------------------------------


@dataclass
class _Turn:
    """One turn of a loop."""

    loop: ast.For | ast.While
    before: list[ast.stmt]
    body: list[ast.stmt]
    pairs: list[tuple[str, str]] = field(default_factory=list)
    """(weight, bias) by layer."""
    end: int = 0
    """The statement of the body in which labels first meet what was computed."""
    output: ast.expr | None = None
    """What they meet there."""

    @property
    def goes_through_samples(self) -> bool:
        """Whether each turn takes another sample: `for x, y in zip(X, Y)`."""
        names = _stored(self.loop.target) if isinstance(self.loop, ast.For) else []
        return any(words.role_of_argument(name) == "inputs" for name in names)

    @property
    def parameters(self) -> list[str]:
        """Weights and biases by layer."""
        return [name for pair in self.pairs for name in pair if name]


def _turn_of(loop: ast.For | ast.While, before: list[ast.stmt]) -> _Turn:
    first = _starts(loop.target) if isinstance(loop, ast.For) else []
    return _Turn(loop, [*before, *first], _without_asides(loop.body))


def _turn(loop: ast.For | ast.While, before: list[ast.stmt]) -> _Turn | None:
    """What a turn of a loop computes from what; None where it trains nothing."""
    turn = _turn_of(loop, before)
    carried = _carried(turn.body)
    if not carried:
        return None
    given = [n for s in turn.body for n in _read(s)] + (_stored(loop.target) if isinstance(loop, ast.For) else [])
    labels = {name for name in given if words.role_of_argument(name) == "targets"}
    computed: set[str] = set()
    for i, statement in enumerate(turn.body):
        read, written = set(_read(statement)), set(_written(statement))
        if labels & read and (computed | carried) & read:
            bound = [name for s in turn.body[:i] for name in _written(s)]
            met = sorted(computed & read - carried, key=lambda name: _last(bound, name))
            multiplied = _apart(statement, labels, lambda node: _multiplies(node, carried))
            computes = _apart(statement, labels, lambda node: bool(set(_read(node)) & carried))
            turn.end, turn.output = i, multiplied or (_name(met[-1]) if met else computes)
            break
        if (computed | carried) & read:
            computed |= written
        elif labels & read:
            labels |= written
    if turn.output is None:
        return None
    in_order = [name for statement in turn.body for name in _read(statement) if name in carried]
    forward = [*turn.body[: turn.end], turn.output]
    turn.pairs = max(_layers(forward, carried), words.parameter_pairs(in_order), key=len)
    return turn if turn.pairs else None


def _apart(node: ast.AST, labels: set[str], wanted: Callable[[ast.AST], bool]) -> ast.expr | None:
    """The largest part of a statement that is computed without labels: X @ W + b of `error = X @ W + b - y`."""
    if isinstance(node, ast.expr) and wanted(node) and not set(_read(node)) & labels:
        return node
    parts = (_apart(child, labels, wanted) for child in ast.iter_child_nodes(node) if wanted(child))
    return next((part for part in parts if part is not None), None)


def _multiplies(node: ast.AST, carried: set[str]) -> bool:
    """Whether there is a product of matrices in it, one of which is carried."""
    return any(_plain_name(factor) in carried for part in ast.walk(node) for factor in _is_product(part))


def _last(names: list[str], name: str) -> int:
    return len(names) - names[::-1].index(name) if name in names else -1


def _carried(body: list[ast.stmt]) -> set[str]:
    """What a turn hands to the next: read before it is written, and written."""
    read: set[str] = set()
    written: set[str] = set()
    for statement in body:
        read |= set(_read(statement)) - written
        written |= set(_written(statement))
    return read & written


def _layers(body: Sequence[ast.AST], carried: set[str]) -> list[tuple[str, str]]:
    """Of what is carried, the weights as they are multiplied on the way, each with the bias that is added next."""
    weights: list[str] = []
    biases: dict[str, str] = {}
    for product in (_is_product, _is_multiple):  # w * x where nothing is a product of matrices
        for node in (n for statement in body for n in _inner_first(statement)):
            names = [name for part in product(node) if (name := _plain_name(part)) in carried]
            for name in names:
                if name not in weights and name not in biases.values():
                    weights.append(str(name))
            for part in _summands(node):
                bias = _plain_name(part)
                if bias in carried and weights and bias not in weights:
                    biases.setdefault(weights[-1], str(bias))
        if weights:
            break
    return [(weight, biases.get(weight, "")) for weight in weights]


def _is_product(node: ast.AST) -> list[ast.expr]:
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


def _plain_name(node: ast.expr) -> str | None:
    """W of W and of W.T."""
    while isinstance(node, ast.Attribute) and node.attr == "T":
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


# ---- names in statements ---------------------------------------------------------------------------------------------


def _inner_first(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield from _inner_first(child)
    yield node


def _read(node: ast.AST) -> list[str]:
    """The names that a statement reads and does not bind itself before, in order."""
    if isinstance(node, ast.For):
        own = set(_stored(node.target))
        return _read(node.iter) + [name for name in _free([*node.body, *node.orelse]) if name not in own]
    if isinstance(node, ast.If | ast.While):
        return _read(node.test) + _free(node.body) + _free(node.orelse)
    inside = list(_inner_first(node))
    own = {n for part in inside if isinstance(part, ast.comprehension) for n in _stored(part.target)}
    own |= {argument.arg for part in inside if isinstance(part, ast.Lambda) for argument in part.args.args}
    found = []
    for inner in inside:
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            found.append(inner.id)
        elif isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
            found.append(inner.target.id)
    return [name for name in found if name not in own]


def _stored(node: ast.AST) -> list[str]:
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _written(statement: ast.AST) -> list[str]:
    """The names that a statement binds, or into which it stores."""
    found = _stored(statement)
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            found.append(node.value.id)
    return found


def _without_asides(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that matter to the gradients: none that print, plot, note or stop."""
    kept = []
    for statement in body:
        inside = list(ast.walk(statement))
        others = {name for other in body if other is not statement for name in _read(other)}
        leaves = any(isinstance(n, ast.Break | ast.Continue | ast.Return) for n in inside)
        if isinstance(statement, ast.If) and (leaves or not set(_written(statement)) & others):
            continue
        if isinstance(statement, ast.Expr) and not _writes_into(statement.value):
            continue
        if not leaves and not isinstance(statement, ast.Pass | ast.Import | ast.ImportFrom | ast.Assert):
            kept.append(statement)
    return kept


def _writes_into(call: ast.expr) -> bool:
    """Whether a call of NumPy's changes an array: np.clip(dW, -5, 5, out=dW), np.add.at(...)."""
    if not isinstance(call, ast.Call):
        return False
    text = ast.unparse(call.func)
    return text.startswith(("np.", "numpy.", "self.")) and not _EFFECTS.search(text)


def _needed(statements: list[ast.stmt], wanted: set[str], without: set[str]) -> list[ast.stmt]:
    """The statements that the wanted names depend on."""
    kept: list[ast.stmt] = []
    for statement in reversed(statements):
        simple = isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.If | ast.For)
        written = set(_written(statement))
        if simple and written & wanted and not written & without:
            kept.append(statement)
            wanted = wanted | set(_read(statement))
    return kept[::-1]


# ---- functions made of a turn ----------------------------------------------------------------------------------------


def _programs(turn: _Turn, names: Mapping[str, Any], file: str, costs: list[Function]) -> Iterator[Driven]:
    """With the cost that a turn computes, else with the file's own cost function."""
    make = _Maker(turn, names, file)
    forward, step = make.forward(), make.step()
    cost = make.cost() or next(iter(costs), None)
    used = [f for f in (forward, step, cost) if f is not None]
    yield Driven("training-loop", Arguments(turn.pairs), Steps(step, "update", forward, cost), used)


class _Maker:
    """Makes functions of the statements of a turn, in the namespace of the file."""

    def __init__(self, turn: _Turn, names: Mapping[str, Any], file: str) -> None:
        self.turn, self.names, self.file = turn, names, file

    def forward(self) -> Function:
        """parameters, X -> (output, {name: value}) of all that the turn computes up to there."""
        body = self.turn.body[: self.turn.end]
        values = list(dict.fromkeys(name for s in body for name in _stored(s)))
        assert self.turn.output is not None
        result = ast.Tuple([self.turn.output, _dict(values)], ast.Load())
        return self._function(body, result)

    def step(self) -> Function:
        """parameters, X, Y -> {name: parameter} after a turn."""
        return self._function(self.turn.body, _dict(self.turn.parameters))

    def cost(self) -> Function | None:
        """parameters, X, Y -> the cost, where the turn computes one."""
        for i, statement in enumerate(self.turn.body[self.turn.end :], start=self.turn.end):
            if isinstance(statement, ast.Assign) and _is_number(statement.value, self.names):
                target = statement.targets[0]
                if isinstance(target, ast.Name) and _COST.search(target.id):
                    body = _needed(self.turn.body[: i + 1], {target.id}, set(self.turn.parameters))
                    return self._function(body, _name(target.id))
        return None

    def method(self) -> Function:
        """self, X, Y -> None."""
        return self._function(self.turn.body, ast.Constant(None))

    def _function(self, body: list[ast.stmt], result: ast.expr) -> Function:
        """A function of what the statements read of the parameters, the samples, the labels and the rates."""
        parameters, statements = set(self.turn.parameters), [*body, ast.Expr(result)]
        bound = {n for s in body for n in _stored(s)}
        free = {n for n in _free(statements) if n not in parameters and not self._is_given(n)}
        before = _needed(self.turn.before, {n for n in free if n in bound or n not in self.names}, parameters)
        arguments = [n for n in _free([*before, *statements]) if n in parameters or self._is_given(n)]
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
        return name == "self" or (role in _FILLED and not words.is_guard(name, value) and not callable(value))


def _free(body: Sequence[ast.AST]) -> list[str]:
    """What statements read before they write it."""
    found: list[str] = []
    written: set[str] = set()
    for statement in body:
        found += [name for name in _read(statement) if name not in written]
        written |= set(_stored(statement))
    return list(dict.fromkeys(found))


def _is_number(value: ast.expr, names: Mapping[str, Any]) -> bool:
    """Whether an expression sums, or calls what the file calls a cost."""
    called = [n for n in ast.walk(value) if isinstance(n, ast.Call)]
    ends = [str(getattr(n.func, "attr", getattr(n.func, "id", ""))) for n in called]
    return any(end in ("sum", "mean", "norm", "vdot") or words.role_of_function(end) == "cost" for end in ends)


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _dict(names: list[str]) -> ast.expr:
    return ast.Dict([ast.Constant(name) for name in names], [_name(name) for name in names])
