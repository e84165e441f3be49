"""What the source of a function says: its arguments, what it returns, which names it takes apart, updates, repeats."""

from __future__ import annotations

import ast
import builtins
import copy
import dis
import functools
import inspect
import linecache
import re
import textwrap
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard, TypeVar

import numpy as np

from gradcompare.interfaces import words
from gradcompare.loading.statements import updates

Answer = TypeVar("Answer")
MANY = 20
"""Turns of a loop that are no layers."""


def argument_names(function: Callable[..., Any]) -> list[str]:
    """The names of a function's arguments, `self` left out."""
    names = list(signature(function))
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def skips_zeros_of(function: Callable[..., Any], argument: str) -> bool:
    """Whether a function goes through an argument's entries, passes over those that are 0, and returns at another:
    only one is expected."""
    for loop in (node for node in ast.walk(tree(function)) if isinstance(node, ast.For)):
        over = {node.id for node in ast.walk(loop.iter) if isinstance(node, ast.Name)}
        skips = [
            test
            for test in loop.body
            if isinstance(test, ast.If)
            and isinstance(test.body[0], ast.Continue)
            and isinstance(test.test, ast.Compare)
            and isinstance(test.test.ops[0], ast.Eq)
            and ast.unparse(test.test.comparators[0]) in ("0", "0.0")
        ]
        if argument in over and skips and any(isinstance(node, ast.Return) for node in loop.body):
            return True
    return False


def switches_of(function: Callable[..., Any]) -> set[str]:
    """The names of the arguments that are true or false unless said otherwise."""
    return {name for name, parameter in signature(function).items() if isinstance(parameter.default, bool)}


def rank(value: Any) -> int:
    """How many axes a value has; 0 for lists whose parts are of several lengths, and for what is no array at all."""
    try:
        return int(np.ndim(value))
    except (ValueError, TypeError):
        return 0


def is_method(function: Callable[..., Any]) -> bool:
    """Whether a function of a class is given the object."""
    return next(iter(signature(function)), "") == "self"


def signature(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    if inspect.ismethod(function):
        return dict(list(_signature_of(function.__func__).items())[1:])
    try:
        return _signature_of(function)
    except TypeError:  # an object that cannot be hashed
        return inspect.signature(function).parameters


@functools.lru_cache(maxsize=1024)
def _signature_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    spread = [name for name, p in parameters.items() if p.kind is p.VAR_POSITIONAL]
    apart = _taken_apart(function, spread)
    return _written_out(parameters, spread[0], apart[spread[0]]) if apart else parameters


def _written_out(
    parameters: Mapping[str, inspect.Parameter], spread: str, names: list[str]
) -> Mapping[str, inspect.Parameter]:
    """The parameters with those that `X, y, rate = args` takes out of *args in its place, all by position."""
    before = list(parameters)[: list(parameters).index(spread)]
    by_position = inspect.Parameter.POSITIONAL_ONLY
    first = {name: parameters[name].replace(kind=by_position) for name in before}
    rest = {name: p for name, p in parameters.items() if name not in (*before, spread)}
    return first | {name: inspect.Parameter(name, by_position) for name in names} | rest


@functools.lru_cache(maxsize=16)
def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def parsed(file: str) -> ast.Module:
    """The syntax of a whole file; empty where it cannot be had."""
    return _parsed("".join(linecache.getlines(file)))


def packages_imported(file: str) -> set[str]:
    """The packages that a file imports from: numpy, of `from numpy.random import randn`."""
    nodes = list(ast.walk(parsed(file)))
    modules = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return {module.partition(".")[0] for module in modules}


def files_of(functions: Iterable[Callable[..., Any]]) -> Iterator[tuple[str, ast.Module]]:
    """The files that functions are written in, and their syntax."""
    codes = (getattr(inspect.unwrap(function), "__code__", None) for function in functions)
    for file in sorted({code.co_filename for code in codes if code is not None}):
        yield file, parsed(file)


def tree(function: Any) -> ast.AST:
    """The syntax of a function or class; empty where its source cannot be had."""
    return _tree(getattr(function, "__func__", function))


def has_source(function: Any) -> bool:
    """Whether it can be had."""
    return any(True for _ in ast.iter_child_nodes(tree(function)))


@functools.lru_cache(maxsize=512)
def _tree(function: Any) -> ast.AST:
    if isinstance(made_of := getattr(function, "tree", None), ast.AST):
        return made_of
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ast.Module(body=[], type_ignores=[])


def kept(ask: Callable[..., Answer]) -> Callable[..., Answer]:
    """What is asked of a function's source is asked once; of a method once for all objects."""
    known = functools.lru_cache(maxsize=1024)(ask)

    @functools.wraps(ask)
    def answer(function: Any, *more: Any) -> Answer:
        return known(getattr(function, "__func__", function), *more)

    return answer


@kept
def returned_names(function: Callable[..., Any]) -> list[list[str | None]]:
    """The names in each return statement of a function, of inner functions last."""
    found = []
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.Return) and node.value is not None:
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            found.append([identifier(value) for value in values])
    return found


