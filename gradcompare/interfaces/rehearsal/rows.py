"""Vectors as Python writes them: lists of numbers, in which each is a place of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import paths
from gradcompare.tracing.traced_array import TracedArray, plain, torch_numpy

LONGEST = 256
"""Lists of more numbers than this are no vectors."""


def is_row(value: Any) -> bool:
    """Whether it is a vector as Python writes it: a list of numbers that are none of whole ones."""
    return (
        type(value) is list
        and 1 < len(value) <= LONGEST
        and all(isinstance(n, float | np.floating) or (isinstance(n, TracedArray) and n.ndim == 0) for n in value)
    )


def is_whole_row(value: Any) -> bool:
    """Whether it is a list of whole numbers: a sample perhaps, of zeros and ones."""
    return type(value) is list and 1 < len(value) <= LONGEST and all(type(n) is int for n in value)


def gathered(value: Any) -> Any:
    """A list of numbers as an array of them; anything else as it is."""
    if not is_row(value):
        return value
    if not any(isinstance(number, TracedArray) for number in value):
        return np.array(value)
    return torch_numpy.stack([torch_numpy.asarray(number) for number in value])


def left_in(value: Any) -> Any:
    """What is left of an array, or of a list, into which whole numbers may have been written."""
    numbers = isinstance(value, list) and all(type(n) in (int, float) or hasattr(n, "ndim") for n in value)
    return gathered([float(n) if type(n) is int else n for n in value] if numbers else value)


def numbers_of(array: Any) -> np.ndarray:
    """An array, a number or a list of these, as plain numbers."""
    array = gathered(array)
    return np.array(plain(array) if isinstance(array, TracedArray) else array)


def with_shared_numbers(found: Mapping[paths.Path, Any]) -> dict[paths.Path, Any]:
    """What is in reach by path, but of a list that shares a number with a name its numbers, one by one: [w1, w2], of
    which w1 is another name."""
    named = {id(value) for value in found.values() if isinstance(value, float | np.floating)}
    apart: dict[paths.Path, Any] = {}
    for path, value in found.items():
        if isinstance(value, list) and any(id(number) in named for number in value):
            apart |= {(*path, ("item", i)): number for i, number in enumerate(value)}
        else:
            apart[path] = value
    return apart
