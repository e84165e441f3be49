"""How samples are shared out: the width of a block, and what is done side by side, blocks or the parts of a product.

There are three ways to go over the samples. *Alone*: block after block on one thread. *Shared*: each thread has a part
of the samples; NumPy's operations queue for the interpreter lock, so one must be long beside the wait. *Spread*: block
after block, and BLAS spreads each product over its own threads, which wait awake; elementwise operations stay on one,
and a product must be large to be worth dividing. What each takes is estimated, in floating-point operations of one
thread, and the one that takes least is chosen.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from .blocks import heights
from .threads import ALL_THREADS_PER_PRODUCT, ONE_THREAD_PER_PRODUCT, ThreadsPerProduct

__all__ = ["Plan", "plan"]

CACHE = 1 << 20  # bytes: half of a second-level cache of 2 MiB; the other half is for W, dW and what BLAS packs
NARROWEST = 512  # columns: in a narrower block products fall below their rate, and adding up dW block by block shows
UNSPREAD = 9216  # entries of a matrix whose product with a vector OpenBLAS leaves on one thread (interface/gemv.c)
PER_ENTRY = 100  # floating-point operations in whose time one entry of Z is activated and its slope applied
PER_WEIGHT = 200  # and in whose time W is read, and dW added up, by one thread more
OPERATIONS = 9  # calls of NumPy for a layer of a block, forward and backward
RATE = 4e11  # bytes of operands a second: 1e11 operations in float32, half as many in float64
HANDING_OVER = 90e-6  # seconds until another thread has woken up, and this one again when that is done
QUEUEING = 15e-6  # seconds an operation waits for the interpreter lock, for every other thread that wants it
DIVISIBLE = 2 / 3  # of the work is in products large enough to divide
LARGE = 1 << 16  # weights from which on products are


class Plan(NamedTuple):
    threads: int  # of Python
    width: int  # columns in a block, at most
    products: ThreadsPerProduct | None  # None where BLAS spreads none of them anyhow


def plan(sizes: Sequence[int], itemsize: int, m: int, threads: int, blas_threads: int) -> Plan:
    """How m samples are shared out over at most `threads` of Python, or over all of BLAS's where they are no more."""
    weights = sum(n * k for k, n in itertools.pairwise(sizes))
    width = max(NARROWEST, CACHE // (itemsize * sum(heights(sizes))))
    work = m * (6 * weights + PER_ENTRY * sum(sizes[1:]))  # three products of two operations, forward and backward
    rate = RATE / itemsize

    def shared(count: int) -> float:
        operations = OPERATIONS * (len(sizes) - 1) * -(-m // (count * width))
        waiting = HANDING_OVER + (count - 1) * operations * QUEUEING
        return work / count + rate * waiting + PER_WEIGHT * weights

    estimates = {Plan(1, width, ONE_THREAD_PER_PRODUCT if weights * m > UNSPREAD else None): float(work)}
    estimates |= {Plan(count, width, ONE_THREAD_PER_PRODUCT): shared(count) for count in range(2, min(threads, m) + 1)}
    if weights > LARGE and 1 < blas_threads <= threads:
        estimates[Plan(1, width, ALL_THREADS_PER_PRODUCT)] = work * (1 - DIVISIBLE + DIVISIBLE / blas_threads)
    return min(estimates, key=estimates.__getitem__)
