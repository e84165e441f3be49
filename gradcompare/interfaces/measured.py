"""By how much the gradients of a layer that runs on its own are those of its output: by central differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from gradcompare.interfaces.derivatives import smooth

INPUTS = "x"
"""The key of what a layer is given."""
NEAR = 1e-4
"""How near a ratio must be to what it should be."""


class Runs(Protocol):
    """A layer with what it is given: see `alone.Alone` and `cells.Cell`."""

    shapes: dict[str, tuple[int, ...]]

    @property
    def is_bounded(self) -> bool:
        """Whether not all numbers will do."""

    def run(self, arrays: Mapping[str, Any], part: float = 1.0) -> tuple[Any, Any, tuple[Any, ...]]:
        """Output, the array that it is multiplied by, of which only a part, and the gradients of the arrays."""


def arrays_for(one: Runs) -> dict[str, np.ndarray]:
    """Random numbers for all that it has gradients of."""
    drawn = {n: np.random.default_rng(i).standard_normal(s) for i, (n, s) in enumerate(one.shapes.items())}
    return {n: smooth(array) if n == INPUTS and one.is_bounded else array for n, array in drawn.items()}


def ratios(one: Runs, part: float = 1.0) -> dict[str, list[float]]:
    """By how much each gradient is that of the output, along some ways; NaN where it has another shape."""
    arrays = arrays_for(one)
    _, slope, gradients = one.run(arrays, part)
    found: dict[str, list[float]] = {}
    for name, gradient in zip(one.shapes, gradients, strict=True):
        found[name] = [] if np.shape(gradient) == arrays[name].shape else [math.nan]
        for way in range(0 if found[name] else 3):
            step = 1e-6 * np.random.default_rng(7 + way).standard_normal(arrays[name].shape)
            ends = [np.sum(one.run({**arrays, name: arrays[name] + side * step})[0] * slope) for side in (1, -1)]
            found[name].append(float(2 * np.sum(gradient * step) / (ends[0] - ends[1])))
    return found


def is_one(found: Sequence[float]) -> bool:
    """Whether all of them are 1."""
    return all(abs(ratio - 1) < NEAR for ratio in found)


def all_one(one: Runs) -> bool:
    """Whether all its gradients are those of its output."""
    return all(map(is_one, ratios(one).values()))
