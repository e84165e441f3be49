"""What is known of a tensor beyond its value and bound: that it is the maximum of another one.

The derivative of a maximum is the mask x == max(x), divided by the number of entries it marks. That the one entry that
can be the maximum equals it is no coincidence that rounding could undo, and that a mask of maxima marks at least one
entry keeps the quotient finite. Neither can be seen in the numbers, so a run keeps a note of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Known:
    """Notes by the number of a tensor."""

    def __init__(self) -> None:
        self._same_as: dict[int, int] = {}
        self._extremes: dict[int, tuple[int, tuple[int, ...]]] = {}
        self._masks: dict[int, tuple[int, ...]] = {}
        self.at_least_one: set[int] = set()

    def kept(self, child: int, parent: int) -> None:
        """`child` has the entries of `parent`."""
        self._same_as[child] = self._original(parent)
        for notes in (self._extremes, self._masks):
            if parent in notes:
                notes[child] = notes[parent]  # type: ignore[assignment]
        if parent in self.at_least_one:
            self.at_least_one.add(child)

    def is_extreme(self, result: int, of: int, shape: Sequence[int], dims: Any) -> None:
        """`result` holds the maxima of `of`, which has this shape, over `dims` (an empty list or None: all)."""
        listed = range(len(shape)) if dims is None or dims == [] else [dims] if isinstance(dims, int) else dims
        over = {d % len(shape) for d in listed} if shape else set()
        self._extremes[result] = (self._original(of), tuple(1 if d in over else n for d, n in enumerate(shape)))

    def extremes_shape(self, extreme: int, of: int, shape: Sequence[int], dims: int) -> tuple[int, ...] | None:
        """The shape of the maxima with the dimensions they were taken over, if `extreme` holds those of `of`."""
        origin, kept = self._extremes.get(extreme, (None, ()))
        aligned = (1,) * (dims - len(shape)) + tuple(shape)
        return kept if origin == self._original(of) and kept == aligned else None

    def is_mask(self, mask: int, shape: tuple[int, ...]) -> None:
        """`mask` marks at least one entry of each line that maxima of this shape were taken over."""
        self._masks[mask] = shape

    def summed(self, total: int, of: int, shape: Sequence[int]) -> None:
        """`total` is a sum of `of`."""
        if of in self._masks and tuple(shape) in (self._masks[of], ()):
            self.at_least_one.add(total)

    def joined(self, result: int, of: int) -> None:
        """`result` is `of`, or something else."""
        if of in self._masks:
            self._masks[result] = self._masks[of]

    def _original(self, number: int) -> int:
        return self._same_as.get(number, number)
