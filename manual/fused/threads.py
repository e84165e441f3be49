"""Threads for the fast engine: tasks side by side, and how many threads a matrix product has.

NumPy lets go of the interpreter lock while it computes, so blocks of samples can run on several Python threads. A BLAS
that itself spreads each product over the cores would then be in the way; threadpoolctl holds it to one thread.
"""

import contextvars
import functools
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

Result = TypeVar("Result")

__all__ = ["ALL_THREADS_PER_PRODUCT", "ONE_THREAD_PER_PRODUCT", "ThreadsPerProduct", "available", "run"]


@functools.cache
def available() -> int:
    """As many threads as BLAS has been given: the cores, or OPENBLAS_NUM_THREADS and its kin. 1 where it cannot be
    told how many to use (Accelerate): then the threads are its own affair."""
    return max((library.num_threads for library in _libraries()), default=1)


@functools.cache
def _libraries() -> list[Any]:
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


class ThreadsPerProduct:
    """A context for any number of callers at once. The setting is the whole process's, and results depend on it to the
    last bit: callers who want another wait until nobody needs this one; the last to leave restores what was before."""

    _free, _callers = threading.Condition(), 0
    _now: "ThreadsPerProduct | None" = None
    _before: Sequence[int] = ()

    def __init__(self, count: int | None) -> None:
        """`count` threads, or as many as BLAS has been given."""
        self.count = count

    def __enter__(self) -> None:
        shared = ThreadsPerProduct
        with shared._free:
            while shared._callers and shared._now is not self:
                shared._free.wait()
            shared._callers += 1
            if shared._callers == 1:
                shared._now, shared._before = self, [library.get_num_threads() for library in _libraries()]
                if self.count is not None:
                    _set([self.count] * len(shared._before))

    @staticmethod
    def forget_callers() -> None:
        """After a fork, in the child: the threads that were in are not there, nor is what they would have restored."""
        shared = ThreadsPerProduct
        if shared._callers:
            _set(shared._before)
        shared._free, shared._callers = threading.Condition(), 0

    def __exit__(self, *exception: object) -> None:
        shared = ThreadsPerProduct
        with shared._free:
            shared._callers -= 1
            if shared._callers == 0:
                _set(shared._before)
                shared._free.notify_all()


def _set(counts: Sequence[int]) -> None:
    for library, count in zip(_libraries(), counts, strict=True):
        library.set_num_threads(count)


ONE_THREAD_PER_PRODUCT = ThreadsPerProduct(1)
ALL_THREADS_PER_PRODUCT = ThreadsPerProduct(None)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="manual.fused")


if hasattr(os, "register_at_fork"):  # threads do not survive a fork, where there are forks
    os.register_at_fork(after_in_child=_pool.cache_clear)
    os.register_at_fork(after_in_child=ThreadsPerProduct.forget_callers)


def run(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """All at once, the first on the calling thread; np.errstate holds in all. Raises what the first to fail raised."""
    others = [_pool().submit(contextvars.copy_context().run, task) for task in tasks[1:]]
    try:
        first = tasks[0]()
    finally:
        wait(others)  # no task may go on in arrays that will be used again
    return [first, *(other.result() for other in others)]
