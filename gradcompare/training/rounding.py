"""What rounding explains of the distance between two trainings.

**One step, proven.** By hand and in PyTorch the same step is taken from the same parameters with gradients that are off
by at most E_hand and E_torch, entry by entry, the bounds of `gradcompare.bounds`; the product with the learning rate
rounds once and the subtraction once, on either side. So one step can move the two apart by at most

    r = learning_rate (E_hand + E_torch) + 2 u (learning_rate |gradient| + |parameters|).

**Many steps, estimated.** A difference, once there, is carried along by the steps, which shrink or magnify it. How
much is measured and not proven: a few shadows, trainings by hand whose parameters are moved by plus or minus r after
every step, half of them with new signs each time, half with the same signs throughout (roundings that do not cancel).
What rounding explains is the largest distance of a shadow from the same training unmoved.

A bound holds in the worst case, and roundings cancel, so that is far above what happens. What is *expected* comes from
shadows that are moved, instead of by r, by as much as the two engines were seen to differ after one step from the same
parameters: the root of the mean square over a tensor, the largest so far.

The idea is that of stochastic arithmetic: J. Vignes, Discrete stochastic arithmetic for validating results of numerical
software, Numerical Algorithms 37 (2004), pp. 377-390; D. S. Parker, Monte Carlo arithmetic, UCLA CSD-970002 (1997).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

import manual
import torch_ref
from gradcompare.bounds import Precision
from gradcompare.judging.claims import Comparison
from gradcompare.judging.comparison import claim_errors
from gradcompare.judging.reference import evaluate
from gradcompare.tracing.numpy_on_torch import NumpyOnTorch
from gradcompare.training.problem import Problem, distance

__all__ = ["Check", "Shadows", "check"]

Arrays = dict[str, np.ndarray]
SHADOWS = 4


@dataclass(frozen=True)
class Check:
    """The two gradients at the same parameters, before one step: what was found, and r of it."""

    step: int
    verdict: str
    """As of a report: "agrees", "wrong", ..."""
    ratio: float
    """The worst error / bound of an entry of dW or db that decides anything."""
    bound: Arrays
    """r, by the names of the parameters."""
    seen: Arrays
    """How far the two engines were apart after one step, by the same names: one number a tensor."""


def check(problem: Problem, step: int, parameters: Arrays) -> Check:
    """Hold the gradients by hand against autograd's at these parameters."""
    inputs = {**parameters, "X": problem.data.X, "Y": problem.data.Y}
    precision = Precision.of(problem.data.X.dtype)
    subject = partial(_by_hand, problem)
    claims = subject(inputs)
    errors = claim_errors(NumpyOnTorch(subject), inputs, claims, precision, [])
    comparison = Comparison(
        partial(evaluate, partial(_reference, problem), inputs), inputs, claims, errors, precision, []
    )
    report = comparison.report()
    bound = {}
    for name, array in parameters.items():
        d = np.abs(claims[f"d{name}"].astype(np.float64))
        gradients = comparison.first.tensors[f"d{name}"].error + (errors or {}).get(f"d{name}", 0.0)
        one_rounding = precision.unit_roundoff * (problem.learning_rate * d + np.abs(array))
        bound[name] = problem.learning_rate * gradients + 2 * one_rounding
    ratio = max((finding.ratio for finding in report.tensors if finding.verdict != "undecided"), default=0.0)
    return Check(step, report.verdict, ratio, bound, _seen(problem, parameters, claims))


def _seen(problem: Problem, parameters: Arrays, claims: Arrays) -> Arrays:
    """The root of the mean square of the difference after one step from the same parameters."""
    d = torch_ref.gradients(parameters, problem.data.X, problem.data.Y, problem.activations, problem.data.loss)
    rate = problem.learning_rate
    apart = {
        name: (array - rate * claims[f"d{name}"]).astype(np.float64) - (array - rate * d[f"d{name}"])
        for name, array in parameters.items()
    }
    return {name: np.sqrt(np.mean(np.square(array))) for name, array in apart.items()}


def _by_hand(problem: Problem, inputs: Mapping[str, np.ndarray]) -> Arrays:
    parameters = {name: array for name, array in inputs.items() if name not in ("X", "Y")}
    cache = manual.forward(parameters, inputs["X"], problem.activations)
    d = manual.backward(parameters, cache, inputs["X"], inputs["Y"], problem.activations, problem.data.loss)
    return {f"d{name}": d[f"d{name}"] for name in parameters}


def _reference(problem: Problem, inputs: Mapping[str, np.ndarray]) -> object:
    parameters = {name: array for name, array in inputs.items() if name not in ("X", "Y")}
    return torch_ref.cost_and_values(parameters, inputs["X"], inputs["Y"], problem.activations, problem.data.loss)


class Shadows:
    """Trainings by hand that are moved by plus or minus something after every step."""

    def __init__(self, problem: Problem, parameters: Arrays, seed: int) -> None:
        self.problem = problem
        self.generator = np.random.default_rng(seed)
        self.signs = [self._draw_signs(parameters) for _ in range(SHADOWS // 2)]
        self.unmoved, *self.engines = (
            manual.fused.Workspace.of(parameters, problem.activations, problem.data.loss) for _ in range(1 + SHADOWS)
        )

    def step(self, move: Mapping[str, np.ndarray]) -> None:
        """One step of each, and the move after it, by so much in every entry."""
        for engine in (self.unmoved, *self.engines):
            engine.step(self.problem.data.X, self.problem.data.Y, self.problem.learning_rate, with_loss=False)
        for i, engine in enumerate(self.engines):
            after = engine.now()
            signs = self.signs[i] if i < len(self.signs) else self._draw_signs(after)
            engine.start(
                {name: array + (signs[name] * move[name]).astype(array.dtype) for name, array in after.items()}
            )

    def distance(self) -> float:
        """Of the one that has come furthest from the training unmoved."""
        return max(distance(self.unmoved.parameters, engine.parameters) for engine in self.engines)

    def _draw_signs(self, like: Mapping[str, np.ndarray]) -> Arrays:
        return {name: self.generator.choice((-1.0, 1.0), array.shape) for name, array in like.items()}
