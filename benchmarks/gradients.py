"""Forward and backward of one network, engine against engine, from one sample to a million.

python -m benchmarks.gradients [--rounds N] [--threads N] [--only TEXT] [--smallest]
"""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks import machine, plots, results
from benchmarks.engines import ENGINES, installed, prepare
from benchmarks.problems import GRID, SMALLEST, Problem
from benchmarks.processes import Process, arrays, hold, measure, processes, rounds
from benchmarks.spread import Spread, geometric_mean, paired_ratio

OURS, CONTROL, MACHINE = "manual.fused", "manual.fused again", "machine"
BY_HAND = ("manual", "manual.loops", OURS, CONTROL)  # the others are rivals


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, shows, writes gradients.json after every problem, and draws."""
    options = results.options(__doc__, arguments, only={"default": "", "help": "problems whose name contains this"})
    problems = [SMALLEST] if options.smallest else [problem for problem in GRID if options.only in str(problem)]
    engines = [name for name, engine in ENGINES.items() if installed(engine)]
    skipped = [name for name in ENGINES if name not in engines]
    found: dict[str, Any] = {
        "machine": machine.describe(options),
        "skipped": skipped,
        "problems": [],
    }
    with processes([*engines, MACHINE], options.threads) as running:
        for problem in problems:
            found["problems"].append(_measure(problem, running, options))
            results.write(options.out, "gradients", found)
            _show(found["problems"][-1])
    _show_summary(found)
    plots.gradients(found, options.out)


def _measure(problem: Problem, running: Mapping[str, Process], options: Namespace) -> dict[str, Any]:
    """Prepare every engine, check it, and time those that are right."""
    from benchmarks.truth import bounded_gradients, worst_ratio  # here: the engines' processes need no torch

    truth = bounded_gradients(problem)
    first, error, failed = {}, {}, {}
    for name, engine in ENGINES.items():
        if name in running and engine.suits(problem):
            try:
                first[name] = running[name].ask(hold, prepare, name, problem)
                error[name] = worst_ratio(running[name].ask(arrays), truth)
            except RuntimeError as reason:
                failed[name] = str(reason).splitlines()[0]
    turns: dict[str, Any] = {
        name: partial(running[name].ask, measure, options.clock) for name, off in error.items() if off <= 1
    }
    turns[MACHINE] = partial(running[MACHINE].ask, machine.rates, problem.dtype, options.threads, options.clock)
    seconds = rounds(turns, options.rounds, options.clock)
    return {
        "problem": str(problem),
        "error_over_bound": {name: float(f"{off:.2g}") for name, off in error.items()},
        "first_call": {name: float(f"{first[name]:.3g}") for name in error},
        "failed": failed,
        **_figures(problem, seconds.pop(MACHINE), seconds),
    }


def _figures(problem: Problem, rates: list[dict[str, float]], seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Spreads of the seconds, of every engine's ratio to ours, and of the fraction of the limit that each reaches."""
    limits = [machine.limit(problem, rate) for rate in rates]
    medians = {name: Spread.of(values).median for name, values in seconds.items()}
    rivals = {name: median for name, median in medians.items() if name not in BY_HAND}
    return {
        "seconds": {name: Spread.of(values).to_dict() for name, values in seconds.items()},
        "over_ours": {name: paired_ratio(values, seconds[OURS]).to_dict() for name, values in seconds.items()},
        "of_limit": {name: paired_ratio(limits, values).to_dict() for name, values in seconds.items()},
        "limit": Spread.of(limits).to_dict(),
        "rates": {name: float(f"{np.median([rate[name] for rate in rates]):.3g}") for name in rates[0]},
        "best_rival": min(rivals, key=lambda name: rivals[name]) if rivals else None,
    }


def _show(found: dict[str, Any]) -> None:
    rows = []
    for name, values in found["seconds"].items():
        seconds, ratio = Spread(**values), Spread(**found["over_ours"][name])
        quartiles = f"{results.seconds_text(seconds.low)} to {results.seconds_text(seconds.high)}"
        rows.append(
            [
                name + (" (best rival)" if name == found["best_rival"] else ""),
                results.seconds_text(seconds.median),
                quartiles,
                f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})",
                f"{found['of_limit'][name]['median']:.0%}",
                f"{found['error_over_bound'][name]:.2g}",
                results.seconds_text(found["first_call"][name]),
            ]
        )
    title = f"{found['problem']}; limit {results.seconds_text(found['limit']['median'])}"
    columns = ["engine", "median", "quartiles", "times ours", "of the limit", "error / bound", "first call"]
    results.show(title, columns, rows)
    for name, reason in found["failed"].items():
        results.note(f"{name}: {reason}")


def over_best_rival(problems: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, Spread]]:
    """By problem: the fastest of the engines that are not ours, and its time over that of ours."""
    return {
        part["problem"]: (part["best_rival"], Spread(**part["over_ours"][part["best_rival"]]))
        for part in problems
        if part["best_rival"]
    }


def _show_summary(found: dict[str, Any]) -> None:
    """Ours against the best rival of each problem, and what was skipped."""
    ratios = {problem: ratio.median for problem, (_, ratio) in over_best_rival(found["problems"]).items()}
    for problem, ratio in ratios.items():
        results.note(f"{ratio:6.2f} times as fast as the best rival: {problem}")
    if ratios:
        results.note(f"{geometric_mean(ratios.values()):6.2f} geometric mean")
    for name in found["skipped"]:
        results.note(f"skipped: {name} ({ENGINES[name].needs} is not installed: pip install -e '.[bench]')")


if __name__ == "__main__":
    main()
