"""Where the parameters begin (notes 3.11): random, zero, and what zero does to the hidden units."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from .network import layer_shapes
from .validation import check_parameters

__all__ = ["random_parameters", "symmetric_units", "zero_parameters"]


def random_parameters(
    sizes: Sequence[int], *, scale: float | Sequence[float] = 0.01, seed: int | np.random.Generator | None = None
) -> dict[str, np.ndarray]:
    """W_l normal times `scale`, b_l zero, in float64; shapes as in `layer_shapes(sizes)`.

    `scale` is one number, or one a layer: relu units need no small scale, a sigmoid output does (notes 3.11). `seed` is
    a whole number, a NumPy Generator, or None for another draw each time. ValueError for sizes or scales that do not
    fit.

    >>> {name: array.shape for name, array in random_parameters((3, 4, 1), scale=(1.0, 0.01), seed=0).items()}
    {'W1': (4, 3), 'b1': (4, 1), 'W2': (1, 4), 'b2': (1, 1)}
    """
    parameters = zero_parameters(sizes)
    layers = len(sizes) - 1
    scales = list(scale) if isinstance(scale, Iterable) else [scale] * layers
    if len(scales) != layers:
        raise ValueError(
            f"scale has {len(scales)} numbers; it should be one number, or {layers}, one a layer with weights"
        )
    generator = np.random.default_rng(seed)
    for layer, factor in enumerate(scales, start=1):
        W = parameters[f"W{layer}"]  # (n_l, n_{l-1})
        parameters[f"W{layer}"] = factor * generator.standard_normal(W.shape)
    return parameters


def zero_parameters(sizes: Sequence[int]) -> dict[str, np.ndarray]:
    """All zero, in float64: the start from which hidden units never come to differ (notes 3.11)."""
    return {name: np.zeros(shape) for name, shape in layer_shapes(sizes).items()}


def symmetric_units(parameters: Mapping[str, np.ndarray]) -> dict[int, list[tuple[int, ...]]]:
    """The hidden units that compute the same thing for every input, as groups: {layer: [(unit, unit, ...), ...]}.

    Layers and units are counted from 1. Two units are one when their biases are equal and so are their weights, the
    weights to units that are themselves one being added up. A layer without such a group is left out. Raises as
    `collapse` does.

    >>> symmetric_units(zero_parameters((2, 3, 1)))
    {1: [(1, 2, 3)]}
    """
    check_parameters(parameters)
    inputs = range(parameters["W1"].shape[1])
    before: list[tuple[int, ...]] = [(j,) for j in inputs]  # groups of what the layer reads; no two inputs are one
    found = {}
    for layer in range(1, len(parameters) // 2):
        before = _equal_rows(_incoming(parameters[f"W{layer}"], parameters[f"b{layer}"], before))
        groups = [tuple(unit + 1 for unit in group) for group in before if len(group) > 1]
        if groups:
            found[layer] = groups
    return found


def _incoming(W: np.ndarray, b: np.ndarray, groups: Iterable[tuple[int, ...]]) -> np.ndarray:
    """One row a unit: its bias, then its weight to each group. Sorted first, so that order cannot change the sum."""
    return np.hstack([b] + [np.sort(W[:, group], axis=1).sum(axis=1, keepdims=True) for group in groups])


def _equal_rows(rows: np.ndarray) -> list[tuple[int, ...]]:
    """The indices of equal rows together, in the order of their first."""
    groups: dict[tuple[float, ...], list[int]] = {}
    for index, row in enumerate(rows.tolist()):
        groups.setdefault(tuple(row), []).append(index)
    return [tuple(group) for group in groups.values()]
