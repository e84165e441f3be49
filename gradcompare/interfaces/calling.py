"""Call a function of the file by what its arguments are called, and name what it returns.

Arguments are found by their own name, by their role (`words.ARGUMENTS`), and what is left in the order in which such
functions take their arguments. What is returned is named by the keys of dicts, by the attributes of objects, and by
the names in the `return` statement and in the statements that made the tuples it returns.
"""

from __future__ import annotations

import ast
import builtins
import dis
import functools
import inspect
import textwrap
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradcompare.interfaces import paths, words

ALWAYS = ("learning_rate", "regularisation", "epochs", "batch_size", "quiet", "targets", "keep")
"""Roles that are filled even where the argument has a default."""


MANY = 20
"""Turns of a loop that are no layers."""


class CannotCallError(TypeError):
    """An argument whose role cannot be told from its name."""


def argument_names(function: Callable[..., Any]) -> list[str]:
    """The names of a function's arguments, `self` left out."""
    names = list(_signature(function))
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def is_method(function: Callable[..., Any]) -> bool:
    """Whether a function of a class is given the object."""
    return next(iter(_signature(function)), "") == "self"


def _signature(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    if inspect.ismethod(function):
        return dict(list(_signature_of(function.__func__).items())[1:])
    try:
        return _signature_of(function)
    except TypeError:  # an object that cannot be hashed
        return inspect.signature(function).parameters


@functools.lru_cache(maxsize=1024)
def _signature_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def call(function: Callable[..., Any], known: Mapping[str, Any], in_order: Sequence[str] = ()) -> Any:
    """Call a function with what its arguments' names ask for; those that say nothing get `in_order` what is left.

    Raises CannotCallError for an argument without a default that is not known.
    """
    given, unknown = _given(function, known)
    used = {role for role in in_order if any(value is known.get(role) for value in given.values())}
    left = [role for role in in_order if role not in used and role in known]
    if len(unknown) > len(left):
        what = ", ".join(repr(name) for name in unknown)
        raise CannotCallError(f"{getattr(function, '__name__', 'it')} takes {what}, and it cannot be told what that is")
    given |= {name: known[role] for name, role in zip(unknown, left, strict=False)}
    positional = [given.pop(name) for name, p in _signature(function).items() if p.kind is p.POSITIONAL_ONLY]
    variable = [known["cache"]] if _takes_variable(function) and "cache" in known and not given else []
    return function(*positional, *variable, **given)


def _takes_variable(function: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_POSITIONAL for p in _signature(function).values())


def _given(function: Callable[..., Any], known: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What is known for the arguments, and the names of those that need a value and have none."""
    plain = {words.plain(key): key for key in reversed(list(known))}
    given: dict[str, Any] = {}
    unknown: list[str] = []
    outputs = _outputs_among_targets(function, known)
    for name, parameter in _signature(function).items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        role = words.role_of_argument(name)
        if name in outputs:
            given[name] = outputs[name]
            continue
        optional = parameter.default is not parameter.empty
        keys = (name, plain.get(words.plain(name)), role, f"size {words.role_of_size(name)}")
        key = next((k for k in keys if k is not None and k in known), None)
        if role == "training" and not optional:
            given[name] = True
        elif optional and words.is_guard(name, parameter.default):
            continue
        elif key is not None and not (optional and key == role and role not in ALWAYS):
            given[name] = known[key]
        elif not optional and "cache" in known and name in containers_in(function):
            given[name] = known["cache"]
        elif not optional:
            unknown.append(name)
    return given, unknown


def _outputs_among_targets(function: Callable[..., Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Of several arguments that are called like labels (T and Y) those that forward has just returned."""
    alike = [name for name in _signature(function) if words.role_of_argument(name) == "targets"]
    returned = known.get("returned", {})
    return {name: returned[name] for name in alike if name in returned} if len(alike) > 1 else {}


# ---- what is returned ------------------------------------------------------------------------------------------------


def named(function: Callable[..., Any], result: Any) -> dict[str, Any]:
    """What a function returned, by name; paths with the same name are told apart by what holds them."""
    return {name: array for name, _, array in entries(function, result)}


def parts(function: Callable[..., Any], result: Any) -> dict[str, Any]:
    """The containers that a function returned, by their names in its return statement."""
    values = result if isinstance(result, tuple) else (result,)
    pairs = zip(return_names(function, len(values)), values, strict=True)
    return {name: part for name, part in pairs if name and not paths.is_array(part)}


def entries(function: Callable[..., Any], result: Any) -> list[tuple[str, paths.Path, Any]]:
    """(name, path, array) of every array that a function returned; the names are all different."""
    found: list[tuple[str, paths.Path, Any]] = []
    taken: set[str] = set()
    for path, array in paths.walk(result):
        name = own = _name(function, result, path) or paths.label(path) or "result"
        if name in taken:
            name = ".".join(str(key) for _, key in path)
        found.append((name if name not in taken else f"{own}.{len(found)}", path, array))
        taken.add(found[-1][0])
    return found


def _name(function: Callable[..., Any], result: Any, path: paths.Path) -> str | None:
    """The name that the source gives to what is at a path of nested tuples and lists."""
    names = return_names(function, len(result)) if isinstance(result, tuple) else return_names(function, 1)
    steps = list(path)
    name = names[0] if not isinstance(result, tuple) else None
    if isinstance(result, tuple) and steps:
        first = steps.pop(0)[1]
        name = names[first]
        if name is None and len(steps) == 1 and isinstance(steps[0][1], int):  # return A2, (Z1, A1, Z2)
            inner = _returned_tuples(getattr(function, "__func__", function), len(result)).get(first, ())
            return inner[steps[0][1]] if steps[0][1] < len(inner) else None
    while steps and name is not None:
        kind, key = steps.pop(0)
        if not (kind == "item" and isinstance(key, int)):
            return None
        elements = _elements(function, name)
        if elements is None:
            return f"{name}{key + 1}" if not steps else None
        name = elements[key] if key < len(elements) else None
    return name


@functools.lru_cache(maxsize=1024)
def _returned_tuples(function: Callable[..., Any], count: int) -> dict[int, list[str | None]]:
    """The names in tuples and lists that stand in the first return statement of so many values, by their place."""
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == count:
            parts = enumerate(node.value.elts)
            return {i: [_identifier(e) for e in p.elts] for i, p in parts if isinstance(p, ast.Tuple | ast.List)}
    return {}


def return_names(function: Callable[..., Any], count: int) -> list[str | None]:
    """The names in the first return statement that returns so many values."""
    rows = _returns(getattr(function, "__func__", function))
    return next((list(names) for names in rows if len(names) == count), [None] * count)


@functools.lru_cache(maxsize=1024)
def _returns(function: Callable[..., Any]) -> list[list[str | None]]:
    """The names in each return statement of a function, of inner functions last."""
    found = []
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.Return) and node.value is not None:
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            found.append([_identifier(value) for value in values])
    return found


def _identifier(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call) and node.args and not _called(node)[:1].isupper():  # float(J), np.squeeze(cost)
        return _identifier(node.args[0])
    return None


def _called(node: ast.Call) -> str:
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


@functools.lru_cache(maxsize=1024)
def _elements(function: Callable[..., Any], name: str) -> list[str | None] | None:
    """The names of which a tuple or list was made: cache = (Z1, A1, Z2, A2)."""
    for node in ast.walk(tree(function)):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Tuple | ast.List)
            and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
            and node.value.elts
        ):
            return [_identifier(element) for element in node.value.elts]
    return None


