"""How far rounding alone can move what the network computes: derived from the case, not chosen, and in one place.

Every rule carries an elementwise error E through one line of the network, for unit roundoff u, with
gamma_n = n u / (1 - n u) for a sum of n rounded products in any order (N. J. Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed., 2002, section 3.1, Lemma 3.1 and eq. 3.5). Exponentials and their kin are taken to be
good to `ULPS` units of roundoff, and to the smallest normal number where they underflow.
"""

from collections.abc import Mapping

import numpy as np

from tests.strategies import Case

ULPS = 8  # numpy and torch stay within 4 for exp, tanh and log1p; the divisions and sums of sigmoid add some


def rounding(case: Case, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """E of J and of every value and gradient, for `values` computed from the case by one right implementation.

    Two right implementations may differ by twice as much. E is 1 in a slope where rounding decides the side of a kink.
    """
    u, tiny = np.finfo(case.X.dtype).eps / 2, float(np.finfo(case.X.dtype).tiny)
    value = {"A0": case.X, **case.parameters, **values}
    value = {name: array.astype(np.float64) for name, array in value.items()}
    L = len(case.activations)
    E = {"A0": np.zeros_like(value["A0"])}
    slopes: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for layer, g in enumerate(case.activations, start=1):
        W, b, A, Z = (value[name] for name in (f"W{layer}", f"b{layer}", f"A{layer - 1}", f"Z{layer}"))
        E[f"Z{layer}"] = _product(abs(W), 0 * W, abs(A), E[f"A{layer - 1}"], u) + 2 * u * (abs(b) + abs(Z))
        E[f"A{layer}"] = _activation(g, Z, value[f"A{layer}"], E[f"Z{layer}"], u) + tiny
        slopes[layer] = _slope(g, Z, value[f"A{layer}"], E[f"Z{layer}"], E[f"A{layer}"], u)
    E["J"] = _cost(case, value, E, u)
    R, E_R = value[f"A{L}"] - case.Y, E[f"A{L}"] + u * abs(value[f"A{L}"] - case.Y)
    E[f"dZ{L}"] = E_R if case.loss == "cross_entropy" else _times(R, E_R, *slopes[L], u)
    for layer in range(L, 0, -1):
        W, A, dZ = value[f"W{layer}"], value[f"A{layer - 1}"], value[f"dZ{layer}"]
        m = A.shape[1]
        E[f"dW{layer}"] = _product(abs(dZ), E[f"dZ{layer}"], abs(A).T, E[f"A{layer - 1}"].T, u) / m
        E[f"db{layer}"] = _product(abs(dZ), E[f"dZ{layer}"], np.ones((m, 1)), np.zeros((m, 1)), u) / m
        if layer > 1:
            E[f"dA{layer - 1}"] = _product(abs(W).T, 0 * W.T, abs(dZ), E[f"dZ{layer}"], u)
            E[f"dZ{layer - 1}"] = _times(value[f"dA{layer - 1}"], E[f"dA{layer - 1}"], *slopes[layer - 1], u)
    return E


def _product(A: np.ndarray, E_A: np.ndarray, B: np.ndarray, E_B: np.ndarray, u: float) -> np.ndarray:
    """Of a product of matrices given in absolute value, with two roundings to spare for what is done to it next."""
    n = A.shape[1] + 2
    return E_A @ (B + E_B) + A @ E_B + n * u / (1 - n * u) * (A + E_A) @ (B + E_B)


def _times(x: np.ndarray, E_x: np.ndarray, y: np.ndarray, E_y: np.ndarray, u: float) -> np.ndarray:
    """Of an elementwise product."""
    return E_x * (abs(y) + E_y) + abs(x) * E_y + 2 * u * (abs(x) + E_x) * (abs(y) + E_y)


def _activation(g: str, Z: np.ndarray, A: np.ndarray, E_Z: np.ndarray, u: float) -> np.ndarray:
    """The steepest slope within E of Z, times E, and the function's own rounding."""
    if g == "softmax":  # each e^(z - max) is off by a factor e^+-E, and so is their sum
        off = E_Z + np.max(E_Z, axis=0) + u * (abs(Z - np.max(Z, axis=0)) + len(Z) + ULPS)
        return A * np.expm1(np.minimum(off, 50))
    return _steepest(g, Z, E_Z) * E_Z + ULPS * u * abs(A)


def _steepest(g: str, Z: np.ndarray, E_Z: np.ndarray) -> np.ndarray:
    e = np.exp(-np.maximum(abs(Z) - E_Z, 0))
    return {
        "sigmoid": e / (1 + e) ** 2,
        "tanh": 4 * e**2 / (1 + e**2) ** 2,
        "relu": np.where(Z + E_Z < 0, 0, 1),
        "leaky_relu": np.where(Z + E_Z < 0, 0.01, 1),
        "identity": np.ones_like(Z),
    }[g]


def _slope(
    g: str, Z: np.ndarray, A: np.ndarray, E_Z: np.ndarray, E_A: np.ndarray, u: float
) -> tuple[np.ndarray, np.ndarray]:
    """g' and its E, in the forms a (1 - a) and 1 - a^2."""
    at_kink = abs(Z) <= E_Z
    return {
        "sigmoid": (A * (1 - A), abs(1 - 2 * A) * E_A + E_A**2 + 3 * u * A * (1 - A)),
        "tanh": (1 - A * A, 2 * abs(A) * E_A + E_A**2 + 2 * u),
        "relu": (np.where(Z >= 0, 1.0, 0.0), np.where(at_kink, 1.0, 0.0)),
        "leaky_relu": (np.where(Z >= 0, 1.0, 0.01), np.where(at_kink, 1.0, 0.01 * u)),
        "identity": (np.ones_like(Z), np.zeros_like(Z)),
        "softmax": (A, E_A),  # its slope is never asked for
    }[g]


def _cost(case: Case, value: Mapping[str, np.ndarray], E: Mapping[str, np.ndarray], u: float) -> np.ndarray:
    """Each loss moves by its derivative times E, and by rounding in proportion to the terms that are added up."""
    L = len(case.activations)
    Z, R = value[f"Z{L}"], abs(value[f"A{L}"] - case.Y) + E[f"A{L}"]
    n = R.size + ULPS
    if case.loss == "squared_error":
        return np.asarray(np.sum(R * E[f"A{L}"] + n * u * R**2) / R.shape[1])
    terms = 3 * abs(Z) + 1 if case.activations[-1] == "sigmoid" else 3 * abs(Z) * case.Y + np.log(len(Z)) + 2
    spread = np.max(abs(Z), axis=0) * case.Y if case.activations[-1] == "softmax" else 0
    return np.asarray(np.sum(R * E[f"Z{L}"] + n * u * (terms + spread)) / R.shape[1])
