"""A turn of a training loop: what it computes from what, without running it.

Its parameters are what it reads before it writes it and what is multiplied or added on the way to the output; the
forward pass is what stands before labels meet anything that was computed from them.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from gradcompare.interfaces import dataflow, keyed, naming, sampling, source, starts, words
from gradcompare.interfaces.multiplied import is_product, layers_of, plain_name
from gradcompare.interfaces.starts import made_as_arrays
from gradcompare.interfaces.unrolled import unrolled


@dataclass
class Turn:
    """One turn of a loop."""

    loop: ast.For | ast.While
    before: list[ast.stmt]
    body: list[ast.stmt]
    pairs: list[tuple[str, str]] = field(default_factory=list)
    """(weight, bias) by layer."""
    others: list[str] = field(default_factory=list)
    """Parameters that are neither: the scale and shift of a normalisation."""
    end: int = 0
    """The statement of the body in which labels first meet what was computed."""
    output: ast.expr | None = None
    """What they meet there."""
    roles: dict[str, str] = field(default_factory=dict)
    """Of names that say themselves nothing, as the function around the loop tells them."""
    gathers: list[ast.stmt] = field(default_factory=list)
    """Where labels first meet what was computed inside of a loop over the samples: what gathers what they meet there,
    in a list that has the name of the output."""
    in_containers: bool = False
    """Whether what is called a weight is a list or a dict of the parameters of all layers."""
    arguments: frozenset[str] = frozenset()
    """What the function around the loop is given."""
    given: frozenset[str] = frozenset()
    """Other names that its functions are to be given: the widths that the function around the loop asks for."""

    def role_of(self, name: str) -> str | None:
        """The role of a name that the turn reads; a number that counts is neither samples nor labels, and one that has
        a fraction counts nothing: n = 0.1."""
        role = self.roles.get(name) or words.role_of_argument(name)
        if role in ("inputs", "targets") and name in self._counts:
            return None
        return None if role in words.COUNTS and name in self._fractions else role

    @functools.cached_property
    def _counts(self) -> set[str]:
        """The names that start as whole numbers: t of `for t in range(1, n)`."""
        made = [s for s in self.before if isinstance(s, ast.Assign) and isinstance(s.value, ast.Constant)]
        return {name for s in made if type(s.value.value) is int for name in dataflow.names_bound(s)}  # type: ignore[attr-defined]

    @functools.cached_property
    def _fractions(self) -> set[str]:
        """The names that start as numbers with a fraction."""
        made = [s for s in self.before if isinstance(s, ast.Assign) and isinstance(s.value, ast.Constant)]
        return {
            name
            for s in made
            for name in dataflow.names_bound(s)
            if type(value := s.value.value) is float and not value.is_integer()  # type: ignore[attr-defined]
        }

    def names_of(self, role: str) -> set[str]:
        """The names of a role that the turn reads or goes through."""
        read = [name for statement in self.body for name in dataflow.names_read(statement)]
        given = dataflow.names_bound(self.loop.target) if isinstance(self.loop, ast.For) else []
        return {name for name in (*read, *given) if self.role_of(name) == role}

    @property
    def goes_through_samples(self) -> bool:
        """Whether each turn takes another sample: `for x, y in zip(X, Y)`, or X[i] and X[i : i + 1]."""
        if self.indexes_samples:
            return True
        if not isinstance(self.loop, ast.For) or sampling.gives_batches(self.loop):
            return False
        return any(self.role_of(name) == "inputs" for name in dataflow.names_bound(self.loop.target))

    @property
    def indexes_samples(self) -> bool:
        """Whether each turn takes another row: X[i], or X[i : i + 1]."""
        names = dataflow.names_bound(self.loop.target) if isinstance(self.loop, ast.For) else []
        names += [name for statement in self.body for name in sampling.whole_numbers(statement)]
        inside = [node for statement in self.body for node in ast.walk(statement) if isinstance(node, ast.Subscript)]
        taken = [n for n in inside if isinstance(n.value, ast.Name) and self.role_of(n.value.id) == "inputs"]
        ones = {text for i in names for text in (i, f"{i}:{i} + 1")}
        return any(ast.unparse(node.slice) in ones for node in taken)

    @property
    def samples(self) -> set[str]:
        """The names that a loop goes through which takes samples one by one: data of `for x, y in data`."""
        if not isinstance(self.loop, ast.For) or self.indexes_samples or not self.goes_through_samples:
            return set()
        return set(dataflow.names_read(self.loop.iter))

    @property
    def parameters(self) -> list[str]:
        """Weights and biases by layer, and the others."""
        return [*(name for pair in self.pairs for name in pair if name), *self.others]


def turn_of(loop: ast.For | ast.While, before: list[ast.stmt], roles: Mapping[str, str]) -> Turn:
    """The statements of one turn that matter, and those that are run before; `roles`: see Turn.roles."""
    roles = dict(roles) | sampling.paired_roles(loop, roles)
    first = sampling.counted_from(loop, roles) if isinstance(loop, ast.For) else []
    inner = _without_validation([s for s in loop.body if not _tells_rate(s, loop)])
    body = unrolled(s for s in dataflow.without_asides(inner) if not _is_source(s))
    body, before = keyed.as_names(dataflow.that_matter(body), [*before, *first])
    rates = _RatesAsNames(body)
    return Turn(loop, before, [rates.visit(copy.deepcopy(statement)) for statement in body], roles=roles)


def _without_validation(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements without those that look at samples which training does not see, and what is done with what these
    bind: self.history.append(val_loss)."""
    looks: set[str] = set()
    kept: list[ast.stmt] = []
    for statement in body:
        read, bound = set(dataflow.names_read(statement)), set(dataflow.names_bound(statement))
        sees_others = bool(bound) and any(map(words.role_in_validation, read))
        if (sees_others or read & looks) and not isinstance(statement, ast.For | ast.While):
            looks |= bound
        else:
            kept.append(statement)
            looks -= bound
    return kept


