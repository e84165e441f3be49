"""The bound within which every engine must be before it is timed, from `gradcompare.bounds`."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

import torch_ref
from benchmarks.problems import Problem
from gradcompare.bounds import FLOAT32, FLOAT64, Run

__all__ = ["Bounded", "bounded_gradients", "worst_ratio"]


class Bounded(NamedTuple):
    """A gradient in float64, and how far rounding in the precision under test can move it."""

    value: np.ndarray
    error: np.ndarray


def bounded_gradients(problem: Problem) -> dict[str, Bounded]:
    """Of torch_ref's formulas, which autograd differentiates while the bound is carried along."""
    parameters, X, Y = problem.arrays()
    with Run(FLOAT32 if problem.dtype == "float32" else FLOAT64) as run:
        leaves = {
            name: run.exact(torch.from_numpy(array.astype(np.float64)), requires_grad=True)
            for name, array in parameters.items()
        }
        x, y = (run.exact(torch.from_numpy(array.astype(np.float64))) for array in (X, Y))
        J, _ = torch_ref.cost_and_values(leaves, x, y, problem.activations, at_zero="notes")
        J.backward()
    return {
        f"d{name}": Bounded(leaf.grad.value.numpy(), leaf.grad.error.numpy())
        for name, leaf in leaves.items()
        if leaf.grad is not None
    }


def worst_ratio(gradients: Mapping[str, np.ndarray], truth: Mapping[str, Bounded]) -> float:
    """Largest error / bound of any entry, for an engine whose rounding is bounded as the reference's is: both round.

    A missing gradient, another shape or NaN is infinitely wrong.
    """
    if set(gradients) != set(truth) or any(gradients[name].shape != truth[name].value.shape for name in truth):
        return float("inf")
    worst = 0.0
    for name, (value, error) in truth.items():
        off = np.abs(gradients[name] - value) / (2 * error)
        worst = max(worst, float(np.max(np.where(np.isnan(off), np.inf, off))))
    return worst
