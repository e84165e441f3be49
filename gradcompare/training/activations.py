"""The hidden activations against one another (notes 3.6), and the size of the first weights (notes 3.11), measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import manual
from gradcompare.symptoms import KEPT, Patient
from gradcompare.training.datasets import draw
from gradcompare.training.problem import Problem

__all__ = ["HIDDEN", "SCALES", "SWEEPS", "Race", "Sweep", "race", "sweep"]

HIDDEN = ("sigmoid", "tanh", "relu", "leaky_relu")
SCALES = (0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
ORDINARY = 0.5
"""The scale of the layers that are not swept."""


@dataclass(frozen=True)
class Race:
    """The four activations from the same starts on the same data."""

    costs: dict[str, np.ndarray]
    """(seeds, iterations) of J by activation; NaN after a cost that overflowed."""
    quality: dict[str, np.ndarray]
    """(seeds,): accuracy or error at the end."""
    measure: str
    """Which of the two."""
    lost: dict[str, np.ndarray]
    """(seeds,): how many hidden units are dead (relu) or saturated (sigmoid, tanh) at the end, as a share."""


@dataclass(frozen=True)
class Sweep:
    """The cost at the end by the scale of some of the first weights."""

    title: str
    scales: tuple[float, ...]
    costs: dict[str, np.ndarray]
    """(scales, seeds) of J at the end by activation; infinite where it overflowed."""


SWEEPS: dict[str, Callable[[float, int], dict[str, Any]]] = {
    "all weights": lambda scale, hidden: {"scale": scale},
    "hidden weights": lambda scale, hidden: {"scale": (*[scale] * hidden, ORDINARY)},
    "output weights": lambda scale, hidden: {"scale": (*[ORDINARY] * hidden, scale)},
    "output weights, squared error": lambda scale, hidden: {
        "scale": (*[ORDINARY] * hidden, scale),
        "loss": "squared_error",
    },
}
"""What is swept, by the title of its picture: from a scale and the number of hidden layers, what differs. The last is
without the cost that cancels the slope of a sigmoid output."""


def race(
    problem: Problem, seeds: Sequence[int], advance: Callable[[], object] = lambda: None, hidden: Sequence[str] = HIDDEN
) -> Race:
    """Train each activation from each seed; `advance()` is called after each training."""
    costs: dict[str, list[np.ndarray]] = {g: [] for g in hidden}
    quality: dict[str, list[float]] = {g: [] for g in hidden}
    lost: dict[str, list[float]] = {g: [] for g in hidden}
    measure = problem.quality(problem.start())[0]
    for seed in seeds:
        drawn = replace(problem, data=draw(problem.data.name, seed).astype(problem.data.X.dtype.name), seed=seed)
        for g in hidden:
            entrant = replace(drawn, activation=g)
            parameters, history = train(entrant)
            costs[g].append(history)
            quality[g].append(entrant.quality(parameters)[1])
            lost[g].append(_lost_units(entrant, parameters))
            advance()
    return Race(_arrays(costs), _arrays(quality), measure, _arrays(lost))


def sweep(
    problem: Problem,
    title: str,
    seeds: Sequence[int],
    scales: Sequence[float] = SCALES,
    advance: Callable[[], object] = lambda: None,
) -> Sweep:
    """Train each activation from each scale and seed; `title` is a key of `SWEEPS`."""
    costs = {g: np.full((len(scales), len(seeds)), np.inf) for g in HIDDEN}
    for j, seed in enumerate(seeds):
        drawn = replace(problem, data=draw(problem.data.name, seed).astype(problem.data.X.dtype.name), seed=seed)
        for i, scale in enumerate(scales):
            for g in HIDDEN:
                history = train(_changed(drawn, activation=g, **SWEEPS[title](scale, len(problem.hidden))))[1]
                costs[g][i, j] = np.inf if np.isnan(history[-1]) else history[-1]
                advance()
    return Sweep(title, tuple(scales), costs)


def _changed(problem: Problem, *, loss: str = "", **changes: Any) -> Problem:
    data = replace(problem.data, loss=loss or problem.data.loss)
    return replace(problem, data=data, **changes)


def train(problem: Problem) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Gradient descent by hand, fast: the parameters and the costs (iterations,), NaN after one that overflowed."""
    history = np.full(problem.iterations, np.nan)

    def note(i: int, cost: float) -> None:
        history[i] = cost

    start = problem.start()
    try:
        parameters, _ = manual.gradient_descent(
            start,
            problem.data.X,
            problem.data.Y,
            activations=problem.activations,
            loss=problem.data.loss,
            learning_rate=problem.learning_rate,
            iterations=problem.iterations,
            callback=note,
            fused=True,
        )
    except FloatingPointError:
        return start, history
    return parameters, history


def _lost_units(problem: Problem, parameters: dict[str, np.ndarray]) -> float:
    """The share of the hidden units that keep no more of their slope than a saturated one."""
    patient = Patient(parameters, problem.data.X, None, problem.activations, problem.data.loss)
    return float(np.mean(np.concatenate([patient.kept(layer) <= KEPT for layer, _ in patient.hidden])))


def _arrays(lists: dict[str, list[Any]]) -> dict[str, np.ndarray]:
    return {name: np.array(values) for name, values in lists.items()}