def _tells_rate(statement: ast.stmt, loop: ast.For | ast.While) -> bool:
    """Whether a statement says how far this turn steps, which is given in its place: alpha = 4 / (1 + i)."""
    if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
        return False
    written = {name for s in loop.body for name in dataflow.names_written(s)}
    name, value = statement.targets[0].id, getattr(statement.value, "value", None)
    is_rate = words.role_of_argument(name) == "learning_rate" and not words.is_guard(name, value)
    return is_rate and not written & set(dataflow.names_read(statement))


def _is_source(statement: ast.stmt) -> bool:
    """Whether samples and labels come from one call that is given neither labels nor both: X, Y = next_batch(k)."""
    if not (isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)):
        return False
    roles = sorted(str(words.role_of_argument(name)) for name in dataflow.names_bound(statement))
    read = dataflow.names_read(ast.Tuple(statement.value.args, ast.Load()))
    return roles == ["inputs", "targets"] and "targets" not in map(words.role_of_argument, read)


class _RatesAsNames(ast.NodeTransformer):
    """lr for args.lr, so that it can be given: a rate or a strength that is kept with other settings."""

    def __init__(self, body: list[ast.stmt]) -> None:
        self.taken = {node.id for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name)}

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        is_rate = words.role_of_argument(node.attr) in ("learning_rate", "regularisation")
        of_settings = isinstance(node.value, ast.Name) and words.SETTINGS.match(node.value.id)
        if is_rate and of_settings and node.attr not in self.taken and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Name(node.attr, ast.Load()), node)
        return self.generic_visit(node)


