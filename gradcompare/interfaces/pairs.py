"""Layers as pairs of functions: affine_forward(x, w, b) -> (out, cache), affine_backward(dout, cache) -> (dx, dw, db).

A file of them has no network. Each pair is given arrays of its own; the cost is the sum over all pairs of output times
a fixed array, and that array is what each backward function gets. Losses with their own derivative, (x, y) -> (loss,
dx), are added to it as they are.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from gradcompare.interfaces import calling, driver, naming, offered, paths, sizing, source, words
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.holders import Instance
from gradcompare.interfaces.layouts import Layout
from gradcompare.interfaces.plans import Plan
from gradcompare.interfaces.session import Steps
from gradcompare.network import Network
from gradcompare.tracing.randomness import same_random_numbers

Function = Callable[..., Any]
OTHERS = {
    (4, 5): ((5, 3), (3, 5), (3,), (5,), (1, 3), (1, 5), (5, 1)),
    (2, 3, 6, 6): ((7, 3, 3, 3), (7,), (3,), (1, 3, 1, 1)),
    (2, 4, 4, 2): ((2, 2, 2, 3), (3,), (1, 1, 1, 3), (2,)),
    (6, 6, 2): ((4, 3, 3, 2), (4,), (3, 3, 2, 4)),
    (2, 6, 6): ((4, 2, 3, 3), (4,), (4, 1)),
}
"""By the shape of x, samples by features, by channels by height by width, by height by width by channels, and one image
of either kind, those of the other arrays; all numbers differ, so that few combinations run."""
MOST_ARRAYS = 3
_STATE, _GATES = 5, (1, 4, 3)
"""How wide a state is that goes from step to step, and how many gates lie side by side in its weights."""
_OF_SEQUENCES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((2, 4, 3), (2, _STATE)),
    ((2, 3), (2, _STATE)),
    ((4, 3), (1, _STATE)),
    ((4, 3), (_STATE,)),
)
"""Shapes of x and of a state: samples by steps by features, one step of each, and the steps of one sample."""
SETTINGS: dict[str, Any] = {
    "mode": "train", "stride": 2, "pad": 1, "p": 0.8, "eps": 1e-5, "momentum": 0.9, "seed": 0, "padding": 1,
    "pool_height": 2, "pool_width": 2, "f": 2, "keep_prob": 0.8, "dropout": 0.8, "training": True,
}  # fmt: skip
"""What a dict of settings holds, and what arguments of these names are given."""
_DICT = re.compile(r"(param|params|h(yper)?_?parameters?|config|opts?|options|settings)$")

_PARAMETER = re.compile(r"[wubv]\w{0,4}$|weights?|bias(es)?|kernel|gamma|beta", re.IGNORECASE)
"""What a key of a dict is called that holds weights or biases."""


class Layer(Protocol):
    """What a library is made of."""

    shapes: dict[str, tuple[int, ...]]

    @property
    def name(self) -> str:
        """What its arrays are told apart by."""

    def output(self, arrays: dict[str, Any]) -> tuple[Any, Any]:
        """Output, and the array that it is multiplied by."""

    def run(self, arrays: dict[str, Any]) -> tuple[Any, Any, tuple[Any, ...]]:
        """The same, and the gradients of the arrays in order."""


@dataclass
class Pair:
    """A layer's two functions, or a loss with its own derivative, and what they are given."""

    forward: Function
    backward: Function | None
    """None for a loss."""
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Of the arguments that are differentiated."""
    fixed: dict[str, Any] = field(default_factory=dict)
    inside: dict[str, list[str]] = field(default_factory=dict)
    """Of the arguments that are dicts of arrays, the keys."""
    slopes: dict[str, int] = field(default_factory=dict)
    """Of the arguments of the backward function that are gradients of outputs, which output it is."""
    kind: dict[str, Any] = field(default_factory=dict)
    """What both functions are told alike: mode="average"."""
    samples: int = 1
    """What the gradients of all arrays but the first are divided by, where what backward is given is the gradient of a
    sum over so many samples and theirs are those of the mean: a convention."""
    called: str = ""
    """What its arrays are told apart by, where the name of its forward function does not say it."""

    @property
    def name(self) -> str:
        """affine of affine_forward; pool_average of one of several kinds."""
        return self.called or "_".join([re.sub(r"_?forward_?", "", self.forward.__name__), *self.kind.values()])

    def output(self, arrays: dict[str, Any]) -> tuple[Any, Any]:
        """Output, and the array that it is multiplied by."""
        result = self._ahead(arrays)
        return (result[0], 1.0) if self.backward is None else side_by_side(*self._with_slopes(result))

    def _with_slopes(self, result: Any) -> tuple[list[Any], list[Any]]:
        """The outputs whose gradients the backward function is given, and these."""
        outputs = [result[place] for place in self.slopes.values()]
        return outputs, [slope_of(output, place) for place, output in enumerate(outputs)]

    def _ahead(self, arrays: dict[str, Any]) -> Any:
        """What the forward function returns."""
        fixed = {k: dict(v) if isinstance(v, dict) else v for k, v in self.fixed.items()}
        kept = {k: {name: arrays[name] for name in names} for k, names in self.inside.items()}
        bare = {k: array for k, array in arrays.items() if not any(k in names for names in self.inside.values())}
        with same_random_numbers():
            result = self.forward(**bare, **kept, **fixed, **self.kind)
        return result if isinstance(result, tuple | list) else (result,)

    def run(self, arrays: dict[str, Any]) -> tuple[Any, Any, tuple[Any, ...]]:
        """Output, the array that it is multiplied by, and the gradients of the arrays in order."""
        result = self._ahead(arrays)
        if self.backward is None:
            return result[0], 1.0, result[1:]
        outputs, slopes = self._with_slopes(result)
        given = {name: slope.copy() for name, slope in zip(self.slopes, slopes, strict=True)}
        again = {**self.fixed, **arrays, **self.kind}
        given |= {n: again.get(n, result[-1]) for n in _needed(self.backward) if n not in given}
        gradients = self.backward(**{**given, **self.kind})
        first, *others = _in_order(self.backward, gradients, list(arrays))
        if self.samples > 1:
            others = [None if gradient is None else gradient * self.samples for gradient in others]
        return *side_by_side(outputs, slopes), (first, *others)


def _in_order(function: Function, returned: Any, names: list[str]) -> tuple[Any, ...]:
    """The gradients of arrays of these names: as they are returned, or, where some of them are in a dict, by name."""
    parts = returned if isinstance(returned, tuple) else (returned,)
    if not any(isinstance(part, dict) for part in parts):
        return parts
    named: dict[str, Any] = {}
    for name, part in zip(calling.return_names(function, len(parts)), parts, strict=True):
        named |= part if isinstance(part, dict) else {name or "": part}
    return tuple(next((named[key] for key in (f"d{n}", f"d_{n}", n) if key in named), None) for n in names)


def side_by_side(outputs: list[Any], slopes: list[Any]) -> tuple[Any, Any]:
    """One output as it is, several in one row; and their slopes."""
    if len(outputs) == 1:
        return outputs[0], slopes[0]
    rows = [np.concatenate([array.reshape(-1) for array in arrays]) for arrays in (outputs, slopes)]
    return rows[0], rows[1]


def slope_of(output: Any, place: int = 0, part: float = 1.0) -> Any:
    """Fixed numbers in the output's shape, traced as it is; of which only a part."""
    return np.zeros_like(output) + part * np.cos(np.arange(1.0, output.size + 1) + place).reshape(output.shape)