@kept
def returned(function: Any) -> list[ast.expr]:
    """What stands in the return statements of a function, taken apart."""
    values = [n.value for n in ast.walk(tree(function)) if isinstance(n, ast.Return) and n.value is not None]
    return [part for value in values for part in (value.elts if isinstance(value, ast.Tuple) else [value])]


def identifier(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call) and node.args and not called(node)[:1].isupper():  # float(J), np.squeeze(cost)
        return identifier(node.args[0])
    if (stepped := _stepped(node)) is not None:
        return stepped
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):  # dWs[::-1]
        return identifier(node.value) if node.slice.lower is node.slice.upper is None else None
    return None


def _stepped(node: ast.AST) -> str | None:
    """W of W - rate * dW."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and isinstance(node.left, ast.Name)):
        return None
    gradients = (n.id for n in ast.walk(node.right) if isinstance(n, ast.Name) and words.GRADIENT.match(n.id))
    multiplied = isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Mult)
    of_it = any(words.plain(words.GRADIENT.sub("", name)) == words.plain(node.left.id) for name in gradients)
    return node.left.id if multiplied and of_it else None


def called(node: ast.Call) -> str:
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def names_called(function: Any) -> frozenset[str]:
    """The last names of what a function calls: log of np.log."""
    return _names_called(tree(function))


def is_called(function: Any) -> bool:
    """Whether anything in the file of a function calls it, or it is made of what a function or a loop computes: of
    several costs that is the one that is meant."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is None or hasattr(function, "tree") or function.__name__ in _names_called(parsed(code.co_filename))


@functools.lru_cache(maxsize=1024)
def _names_called(tree_: ast.AST) -> frozenset[str]:
    return frozenset(called(node) for node in ast.walk(tree_) if isinstance(node, ast.Call))


def counts_samples(functions: Sequence[Any]) -> bool:
    """Whether functions say something of several samples: an axis, a mean, a length, the shape of an array."""
    for function in functions:
        nodes = list(ast.walk(tree(function)))
        asserted = {id(n) for test in nodes if isinstance(test, ast.Compare) for n in ast.walk(test)}
        for node in nodes:
            if isinstance(node, ast.keyword) and node.arg in ("axis", "keepdims"):
                return True
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
                return True
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len" and _is_of_samples(node):
                if id(node) in asserted:  # if len(inputs) != self.n_in
                    continue
                return True
            if isinstance(node, ast.Attribute) and node.attr in ("mean", "size"):
                return True
    return False


def is_of_vectors(function: Any) -> bool:
    """Whether a function makes a gradient as the outer product of two vectors, of one sample, in no loop, where it may
    add up those of several."""
    inside = {id(n) for loop in ast.walk(tree(function)) if isinstance(loop, _LOOPS) for n in ast.walk(loop)}
    calls = (n for n in ast.walk(tree(function)) if isinstance(n, ast.Call) and id(n) not in inside)
    return any(called(call) == "outer" for call in calls)


