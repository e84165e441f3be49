"""Whether weights follow one another: the widths of a network, read off the shapes of its weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradcompare.interfaces import naming, paths


def ways(weights: Sequence[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """The widths of the layers whose weights have these shapes: in by out, and out by in."""
    for chain in (weights, [shape[::-1] for shape in weights]):
        if chain and all(one[1] == two[0] for one, two in itertools.pairwise(chain)):
            yield (chain[0][0], *(shape[1] for shape in chain))


def leads(made: Any, sizes: Sequence[int]) -> bool:
    """Whether what something holds are the weights of so many layers, from the first of these widths to the last."""
    arrays = [(name, paths.get(made, where[0])) for name, where in naming.places_of(made).items()]
    weights = [np.shape(array) for name, array in arrays if np.ndim(array) == 2 and not naming.is_bias(name)]
    ends = sizes[0], sizes[-1]
    return len(weights) == len(sizes) - 1 > 1 and any((way[0], way[-1]) == ends for way in ways(weights))