class Library:
    """All pairs of a file: an object that holds their arrays, as a network holds its parameters."""

    def __init__(self, pairs: Sequence[Layer]) -> None:
        self.pairs = _Kept(pairs)
        self.arrays = {f"{k}_{pair.name}": _numbers(shape) for pair in pairs for k, shape in pair.shapes.items()}

    def cost(self) -> Any:
        """The sum of every output times its array."""
        cost = 0.0
        for pair in self.pairs.items:
            output, slope = pair.output(self._arrays_of(pair))
            cost = cost + np.sum(output * slope)
        return cost

    def cost_and_gradients(self) -> Any:
        """The same, and the gradient of each array."""
        cost, gradients = 0.0, dict[str, Any]()
        for pair in self.pairs.items:
            output, slope, found = pair.run(self._arrays_of(pair))
            cost = cost + np.sum(output * slope)
            named = zip(pair.shapes, found, strict=False)
            gradients |= {f"d{k}_{pair.name}": array for k, array in named if array is not None}
        return cost, gradients

    def _arrays_of(self, pair: Layer) -> dict[str, Any]:
        return {k: self.arrays[f"{k}_{pair.name}"] for k in pair.shapes}


class _Kept:
    """Things that are shared by all copies, and in which there are no parameters."""

    __slots__ = ("items",)

    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items

    def __deepcopy__(self, _: Any) -> _Kept:
        return self


