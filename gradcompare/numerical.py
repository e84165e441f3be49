"""Central differences of untouched code: the check on a traced reference, and its stand-in where tracing is impossible.

The derivative of a function of one number is extrapolated from central differences of shrinking steps, and the spread
of the extrapolations bounds it: C. J. F. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in
Engineering Software 4 (1982), pp. 75-76; as in Numerical Recipes, 3rd ed., section 5.7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from gradcompare.bounds import FLOAT64, BoundedTensor, NoRuleError, Run
from gradcompare.reference import COST, Bounded
from gradcompare.tracing import NotTraceableError, NumpyOnTorch, same_random_numbers

STEPS = 8
SHRINK = 2.0
SAFETY = 10.0
"""What the spread of the extrapolations is multiplied by to serve as a bound."""
AGREES = 1e-5
"""How near the directional derivative must be to the central difference, as a part of sum |gradient| |direction|."""
LARGEST = 20_000
"""Beyond so many entries differentiating one after the other takes too long."""


def problem_with(reference: NumpyOnTorch, inputs: Mapping[str, np.ndarray]) -> str | None:
    """Why the traced reference cannot be trusted, in words; None where it can.

    The traced cost must equal the untouched code's, and one random directional derivative its central difference.
    """
    plain = as_float64(inputs)
    run = Run(FLOAT64)
    try:
        with run:
            tensors = {
                k: run.exact(torch.from_numpy(a.copy()), requires_grad=a.dtype.kind == "f") for k, a in plain.items()
            }
            cost = _cost(reference(dict(tensors)))
            if not isinstance(cost, BoundedTensor) or not cost.requires_grad:
                return "The cost could not be traced: a number was taken out of the graph on the way to it."
            leaves = {k: t for k, t in tensors.items() if t.requires_grad}
            gradients = torch.autograd.grad(cost.reshape(()), list(leaves.values()), allow_unused=True)
    except (NotTraceableError, NoRuleError) as stopped:
        return f"The reference could not be traced: {stopped}"
    cost_of = _cost_function(reference.function, plain)
    here = cost_of({})
    value, error = float(cost.value), float(cost.error)
    if np.isfinite(error) and not abs(here - value) <= 2 * error + 1e-12 * abs(here):
        return f"The traced cost is {value:.17g}, the untouched code's is {here:.17g}."
    generator = np.random.default_rng(0)
    direction = {k: generator.standard_normal(plain[k].shape) for k in leaves}
    along, size = 0.0, 0.0
    for way, gradient in zip(direction.values(), gradients, strict=True):
        if isinstance(gradient, BoundedTensor):
            part = gradient.value.numpy() * way
            along, size = along + float(part.sum()), size + float(np.abs(part).sum())
    slope, uncertain = derivative(lambda t: cost_of({k: plain[k] + t * w for k, w in direction.items()}))
    if not np.isfinite(slope) or abs(slope - along) <= AGREES * size + SAFETY * uncertain:
        return None
    return (
        f"Along a random direction the traced gradient is {along:.9g}, a central difference of the untouched code "
        f"{slope:.9g}."
    )


def value_or_gradient(function: Callable[..., Any], inputs: Mapping[str, np.ndarray], name: str) -> Bounded:
    """The cost ("J"), or the gradient ("dT") with respect to an input T, by central differences, with its uncertainty.

    Raises ValueError where T has too many entries.
    """
    plain = as_float64(inputs)
    cost_of = _cost_function(function, plain)
    if name == COST:
        value = np.asarray(cost_of({}))
        return Bounded(value, 1e-12 * np.abs(value))
    array = plain[name[1:]]
    if array.size > LARGEST:
        raise ValueError(
            f"{name[1:]} has {array.size:,} entries, too many for central differences: try a smaller network"
        )
    value, error = np.zeros(array.shape), np.zeros(array.shape)
    for index in np.ndindex(array.shape):

        def moved(t: float, index: tuple[int, ...] = index) -> float:
            other = array.copy()
            other[index] += t
            return cost_of({name[1:]: other})

        value[index], uncertain = derivative(moved)
        error[index] = SAFETY * uncertain
    return Bounded(value, error)


def derivative(function: Callable[[float], float], step: float = 0.1) -> tuple[float, float]:
    """f'(0), and how far the extrapolations it was chosen from are apart (Ridders)."""
    best, uncertain = np.nan, np.inf
    table: list[list[float]] = []
    for i in range(STEPS):
        h = step / SHRINK**i
        row = [(function(h) - function(-h)) / (2 * h)]
        for j in range(i):
            power = SHRINK ** (2 * (j + 1))
            row.append((row[j] * power - table[i - 1][j]) / (power - 1))
            spread = max(abs(row[-1] - row[j]), abs(row[-1] - table[i - 1][j]))
            if spread <= uncertain:
                best, uncertain = row[-1], spread
        table.append(row)
    return float(best), float(uncertain)


def as_float64(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs with floating arrays in double precision."""
    return {k: a.astype(np.float64) if a.dtype.kind == "f" else a for k, a in inputs.items()}


def _cost(result: Any) -> Any:
    return result[0] if isinstance(result, tuple) else result


def _cost_function(
    function: Callable[..., Any], inputs: Mapping[str, np.ndarray]
) -> Callable[[Mapping[str, np.ndarray]], float]:
    def cost_of(changed: Mapping[str, np.ndarray]) -> float:
        with same_random_numbers(), np.errstate(all="ignore"):
            result = _cost(function({k: a.copy() for k, a in {**inputs, **changed}.items()}))
        return float(np.asarray(result).reshape(-1)[0])

    return cost_of
