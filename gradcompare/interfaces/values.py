"""What the forward call gives: the output, the cost, and named values on the way; and gradients of those."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from gradcompare.interfaces import calling, paths, source, words

if TYPE_CHECKING:
    from gradcompare.interfaces.session import Session

Namers = dict[paths.Path, str]
"""Names of values that have none in the source, by where they are in what forward returns."""

_COST_NAME = re.compile(r"cost|loss|^j$|error|objective|^l$|^e$|nll|total", re.IGNORECASE)
_OUTPUT_NAME = re.compile(
    r"^(a_?l|a_?out|y_?hat|y_?pred\w*|pred\w*|probs?|probabilities|out(put)?s?\w*|o|scores|logits|final\w*|h_?x?"
    r"|decoded?|recon\w*|x_?hat)$",
    re.IGNORECASE,
)


def is_output(name: str) -> bool:
    """Whether something is called like the output of a network."""
    return bool(_OUTPUT_NAME.match(name))


@source.kept
def returns_its_output(function: Callable[..., Any]) -> bool:
    """Whether all that a function returns is called like an output: `return final_outputs`, `return outputs[-1]`."""
    parts = [node.value if isinstance(node, ast.Subscript) else node for node in source.returned(function)]
    rows = source.returned_names(function)
    return (
        bool(rows) and all(len(row) == 1 for row in rows) and all(is_output(source.identifier(p) or "") for p in parts)
    )


def output_and_cost(
    function: Callable[..., Any],
    result: Any,
    root: Any,
    inputs: Mapping[str, Any],
    entries: int,
    *,
    with_cost: bool | None = None,
) -> tuple[Any, Any]:
    """The output, which has so many entries, and, where forward gives it, the cost: returned, else stored.

    `with_cost`: whether it gives one, where that is known from another network: one number may be either.
    """
    own = {id(value) for value in inputs.values()}
    parts = list(result) if isinstance(result, tuple) else [result]
    arrays = [(i, part) for i, part in enumerate(parts) if paths.is_array(part) and id(part) not in own]
    if with_cost is None:
        with_cost = _scalars(arrays, inputs) or _is_beside_an_output(function, arrays, entries)
    single = [part for _, part in arrays if np.size(part) == 1] if with_cost else []
    single.sort(key=np.ndim)  # of one unit and one sample the output is one number too, and mostly in an array
    cost = single[0] if single else None
    wide = [(i, part) for i, part in arrays if part is not cost]
    if not wide and cost is None:
        in_steps = _side_by_side(parts, entries)
        if in_steps is not None:
            return in_steps, None
        inner = _nested(function, result, own) or _stored(root, inputs) or _stored_last(function, root, entries)
        fitting = [array for array in inner if np.size(array) == entries] or inner
        return (fitting[-1], None) if inner else (None, None)
    if not wide:
        return cost, cost
    beside = len(wide) < len(parts) and isinstance(result, tuple)  # a cache: the output stands first
    if len(wide) > 1 and isinstance(result, tuple):
        wide = [(i, part) for i, part in wide if np.size(part) == entries] or wide
    names = dict(enumerate(calling.return_names(function, len(parts))))
    named = [part for i, part in wide if _OUTPUT_NAME.match(str(names.get(i) or ""))]
    if named:
        return named[-1], cost
    if beside:
        return wide[0][1], cost
    last = calling.made_last(function, len(parts), [i for i, _ in wide if not _is_slope(names.get(i))])
    return next((part for i, part in wide if i == last), wide[-1][1]), cost


def _side_by_side(parts: list[Any], entries: int) -> Any:
    """The outputs of all steps, a row each, where the last container of as many entries holds one after another:
    ys[t]; None where there is none."""
    for part in reversed(parts):
        counted = isinstance(part, Mapping) and all(isinstance(key, int) for key in part)
        steps = list(part.values()) if counted else part if isinstance(part, list) else []
        alike = len(steps) > 1 and all(map(paths.is_array, steps)) and len({np.size(step) for step in steps}) == 1
        if alike and len(steps) * np.size(steps[0]) == entries:
            from gradcompare.tracing.traced_array import TracedArray, torch_numpy  # needs torch

            rows = [step.reshape(1, -1) for step in steps]
            return (torch_numpy if isinstance(steps[0], TracedArray) else np).concatenate(rows, axis=0)
    return None


def one_hot_like(labels: Any, output: Any) -> Any:
    """Labels that are classes, as an array that lies as the output does; None where they are no whole numbers, or the
    output has not one entry for each of them and each class."""
    if np.ndim(labels) != 1 or plain(labels).dtype.kind not in "iu":
        return None
    shape = np.shape(output)
    axes = [axis for axis, n in enumerate(shape) if n == np.size(labels)] if len(shape) == 2 else []
    classes = shape[1 - axes[-1]] if axes else 0
    if classes < 2 or classes <= max(plain(labels)):
        return None
    hot = (labels == np.arange(classes)[:, np.newaxis]) * 1.0
    return hot if axes[-1] == 1 else hot.T


def _is_slope(name: str | None) -> bool:
    """Whether something is called a derivative, kept for the way back."""
    return bool(re.match(r"d([A-Z_]|[azhwxy]|eriv)|grad|slope|mask", name or ""))


def _scalars(arrays: list[tuple[int, Any]], inputs: Mapping[str, Any]) -> bool:
    """Whether one number among the results can be a cost, and is not the output of one unit for one sample."""
    X = inputs["X"]
    return np.ndim(X) == 2 and min(np.shape(X)) > 1 and any(np.size(part) == 1 for _, part in arrays)


def _is_beside_an_output(function: Callable[..., Any], arrays: list[tuple[int, Any]], entries: int) -> bool:
    """Whether what is given labels returns one number beside an output of several: of one sample, too, a cost."""
    sizes = [np.size(part) for _, part in arrays]
    labelled = "targets" in map(words.role_of_argument, source.argument_names(function))
    return labelled and entries > 1 and entries in sizes and sizes.count(1) == 1


def _nested(function: Callable[..., Any], result: Any, own: set[int]) -> list[Any]:
    """What may be the output in a dict or a list that forward returns, the likeliest last."""
    chosen = _in_mapping(result, own) if isinstance(result, Mapping) else []
    if chosen:
        return chosen
    lists = [part for part in result if isinstance(part, list)] if isinstance(result, tuple) else []
    if lists:  # activations, pre-activations
        result = _list_of_outputs(function, result, lists, own)
    return [array for _, array in paths.walk(result) if id(array) not in own]


def _in_mapping(held: Mapping[Any, Any], own: set[int]) -> list[Any]:
    """What is called like an output in a dict, else the last of its activations; nothing where neither is there."""
    numbered = {k: v for k, v in held.items() if paths.is_array(v) and id(v) not in own}
    best = [v for k, v in numbered.items() if _OUTPUT_NAME.match(str(k))]
    activations = sorted((k for k in numbered if re.match(r"^[ahz]_?\d+$", str(k), re.IGNORECASE)), key=_order)
    return best[-1:] or [numbered[k] for k in activations[-1:]]


def _list_of_outputs(function: Callable[..., Any], result: tuple[Any, ...], lists: list[Any], own: set[int]) -> Any:
    """Of lists over the layers that of the activations: which begins with the inputs, else is called so, else is added
    to last, else stands first."""
    begun = [part for part in lists if part and id(part[0]) in own]
    if len(begun) == 1 and len(lists) > 1:
        return begun[0]
    names = calling.return_names(function, len(result))
    by_name = {name: part for name, part in zip(names, result, strict=True) if name and isinstance(part, list)}
    named = [part for name, part in by_name.items() if re.match(r"a($|[ls_\d]|ct)", name, re.I)]
    added = source.appended_in(function)
    last = sorted(by_name, key=lambda name: added.get(name, 0))[-1:] if set(by_name) <= set(added) else []
    return (named or [by_name[name] for name in last] or lists)[0]


def _order(key: Any) -> tuple[int, bool]:
    found = re.search(r"(\d+)$", str(key))
    return (int(found[1]) if found else 0), str(key).lower().startswith(("a", "h"))


def _stored(root: Any, inputs: Mapping[str, Any]) -> list[Any]:
    """What an object stores that is called like an output."""
    own = {id(value) for value in inputs.values()}
    stored = [(path, array) for path, array in paths.walk(root) if id(array) not in own and np.ndim(array)]
    named = [array for path, array in stored if len(path) == 1 and _OUTPUT_NAME.match(paths.label(path))]
    kept = [held for held in getattr(root, "__dict__", {}).values() if isinstance(held, Mapping)]
    return named[-1:] or [array for held in kept[::-1] for array in _in_mapping(held, own)][:1]


def _stored_last(function: Callable[..., Any], root: Any, entries: int) -> list[Any]:
    """What an object stores, in one of so many entries, in the statement that comes last in a function."""
    held = getattr(root, "__dict__", {})
    assigned = [node for node in ast.walk(source.tree(function)) if isinstance(node, ast.Assign | ast.AnnAssign)]
    order = sorted(assigned, key=lambda node: node.lineno)
    names = [node.attr for one in order for node in ast.walk(one) if _is_stored(node)]
    return [held[n] for n in names if paths.is_array(held.get(n)) and np.size(held[n]) == entries][-1:]


def _is_stored(node: ast.AST) -> TypeGuard[ast.Attribute]:
    """Whether it is self.a, which is given a value."""
    is_attribute = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    return is_attribute and ast.unparse(node).startswith("self.")


def cost_in(function: Callable[..., Any], result: Any) -> Any:
    """The one number in a result that is a cost: by its name, else the first."""
    if paths.is_array(result):
        return result
    single = [(name, array) for name, _, array in calling.entries(function, result) if np.size(array) == 1]
    if not single and isinstance(result, tuple | list):
        single = [("", array) for _, array in paths.walk(result) if np.size(array) == 1]
    called_so = [(name, array) for name, array in single if _COST_NAME.search(name)]
    whole = _made_of_another(function, frozenset(name for name, _ in called_so)) if len(called_so) > 1 else frozenset()
    named = [array for _, array in sorted(called_so, key=lambda pair: pair[0] not in whole)]
    bare = [a for name, a in single if np.ndim(a) == 0 and not re.match(r"d|g", name) and not is_output(name)]
    return (named or bare or [None])[0]


@source.kept
def returns_a_cost(function: Callable[..., Any]) -> bool:
    """Whether something that a function returns is called a cost."""
    return any(name and _COST_NAME.search(name) for row in source.returned_names(function) for name in row)


@source.kept
def _made_of_another(function: Callable[..., Any], names: frozenset[str]) -> frozenset[str]:
    """Of these names those whose values are made of another's: cost, of `cost = loss + penalty`."""
    found = set()
    for node in ast.walk(source.tree(function)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            read = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)} - {node.targets[0].id}
            found |= {node.targets[0].id} if read & names else set()
    return names & found