# ---- what the source says --------------------------------------------------------------------------------------------


def tree(function: Any) -> ast.AST:
    """The syntax of a function or class; empty where its source cannot be had."""
    return _tree(getattr(function, "__func__", function))


@functools.lru_cache(maxsize=512)
def _tree(function: Any) -> ast.AST:
    if isinstance(made_of := getattr(function, "tree", None), ast.AST):
        return made_of
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ast.Module(body=[], type_ignores=[])


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


def reached(functions: Sequence[Any]) -> list[Any]:
    """The functions, and those of their file that they call, told by name: `layer.backward` is every backward."""
    found, waiting = list[Any](), list(functions)
    while waiting:
        function = waiting.pop(0)
        if function in found:
            continue
        found.append(function)
        namespace = getattr(inspect.unwrap(function), "__globals__", {})
        called = {_called(node) for node in ast.walk(tree(function)) if isinstance(node, ast.Call)}
        waiting += [f for f in _functions_in(namespace) if f.__name__ in called]
    return found


def _functions_in(namespace: Mapping[str, Any]) -> list[Any]:
    """The functions of a file and the methods of its classes."""
    own = [v for v in namespace.values() if getattr(v, "__module__", None) == namespace.get("__name__")]
    methods = [f for made in own if inspect.isclass(made) for f in vars(made).values() if inspect.isfunction(f)]
    return [v for v in own if inspect.isfunction(v)] + methods


