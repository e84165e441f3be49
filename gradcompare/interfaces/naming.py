"""Names for the parameters under a root, and which of the arrays that a program leaves is the gradient of which.

Shapes decide where names do not: on trial networks all widths and the number of samples differ, so that a shape
belongs to one parameter only.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcompare.interfaces import paths, words

Places = dict[str, list[paths.Path]]
"""Where each parameter is; in several places where the same array is held more than once."""

_WEIGHT_WORD = re.compile(r"^(w|weights?|theta|kernel|syn\w*|coef\w*|ws|thetas|params?|mat\w*)$", re.IGNORECASE)
_BIAS_WORD = re.compile(r"^(b|bias|biases|bs|beta|intercepts?_?)$", re.IGNORECASE)


def places_of(root: Any, ignored: Iterable[Any] = ()) -> Places:
    """The arrays under a root that may be parameters, by name, in the order of the layers.

    `ignored`: arrays that are something else (X, Y).
    """
    groups: dict[int, list[paths.Path]] = {}
    found = dict(paths.walk(root)) if not paths.is_array(root) else {}
    for path, array in found.items():
        if _is_gradient_beside(path, found):
            continue
        number = len(path) == 1 and isinstance(array, float) and isinstance(root, dict)
        if not (number or _may_be_parameter(path, array)) or any(_same(array, other) for other in ignored):
            continue
        groups.setdefault(id(array) if hasattr(array, "shape") and not np.isscalar(array) else id(path), []).append(
            path
        )
    listed = [min(group, key=_clumsiness) for group in groups.values()]
    names = _unique(_names(root, listed), listed)
    return dict(zip(names, groups.values(), strict=True))


def _is_gradient_beside(path: paths.Path, found: Mapping[paths.Path, Any]) -> bool:
    """Whether what it is called the gradient of stands beside it: dgamma beside gamma."""
    kind, word = path[-1]
    begins = words.GRADIENT.match(word) if isinstance(word, str) else None
    of = found.get((*path[:-1], (kind, word[begins.end() :]))) if begins else None
    return of is not None and np.shape(of) == np.shape(found[path])


def _names(root: Any, listed: list[paths.Path]) -> list[str]:
    """Names for the arrays at these paths; in one flat list, W1, b1, W2, b2, each letter is counted by itself."""
    letters = _letters(root, listed)
    if not all(len(path) == 1 and path == _layer(path) for path in listed):
        beside = _numbers_beside(listed)
        return [_name(path, letters[path], beside) for path in listed]
    counted = list(letters.values())
    return [f"{name}{counted[: i + 1].count(name)}" for i, name in enumerate(counted)]


def _letters(root: Any, listed: list[paths.Path]) -> dict[paths.Path, str]:
    """W or b for each; what stands in the same place of every layer is of one kind, also where there is one output."""
    letters = {path: letter(path, paths.get(root, path)) for path in listed}
    weights = {_in_layer(path) for path, found in letters.items() if found == "W" and len(_in_layer(path)[1])}
    return {path: "W" if _in_layer(path) in weights else found for path, found in letters.items()}


def _in_layer(path: paths.Path) -> tuple[paths.Path, paths.Path]:
    """What holds the layers, and where in a layer something is."""
    layer = _layer(path) or ()
    return layer[:-1], path[len(layer) :]


def _may_be_parameter(path: paths.Path, array: Any) -> bool:
    floating = isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.size > 0
    number = isinstance(array, float) or (type(array) is int and array == 0)  # b = 0, which a step makes a fraction of
    called_so = _BIAS_WORD.match(paths.word(path)) or words.WEIGHT.match(paths.label(path))
    floating |= isinstance(array, np.floating) or (number and bool(called_so))
    strings = [str(key) for kind, key in path if kind == "attr" or isinstance(key, str)]
    moments = any(words.MOMENTS.match(name) for name in strings[:-1])
    data = path[:1] == path and path[0][0] == "attr" and words.role_of_argument(strings[0]) in ("inputs", "targets")
    return floating and not moments and not data and not any(words.NO_PARAMETER.search(name) for name in strings)


def is_weight(name: str, array: Any) -> bool:
    """Whether it is a matrix, or a vector that is called like weights: those of one unit."""
    return np.ndim(array) == 2 or (
        np.ndim(array) == 1 and bool(re.match(r"(w|weights?|theta|coef)(_|\d|$)", name, re.I))
    )


def is_bias(name: str) -> bool:
    """Whether something is called like a bias."""
    return bool(
        _BIAS_WORD.match(name) or words.BIAS.match(name) or re.search(r"^b_\w|^bias|_bias$", name, re.IGNORECASE)
    )


def _same(array: Any, other: Any) -> bool:
    return np.shape(array) == np.shape(other) and bool(np.all(np.asarray(array) == np.asarray(other)))


def _clumsiness(path: paths.Path) -> tuple[bool, int]:
    name = paths.label(path)
    return not (words.WEIGHT.match(name) or words.BIAS.match(name)), len(path)


def _layer(path: paths.Path) -> paths.Path | None:
    """The part of a path up to the number that says which layer it is of."""
    numbers = [i for i, (kind, key) in enumerate(path) if kind == "item" and isinstance(key, int)]
    return path[: numbers[0] + 1] if numbers else None


def _numbers_beside(listed: list[paths.Path]) -> dict[paths.Path, dict[Any, int]]:
    """By what holds layers, which layer each of its numbers is, from 1."""
    numbers: dict[paths.Path, set[Any]] = {}
    for layer in filter(None, map(_layer, listed)):
        numbers.setdefault(layer[:-1], set()).add(layer[-1][1])
    return {holder: {n: i for i, n in enumerate(sorted(found), 1)} for holder, found in numbers.items()}


def _name(path: paths.Path, kind: str, beside: dict[paths.Path, dict[Any, int]]) -> str:
    layer = _layer(path)
    return paths.label(path) if layer is None else f"{kind}{beside[layer[:-1]][layer[-1][1]]}"


def letter(path: paths.Path, array: Any) -> str:
    """W or b, by the name on the path, else by the shape."""
    word = words.GRADIENT_END.sub("", paths.word(path)) or paths.word(path)
    if _BIAS_WORD.match(words.GRADIENT.sub("", word)) or words.plain(word).endswith(("bias", "biases")):
        return "b"
    if word and _WEIGHT_WORD.match(words.GRADIENT.sub("", word)) and words.plain(word) not in ("params", "param"):
        return "W"
    return "W" if np.ndim(array) == 2 and 1 not in np.shape(array) else "b"


def _unique(names: list[str], where: list[paths.Path]) -> list[str]:
    """Different names: where two are alike, with the name of what holds them."""
    twice = {name for name, count in Counter(names).items() if count > 1 or name in ("", "X", "Y", "J")}
    unique: list[str] = []
    for name, path in zip(names, where, strict=True):
        if name in twice:
            strings = [str(key) for kind, key in path if kind == "attr" or isinstance(key, str)]
            name = "_".join(strings[-2:]) or "p"
        tries = itertools.chain([name], (f"{name}_{i}" for i in itertools.count(2)))
        unique.append(next(n for n in tries if n not in unique and n not in ("X", "Y", "J")))
    return unique


# ---- gradients -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slot:
    """Where a gradient ends up."""

    where: str
    """ "returned", "stored", "change" (of the parameter, over the learning rate)."""
    path: paths.Path
    name: str


Candidates = list[tuple[Slot, Any]]


def shortest(candidates: Candidates) -> Candidates:
    """Of the ways to the same attribute of the same object, through neighbours that know each other, the shortest."""
    ways: dict[tuple[int, Any], int] = {}
    for slot, array in candidates:
        if slot.where == "stored":
            end = id(array), slot.path[-1]
            ways[end] = min(len(slot.path), ways.get(end, len(slot.path)))
    return [
        (slot, array)
        for slot, array in candidates
        if slot.where != "stored" or len(slot.path) == ways[id(array), slot.path[-1]]
    ]


def match(places: Places, shapes: Mapping[str, tuple[int, ...]], candidates: Candidates) -> dict[str, Slot]:
    """The likeliest gradient of each parameter: first by name and shape together, then by either."""
    returned = {
        name for name in places for slot, _ in candidates if slot.where == "returned" and likeness(name, slot.name) == 3
    }
    scored = sorted(
        (
            (_score(name, shapes[name], slot, array, places), -i, name, slot)
            for name in places
            for i, (slot, array) in enumerate(candidates)
            if slot.where != "stored" or name not in returned  # what is returned under its name is it, of any shape
        ),
        key=lambda row: row[:2],
        reverse=True,
    )
    found: dict[str, Slot] = {}
    for score, _, name, slot in scored:
        if score > 0 and name not in found and slot not in found.values():
            found[name] = slot
    missing = [name for name in places if name not in found]
    left = [
        slot for slot, _ in candidates if slot.where == "returned" and slot not in found.values() and _nameless(slot)
    ]
    if missing and len(missing) == len(left):  # in order, where nothing else helps
        found |= dict(zip(missing, left, strict=True))
    return {name: found[name] for name in places if name in found}


def without_numbers(parameters: Iterable[str], result: Any) -> dict[str, str]:
    """What is returned under the name of a parameter's gradient and is no array of real numbers, in words."""
    parts = result if isinstance(result, tuple) else (result,)
    returned = [(str(key), value) for part in parts if isinstance(part, Mapping) for key, value in part.items()]
    nothing = [(key, v) for key, v in returned if v is not None and not any(True for _ in paths.walk(v))]
    return {
        name: f"an array of dtype {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
        for name in parameters
        for key, value in nothing
        if likeness(name, key) == 3
    }