def cache_in(result: Any, named: Mapping[str, Any]) -> Any:
    """What forward hands to backward beside the output: what is called so, else the first that is no array."""
    called = [part for name, part in named.items() if words.plain(name) in ("cache", "caches")]
    if called and not paths.is_array(called[0]):
        return called[0]
    parts = list(result) if isinstance(result, tuple) else [result]
    return next((part for part in parts if isinstance(part, Mapping | list | tuple) or _is_own_object(part)), result)


def _is_own_object(part: Any) -> bool:
    """Whether it is an object of a class of the file: a dataclass that holds what backward reads."""
    return not paths.is_array(part) and hasattr(part, "__dict__") and not callable(part)


def values_of(function: Callable[..., Any], result: Any, session: Session, namers: Namers) -> dict[str, Any]:
    """Every named value that the forward call returned or stored, parameters and inputs left out."""
    own = {id(value) for value in session.inputs.values()} | {id(a) for _, a in paths.walk(session.known["inputs"])}
    known = {words.plain(name) for name in session.inputs}
    found: dict[str, Any] = {}
    for name, path, array in calling.entries(function, result):
        name = namers.get(path[1:], name)
        if id(array) not in own and words.plain(name) not in known and np.ndim(array):
            found.setdefault(name, array)
    if session.root is not None and hasattr(session.root, "__dict__"):
        for path, array in paths.walk(session.root):
            name = namers.get(path) or paths.label(path)
            if id(array) in own or not np.ndim(array) or words.plain(name) in known:
                continue
            if paths.index(path) is None or re.match(r"^[az]\d+$", name, re.IGNORECASE):
                found.setdefault(name, array)
    return {name: array for name, array in found.items() if name[:1].isalpha() and _may_be_value(name)}


