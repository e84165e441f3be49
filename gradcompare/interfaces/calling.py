"""Call a function of the file by what its arguments are called, and name what it returns.

Arguments are found by their own name, by their role (`words.ARGUMENTS`), and what is left in the order in which such
functions take their arguments. What is returned is named by the keys of dicts, by the attributes of objects, and by
the names in the `return` statement and in the statements that made the tuples it returns.
"""

from __future__ import annotations

import ast
import copy
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gradcompare.interfaces import dataflow, driver, meaning, paths, source, usage, words

ALWAYS = ("learning_rate", "regularisation", "epochs", "batch_size", "quiet", "targets", "keep")
"""Roles that are filled even where the argument has a default."""


def with_slope(function: Callable[..., Any], slope: Any) -> dict[str, Any]:
    """What is known where a gradient comes from above: under the arguments' own names too, that what they are without
    one, dout=1, does not count."""
    own = [name for name in source.signature(function) if words.role_of_argument(name) == "slope"]
    return dict.fromkeys(["slope", *own], slope)


class CannotCallError(TypeError):
    """An argument whose role cannot be told from its name."""


def _words(known: Mapping[str, Any]) -> list[int]:
    """The places of the words that are given, where single ones are."""
    from gradcompare.interfaces import values  # which calls functions itself

    given = [word for role in ("inputs", "targets") if (word := known.get(role)) is not None]
    places = [np.asarray(values.plain(word)) for word in given]
    return [int(place) for place in places if place.ndim == 0 and place.dtype.kind in "iu"]


def call(function: Callable[..., Any], known: Mapping[str, Any], in_order: Sequence[str] = ()) -> Any:
    """Call a function with what its arguments' names ask for; those that say nothing get `in_order` what is left.

    Raises CannotCallError for an argument without a default that is not known.
    """
    given, unknown = _given(function, known)
    used = {role for role in in_order if any(value is known.get(role) for value in given.values())}
    left = [role for role in in_order if role not in used and role in known]
    labels = meaning.held_against(function) | {name for name in unknown if words.is_of_labels(name)}
    for name in reversed([name for name in unknown if name not in labels]):  # settings come last
        too_many = len(unknown) > len(left) or words.is_setting(name)
        if too_many and (value := usage.told(function, name) or usage.places(function, name, _words(known))):
            given[name] = value[0]
            unknown.remove(name)
    says_otherwise = any(meaning.role_of(function, name) in ("parameters", "biases") for name in unknown)
    says_otherwise |= any(name in labels and role != "targets" for name, role in zip(unknown, left, strict=False))
    if len(unknown) > len(left) or says_otherwise:
        what = ", ".join(repr(name) for name in unknown)
        raise CannotCallError(f"{getattr(function, '__name__', 'it')} takes {what}, and it cannot be told what that is")
    given |= {name: known[role] for name, role in zip(unknown, left, strict=False)}
    positional = [given.pop(name) for name, p in source.signature(function).items() if p.kind is p.POSITIONAL_ONLY]
    variable = [known["cache"]] if _takes_variable(function) and "cache" in known and not given else []
    result = function(*positional, *variable, **given)
    return list(result) if isinstance(result, Iterator) else result  # reversed(gradients)


def _trains(function: Callable[..., Any]) -> bool:
    return words.role_of_function(getattr(function, "__name__", "").strip("_")) == "update"


def _takes_all_else(function: Callable[..., Any], returned: Mapping[str, Any]) -> bool:
    """Whether a function takes the inputs and, under their own names, several of the arrays that forward returned."""
    names = source.argument_names(function)
    arrays = [name for name in names if paths.is_array(returned.get(name))]
    return len(arrays) > 1 and any(meaning.role_of(function, name) == "inputs" for name in names)


def _takes_variable(function: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_POSITIONAL for p in source.signature(function).values())


