"""The arrays of the fast engine: blocks of samples."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["Block", "Worker", "heights", "views"]


def heights(sizes: Sequence[int]) -> list[int]:
    """Rows of the arrays of a block: A of every layer and X, S of the layers computed, dZ of the output, ones."""
    return [*sizes, *sizes[1:], sizes[-1], 1]


def views(flat: np.ndarray, shapes: Mapping[str, tuple[int, int]], prefix: str = "") -> dict[str, np.ndarray]:
    """Arrays of these names and shapes, one after another in `flat`, so that one call moves them all."""
    ends = list(itertools.accumulate(n * k for n, k in shapes.values()))
    parts = zip(shapes.items(), np.split(flat, ends[:-1]), strict=True)
    return {prefix + name: part.reshape(shape) for (name, shape), part in parts}


class Block:
    """The arrays of `width` samples, side by side in `memory`; entry 0 of a list is the input, entry l layer l."""

    def __init__(self, sizes: Sequence[int], memory: np.ndarray, width: int) -> None:
        rows, L = heights(sizes), len(sizes) - 1
        ends = list(itertools.accumulate(width * height for height in rows))
        parts = zip(np.split(memory[: ends[-1]], ends[:-1]), rows, strict=True)
        arrays = [part.reshape(height, width) for part, height in parts]
        self.width = width
        self.A = arrays[: L + 1]  # (n_l, width): Z before it is activated
        self.S = [self.A[0], *arrays[L + 1 : 2 * L + 1]]  # (n_l, width): spare
        self.dZ = arrays[-2]  # (n_L, width)
        self.ones = arrays[-1].T  # (width, 1)
        self.ones.fill(1)


class Worker:
    """What one thread keeps: the memory of a block, the gradients of the one in hand, and their sums."""

    def __init__(self, sizes: Sequence[int], shapes: Mapping[str, tuple[int, int]], dtype: np.dtype) -> None:
        entries = sum(n * k for n, k in shapes.values())
        self.sizes, self.memory = sizes, np.empty(0, dtype)
        self.part, self.sums = (views(np.empty(entries, dtype), shapes, "d") for _ in range(2))
        self.loss = 0.0  # summed over samples and outputs
        self.last: Block | None = None

    def block(self, width: int) -> Block:
        """A block of this many columns: the last one, if it had as many."""
        if self.last is None or self.last.width != width:
            entries = width * sum(heights(self.sizes))
            if len(self.memory) < entries:
                self.memory = np.empty(entries, self.memory.dtype)
            self.last = Block(self.sizes, self.memory, width)
        return self.last
