"""Which local variable is the gradient of what: the witnesses to a verdict.

The verdict comes from the gradients that a file returns, stores or applies. Its local variables place a fault: each
array that the backward code makes is taken for the gradient of a value of the forward pass, by its numbers where they
agree with that gradient, else by its name (`dZ1` for `Z1`); in loops the last value made is the first differentiated.
What fits nothing is left out.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from gradcompare.interfaces.naming import likeness
from gradcompare.interfaces.words import plain
from gradcompare.judging.blame import proportion
from gradcompare.judging.evaluation import Bounded, Evaluation


@dataclass
class Sighting:
    """An array that a name was found to hold after a line was run."""

    name: str
    """As in the source: "dZ1", "grads['dW1']", "self.dW1"."""
    line: int
    function: str
    calls: tuple[int, ...]
    """The lines of the calls that led here, outermost first."""
    value: Any
    """What `keep` made of the array at that moment."""
    occurrence: int = 1
    """The how manieth of this name on this line."""
    settled: bool = True
    source: str = ""
    """The statement, without its indentation."""
    constants: dict[str, float] = field(default_factory=dict)
    """The plain numbers that the function could read there, as it writes them: m, reg, self.keep."""
    array: int = 0
    """Which array it is, counted as they were first seen: an array has one number under all its names."""

    @property
    def key(self) -> tuple[str, int, str, int]:
        """The same in every run of the same code on inputs of the same shapes."""
        return self.function, self.line, self.name, self.occurrence


def settled(sightings: Iterable[Sighting]) -> dict[tuple[str, int, str, int], Sighting]:
    """What is no mere part of a sum, by function, line, name, and its number among what is settled there: the same in
    every run, however many samples a loop adds up."""
    found: dict[tuple[str, int, str, int], Sighting] = {}
    counts = Counter[tuple[str, int, str]]()
    for sighting in sightings:
        if sighting.settled:
            place = sighting.function, sighting.line, sighting.name
            counts[place] += 1
            found[(*place, counts[place])] = sighting
    return found


class Witness(NamedTuple):
    """A sighting, and how far rounding can have moved it (None where that is not known)."""

    sighting: Sighting
    error: np.ndarray | None


@dataclass
class Watched:
    """What was seen while a program's gradients were computed on one network."""

    claims: dict[str, Any]
    """What the program returned, as without watching."""
    sightings: list[Witness]
    """In the order of the computation; only of code that the forward pass does not run."""
    written: list[tuple[str, int, str, int]] = field(default_factory=list)
    """The keys of all sightings, those that were only parts of others included."""
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    """Arrays of zeros and one other number that had a name, in the forward pass too: dropout."""


def short(name: str) -> str:
    """The last part of a place, if it is a name: "Z1" of "cache['Z1']" and of "self.Z1"."""
    if name.endswith("']"):
        return name[:-2].rpartition("['")[2]
    last = name.rpartition(".")[2]
    return last if last.isidentifier() else name


def base(name: str) -> str:
    """The name without the number of its binding."""
    return name.partition("#")[0]


def root(name: str) -> str:
    """The variable behind a place: "grads" of "grads['dW1']"."""
    for i, character in enumerate(name):
        if character in "[.":
            return name[:i]
    return name


# ---- which is the gradient of what -----------------------------------------------------------------------------------


def downhill(watched: Watched, evaluation: Evaluation, scales: Sequence[float]) -> Watched:
    """The same with the other sign, where more of the arrays are negative gradients than gradients: code that adds to
    its weights what it computes from `target - output`."""
    gradients = [g for n, g in evaluation.tensors.items() if n.startswith("d") and n[1:] in evaluation.values]

    def agreeing(sightings: Sequence[Witness]) -> int:
        return sum(any(_agrees(w, g, scale) for g in gradients for scale in scales) for w in sightings)

    if any(same_numbers(w, claim) for claim in watched.claims.values() for w in watched.sightings):
        return watched  # what it returns has this sign
    other = [Witness(replace(w.sighting, value=-w.sighting.value), w.error) for w in watched.sightings if is_real(w)]
    return replace(watched, sightings=other) if agreeing(other) > agreeing(watched.sightings) else watched


def conventions(watched: Watched, evaluation: Evaluation, scales: Sequence[float]) -> list[float]:
    """The other scale that most of the arrays carry, each the gradient of a value of the forward pass but for that;
    nothing where one agrees under a usual one, or what is handed out carries it too: then it is a mistake."""
    inner = [n for n in evaluation.tensors if n.startswith("d") and n[1:] in evaluation.values and n != "dX"]
    gradients = [evaluation.tensors[n] for n in inner if n not in watched.claims]
    if any(_agrees(w, g, scale) for g in gradients for scale in scales for w in watched.sightings):
        return []
    carried = Counter(
        scale
        for w in watched.sightings
        for scale in {proportion(w.sighting.value, g.value) for g in gradients} - {None, *scales}
    )
    handed_out = {
        proportion(np.asarray(claim), evaluation.tensors[n].value)
        for n, claim in watched.claims.items()
        if n in evaluation.tensors
    }
    return [float(scale) for scale, _ in carried.most_common(1) if scale is not None and scale not in handed_out]