def straight(tree: ast.Module, names: Mapping[str, Any]) -> tuple[Turn, list[str]] | None:
    """What a script without a loop computes, and the names of the gradients in it; None where there are none."""
    body: list[ast.stmt] = [s for s in dataflow.without_asides(tree.body) if isinstance(s, ast.Assign)]
    bound = {name: i for i, statement in reversed(list(enumerate(body))) for name in dataflow.names_bound(statement)}
    arrays = {n for n in bound if isinstance(names.get(n), np.ndarray) and names[n].ndim} | made_as_arrays(body)
    arrays -= {name for name in arrays if arrays & set(dataflow.names_read(body[bound[name]]))}  # computed, not given
    graded = {p: d for p in arrays for d in bound if p != d and bound[d] > bound[p] and naming.likeness(p, d) == 3}
    graded = {p: d for p, d in graded.items() if words.role_of_argument(p) not in ("inputs", "targets")}
    if not graded:
        return None
    first = max(bound[p] for p in graded) + 1
    loop = ast.copy_location(ast.While(ast.Constant(True), body[first:], []), body[first])
    turn = Turn(loop, body[:first], body[first:])
    _find_output(turn, set(graded))
    if turn.output is None:
        return None
    turn.pairs = layers_of([*turn.body[: turn.end], turn.output], set(graded))
    return (turn, list(graded.values())) if turn.pairs else None


def training_turn(
    loop: ast.For | ast.While,
    before: list[ast.stmt],
    roles: Mapping[str, str] = MappingProxyType({}),
    functions: Mapping[str, ast.FunctionDef] = MappingProxyType({}),
) -> Turn | None:
    """What a turn of a loop computes from what; None where it trains nothing. `roles`: see Turn.roles; `functions`:
    those that it may call."""
    turn = turn_of(loop, before, roles)
    carried = _carried(turn.body) | _carried_by_calls(turn.body, functions)
    carried -= turn.names_of("inputs") | turn.names_of("targets")
    if not carried:
        return None
    _find_output(turn, carried, functions)
    if turn.output is None:
        return None
    in_order = [name for statement in turn.body for name in dataflow.names_read(statement) if name in carried]
    forward = [*turn.body[: turn.end], *turn.gathers, turn.output]
    layers = layers_of(forward, carried | _left_alone(turn, carried), functions)
    vessels = [name for name in _containers(forward, carried) if starts.is_container(turn.before, name)]
    turn.in_containers = bool(vessels) and {name for pair in layers for name in pair if name} <= set(vessels)
    turn.pairs = [(name, "") for name in vessels if turn.in_containers] or max(
        layers, words.parameter_pairs(in_order), key=len
    )
    ahead = {name for statement in forward for name in dataflow.names_read(statement)}
    arrays = carried & ahead & made_as_arrays(before) - set(turn.parameters)
    turn.others = [name for name in dict.fromkeys(in_order) if name in arrays and turn.role_of(name) is None]
    turn.roles |= _rates_by_another_name(turn)
    return turn if turn.pairs else None


