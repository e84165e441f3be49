"""What is learned: small data sets, one row each. Columns are samples, X is (n_0, m), Y is (1, m), both float64.

All but the breast cancer data are drawn anew for each seed. The flower is that of the planar exercise of Andrew Ng's
course Neural Networks and Deep Learning (deeplearning.ai, 2017, week 3), redrawn from its description.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gradcompare.training.extras import needed

__all__ = ["DATASETS", "Dataset", "Recipe", "draw"]

Samples = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Dataset:
    """X (n_0, m), Y (1, m), and how a network is to end for it."""

    name: str
    X: np.ndarray = field(repr=False)
    Y: np.ndarray = field(repr=False)
    output: str
    loss: str

    @property
    def has_classes(self) -> bool:
        """Whether the labels are 0 and 1."""
        return self.loss == "cross_entropy"

    def astype(self, dtype: str) -> Dataset:
        """The same, rounded to float32 or float64."""
        return Dataset(self.name, self.X.astype(dtype), self.Y.astype(dtype), self.output, self.loss)

    def quality(self, prediction: np.ndarray) -> tuple[str, float]:
        """How well A_L (1, m) predicts Y: the share of right classes, or the root of the mean squared error."""
        if self.has_classes:
            return "accuracy", float(np.mean((prediction > 0.5) == (self.Y > 0.5)))
        return "error", float(np.sqrt(np.mean((prediction - self.Y) ** 2)))


class Recipe(NamedTuple):
    """A row of the table. `draw` takes a generator and the number of samples."""

    draw: Callable[[np.random.Generator, int], Samples]
    says: str
    learning_rate: float
    samples: int = 400
    output: str = "sigmoid"
    loss: str = "cross_entropy"


def draw(name: str, seed: int) -> Dataset:
    """The data set of this name, a key of `DATASETS`, drawn from this seed.

    Raises gradcompare.training.extras.MissingExtraError where it takes a package that is not installed.
    """
    recipe = DATASETS[name]
    X, Y = recipe.draw(np.random.default_rng(seed), recipe.samples)
    return Dataset(name, X, Y, recipe.output, recipe.loss)


def _flower(generator: np.random.Generator, m: int) -> Samples:
    """Two half turns of the rose r = 4 sin(4 t), one a class, with normal noise of 0.2 on angle and radius."""
    half = m // 2
    Y = np.repeat([0.0, 1.0], half)  # (m,)
    turn = np.concatenate([np.linspace(start, start + 3.12, half) for start in (0.0, 3.12)])
    t = turn + 0.2 * generator.standard_normal(2 * half)
    r = 4 * np.sin(4 * t) + 0.2 * generator.standard_normal(2 * half)
    return np.stack([r * np.sin(t), r * np.cos(t)]), Y[np.newaxis]


def _moons(generator: np.random.Generator, m: int) -> Samples:
    """Two half circles that reach into each other."""
    half = m // 2
    t = np.linspace(0, np.pi, half)
    upper, lower = np.stack([np.cos(t), np.sin(t)]), np.stack([1 - np.cos(t), 0.5 - np.sin(t)])
    X = np.hstack([upper, lower]) + 0.15 * generator.standard_normal((2, 2 * half))
    return X, np.repeat([0.0, 1.0], half)[np.newaxis]


def _circles(generator: np.random.Generator, m: int) -> Samples:
    """A circle inside another, of half its radius."""
    half = m // 2
    t = np.tile(np.linspace(0, 2 * np.pi, half, endpoint=False), 2)
    r = np.repeat([1.0, 0.5], half)
    X = np.stack([r * np.cos(t), r * np.sin(t)]) + 0.1 * generator.standard_normal((2, 2 * half))
    return X, np.repeat([0.0, 1.0], half)[np.newaxis]


def _curve(generator: np.random.Generator, m: int) -> Samples:
    """One period of a sine that grows, with noise: a regression."""
    x = np.linspace(-3, 3, m)[np.newaxis]
    return x, np.sin(2 * x) * (x + 4) / 6 + 0.1 * generator.standard_normal((1, m))


def _breast_cancer(_generator: np.random.Generator, _m: int) -> Samples:
    """569 tumours, 30 measurements of each, brought to mean 0 and variance 1; 1 is benign."""
    loaded = needed("sklearn.datasets").load_breast_cancer()
    X = loaded.data.T.astype(np.float64)  # (30, 569)
    X = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
    return X, loaded.target[np.newaxis].astype(np.float64)


DATASETS = {
    "flower": Recipe(_flower, "the flower of the planar exercise: two classes in alternating petals", 1.2),
    "moons": Recipe(_moons, "two half moons that reach into each other", 1.2),
    "circles": Recipe(_circles, "a circle inside another", 1.2),
    "curve": Recipe(_curve, "a noisy curve: regression", 0.1, 200, "identity", "squared_error"),
    "breast-cancer": Recipe(_breast_cancer, "569 tumours by 30 measurements (scikit-learn)", 0.1, 569),
}
