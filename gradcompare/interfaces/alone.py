"""Layers each on its own: every class of a file that goes forward and back, made as its constructor lets it be made, in
every kind that the file offers by a word, and given a random gradient of its output.

What a network of them does not reach is reached so: a convolution, a pool, an activation that no default asks for, what
is done only in training. Of the ways to make one and of the shapes of its inputs that one counts under which it is
right, if there is any; what a layer leaves to its loss, its optimiser, or a clipping is not held against it.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradcompare.interfaces import (
    cells,
    chain,
    cost_pairs,
    lent,
    measured,
    naming,
    nodes,
    offered,
    paths,
    source,
    told,
    words,
)
from gradcompare.interfaces.derivatives import smooth
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.layouts import RATE
from gradcompare.interfaces.left_behind import found_after, held, kept, with_sums
from gradcompare.interfaces.measured import INPUTS, NEAR, arrays_for, is_one
from gradcompare.interfaces.offered import IN, SAMPLES
from gradcompare.interfaces.pairs import Shelf, library_of
from gradcompare.interfaces.warmed import warmed
from gradcompare.tracing import stood_in
from gradcompare.tracing.randomness import same_random_numbers

PLAIN = ((SAMPLES, IN), (IN, SAMPLES))
"""Shapes of inputs: rows that are samples, columns that are."""
IMAGES = ((IN, IN, IN, IN), (IN, IN, IN), (IN, IN))
"""In these no axis can be mistaken, whichever the file means by which."""
ONE = ((IN,), (IN, 1), (1, IN))
SECONDS = 0.8
"""How long ways to make a layer are looked for."""
SECONDS_IN_ALL = 4.0
_PROBABILITIES = re.compile(r"softmax|sigmoid|logistic", re.IGNORECASE)
_TERM = re.compile(r"lambda|lambd|decay|^l[12]|l[12]$|regulari[sz]")
_UNITS = re.compile(r"units|neurons|filters|kernels$|maps|depth|out", re.IGNORECASE)
SMALL = 1e-9
_LITTLE = 1e-6
"""Of so small a part of the output's gradient all others are small."""


@dataclass
class Alone:
    """One layer: an object of its class, what it is given, and where its gradients end up."""

    made: type
    kind: str
    """The words that were chosen for it."""
    layer: Any
    inputs: np.ndarray
    places: naming.Places = field(default_factory=dict)
    slots: dict[str, naming.Slot] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    samples: int = 1
    """See `pairs.Pair`."""
    left: list[str] = field(default_factory=list)
    """The parameters of which what there is, is no gradient alone, so that nothing is said of it."""
    ahead: str = ""
    """The attribute whose gradient backward is given, where it is not that of the output."""

    @property
    def forward(self) -> Any:
        """The method that goes forward."""
        return chain.method_of(self.made, "forward")

    @property
    def is_bounded(self) -> bool:
        """Whether it takes logarithms or roots, so that not all numbers will do."""
        return bool({"log", "log2", "sqrt", "clip"} & source.names_called(self.forward))

    @property
    def name(self) -> str:
        """What its arrays are told apart by."""
        return f"{self.made.__name__}_{self.kind}" if self.kind else self.made.__name__

    def output(self, arrays: Mapping[str, Any]) -> tuple[Any, Any]:
        """Output, and the array that it is multiplied by."""
        with same_random_numbers():
            _, _, output, slope, _ = self._ahead(arrays)
        return output, slope

    def run(self, arrays: Mapping[str, Any], part: float = 1.0) -> tuple[Any, Any, tuple[Any, ...]]:
        """Output, the array that it is multiplied by, and the gradients of the arrays in order."""
        output, slope, found, dX = self.ran(arrays, part)
        gradients = [dX if name == INPUTS else self._found(name, found, arrays) for name in self.shapes]
        if self.samples > 1:
            gradients = [g if n == INPUTS else g * self.samples for n, g in zip(self.shapes, gradients, strict=True)]
        return output, slope, tuple(gradients)

    def _slope(self, size: int) -> np.ndarray:
        """Fixed numbers; of backward code that looks for the one entry that is not 0, one."""
        numbers = np.cos(np.arange(1.0, size + 1))
        back = chain.method_of(self.made, "backward")
        one = any(source.skips_zeros_of(back, name) for name in source.argument_names(back))
        return numbers * (np.arange(size) == 1) if one else numbers

    def _found(self, name: str, found: Mapping[naming.Slot, Any], arrays: Mapping[str, Any]) -> Any:
        """A gradient; a step that is not gone is 0."""
        slot = self.slots[name]
        return found.get(slot, np.zeros_like(arrays[name])) if slot.where == "change" else found[slot]

    def ran(self, arrays: Mapping[str, Any], part: float = 1.0) -> tuple[Any, Any, dict[naming.Slot, Any], Any]:
        """Output, what it is multiplied by, all that may be gradients of parameters, and that of the inputs."""
        with same_random_numbers():  # backward draws others than forward
            layer, given, output, slope, cache = self._ahead(arrays, part)
            output, before = kept(output), held(layer)
            result = chain.result_of_backward(layer, slope.copy(), RATE, given, cache)
        dX = _gradient_of_inputs(layer, result, np.shape(given))
        back = chain.method_of(type(layer), "backward")
        return output, slope, found_after(layer, back, result, (dX,), before, self.places), dX

    def _ahead(self, arrays: Mapping[str, Any], part: float = 1.0) -> tuple[Any, Any, Any, Any, Any]:
        """A layer that has gone forward, what it was given, its output, what that is multiplied by, and what forward
        returned for the way back."""
        layer = copy.deepcopy(self.layer)
        for name, where in self.places.items():
            for path in where if name in arrays else ():
                layer = paths.put(layer, path, arrays[name].copy())  # it may be updated in place
        given = arrays.get(INPUTS)
        given = (self.inputs if given is None else given).copy()
        if not isinstance(given, np.ndarray):  # traced: what it adds to in place is to be traced too
            layer = with_sums(layer, np.sum(given) * 0.0)
        output, cache = chain.forward_of(layer, given)
        output = getattr(layer, self.ahead) if self.ahead else output
        slope = np.zeros_like(output) + part * self._slope(np.size(output)).reshape(np.shape(output))
        return layer, given, output, slope, cache


