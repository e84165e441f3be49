"""What one evaluation of a reference found, as plain data: NumPy arrays, names and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from gradcompare.bounds.precision import Precision

Arrays = Mapping[str, np.ndarray]

COST = "J"


class Record(Protocol):
    """What is kept of a run: see `gradcompare.bounds.Run` and `gradcompare.judging.reference.MeasuredRun`."""

    @property
    def precision(self) -> Precision:
        """The working precision."""

    @property
    def parents(self) -> Sequence[Sequence[int]]:
        """For each tensor of the run, by number, the numbers of those it was computed from."""

    @property
    def met_a_tie(self) -> bool:
        """Whether a differentiated number was compared with one that equals it."""

    @property
    def largest(self) -> Sequence[float]:
        """For each tensor of the run, by number, its largest entry, with a minus for an exponential or its kin; empty
        where it was not measured."""


class Bounded(NamedTuple):
    """What was computed, and elementwise how far rounding can have moved it."""

    value: np.ndarray
    error: np.ndarray


class HandedOn(NamedTuple):
    """A subject's own numbers, to be handed on in place of the computed ones."""

    values: Mapping[int, np.ndarray]
    """By the number of the tensor in the run."""
    gradients: Mapping[str, np.ndarray]
    """By the name of the tensor that they are the gradients of."""


class Floors(NamedTuple):
    """Errors to be added to what the rules give (see `stand_in`)."""

    values: Mapping[int, float]
    """By the number of the tensor in the run."""
    gradients: Mapping[str, float]
    """By the name of the tensor that they are the gradients of."""
    relative: Mapping[str, np.ndarray]
    """The same, as parts of the gradient's entries."""


@dataclass
class Evaluation:
    """One run of a reference, forward and backward.

    `tensors` holds what was computed, by the names of subjects' claims: "Z1" a value, "dZ1" a gradient, "J" the cost.
    Where something was handed on it holds what arrived before. `upstream[name]` are the names of the nearest such
    tensors that this one was computed from.
    """

    tensors: dict[str, Bounded]
    upstream: dict[str, set[str]]
    numbers: dict[str, int]
    run: Record
    values: set[str]
    """The names that are values, not gradients."""
    order: list[str] = field(default_factory=list)
    """The names in the order of the computation, each after those it was computed from."""
    parting: int | None = None
    """The number of the tensor from which on a run with handed on values went another way, if it did; values are
    handed on only before it."""
