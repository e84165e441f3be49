"""The network one sample and one unit at a time (notes 3.3, 3.10): the specification that the matrix form must meet.

The functions, arguments, keys and shapes are those of `manual.forward`, `manual.backward` and `manual.cost`. Nothing
here multiplies matrices: z = w^T x + b is a sum over the inputs of one unit for one sample.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from .activations import ACTIVATIONS, OUTPUTS
from .losses import LOSSES
from .validation import check_cache, check_network, check_targets

__all__ = ["backward", "cost", "forward"]


def forward(
    parameters: Mapping[str, np.ndarray], X: np.ndarray, activations: Sequence[str] = ("tanh", "sigmoid")
) -> dict[str, np.ndarray]:
    """As `manual.forward`: for each sample, layer and unit z = w^T x + b, then a = g(z) (notes 3.3, 3.4)."""
    check_network(parameters, X, activations)
    m = X.shape[1]
    cache = {
        f"{kind}{layer}": np.empty((len(parameters[f"b{layer}"]), m), X.dtype)
        for layer in range(1, len(activations) + 1)
        for kind in "ZA"
    }
    for i in range(m):
        x = X[:, i]  # (n_0,): the sample
        for layer, g in enumerate(activations, start=1):
            W, b, Z, A = (parameters[f"W{layer}"], parameters[f"b{layer}"], cache[f"Z{layer}"], cache[f"A{layer}"])
            for unit in range(len(W)):
                Z[unit, i] = _dot(W[unit], x) + b[unit, 0]  # z = w^T x + b
                if g in ACTIVATIONS:
                    A[unit, i] = ACTIVATIONS[g].value(Z[unit, i])  # a = g(z)
            if g not in ACTIVATIONS:
                A[:, i] = OUTPUTS[g](Z[:, i])  # softmax: every a needs the z of all units
            x = A[:, i]  # (n_l,): what the next layer reads
    return cache


def backward(
    parameters: Mapping[str, np.ndarray],
    cache: Mapping[str, np.ndarray],
    X: np.ndarray,
    Y: np.ndarray,
    activations: Sequence[str] = ("tanh", "sigmoid"),
    loss: str = "cross_entropy",
) -> dict[str, np.ndarray]:
    """As `manual.backward`: the derivatives of each sample's loss (notes 3.10), dW and db their mean (3.9)."""
    check_network(parameters, X, activations)
    check_cache(cache, parameters, X)
    check_targets(cache, Y, activations, loss)
    L, m = len(activations), X.shape[1]
    values = {"A0": X, **cache}
    gradients = _zero_gradients(parameters, values, L)
    for i in range(m):
        Z, A = cache[f"Z{L}"][:, i], cache[f"A{L}"][:, i]  # (n_L,)
        gradients[f"dZ{L}"][:, i] = LOSSES[loss, activations[-1]].dZ(Y[:, i], Z, A)
        for layer in range(L, 0, -1):
            dz, a_before = gradients[f"dZ{layer}"][:, i], values[f"A{layer - 1}"][:, i]  # (n_l,), (n_{l-1},)
            _add_sample(gradients[f"dW{layer}"], gradients[f"db{layer}"], dz, a_before)
            if layer > 1:
                slope, z_before = ACTIVATIONS[activations[layer - 2]].slope, cache[f"Z{layer - 1}"][:, i]
                for unit in range(len(a_before)):
                    da = _dot(parameters[f"W{layer}"][:, unit], dz)  # over all the units that read this one
                    gradients[f"dA{layer - 1}"][unit, i] = da
                    gradients[f"dZ{layer - 1}"][unit, i] = da * slope(z_before[unit], a_before[unit])
    return {name: d / m if name[:2] in ("dW", "db") else d for name, d in gradients.items()}


def cost(
    cache: Mapping[str, np.ndarray],
    Y: np.ndarray,
    activations: Sequence[str] = ("tanh", "sigmoid"),
    loss: str = "cross_entropy",
) -> float:
    """As `manual.cost`: the mean of the losses of the samples, one by one."""
    check_targets(cache, Y, activations, loss)
    L, m = len(activations), Y.shape[1]
    total = LOSSES[loss, activations[-1]].total
    losses = [total(Y[:, [i]], cache[f"Z{L}"][:, [i]], cache[f"A{L}"][:, [i]]) for i in range(m)]
    return float(sum(losses) / m)


def _dot(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """w^T x, term by term, in the dtype of its arguments."""
    return sum(w[j] * x[j] for j in range(len(w)))


def _zero_gradients(
    parameters: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray], L: int
) -> dict[str, np.ndarray]:
    """Zeros of the shapes that `backward` fills, under its keys and in its order: dT has the shape of T."""
    names = [f"{kind}{layer}" for layer in range(L, 0, -1) for kind in ("A", "Z", "W", "b")][1:]
    return {f"d{name}": np.zeros_like({**parameters, **values}[name]) for name in names}


def _add_sample(dW: np.ndarray, db: np.ndarray, dz: np.ndarray, a_before: np.ndarray) -> None:
    """dW += dz a^T and db += dz, entry by entry: the derivatives of one sample's loss (notes 3.10)."""
    for unit in range(len(dz)):
        for j in range(len(a_before)):
            dW[unit, j] += dz[unit] * a_before[j]
        db[unit, 0] += dz[unit]