def _given(function: Callable[..., Any], known: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What is known for the arguments, and the names of those that need a value and have none."""
    plain = {words.plain(key): key for key in reversed(list(known))}
    given: dict[str, Any] = {}
    unknown: list[str] = []
    outputs, sizes = _outputs_among_targets(function, known), _sizes(function)
    counts = source.counts_in(function) if _trains(function) else ()
    plain_function = getattr(function, "__func__", function)
    for name, parameter in source.signature(function).items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        role = meaning.role_of(function, name) or ("epochs" if name in counts and name not in sizes else None)
        if name in outputs:
            given[name] = outputs[name]
            continue
        optional = parameter.default is not parameter.empty
        other = role is not None and name in words.ARGUMENTS and name != role  # samples, classes: inputs and targets
        keys = (None, None, role) if other else (name, plain.get(words.plain(name)), role, sizes.get(name))
        key = next((k for k in keys if k is not None and k in known), None)
        if role == "output" and name in source.containers_in(function) and isinstance(known.get("cache"), Mapping):
            key = "cache"  # output["A2"]: all that forward has returned
        described = None if optional else driver.structure(plain_function, name)
        data, samples = meaning.data_in(plain_function, name), meaning.samples_in(plain_function, name)
        called = None if optional or name in known else driver.function_for(plain_function, name)
        if called is not None:
            given[name] = called
        elif described is not None:
            given[name] = described
        elif data:
            given[name] = tuple(known[role] for role in data)
        elif samples and not optional and set(samples) <= set(known):
            given[name] = [tuple(known[role] for role in samples)]
        elif role == "training" and not optional:
            given[name] = True
        elif optional and words.is_guard(name, parameter.default):
            continue
        elif key is not None and not (optional and key == role and role not in ALWAYS):
            given[name] = known[key]
        elif not optional and "cache" in known and name in source.containers_in(function):
            given[name] = known["cache"]
        elif not optional and role is None and (looked_at := words.role_in_validation(name)) in known:
            given[name] = known[str(looked_at)]
        elif not optional and role is None and (told := driver.told(plain_function, name)):
            given[name] = copy.deepcopy(told[0])
        elif not optional:
            unknown.append(name)
    return given, unknown


def _sizes(function: Callable[..., Any]) -> dict[str, str]:
    """What arguments that ask for widths are given: of several hidden layers each its own."""
    plain_function = getattr(function, "__func__", function)
    arrays = {*usage.arrays_in(plain_function), *usage.multiplied_in(plain_function)}
    names = [name for name in source.signature(function) if name not in arrays]
    roles = {name: role for name in names if (role := words.role_of_size(name))}
    hidden = [name for name, role in roles.items() if role == "hidden"]
    numbered = {name: f"size hidden {i}" for i, name in enumerate(hidden, start=1)} if len(hidden) > 1 else {}
    words_known = dict.fromkeys(filter(words.counts_words, names), "classes")
    return {name: f"size {role}" for name, role in roles.items()} | numbered | words_known


def _outputs_among_targets(function: Callable[..., Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Of several arguments that are called like labels (t and y) those that forward has just returned, else y; and the
    labels of a function that trains, or is given besides what forward returned, where it calls them outputs."""
    alike = [name for name in source.signature(function) if meaning.role_of(function, name) == "targets"]
    returned = known.get("returned", {})
    if not alike and (_trains(function) or _takes_all_else(function, returned)):  # train(inputs, outputs)
        alike = [name for name in source.signature(function) if _OUTPUTS.match(words.plain(name))]
        return {name: known["targets"] for name in alike if "targets" in known and name not in returned}
    if len(alike) == 1 and paths.is_array(returned.get(alike[0])) and "targets" in known:
        unknown = [n for n in source.signature(function) if meaning.role_of(function, n) is None and n not in known]
        return {alike[0]: returned[alike[0]], unknown[0]: known["targets"]} if len(unknown) == 1 else {}  # y - d
    if len(alike) < 2:
        return {}
    if hot := [name for name in alike if words.ONE_HOT.search(words.plain(name))]:
        classes = _classes(known)
        return {name: classes for name in alike if name not in hot} if classes is not None else {}
    found = {name: returned[name] for name in alike if name in returned}
    return found or {name: known["output"] for name in alike if name.lower() == "y" and "output" in known}


def _classes(known: Mapping[str, Any]) -> Any:
    """The classes 0, 1, ... of labels that have a 1 in the place of their class; None of any others."""
    from gradcompare.interfaces import values  # which calls functions itself

    Y = values.plain(known["targets"]) if "targets" in known else np.zeros(0)
    if Y.ndim != 2 or 1 in Y.shape:
        return None
    axis = 1 if len(Y) == known.get("samples") else 0
    return np.argmax(Y, axis=axis) if np.all(np.sum(Y == 1, axis=axis) == 1) else None


_OUTPUTS = re.compile(r"^out(puts?)?(list|array|arr|vector|data|values?)?$")
"""What training calls labels that are no outputs of its own, without underscores."""


def method(thing: Any, name: str) -> Any:
    """A method of an object or a class by the name that its source has: __backward is kept as _Net__backward."""
    if name.startswith("__") and not name.endswith("__"):
        classes = (thing if isinstance(thing, type) else type(thing)).__mro__
        kept = (f"_{made.__name__.lstrip('_')}{name}" for made in classes)
        name = next((private for private in kept if hasattr(thing, private)), name)
    return getattr(thing, name)


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
        name = own = _name(function, result, path) or paths.label(_from_dict(result, path)) or "result"
        if name in taken:
            name = ".".join(str(key) for _, key in path)
        found.append((name if name not in taken else f"{own}.{len(found)}", path, array))
        taken.add(found[-1][0])
    return found


def _from_dict(result: Any, path: paths.Path) -> paths.Path:
    """The path without the place in a tuple of the only dict in it: return {"dw": dw}, cost."""
    dicts = [part for part in result if isinstance(part, Mapping)] if isinstance(result, tuple) else []
    return path[1:] if len(dicts) == 1 and result[path[0][1]] is dicts[0] else path


def _name(function: Callable[..., Any], result: Any, path: paths.Path) -> str | None:
    """The name that the source gives to what is at a path of nested tuples and lists."""
    names = return_names(function, len(result)) if isinstance(result, tuple) else return_names(function, 1)
    steps = list(path)
    name = names[0] if not isinstance(result, tuple) else None
    if isinstance(result, tuple) and steps:
        first = steps.pop(0)[1]
        name = names[first]
        if name is None and len(steps) == 1 and isinstance(steps[0][1], int):  # return A2, (Z1, A1, Z2)
            inner = _returned_tuples(function, len(result)).get(first, ())
            return inner[steps[0][1]] if steps[0][1] < len(inner) else None
    while steps and name is not None:
        kind, key = steps.pop(0)
        if not (kind == "item" and isinstance(key, int)):
            return None
        parts = elements(function, name)
        if parts is None:
            return f"{name}{key + 1}" if not steps else None
        name = parts[key] if key < len(parts) else None
    return name


@source.kept
def _returned_tuples(function: Callable[..., Any], count: int) -> dict[int, list[str | None]]:
    """The names in tuples and lists that stand in the first return statement of so many values, by their place."""
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == count:
            parts = enumerate(node.value.elts)
            return {i: [source.identifier(e) for e in p.elts] for i, p in parts if isinstance(p, ast.Tuple | ast.List)}
    return {}


def return_names(function: Callable[..., Any], count: int) -> list[str | None]:
    """The names in the first return statement that returns so many values."""
    rows = source.returned_names(function)
    return next((list(names) for names in rows if len(names) == count), [None] * count)


def made_last(function: Callable[..., Any], count: int, among: Sequence[int]) -> int | None:
    """Which of so many values that a function returns is computed last: A of `Z = W @ X; A = f(Z); return A, Z`."""
    return _made_last(source.tree(function), count, tuple(among))


@functools.lru_cache(maxsize=1024)
def _made_last(tree: ast.AST, count: int, among: tuple[int, ...]) -> int | None:
    assigned = [n for n in ast.walk(tree) if isinstance(n, ast.Assign | ast.AugAssign | ast.AnnAssign)]
    order = {name: node.lineno for node in assigned for name in dataflow.names_bound(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == count:
            made = {i: _line(node.value.elts[i], order) for i in among}
            last = [i for i, line in made.items() if line == max(made.values())]
            return last[0] if len(last) == 1 else None
    return None


def _line(value: ast.expr, order: Mapping[str, int]) -> int:
    """Where what is returned was last assigned; what is no name is made in the return statement itself."""
    return order.get(value.id, 0) if isinstance(value, ast.Name) else value.lineno


@source.kept
def elements(function: Callable[..., Any], name: str) -> list[str | None] | None:
    """The names of which a tuple or list was made: cache = (Z1, A1, Z2, A2)."""
    for node in ast.walk(source.tree(function)):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Tuple | ast.List)
            and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
            and node.value.elts
        ):
            return [source.identifier(element) for element in node.value.elts]
    return None