def is_real(witness: Witness) -> bool:
    """Whether it holds floating-point numbers."""
    return bool(witness.sighting.value.dtype.kind == "f")


def assign(
    watched: Watched, evaluation: Evaluation, scales: Sequence[float], *, trust_names: bool
) -> dict[str, Witness]:
    """{"dZ1": witness, ...}: for each value of the forward pass the array of the backward pass that stands for its
    gradient.

    An array that agrees with a gradient, under one of the scales that dZ and dA may carry, and bears its name, is
    that gradient. Where name and numbers say different things (`dZ1 = W2.T @ dZ2`, a derivative forgotten; `dhidden`,
    after the mask), one of them
    misleads: `trust_names` says which is believed.
    """
    known = {n: g for n, g in evaluation.tensors.items() if n.startswith("d") and n[1:] in evaluation.values}
    gradients = {n: known[n] for n in sorted(known, key=lambda n: "(" in n)}  # those of nameless values last

    def agrees(witness: Witness, name: str) -> bool:
        return any(_agrees(witness, gradients[name], scale) for scale in scales)

    def same_shape(witness: Witness, name: str) -> bool:
        return witness.sighting.value.shape == gradients[name].value.shape

    found: dict[str, Witness] = {}
    taken: set[int] = set()

    def match(names: Iterable[str], fits: Callable[[Witness, str], bool]) -> None:
        for name in names:
            for i, witness in enumerate(watched.sightings):
                if name not in found and i not in taken and fits(witness, name):
                    found[name] = witness
                    taken.add(i)

    by_name = (
        reversed(list(gradients)),
        lambda w, n: is_called_like(w, n) and same_shape(w, n),
    )  # made last, differentiated first
    by_value = (list(gradients), agrees)
    match(gradients, lambda w, n: is_called_like(w, n) and agrees(w, n))
    for names, fits in (by_name, by_value) if trust_names else (by_value, by_name):
        match(names, fits)
    return found


def is_called_like(witness: Witness, gradient: str) -> bool:
    """Whether a witness is called like a gradient."""
    return _is_called(witness.sighting, base(gradient))


def _is_called(sighting: Sighting, name: str) -> bool:
    own, of = plain(short(sighting.name)), plain(name[1:])
    return own == plain(name) or (own != of and likeness(of, own) == 3)  # W1_grad for dW1


def spread_to(shape: tuple[int, ...], witness: Witness, gradient: str) -> Witness | None:
    """One number that bears the name of the gradient of many, as broadcasting makes use of it: a sum over all."""
    sighting = witness.sighting
    if sighting.value.size != 1 or sighting.value.shape == shape or not is_called_like(witness, gradient):
        return None
    value, error = (None if a is None else np.full(shape, a.reshape(())) for a in (sighting.value, witness.error))
    return Witness(replace(sighting, value=value), error)


def _agrees(witness: Witness, gradient: Bounded, scale: float) -> bool:
    value = witness.sighting.value
    if value.shape != gradient.value.shape or value.ndim == 0 or not np.any(gradient.value):
        return False
    own = gradient.error if witness.error is None else witness.error / scale
    allowed = 2 * gradient.error + own + 2.0**-52 * np.abs(gradient.value)
    with np.errstate(invalid="ignore"):
        size = np.max(np.abs(gradient.value))
        return bool(np.all(np.abs(value / scale - gradient.value) <= allowed) and np.all(allowed <= 1e-3 * size))


def same_numbers(witness: Witness, claim: Any) -> bool:
    """Whether a witness is an array that was returned, but for axes of length 1 that were added to it."""
    value, array = witness.sighting.value, np.asarray(claim)
    alike = array.ndim >= value.ndim and _long(value) == _long(array)
    return bool(alike and np.array_equal(value.reshape(array.shape), array, equal_nan=True))


def line_of(name: str, claim: Any, watched: Watched, parameter: Any = None) -> Sighting | None:
    """Where a returned array was made: the first settled sighting of its numbers, one of its own name rather than
    another (`db1 = dZ2.sum()` has the numbers of db2), a variable rather than a stored one; of a gradient that is only
    applied, where it was, or where the parameter was changed by it."""
    array = np.asarray(claim)
    same = [w.sighting for w in watched.sightings if same_numbers(w, array)]
    own = [s for s in same if _is_called(s, name)]
    if same or parameter is None:
        fitting = own or same
        return next(iter([s for s in fitting if root(s.name) == s.name] or fitting), None)
    alike = [w.sighting for w in watched.sightings if _long(w.sighting.value) == _long(array) == _long(parameter)]
    applied = [s for s in alike if _is_multiple(s.value.reshape(array.shape), array)]
    others = [other for n, other in watched.claims.items() if n != name]
    spread = [w for w in watched.sightings if _spreads_to(w.sighting.value, array, parameter)]
    applied = applied or [w.sighting for w in spread if not any(_is_claim(w, other) for other in others)]
    applied = applied or [s for s in alike if s.value.shape == array.shape and _is_change(s.value, parameter, array)]
    return next(iter(applied or [w.sighting for w in watched.sightings if _is_called(w.sighting, name)]), None)


