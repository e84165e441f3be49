"""Central differences of untouched code: the check on a traced reference, and its stand-in where tracing is impossible.

The derivative of a function of one number is extrapolated from central differences of shrinking steps, and the spread
of the extrapolations bounds it: C. J. F. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in
Engineering Software 4 (1982), pp. 75-76; as in Numerical Recipes, 3rd ed., section 5.7.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from gradcompare.bounds import FLOAT64, BoundedTensor, NoRuleError, Precision, Run
from gradcompare.judging.evaluation import COST, Bounded
from gradcompare.judging.reference import differentiated
from gradcompare.tracing.numpy_on_torch import NotTraceableError, NumpyOnTorch
from gradcompare.tracing.randomness import same_random_numbers

STEPS = 8
SHRINK = 2.0
SAFETY = 10.0
"""What the spread of the extrapolations is multiplied by to serve as a bound."""
NOISE = 1e-14
"""What the plain evaluation of a cost may be off by, relatively."""
ROUNDINGS = 1000
AGREES = 1e-5
"""How near the directional derivative must be to the central difference, as a part of sum |gradient| |direction|."""
PROBES = (1e-3, 1e-4, 1e-5, 1e-6)
"""The steps of those differences, as parts of the inputs."""
SHRUNK = (1.0, 1 / 8, 1 / 64)
"""What the inputs are multiplied by in turn, until errors are known."""
ASIDE = 1e-3
"""How far the inputs are moved before, as a part of them."""
LARGEST = 20_000
"""Beyond so many entries differentiating one after the other takes too long."""


def problem_with(
    reference: NumpyOnTorch, inputs: Mapping[str, np.ndarray], claimed: Collection[str] = ()
) -> str | None:
    """Why the traced reference cannot be trusted, in words; None where it can.

    The traced cost must equal the untouched code's, and one random directional derivative its central difference. What
    the claims are about is moved by a little first, off the kinks that inputs of zeros and whole numbers lie on; and
    made smaller where rounding could explain anything: the question is about the code.
    """
    for shrunk in SHRUNK:
        plain, ways = _somewhere_near(inputs, claimed, shrunk)
        cost_of = _cost_function(reference.function, plain)
        here = cost_of({})
        try:
            traced = _traced(reference, plain, list(ways))
        except Exception as stopped:  # the untouched code has just run
            known = isinstance(stopped, NotTraceableError | NoRuleError)
            return f"The reference could not be traced: {stopped if known else repr(stopped)}"
        if traced is None:
            return "The cost could not be traced: a number was taken out of the graph on the way to it."
        if traced.is_bounded:
            return _wrong_cost(traced, here) or _wrong_slope(traced, cost_of, plain, ways)
    return None


Arrays = Mapping[str, np.ndarray]


def _somewhere_near(inputs: Arrays, claimed: Collection[str], shrunk: float) -> tuple[Arrays, Arrays]:
    """The inputs in double precision, moved off their kinks and made smaller; and a random direction."""
    plain, generator = as_float64(inputs), np.random.default_rng(0)
    ways = {k: generator.standard_normal(plain[k].shape) for k in differentiated(inputs, claimed)}
    sizes = {k: float(np.abs(plain[k]).mean()) or 1.0 if plain[k].size else 1.0 for k in ways}
    moved = {k: shrunk * (plain[k] + ASIDE * sizes[k] * generator.standard_normal(w.shape)) for k, w in ways.items()}
    moved = {k: np.asarray(array) for k, array in moved.items()}
    return plain | moved, {k: shrunk * sizes[k] * w for k, w in ways.items()}


class _Traced(NamedTuple):
    """The cost of a traced reference, and its gradients."""

    cost: Bounded
    gradients: Mapping[str, Bounded]

    @property
    def is_bounded(self) -> bool:
        """Whether its numbers are numbers, and their errors known."""
        return all(np.all(np.isfinite(array)) for found in (self.cost, *self.gradients.values()) for array in found)


def _wrong_cost(traced: _Traced, here: float) -> str | None:
    cost, error = (float(array) for array in traced.cost)
    if abs(here - cost) <= 2 * error + 1e-12 * abs(here):
        return None
    return f"The traced cost is {cost:.17g}, the untouched code's is {here:.17g}."


def _wrong_slope(traced: _Traced, cost_of: Callable[[Arrays], float], plain: Arrays, ways: Arrays) -> str | None:
    parts = [way * traced.gradients[k].value for k, way in ways.items()]
    along, size = sum(float(p.sum()) for p in parts), sum(float(np.abs(p).sum()) for p in parts)
    rounding = sum(float(np.sum(np.abs(way) * traced.gradients[k].error)) for k, way in ways.items())
    noise = 2 * float(traced.cost.error)
    slopes = _slopes(lambda t: cost_of({k: plain[k] + t * way for k, way in ways.items()}))
    if not slopes or any(abs(slope - along) <= AGREES * size + rounding + noise / step for slope, step in slopes):
        return None
    return (
        f"Along a random direction the traced gradient is {along:.9g}, a central difference of the untouched code "
        f"{slopes[-1][0]:.9g}."
    )


def _traced(reference: NumpyOnTorch, inputs: Mapping[str, np.ndarray], names: list[str]) -> _Traced | None:
    """The cost and its gradients on torch; None where the graph is cut."""
    with Run(FLOAT64) as run:
        tensors = {k: run.exact(torch.from_numpy(a.copy()), requires_grad=k in names) for k, a in inputs.items()}
        cost = _cost(reference(dict(tensors)))
        if not isinstance(cost, BoundedTensor) or not cost.requires_grad:
            return None
        gradients = torch.autograd.grad(cost.reshape(()), [tensors[k] for k in names], allow_unused=True)
    found = [
        Bounded(g.value.numpy(), g.error.numpy()) if isinstance(g, BoundedTensor) else Bounded(np.zeros(1), np.zeros(1))
        for g in gradients
    ]
    return _Traced(
        Bounded(cost.value.detach().numpy(), cost.error.detach().numpy()), dict(zip(names, found, strict=True))
    )


def _slopes(function: Callable[[float], float]) -> list[tuple[float, float]]:
    """Central differences with steps so different that a kink near by lies inside of some and outside of others, and
    the steps. Where the function is not finite there are none."""
    found = []
    for step in PROBES:
        slope = (function(step) - function(-step)) / (2 * step)
        if np.isfinite(slope):
            found.append((slope, step))
    return found


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


def unknown_rounding(truth: Bounded, precision: Precision) -> np.ndarray:
    """What is allowed a claim whose own rounding is not known: some thousand roundings of its largest entry; of a cost,
    which is made of logarithms and squares of numbers near 1, of 1."""
    largest = max(1.0, abs(float(truth.value))) if truth.value.ndim == 0 else np.max(np.abs(truth.value), initial=0.0)
    return np.full(truth.value.shape, ROUNDINGS * precision.unit_roundoff * largest)


def derivative(function: Callable[[float], float], step: float = 0.1) -> tuple[float, float]:
    """f'(0), and how far off it may be: how far the extrapolations it was chosen from are apart (Ridders), what
    rounding adds at the smallest step, and at a kink the difference of the slopes to the left and to the right."""
    best, uncertain = np.nan, np.inf
    here, table, jumps = function(0.0), list[list[float]](), [0.0]
    for i in range(STEPS):
        h = step / SHRINK**i
        above, below = function(h), function(-h)
        jumps.append((above - 2 * here + below) / h)
        row = [(above - below) / (2 * h)]
        for j in range(i):
            power = SHRINK ** (2 * (j + 1))
            row.append((row[j] * power - table[i - 1][j]) / (power - 1))
            spread = max(abs(row[-1] - row[j]), abs(row[-1] - table[i - 1][j]))
            if spread <= uncertain:
                best, uncertain = row[-1], spread
        table.append(row)
    kink = abs(SHRINK * jumps[-1] - jumps[-2]) / (SHRINK - 1)  # (f(h) - 2 f(0) + f(-h)) / h falls with h without one
    return float(best), float(uncertain + kink + NOISE * abs(here) / h)


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
