"""What functions of a file are given while something runs: whether training hands its forward pass the samples that it
was given itself, or others, such as standardised ones."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcompare.interfaces import paths, values, words

_ROUNDING = 1e-6
"""How much of a number rounding may change on the way through a network."""
Given = dict[types.CodeType, list[np.ndarray]]
"""By function, in the order of their first calls, the arrays that it was given."""


@contextlib.contextmanager
def noted(function: Callable[..., Any]) -> Iterator[Given]:
    """What a function, and others of its file that go forward, are given meanwhile."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    file, found, before = getattr(code, "co_filename", None), Given(), sys.getprofile()

    def note(frame: types.FrameType, event: str, _: Any) -> None:
        if event != "call" or frame.f_code.co_filename != file:
            return
        if frame.f_code is code or words.role_of_function(frame.f_code.co_name.strip("_")) == "forward":
            names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
            arrays = [frame.f_locals[n] for n in names if n in frame.f_locals and paths.is_array(frame.f_locals[n])]
            floating = [plain for a in arrays if (plain := values.plain(a)).dtype.kind == "f" and plain.size > 1]
            found.setdefault(frame.f_code, []).extend(array.copy() for array in floating[:1])

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)


def others(one: Given, two: Given) -> bool:
    """Whether a function that was given arrays on both occasions was given none of the same numbers."""
    both = [(arrays, two[code]) for code, arrays in one.items() if arrays and two.get(code)]
    return any(not _alike(*(np.concatenate([a.ravel() for a in some]) for some in pair)) for pair in both)


def _alike(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether some numbers, other than 0 and 1, are in both but for rounding."""
    one, two = (np.unique(array[np.isfinite(array) & (array != 0) & (array != 1)]) for array in (one, two))
    if one.size == 0 or two.size == 0:
        return one.size == two.size
    after = np.searchsorted(one, two)
    beside = (one[np.clip(after - 1, 0, one.size - 1)], one[np.clip(after, 0, one.size - 1)])
    return any(bool(np.any(np.abs(near - two) <= _ROUNDING * np.abs(two))) for near in beside)
