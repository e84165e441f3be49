"""Who is nearest to the exact gradient, and what becomes of it where units saturate.

python -m benchmarks.accuracy [--smallest]
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks import machine, plots, results
from benchmarks.engines import ENGINES, installed, prepare
from benchmarks.exact import distance, exact_gradients
from benchmarks.problems import SMALLEST, Problem
from benchmarks.processes import arrays, hold, processes

PROBLEMS = tuple(
    Problem((8, 16, 1), 32, dtype, hidden, scale)
    for dtype in ("float32", "float64")
    for hidden in ("tanh", "sigmoid", "relu", "leaky_relu")
    for scale in (1.0, 20.0)
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, shows, writes accuracy.json, and draws."""
    options = results.options(__doc__, arguments)
    names = [name for name, engine in ENGINES.items() if installed(engine) and "again" not in name]
    found: dict[str, Any] = {"machine": machine.describe(options), "problems": []}
    with processes(names, options.threads) as running:
        for problem in [SMALLEST] if options.smallest else PROBLEMS:
            found["problems"].append({"problem": str(problem), "engines": _measure(problem, running)})
            results.write(options.out, "accuracy", found)
            _show(found["problems"][-1])
    plots.accuracy(found, options.out)


def _measure(problem: Problem, running: Mapping[str, Any]) -> dict[str, Any]:
    from benchmarks.truth import bounded_gradients  # here: the engines' processes need no torch

    exact, bounds = exact_gradients(problem), bounded_gradients(problem)
    measured = {}
    for name, engine in ENGINES.items():
        if name in running and engine.suits(problem):
            try:
                running[name].ask(hold, prepare, name, problem)
                measured[name] = _errors(running[name].ask(arrays), exact, bounds, problem.dtype)
            except RuntimeError as reason:
                results.note(f"{name}: {str(reason).splitlines()[0]}")
    return measured


def _errors(
    gradients: Mapping[str, np.ndarray], exact: Mapping[str, np.ndarray], bounds: Mapping[str, Any], dtype: str
) -> dict[str, float]:
    """Over all entries: error / bound at its worst; units in the last place in the median and at their worst."""
    errors = [distance(gradients[name], exact[name]).ravel() for name in exact]
    places = [np.spacing(np.abs(exact[name].astype(dtype))).astype(np.float64).ravel() for name in exact]
    allowed = [bounds[name].error.ravel() for name in exact]
    error, place, bound = (np.concatenate(parts) for parts in (errors, places, allowed))
    figures = {
        "error_over_bound": np.max(error / bound),
        "median_ulps": np.median(error / place),
        "worst_ulps": np.max(error / place),
    }
    return {name: float(f"{value:.3g}") for name, value in figures.items()}


def _show(found: Mapping[str, Any]) -> None:
    rows = [
        [name, *(f"{errors[kind]:,.3g}" for kind in ("error_over_bound", "median_ulps", "worst_ulps"))]
        for name, errors in sorted(found["engines"].items(), key=lambda item: item[1]["median_ulps"])
    ]
    results.show(found["problem"], ["engine", "error / bound", "median ulps", "worst ulps"], rows)


if __name__ == "__main__":
    main()
