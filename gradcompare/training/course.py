"""Two trainings side by side, by hand and in PyTorch, from the same parameters; and how far they come to be apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

import manual
import torch_ref
from gradcompare.training.parting import Parting, why
from gradcompare.training.problem import Problem, distance, norm
from gradcompare.training.rounding import Check, Shadows, check

__all__ = ["Course", "run"]

Arrays = dict[str, np.ndarray]
CHECKS = 40
"""So many times along the way the gradients are held against each other, and r is computed anew."""
STEEP = 10.0
"""A step after which the distance is so many times what it was is looked at for kinks."""


@dataclass
class Course:
    """What happened. Lists are by step: entry k is before step k, the last after the last step."""

    problem: Problem
    start: Arrays
    costs: list[float] = field(default_factory=list)
    """J by hand, before each step."""
    costs_torch: list[float] = field(default_factory=list)
    distances: list[float] = field(default_factory=list)
    """Of the two parameter vectors, over the length of the one by hand."""
    explained: list[float] = field(default_factory=list)
    """What rounding explains of that: see `rounding`."""
    expected: list[float] = field(default_factory=list)
    """What is expected of it, from roundings of the size that was seen."""
    checks: list[Check] = field(default_factory=list)
    parameters: Arrays = field(default_factory=dict)
    parameters_torch: Arrays = field(default_factory=dict)
    parting: Parting | None = None
    """Where they part, if they do: half of their digits differ."""

    @property
    def agrees(self) -> bool:
        """Whether, wherever it was asked, the two gradients at the same parameters agreed."""
        return all(one.verdict != "wrong" and one.verdict != "scaled" for one in self.checks)

    @property
    def is_interrupted(self) -> bool:
        """Whether it stopped at Ctrl-C; then everything is of the steps before."""
        return len(self.costs) < self.problem.iterations

    @property
    def half_of_the_digits(self) -> float:
        """The relative distance at which two trajectories have parted: the root of the unit roundoff."""
        return float(np.sqrt(np.finfo(self.problem.data.X.dtype).eps / 2))


def run(problem: Problem, advance: Callable[[int], object] = lambda step: None) -> Course:
    """Train both, `advance(k)` being called after step k. Ctrl-C ends it after the last step that both have taken.

    Raises FloatingPointError, in words, where the cost overflows, and what `manual.forward` raises.
    """
    course = Course(problem, problem.start())
    when = set(_spread_out(problem.iterations))
    here = course.start
    there = {name: torch.tensor(array) for name, array in here.items()}
    X, Y = torch.tensor(problem.data.X), torch.tensor(problem.data.Y)
    bounded, typical = (Shadows(problem, here, problem.seed) for _ in range(2))
    seen: Arrays = dict.fromkeys(here, np.zeros(()))
    _measure(course, here, there, bounded, typical)
    taken = 0, here, there
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is said in words
            for k in range(problem.iterations):
                if k in when:
                    course.checks.append(check(problem, k, here))
                    seen = {name: np.maximum(size, course.checks[-1].seen[name]) for name, size in seen.items()}
                here = _step_by_hand(course, here)
                there = _step_in_torch(course, there, X, Y)
                bounded.step(course.checks[-1].bound)
                typical.step(seen)
                _measure(course, here, there, bounded, typical)
                _watch(course, *taken)
                taken = k + 1, here, there
                advance(k)
    except KeyboardInterrupt:
        if not taken[0]:
            raise
        _forget_after(course, taken[0])
    _, here, there = taken
    course.parameters, course.parameters_torch = here, _arrays(there)
    return course


def _forget_after(course: Course, k: int) -> None:
    """What was noted of a step that was not finished, the one after the first k."""
    for by_step in (course.costs, course.costs_torch):
        del by_step[k:]
    for by_step in (course.distances, course.explained, course.expected):
        del by_step[k + 1 :]
    if course.parting is not None and course.parting.step >= k:
        course.parting = None


def _spread_out(iterations: int) -> Sequence[int]:
    """The first steps one by one, then ever fewer."""
    return [int(k) for k in np.unique(np.geomspace(1, max(iterations, 1), CHECKS).astype(int) - 1)]


def _step_by_hand(course: Course, parameters: Arrays) -> Arrays:
    p = course.problem
    try:
        after, costs = manual.gradient_descent(
            parameters,
            p.data.X,
            p.data.Y,
            activations=p.activations,
            loss=p.data.loss,
            learning_rate=p.learning_rate,
            iterations=1,
        )
    except FloatingPointError:
        before = f", after {course.costs[-1]:.4g} in the step before" if course.costs else ""
        raise FloatingPointError(
            f"the cost is not finite before step {len(course.costs):,}{before}. Usually the learning rate "
            f"({p.learning_rate:g}) is too large for weights or inputs of this size"
        ) from None
    course.costs += costs
    return after


def _step_in_torch(
    course: Course, parameters: dict[str, torch.Tensor], X: torch.Tensor, Y: torch.Tensor
) -> dict[str, torch.Tensor]:
    p = course.problem
    d = torch_ref.gradients(parameters, X, Y, p.activations, p.data.loss)
    course.costs_torch.append(float(d["J"].detach()))
    return {name: tensor - p.learning_rate * d[f"d{name}"] for name, tensor in parameters.items()}


def _arrays(tensors: dict[str, torch.Tensor]) -> Arrays:
    return {name: tensor.numpy(force=True) for name, tensor in tensors.items()}


def _measure(course: Course, here: Arrays, there: dict[str, torch.Tensor], bounded: Shadows, typical: Shadows) -> None:
    length = norm(here) or 1.0
    course.distances.append(distance(here, _arrays(there)) / length)
    course.explained.append(bounded.distance() / length)
    course.expected.append(typical.distance() / length)


def _watch(course: Course, k: int, here: Arrays, there: dict[str, torch.Tensor]) -> None:
    """Whether they part in this step, and why."""
    before, after = course.distances[-2:]
    if course.parting is None and after > course.half_of_the_digits:
        sudden = after > STEEP * max(before, norm(course.checks[-1].bound) / (norm(here) or 1.0))
        course.parting = why(course.problem, k, here, _arrays(there), course.checks, sudden)
