"""Central differences of untouched code: the check on a traced reference, and its stand-in where tracing is impossible.

The derivative of a function of one number is extrapolated from central differences of shrinking steps, and the spread
of the extrapolations bounds it: C. J. F. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in
Engineering Software 4 (1982), pp. 75-76; as in Numerical Recipes, 3rd ed., section 5.7.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from gradcompare.bounds import FLOAT64, BoundedTensor, NoRuleError, Run
from gradcompare.judging.evaluation import COST, Bounded
from gradcompare.judging.reference import differentiated
from gradcompare.tracing.numpy_on_torch import NotTraceableError, NumpyOnTorch
from gradcompare.tracing.randomness import same_random_numbers

STEPS = 8
SHRINK = 2.0
SAFETY = 10.0
"""What the spread of the extrapolations is multiplied by to serve as a bound."""
NOISE_STEPS = (2e-5, 6e-4, 2e-2)
NOISE_VALUES = 9
NOISE_ORDER = 4
NOISE_SAFETY = 5.0
"""What the standard deviation of noise is multiplied by to serve as a bound of it."""
DIRECTIONS = 3
"""In so many random directions a derivative is asked for, until one is right."""
NOISE_WAYS = 3
"""In so many random directions the noise of a cost is measured."""
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

    The traced cost must equal the untouched code's, and a random directional derivative its central difference. What
    the claims are about is moved by a little first, off the kinks that inputs of zeros and whole numbers lie on; and
    made smaller where rounding could explain anything: the question is about the code.
    """
    for shrunk in SHRUNK:
        wrong: str | None = None
        for attempt in range(DIRECTIONS):  # of many units some are at a kink in almost any direction
            plain, ways = _somewhere_near(inputs, claimed, shrunk, attempt)
            cost_of = _cost_function(reference.function, plain)
            here = cost_of({})
            try:
                traced = _traced(reference, plain, list(ways))
            except Exception as stopped:  # the untouched code has just run
                known = isinstance(stopped, NotTraceableError | NoRuleError)
                return f"The reference could not be traced: {stopped if known else in_a_line(stopped)}"
            if traced is None:
                return "The cost could not be traced: a number was taken out of the graph on the way to it."
            if not traced.is_bounded:
                break
            if cost := _wrong_cost(traced, here):
                return cost
            slope = _wrong_slope(traced, cost_of, plain, ways)
            if slope is None:
                return None
            wrong = wrong or slope
        if wrong is not None:
            return wrong
    return None


Arrays = Mapping[str, np.ndarray]


def _somewhere_near(inputs: Arrays, claimed: Collection[str], shrunk: float, attempt: int) -> tuple[Arrays, Arrays]:
    """The inputs in double precision, moved off their kinks and made smaller; and a random direction."""
    plain, generator = as_float64(inputs), np.random.default_rng(attempt)
    asked = differentiated(inputs, claimed)
    ways = {k: generator.standard_normal(plain[k].shape) for k in inputs if k in asked}
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
    noise = _noise(lambda other: cost_of({name[1:]: other}), array)
    for index in np.ndindex(array.shape):

        def moved(t: float, index: tuple[int, ...] = index) -> float:
            other = array.copy()
            other[index] += t
            return cost_of({name[1:]: other})

        value[index], error[index] = derivative(moved, noise)
    return Bounded(value, error)


def _noise(cost_of: Callable[[np.ndarray], float], array: np.ndarray) -> float:
    """What a cost may be off by near an array; a little aside, off the kinks that zeros and whole numbers lie on."""
    generator, found = np.random.default_rng(0), []
    size = float(np.abs(array).mean()) or 1.0 if array.size else 1.0
    for _ in range(NOISE_WAYS):
        aside = array + ASIDE * size * generator.standard_normal(array.shape)
        way = size * generator.standard_normal(array.shape)
        found.append(noise_of(lambda t, aside=aside, way=way: cost_of(np.asarray(aside + t * way))))  # type: ignore[misc]
    return float(np.median(found))


class _Estimate(NamedTuple):
    """A slope, and what the noise of the function adds to it."""

    slope: float
    noise: float


def derivative(function: Callable[[float], float], noise: float = 0.0, step: float = 0.1) -> tuple[float, float]:
    """f'(0), and how far off it may be.

    Of the extrapolations that is taken whose neighbours in the table are nearest (Ridders), noise included. It may be
    off by some times their distance; by as much as it is from the estimate of the smallest steps, which see least of a
    kink beside; and by a kink at 0, the difference of the slopes to the left and to the right.

    Args:
        function: the function of one number.
        noise: what its values may be off by, beside their own last digit.
        step: the first and largest of the steps.
    """
    here, table, jumps, kinks = function(0.0), list[list[_Estimate]](), list[float](), list[float]()
    noise = max(noise, 2.0**-52 * abs(here))
    best, uncertain = np.nan, np.inf
    for i in range(STEPS):
        h = step / SHRINK**i
        above, below = function(h), function(-h)
        row = [_Estimate((above - below) / (2 * h), noise / h)]
        for j in range(i):
            row.append(_extrapolated(row[j], table[i - 1][j], SHRINK ** (2 * (j + 1))))
            spread = max(abs(row[-1].slope - other.slope) for other in (row[j], table[i - 1][j]))
            if SAFETY * spread + row[-1].noise <= uncertain:
                best, uncertain = row[-1].slope, SAFETY * spread + row[-1].noise
        jumps.append((above - 2 * here + below) / h)  # falls with h where there is no kink
        if i:
            kinks.append(abs(SHRINK * jumps[-1] - jumps[-2]) / (SHRINK - 1) + 12 * noise / h)
        table.append(row)
    kink = min(map(max, kinks, kinks[1:]))  # one alone may be small by chance
    finest = table[-1][1]
    apart = max(abs(best - finest.slope) - finest.noise, 0.0)
    return float(best), float(uncertain + SAFETY * apart + kink)


def _extrapolated(fine: _Estimate, coarse: _Estimate, power: float) -> _Estimate:
    return _Estimate(
        (fine.slope * power - coarse.slope) / (power - 1), (fine.noise * power + coarse.noise) / (power - 1)
    )


def noise_of(function: Callable[[float], float]) -> float:
    """What the values of a function near 0 may be off by: several times what its fourth differences at a step show in
    which a smooth function is a parabola, the rounding of its working precision.

    J. J. More and S. M. Wild, Estimating computational noise, SIAM Journal on Scientific Computing 33 (2011), pp.
    1292-1314. Where nearly all values are the same the step is below the precision, and a larger one is taken.
    """
    values = np.zeros(0)
    for step in NOISE_STEPS:
        values = np.array([function(step * k) for k in range(NOISE_VALUES)])
        if len(np.unique(values)) > NOISE_VALUES // 2:
            break
    with np.errstate(invalid="ignore"):
        differences = np.diff(values, NOISE_ORDER)
        squares = math.factorial(NOISE_ORDER) ** 2 / math.factorial(2 * NOISE_ORDER) * np.mean(differences**2)
    return float(NOISE_SAFETY * np.sqrt(squares))


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


def in_a_line(error: BaseException) -> str:
    """An exception of torch's: its kind, and the beginning of what it says, which may be an array in full."""
    return f"{type(error).__name__}: {textwrap.shorten(str(error), 160, placeholder=' ...')}".removesuffix(": ")
