"""Steps along gradients that nothing in a file goes: which gradient is whose, written out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradcompare.interfaces import naming, paths, words
from gradcompare.interfaces.rehearsal.desk import Desk

RATE = 0.1
NAMELESS = re.compile(r"result\d*$")
"""What comes back and has no name in the file."""


class Walk:
    """What may be parameters under some names, and whether and how they are moved."""

    def __init__(self, desk: Desk, names: Sequence[str]) -> None:
        self.desk, self.names = desk, [name for name in dict.fromkeys(names) if name in desk.space]
        self.places = naming.places_of(self._roots())

    def _roots(self) -> dict[str, Any]:
        return {name: self.desk.space[name] for name in self.names if name in self.desk.space}

    def begin(self) -> None:
        """Note where the walk begins. What the turn has made inside of objects may be parameters where nothing else
        is."""
        self.leave_out_what_is_bound()
        roots = self._roots()
        self.places = self.places or naming.places_of(roots)
        self._before = {name: np.array(paths.get(roots, where[0])) for name, where in self.places.items()}

    def leave_out_what_is_bound(self) -> None:
        """What the turn has bound till now is no parameter."""
        bound = self.desk.bound_in_turn()
        self.names = [name for name in self.names if name not in bound]
        self.places = {name: where for name, where in self.places.items() if where[0][0][1] not in bound}

    def moved(self) -> bool:
        """Whether a parameter is another than at the beginning."""
        return any(
            now is not None and not np.array_equal(now, self._before[name]) for name, now in self._arrays().items()
        )

    def step(self) -> bool:
        """Write `W = W - 0.1 * dW` for each parameter that has a gradient among what was made, or beside itself."""
        arrays = {name: array for name, array in self._arrays().items() if array is not None}
        shapes = {name: np.shape(array) for name, array in arrays.items()}
        candidates = list(self._candidates())
        places = {name: where for name, where in self.places.items() if name in arrays}
        values, lines = dict(candidates), []
        for name, slot in naming.match(places, shapes, candidates).items():
            gradient, parameter = written(slot.path), written(places[name][0])
            if not _may_be_of(name, slot):
                continue
            if np.size(values[slot]) != np.size(arrays[name]):  # to leave it out would hide what is wrong
                return False
            same = np.shape(values[slot]) == shapes[name]
            gradient = gradient if same else f"np.reshape({gradient}, {shapes[name]})"
            lines.append(f"{parameter} = {parameter} - {RATE} * {gradient}")
        return bool(lines) and all(self.desk.write(line, True) for line in lines)

    def _arrays(self) -> dict[str, Any]:
        roots, found = self._roots(), dict[str, Any]()
        for name, where in self.places.items():
            try:
                found[name] = paths.get(roots, where[0])
            except (LookupError, AttributeError, TypeError):
                found[name] = None
        return found

    def _candidates(self) -> Iterator[tuple[naming.Slot, Any]]:
        """What may be a gradient: what calls have returned, and what is called so and stored."""
        parameters = {path: name for name, where in self.places.items() for path in where}
        bound = self.desk.bound_in_turn()
        made = {name: self.desk.space[name] for name in self.desk.made if name in bound}
        for path, array in paths.walk(made):
            if hasattr(array, "shape") and np.size(array):
                yield naming.Slot("returned", path, paths.label(path)), array
        for path, array in paths.walk(self._roots()):
            called = any(words.GRADIENT.match(str(key)) or words.GRADIENT_END.search(str(key)) for _, key in path[1:])
            if path not in parameters and hasattr(array, "shape") and np.size(array) and called:
                yield naming.Slot("stored", path, naming.stored_name(path, array, parameters)), array


def _may_be_of(parameter: str, slot: naming.Slot) -> bool:
    """Whether a gradient is called like one, or like the parameter, or not at all."""
    called = words.GRADIENT.match(slot.name) or words.GRADIENT_END.search(slot.name)
    return bool(called or naming.likeness(parameter, slot.name) or NAMELESS.match(slot.name))


def written(path: paths.Path) -> str:
    """What is at a path, as code."""
    (_, name), *rest = path
    return str(name) + "".join(f".{key}" if kind == "attr" else f"[{key!r}]" for kind, key in rest)