def updated_in(function: Any) -> set[str]:
    """The names that a function adds to or subtracts from: w1 of `w1 = w1 - rate * d` and of `w1 -= rate * d`."""
    found = set()
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            if isinstance(value.op, ast.Add | ast.Sub) and ast.unparse(value.left) == ast.unparse(target):
                found |= {target.id} if isinstance(target, ast.Name) else set()
    return found


def repeats(function: Any) -> bool:
    """Whether a function goes round a loop as often as it says itself, so that it cannot be stopped after one turn."""
    nodes = list(ast.walk(tree(function)))
    assigned = [n for n in nodes if isinstance(n, ast.Assign) and _is_many(n.value)]
    fixed = {t.id for n in assigned for t in n.targets if isinstance(t, ast.Name)}
    for node in nodes:
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and _called(node.iter) in ("range", "trange"):
            count = node.iter.args[-1 if len(node.iter.args) < 3 else 1]
            named = isinstance(count, ast.Name) and count.id in fixed
            if (_is_many(count) or named) and any(
                isinstance(n, ast.For | ast.AugAssign | ast.Call) for n in ast.walk(node)
            ):
                return True
    return False


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


def handed_out(function: Any) -> set[str]:
    """The names under which a function returns or stores arrays: in its return statements, as keys, as attributes."""
    found = {name for row in _returns(getattr(function, "__func__", function)) for name in row if name}
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.Dict):
            found |= {key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            key = node.slice if isinstance(node, ast.Subscript) else ast.Constant(node.attr)
            found |= {name} if (name := _key_begins(key)) else set()
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Call) and _called(node.value) == "dict":
            found |= {keyword.arg for keyword in node.value.keywords if keyword.arg}
    return found


def taken_apart(function: Any) -> dict[str, list[str]]:
    """{argument: names} of what a function takes apart into names: `W1, b1, W2, b2 = params`."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree(function)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and isinstance(node.targets[0], ast.Tuple):
            names = [part.id for part in node.targets[0].elts if isinstance(part, ast.Name)]
            if node.value.id in argument_names(function) and len(names) == len(node.targets[0].elts):
                found.setdefault(node.value.id, names)
    return found


@functools.lru_cache(maxsize=1024)
def containers_in(function: Any) -> set[str]:
    """The names of what a function takes apart, or looks up by keys: memo of `X, Z1 = memo` and of memo["Z1"]."""
    looked_up = {
        node.value.id
        for node in ast.walk(tree(function))
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and _key_begins(node.slice)
    }
    return looked_up | set(taken_apart(function))


def _key_begins(key: ast.expr) -> str:
    """dW of "dW", "dW" + str(k), f"dW{k}" and "dW%d" % k."""
    if isinstance(key, ast.JoinedStr) and key.values:
        key = key.values[0]
    elif isinstance(key, ast.BinOp):
        key = key.left
    return key.value.partition("%")[0] if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""


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


def returns_nothing(function: Any) -> bool:
    """Whether a function has no return statement that gives something."""
    return not _returns(getattr(function, "__func__", function))


def beginnings_in(function: Any) -> set[str]:
    """The strings from which keys are made: W of parameters["W" + str(l)] and of f"W{l}"."""
    found = set()
    for node in ast.walk(tree(function)):
        parts = (
            node.values[:1] if isinstance(node, ast.JoinedStr) else [node.left] if isinstance(node, ast.BinOp) else []
        )
        found |= {p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)}
    return found


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
