"""What the backward pass of a layer leaves behind: all that it returns, keeps or changes and that may be gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradcompare.interfaces import calling, naming, paths, words
from gradcompare.interfaces.layouts import RATE


def found_after(
    layer: Any,
    backward: Any,
    result: Any,
    of_inputs: Any,
    before: Mapping[paths.Path, Any],
    places: naming.Places,
) -> dict[naming.Slot, Any]:
    """All arrays that may be gradients of parameters, by where they are.

    Args:
        layer: the object that has gone back, by its function `backward`.
        result: what that returned.
        of_inputs: of these the arrays that are gradients of the inputs, by identity.
        before: what the layer held, by its place.
        places: of the parameters.
    """
    own = {path: name for name, where in places.items() for path in where}
    found: dict[naming.Slot, Any] = {}
    for name, path, array in calling.entries(backward, result):
        if not any(array is one for one in of_inputs):
            found[naming.Slot("returned", path, name)] = array
    for path, array in paths.walk(layer):
        old = before.get(path)
        differs = old is None or np.shape(old) != np.shape(array) or not _equal(old, array)
        if path in own and differs:
            found[naming.Slot("change", (), own[path])] = (old - array) / RATE
        elif path not in own and (differs or words.GRADIENT.match(paths.word(path))):
            found[naming.Slot("stored", path, naming.stored_name(path, array, own))] = array
    return found


def held(layer: Any) -> dict[paths.Path, Any]:
    """Copies of all arrays that a layer holds, by their places."""
    return {path: kept(array) for path, array in paths.walk(layer)}


def kept(array: Any) -> Any:
    """A copy, where it can be copied: backward may write into what it is handed."""
    return array.copy() if hasattr(array, "copy") else array


def with_sums(layer: Any, nothing: Any) -> Any:
    """The layer with each array of its own plus a 0: what traced numbers are added to in place must be traced."""
    for path, array in list(paths.walk(layer)):
        if isinstance(array, np.ndarray) and array.dtype.kind == "f":
            layer = paths.put(layer, path, array + nothing)
    return layer


def _equal(a: Any, b: Any) -> bool:
    return bool(np.array_equal(_plain(a), _plain(b), equal_nan=True))


def _plain(array: Any) -> Any:
    from gradcompare.interfaces import values

    return values.plain(array)
