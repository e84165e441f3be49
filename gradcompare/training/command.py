"""`gradcompare train`: from the options to what is said and drawn. It prints nothing itself."""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gradcompare.commands.health import save
from gradcompare.commands.outputs import CannotWriteError, check_writable
from gradcompare.symptoms import health
from gradcompare.training import activations, course
from gradcompare.training.course import Course
from gradcompare.training.datasets import DATASETS, draw
from gradcompare.training.extras import MissingExtraError, needed
from gradcompare.training.problem import Problem

__all__ = ["CannotTrainError", "Outcome", "train"]

Advance = Callable[[int, int], object]
"""(done, total), for a progress bar."""
TRAINED = ("training.png", "training.svg", "network.npz")
COMPARED = tuple(f"{name}.{kind}" for name in ("functions", "activations", "scales") for kind in ("png", "svg"))
"""The files that are written."""
SEEDS = 5
"""So often the activations are compared, if nothing is said."""
SWEPT_STEPS = 5
"""A sweep takes this part of the steps: what the scale does shows early."""


class CannotTrainError(Exception):
    """There is no training to speak of; the message says why."""


class Outcome(NamedTuple):
    """What is to be said, and "agrees", "wrong", "undecided" or "interrupted"."""

    text: str
    verdict: str


def train(options: argparse.Namespace, advance: Advance) -> Outcome:
    """Carry the command out.

    Raises:
        CannotTrainError: in words; a missing package, a folder that cannot be written, a cost that overflows.
    """
    if options.seeds is not None and not options.compare_activations:
        raise CannotTrainError(
            f"--seeds {options.seeds} says how often --compare-activations trains, which was not asked for; one "
            "training has one seed: --seed N."
        )
    try:
        problem = _problem(options)
        folder = _folder(options.output, COMPARED if options.compare_activations else TRAINED)
        return (_compare if options.compare_activations else _side_by_side)(options, problem, folder, advance)
    except (MissingExtraError, FloatingPointError, CannotWriteError) as problem_met:
        raise CannotTrainError(str(problem_met)) from None
    except MemoryError:
        raise CannotTrainError(f"There is not the memory for hidden layers of {options.hidden} units.") from None


def _folder(name: str | None, files: Sequence[str]) -> Path | None:
    """Made, and matplotlib found, before hours of work."""
    if name is None:
        return None
    needed("matplotlib")
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise CannotWriteError(f"{name} cannot be written to: it is a file, not a folder.") from None
    except OSError as problem:
        raise CannotWriteError(f"{name} cannot be written to: {problem.strerror or problem}.") from None
    for file in files:
        check_writable(str(folder / file))
    return folder


def _problem(options: argparse.Namespace) -> Problem:
    data = draw(options.data, options.seed).astype(options.dtype)
    scale: Any = options.scale[0] if len(options.scale) == 1 else options.scale
    problem = Problem(
        data,
        options.hidden,
        options.activation,
        options.learning_rate or DATASETS[options.data].learning_rate,
        options.iterations,
        0.0 if options.init == "zeros" else scale,
        options.seed,
    )
    try:
        problem.start()
    except ValueError as refused:
        raise CannotTrainError(f"{refused}.") from None
    return problem


def _outcome(
    text: str, verdict: str, files: Sequence[str], folder: Path | None, write: Callable[[Path], None]
) -> Outcome:
    """The outcome once the files are written, where they are wanted; what is known is said whatever becomes of them."""
    if folder is None:
        return Outcome(text, verdict)
    try:
        write(folder)
    except (KeyboardInterrupt, CannotWriteError) as problem:
        why = str(problem) or f"Interrupted before all was written to {folder}."
        return Outcome(f"{text}\n{why}", "wrong" if verdict == "wrong" else "interrupted")
    return Outcome(f"{text}\nWritten to {folder}: {', '.join(files)}.", verdict)


# ---- two engines -----------------------------------------------------------------------------------------------------


def _side_by_side(options: argparse.Namespace, problem: Problem, folder: Path | None, advance: Advance) -> Outcome:
    found = course.run(problem, lambda k: advance(k + 1, problem.iterations))
    text, verdict = "\n".join(_said(found)), _verdict(found)

    def write(folder: Path) -> None:
        from gradcompare.training import figures

        figures.course(found, folder)
        X, Y = problem.data.X, problem.data.Y
        save(folder / "network.npz", found.parameters, X, Y, problem.activations, problem.data.loss)

    return _outcome(text, verdict, TRAINED, folder, write)


def _verdict(found: Course) -> str:
    if not found.agrees:
        return "wrong"
    if found.is_interrupted:
        return "interrupted"
    return "agrees" if any(one.verdict == "agrees" for one in found.checks) else "undecided"


def _said(found: Course) -> Iterator[str]:
    yield f"{found.problem}."
    if found.is_interrupted:
        yield f"Interrupted after {len(found.costs):,} of these steps."
    yield ""
    measure, mine = found.problem.quality(found.parameters)
    theirs = found.problem.quality(found.parameters_torch)[1]
    yield f"{'':12}{'by hand':>24}{'PyTorch':>24}"
    yield f"{'first cost':12}{found.costs[0]:>24.16g}{found.costs_torch[0]:>24.16g}"
    yield f"{'last cost':12}{found.costs[-1]:>24.16g}{found.costs_torch[-1]:>24.16g}"
    yield f"{measure:12}{_quality(measure, mine):>24}{_quality(measure, theirs):>24}"
    yield ""
    yield _checks(found)
    yield _distances(found)
    yield _parting(found)
    X, Y = found.problem.data.X, found.problem.data.Y
    for when, parameters in (("start", found.start), ("end", found.parameters)):
        noticed = health(parameters, X, Y, activations=found.problem.activations, loss=found.problem.data.loss)
        for note in noticed.notes:
            yield f"At the {when}, {note.where}: {note.symptom}. {note.says}"