def reads(function: Any, argument: str) -> bool:
    """Whether a function does anything with an argument."""
    names = (node for node in ast.walk(tree(function)) if isinstance(node, ast.Name))
    return any(node.id == argument and isinstance(node.ctx, ast.Load) for node in names)


def is_told_a_number(function: Any, argument: str) -> bool:
    """Whether an argument is annotated as one number: float | None."""
    said = str(getattr(signature(function)[argument].annotation, "__name__", signature(function)[argument].annotation))
    return bool(re.fullmatch(r"(typing\.)?(Optional\[)?(float|int)\]?( \| None)?", said))


def is_mapping(function: Any, argument: str) -> bool:
    """Whether a function asks an argument for its keys: a row for each of them."""
    asked = (node for node in ast.walk(tree(function)) if isinstance(node, ast.Attribute) and node.attr == "keys")
    return any(isinstance(node.value, ast.Name) and node.value.id == argument for node in asked)


def loops_outside(file: str) -> list[ast.For | ast.While]:
    """The outermost loops of a file that stand in no function and no class."""
    found, left = list[ast.For | ast.While](), list[ast.AST](parsed(file).body)
    while left:
        node = left.pop()
        if isinstance(node, ast.For | ast.While):
            found.append(node)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            left += ast.iter_child_nodes(node)
    return found


_LOOPS = ast.For | ast.While | ast.comprehension


def counts_classes(functions: Sequence[Any]) -> bool:
    """Whether functions ask which labels there are: np.unique(y), set(y)."""
    calls = [node for f in functions for node in ast.walk(tree(f)) if isinstance(node, ast.Call) and node.args]
    names = [identifier(node.args[0]) for node in calls if called(node) in ("unique", "set", "Counter")]
    return any(words.role_of_argument(name) == "targets" for name in names if name)


def reached(functions: Sequence[Any]) -> list[Any]:
    """The functions, and those of their file that they call, told by name: `layer.backward` is every backward."""
    found, waiting = list[Any](), list(functions)
    while waiting:
        function = waiting.pop(0)
        if function in found:
            continue
        found.append(function)
        namespace = getattr(inspect.unwrap(function), "__globals__", {})
        names = {called(node) for node in ast.walk(tree(function)) if isinstance(node, ast.Call)}
        waiting += [f for f in functions_in(namespace) if f.__name__ in names]
    return found


def functions_in(namespace: Mapping[str, Any]) -> list[Any]:
    """The functions of a file and the methods of its classes."""
    own = [v for v in namespace.values() if getattr(v, "__module__", None) == namespace.get("__name__")]
    methods = [f for made in own if inspect.isclass(made) for f in vars(made).values() if inspect.isfunction(f)]
    return [v for v in own if inspect.isfunction(v)] + methods