def library_of(interface: str, shelf: Shelf, functions: list[Function]) -> Driven:
    """The program that runs all of a library."""
    return Driven(interface, shelf, Steps("cost_and_gradients", "fused", cost_alone="cost"), functions)


class _LibraryPlan(Plan):
    """Makes the library, whatever the widths of the network."""

    def __init__(self, pairs: Sequence[Layer]) -> None:
        super().__init__({}, (1,))
        self.pairs = pairs

    def call(self, function: Callable[..., Any], network: Network, layout: Layout) -> Any:
        """A library of the pairs."""
        return Library(self.pairs)


class Shelf(Instance):
    """What holds the arrays of a library."""

    is_network = False

    def __init__(self, pairs: Sequence[Layer]) -> None:
        super().__init__(Library, _LibraryPlan(pairs))

    def places(self, root: Any, data: Iterable[Any]) -> naming.Places:
        """Every array that it holds, whatever it is called: prev_h is one that a gradient is returned of."""
        return {name: [(("attr", "arrays"), ("item", name))] for name in root.arrays}


def candidates(functions: list[Function]) -> Iterator[Driven]:
    """The library of a file's pairs, where there are any that run."""
    pairs = [fitted for pair in _pairs(functions) if (fitted := _fitted(pair)) is not None]
    if any(pair.backward is not None for pair in pairs):
        yield program(pairs)


def program(pairs: list[Pair]) -> Driven:
    """The library of these."""
    used = [f for pair in pairs for f in (pair.forward, pair.backward) if f is not None]
    return library_of("function-layers", Shelf(pairs), used)


def members(functions: list[Function]) -> list[Function]:
    """The functions of a file that are layers in pairs; none where there is one pair only, which may be a network."""
    pairs = [pair for pair in _pairs(functions) if pair.backward is not None]
    return [f for pair in pairs for f in (pair.forward, pair.backward) if f] if len(pairs) > 1 else []


def _pairs(functions: list[Function]) -> Iterator[Pair]:
    by_name = {f.__name__: f for f in functions}
    for name, function in by_name.items():
        other = by_name.get(name.replace("forward", "backward")) if "forward" in name else None
        if other is not None and other is not function and (slopes := _slopes_of(function, other)):
            yield from (Pair(function, other, slopes=slopes, kind=kind) for kind in _kinds(function, other))
        roles = [words.role_of_argument(argument) for argument in source.argument_names(function)]
        if roles == ["inputs", "targets"] and re.search("loss|cost|entropy", name):
            yield Pair(function, None)


def _needed(function: Function) -> list[str]:
    """The arguments without defaults."""
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
    ]


