"""Gradients that only local variables hold: of code whose steps do not show them, as those of Adam and RMSprop, and of
code that hands nothing out.

The first such step divides a gradient by its own size, so that each entry moves as far as any other.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Collection, Iterator
from types import FrameType
from typing import Any

import numpy as np

from gradcompare.interfaces import paths, source, values, words

NEARLY = 0.05
"""How much most entries of a first step may differ, as a part of the largest; some may be smaller, for a small number
is added to what divides them."""
TINY = 1e-4
"""Entries smaller than this part of the largest may have any sign, for a step is known to so many digits."""
BY_CHANCE = {3: 1e-6, 8: 1e-3}
"""So many numbers may be nearly alike by chance, and are not by chance as near to each other as this, as a part of the
largest."""


_DEEPEST = 4
"""So deep layers stand in what holds them."""
ADAPTIVE = "The steps do not show the gradient, as with Adam or RMSprop: what is called one there is taken for it."
KEPT = "{} hands out nothing: what it calls gradients itself is taken for them."


def why_only_named(maker: Callable[..., Any]) -> str:
    """That what makes gradients hands out nothing, but has names for them, in words; nothing where it is not so."""
    only = source.returns_nothing(maker) and any(map(_is_called_gradient, source.local_names(maker)))
    return KEPT.format(maker.__name__) if only else ""


def is_adaptive(changes: Collection[Any]) -> bool:
    """Whether the changes of all parameters are equally large in most of their entries, or in all of a few."""
    sizes = np.concatenate([np.abs(values.plain(change)).ravel() for change in changes] or [np.zeros(0)])
    near = next((near for few, near in BY_CHANCE.items() if 1 < sizes.size <= few), None)
    if near is not None:
        return bool(np.ptp(sizes) <= near * np.max(sizes) > 0)
    return sizes.size > 1 and bool(np.median(sizes) >= (1 - NEARLY) * np.max(sizes) > 0)


def goes_along(step: Any, gradient: Any) -> bool:
    """Whether every entry of a step has the sign of its gradient, but for those that are nearly 0."""
    one, other = values.plain(step), values.plain(gradient)
    if one.shape != other.shape:
        return False
    counts = np.abs(other) > TINY * np.max(np.abs(other), initial=0.0)
    return bool(np.all(np.sign(one)[counts] == np.sign(other)[counts]))


@contextlib.contextmanager
def noted(files: Collection[str], root: Any = None) -> Iterator[dict[tuple[paths.Path, str], Any]]:
    """What the functions of these files call gradients when they return, by name and by where the object stands, in
    what a root holds, whose method it is: a layer; the outermost function counts."""
    found: dict[tuple[paths.Path, str], Any] = {}
    owners = {id(thing): path for path, thing in _objects(root)}

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code.co_filename in files:
            owner = owners.get(id(frame.f_locals.get("self")), ())
            for name, value in frame.f_locals.items():
                found.update({(owner, called): array for called, array in _gradients(name, value)})

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)


def _objects(tree: Any, path: paths.Path = ()) -> Iterator[tuple[paths.Path, Any]]:
    """The objects that a root holds in attributes, lists and dicts, with their places."""
    if len(path) > _DEEPEST:
        return
    for step, branch in paths.branches(tree):
        if hasattr(branch, "__dict__") and not paths.is_array(branch):
            yield (*path, step), branch
        if not paths.is_array(branch):
            yield from _objects(branch, (*path, step))


def _gradients(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    says_so = _is_called_gradient(name)
    if says_so and paths.is_array(value):
        yield name, value
    elif isinstance(value, dict):
        for path, array in paths.walk(value):
            label = paths.label(path)
            if _is_called_gradient(label):
                yield label, array
            elif says_so:
                yield f"d{label}", array


def _is_called_gradient(name: str) -> bool:
    return bool(words.GRADIENT.match(name) or words.GRADIENT_END.search(name))
