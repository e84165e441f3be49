"""Cells of recurrent layers, each on its own: objects whose forward method takes a state beside its inputs, (x, h) or
(x, h, c), and whose backward method takes the gradients of what that returns, and returns those of what it took.

What their parameters are made of, widths or arrays, the constructor says; which shapes all fit is found by running.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradcompare.interfaces import chain, measured, naming, offered, paths, sizing, source, words
from gradcompare.interfaces.layouts import RATE
from gradcompare.interfaces.left_behind import found_after, held, kept, with_sums
from gradcompare.interfaces.pairs import side_by_side, slope_of
from gradcompare.tracing.randomness import same_random_numbers

STATES = (6, 4)
"""Of parameters that are handed to a constructor the widths of the state and of the inputs."""
GATES = (1, 4, 3)
"""How many gates lie side by side in weights that are handed to a constructor."""
SECONDS = 1.5
"""How long shapes are looked for, for one class."""
LIES: tuple[Callable[[int], tuple[int, ...]], ...] = (
    lambda width: (offered.SAMPLES, width),
    lambda width: (width, offered.SAMPLES),
    lambda width: (width,),
    lambda width: (width, 1),
    lambda width: (1, width),
)
"""Shapes of inputs or of a state of some width: several samples, or one."""
_WEIGHTS = re.compile(r"^[wuvb]\w{0,3}$|weight|bias", re.IGNORECASE)
_OF_STATE = re.compile(r"^(w|u|weights?)_?(hh?|r|rec|recurrent|hidden)$", re.IGNORECASE)

Shapes = dict[str, tuple[int, ...]]


@dataclass
class Cell:
    """A cell of one class, what it is made of, and what it is given."""

    made: type
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    slopes: dict[str, int]
    """Of the arguments of backward that are gradients of outputs, which output it is."""
    layer: Any = None
    given: Shapes = field(default_factory=dict)
    """Of the arguments of forward."""
    places: naming.Places = field(default_factory=dict)
    slots: dict[str, naming.Slot] = field(default_factory=dict)
    of_given: dict[str, int] = field(default_factory=dict)
    """Which of the arrays that backward returns is the gradient of an argument of forward."""
    shapes: Shapes = field(default_factory=dict)
    """Of all that there are gradients of."""
    samples: int = 1
    """See `pairs.Pair`."""
    left: list[str] = field(default_factory=list)
    """See `alone.Alone`."""
    is_bounded = False

    @property
    def name(self) -> str:
        """What its arrays are told apart by."""
        return self.made.__name__

    def output(self, arrays: Mapping[str, Any]) -> tuple[Any, Any]:
        """All outputs that backward is given the gradients of, in a row, and what they are multiplied by."""
        with same_random_numbers():
            _, outputs, slopes, _ = self._ahead(arrays, 1.0)
        return side_by_side(outputs, slopes)

    def run(self, arrays: Mapping[str, Any], part: float = 1.0) -> tuple[Any, Any, tuple[Any, ...]]:
        """The same, and the gradients of the arrays in order."""
        outputs, slopes, found, returned = self.ran(arrays, part)
        gradients = []
        for name in self.shapes:
            gradient = returned[self.of_given[name]] if name in self.of_given else found[self.slots[name]]
            many = self.samples if name not in self.of_given else 1
            gradients.append(gradient * many if many > 1 else gradient)
        return *side_by_side(outputs, slopes), tuple(gradients)

    def ran(self, arrays: Mapping[str, Any], part: float = 1.0) -> tuple[Any, Any, dict[naming.Slot, Any], list[Any]]:
        """Outputs, their gradients, all that may be gradients of parameters, and what backward returned, in order."""
        with same_random_numbers():
            layer, outputs, slopes, more = self._ahead(arrays, part)
            outputs, before = [kept(output) for output in outputs], held(layer)
            handed = {name: slope.copy() for name, slope in zip(self.slopes, slopes, strict=True)}
            for name in source.argument_names(self.backward):
                if name not in handed and name in more:
                    handed[name] = more[name]
            result = self.backward(layer, **handed)
        returned = list(result) if isinstance(result, tuple | list) else [result]
        of_given = [returned[place] for place in self.of_given.values()]
        return outputs, slopes, found_after(layer, self.backward, result, of_given, before, self.places), returned

    def _ahead(self, arrays: Mapping[str, Any], part: float) -> tuple[Any, list[Any], list[Any], dict[str, Any]]:
        """A cell that has gone forward, its outputs, their gradients, and what backward may be given beside these."""
        layer = copy.deepcopy(self.layer)
        for name, where in self.places.items():
            for path in where if name in arrays else ():
                layer = paths.put(layer, path, arrays[name].copy())
        given = {name: kept(arrays.get(name, _numbers(shape))) for name, shape in self.given.items()}
        traced = [array for array in arrays.values() if not isinstance(array, np.ndarray)]
        if traced:
            layer = with_sums(layer, np.sum(traced[0]) * 0.0)
        result = self.forward(layer, **given)
        parts = list(result) if isinstance(result, tuple | list) else [result]
        outputs = [parts[place] for place in self.slopes.values()]
        slopes = [slope_of(output, place, part) for place, output in enumerate(outputs)]
        left = [n for n in source.argument_names(self.backward) if n not in self.slopes and n not in given]
        rates = {n: RATE for n in left if words.role_of_argument(n) == "learning_rate"}
        caches = [one for place, one in enumerate(parts) if place not in self.slopes.values()]
        more = dict(zip((n for n in left if n not in rates), caches[::-1], strict=False))
        return layer, outputs, slopes, {**given, **rates, **more}


def found_in(classes: Iterable[type], functions: Sequence[Callable[..., Any]], until: float) -> Iterator[Cell]:
    """The cells of a file, each as it is right, else as it first ran; till that moment of `time.monotonic`."""
    for made in classes:
        cell = _cell_of(made)
        if cell is not None:
            with np.errstate(all="ignore"):
                best = _best(cell, functions, min(until, time.monotonic() + SECONDS))
            if best is not None:
                yield best


def is_cell(made: type) -> bool:
    """Whether objects of a class take a state beside their inputs on the way forward, and go back from gradients."""
    return _cell_of(made) is not None


def _cell_of(made: type) -> Cell | None:
    try:
        forward, backward = (chain.method_of(made, role) for role in ("forward", "backward"))
    except AttributeError:
        return None
    if not (source.has_source(forward) and source.has_source(backward)):
        return None
    taken, back = _needed(forward), _needed(backward)
    roles = [words.role_of_argument(name) for name in taken]
    if not 2 <= len(taken) <= 3 or {"targets", "parameters", "learning_rate", "slope"} & set(roles):
        return None
    if not any(map(_is_state, taken[1:])):
        return None
    slopes = [name for name in back if name not in taken and _is_slope(name)]
    others = [name for name in back if name not in slopes and name not in taken]
    others = [name for name in others if words.role_of_argument(name) != "learning_rate"]
    if not slopes or back[: len(slopes)] != slopes or len(others) > 1 or (others and _is_label(others[0])):
        return None
    return Cell(made, forward, backward, _places_of(slopes, forward), given=dict.fromkeys(taken, ()))


_STATE = re.compile(
    r"prev|last|state|hidden|context|^[hcsa]\d?$|^[hcsa]_?t?_?(1|minus1?|old|in|0)$|_t_?1$", re.IGNORECASE
)


def _is_state(name: str) -> bool:
    """Whether an argument is called like what was there a step before."""
    return words.role_of_argument(name) == "state" or bool(_STATE.search(name))


def _is_slope(name: str) -> bool:
    return words.role_of_argument(name) == "slope" or bool(re.match(r"d|grad|delta", name))


def _is_label(name: str) -> bool:
    return words.role_of_argument(name) == "targets"


def _needed(function: Callable[..., Any]) -> list[str]:
    """The arguments without defaults, but for self."""
    given = inspect.signature(function).parameters.values()
    names = source.argument_names(function)
    return [p.name for p in given if p.name in names and p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]


def _places_of(slopes: Sequence[str], forward: Callable[..., Any]) -> dict[str, int]:
    """Which output each of these is the gradient of: by their names, else one after the other."""
    returned = next((row for row in source.returned_names(forward) if len(row) > 1), [])
    found: dict[str, int] = {}
    for name in slopes:
        alike = [i for i, n in enumerate(returned) if n and naming.likeness(n, name) == 3 and i not in found.values()]
        if alike:
            found[name] = alike[0]
    return found if len(found) == len(slopes) else {name: place for place, name in enumerate(slopes)}


# ---- making one, and shapes that fit ---------------------------------------------------------------------------------


def _best(cell: Cell, functions: Sequence[Callable[..., Any]], end: float) -> Cell | None:
    """The cell as it is right, else as it first ran."""
    first: Cell | None = None
    for one in _made(cell, functions, end):
        fitted = None
        with contextlib.suppress(Exception):
            fitted = _with_slots(one)
        if fitted is not None:
            if measured.all_one(fitted):
                return fitted
            first = first or fitted
        if time.monotonic() > end:
            break
    return _grows_with_its_slope(first) if first is not None else None


def _made(cell: Cell, functions: Sequence[Callable[..., Any]], end: float) -> Iterator[Cell]:
    """Cells that run."""
    begin = cell.made.__init__  # type: ignore[misc]
    handed = [name for name in _needed(begin) if _WEIGHTS.search(name)] if inspect.isfunction(begin) else []
    if len(handed) > 1:
        yield from _of_arrays(cell, handed)
        return
    for given in offered.ways(cell.made, functions, {}):
        with contextlib.suppress(Exception), same_random_numbers():
            layer = cell.made(**{name: copy.deepcopy(value) for name, value in given.items()})
            yield from _sized(cell, layer, ((offered.IN, offered.OUT), (offered.OUT, offered.IN)))
        if time.monotonic() > end:
            return


def _of_arrays(cell: Cell, handed: Sequence[str]) -> Iterator[Cell]:
    """Cells that are handed their parameters."""
    state, width = STATES
    for gates in GATES:
        wide = gates * state
        for turned in (False, True):
            arrays = {name: _numbers(_shape_of(name, width, state, wide, turned)) for name in handed}
            with contextlib.suppress(Exception):
                yield from _sized(cell, cell.made(**arrays), ((width, state),))


def _shape_of(name: str, width: int, state: int, wide: int, turned: bool) -> tuple[int, ...]:
    if name[0] in "bB":
        return (wide, 1) if turned else (wide,)
    shape = (state if _OF_STATE.match(name) else width), wide
    return shape[::-1] if turned else shape


def _sized(cell: Cell, layer: Any, widths: Sequence[tuple[int, int]]) -> Iterator[Cell]:
    """The cell with shapes of inputs and states with which it goes forward and back: of these widths of the ones and
    the others, else of those that are found by running it."""
    places = naming.places_of(layer)

    def run(shapes: Shapes) -> None:
        replace(cell, layer=layer, given=shapes, places=places).ran({})

    for (width, state), lie in itertools.product(widths, LIES):
        shapes = {name: lie(state if place else width) for place, name in enumerate(cell.given)}
        with contextlib.suppress(Exception):
            run(shapes)
            yield replace(cell, layer=layer, given=shapes, places=places)
    for ranks in sizing.ways_of(list(cell.given), {}):
        with contextlib.suppress(Exception):
            yield replace(cell, layer=layer, given=sizing.shapes_that_run(ranks, run), places=places)


def _with_slots(one: Cell) -> Cell | None:
    """The cell with what its gradients are of, and where they are; None where there are none of the right shapes."""
    arrays = {name: _filled(np.array(paths.get(one.layer, where[0]))) for name, where in one.places.items()}
    outputs, _, found, returned = one.ran(arrays)
    if not all(paths.is_array(output) and np.isfinite(output).all() for output in outputs):
        return None
    one = replace(one, of_given=_of_given(one, returned))
    outputs, _, found, _ = one.ran(arrays)
    matter = [n for n in one.places if _has_effect(one, arrays, n, outputs)]
    places = {name: one.places[name] for name in matter}
    shapes = {name: np.shape(arrays[name]) for name in places}
    slots = naming.match(places, shapes, list(found.items()))
    if any(np.shape(found[slot]) != shapes[name] for name, slot in slots.items()):
        return None
    of_inputs = {name: one.given[name] for name in one.of_given}
    own = {name: shapes[name] for name in slots if name not in of_inputs}
    fitted = replace(one, places={n: places[n] for n in own}, slots=slots, shapes={**of_inputs, **own})
    if not own:
        return fitted if of_inputs and not matter else None
    found_ratios = measured.ratios(fitted)
    of_own = [ratio for name in own for ratio in found_ratios[name]]
    many = [n for n in dict.fromkeys(np.shape(outputs[0])) if n > 1 and measured.is_one([n * r for r in of_own])]
    return replace(fitted, samples=many[0] if many else 1)


def _of_given(one: Cell, returned: Sequence[Any]) -> dict[str, int]:
    """Which of the arrays that backward returns is the gradient of what forward is given: by its name, else the next
    one of that shape."""
    names = next((row for row in source.returned_names(one.backward) if len(row) == len(returned)), [None])
    found: dict[str, int] = {}
    for given, shape in one.given.items():
        free = [i for i, array in enumerate(returned) if i not in found.values() and np.shape(array) == shape]
        alike = [i for i in free if i < len(names) and names[i] and naming.likeness(given, str(names[i])) == 3]
        nameless = [i for i in free if i >= len(names) or not names[i]]
        if alike or nameless or (free and len(returned) == len(one.given)):
            found[given] = (alike or nameless or free)[0]
    return found


def _has_effect(one: Cell, arrays: Mapping[str, Any], name: str, outputs: Sequence[Any]) -> bool:
    """Whether an output depends on a parameter."""
    step = 0.37 * np.random.default_rng(3).standard_normal(np.shape(arrays[name]))
    moved = one.ran({**arrays, name: arrays[name] + step})[0]
    return any(np.shape(a) == np.shape(b) and not np.allclose(a, b) for a, b in zip(outputs, moved, strict=True))


def _grows_with_its_slope(one: Cell) -> Cell | None:
    """The cell, unless what it goes back from is no gradient, or is clipped on the way: then it is not known what
    else is done to it."""
    arrays = measured.arrays_for(one)
    once, half = (one.run(arrays, part)[2] for part in (1.0, 0.5))
    alike = [np.shape(a) == np.shape(b) and np.allclose(a, 2 * np.asarray(b)) for a, b in zip(once, half, strict=True)]
    return one if all(alike) else None


def _filled(array: np.ndarray) -> np.ndarray:
    """Numbers instead of zeros, from which nothing goes on."""
    return array if np.any(array) else _numbers(array.shape)


def _numbers(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape)