_UNSURE = "Not checked, since what is done to it is more, or less, than a gradient"


def _gradient_of_inputs(layer: Any, result: Any, shape: tuple[int, ...]) -> Any:
    parts = result if isinstance(result, tuple) else (result,)
    arrays = [part for part in parts if paths.is_array(part)]
    fitting = [part for part in arrays if np.shape(part) == shape]
    fitting += [part for part in arrays if len(arrays) == 1 and np.shape(part) == shape[::-1]]  # lies across it
    if arrays:
        return fitting[0] if fitting else None
    with contextlib.suppress(ValueError):
        return chain.kept_gradient_of_inputs(layer)
    return None


# ---- finding them ----------------------------------------------------------------------------------------------------


def program(namespace: Mapping[str, Any], but: Iterable[str] = ()) -> Driven | None:
    """All layers of a file each on its own, but those of these classes, and costs whose derivatives are wrong; None
    where there are none."""
    functions = [f for f in namespace.values() if inspect.isfunction(f)]
    classes = [c for c in namespace.values() if inspect.isclass(c) and not issubclass(c, BaseException)]
    classes = [made for made in classes if not issubclass(made, stood_in.Elementwise)]
    until = time.monotonic() + SECONDS_IN_ALL
    found: list[Alone] = []
    for made in dict.fromkeys(classes):
        if made.__name__ not in but and _may_be_alone(made):
            found += found_of(made, functions, until)
    others = [made for made in dict.fromkeys(classes) if made.__name__ not in but]
    found_cells = list(cells.found_in(others, functions, until))
    graph = list(nodes.found_in(others, until))
    held = list(cost_pairs.judged(functions, classes))
    costs = [pair for pair, is_right in held if not is_right]
    if not (found or found_cells or graph or costs):
        return None
    used = [f for one in found for f in _written_in(one.made)]
    used += [f for cell in found_cells for f in (cell.forward, cell.backward)]
    used += [f for node in graph for f in (node.made.forward, node.made.backward)]  # type: ignore[attr-defined]
    used += [f for pair in costs for f in (pair.forward, pair.backward) if f is not None]
    right = [pair.name for pair, is_right in held if is_right]
    return library_of("layers", Single([*found, *found_cells, *graph], costs, right), list(dict.fromkeys(used)))


