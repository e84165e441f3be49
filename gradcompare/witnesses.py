"""Which local variable is the gradient of what: the witnesses to a verdict.

The verdict comes from the gradients that a file returns, stores or applies. Its local variables place a fault: each
array that the backward code makes is taken for the gradient of a value of the forward pass, by its numbers where they
agree with that gradient, else by its name (`dZ1` for `Z1`); in loops the last value made is the first differentiated.
What fits nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from gradcompare.bounds import BoundedTensor, Precision, Run
from gradcompare.evaluation import Bounded, Evaluation
from gradcompare.interfaces import Program
from gradcompare.interfaces.words import plain
from gradcompare.reference import Moment
from gradcompare.tracing import NumpyOnTorch, TracedArray
from gradcompare.watching import Sighting, Watcher, copy_of, root

Forward = Callable[[Mapping[str, Any]], tuple[Any, dict[str, Any]]]


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


def files_of(program: Program) -> frozenset[str]:
    """The source files whose functions are watched."""
    return frozenset(code.co_filename for f in program.functions if (code := getattr(f, "__code__", None)) is not None)


# ---- the forward pass ------------------------------------------------------------------------------------------------


class WatchedForward:
    """A reference whose named values are all that the file's functions bind to names on the way to the cost."""

    def __init__(self, forward: Forward, files: Collection[str]) -> None:
        self.forward, self.files = forward, files
        self.lines: set[tuple[str, int]] = set()
        """(function, line) of every sighting: lines that belong to the forward pass."""

    def __call__(self, inputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """cost, {name: Moment}; a name that is bound several times gets "#2", "#3", ... behind it."""
        with Watcher(self.files, _moment) as watcher:
            cost, _named = self.forward(inputs)
        self.lines |= {(s.function, s.line) for s in watcher.sightings}
        return cost, _numbered([s for s in watcher.sightings if s.settled and short(s.name) not in inputs])


def _moment(array: Any) -> Moment | None:
    if isinstance(array, TracedArray) and isinstance(array.tensor, BoundedTensor) and array.tensor.requires_grad:
        return Moment(array.tensor)
    return None


def _numbered(sightings: Sequence[Sighting]) -> dict[str, Moment]:
    named: dict[str, Moment] = {}
    seen: set[tuple[str, int | None]] = set()
    counts: dict[str, int] = {}
    for sighting in sightings:
        name = short(sighting.name)
        if (name, sighting.value.number) in seen or name.startswith("return"):
            continue
        seen.add((name, sighting.value.number))
        counts[name] = counts.get(name, 0) + 1
        named[name if counts[name] == 1 else f"{name}#{counts[name]}"] = sighting.value
    return named


def short(name: str) -> str:
    """The last part of a place, if it is a name: "Z1" of "cache['Z1']" and of "self.Z1"."""
    if name.endswith("']"):
        return name[:-2].rpartition("['")[2]
    last = name.rpartition(".")[2]
    return last if last.isidentifier() else name


def base(name: str) -> str:
    """The name without the number of its binding."""
    return name.partition("#")[0]


# ---- the backward pass -----------------------------------------------------------------------------------------------


def watch(program: Program, inputs: Mapping[str, Any], precision: Precision, forward_lines: Collection[Any]) -> Watched:
    """Run the program's gradients as they stand, and once more on bounded tensors, and note every array that is
    made."""
    files = files_of(program)
    with np.errstate(all="ignore"), Watcher(files, copy_of) as plainly:
        claims = NumpyOnTorch(program.gradients)({k: np.array(a) for k, a in inputs.items()})
    errors = _errors(program, inputs, precision, files)
    sightings = [
        Witness(s, errors.get(s.key))
        for s in plainly.sightings
        if s.settled and (s.function, s.line) not in forward_lines
    ]
    return Watched(claims, sightings)


def _errors(
    program: Program, inputs: Mapping[str, Any], precision: Precision, files: Collection[str]
) -> dict[Any, np.ndarray]:
    run = Run(precision)
    subject = NumpyOnTorch(program.gradients, reaching=program.functions)
    try:
        with run, torch.no_grad(), Watcher(files, _error) as traced:
            subject({k: run.exact(torch.from_numpy(np.array(a))) for k, a in inputs.items()})
    except Exception:
        return {}
    return {s.key: s.value for s in traced.sightings}


def _error(array: Any) -> np.ndarray | None:
    if isinstance(array, TracedArray) and isinstance(array.tensor, BoundedTensor):
        with Run.paused():
            return array.tensor.error.detach().clone().numpy()
    return None


# ---- which is the gradient of what -----------------------------------------------------------------------------------


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
    gradients = {n: g for n, g in evaluation.tensors.items() if n.startswith("d") and n[1:] in evaluation.values}

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
        lambda w, n: _names(w, n) and same_shape(w, n),
    )  # made last, differentiated first
    by_value = (list(gradients), agrees)
    match(gradients, lambda w, n: _names(w, n) and agrees(w, n))
    for names, fits in (by_name, by_value) if trust_names else (by_value, by_name):
        match(names, fits)
    return found


def _names(witness: Witness, gradient: str) -> bool:
    return plain(short(witness.sighting.name)) == plain(base(gradient))


def _agrees(witness: Witness, gradient: Bounded, scale: float) -> bool:
    value = witness.sighting.value
    if value.shape != gradient.value.shape or value.ndim == 0 or not np.any(gradient.value):
        return False
    own = gradient.error if witness.error is None else witness.error / scale
    allowed = 2 * gradient.error + own + 2.0**-52 * np.abs(gradient.value)
    with np.errstate(invalid="ignore"):
        size = np.max(np.abs(gradient.value))
        return bool(np.all(np.abs(value / scale - gradient.value) <= allowed) and np.all(allowed <= 1e-3 * size))


def line_of(claim: Any, watched: Watched) -> Sighting | None:
    """Where a returned array was made: the first settled sighting of its numbers, a named one rather than a stored
    one."""
    array = np.asarray(claim)
    same = [
        w.sighting
        for w in watched.sightings
        if w.sighting.value.shape == array.shape and np.array_equal(w.sighting.value, array, equal_nan=True)
    ]
    named = [s for s in same if root(s.name) == s.name]
    return (named or same or [None])[0]  # type: ignore[list-item]
