"""The arrays of the fast engine: blocks of samples that fit the cache, and how many there are on how many threads."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Block", "Plan", "Worker", "plan", "views"]

CACHE = 1 << 20  # bytes: half of a second-level cache of 2 MiB; the other half is for W, dW and what BLAS packs
NARROWEST = 512  # columns: in a narrower block products fall below their rate, and adding up dW block by block shows
WORTH = 2e7  # floating-point operations: some 150 us, several times what handing a task to another thread costs
UNSPREAD = 9216  # entries of a matrix whose product with a vector OpenBLAS leaves on one thread (interface/gemv.c)
PER_ENTRY = 100  # floating-point operations in whose time one entry of Z is activated and its slope applied


class Plan(NamedTuple):
    threads: int
    width: int  # columns in a block, at most
    small: bool  # no product is so large that BLAS would spread it over threads


def plan(sizes: Sequence[int], itemsize: int, m: int, most_threads: int) -> Plan:
    """How m samples are shared out."""
    weights = sum(n * k for k, n in itertools.pairwise(sizes))
    work = m * (6 * weights + PER_ENTRY * sum(sizes[1:]))  # three products of two operations, forward and backward
    threads = max(1, min(most_threads, m, int(work / WORTH)))
    width = max(NARROWEST, CACHE // (itemsize * sum(_heights(sizes))))
    return Plan(threads, width, small=weights * m <= UNSPREAD)


def _heights(sizes: Sequence[int]) -> list[int]:
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
        heights, L = _heights(sizes), len(sizes) - 1
        ends = list(itertools.accumulate(width * height for height in heights))
        parts = zip(np.split(memory[: ends[-1]], ends[:-1]), heights, strict=True)
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
            entries = width * sum(_heights(self.sizes))
            if len(self.memory) < entries:
                self.memory = np.empty(entries, self.memory.dtype)
            self.last = Block(self.sizes, self.memory, width)
        return self.last