class Single(Shelf):
    """The arrays of several layers, inside of the domain of those that take logarithms or roots."""

    def __init__(
        self,
        layers: Sequence[Alone | cells.Cell | nodes.Node],
        costs: Sequence[cost_pairs.CostPair] = (),
        right: Sequence[str] = (),
    ) -> None:
        super().__init__([*layers, *costs])
        self.stands_in = {
            f"{argument} of {one.made.__name__}": lent.says(argument)
            for one in layers
            for argument in inspect.signature(one.made).parameters
            if lent.lent(one.made, argument) is not None
        }
        """See `Plan`."""
        unsure = [f"{name} of {one.made.__name__}" for one in layers for name in one.left]
        self.says = [f"{_UNSURE}: {', '.join(dict.fromkeys(unsure))}."] if unsure else []
        self.right = list(right)
        """The names of the costs whose derivatives were held against them already, and are right."""
        self.bounded = {f"{INPUTS}_{one.name}" for one in layers if one.is_bounded}
        self.bounded |= {f"{pair.prediction}_{pair.name}" for pair in costs}

    def placed(self, name: str, array: np.ndarray) -> np.ndarray:
        """The array with its numbers where the functions are smooth."""
        return smooth(array) if name in self.bounded else array


def covered(program: Driven) -> list[str]:
    """The classes and the functions that are run each on its own."""
    run = [f.__qualname__.rpartition(".")[0] or f.__name__ for f in program.functions]
    return list(dict.fromkeys([*run, *getattr(program.holder, "right", [])]))


def is_accessory(made: type) -> bool:
    """Whether a class has no parameters and no layers of its own: a loss, an activation that goes with one."""
    starts = [f for name in ("__init__", *told.makers(made)) if (f := vars(made).get(name)) is not None]
    draws = any(source.names_called(start) & {*_DRAWS} for start in starts)
    return not (draws or chain.is_made_of_layers(made))


_DRAWS = ("randn", "rand", "random", "normal", "uniform", "zeros", "standard_normal", "append")


def _functions_of(made: type) -> list[Any]:
    return [chain.method_of(made, "forward"), chain.method_of(made, "backward")]


def _written_in(made: type) -> list[Any]:
    """The methods in which a layer goes forward and back: of one that is built on Torch's module its own."""
    if not issubclass(made, stood_in.Module):
        return _functions_of(made)
    own = [f for _, f in inspect.getmembers(made, inspect.isfunction) if f.__name__ not in vars(stood_in.Module)]
    return [f for f in own if words.plain(f.__name__) in stood_in.OF_MODULES]


def _may_be_alone(made: type) -> bool:
    """Whether a class goes forward from inputs and back from one gradient, and is none that others build on."""
    with contextlib.suppress(AttributeError):
        forward, backward = _functions_of(made)
        if not (source.has_source(forward) and source.has_source(backward)):
            return False
        ahead, back = ([words.role_of_argument(n) for n in source.argument_names(f)] for f in (forward, backward))
        asked = {"targets", "output", "parameters"}
        if any(words.role_of_argument(name) == "targets" for name in inspect.signature(made).parameters):
            return False
        return not (asked & {*ahead[1:], *back} or "targets" in ahead) and bool(back or _takes_any(backward))
    return False


def _takes_any(function: Any) -> bool:
    return any(p.kind is p.VAR_POSITIONAL for p in source.signature(function).values())


def found_of(made: type, functions: Sequence[Callable[..., Any]], until: float) -> Iterator[Alone]:
    """A layer in each kind of it that runs."""
    outputs: list[Any] = []
    for chosen in _choices(made):
        end = min(time.monotonic() + SECONDS, until)
        with np.errstate(all="ignore"):
            for best in _best(made, functions, chosen, end):
                output = best.run(arrays_for(best))[0]
                if not any(np.shape(o) == np.shape(output) and np.array_equal(o, output) for o in outputs):
                    outputs.append(output)
                    yield best


def _choices(made: type) -> list[dict[str, Any]]:
    """Each word that can be chosen, and none."""
    some = [{name: word} for name, said in offered.options(made).items() for word in said]
    return [{}, *some]


