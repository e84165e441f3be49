"""The gradients in as many digits as it takes: the formulas of the notes on numbers of mpmath."""

from collections.abc import Callable

import mpmath  # type: ignore[import-untyped]
import numpy as np

from benchmarks.problems import Problem

__all__ = ["distance", "exact_gradients"]

DIGITS = 100  # 1 - a^2 of a unit at z = 60 loses 52 of them


def exact_gradients(problem: Problem) -> dict[str, np.ndarray]:
    """{"dW1", "db1", ...} as arrays of mpmath's numbers, at the problem's own rounded inputs."""
    with mpmath.workdps(DIGITS):
        parameters, X, Y = problem.arrays()
        return _gradients(problem, {name: _lift(array) for name, array in parameters.items()}, _lift(X), _lift(Y))


def distance(claim: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """|claim - exact|, rounded once at the end: less than a unit in the last place can be told."""
    with mpmath.workdps(DIGITS):
        return np.abs(_lift(claim) - exact).astype(np.float64)


def _lift(array: np.ndarray) -> np.ndarray:
    return _each(lambda x: mpmath.mpf(float(x)))(array)


def _each(function: Callable) -> Callable:
    return np.vectorize(function, otypes=[object])


VALUES = {
    "tanh": _each(mpmath.tanh),
    "sigmoid": _each(lambda z: 1 / (1 + mpmath.exp(-z))),
    "relu": _each(lambda z: z if z >= 0 else 0 * z),
    "leaky_relu": _each(lambda z: z if z >= 0 else mpmath.mpf("0.01") * z),
    "softmax": lambda Z: _each(mpmath.exp)(Z) / np.sum(_each(mpmath.exp)(Z), axis=0),
}
SLOPES = {  # from z and a
    "tanh": lambda Z, A: 1 - A * A,
    "sigmoid": lambda Z, A: A * (1 - A),
    "relu": lambda Z, A: np.where(Z >= 0, 1, 0),
    "leaky_relu": lambda Z, A: np.where(Z >= 0, mpmath.mpf(1), mpmath.mpf("0.01")),
}


def _gradients(problem: Problem, theta: dict, X: np.ndarray, Y: np.ndarray) -> dict[str, np.ndarray]:
    g, L = problem.activations, len(problem.activations)
    A, Z = {0: X}, {}
    for layer in range(1, L + 1):
        Z[layer] = theta[f"W{layer}"] @ A[layer - 1] + theta[f"b{layer}"]
        A[layer] = VALUES[g[layer - 1]](Z[layer])
    dZ, gradients = A[L] - Y, {}
    for layer in range(L, 0, -1):
        gradients[f"dW{layer}"] = dZ @ A[layer - 1].T / problem.m
        gradients[f"db{layer}"] = np.sum(dZ, axis=1, keepdims=True) / problem.m
        if layer > 1:
            dZ = theta[f"W{layer}"].T @ dZ * SLOPES[g[layer - 2]](Z[layer - 1], A[layer - 1])
    return gradients
