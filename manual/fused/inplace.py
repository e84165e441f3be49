"""The activations once more, each in place, for the fast engine: one row each, the formulas of `activations.py`.

Each works in two arrays of one shape, Z and a spare one S. `value` turns Z into A = g(Z) where it stands; what A alone
would no longer tell (relu: was z exactly 0, or below?) it leaves in S. `slope` then says where g'(Z) now is, and which
of the two arrays is free.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from manual.activations import LEAK

__all__ = ["IN_PLACE", "InPlace"]

_SHORT_OF_OVERFLOW = {kind: 0.9 * float(np.log(np.finfo(kind).max)) for kind in "efdg"}  # 80 in float32, 639 in float64

Pair = tuple[np.ndarray | int, np.ndarray]


class InPlace(NamedTuple):
    """An elementwise g and its slope, without a new array."""

    value: Callable[[np.ndarray, np.ndarray], object]  # Z, S: Z becomes g(Z)
    slope: Callable[[np.ndarray, np.ndarray], Pair]  # A, S: (g'(Z), the array that is free)


def _tanh_slope(A: np.ndarray, S: np.ndarray) -> Pair:
    np.multiply(A, A, A)
    np.subtract(1, A, A)  # 1 - A^2
    return A, S


def _sigmoid(Z: np.ndarray, S: np.ndarray) -> None:
    """e^z / (1 + e^z), which for a z short of overflow has been 1 for long."""
    np.minimum(Z, _SHORT_OF_OVERFLOW[Z.dtype.char], out=Z)
    np.exp(Z, Z)
    np.add(Z, 1, S)
    np.divide(Z, S, Z)


def _sigmoid_slope(A: np.ndarray, S: np.ndarray) -> Pair:
    np.subtract(1, A, S)
    np.multiply(A, S, A)  # A (1 - A)
    return A, S


def _relu(Z: np.ndarray, S: np.ndarray) -> None:
    np.greater_equal(Z, 0, S)  # the slope: 1 or 0, at exactly 0 the notes' 1
    np.maximum(Z, 0, out=Z)


def _leaky_relu(Z: np.ndarray, S: np.ndarray) -> None:
    np.greater_equal(Z, 0, S)
    np.maximum(S, LEAK, out=S)  # the slope: 1 or 0.01
    np.multiply(Z, S, Z)


def _softmax(Z: np.ndarray, S: np.ndarray) -> None:
    np.subtract(Z, np.max(Z, axis=0), Z)  # nothing overflows
    np.exp(Z, Z)
    np.divide(Z, np.sum(Z, axis=0), Z)


IN_PLACE = {
    "sigmoid": InPlace(_sigmoid, _sigmoid_slope),
    "tanh": InPlace(lambda Z, S: np.tanh(Z, Z), _tanh_slope),
    "relu": InPlace(_relu, lambda A, S: (S, A)),
    "leaky_relu": InPlace(_leaky_relu, lambda A, S: (S, A)),
    "identity": InPlace(lambda Z, S: None, lambda A, S: (1, S)),
    "softmax": InPlace(_softmax, lambda A, S: (1, S)),  # of its cross entropy, that is: A - Y has it in it
}
