"""The machine: what it is, and the limit that it sets to any engine, from three rates measured in the same rounds."""

import os
import platform
import threading
import time
import timeit
from argparse import Namespace
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problems import Problem
from benchmarks.processes import CLOCKS

__all__ = ["describe", "limit", "rates"]

PACKAGES = ("numpy", "threadpoolctl", "torch", "jax", "jaxlib", "autograd", "scikit-learn", "tinygrad")
PRODUCT = 1024  # rows and columns of the matrices whose product is timed
STREAM = 1 << 26  # bytes that are copied, far more than a second-level cache
CACHED = 1 << 14  # entries of an array in cache


def describe(options: Namespace) -> dict[str, Any]:
    """Processor, cores, versions, threads and load: what a figure needs beside it."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": options.threads,
        "clock": options.clock,
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "measured": time.strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.processor())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def rates(state: dict[str, Any], dtype: str, threads: int, clock: str) -> dict[str, float]:
    """Of this machine now: operations and bytes a second, tanh and exp a second, all threads together."""
    if state.get("dtype") != dtype:
        state.update(dtype=dtype, **_arrays(dtype, threads))
    A, B, C = state["product"]
    source, target = state["stream"]
    share = len(source) // threads
    parts = [slice(i * share, (i + 1) * share) for i in range(threads)]
    values: list[np.ndarray] = state["cached"]
    tasks: dict[str, list[Callable]] = {
        "product": [lambda: np.matmul(A, B, out=C)],  # BLAS has its own threads
        "copy": [lambda part=part: np.copyto(target[part], source[part]) for part in parts],
        "tanh": [lambda z=z: [np.tanh(z[0], z[1]) for _ in range(50)] for z in values],
        "exp": [lambda z=z: [np.exp(z[0], z[1]) for _ in range(50)] for z in values],
    }
    seconds = {
        name: min(timeit.repeat(some[0], timer=CLOCKS[clock], number=1, repeat=3))
        if len(some) == 1
        else _together(some)
        for name, some in tasks.items()
    }
    return {
        "operations": 2 * PRODUCT**3 / seconds["product"],
        "bytes": 2 * STREAM / seconds["copy"],  # read and written
        "tanh": threads * 50 * CACHED / seconds["tanh"],
        "exp": threads * 50 * CACHED / seconds["exp"],
    }


def _arrays(dtype: str, threads: int) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    return {
        "product": [generator.random((PRODUCT, PRODUCT)).astype(dtype) for _ in range(3)],
        "stream": (np.ones(STREAM, np.uint8), np.zeros(STREAM, np.uint8)),
        "cached": [generator.standard_normal((2, CACHED)).astype(dtype) for _ in range(threads)],
    }


def _together(tasks: list[Callable]) -> float:
    """The best of three, all tasks at once, on threads that start together."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        barrier = threading.Barrier(len(tasks) + 1)

        def timed(task: Callable) -> float:
            barrier.wait()
            task()
            return time.perf_counter()

        best = float("inf")
        for _ in range(3):
            running = [pool.submit(timed, task) for task in tasks]
            barrier.wait()
            start = time.perf_counter()
            best = min(best, max(future.result() for future in running) - start)
    return best


def limit(problem: Problem, rate: dict[str, float]) -> float:
    """Seconds that no engine can beat: products or compulsory traffic, whichever is longer, and the functions.

    Products: W A forward, dZ A^T backward, and W^T dZ but for the first layer, two operations a multiplication.
    Traffic: X, Y and the parameters read once, the gradients written once. Functions: tanh or exp for every unit.
    """
    sizes, m = problem.sizes, problem.m
    weights = [n * k for k, n in pairwise(sizes)]
    operations = 2 * m * (3 * sum(weights) - weights[0])
    traffic = np.dtype(problem.dtype).itemsize * (m * (sizes[0] + sizes[-1]) + 2 * sum(weights) + 2 * sum(sizes[1:]))
    hidden = {"tanh": "tanh", "sigmoid": "exp"}.get(problem.hidden)
    functions = m * sizes[-1] / rate["exp"] + (m * sum(sizes[1:-1]) / rate[hidden] if hidden else 0)
    return float(max(operations / rate["operations"], traffic / rate["bytes"]) + functions)