def _rates_by_another_name(turn: Turn) -> dict[str, str]:
    """{name: "learning_rate"} of what is called like a strength and multiplies no parameter: c of `dW = c * d.T`."""
    products: dict[str, list[ast.expr]] = {}
    for node in (n for statement in turn.body for n in ast.walk(statement)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for one, other in ((node.left, node.right), (node.right, node.left)):
                if isinstance(one, ast.Name) and len(one.id) == 1 and turn.role_of(one.id) == "regularisation":
                    products.setdefault(one.id, []).append(other)
    own = set(turn.parameters)
    plain = (n for n, parts in products.items() if not any(own & set(dataflow.names_read(part)) for part in parts))
    return dict.fromkeys(plain, "learning_rate")


def _has_role(turn: Turn, role: str, but: Collection[str], name: str) -> bool:
    return turn.role_of(name) == role and name not in but


def _numbers(statements: Sequence[ast.stmt]) -> set[str]:
    """The names that are set to a number."""
    assigned = [s for s in statements if isinstance(s, ast.Assign) and isinstance(s.value, ast.Constant)]
    return {name for statement in assigned for name in dataflow.names_bound(statement)}


def _find_output(
    turn: Turn, carried: set[str], functions: Mapping[str, ast.FunctionDef] = MappingProxyType({})
) -> None:
    """Where labels first meet what was computed, and what they meet. `functions`: those that it may call."""
    numbers = _numbers(turn.before)  # classes = 3
    labels = turn.names_of("targets") - numbers
    is_label, is_sample = (partial(_has_role, turn, role, numbers) for role in ("targets", "inputs"))
    labels |= dataflow.descended(turn.before, is_label, is_sample)
    hidden = {name for name, function in functions.items() if carried & _read_as_globals(function)}
    turn.end, turn.output = _meeting(turn.body, labels, carried, hidden=hidden)
    inner = turn.body[turn.end] if turn.output is not None else None
    if isinstance(inner, ast.For):
        own = {name for name in dataflow.names_bound(inner.target) if turn.role_of(name) == "targets"}
        taken = _indexed(inner, labels)
        end, output = _meeting(inner.body, (labels | own) - taken, carried, taken)
        if output is not None:
            turn.output, turn.gathers = ast.Name(_OUTPUTS, ast.Load()), _gathered(inner, end, output)


_OUTPUTS = "outputs_of_all"


def _meeting(
    body: list[ast.stmt],
    labels: set[str],
    carried: set[str],
    indexed: Collection[str] = (),
    hidden: Collection[str] = (),
) -> tuple[int, ast.expr | None]:
    """The statement in which labels first meet what was computed, and what they meet. `indexed`: labels of which one
    after another is taken; `hidden`: functions that read what is carried by themselves."""
    labels, computed = labels | set(indexed), set[str]()
    for i, statement in enumerate(body):
        read, written = set(dataflow.names_read(statement)), set(dataflow.names_written(statement))
        if not labels & read and _calls(statement) & set(hidden):
            computed |= written
        if labels & read and (computed | carried) & read:
            bound = [name for s in body[:i] for name in dataflow.names_written(s)]
            met = sorted(computed & read - carried, key=lambda name: last(bound, name))
            multiplied = apart(statement, labels, lambda node: _multiplies(node, carried))
            computes = apart(statement, labels, lambda node: bool(set(dataflow.names_read(node)) & carried))
            return i, multiplied or (ast.Name(met[-1], ast.Load()) if met else computes)
        if (computed | carried) & read:
            computed |= written
            labels -= written  # y = sigmoid(z)
        elif labels & read:
            labels |= made_of(statement, labels)
    return 0, None


def _read_as_globals(function: ast.FunctionDef) -> set[str]:
    """The names that a function reads and neither is given nor binds."""
    given = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    bound = {name for statement in function.body for name in dataflow.names_bound(statement)}
    return {name for statement in function.body for name in dataflow.names_read(statement)} - given - bound


def _calls(statement: ast.stmt) -> set[str]:
    return {source.called(node) for node in ast.walk(statement) if isinstance(node, ast.Call)}


def _indexed(loop: ast.For, labels: set[str]) -> set[str]:
    """The labels of which a loop takes one after another: Y of Y[i]."""
    counted = set(dataflow.names_bound(loop.target))
    inside = [node for node in ast.walk(loop) if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)]
    return {n.value.id for n in inside if counted & set(dataflow.names_read(n.slice))} & labels  # type: ignore[attr-defined]


def _gathered(loop: ast.For, end: int, output: ast.expr) -> list[ast.stmt]:
    """The loop up to where labels meet an output, with all the outputs in a list."""
    kept = copy.deepcopy(loop)
    method = ast.Attribute(ast.Name(_OUTPUTS, ast.Load()), "append", ast.Load())
    kept.body = [*kept.body[:end], ast.Expr(ast.Call(method, [source.loaded(output)], []))]
    empty = ast.Assign([ast.Name(_OUTPUTS, ast.Store())], ast.List([], ast.Load()))
    return [ast.fix_missing_locations(ast.copy_location(statement, loop)) for statement in (empty, kept)]


def made_of(statement: ast.stmt, labels: set[str]) -> set[str]:
    """The names that a statement makes of labels: yb of `xb, yb = X[i:j], Y[i:j]`."""
    if isinstance(statement, ast.If):
        inner = (s for s in (*statement.body, *statement.orelse) if labels & set(dataflow.names_read(s)))
        return {name for s in inner for name in made_of(s, labels)}
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Tuple):
        targets = statement.targets[0]
        if isinstance(targets, ast.Tuple) and len(targets.elts) == len(statement.value.elts):
            pairs = zip(targets.elts, statement.value.elts, strict=True)
            return {
                name
                for target, value in pairs
                if labels & set(dataflow.names_read(value))
                for name in dataflow.names_bound(target)
            }
    return set(dataflow.names_written(statement))