_PREFERRED = {"returned": 0.3, "stored": 0.2, "local": 0.1, "change": -2.0}


def _score(name: str, shape: tuple[int, ...], slot: Slot, array: Any, places: Places) -> float:
    named = likeness(name, slot.name)
    if named < 3 and any(likeness(other, slot.name) == 3 for other in places):
        return 0.0  # it says itself that it is another's
    says_so = words.GRADIENT.match(slot.name) or words.GRADIENT_END.search(slot.name)
    if slot.where == "stored" and not named and not says_so:
        return 0.0
    if not named and _OF_INPUTS.match(words.plain(slot.name)):
        return 0.0
    if np.shape(array) == shape:
        return 5 + named + _PREFERRED[slot.where]
    return named + _PREFERRED[slot.where] if named >= 2 and not _of_a_value(slot.name) else 0.0


_GRADIENT_OF = r"d|d(loss|cost|error|err)d?|grads?|gradients?|nabla|delta|g|dj_?d|dl_?d|partial"


def likeness(parameter: str, gradient: str) -> int:
    """How much a gradient's name is that of a parameter's: 3 the same but for "d", "grad", ...; 2 it holds it."""
    name, own = (_of_one_layer(words.plain(name)) for name in (gradient, parameter))
    if name == own or re.fullmatch(rf"({_GRADIENT_OF}){re.escape(own)}", name):
        return 3
    one = re.sub(r"(?<=weight)s$|(?<=bias)es$", "", own)  # weight_deltas of weights
    if re.fullmatch(
        rf"d?({re.escape(own)}|{re.escape(one)})(grads?|gradients?|d|deltas?|prime|derivs?|derivatives?)", name
    ):
        return 3
    for whole in _WHOLE:
        if re.fullmatch(whole, own) and re.fullmatch(rf"({_GRADIENT_OF})({whole})(mean|avg|average|sum|total)?", name):
            return 2
    return 2 if len(own) > 1 and own in name else 0


