"""The losses, each with the outputs it has a meaning with: one row a pair.

The loss of a sample is summed over the outputs. dZ is the derivative of the loss summed over the samples too: no 1/m,
as in the notes (3.9, 3.10), where 1/m appears only in dW and db. Cross entropy is computed from Z, not from A, for
where A rounds to 0 or 1 its logarithm has nothing left to say.

Sources: C. M. Bishop, Pattern Recognition and Machine Learning (2006), section 5.2, pp. 233-236, for the pairs and for
dZ = A - Y (eq. 5.18); P. Blanchard, D. J. Higham, N. J. Higham, Accurately computing the log-sum-exp and softmax
functions, IMA J. Numer. Anal. 41 (2021), pp. 2311-2330, for the shift by the maximum.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .activations import ACTIVATIONS

__all__ = ["LOSSES", "Loss"]


class Loss(NamedTuple):
    """A loss together with the activation of the output it reads. All arrays are (n_L, m)."""

    total: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # from Y, Z, A: the sum over outputs and samples
    dZ: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # from Y, Z, A: the derivative of that sum


def _binary_cross_entropy(Y: np.ndarray, Z: np.ndarray, A: np.ndarray) -> np.ndarray:
    """-Y log A - (1 - Y) log(1 - A) for A = sigmoid(Z), where log A = min(0, Z) - log(1 + e^-|Z|)."""
    return np.sum(np.maximum(0, Z) - Y * Z + np.log1p(np.exp(-np.abs(Z))))


def _cross_entropy(Y: np.ndarray, Z: np.ndarray, A: np.ndarray) -> np.ndarray:
    """-Y log A for A = softmax(Z), where log A = Z - log sum e^Z."""
    shifted = Z - np.max(Z, axis=0, keepdims=True)  # (n_L, m)
    return np.sum(Y * (np.log(np.sum(np.exp(shifted), axis=0, keepdims=True)) - shifted))


def _half_squared_error(Y: np.ndarray, Z: np.ndarray, A: np.ndarray) -> np.ndarray:
    return np.sum((A - Y) * (A - Y)) / 2


def _residual(Y: np.ndarray, Z: np.ndarray, A: np.ndarray) -> np.ndarray:
    return A - Y


def _residual_times_slope(name: str) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    return lambda Y, Z, A: (A - Y) * ACTIVATIONS[name].slope(Z, A)


LOSSES = {
    ("cross_entropy", "sigmoid"): Loss(_binary_cross_entropy, _residual),
    ("cross_entropy", "softmax"): Loss(_cross_entropy, _residual),
    ("squared_error", "identity"): Loss(_half_squared_error, _residual),
    ("squared_error", "sigmoid"): Loss(_half_squared_error, _residual_times_slope("sigmoid")),
    ("squared_error", "tanh"): Loss(_half_squared_error, _residual_times_slope("tanh")),
    ("squared_error", "relu"): Loss(_half_squared_error, _residual_times_slope("relu")),
    ("squared_error", "leaky_relu"): Loss(_half_squared_error, _residual_times_slope("leaky_relu")),
}
