"""Threads for the fast engine: tasks side by side, and every matrix product on the thread that asked for it.

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

__all__ = ["ONE_THREAD_PER_PRODUCT", "available", "run"]


@functools.cache
def available() -> int:
    """As many threads as BLAS has been given: the cores, or OPENBLAS_NUM_THREADS and its kin. 1 where it cannot be
    told how many to use (Accelerate): then the threads are its own affair."""
    return max((library.num_threads for library in _libraries()), default=1)


@functools.cache
def _libraries() -> list[Any]:
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


class _OneThreadPerProduct:
    """A context for any number of callers at once: the setting is the whole process's, and the last one restores it."""

    def __init__(self) -> None:
        self.lock, self.callers = threading.Lock(), 0
        self.before: list[int] = []

    def __enter__(self) -> None:
        with self.lock:
            self.callers += 1
            if self.callers == 1:
                self.before = [library.get_num_threads() for library in _libraries()]
                self._set([1] * len(self.before))

    def __exit__(self, *exception: object) -> None:
        with self.lock:
            self.callers -= 1
            if self.callers == 0:
                self._set(self.before)

    def _set(self, counts: Sequence[int]) -> None:
        for library, count in zip(_libraries(), counts, strict=True):
            library.set_num_threads(count)


ONE_THREAD_PER_PRODUCT = _OneThreadPerProduct()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="manual.fused")


os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork


def run(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """All at once, the first on the calling thread; np.errstate holds in all. Raises what the first to fail raised."""
    others = [_pool().submit(contextvars.copy_context().run, task) for task in tasks[1:]]
    try:
        first = tasks[0]()
    finally:
        wait(others)  # no task may go on in arrays that will be used again
    return [first, *(other.result() for other in others)]