def _best(
    made: type, functions: Sequence[Callable[..., Any]], chosen: Mapping[str, Any], end: float
) -> Iterator[Alone]:
    """The layer as it is right, else as it first ran."""
    first: Alone | None = None
    kind = re.sub(r"\W", "_", "_".join(map(str, chosen.values())))
    for given in offered.ways(made, functions, chosen):
        ran = False
        for shape in _shapes(made):
            if time.monotonic() > end or (first is not None and shape in ONE and not _mixes(first)):
                break
            one = _fitted(made, kind, given, shape)
            if one is None:
                continue
            ran = True
            one, wrong = _given_what_is_ahead(one, _wrong_of(one))
            if not wrong and (first is None or shape not in IMAGES or _stays_right(made, kind, given, shape)):
                yield _with_more_units(made, kind, given, shape) or one
                return
            first = first or (_with_what_is_its_own(one, wrong) if wrong else None)
        if ran:
            break
    if first is not None:
        yield first


def _wrong_of(one: Alone) -> list[str]:
    return [name for name, some in measured.ratios(one).items() if not is_one(some)]


def _given_what_is_ahead(one: Alone, wrong: list[str]) -> tuple[Alone, list[str]]:
    """The layer with what is wrong of it; where that is all, and its output is a softmax, it may be given the gradient
    of a value on the way there, which it keeps: then with what is wrong of that."""
    if len(wrong) < len(one.shapes):
        return one, wrong
    with same_random_numbers():
        layer, _, output, _, _ = one._ahead(arrays_for(one))
    if not any(np.allclose(np.sum(output, axis=axis), 1) for axis in range(np.ndim(output))):
        return one, wrong
    alike = [n for n, value in vars(layer).items() if paths.is_array(value) and np.shape(value) == np.shape(output)]
    for name in (n for n in alike if n not in one.shapes and not np.array_equal(getattr(layer, n), output)):
        other = replace(one, ahead=name)
        with contextlib.suppress(Exception):
            still = _wrong_of(other)
            if len(still) < len(wrong):
                return other, still
    return one, wrong


def _stays_right(made: type, kind: str, given: Mapping[str, Any], shape: tuple[int, ...]) -> bool:
    """Whether a layer that is right where all axes are of one length is so with any of them of another, if it runs: the
    number of one may stand where that of another belongs."""
    others = [tuple(SAMPLES if i == axis else n for i, n in enumerate(shape)) for axis in range(len(shape))]
    fitted = [one for other in others if (one := _fitted(made, kind, given, other)) is not None]
    return not fitted or any(map(measured.all_one, fitted))


def _with_more_units(made: type, kind: str, given: Mapping[str, Any], shape: tuple[int, ...]) -> Alone | None:
    """A layer that is right where it has as many units as inputs, with more of them, if it is wrong then: the number of
    one may stand where that of the other belongs."""
    for name, units in given.items():
        wider = {**given, name: units + 1} if type(units) is int and _UNITS.search(name) else None
        one = _fitted(made, kind, wider, shape) if wider is not None else None
        wrong = [name for name, some in measured.ratios(one).items() if not is_one(some)] if one is not None else []
        if one is not None and wrong:
            return _with_what_is_its_own(one, wrong)
    return None


def _shapes(made: type) -> tuple[tuple[int, ...], ...]:
    """Shapes of inputs to try, the likeliest first."""
    methods = _functions_of(made)
    one = () if source.counts_samples(source.reached(methods)) or re.search("norm", made.__name__, re.I) else ONE
    image = re.search(r"conv|pool|2d", made.__name__, re.IGNORECASE)
    return (*IMAGES, *PLAIN, *one) if image else (*PLAIN, IMAGES[0], *one, *IMAGES[1:])


def _mixes(one: Alone) -> bool:
    """Whether the output for one sample depends on the others, whichever axis is theirs: a softmax of one vector."""
    output = one.run(arrays_for(one))[0]
    for axis in range(min(np.ndim(output), 2)):
        moved = one.inputs.copy()
        np.moveaxis(moved, axis, 0)[0] += 0.37
        other = one.run(arrays_for(one) | ({INPUTS: moved} if INPUTS in one.shapes else {}))[0]
        rest = np.moveaxis(np.asarray(output != other), axis, 0)[1:]
        if not np.any(rest):
            return False
    return True


