"""The costs that are tried where a file has none: a table, in NumPy, in terms of the output alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class Loss(NamedTuple):
    """A cost: the mean over the samples of the loss summed over the outputs, unless it says otherwise."""

    says: str
    cost: Callable[[Any, Any, int], Any]
    """(output, target, the axis of the samples) -> cost."""


def count(A: Any, samples: int) -> int:
    """How many samples an output has; 1 for a vector that has no such axis."""
    return int(A.shape[samples]) if samples < len(A.shape) else 1


def _cross_entropy(A: Any, T: Any, samples: int) -> Any:
    return -np.sum(T * np.log(A) + (1 - T) * np.log(1 - A)) / count(A, samples)


def _softmax_cross_entropy(A: Any, T: Any, samples: int) -> Any:
    return -np.sum(T * np.log(A)) / count(A, samples)


def _half_squared_error(A: Any, T: Any, samples: int) -> Any:
    return np.sum((A - T) ** 2) / (2 * count(A, samples))


def _squared_error(A: Any, T: Any, samples: int) -> Any:
    return np.sum((A - T) ** 2) / count(A, samples)


def _cross_entropy_of_logits(A: Any, T: Any, samples: int) -> Any:
    """Of the sigmoid of the output."""
    return np.sum(np.log(1 + np.exp(A)) - T * A) / count(A, samples)


def _softmax_cross_entropy_of_logits(A: Any, T: Any, samples: int) -> Any:
    """Of the softmax of the output; labels are one-hot."""
    largest = np.log(np.sum(np.exp(A), axis=len(A.shape) - 1 - samples if len(A.shape) > 1 else 0))
    return (np.sum(largest) - np.sum(T * A)) / count(A, samples)


def _hinge(A: Any, T: Any, samples: int) -> Any:
    return np.sum(np.maximum(0, 1 - T * A)) / count(A, samples)


def _hinge_of_classes(A: Any, T: Any, samples: int) -> Any:
    """With -1 in place of 0."""
    return _hinge(A, np.sign(2 * T - 1), samples)


def _output(A: Any, T: Any, samples: int) -> Any:
    """Whatever the labels are."""
    return np.sum(A)


def _mean_of_all(cost: Callable[[Any, Any, int], Any]) -> Callable[[Any, Any, int], Any]:
    """The mean over the outputs, too, as np.mean takes it."""
    return lambda A, T, samples: cost(A, T, samples) * count(A, samples) / np.size(A)


def _summed(cost: Callable[[Any, Any, int], Any]) -> Callable[[Any, Any, int], Any]:
    """The sum over the samples in place of the mean."""
    return lambda A, T, samples: cost(A, T, samples) * count(A, samples)


LOSSES = {
    "cross_entropy": Loss("cross entropy, -(Y log A + (1 - Y) log(1 - A))", _cross_entropy),
    "softmax_cross_entropy": Loss("cross entropy of a softmax, -Y log A", _softmax_cross_entropy),
    "squared_error": Loss("half the squared error, (A - Y)^2 / 2", _half_squared_error),
    "full_squared_error": Loss("the squared error, (A - Y)^2", _squared_error),
    "mean_cross_entropy": Loss("cross entropy, the mean over the outputs too", _mean_of_all(_cross_entropy)),
    "mean_squared_error": Loss("the squared error, the mean over the outputs too", _mean_of_all(_squared_error)),
    "mean_half_squared_error": Loss(
        "half the squared error, the mean over the outputs too", _mean_of_all(_half_squared_error)
    ),
    "summed_cross_entropy": Loss("cross entropy, summed over the samples", _summed(_cross_entropy)),
    "summed_softmax_cross_entropy": Loss("cross entropy of a softmax, summed", _summed(_softmax_cross_entropy)),
    "summed_squared_error": Loss("half the squared error, summed over the samples", _summed(_half_squared_error)),
    "hinge": Loss("hinge loss, max(0, 1 - Y A)", _hinge),
    "hinge_of_classes": Loss("hinge loss, max(0, 1 - S A), S the sign of a class", _hinge_of_classes),
    "summed_hinge": Loss("hinge loss, summed over the samples", _summed(_hinge)),
    "summed_hinge_of_classes": Loss(
        "hinge loss, S the sign of a class, summed over the samples", _summed(_hinge_of_classes)
    ),
    "summed_full_squared_error": Loss("the squared error, summed over the samples", _summed(_squared_error)),
    "cross_entropy_of_logits": Loss("cross entropy of the output's sigmoid", _cross_entropy_of_logits),
    "summed_cross_entropy_of_logits": Loss(
        "cross entropy of the output's sigmoid, summed over the samples", _summed(_cross_entropy_of_logits)
    ),
    "softmax_cross_entropy_of_logits": Loss("cross entropy of the output's softmax", _softmax_cross_entropy_of_logits),
    "summed_softmax_cross_entropy_of_logits": Loss(
        "cross entropy of the output's softmax, summed", _summed(_softmax_cross_entropy_of_logits)
    ),
    "output": Loss("the output itself, summed", _output),
}


class Penalty(NamedTuple):
    """A term of an assumed cost that keeps parameters small: strength times the sum of what `of` makes of them."""

    kind: str
    """A key of PENALTIES."""
    names: Sequence[str]
    """The parameters."""
    strength: float
    per_sample: bool
    """Whether the strength is divided by the number of samples."""

    def cost(self, inputs: Mapping[str, Any], samples: int) -> Any:
        """The term, for inputs with so many samples."""
        of = PENALTIES[self.kind].of
        return self.strength * sum(of(inputs[name]) for name in self.names) / (samples if self.per_sample else 1)

    @property
    def says(self) -> str:
        """The term in words."""
        strength = f"{self.strength:g}{' / m' if self.per_sample else ''}"
        return f"{strength} times {PENALTIES[self.kind].says} of {', '.join(self.names)}"


class Kind(NamedTuple):
    """A kind of penalty."""

    says: str
    of: Callable[[Any], Any]
    slope: Callable[[np.ndarray], np.ndarray]


def _without_first(T: np.ndarray, axis: int) -> np.ndarray:
    """The parameter with 0 for the biases, where these are its first row or column; none of it where it has none."""
    kept = np.zeros_like(T)
    if T.ndim == 2:
        rest = (slice(1, None), slice(None))[:: 1 - 2 * axis]
        kept[rest] = T[rest]
    return kept


PENALTIES = {
    "squares": Kind("half the sum of squares", lambda T: np.sum(T**2) / 2, lambda T: T),
    "sizes": Kind("the sum of absolute values", lambda T: np.sum(np.abs(T)), np.sign),
    "squares but the first column": Kind(
        "half the sum of squares, the first column left out,",
        lambda T: np.sum(T[:, 1:] ** 2) / 2,
        lambda T: _without_first(T, 1),
    ),
    "squares but the first row": Kind(
        "half the sum of squares, the first row left out,",
        lambda T: np.sum(T[1:] ** 2) / 2,
        lambda T: _without_first(T, 0),
    ),
}
"""What gradients show of a penalty whose cost the file does not have: weight decay, L1."""


def target(Y: Any, output: Any, samples: int) -> Any:
    """Labels in the shape of the output: classes (m,) become one-hot, (m,) zeros and ones a row or column."""
    if Y.shape == output.shape:
        return Y
    if Y.shape == output.shape[::-1]:
        return Y.T
    if output.size == Y.size:
        return Y.reshape(output.shape)
    if len(output.shape) == 1:
        return np.eye(output.shape[0])[Y]
    hot = np.eye(output.shape[1 - samples])[Y.reshape(-1)]  # (m, n_L)
    return hot.T if samples == 1 else hot


def fitting(output: np.ndarray, axis: int) -> list[str]:
    """The names of the costs that an output suggests, the likeliest first; `axis` is that of the units."""
    if output.dtype.kind != "f" or output.ndim == 0:  # a cost, and no output of its own
        return []
    if np.all((output > 0) & (output < 1)):
        axis = min(axis, output.ndim - 1)
        if output.shape[axis] > 1 and np.allclose(output.sum(axis=axis), 1, atol=1e-6):
            return _with_sums("softmax_cross_entropy", "squared_error", "full_squared_error")
        return _with_sums("cross_entropy", "squared_error", "full_squared_error")
    several = output.ndim > 1 and output.shape[axis] > 1
    of_classes = ("softmax_cross_entropy_of_logits",) if several else ("hinge", "hinge_of_classes")
    if output.ndim == 1 and output.size > 1:  # of several samples, or the classes of one
        of_classes = (*of_classes, "softmax_cross_entropy_of_logits")
    return [*_with_sums("squared_error", "full_squared_error"), *_with_sums(*of_classes, "cross_entropy_of_logits")]


def _with_sums(*means: str) -> list[str]:
    return [*means, *(f"summed_{name}" for name in means), *(AVERAGED[name] for name in means if name in AVERAGED)]


AVERAGED = {
    "cross_entropy": "mean_cross_entropy",
    "full_squared_error": "mean_squared_error",
    "squared_error": "mean_half_squared_error",
}
"""The same averaged over the outputs."""

SHAPES = ((5, 1), (4, 3), (7, 2))
"""Of outputs and labels on which costs are told apart: samples by outputs."""
NEAR = 1e-6


def is_multiple(loss: str, of: str) -> bool:
    """Whether one cost is, for so many samples and outputs, a constant times another: keys of LOSSES."""
    return all(_is_constant(loss, of, shape) for shape in SHAPES)


def _is_constant(loss: str, of: str, shape: tuple[int, int]) -> bool:
    pairs = [drawn(shape, seed) for seed in (0, 1)]
    ratios = [float(LOSSES[loss].cost(A, Y, 0) / LOSSES[of].cost(A, Y, 0)) for A, Y in pairs]
    return abs(ratios[0] / ratios[1] - 1) < NEAR


def drawn(shape: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """An output and labels: probabilities both, of which no sign and no 0 hides a term of a cost."""
    generator = np.random.default_rng(seed)
    return generator.uniform(0.1, 0.9, shape), generator.uniform(0.1, 0.9, shape)