def _slopes_of(forward: Function, backward: Function) -> dict[str, int]:
    """Of the arguments of a function that are gradients of outputs, which output of the other it is: by its name, else
    the first; nothing where it takes more than these and what the other has kept, or was given."""
    taken = _needed(backward)
    slopes = [name for name in taken if incoming(name)]
    slopes = slopes[:-1] if slopes == taken else slopes
    if not slopes and len(taken) == 2 and words.role_of_argument(taken[0]) == "output":  # backward(output, cache)
        slopes = taken[:1]
    again = set(taken[len(slopes) :]) <= set(source.argument_names(forward))  # relu_backward(dout, x)
    if not slopes or (len(taken) - len(slopes) != 1 and not again):
        return {}
    returned = next((row for row in source.returned_names(forward) if len(row) > 1), [None])
    places = {slope: [i for i, n in enumerate(returned) if n and naming.likeness(n, slope) == 3] for slope in slopes}
    if len(slopes) == 1:
        return {slopes[0]: next(iter(places[slopes[0]]), 0)}
    return {slope: row[0] for slope, row in places.items()} if all(places.values()) else {}


def _kinds(forward: Function, backward: Function) -> list[dict[str, str]]:
    """What the two functions can be told in words by an argument that both have."""
    shared = set(inspect.signature(forward).parameters) & set(inspect.signature(backward).parameters)
    told = {name: list(dict.fromkeys(offered.compared(forward, {name}))) for name in sorted(shared)}
    name = next((name for name, said in told.items() if said), None)
    return [{}] if name is None else [{name: word} for word in told[name]]


def incoming(argument: str) -> bool:
    """Whether an argument is called like the gradient of an output."""
    return words.role_of_argument(argument) == "slope" or argument.startswith("d")


def _fitted(pair: Pair) -> Pair | None:
    """The pair with shapes for its arrays, and by how many samples it divides."""
    fitted = _shaped(pair)
    return fitted if fitted is None or fitted.backward is None else as_divided(fitted)


def as_divided(pair: Pair) -> Pair:
    """The pair, which has shapes, with the number of samples by which it divides."""
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        pair.samples = _divided_by(pair)
    return pair


def _divided_by(pair: Pair) -> int:
    """By what all gradients but the first are too small, if that is a number of samples; else 1."""
    arrays = {name: _numbers(shape) for name, shape in pair.shapes.items()}
    output, slope, gradients = pair.run({name: array.copy() for name, array in arrays.items()})
    ratios = []
    for name, gradient in list(zip(arrays, gradients, strict=False))[1:]:
        step = 1e-6 * np.cos(np.arange(arrays[name].size)).reshape(arrays[name].shape)
        ends = [np.sum(pair.run(arrays | {name: arrays[name] + side * step})[0] * slope) for side in (1, -1)]
        claimed = 0.0 if gradient is None else 2 * np.sum(gradient * step)
        ratios += [float((ends[0] - ends[1]) / claimed)] if claimed else []
    counts = [n for n in (1, *np.shape(output)) if any(abs(ratio / n - 1) < 1e-4 for ratio in ratios)]
    return int(counts[0]) if counts else 1


def _shaped(pair: Pair) -> Pair | None:
    """The pair with shapes for its arrays, under which both functions run and gradients have their arrays' shapes."""
    if pair.backward is not None and (own := _as_the_file_calls_it(pair)) is not None:
        return own
    arrays: list[str] = []
    for name, parameter in inspect.signature(pair.forward).parameters.items():
        if name in pair.kind:
            continue
        if keys := _keys_of_arrays(pair.forward, name):
            pair.inside[name] = keys
            arrays += keys
        elif arrays and words.role_of_argument(name) == "targets":
            samples, classes = next(iter(OTHERS))
            pair.fixed[name] = np.arange(samples) % classes
        elif _DICT.search(name.lower()):
            pair.fixed[name] = SETTINGS
        elif parameter.default is not parameter.empty:
            continue
        elif arrays and name in SETTINGS:
            pair.fixed[name] = SETTINGS[name]
        else:
            arrays.append(name)
    if {"wx", "wh"} <= set(map(words.plain, arrays)):
        known = next((one for shapes in _recurrent(arrays) if runs(one := replace(pair, shapes=shapes))), None)
        return known if known is not None else _sized(pair, arrays)
    if len(arrays) > MOST_ARRAYS or pair.inside:
        return _sized(pair, arrays)
    for first, kinds in OTHERS.items():
        for others in itertools.product(kinds, repeat=len(arrays) - 1):
            pair.shapes = dict(zip(arrays, (first, *others), strict=True))
            if runs(pair):
                return pair
    return _sized(pair, arrays)