_WHOLE = (r"w(eights?)?", r"b(ias(es)?)?")
"""What weights and biases are called in full, and in one letter: db is a gradient of biases."""


def _of_one_layer(name: str) -> str:
    """dw1 for what stands first in a list dws, or grad_weights; weight_input_hidden for weights_input_hidden."""
    name = re.sub(r"(weight)s(?=[a-z])|(bias)es(?=[a-z])", lambda m: m[1] or m[2], name)
    return re.sub(r"(w)(?:s|eights?)(?=\d+$)|(b)(?:s|ias(?:es)?)(?=\d+$)", lambda m: m[1] or m[2], name)


def _of_a_value(name: str) -> bool:
    return bool(re.match(r"d_?[azhxo]l?\d*$", name, re.IGNORECASE) or _OF_INPUTS.match(words.plain(name)))


_OF_INPUTS = re.compile(
    r"(d|grad|gradient|delta|error)(of)?(inputs?|prev(ious)?)$|(inputs?|prev(ious)?)(errors?|grads?|gradients?|deltas?)$"
)
"""The gradient of what a layer is given, without underscores: input_error, which it returns."""


def _nameless(slot: Slot) -> bool:
    return not _of_a_value(slot.name)


def stored_name(path: paths.Path, array: Any, parameters: Mapping[paths.Path, str]) -> str:
    """The name of an array that an object stores: as a parameter's, where it lies beside parameters in a list, or where
    only "grad" in its path is another word in that of one parameter: layer.grads["beta"] and layer.params["beta"]; or
    beside it in one object, under its name there: layer.dW beside layer.W, whatever that W is called in all."""
    twins = {name for place, name in parameters.items() if _is_twin(path, place)}
    if not twins and len(path) > 1:
        of_object = {place: name for place, name in parameters.items() if paths.parent(place) == paths.parent(path)}
        twins = {n for place, n in of_object.items() if likeness(str(place[-1][1]), str(path[-1][1])) == 3}
    if len(twins) == 1:
        return f"d{twins.pop()}"
    layer = _layer(path)
    if layer is None:
        return paths.label(path)
    word = paths.word(path)
    beside = [p for p in parameters if (numbered := _layer(p)) and numbered[:-1] == layer[:-1]] or parameters
    layers = sorted({numbered[-1][1] for p in beside if (numbered := _layer(p))})
    if layer[-1][1] not in layers:
        return f"{word}{layer[-1][1] + 1}"
    number = layers.index(layer[-1][1]) + 1
    gradient = words.GRADIENT.match(word) or words.GRADIENT_END.search(word)
    name = f"d{letter(path, array)}" if gradient or not word else word
    return f"{name}{number}"