def apart(node: ast.AST, labels: set[str], wanted: Callable[[ast.AST], bool]) -> ast.expr | None:
    """The largest part of a statement that is computed without labels: X @ W + b of `error = X @ W + b - y`."""
    if isinstance(node, ast.expr) and wanted(node) and not set(dataflow.names_read(node)) & labels:
        return node
    taken = _taken_from(node, labels)
    if taken is not None and wanted(taken):
        return taken
    parts = (apart(child, labels, wanted) for child in ast.iter_child_nodes(node) if wanted(child))
    return next((part for part in parts if part is not None), None)


def _taken_from(node: ast.AST, labels: set[str]) -> ast.expr | None:
    """What is taken from labels, or they from it, where it has several terms: b + x * w of `y - b - x * w`."""
    terms = list(_terms(node, 1))
    signs = {sign for sign, term in terms if set(dataflow.names_read(term)) & labels}
    others = [(sign, term) for sign, term in terms if not set(dataflow.names_read(term)) & labels]
    if len(terms) - len(others) != 1 or len(others) < 2:
        return None
    flip = -signs.pop()
    if all(sign != flip for sign, _ in others):
        return None
    others.sort(key=lambda pair: pair[0] != flip)
    total = others[0][1]
    for sign, term in others[1:]:
        total = ast.BinOp(total, ast.Add() if sign == flip else ast.Sub(), term)
    return ast.fix_missing_locations(ast.copy_location(total, node))


def _terms(node: ast.AST, sign: int) -> Iterator[tuple[int, ast.expr]]:
    """What is added and taken away in a sum, with its signs."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from _terms(node.left, sign)
        yield from _terms(node.right, sign if isinstance(node.op, ast.Add) else -sign)
    elif isinstance(node, ast.expr):
        yield sign, node


def _multiplies(node: ast.AST, carried: set[str]) -> bool:
    """Whether there is a product of matrices in it, one of which is carried."""
    return any(plain_name(factor) in carried for part in ast.walk(node) for factor in is_product(part))


def last(names: list[str], name: str) -> int:
    return len(names) - names[::-1].index(name) if name in names else -1


def _carried(body: list[ast.stmt]) -> set[str]:
    """What a turn hands to the next: read before it is written, and written."""
    read: set[str] = set()
    written: set[str] = set()
    for statement in body:
        read |= set(dataflow.names_read(statement)) - written
        written |= set(dataflow.names_written(statement))
    return read & written


def _carried_by_calls(body: list[ast.stmt], functions: Mapping[str, ast.FunctionDef]) -> set[str]:
    """The same of what functions read by themselves that a turn calls."""
    called = {name for statement in body for name in _calls(statement)} & functions.keys()
    written = {name for statement in body for name in dataflow.names_written(statement)}
    return written & {name for function in called for name in _read_as_globals(functions[function])}


def _left_alone(turn: Turn, carried: set[str]) -> set[str]:
    """The arrays that start like parameters, or together with what is carried, and that a turn only reads."""
    written = {name for statement in turn.body for name in dataflow.names_written(statement)}
    data = turn.names_of("inputs") | turn.names_of("targets")
    made = [set(dataflow.names_bound(s)) for s in turn.before if isinstance(s, ast.Assign)]
    beside = {name for names in made if names & carried for name in names}  # W1, W2 = first_weights(n)
    return (made_as_arrays(turn.before) | beside) - written - data


def _containers(body: Sequence[ast.AST], carried: set[str]) -> list[str]:
    """Of what is carried, the lists and dicts whose elements the forward pass uses: weights[l], p["W1"], what it goes
    through, `for W, b in zip(weights, biases)`, and what it gives a function, `forward(p, X)`."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    used = [node.value for node in nodes if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)]
    used += [inner for node in nodes if isinstance(node, ast.For) for inner in ast.walk(node.iter)]  # type: ignore[misc]
    used += [argument for node in nodes if isinstance(node, ast.Call) for argument in node.args]
    return list(dict.fromkeys(node.id for node in used if isinstance(node, ast.Name) and node.id in carried))