def _keys_of_arrays(function: Function, argument: str) -> list[str]:
    """The keys under which weights and biases are in an argument, in a function or in those that it hands it on to."""
    takers = [f for f in source.reached([function]) if argument in source.argument_names(f)]
    keys = list(dict.fromkeys(key for f in takers for key in source.keys_looked_up(f, argument)))
    return keys if any(map(_PARAMETER.match, keys)) and not set(keys) & set(SETTINGS) else []


def _sized(pair: Pair, arrays: list[str]) -> Pair | None:
    """The pair with shapes that are found by running it."""

    def run(shapes: dict[str, tuple[int, ...]]) -> None:
        replace(pair, shapes=shapes).run({name: _numbers(shape) for name, shape in shapes.items()})

    told = sizing.ranks_told(pair.forward)
    for ranks in sizing.ways_of(arrays, told):
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            one = replace(pair, shapes=sizing.shapes_that_run(ranks, run))
            if runs(one):
                return one
    return None


def _recurrent(arrays: list[str]) -> Iterator[dict[str, tuple[int, ...]]]:
    """Shapes of sequences, or of a step of each, a state that is called anything else, and its weights."""
    for (first, state), gates in itertools.product(_OF_SEQUENCES, _GATES):
        wide = gates * _STATE
        known = {"wx": (first[-1], wide), "wh": (_STATE, wide), "b": (wide,), "bias": (wide,)}
        others = {name: known.get(words.plain(name), state) for name in arrays[1:]}
        yield {arrays[0]: first} | others


def _as_the_file_calls_it(pair: Pair) -> Pair | None:
    """The pair with arrays of the shapes that the file itself gives the forward function, of two samples where it can
    be; None where the file does not call it, or not so that it runs."""
    given = driver.own_arguments(pair.forward)
    own = replace(pair, shapes={}, fixed={}, inside={})
    for name, value in given.items():
        if name in own.kind:
            continue
        if _is_array(value):
            own.shapes[name] = value.shape
        elif isinstance(value, dict) and value and all(map(_is_array, value.values())):
            own.inside[name] = list(value)
            own.shapes |= {key: array.shape for key, array in value.items()}
        else:
            own.fixed[name] = value
    if not own.shapes:
        return None
    samples = next(iter(own.shapes.values()), (0,))[:1]
    fewer = {k: (2, *shape[1:]) if shape[:1] == samples else shape for k, shape in own.shapes.items()}
    return next((one for one in (replace(own, shapes=fewer), own) if runs(one)), None)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 0


def runs(pair: Pair) -> bool:
    """Whether both functions run, and gradients have their arrays' shapes."""
    arrays = {name: _numbers(shape) for name, shape in pair.shapes.items()}
    try:
        with np.errstate(all="ignore"):
            output, _, gradients = pair.run({name: array.copy() for name, array in arrays.items()})
    except Exception:
        return False
    shapes = [
        a.shape if g is not None or not pair.inside else () for g, a in zip(gradients, arrays.values(), strict=False)
    ]
    found = [np.shape(g) if g is not None else () for g in gradients]
    return (
        paths.is_array(output)
        and found == shapes
        and len(found) == len(arrays)
        and any(g is not None for g in gradients)
    )


def _numbers(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape)
