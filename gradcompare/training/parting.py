"""Why two trainings part that take the same steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

import manual
from gradcompare.training.problem import Problem, norm
from gradcompare.training.rounding import Check

__all__ = ["Parting", "curvature", "why"]

Arrays = dict[str, np.ndarray]
KINKED = ("relu", "leaky_relu")
LOST = 1e-3
"""A gradient whose rounding bound is above this part of it has few digits left."""
KRYLOV = 25
"""Dimensions of the space in which the steepest direction is looked for."""
EXHAUSTED = 1e-9
"""A product of the Hessian with a unit vector that adds no more than this to the space adds nothing."""


@dataclass(frozen=True)
class Parting:
    """The step in which half of the digits come to differ, and the reason."""

    step: int
    reason: str
    """A key of `REASONS`."""
    says: str


class Moment(NamedTuple):
    """Both networks before the step in which they part."""

    problem: Problem
    step: int
    here: Arrays
    there: Arrays
    checks: Sequence[Check]
    sudden: bool
    """Whether the distance jumped in this step."""


def why(problem: Problem, step: int, here: Arrays, there: Arrays, checks: Sequence[Check], sudden: bool) -> Parting:
    """The first reason of `REASONS` that holds."""
    moment = Moment(problem, step, here, there, checks, sudden)
    for name, reason in REASONS.items():
        says = reason(moment)
        if says is not None:
            return Parting(step, name, says)
    raise AssertionError("the last reason always holds")


def _mistake(moment: Moment) -> str | None:
    wrong = [one for one in moment.checks if one.verdict in ("wrong", "scaled")]
    return (
        f"the two gradients differ beyond rounding, the first time at step {wrong[0].step:,} (error / bound "
        f"{wrong[0].ratio:.2g})"
        if wrong
        else None
    )


def _kink(moment: Moment) -> str | None:
    """A pre-activation on different sides of 0 in the two networks, or exactly at it."""
    problem = moment.problem
    if not moment.sudden or problem.activation not in KINKED:
        return None
    mine, theirs = (manual.forward(p, problem.data.X, problem.activations) for p in (moment.here, moment.there))
    for layer in range(1, len(problem.hidden) + 1):
        Z, other = mine[f"Z{layer}"], theirs[f"Z{layer}"]
        exact, sides = int(np.count_nonzero((Z == 0) & (other == 0))), int(np.count_nonzero((Z > 0) != (other > 0)))
        if exact:
            return (
                f"a kink: {exact} entries of Z{layer} are exactly 0, where the slope of {problem.activation} is 1 by "
                "hand and the left one in PyTorch; both are valid, and they lead to different places"
            )
        if sides:
            return f"a kink: {sides} entries of Z{layer} are left of 0 in one network and right of it in the other"
    return None


def _overshoot(moment: Moment) -> str | None:
    steepest = curvature(moment.problem, moment.here)
    product = moment.problem.learning_rate * steepest
    if not product > 2:
        return None
    return (
        f"chaos of a large learning rate: times the steepest curvature of the cost it is {product:.2g}, above 2, so "
        "that a step overshoots the valley and lands further from its floor than it was; every difference grows with it"
    )


def _lost_digits(moment: Moment) -> str | None:
    d = _gradients(moment.problem, moment.here)
    length = moment.problem.learning_rate * norm(d)
    share = norm(moment.checks[-1].bound) / length if length else 0.0
    if share < LOST:
        return None
    return (
        f"lost digits: rounding can be {share:.1g} of a whole step here, for the gradient is the small difference of "
        "large terms, or its units are saturated"
    )


def _growth(moment: Moment) -> str:
    return (
        "growth: step by step the descent carries small differences along and magnifies them, as it does on its way "
        "off a plateau or a saddle, until half of the digits differ"
    )


REASONS: dict[str, Callable[[Moment], str | None]] = {
    "mistake": _mistake,
    "kink": _kink,
    "learning rate": _overshoot,
    "lost digits": _lost_digits,
    "growth": _growth,
}
"""In the order in which they are asked."""


def _gradients(problem: Problem, parameters: Arrays) -> Arrays:
    return manual.fused.gradients(parameters, problem.data.X, problem.data.Y, problem.activations, problem.data.loss)


def curvature(problem: Problem, parameters: Arrays) -> float:
    """The largest eigenvalue of the Hessian of J, which may have negative ones of the same size: that of its projection
    onto a Krylov space (Lanczos; G. H. Golub, C. F. Van Loan, Matrix Computations, 4th ed., section 10.1). Products are
    central differences of the gradients in float64, H v = (g(p + h v) - g(p - h v)) / 2h. 0 where one is not finite.
    """
    exact = replace(problem, data=problem.data.astype("float64"))
    here = _flat(parameters)
    h = 1e-5 * (float(np.linalg.norm(here)) or 1.0)

    def gradient(p: np.ndarray) -> np.ndarray:
        d = _gradients(exact, _unflat(p, parameters))
        return _flat({name: d[f"d{name}"] for name in parameters})

    v = np.random.default_rng(0).standard_normal(len(here))
    basis = np.empty((0, len(here)))  # orthonormal rows
    products = basis
    for _ in range(min(KRYLOV, len(here))):
        for _ in range(2):  # once leaves rounding behind
            v = v - basis.T @ (basis @ v)
        length = float(np.linalg.norm(v))
        if not np.isfinite(length):
            return 0.0
        if length < EXHAUSTED:
            break
        basis = np.vstack([basis, v / length])
        v = (gradient(here + h * basis[-1]) - gradient(here - h * basis[-1])) / (2 * h)
        products = np.vstack([products, v])
    projected = basis @ products.T
    return float(np.linalg.eigvalsh((projected + projected.T) / 2)[-1])


def _flat(arrays: Arrays) -> np.ndarray:
    return np.concatenate([array.ravel() for array in arrays.values()]).astype(np.float64)


def _unflat(vector: np.ndarray, like: Arrays) -> Arrays:
    ends = np.cumsum([array.size for array in like.values()])[:-1]
    parts = np.split(vector, ends)
    return {name: part.reshape(array.shape) for (name, array), part in zip(like.items(), parts, strict=True)}
