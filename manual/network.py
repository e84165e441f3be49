"""The network of the notes, vectorised over the samples (3.3 to 3.5), and its gradients (3.9, 3.10).

Columns are samples, rows are units: X = A0 is (n_0, m), W_l is (n_l, n_{l-1}), b_l is (n_l, 1), Z_l and A_l are
(n_l, m), and dT has the shape of T. `DERIVATION.md` derives every line.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from .activations import ACTIVATIONS, OUTPUTS
from .losses import LOSSES
from .validation import check_cache, check_network, check_parameters, check_sizes, check_targets

__all__ = ["backward", "collapse", "cost", "forward", "layer_shapes"]


def layer_shapes(sizes: Sequence[int]) -> dict[str, tuple[int, int]]:
    """The shapes of the parameters (notes 3.2): W_l is (n_l, n_{l-1}), b_l is (n_l, 1).

    `sizes` is (n_0, n_1, ..., n_L): the inputs, then the units of every layer with weights. ValueError where there are
    fewer than two, or one is below 1.

    >>> layer_shapes((3, 4, 1))
    {'W1': (4, 3), 'b1': (4, 1), 'W2': (1, 4), 'b2': (1, 1)}
    """
    check_sizes(sizes)
    shapes: dict[str, tuple[int, int]] = {}
    for layer, (fan_in, units) in enumerate(itertools.pairwise(sizes), start=1):
        shapes |= {f"W{layer}": (units, fan_in), f"b{layer}": (units, 1)}
    return shapes


def forward(
    parameters: Mapping[str, np.ndarray], X: np.ndarray, activations: Sequence[str] = ("tanh", "sigmoid")
) -> dict[str, np.ndarray]:
    """The values of every layer: {"Z1", "A1", ..., "ZL", "AL"}, each (n_l, m), of the dtype of the inputs.

    `parameters` holds W_l (n_l, n_{l-1}) and b_l (n_l, 1) for l = 1 to L, X is (n_0, m), and `activations` has one name
    a layer: a name of `ACTIVATIONS`, for the last layer "softmax" as well. All arrays are of one floating dtype.
    ValueError for a shape or a name that does not fit, TypeError for a type or dtype that does not.
    """
    check_network(parameters, X, activations)
    cache: dict[str, np.ndarray] = {}
    A = X  # A0, (n_0, m)
    for layer, g in enumerate(activations, start=1):
        Z = parameters[f"W{layer}"] @ A + parameters[f"b{layer}"]  # (n_l, m): b is one column, set beside every sample
        A = OUTPUTS[g](Z)  # (n_l, m)
        cache |= {f"Z{layer}": Z, f"A{layer}": A}
    return cache


def backward(
    parameters: Mapping[str, np.ndarray],
    cache: Mapping[str, np.ndarray],
    X: np.ndarray,
    Y: np.ndarray,
    activations: Sequence[str] = ("tanh", "sigmoid"),
    loss: str = "cross_entropy",
) -> dict[str, np.ndarray]:
    """The gradients, from the output back: {"dZL", "dWL", "dbL", "dA(L-1)", ..., "dZ1", "dW1", "db1"}.

    Takes what `forward` takes, the cache it returned, Y of (n_L, m), and "cross_entropy" (with sigmoid or softmax) or
    "squared_error" (half of it, summed over the outputs; with all but softmax). dZ_l and dA_l are derivatives of the
    loss summed over the samples, dW_l and db_l of the cost J, the mean. Raises as `forward` does.

    The six expressions of the notes' 3.9; for any depth C. M. Bishop, Pattern Recognition and Machine Learning (2006),
    section 5.3.1, eq. 5.53 to 5.56, pp. 243-244. At exactly 0 the slopes of relu and leaky_relu are 1 (3.8).
    """
    check_network(parameters, X, activations)
    check_cache(cache, parameters, X)
    check_targets(cache, Y, activations, loss)
    L, m = len(activations), X.shape[1]
    gradients: dict[str, np.ndarray] = {}
    dZ = LOSSES[loss, activations[-1]].dZ(Y, cache[f"Z{L}"], cache[f"A{L}"])  # (n_L, m): dZ2 = A2 - Y
    for layer in range(L, 0, -1):
        A_before = cache[f"A{layer - 1}"] if layer > 1 else X  # (n_{l-1}, m)
        dW = dZ @ A_before.T / m  # (n_l, n_{l-1}): dW2 = dZ2 A1^T / m
        db = np.sum(dZ, axis=1, keepdims=True) / m  # (n_l, 1): db2 = sum of dZ2 over the samples / m
        gradients |= {f"dZ{layer}": dZ, f"dW{layer}": dW, f"db{layer}": db}
        if layer > 1:
            slope = ACTIVATIONS[activations[layer - 2]].slope(cache[f"Z{layer - 1}"], A_before)  # (n_{l-1}, m)
            dA = parameters[f"W{layer}"].T @ dZ  # (n_{l-1}, m)
            dZ = dA * slope  # (n_{l-1}, m): dZ1 = W2^T dZ2 * g'(Z1)
            gradients[f"dA{layer - 1}"] = dA
    return gradients


def cost(
    cache: Mapping[str, np.ndarray],
    Y: np.ndarray,
    activations: Sequence[str] = ("tanh", "sigmoid"),
    loss: str = "cross_entropy",
) -> float:
    """J, the mean over the m samples of the loss summed over the outputs.

    `cache` is what `forward` returned, Y is (n_L, m), for softmax each column a distribution (one-hot, as a rule).
    Cross entropy is computed from Z_L: finite and right where A_L has rounded to 0 or 1. Raises as `backward` does.
    """
    check_targets(cache, Y, activations, loss)
    L, m = len(activations), Y.shape[1]
    return float(LOSSES[loss, activations[-1]].total(Y, cache[f"Z{L}"], cache[f"A{L}"]) / m)


def collapse(parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The one layer {"W1": W', "b1": b'} to which a network of identity activations reduces (notes 3.7).

    W' = W_L ... W_1 is (n_L, n_0); b' = W_L b'_{L-1} + b_L is (n_L, 1). Raises as `forward` does.
    """
    check_parameters(parameters)
    W, b = parameters["W1"].copy(), parameters["b1"].copy()
    for layer in range(2, len(parameters) // 2 + 1):
        W = parameters[f"W{layer}"] @ W  # (n_l, n_0)
        b = parameters[f"W{layer}"] @ b + parameters[f"b{layer}"]  # (n_l, 1)
    return {"W1": W, "b1": b}