def _fitted(made: type, kind: str, given: Mapping[str, Any], shape: tuple[int, ...]) -> Alone | None:
    """The layer made so and given that, if it runs and its gradients have the right shapes."""
    inputs = np.random.default_rng(1).standard_normal(shape)
    with contextlib.suppress(Exception):
        with same_random_numbers():
            layer, places = warmed(_made(made, given, inputs), inputs)
        return _with_slots(Alone(made, kind, layer, inputs, places))
    return None


def _made(made: type, given: Mapping[str, Any], inputs: np.ndarray) -> Any:
    """A layer in training, without terms that only its loss could show, and with the learning rate under test."""
    layer = made(**{name: copy.deepcopy(value) for name, value in given.items()})
    layer = told.told(layer, inputs.shape, (inputs.shape, IN))
    for name, value in list(vars(layer).items()):
        if isinstance(value, bool):
            if re.search("train", name, re.IGNORECASE):
                setattr(layer, name, True)
        elif isinstance(value, int | float):
            if words.role_of_argument(name) == "learning_rate":
                setattr(layer, name, RATE)
            elif words.role_of_argument(name) == "regularisation" or _TERM.search(name.lower()):
                setattr(layer, name, 0.0)
    return layer


def _with_slots(one: Alone) -> Alone | None:
    """The layer with what its gradients are of, and where they are."""
    arrays = {name: np.array(paths.get(one.layer, where[0])) for name, where in one.places.items() if name != INPUTS}
    arrays = {name: array if np.any(array) else _drawn(array) for name, array in arrays.items()}
    one.places = {name: one.places[name] for name in arrays}
    output, _, found, dX = one.ran(arrays)
    if not paths.is_array(output) or np.ndim(output) == 0 or not np.isfinite(output).all():
        return None
    if dX is not None and sorted(np.shape(dX)) != sorted(one.inputs.shape):
        return None
    matter = {name for name, array in arrays.items() if _has_effect(one, arrays, name, array, output)}
    one.places = {name: where for name, where in one.places.items() if name in matter}
    shapes = {name: np.shape(arrays[name]) for name in one.places}
    own = [(slot, array) for slot, array in found.items() if array is not dX]
    slots = naming.match(one.places, shapes, own)
    if any(np.shape(found[slot]) != shapes[name] for name, slot in slots.items()):
        return None
    one.slots = slots
    one.places = {name: where for name, where in one.places.items() if name in slots}
    one.shapes = {**({INPUTS: one.inputs.shape} if dX is not None else {}), **{n: shapes[n] for n in slots}}
    if not one.shapes:
        return None
    by_name = {name: some for name, some in measured.ratios(one).items() if name != INPUTS}
    ratios = [ratio for some in by_name.values() for ratio in some]
    counts = [n for n in dict.fromkeys(np.shape(output)) if n > 1 and ratios and is_one([n * r for r in ratios])]
    for name in [] if counts else [name for name, some in by_name.items() if not is_one(some)]:
        _take_another(one, name, [slot for slot, array in own if np.shape(array) == shapes[name]])
    one.samples = counts[0] if counts else 1
    return one


def _take_another(one: Alone, name: str, slots: Sequence[naming.Slot]) -> None:
    """Take for the gradient of a parameter another array of its shape, if one is right: than what an inner layer keeps
    the sum that the outer one makes of that, after one call and the other; than the step what that is made of."""
    first = one.slots[name]
    for slot in slots if _is_kept_by_an_inner_layer(one, first) or _are_of_steps(measured.ratios(one)[name]) else ():
        if slot not in one.slots.values():
            one.slots = {**one.slots, name: slot}
            if is_one(measured.ratios(one)[name]):
                return
    one.slots = {**one.slots, name: first}


def _are_of_steps(ratios: Sequence[float]) -> bool:
    """Whether what is called a gradient is the step along it, -learning_rate * dW, as a momentum keeps it."""
    return is_one([-ratio / RATE for ratio in ratios])


def _is_kept_by_an_inner_layer(one: Alone, slot: naming.Slot) -> bool:
    inside = slot.where == "stored" and len(slot.path) > 1
    return inside and "backward" in chain.methods_by_role(type(paths.get(one.layer, slot.path[:-1])))


