"""Memory that the gradients of 2-4-1 take above the data, for up to ten million samples.

python -m benchmarks.memory [--smallest]
"""

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np

from benchmarks import machine, plots, results
from benchmarks.engines import ENGINES, Ready, installed
from benchmarks.problems import Problem
from benchmarks.processes import processes

SIZES, SAMPLES = (2, 4, 1), (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
WEIGHED = ("manual", "manual.fused", "torch eager", "torch.compile", "JAX jit", "HIPS autograd", "scikit-learn")
MAPPED = "manual.fused, from a file"
SAMPLING = 0.002  # seconds between two looks at another process


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures in a fresh process each, shows, writes memory.json, and draws."""
    options = results.options(__doc__, arguments)
    suited = [name for name in WEIGHED if installed(ENGINES[name])]
    found: dict[str, Any] = {"machine": machine.describe(options), "bytes": {}}
    for name in [*suited, MAPPED]:
        for m in SAMPLES[:1] if options.smallest else SAMPLES:
            peak = _peak(name, Problem(SIZES, m), options.threads)
            if peak is not None:
                found["bytes"].setdefault(name, {})[str(m)] = peak
            results.write(options.out, "memory", found)
    _show(found["bytes"])
    plots.memory(found, options.out)


def _peak(name: str, problem: Problem, threads: int) -> int | None:
    """Bytes above what the process held once the data were there and a tiny problem had been solved."""
    with tempfile.TemporaryDirectory() as folder, processes([name], threads) as running:
        process = running[name]
        try:
            process.ask(_prepare, name, problem, folder)
            before, peak, done = _anonymous(process.process.pid), [0], Event()
            watcher = Thread(target=_watch, args=(process.process.pid, peak, done))
            watcher.start()
            process.ask(_run)
            done.set()
            watcher.join()
        except RuntimeError as reason:
            results.note(f"{name}, m = {problem.m:,}: {str(reason).splitlines()[0]}")
            return None
    return max(0, peak[0] - before)


def _prepare(state: dict[str, Any], name: str, problem: Problem, folder: str) -> None:
    make = partial(_from_file, folder) if name == MAPPED else ENGINES[name].prepare
    make(Problem(problem.sizes, 1)).run()  # the libraries and their pools are not what is weighed
    state["ready"] = make(problem)


def _run(state: dict[str, Any]) -> None:
    state["result"] = state["ready"].run()


def _from_file(folder: str, problem: Problem) -> Ready:
    import manual.fused

    parameters, *data = problem.arrays()
    for name, array in zip("XY", data, strict=True):
        np.save(Path(folder) / f"{name}{problem.m}.npy", array)
    X, Y = (np.load(Path(folder) / f"{name}{problem.m}.npy", mmap_mode="r") for name in "XY")
    return Ready(lambda: manual.fused.gradients(parameters, X, Y, problem.activations), dict)


def _anonymous(pid: int | None) -> int:
    """Bytes of memory that belong to the process itself: pages of files, which can be dropped, do not count."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1])


def _watch(pid: int | None, peak: list[int], done: Event) -> None:
    while not done.wait(SAMPLING):
        peak[0] = max(peak[0], _anonymous(pid))
    peak[0] = max(peak[0], _anonymous(pid))


def _show(found: Mapping[str, Mapping[str, int]]) -> None:
    samples = list(next(iter(found.values())))
    rows = [
        [name, *(f"{peaks[m] / 1e6:,.1f}" if m in peaks else "-" for m in samples)] for name, peaks in found.items()
    ]
    results.show("MB above the data, 2-4-1, float32", ["engine", *(f"m = {int(m):,}" for m in samples)], rows)


if __name__ == "__main__":
    main()
