"""The network that a seed stands for: random parameters, samples and labels on which mistakes show."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

LABELS = ("binary", "one_hot", "classes", "real")
"""Y as zeros and ones (n_L, m), as one-hot columns (n_L, m), as whole numbers 0 .. n_L - 1 (m,), or as any numbers
(n_L, m)."""
OUTPUTS, SAMPLES, UNITS = (2, 5), (2, 8), (1, 7)
"""The least and the most n_L, m, and inputs and hidden units, where nothing else is asked for."""


@dataclass(frozen=True)
class Network:
    """Parameters, samples and labels that fit one another; columns are samples.

    W_l is (n_l, n_{l-1}), b_l (n_l, 1), X (n_0, m), Y (n_L, m), or (m,) whole numbers for `labels="classes"`; all of
    one floating dtype, but for classes. `sizes` is (n_0, ..., n_L).
    """

    sizes: tuple[int, ...]
    m: int
    seed: int
    labels: str
    parameters: dict[str, np.ndarray] = field(repr=False)
    X: np.ndarray = field(repr=False)
    Y: np.ndarray = field(repr=False)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """Everything in one dict, as `compare` takes it: {"W1", "b1", ..., "X", "Y"}."""
        return {**self.parameters, "X": self.X, "Y": self.Y}

    def astype(self, dtype: object) -> Network:
        """The same network, rounded to float32 or float64."""

        def converted(array: np.ndarray) -> np.ndarray:
            return array.astype(dtype) if array.dtype.kind == "f" else array  # type: ignore[call-overload]

        parameters = {name: converted(array) for name, array in self.parameters.items()}
        return Network(self.sizes, self.m, self.seed, self.labels, parameters, converted(self.X), converted(self.Y))


def draw_network(sizes: Sequence[int], m: int, seed: int, *, labels: str = "binary", scale: float = 1.0) -> Network:
    """The network of these sizes that this seed stands for: weights normal over sqrt(n_{l-1}), biases and X normal.

    Raises ValueError for an unknown kind of labels, a size below 1, or fewer than two sizes.
    """
    if labels not in LABELS:
        raise ValueError(f"{labels!r} is no kind of labels; these are: {', '.join(LABELS)}")
    if len(sizes) < 2 or min(*sizes, m) < 1:
        raise ValueError(f"sizes {tuple(sizes)} and m = {m}: there should be two sizes at least, and none below 1")
    generator = np.random.default_rng(seed)
    parameters: dict[str, np.ndarray] = {}
    while True:
        for layer, (fan_in, units) in enumerate(itertools.pairwise(sizes), start=1):
            parameters[f"W{layer}"] = scale * generator.standard_normal((units, fan_in)) / np.sqrt(fan_in)
            parameters[f"b{layer}"] = scale * generator.standard_normal((units, 1)) / 2
        X = generator.standard_normal((sizes[0], m))
        Z1 = parameters["W1"] @ X + parameters["b1"]  # (n_1, m)
        if Z1.size == 1 or (Z1.min() < 0 < Z1.max() and np.all(Z1 != 0)):
            break
    return Network(tuple(sizes), m, seed, labels, parameters, X, _labels(generator, labels, sizes[-1], m))


def with_samples(network: Network, m: int) -> Network:
    """The network with so many samples, any numbers, and their labels, among which are all classes."""
    generator = np.random.default_rng(network.seed)
    X = generator.standard_normal((network.sizes[0], m)).astype(network.X.dtype)
    Y = _labels(generator, network.labels, network.sizes[-1], m).astype(network.Y.dtype)
    classes = np.arange(m) % network.sizes[-1]
    every = {"classes": classes, "one_hot": np.eye(network.sizes[-1], dtype=Y.dtype)[:, classes]}
    return replace(network, m=m, X=X, Y=every.get(network.labels, Y))


def draw_networks(
    count: int,
    seed: int,
    *,
    layers: int = 2,
    outputs: int | tuple[int, int] = OUTPUTS,
    samples: tuple[int, int] = SAMPLES,
    labels: str = "binary",
) -> list[Network]:
    """So many networks with as many layers, whose widths and m differ from one another as long as there are enough.

    The same for the same seed, whatever else is loaded: Hypothesis, which draws those that are to be shrunk
    (`gradcompare.cases`), looks for numbers in the source of all modules that are loaded, and takes ten times as
    long.
    """
    generator = np.random.default_rng(seed)

    def between(least: int, most: int, taken: Collection[int] = ()) -> int:
        numbers = range(least, most + 1)
        return int(generator.choice([n for n in numbers if n not in taken] or numbers))

    def one() -> Network:
        m = between(*samples)
        widths = [between(*outputs, (m,)) if isinstance(outputs, tuple) else outputs]  # from the last to the first
        for _ in range(layers):
            widths.append(between(*UNITS, (m, *widths)))
        return draw_network(widths[::-1], m, int(generator.integers(2**32)), labels=labels)

    return [one() for _ in range(count)]


def _labels(generator: np.random.Generator, labels: str, outputs: int, m: int) -> np.ndarray:
    if labels == "real":
        return generator.standard_normal((outputs, m))
    if labels == "binary":
        return generator.integers(0, 2, (outputs, m)).astype(np.float64)
    classes = generator.integers(0, outputs, m)
    classes[generator.integers(m)] = outputs - 1
    return classes if labels == "classes" else np.eye(outputs)[:, classes]
