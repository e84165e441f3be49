"""Gradient descent: 10,000 steps on a small network, and an epoch in batches on a larger one.

python -m benchmarks.training [--rounds N] [--threads N] [--smallest]
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks import machine, plots, results
from benchmarks.problems import Problem
from benchmarks.processes import Process, arrays, hold, measure, processes, rounds
from benchmarks.spread import Spread, paired_ratio
from benchmarks.trainers import TRAINERS, Course, installed, prepare

OURS = "manual.fused"
COURSES = tuple(
    course
    for dtype in ("float32", "float64")
    for course in (
        Course(Problem((2, 4, 1), 400, dtype), batches=1, steps=10_000),
        Course(Problem((784, 128, 10), 128, dtype), batches=100, steps=100),
    )
)
FEW = 20  # steps after which every trainer must have the parameters of `manual`


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, shows, writes training.json after every course, and draws."""
    options = results.options(__doc__, arguments)
    courses = [replace(COURSES[0], steps=FEW)] if options.smallest else COURSES
    names = [name for name, trainer in TRAINERS.items() if installed(trainer)]
    skipped = [name for name in TRAINERS if name not in names]
    found: dict[str, Any] = {
        "machine": machine.describe(options),
        "skipped": skipped,
        "courses": [],
    }
    with processes(names, options.threads) as running:
        for course in courses:
            found["courses"].append(_measure(course, running, options.rounds, options.clock))
            results.write(options.out, "training", found)
            _show(found["courses"][-1])
    plots.training(found, options.out)


def _measure(course: Course, running: Mapping[str, Process], count: int, clock: str) -> dict[str, Any]:
    """After a few steps every trainer must be where `manual` is; then the whole course is timed."""
    expected = TRAINERS["manual"].prepare(replace(course, steps=FEW)).run()
    first, off, failed = {}, {}, {}
    for name, process in running.items():
        if course.steps > TRAINERS[name].most:
            continue
        try:
            process.ask(hold, prepare, name, replace(course, steps=FEW))
            off[name] = _distance(process.ask(arrays), expected)
            first[name] = process.ask(hold, prepare, name, course)
        except RuntimeError as reason:
            failed[name] = str(reason).splitlines()[0]
    allowed = 1e4 * float(np.finfo(course.problem.dtype).eps)  # of the largest weight, after so few steps
    right = {name: partial(running[name].ask, measure, clock) for name in first if off[name] <= allowed}
    seconds = rounds(right, count, clock)
    return {
        "course": str(course),
        "off": {name: float(f"{value:.2g}") for name, value in off.items()},
        "failed": failed | {name: f"off by {off[name]:.2g}" for name in first if name not in right},
        "first_call": {name: float(f"{value:.3g}") for name, value in first.items()},
        "seconds": {name: Spread.of(values).to_dict() for name, values in seconds.items()},
        "over_ours": {name: paired_ratio(values, seconds[OURS]).to_dict() for name, values in seconds.items()},
    }


def _distance(parameters: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> float:
    """The largest difference, over the largest weight."""
    largest = max(float(np.max(np.abs(array))) for array in expected.values())
    return max(float(np.max(np.abs(parameters[name] - array))) for name, array in expected.items()) / largest


def _show(found: dict[str, Any]) -> None:
    rows = []
    for name, values in found["seconds"].items():
        seconds, ratio = Spread(**values), Spread(**found["over_ours"][name])
        quartiles = f"{results.seconds_text(seconds.low)} to {results.seconds_text(seconds.high)}"
        times = f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
        rows.append([name, results.seconds_text(seconds.median), quartiles, times, f"{found['off'][name]:.1g}"])
    columns = ["trainer", "median", "quartiles", "times ours", f"off after {FEW} steps"]
    results.show(found["course"], columns, rows)
    for name, reason in found["failed"].items():
        results.note(f"{name}: {reason}")


if __name__ == "__main__":
    main()
