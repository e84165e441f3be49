"""What is trained, and how: data, network and schedule, for both engines the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import manual
from gradcompare.training.datasets import Dataset

__all__ = ["Problem", "distance", "norm"]

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Problem:
    """Data, the hidden layers' widths and activation, and the schedule of gradient descent."""

    data: Dataset
    hidden: tuple[int, ...]
    activation: str
    learning_rate: float
    iterations: int
    scale: float | Sequence[float] = 0.01
    """Of the random weights; 0 for a start from zero."""
    seed: int = 0

    @property
    def sizes(self) -> tuple[int, ...]:
        """(n_0, ..., n_L)."""
        return (len(self.data.X), *self.hidden, len(self.data.Y))

    @property
    def activations(self) -> tuple[str, ...]:
        """One a layer."""
        return (*[self.activation] * len(self.hidden), self.data.output)

    def start(self) -> Arrays:
        """The parameters that every engine starts from, in the precision of the data."""
        parameters = manual.random_parameters(self.sizes, scale=self.scale, seed=self.seed)
        return {name: array.astype(self.data.X.dtype) for name, array in parameters.items()}

    def quality(self, parameters: Arrays) -> tuple[str, float]:
        """As `Dataset.quality`, of these parameters' prediction."""
        return self.data.quality(self.predict(parameters, self.data.X))

    def predict(self, parameters: Arrays, X: np.ndarray) -> np.ndarray:
        """A_L, (1, m)."""
        return manual.forward(parameters, X, self.activations)[f"A{len(self.activations)}"]

    def __str__(self) -> str:
        sizes, m = "-".join(map(str, self.sizes)), self.data.X.shape[1]
        return (
            f"{self.data.name}, {m} samples; {sizes}, {', '.join(self.activations)}; learning rate "
            f"{self.learning_rate:g}, {self.iterations:,} step{'s' * (self.iterations > 1)}, {self.data.X.dtype.name}"
        )


def norm(parameters: Mapping[str, np.ndarray]) -> float:
    """The length of the vector of all parameters; infinite or NaN where an entry is."""
    largest = max(float(np.max(np.abs(array))) for array in parameters.values())
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(sum(np.sum(np.square(array / largest)) for array in parameters.values())))


def distance(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    """The length of the difference of two parameter vectors."""
    return norm({name: array.astype(np.float64) - b[name] for name, array in a.items()})