def _may_be_value(name: str) -> bool:
    """Whether something is called as a value may be that went forward: last_totals is kept of the last time."""
    kept = re.sub(r"^last_", "", name)
    return not words.NO_PARAMETER.search(kept)


def namers(session: Session, sizes: tuple[int, ...], m: int) -> Namers:
    """Names for values in lists of caches, one cache a layer, by their shapes: Z1 has n_1 units.

    Of two arrays of a layer's own width the first is Z and the second A; of the width before it is the A before.
    """
    found: Namers = {}
    for path, array in paths.walk(session.known["cache"]):
        layer, taken = paths.index(path[:1]), set(found.values())
        if np.ndim(array) != 2 or layer is None or not 0 <= layer < len(sizes) - 1 or len(path) < 2:
            continue
        width = next((n for n in array.shape if n != m), m)
        if width == sizes[layer + 1]:
            name = next((n for n in (f"Z{layer + 1}", f"A{layer + 1}") if n not in taken), None)
        else:
            name = f"A{layer}" if width == sizes[layer] and m in array.shape and layer else None
        if name is not None and m in array.shape and name not in taken:
            found[path] = name
    return found


def claims(left: Mapping[str, Any], named: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Gradients of values (dZ2, dA1, dX) among what is left, under "d" and the value's own name.

    dA1 may be the gradient of A1 or, by an older convention, of A0: of what has its shape.
    """
    known = {words.plain(name): (name, array) for name, array in {**named, "X": inputs["X"]}.items()}
    names: dict[str, Any] = {}
    older = any(_older(words.plain(name), array, known) for name, array in left.items())
    for name, array in left.items():
        word = words.plain(name)
        if older and (found := re.fullmatch(r"da(\d+)", word)):
            word = f"da{int(found[1]) - 1}"
        target = known.get(word[1:]) if word.startswith("d") else None  # dA0 is left out: it may carry the factor m
        if target is not None and np.shape(array) == np.shape(target[1]):
            names.setdefault(f"d{target[0]}", array)
    return names


def _older(word: str, array: Any, known: Mapping[str, tuple[str, Any]]) -> bool:
    found = re.fullmatch(r"da(\d+)", word)
    if found is None or int(found[1]) == 0:
        return False
    same, before = known.get(word[1:]), known.get(f"a{int(found[1]) - 1}" if found[1] != "1" else "x")
    fits = same is not None and np.shape(same[1]) == np.shape(array)
    return not fits and before is not None and np.shape(before[1]) == np.shape(array)


def equal(array: Any, other: Any) -> bool:
    """Whether two arrays hold the same numbers, traced ones too."""
    return bool(np.array_equal(plain(array).astype(np.float64), plain(other).astype(np.float64), equal_nan=True))


def of_lists(result: Any) -> Any:
    """What a function returned, with an array for each list of numbers, or of rows of one length: grad.tolist()."""
    if isinstance(result, dict):
        return {key: of_lists(part) for key, part in result.items()}
    if isinstance(result, tuple):
        made = [of_lists(part) for part in result]
        return type(result)(*made) if hasattr(result, "_fields") else tuple(made)
    if not isinstance(result, list) or not result:
        return result
    parts = [of_lists(part) for part in result]
    shapes = {np.shape(part) if paths.is_array(part) else None for part in parts}
    if len(shapes) > 1 or None in shapes:
        return parts
    if all(isinstance(part, int | float | np.ndarray) for part in parts):
        return np.array(parts)
    from gradcompare.tracing.traced_array import array  # needs torch, which is loaded where there are tensors

    return array(parts)


def plain(array: Any) -> np.ndarray:
    """The numbers of an array, out of what traces it."""
    tensor = getattr(array, "tensor", array)
    tensor = getattr(tensor, "value", tensor)
    if not hasattr(tensor, "detach"):
        return np.asarray(tensor)
    from gradcompare.tracing.traced_array import (
        plain as numbers,  # needs torch, which is loaded where there are tensors
    )

    return numbers(array)


def traced_too(root: Any, inputs: Iterable[Any]) -> Any:
    """A root whose other arrays can be written into by what is traced, where the inputs are: self.hidden[:, 1:] =
    sigmoid(...)."""
    if not any(hasattr(array, "tensor") for array in inputs):
        return root
    from gradcompare.tracing.traced_array import from_numpy  # needs torch

    for path, array in list(paths.walk(root)):
        if isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.ndim:
            root = paths.put(root, path, from_numpy(array))
    return root
