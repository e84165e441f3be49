"""Costs beside their derivatives, in functions and in objects: of those that no network of a file reaches a wrong one
is found by holding the two against one another.

What a derivative may leave to others is not held against it: a constant (1/m, 2, the sign), the slope of the activation
before it, the softmax that goes with cross entropy.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcompare.interfaces import chain, derivatives, paths, received, source, words
from gradcompare.interfaces.derivatives import Derivative, Function, Shape, smooth
from gradcompare.tracing.randomness import same_random_numbers

SHAPES: tuple[tuple[Shape, Shape], ...] = (
    ((6, 5), (6, 5)), ((6, 1), (6, 1)), ((6,), (6,)), ((5, 6), (5, 6)), ((6, 5), (6,)), ((5,), (5,)), ((5, 1), (5, 1)),
    ((3, 2, 5), (3, 2)), ((3, 2, 5), (3, 2, 5)),
)  # fmt: skip
"""Of a prediction and its labels; last those of sequences."""
_NEAR = 1e-3
_STEP = 1e-6


@dataclass
class CostPair(Derivative):
    """A cost of a prediction and its labels, and what gives its derivative by the prediction."""

    owner: type | None = None
    """Whose methods they are, if anybody's."""
    networks: tuple[str, ...] = ()
    """The arguments of its constructor that are networks, through which it goes back."""

    @property
    def name(self) -> str:
        """See Derivative."""
        return self.owner.__name__ if self.owner is not None else self.forward.__name__

    @property
    def labels(self) -> str:
        """The argument that is the labels."""
        return next(n for n in source.argument_names(self.forward) if _is_label(n))

    @property
    def prediction(self) -> str:
        """The argument that is the prediction."""
        return next(n for n in source.argument_names(self.forward) if not _is_label(n))

    def ran(self, given: dict[str, Any]) -> tuple[Any, Any, list[tuple[str, Any]]]:
        """See Derivative; the cost of all samples is the sum where each has its own."""
        assert self.backward is not None
        given, network = self.fixed | given, received.Received()
        with same_random_numbers():
            thing = self.owner(**dict.fromkeys(self.networks, network)) if self.owner is not None else None
            output = _bound(thing, self.forward)(**given)
            made = _bound(thing, self.backward)(**self._asked(given | self._put_out(thing, given), network))
        if not paths.is_array(made):
            made = received.handed_last(network)
        if made is None:
            made = chain.kept_gradient_of_inputs(thing)
        return output, 1.0, [(self.prediction, made)]

    def _put_out(self, thing: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a cost keeps as its output where it goes forward through a softmax itself: its derivative is given that
        in place of what went in."""
        kept = chain.kept_outputs(thing) if thing is not None else []
        alike = [array for array in kept if np.shape(array) == np.shape(given[self.prediction])]
        return {self.prediction: alike[0]} if alike else {}

    def _asked(self, given: Mapping[str, Any], network: received.Received) -> dict[str, Any]:
        """What the derivative is given; LookupError where it asks for more than its cost, and a network."""
        assert self.backward is not None
        found: dict[str, Any] = {}
        for name in source.argument_names(self.backward):
            role, parameter = words.role_of_argument(name), source.signature(self.backward)[name]
            if name in given:
                found[name] = given[name]
            elif role == "targets":
                found[name] = given[self.labels]
            elif role in ("output", "inputs", "slope") and parameter.default is parameter.empty:
                found[name] = given[self.prediction]
            elif role == "parameters":
                found[name] = network
            elif parameter.default is parameter.empty:
                raise LookupError(name)
        return found


def _bound(thing: Any, function: Function) -> Function:
    return function if thing is None else getattr(thing, function.__name__)


def _is_label(argument: str) -> bool:
    return words.role_of_argument(argument) == "targets"


def judged(functions: Iterable[Function], classes: Iterable[type]) -> Iterator[tuple[CostPair, bool]]:
    """The derivatives of costs that run, and whether they are right, whatever is left to others."""
    pairs = [*_of_functions([*functions, *derivatives.statics_of(classes)]), *_of_classes(classes)]
    for _, some in itertools.groupby(pairs, key=lambda pair: (pair.owner, pair.backward)):
        tried = [pair for pair in some if _takes_prediction_and_labels(pair.forward)]
        ran = [(pair, arrays) for pair in tried for arrays in _tries(pair)]
        held = [(pair, arrays, _is_excused(pair, arrays)) for pair, arrays in ran]
        told = [row for row in held if row[2] is not None]
        if told:
            pair, arrays, _ = told[0]
            pair.fixed = {pair.labels: arrays[pair.labels]}
            pair.shapes = {pair.prediction: arrays[pair.prediction].shape}
            yield pair, any(is_excused for _, _, is_excused in told)


def _of_functions(functions: list[Function]) -> Iterator[CostPair]:
    for found in derivatives.pairs_of(functions):
        if found.backward is not None:
            yield CostPair(found.forward, found.backward)


def _of_classes(classes: Iterable[type]) -> Iterator[CostPair]:
    """The methods of classes that are made of nothing, or of networks: any that may give a cost with the derivative."""
    for made in classes:
        networks = tuple(p.name for p in chain.needed_by(made) if p.default is p.empty)
        if any(words.role_of_argument(name) != "parameters" for name in networks):
            continue
        methods = chain.methods_by_role(made)
        backward = [f for role in ("backward", "slope_of_cost") for _, f in methods.get(role, ())]
        backward += [f for n, f in inspect.getmembers(made, inspect.isfunction) if n in ("derivative", "prime")]
        for back, (_, forward) in itertools.product(backward[:1], methods.get("forward", ())):
            yield CostPair(forward, back, owner=made, networks=networks)


def _takes_prediction_and_labels(function: Function) -> bool:
    """Whether these are what it asks for, and all of it."""
    names = [n for n, p in source.signature(function).items() if p.default is p.empty and n not in ("self", "cls")]
    return len(names) == 2 and sum(map(_is_label, names)) == 1


def _tries(pair: CostPair) -> Iterator[dict[str, np.ndarray]]:
    """Predictions and labels under which both run and the derivative has the prediction's shape."""
    for prediction, labels in SHAPES:
        numbers = smooth(np.random.default_rng(4).standard_normal(prediction))
        for drawn in _labels(labels):
            arrays = {pair.prediction: numbers, pair.labels: drawn if labels != prediction else drawn.astype(float)}
            with contextlib.suppress(Exception), np.errstate(all="ignore"):
                output, _, ((_, gradient),) = pair.ran({name: array.copy() for name, array in arrays.items()})
                plain = paths.is_array(output) and np.isfinite(output).all() and np.isfinite(gradient).all()
                if plain and np.shape(gradient) == prediction:
                    yield arrays


def _labels(shape: Shape) -> Iterator[np.ndarray]:
    """Labels that are 0 or 1; where a sample has several, also one of them 1 in each row, and in each column; and one
    of all, where they may be those of one sample."""
    yield np.random.default_rng(5).permutation(np.arange(np.prod(shape)) % 2).reshape(shape)
    if len(shape) == 1 or 1 in shape:
        yield (np.arange(np.prod(shape)) == 2).astype(int).reshape(shape)
    if len(shape) == 2 and 1 not in shape:
        rows, columns = np.indices(shape)
        yield from (np.where(rows % shape[1] == columns, 1, 0), np.where(columns % shape[0] == rows, 1, 0))


def _is_excused(pair: CostPair, arrays: Mapping[str, np.ndarray]) -> bool | None:
    """Whether the derivative is one but for what may be left to others; None where the cost has none there, as that of
    the softmax of one output."""
    given, p, y = dict(arrays), arrays[pair.prediction], arrays[pair.labels]
    gradient = np.asarray(pair.ran({name: array.copy() for name, array in given.items()})[2][0][1])
    right = np.zeros(p.shape)
    with np.errstate(all="ignore"):
        for place in np.ndindex(p.shape):
            ends = []
            for side in (1, -1):
                moved = p.copy()
                moved[place] += side * _STEP
                ends.append(np.sum(pair.ran(given | {pair.prediction: moved, pair.labels: y.copy()})[0]))
            right[place] = (ends[0] - ends[1]) / (2 * _STEP)
    if not np.isfinite(right).all() or not np.any(np.abs(right) > _NEAR):
        return None
    one_hot = y if y.shape == p.shape else np.eye(p.shape[-1])[y]
    forms = [right, right * p * (1 - p), right * (1 - p**2)]
    shares = [np.exp(p) / np.sum(np.exp(p), axis=axis, keepdims=True) for axis in range(p.ndim)]
    if any(_is_constant_times(right, form) for form in (one_hot / p, *(share - one_hot for share in shares))):
        forms.append(p - one_hot)  # cross entropy after a softmax, by another or by itself: it is handed what came out
    return any(_is_constant_times(gradient, form) for form in forms)


def _is_constant_times(gradient: np.ndarray, form: np.ndarray) -> bool:
    if not np.any(form):
        return False
    constant = np.sum(gradient * form) / np.sum(form * form)
    return bool(np.max(np.abs(gradient - constant * form)) <= _NEAR * np.max(np.abs(gradient)))