def _quality(measure: str, value: float) -> str:
    return f"{value:.1%}" if measure == "accuracy" else f"{value:.3g}"


def _checks(found: Course) -> str:
    verdicts = [one.verdict for one in found.checks]
    agree, undecided = verdicts.count("agrees"), verdicts.count("undecided")
    worst = max(one.ratio for one in found.checks)
    rest = f", {len(verdicts) - agree - undecided} do not" if not found.agrees else ""
    if undecided:
        rest += f", {undecided} cannot be decided, for rounding could be more than a thousandth of a gradient"
    return (
        f"Both gradients at the same parameters, {len(verdicts)} times along the way: {agree} agree{rest}; worst error "
        f"/ bound {worst:.2g}."
    )


def _distances(found: Course) -> str:
    k = int(np.nanargmax(found.distances)) if found.parting is None else found.parting.step + 1
    there = "there" if found.parting is None else f"after {k:,} steps, where they have parted,"
    return (
        f"The two parameter vectors are {found.distances[-1]:.1e} apart at the end (relative), at most "
        f"{np.nanmax(found.distances):.1e}. Roundings of the size that was seen "
        f"account for {_size(found.expected[k])} {there} and their bounds for {_size(found.explained[k])}."
    )


def _size(distance: float) -> str:
    return f"{distance:.0e}" if math.isfinite(distance) else "anything"


def _parting(found: Course) -> str:
    if found.parting is None:
        digits = int(-math.log10(max(np.nanmax(found.distances), found.half_of_the_digits**2)))
        return f"They do not part: {digits} digits are the same all the way."
    says = found.parting.says
    return f"They part in step {found.parting.step:,}, where half of the digits differ. {says[:1].upper()}{says[1:]}."


# ---- activations -----------------------------------------------------------------------------------------------------


def _compare(options: argparse.Namespace, problem: Problem, folder: Path | None, advance: Advance) -> Outcome:
    seeds = range(options.seed, options.seed + (options.seeds or SEEDS))
    titles = [title for title in activations.SWEEPS if problem.data.has_classes or "squared" not in title]
    swept = replace(problem, iterations=max(problem.iterations // SWEPT_STEPS, 1))
    one_sweep = len(activations.SCALES) * len(activations.HIDDEN) * len(seeds)
    total = len(activations.HIDDEN) * len(seeds) + len(titles) * one_sweep
    count = iter(range(1, total + 1))

    def done() -> None:
        advance(next(count), total)

    race = activations.race(problem, seeds, done)
    sweeps: list[activations.Sweep] = []
    with contextlib.suppress(KeyboardInterrupt):  # what is known by then is said
        for title in titles:
            sweeps.append(activations.sweep(swept, title, seeds, advance=done))
    text = "\n".join([*_said_of_race(problem, race, len(seeds)), "", *_said_of_sweeps(swept, sweeps)])
    if len(sweeps) < len(titles):
        return Outcome(f"{text}\n\nInterrupted after {len(sweeps)} of {len(titles)} sweeps.", "interrupted")

    def write(folder: Path) -> None:
        from gradcompare.training import figures

        figures.functions(folder)
        figures.race(race, str(problem).partition(";")[0], folder)
        figures.sweeps(sweeps, swept.iterations, folder)

    return _outcome(text + "\n" * (folder is not None), "agrees", COMPARED, folder, write)


def _said_of_race(problem: Problem, found: activations.Race, seeds: int) -> Iterator[str]:
    _, _, schedule = str(problem).split("; ")
    sizes, several = "-".join(map(str, problem.sizes)), "s" * (seeds > 1)
    yield f"{problem.data.name}, {sizes}; {schedule}, {seeds} seed{several}; medians."
    yield ""
    early = max(problem.iterations // 10, 1) - 1
    heads = (f"J at {early + 1:,}", "J at the end", "quartiles", found.measure, "lost units")
    yield f"{'':12}" + "".join(f"{head:>{width}}" for head, width in zip(heads, (12, 14, 18, 11, 12), strict=True))
    for g, costs in found.costs.items():
        low, middle, high = np.percentile(np.nan_to_num(costs[:, -1], nan=np.inf), (25, 50, 75), method="nearest")
        at = np.median(np.nan_to_num(costs[:, early], nan=np.inf))
        yield (
            f"{g:12}{at:>12.4f}{middle:>14.4f}{f'{low:.4f} to {high:.4f}':>18}"
            f"{_quality(found.measure, float(np.median(found.quality[g]))):>11}{found.lost[g].mean():>12.0%}"
        )


def _said_of_sweeps(problem: Problem, sweeps: list[activations.Sweep]) -> Iterator[str]:
    yield f"J after {problem.iterations:,} steps by the scale of the first weights:"
    for one in sweeps:
        yield ""
        yield f"{one.title:32}" + "".join(f"{scale:>8g}" for scale in one.scales)
        for g, costs in one.costs.items():
            yield f"{'  ' + g:32}" + "".join(f"{cost:>8.3g}" for cost in np.median(costs, axis=1))
