"""How much of its bound a gradient's true error uses, and how large the bound is beside the tensor.

python -m benchmarks.bounds [--networks N] [--smallest]

The true error is that of 100 digits. A bound that is exceeded is wrong, one of which nothing is used is too loose to
find much, and one that is large beside the tensor decides nothing.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

import manual
import torch_ref
from benchmarks import machine, results
from benchmarks.exact import distance, exact_gradients
from benchmarks.problems import Problem
from benchmarks.truth import bounded_gradients

__all__ = ["main"]

SIZES = ((3, 5, 2), (4, 6, 5, 1))
SAMPLES = 7
HIDDEN = ("sigmoid", "tanh", "relu", "leaky_relu")
QUANTILES = (0.5, 0.95, 1.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, shows, and writes bounds.json."""
    count = {"type": int, "default": 20, "help": "of each kind (default: %(default)s)"}
    options = results.options(__doc__, arguments, networks=count)
    networks, few = (1, 1) if options.smallest else (options.networks, None)
    found: dict[str, Any] = {"machine": machine.describe(options), "networks": networks, "bounds": []}
    for dtype, hidden, scale in list(product(("float64", "float32"), HIDDEN, (1.0, 5.0)))[:few]:
        problems = [Problem(sizes, SAMPLES, dtype, hidden, scale, seed) for sizes in SIZES for seed in range(networks)]
        found["bounds"].append({"dtype": dtype, "hidden": hidden, "scale": scale, **_distribution(problems)})
        results.write(options.out, "bounds", found)
    _show(found["bounds"])


def _distribution(problems: Sequence[Problem]) -> dict[str, dict[str, float]]:
    """Quantiles over all entries of dW and db: error / bound of both programs; bound / the tensor's largest entry."""
    used: dict[str, list[np.ndarray]] = {"manual": [], "torch_ref": []}
    relative = []
    for problem in problems:
        exact, bounds = exact_gradients(problem), bounded_gradients(problem)
        for program, gradients in _programs(problem).items():
            for name, bound in bounds.items():
                error = distance(gradients[name], exact[name])
                used[program].append(np.divide(error, bound.error, out=np.zeros_like(error), where=error > 0).ravel())
        relative += [(b.error / np.max(np.abs(b.value))).ravel() for b in bounds.values() if np.any(b.value)]
    parts = {f"error / bound, {program}": values for program, values in used.items()} | {"bound / tensor": relative}
    return {name: _quantiles(np.concatenate(values)) for name, values in parts.items()}


def _programs(problem: Problem) -> dict[str, Any]:
    parameters, X, Y = problem.arrays()
    g = problem.activations
    return {
        "manual": manual.backward(parameters, manual.forward(parameters, X, g), X, Y, g),
        "torch_ref": torch_ref.gradients(parameters, X, Y, g, at_zero="notes"),
    }


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {f"{q:.0%}": float(f"{np.quantile(values, q):.3g}") for q in QUANTILES}


def _show(found: Sequence[dict[str, Any]]) -> None:
    kinds = [kind for kind in found[0] if "bound" in kind]
    rows = [
        [f"{part['dtype']}, {part['hidden']}, scale {part['scale']:g}"]
        + [" ".join(f"{value:.2g}" for value in part[kind].values()) for kind in kinds]
        for part in found
    ]
    results.show("Median, 95 %, largest, over the entries of dW and db", ["networks", *kinds], rows)


if __name__ == "__main__":
    main()
