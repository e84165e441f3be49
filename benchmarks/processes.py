"""Every engine in a process of its own, and rounds in which each has its turn.

Thread pools of several libraries in one process disturb each other, and a machine drifts; so the processes live side by
side, one works while the others wait, and in every round each engine is timed once.
"""

import contextlib
import multiprocessing
import os
import random
import time
import timeit
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

__all__ = ["CLOCKS", "Process", "arrays", "hold", "measure", "processes", "rounds"]

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
BATCH = 0.05  # seconds that a timed batch of calls should last, so that the clock's resolution does not show
CLOCKS = {
    "wall": time.perf_counter,
    "cpu": time.process_time,  # of all threads of the process: for one thread, where others use the machine too
}
STAT = Path("/proc/stat")
Result = TypeVar("Result")
SETTLE = 0.04  # seconds in which the threads of the process before stop spinning, and over which the machine is watched
BUSY = 0.3  # cores that others may use while a round's turn begins
PATIENCE = 8.0  # seconds that the turns of one problem may wait, all together, for others to finish


class Process:
    """A process that holds one thing, made there by `make(*arguments)`, and times it."""

    def __init__(self, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        os.environ.update({name: str(threads) for name in POOLS})  # read when the libraries are loaded, over there
        self.process = context.Process(target=_serve, args=(theirs, threads), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, task: Callable, *arguments: Any) -> Any:
        """What `task(state, *arguments)` returns over there, where `state` is a dict that lasts."""
        self.connection.send((task, arguments))
        result, error = self.connection.recv()
        if error is not None:
            raise RuntimeError(error)
        return result

    def end(self) -> None:
        self.process.terminate()
        self.process.join()


def _serve(connection: Connection, threads: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:threads])  # for pools that ask how many cores there are
    state: dict[str, Any] = {}
    while True:
        try:
            task, arguments = connection.recv()
        except EOFError:  # nobody asks any more
            return
        try:
            connection.send((task(state, *arguments), None))
        except Exception as error:
            connection.send((None, f"{type(error).__name__}: {error}"))


@contextlib.contextmanager
def processes(names: Sequence[str], threads: int) -> Iterator[dict[str, Process]]:
    """One process for each name, ended at the end."""
    running = {name: Process(threads) for name in names}
    try:
        yield running
    finally:
        for process in running.values():
            process.end()


def hold(state: dict[str, Any], make: Callable[..., Any], *arguments: Any) -> float:
    """Makes what has the call `run` that is to be timed; returns the seconds until the first result was there."""
    state.clear()
    start = time.perf_counter()
    state["ready"] = make(*arguments)
    state["ready"].run()
    first = time.perf_counter() - start
    state["seconds"] = max(1e-7, timeit.timeit(state["ready"].run, number=1))
    return first


def arrays(state: dict[str, Any]) -> dict[str, np.ndarray]:
    """The result of one more call, as arrays of its own."""
    ready = state["ready"]
    return {name: np.array(array) for name, array in ready.arrays(ready.run()).items()}


def measure(state: dict[str, Any], clock: str) -> float:
    """Seconds per call, over a batch of calls, by a clock of `CLOCKS`."""
    number = max(1, round(BATCH / state["seconds"]))
    if number > 1:
        state["ready"].run()  # caches have been cold for a while
    state["seconds"] = max(1e-7, timeit.timeit(state["ready"].run, timer=CLOCKS[clock], number=number) / number)
    return float(state["seconds"])


def rounds(turns: Mapping[str, Callable[[], Result]], count: int, clock: str = "wall") -> dict[str, list[Result]]:
    """What each turn returned, one result a round; within a round the order is drawn anew.

    By the wall clock a turn waits until nobody else uses the machine, while there is patience left.
    """
    order = list(turns)
    results: dict[str, list[Result]] = {name: [] for name in turns}
    generator, patience = random.Random(0), PATIENCE if clock == "wall" else 0.0
    for _ in range(count):
        generator.shuffle(order)
        for name in order:
            patience -= _wait(patience)
            results[name].append(turns[name]())
    return results


def _wait(patience: float) -> float:
    """The seconds it took until the machine was quiet, or until patience was over."""
    start = time.perf_counter()
    while patience > 0:
        before = _busy_seconds()
        time.sleep(SETTLE)
        waited = time.perf_counter() - start
        if (_busy_seconds() - before) / SETTLE <= BUSY or waited > patience:
            return waited if waited > 2 * SETTLE else 0.0
    return 0.0


def _busy_seconds() -> float:
    """Of all cores together since the machine began; 0 where it does not tell."""
    if not STAT.exists():
        return 0.0
    user, nice, system, *_ = map(int, STAT.read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")