def _has_effect(one: Alone, arrays: Mapping[str, Any], name: str, array: Any, output: Any) -> bool:
    """Whether the output depends on it, by more than rounding: that of attention on the bias of its keys does not."""
    step = 0.37 * np.random.default_rng(3).standard_normal(np.shape(array))
    moved = one.ran({**arrays, name: array + step})[0]
    return np.shape(moved) != np.shape(output) or not np.allclose(moved, output, rtol=1e-12, atol=1e-12)


def _drawn(array: np.ndarray) -> np.ndarray:
    """Other numbers than 0, from which nothing goes on."""
    return np.random.default_rng(array.size).standard_normal(array.shape)


def _with_what_is_its_own(one: Alone, wrong: Sequence[str]) -> Alone | None:
    """The layer with those gradients alone that it does not leave to others: a softmax that hands on what the loss
    gives it, a gradient that is clipped, a step of which it is not known what else is in it."""
    small, arrays = measured.ratios(one, 1e-3), arrays_for(one)
    _, slope, gradients = one.run(arrays)
    named = dict(zip(one.shapes, gradients, strict=True))
    still = dict(zip(one.shapes, one.run(arrays, 0.0)[2], strict=True))
    if any(np.any(np.abs(still[name]) > SMALL) for name in wrong if not _is_step(one, name)):
        return None  # what it goes back from is no gradient
    little = dict(zip(one.shapes, one.run(arrays, _LITTLE)[2], strict=True))
    if any(np.max(np.abs(little[n])) > 0.01 * np.max(np.abs(named[n])) for n in wrong if not _is_step(one, n)):
        return None  # nor is it here: what ReLU.backward(z) gives is not little where z is
    left = set()
    for name in wrong:
        handed_on = np.shape(named[name]) == np.shape(slope) and np.array_equal(named[name], slope)
        merged = name == INPUTS and handed_on and _PROBABILITIES.search(one.name)
        unsure = _is_step(one, name) and not _is_all_of_a_step(one, name)
        lies_across = np.shape(named[name]) != arrays[name].shape
        unknown = not (lies_across or np.isfinite(small[name]).all())
        if merged or unsure or unknown or is_one(small[name]) or _are_of_steps(small[name]):
            left.add(name)
    one.left = [name for name in one.places if name in left]
    one.shapes = {name: shape for name, shape in one.shapes.items() if name not in left}
    one.places = {name: where for name, where in one.places.items() if name in one.shapes}
    return one if one.shapes else None


def _is_step(one: Alone, name: str) -> bool:
    return name != INPUTS and one.slots[name].where == "change"


def _is_all_of_a_step(one: Alone, name: str) -> bool:
    """Whether a step is what a gradient, right or wrong, may be: no constant times the right one, as with a rate of its
    own; nothing where the output's is 0, as with a decay it is not; and, where it does not grow with that, not at least
    down everywhere, as with Adam."""
    arrays, at, all_ratios = arrays_for(one), list(one.shapes).index(name), measured.ratios(one)
    ratios = all_ratios.pop(name)
    rate_is_known = any(n != INPUTS and is_one(some) for n, some in all_ratios.items())
    if not rate_is_known and all(abs(ratio - ratios[0]) <= NEAR * abs(ratios[0]) for ratio in ratios):
        return False
    still, once, twice = (np.asarray(one.run(arrays, part)[2][at]) for part in (0.0, 1.0, 2.0))
    if np.any(np.abs(still) > SMALL) or any(n > 1 and not np.ptp(once, axis=i).any() for i, n in enumerate(once.shape)):
        return False  # or fewer numbers are spread over it
    return np.allclose(2 * once, twice) or not _goes_down(one, name, once)


def _goes_down(one: Alone, name: str, step: np.ndarray) -> bool:
    """Whether some entries of a step all have the signs of the right gradient."""
    arrays, slope = arrays_for(one), one.run(arrays_for(one))[1]
    for place in np.random.default_rng(5).permutation(step.size)[:12]:
        way = 1e-5 * (np.arange(step.size) == place).reshape(step.shape)
        ends = [np.sum(one.run({**arrays, name: arrays[name] + side * way})[0] * slope) for side in (1, -1)]
        if np.sign(ends[0] - ends[1]) != np.sign(step.flat[place]):
            return False
    return True
