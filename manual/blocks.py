"""The arrays of the fast engine: parameters in one piece, gradients too, and a block of samples that fits the cache."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Block", "Packed", "Worker", "plan"]

CACHE = 1 << 20  # bytes: half of a second-level cache of 2 MiB; the other half is for W, dW and what BLAS packs
NARROWEST = 256  # columns: in a narrower block products fall below their rate, and adding up dW block by block shows
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
    """Rows of the arrays of a block: [A; 1] of the layers that are read, A_L, S of the layers computed, dZ_L."""
    return [*(n + 1 for n in sizes[:-1]), sizes[-1], *sizes[1:], sizes[-1]]


class Packed:
    """[W_l b_l] of every layer, or [dW_l db_l]: views of one flat array, so that one call adds or scales them all.

    Entry l of a list is layer l; entry 0 is empty.
    """

    def __init__(self, sizes: Sequence[int], dtype: np.dtype) -> None:
        shapes = [(n, k + 1) for k, n in itertools.pairwise(sizes)]
        ends = list(itertools.accumulate(n * k for n, k in shapes))
        self.flat = np.zeros(ends[-1], dtype)
        parts = zip(np.split(self.flat, ends[:-1]), shapes, strict=True)
        self.Wb = [self.flat[:0], *(part.reshape(shape) for part, shape in parts)]  # (n_l, n_{l-1} + 1)
        self.W = [Wb[..., :-1] for Wb in self.Wb]  # (n_l, n_{l-1})
        self.named = {}  # from the last layer to the first, as `manual.backward` has them
        for layer in range(len(shapes), 0, -1):
            self.named |= {f"W{layer}": self.W[layer], f"b{layer}": self.Wb[layer][:, -1:]}

    def load(self, parameters: Mapping[str, np.ndarray]) -> None:
        for name, view in self.named.items():
            view[...] = parameters[name]

    def arrays(self, prefix: str = "") -> dict[str, np.ndarray]:
        """New arrays {"W1": W_1, ...}, each name with the prefix."""
        return {prefix + name: view.copy() for name, view in self.named.items()}


class Block:
    """The arrays of `width` samples, side by side in `memory`; entry 0 of each list is the input, entry l layer l."""

    def __init__(self, sizes: Sequence[int], memory: np.ndarray, width: int) -> None:
        heights, L = _heights(sizes), len(sizes) - 1
        ends = list(itertools.accumulate(width * height for height in heights))
        parts = zip(np.split(memory[: ends[-1]], ends[:-1]), heights, strict=True)
        arrays = [part.reshape(height, width) for part, height in parts]
        self.width = width
        self.A1 = arrays[:L]  # (n_l + 1, width): A with a row of ones below
        self.A = [*(A1[:-1] for A1 in self.A1), arrays[L]]  # (n_l, width): Z before it is activated
        self.S = [self.A[0], *arrays[L + 1 : -1]]  # (n_l, width): spare
        self.dZ = arrays[-1]  # (n_L, width)
        for A1 in self.A1:
            A1[-1] = 1


class Worker:
    """What one thread keeps: the sums of its gradients, those of the block in hand, and the memory of a block."""

    def __init__(self, sizes: Sequence[int], dtype: np.dtype) -> None:
        self.sizes = sizes
        self.sums, self.part = Packed(sizes, dtype), Packed(sizes, dtype)  # not yet over m
        self.loss = 0.0  # summed over samples and outputs
        self.memory = np.empty(0, dtype)
        self.last: Block | None = None

    def block(self, width: int) -> Block:
        """A block of this many columns: the last one, if it had as many."""
        if self.last is None or self.last.width != width:
            entries = width * sum(_heights(self.sizes))
            if len(self.memory) < entries:
                self.memory = np.empty(entries, self.memory.dtype)
            self.last = Block(self.sizes, self.memory, width)
        return self.last