def listed_in(function: Any) -> set[str]:
    """The names that a function goes through, or of which it asks the length: weights of zip(weights, biases)."""
    found = set()
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.For | ast.comprehension):
            found |= {n.id for n in ast.walk(node.iter) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len":
            found |= {n.id for n in node.args if isinstance(n, ast.Name)}
    return found


def is_of_self(node: ast.AST | None) -> TypeGuard[ast.Attribute]:
    """Whether it is an attribute of the object whose method it stands in: self.x."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def turns_an_argument(function: Any) -> bool:
    """Whether a function takes one of its arguments transposed: A.T, np.transpose(A)."""
    names = set(argument_names(function))
    nodes = list(ast.walk(tree(function)))
    turned = [node.value for node in nodes if isinstance(node, ast.Attribute) and node.attr == "T"]
    turned += [a for node in nodes if isinstance(node, ast.Call) and called(node) == "transpose" for a in node.args[:1]]
    return any(isinstance(node, ast.Name) and node.id in names for node in turned)


def entered_in(function: Any) -> set[str]:
    """The names of which a function takes entries: keep of keep[l]."""
    nodes = (node.value for node in ast.walk(tree(function)) if isinstance(node, ast.Subscript))
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def updated_in(function: Any) -> frozenset[str]:
    """The names that a function adds to or subtracts from: w1 of `w1 = w1 - rate * d` and of `w1 -= rate * d`, and of
    `return w1 - rate * dw1`."""
    return _updated_in(tree(function))


@functools.lru_cache(maxsize=1024)
def _updated_in(tree_: ast.AST) -> frozenset[str]:
    returns = [n.value for n in ast.walk(tree_) if isinstance(n, ast.Return) and n.value is not None]
    handed = {s for value in returns for part in getattr(value, "elts", [value]) if (s := _stepped(part))}
    return frozenset(handed | {target.id for target, _ in _updates(tree_) if isinstance(target, ast.Name)})


def applies_what_it_is_given(function: Any) -> bool:
    """Whether all that is added to or subtracted from anything is made of arguments alone: self.w -= rate * dw.T."""
    steps, given = [step for _, step in _updates(tree(function))], {*argument_names(function), "self"}
    calculates = (ast.Call, ast.MatMult)
    return bool(steps) and all(
        (names := {node.id for node in ast.walk(step) if isinstance(node, ast.Name)}) <= given
        and names - {"self"}
        and not any(isinstance(node, calculates) for node in ast.walk(step))
        for step in steps
    )


def stepped_in(function: Any) -> frozenset[str]:
    """The same, of `self.w1 -= rate * d` and `p["w1"] -= rate * d` too."""
    targets = [target for target, _ in _updates(tree(function))]
    keys = {t.slice.value for t in targets if isinstance(t, ast.Subscript) and isinstance(t.slice, ast.Constant)}
    attributes = {target.attr for target in targets if isinstance(target, ast.Attribute)}
    return updated_in(function) | attributes | {key for key in keys if isinstance(key, str)}


def stepped_in_files(functions: Iterable[Callable[..., Any]]) -> set[str]:
    """The names of all that the files of functions add to or subtract from, and of what holds it: "weights" of
    `self.weights[i] -= ...`."""
    targets = (target for _, whole in files_of(functions) for target, _ in _updates(whole))
    parts = [part for target in targets for part in ast.walk(target)]
    keys = {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    return keys | {name for part in parts if (name := identifier(part)) is not None}


@functools.lru_cache(maxsize=1024)
def _updates(tree_: ast.AST) -> tuple[tuple[ast.expr, ast.expr], ...]:
    """What is added to or subtracted from, and what is added or subtracted."""
    return tuple((update.target, update.added) for update in updates(ast.walk(tree_)))


def may_go_on(function: Any) -> bool:
    """Whether a function has a loop that nothing which it is given ends, and no count: `while True`, or as long as the
    errors are too large."""
    given = set(argument_names(function))
    for loop in (node for node in ast.walk(tree(function)) if isinstance(node, ast.While)):
        tests = [node.test for node in ast.walk(loop) if isinstance(node, ast.If) and _leaves(node)]
        read = {n.id for test in tests for n in ast.walk(test) if isinstance(n, ast.Name)}
        if isinstance(loop.test, ast.Constant) and not read & given:
            return True
        asked = {n.id for n in ast.walk(loop.test) if isinstance(n, ast.Name)}
        counted = {
            n.target.id for n in ast.walk(loop) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)
        }
        computed = [n for n in ast.walk(loop) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call)]
        made = {n.id for one in computed for target in one.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
        if asked & made and not asked & counted and not read:
            return True
    return False


def _leaves(node: ast.If) -> bool:
    return any(isinstance(inner, ast.Break | ast.Return) for inner in ast.walk(node))


def repeats(function: Any) -> bool:
    """Whether a function goes round a loop as often as it says itself, so that it cannot be stopped after one turn."""
    if may_go_on(function):
        return True
    nodes = list(ast.walk(tree(function)))
    assigned = [n for n in nodes if isinstance(n, ast.Assign) and _is_many(n.value)]
    fixed = {t.id for n in assigned for t in n.targets if isinstance(t, ast.Name)}
    for node in nodes:
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and called(node.iter) in ("range", "trange"):
            count = node.iter.args[-1 if len(node.iter.args) < 3 else 1]
            named = isinstance(count, ast.Name) and count.id in fixed
            if (_is_many(count) or named) and any(
                isinstance(n, ast.For | ast.AugAssign | ast.Call) for n in ast.walk(node)
            ):
                return True
    return False


def counts_to(function: Any, name: str) -> bool:
    """Whether a function goes round a loop as often as a name says, or what it is kept as: range(self.name)."""
    calls = [node for node in ast.walk(tree(function)) if isinstance(node, ast.Call) and called(node) == "range"]
    return any(identifier(n) == name for call in calls for arg in call.args for n in ast.walk(arg))


def _is_many(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value >= MANY


def _is_of_samples(node: ast.Call) -> bool:
    name = getattr(node.args[0], "id", "") if node.args else ""
    return words.role_of_argument(name) in ("inputs", "targets")


def keys_in(function: Any) -> list[str]:
    """The strings by which a function looks things up, in the order of its source: W1 of parameters["W1"]; and those
    that name a parameter wherever they stand: for k in ("W1", "b1")."""
    nodes = list(ast.walk(tree(function)))
    looked_up = [n.slice.value for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Constant)]
    strings = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    named = [text for text in strings if words.WEIGHT.match(text) or words.BIAS.match(text)]
    return list(dict.fromkeys([*(key for key in looked_up if isinstance(key, str)), *named]))


@kept
def reads_its_object(function: Any) -> bool:
    """Whether a method asks the object that it is of for anything: sigmoid(self, z) does not."""
    owners = (node.value for node in ast.walk(tree(function)) if isinstance(node, ast.Attribute))
    return any(isinstance(owner, ast.Name) and owner.id == "self" for owner in owners)


@kept
def keys_looked_up(function: Any, argument: str) -> list[str]:
    """The strings by which a function looks things up in one of its arguments, in the order of its source."""
    looked_up = [
        node.slice.value
        for node in ast.walk(tree(function))
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.value, ast.Name)
        and node.value.id == argument
    ]
    return list(dict.fromkeys(key for key in looked_up if isinstance(key, str)))


def handed_out(function: Any) -> set[str]:
    """The names under which a function returns or stores arrays: in its return statements, as keys, as attributes."""
    found = {name for row in returned_names(function) for name in row if name}
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.Dict):
            found |= {key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            key = node.slice if isinstance(node, ast.Subscript) else ast.Constant(node.attr)
            found |= {name} if (name := key_begins(key)) else set()
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Call) and called(node.value) == "dict":
            found |= {keyword.arg for keyword in node.value.keywords if keyword.arg}
    return found


def set_in(function: Any) -> list[str]:
    """The attributes that a method sets of its own object, in the order of its text."""
    nodes = [n for n in ast.walk(tree(function)) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
    own = [n for n in nodes if isinstance(n.value, ast.Name) and n.value.id == "self"]
    return [node.attr for node in sorted(own, key=lambda node: node.lineno)]


@kept
def told_later(made: type) -> dict[str, str | None]:
    """{attribute: role} of what methods of a class do nothing but set: lr of `def set_rate(self, rate): self.lr =
    rate`."""
    methods = [f for _, f in inspect.getmembers(made, inspect.isfunction) if has_source(f) and f.__name__ != "__init__"]
    bodies = {f: next(n.body for n in ast.walk(tree(f)) if isinstance(n, ast.FunctionDef)) for f in methods}
    found = {}
    for function, body in bodies.items():
        sets = [s for s in body if isinstance(s, ast.Assign) and isinstance(s.value, ast.Name)]
        for statement in sets if len(sets) == len(body) else ():
            attribute = identifier(statement.targets[0]) or ""
            taken = statement.value.id if isinstance(statement.value, ast.Name) else ""
            if taken in argument_names(function):
                found[attribute] = words.role_of_argument(attribute) or words.role_of_argument(taken)
    return found


@kept
def only_divides(function: Any, name: str) -> bool:
    """Whether a name stands in a function only under a fraction: n of `1 / n * total`."""
    nodes = [node for node in ast.walk(tree(function)) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)]
    under = {id(node.right) for node in nodes}
    uses = [node for node in ast.walk(tree(function)) if isinstance(node, ast.Name) and node.id == name]
    return bool(uses) and all(id(use) in under for use in uses)


def attributes_read(function: Any, name: str = "self") -> dict[str, None]:
    """The attributes that a function reads of what has a name, a method of its own object, in their order."""
    nodes = [n for n in ast.walk(tree(function)) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)]
    return dict.fromkeys(n.attr for n in nodes if isinstance(n.value, ast.Name) and n.value.id == name)


def kept_of_calls(function: Any, name: str) -> set[str]:
    """The attributes of its own object in which a method keeps what another returns: output of `self.output =
    self.feedforward()`."""
    nodes = [n for n in ast.walk(tree(function)) if isinstance(n, ast.Assign)]
    targets = [t for n in nodes if isinstance(n.value, ast.Call) and called(n.value) == name for t in n.targets]
    return {t.attr for t in targets if isinstance(t, ast.Attribute) and ast.unparse(t.value) == "self"}


def taken_apart(function: Any) -> dict[str, list[str]]:
    """{argument: names} of what a function takes apart into names: `W1, b1, W2, b2 = params`."""
    return _taken_apart(function, argument_names(function))


def _taken_apart(function: Any, arguments: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and isinstance(node.targets[0], ast.Tuple):
            names = [part.id for part in node.targets[0].elts if isinstance(part, ast.Name)]
            if node.value.id in arguments and len(names) == len(node.targets[0].elts):
                found.setdefault(node.value.id, names)
    return {argument: names for argument in arguments if (names := _taken_one_by_one(function, argument))} | found


def _taken_one_by_one(function: Any, argument: str) -> list[str]:
    """The names of `b = theta[0]`, `w = theta[1]`, where all up to the last are taken so."""
    by_place: dict[int, str] = {}
    for node in ast.walk(tree(function)):
        part = node.value if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if isinstance(node, ast.Assign) and isinstance(part, ast.Subscript) and isinstance(node.targets[0], ast.Name):
            place = part.slice.value if isinstance(part.slice, ast.Constant) else None
            if type(place) is int and isinstance(part.value, ast.Name) and part.value.id == argument:
                by_place.setdefault(place, node.targets[0].id)
    return (
        [by_place[i] for i in range(len(by_place))]
        if len(by_place) > 1 and set(by_place) == set(range(len(by_place)))
        else []
    )


@kept
def containers_in(function: Any) -> set[str]:
    """The names of what a function takes apart, or looks up by keys: memo of `X, Z1 = memo` and of memo["Z1"]."""
    looked_up = {
        node.value.id
        for node in ast.walk(tree(function))
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and key_begins(node.slice)
    }
    return looked_up | set(taken_apart(function))


def key_begins(key: ast.expr) -> str:
    """dW of "dW", "dW" + str(k), f"dW{k}" and "dW%d" % k."""
    if isinstance(key, ast.JoinedStr) and key.values:
        key = key.values[0]
    elif isinstance(key, ast.BinOp):
        key = key.left
    return key.value.partition("%")[0] if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""


@kept
def counts_in(function: Any) -> set[str]:
    """The names that say how often a function does something: n of `for i in range(n)`, or of range(1, n + 1)."""
    ranges = [node for node in ast.walk(tree(function)) if isinstance(node, ast.Call) and called(node) == "range"]
    counts = (argument for node in ranges for argument in node.args)
    plain = (n.left if isinstance(n, ast.BinOp) and isinstance(n.right, ast.Constant) else n for n in counts)
    return {name.id for name in plain if isinstance(name, ast.Name)}


def changed_in(function: Any) -> set[str]:
    """The names that a function computes anew from what they were: A1 of `A1 = A1 * D1` and of `A1 /= keep_prob`."""
    found = set()
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, ast.Assign):
            read = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
            found |= {t.id for t in node.targets if isinstance(t, ast.Name) and t.id in read}
    return found


def returns_cost_and_more(function: Any) -> bool:
    """Whether a function returns a cost and a list, tuple or dict that is made in the return statement."""
    pairs = [
        n.value.elts for n in ast.walk(tree(function)) if isinstance(n, ast.Return) and isinstance(n.value, ast.Tuple)
    ]
    return any(
        len(pair) == 2
        and re.fullmatch(r"cost|loss|j|total_?(cost|loss)", identifier(pair[0]) or "", re.IGNORECASE)
        and isinstance(pair[1], ast.List | ast.Tuple | ast.Dict)
        for pair in pairs
    )


def returns_nothing(function: Any) -> bool:
    """Whether a function has no return statement that gives something."""
    return not returned_names(function)


def local_names(function: Any) -> list[str]:
    """The names that a function binds itself, its arguments among them."""
    return list(getattr(getattr(function, "__code__", None), "co_varnames", ()))


def beginnings_in(function: Any) -> set[str]:
    """The strings from which keys are made: W of parameters["W" + str(l)] and of f"W{l}"."""
    found = set()
    for node in ast.walk(tree(function)):
        parts = (
            node.values[:1] if isinstance(node, ast.JoinedStr) else [node.left] if isinstance(node, ast.BinOp) else []
        )
        found |= {p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)}
    return found


def appended_in(function: Any) -> dict[str, int]:
    """{name: the last line on which something is appended to it}."""
    calls = [node for node in ast.walk(tree(function)) if isinstance(node, ast.Call) and called(node) == "append"]
    owners = [(node.func.value, node.lineno) for node in calls if isinstance(node.func, ast.Attribute)]
    return {owner.id: line for owner, line in sorted(owners, key=lambda row: row[1]) if isinstance(owner, ast.Name)}


def literals_in(function: Any) -> set[int]:
    """The whole numbers in a function's source."""
    nodes = ast.walk(tree(function))
    return {n.value for n in nodes if isinstance(n, ast.Constant) and type(n.value) is int}


def globals_read(functions: Sequence[Callable[..., Any]]) -> dict[str, dict[str, Any]]:
    """The global names that functions and the functions of their file that they call read, with their namespaces."""
    found: dict[str, dict[str, Any]] = {}
    waiting, seen = [inspect.unwrap(getattr(f, "__func__", f)) for f in functions], set()
    while waiting:
        function = waiting.pop()
        code, namespace = getattr(function, "__code__", None), getattr(function, "__globals__", None)
        if code is None or namespace is None or id(code) in seen:
            continue
        seen.add(id(code))
        for name in _global_names(code):
            thing = namespace.get(name)
            if inspect.isfunction(thing):
                waiting.append(thing)
            elif name not in vars(builtins) and not callable(thing) and not inspect.ismodule(thing):
                found.setdefault(name, namespace)
    return found


def _global_names(code: types.CodeType) -> set[str]:
    names = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "STORE_GLOBAL")}
    return names.union(*(_global_names(inner) for inner in code.co_consts if inspect.iscode(inner)))


def loaded(target: ast.expr) -> ast.expr:
    """The same, to be read."""
    same = copy.deepcopy(target)
    bound = {id(n) for part in ast.walk(same) if isinstance(part, ast.comprehension) for n in ast.walk(part.target)}
    for part in ast.walk(same):
        if isinstance(getattr(part, "ctx", None), ast.Store) and id(part) not in bound:
            part.ctx = ast.Load()  # type: ignore[attr-defined]
    return same