def _is_claim(witness: Witness, claim: Any) -> bool:
    """Whether a witness is a gradient that is applied elsewhere, as near as differences of parameters can tell."""
    value, array = witness.sighting.value, np.asarray(claim)
    return bool(value.shape == array.shape and np.allclose(np.abs(value), np.abs(array), rtol=NEARLY, atol=0))


def _long(array: Any) -> tuple[int, ...]:
    """The shape without axes of length 1."""
    return tuple(n for n in np.shape(array) if n != 1)


def origins(found: Mapping[str, Sighting], watched: Watched) -> dict[str, Sighting]:
    """The same, each where its array was made, not where it was handed on: in the function that was called, or under
    the name that it had before. What is another one's stays that one's: of `grads["db1"] = db2` the line is wrong."""
    taken = {sighting.key: name for name, sighting in found.items()}
    first: dict[int, list[Sighting]] = {}
    for witness in watched.sightings:
        first.setdefault(witness.sighting.array, []).append(witness.sighting)

    def made(name: str, sighting: Sighting) -> Sighting:
        same = [s for s in first.get(sighting.array, []) if np.array_equal(s.value, sighting.value, equal_nan=True)]
        own = [s for s in same if taken.get(s.key, name) == name]
        return own[0] if sighting.array and own and own[0] is same[0] else sighting

    return {name: made(name, sighting) for name, sighting in found.items()}


def in_helpers(
    faults: Iterable[str], right: Iterable[str], found: Mapping[str, Sighting], watched: Watched
) -> dict[str, Sighting]:
    """The sightings, those of faults each where a helper made the array that its caller only took, unless something
    right was made on that line too: then it is the wrong helper, or given the wrong things."""
    lines = {found[name].line for name in right if name in found}
    moved: dict[str, Sighting] = {}
    for name in (n for n in faults if n in found):
        taken = found[name]
        for sighting in (w.sighting for w in watched.sightings if w.sighting.array == taken.array != 0):
            if np.array_equal(sighting.value, taken.value, equal_nan=True):
                deeper = len(sighting.calls) > len(taken.calls) and sighting.line not in lines
                moved |= {name: sighting} if deeper else {}
                break
    return {**found, **moved}


def renamings(watched: Watched) -> set[tuple[str, int, str, int]]:
    """The keys of the sightings in which an array only gets one more name in its function: `grads[0] = delta`."""
    before: dict[int, Sighting] = {}
    found = set()
    for sighting in (witness.sighting for witness in watched.sightings):
        known = before.get(sighting.array) if sighting.array else None
        same = known is not None and (known.function, known.calls) == (sighting.function, sighting.calls)
        if known is not None and same and np.array_equal(known.value, sighting.value, equal_nan=True):
            found.add(sighting.key)
        before[sighting.array] = sighting
    return found


NEARLY = 1e-4
"""How near a difference of float32 numbers must be to what it is taken for, as a part of its largest entry."""


def _spreads_to(value: np.ndarray, array: np.ndarray, parameter: np.ndarray) -> bool:
    """Whether fewer numbers are these, with either sign, once broadcasting has spread them: a sum without its axis. A
    parameter's change shows nothing that is smaller than its own rounding: a sum that is 0 but for rounding."""
    with contextlib.suppress(ValueError, TypeError):  # TypeError: a mask, which has no sign
        spread = np.broadcast_to(value, array.shape)
        rounding = np.finfo(array.dtype).eps * np.max(np.abs(parameter), initial=0.0)
        nearly = NEARLY * np.max(np.abs(array), initial=0.0) + rounding
        return value.size < array.size and any(np.max(np.abs(array - x)) <= nearly for x in (spread, -spread))
    return False


def _is_change(value: np.ndarray, parameter: np.ndarray, by: np.ndarray) -> bool:
    """Whether a sighting, with either sign, is the parameter after a change by a multiple of its gradient."""
    return any(_is_multiple(parameter - sign * value, by) for sign in (1, -1))


def _is_multiple(array: np.ndarray, of: np.ndarray) -> bool:
    """Whether an array is a number times another, as near as differences of parameters can tell; of one entry, whether
    it is the other, with either sign."""
    with np.errstate(all="ignore"):
        below = float(np.sum(of * of))
        factor = float(np.sum(array * of)) / below if below else 0.0
        if array.size == 1:
            factor = float(np.sign(factor)) if abs(abs(factor) - 1) < NEARLY else 0.0
        near = np.max(np.abs(array - factor * of)) <= NEARLY * abs(factor) * np.max(np.abs(of), initial=0.0)
    return bool(factor) and bool(near)
