"""The activations of the notes (3.6) and their slopes (3.8): one row each.

| at exactly 0 | relu | leaky_relu |
|---|---|---|
| the notes, and so this table | 1 | 1 |
| PyTorch | 0 | 0.01 |

Every value between the left and the right slope is a valid subgradient there; see `DERIVATION.md`, 3.8.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["ACTIVATIONS", "LEAK", "OUTPUTS", "Activation"]

LEAK = 0.01  # slope of leaky_relu left of 0


class Activation(NamedTuple):
    """An elementwise g and its slope g'. Both keep the shape and the dtype of z, and neither returns z itself."""

    value: Callable[[np.ndarray], np.ndarray]  # g(z)
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray]  # g'(z), from z and a = g(z)


def _sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-z) where z >= 0 and e^z / (1 + e^z) elsewhere: the exponential is never of a positive number."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def _softmax(z: np.ndarray) -> np.ndarray:
    """e^z over its sum in each column; the largest entry is taken off first, so that nothing overflows."""
    e = np.exp(z - np.max(z, axis=0, keepdims=True))  # (n_L, m)
    return e / np.sum(e, axis=0, keepdims=True)


ACTIVATIONS = {
    "sigmoid": Activation(_sigmoid, lambda z, a: a * (1 - a)),
    "tanh": Activation(lambda z: np.tanh(z), lambda z, a: 1 - a * a),
    "relu": Activation(lambda z: np.maximum(0, z), lambda z, a: np.where(z >= 0, 1, 0).astype(z.dtype)),
    "leaky_relu": Activation(lambda z: np.maximum(LEAK * z, z), lambda z, a: np.where(z >= 0, 1, LEAK).astype(z.dtype)),
    "identity": Activation(lambda z: z.copy(), lambda z, a: np.ones_like(z)),
}

# What an output may apply: these five, and softmax, which has no slope of its own because every unit leans on every
# other; with cross entropy none is needed (`losses.py`).
OUTPUTS = {name: activation.value for name, activation in ACTIVATIONS.items()} | {"softmax": _softmax}
