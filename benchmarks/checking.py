"""What a verdict costs: `gradcompare.compare` and gradcheck, in plain passes of autograd over the same network.

python -m benchmarks.checking [--rounds N] [--smallest]
"""

from collections.abc import Callable, Mapping, Sequence
from timeit import timeit
from typing import Any

import numpy as np
import torch

import gradcompare
import manual
import torch_ref
from benchmarks import machine, plots, results
from benchmarks.problems import Problem
from benchmarks.processes import CLOCKS, rounds
from benchmarks.spread import Spread, paired_ratio

PASS = "a plain autograd pass"
SIZES = ((2, 4, 1), (8, 16, 4), (16, 32, 8), (32, 64, 10), (784, 128, 10))
SLOW = 3_000  # parameters up to which the slow gradcheck is waited for


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, shows, writes checking.json, and draws. Float64, m = 64."""
    options = results.options(__doc__, arguments)
    torch.set_num_threads(options.threads)
    found: dict[str, Any] = {"machine": machine.describe(options), "networks": []}
    for sizes in SIZES[:1] if options.smallest else SIZES:
        found["networks"].append(_measure(Problem(sizes, 64, "float64"), min(options.rounds, 5), options.clock))
        results.write(options.out, "checking", found)
    _show(found["networks"])
    plots.checking(found, options.out)


def _measure(problem: Problem, count: int, clock: str) -> dict[str, Any]:
    checks = _checks(problem)
    for check in checks.values():
        check()
    turns = {name: (lambda check=check: _timed(check, clock)) for name, check in checks.items()}
    seconds = rounds(turns, count, clock)
    parameters = sum(array.size for array in problem.arrays()[0].values())
    return {
        "problem": str(problem),
        "parameters": int(parameters),
        "pass": Spread.of(seconds[PASS]).to_dict(),
        "passes": {name: paired_ratio(values, seconds[PASS]).to_dict() for name, values in seconds.items()},
    }


def _timed(check: Callable[[], object], clock: str) -> float:
    number = max(1, int(0.02 / timeit(check, number=1)))
    return timeit(check, timer=CLOCKS[clock], number=number) / number


def _checks(problem: Problem) -> dict[str, Callable[[], object]]:
    parameters, X, Y = problem.arrays()
    g = problem.activations
    inputs = {"X": X, "Y": Y, **parameters}

    def reference(given: Mapping[str, Any]) -> Any:
        theta = {name: given[name] for name in parameters}
        return torch_ref.cost_and_values(theta, given["X"], given["Y"], g)[0]

    def right(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        theta = {name: given[name] for name in parameters}
        gradients = manual.backward(theta, manual.forward(theta, given["X"], g), given["X"], given["Y"], g)
        return {f"d{name}": gradients[f"d{name}"] for name in parameters}

    def wrong(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return right(given) | {"db1": 2 * right(given)["db1"]}

    leaves = [torch.tensor(array, requires_grad=True) for array in parameters.values()]
    data = {"X": torch.tensor(X), "Y": torch.tensor(Y)}

    def cost(*theta: torch.Tensor) -> Any:
        return reference(data | dict(zip(parameters, theta, strict=True)))

    checks: dict[str, Callable[[], object]] = {
        PASS: lambda: torch.autograd.grad(cost(*leaves), leaves),
        "compare, right": lambda: _verdict(gradcompare.compare(reference, right, inputs), "agrees"),
        "compare, wrong": lambda: _verdict(gradcompare.compare(reference, wrong, inputs), "wrong"),
        "gradcheck, fast": lambda: torch.autograd.gradcheck(cost, leaves, fast_mode=True),
    }
    if sum(leaf.numel() for leaf in leaves) <= SLOW:
        checks["gradcheck, slow"] = lambda: torch.autograd.gradcheck(cost, leaves)
    return checks


def _verdict(report: Any, expected: str) -> None:
    if report.verdict != expected:
        raise AssertionError(f"the verdict should be {expected!r}:\n{report}")


def _show(networks: Sequence[Mapping[str, Any]]) -> None:
    names = [name for name in networks[0]["passes"] if name != PASS]
    rows = []
    for network in networks:
        passes = network["passes"]
        cells = [f"{passes[name]['median']:,.1f}" if name in passes else "-" for name in names]
        rows.append(
            [network["problem"], f"{network['parameters']:,}", results.seconds_text(network["pass"]["median"]), *cells]
        )
    results.show("In plain autograd passes", ["network", "parameters", "one pass", *names], rows)


if __name__ == "__main__":
    main()