_GRADIENTS = re.compile(r"^_?(d|d_?params?|grads?|gradients?)$", re.IGNORECASE)
_VALUE = re.compile(r"^_?(data|values?|val|array|arr|tensor|param(eter)?s?)$", re.IGNORECASE)
"""What the numbers of an object that keeps its gradient are called: p.data beside p.grad."""


def _is_twin(path: paths.Path, parameter: paths.Path) -> bool:
    """Whether one lies in the gradients as the other does in the parameters; layer.grad beside layer.W is of no one."""
    differ = [one for one, other in zip(path, parameter, strict=False) if one != other]
    if len(path) != len(parameter) or len(differ) != 1:
        return False
    of_itself = differ[0] is not path[-1] or bool(_VALUE.match(str(parameter[-1][1])))
    return of_itself and bool(_GRADIENTS.match(str(differ[0][1])))


def updated_name(name: str, path: paths.Path, places: Places, array: Any, inputs: Mapping[str, Any]) -> str | None:
    """The parameter whose new value a returned array is, after an update; one that a gradient of another shape has
    spread is the parameter still."""
    word = re.sub(
        r"^(new|updated|next)_?|_?(new|updated|next)$|(_?(history|hist|list|trace|path|iter)_?)\d+$", "", name
    )
    for parameter, where in places.items():
        same = words.plain(word) == words.plain(parameter) or any(path == p or path[1:] == p for p in where)
        if same and (np.shape(array) == np.shape(inputs[parameter]) or _is_spread(array, inputs[parameter])):
            return parameter
    return None


def _is_spread(array: Any, parameter: Any) -> bool:
    """Whether it has the shape of a parameter from which more than one number was taken for each of its own."""
    own, new = np.shape(parameter), np.shape(array)
    own = (1, *own) if len(own) == 1 and len(new) == 2 else own
    return len(own) == len(new) and all(n == o or o == 1 for o, n in zip(own, new, strict=True))
