"""Random networks with inputs, labels, activations and a loss that fit one another, as Hypothesis strategies.

Hypothesis draws what should shrink (widths, names, the kind of numbers) and a seed; the numbers come from the seed, for
arrays drawn entry by entry are full of ties and zeros, and the kinks have tests of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import manual

HIDDEN = tuple(manual.ACTIVATIONS)
KINKED = ("relu", "leaky_relu")
PAIRS = tuple(manual.LOSSES)  # (loss, activation of the output)

Fill = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


@dataclass(frozen=True)
class Case:
    """Everything that a gradient depends on; `at(dtype)` is the same case, rounded."""

    parameters: dict[str, np.ndarray]
    X: np.ndarray
    Y: np.ndarray
    activations: tuple[str, ...]
    loss: str

    @property
    def arguments(self) -> tuple:
        return self.parameters, self.X, self.Y, self.activations, self.loss

    def at(self, dtype: type) -> "Case":
        parameters = {name: array.astype(dtype) for name, array in self.parameters.items()}
        return Case(parameters, self.X.astype(dtype), self.Y.astype(dtype), self.activations, self.loss)


def normal(scale: float) -> Fill:
    return lambda generator, shape: scale * generator.standard_normal(shape)


def whole(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Whole numbers from -2 to 2: sums of products of them are exact, and often exactly 0."""
    return generator.integers(-2, 3, shape).astype(float)


ORDINARY = (normal(1.0),)
HOSTILE = (normal(1e-3), normal(1.0), normal(30.0), whole)


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    hidden: tuple[str, ...] = HIDDEN,
    pairs: tuple[tuple[str, str], ...] = PAIRS,
    layers: tuple[int, int] = (1, 4),
    units: tuple[int, int] = (1, 6),
    samples: tuple[int, int] = (1, 7),
    numbers: tuple[Fill, ...] = ORDINARY,
    hollow: bool = False,
) -> Case:
    """A case; `layers`, `units` and `samples` are the least and the most.

    A `hollow` one may have zero biases, and zeros for its first sample.
    """
    loss, output = draw(st.sampled_from(pairs))
    activations = (*(draw(st.sampled_from(hidden)) for _ in range(draw(st.integers(*layers)) - 1)), output)
    sizes = [draw(st.integers(*units)) for _ in range(len(activations) + 1)]
    m = draw(st.integers(*samples))
    fill = draw(st.sampled_from(numbers))
    zero_biases, zero_sample = draw(st.tuples(st.booleans(), st.booleans())) if hollow else (False, False)
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parameters = {name: fill(generator, shape) for name, shape in manual.layer_shapes(sizes).items()}
    X = fill(generator, (sizes[0], m))  # (n_0, m)
    if zero_biases:
        parameters |= {name: np.zeros_like(array) for name, array in parameters.items() if name.startswith("b")}
    if zero_sample:
        X[:, 0] = 0
    return Case(parameters, X, labels(generator, loss, output, (sizes[-1], m)), activations, loss)


def labels(generator: np.random.Generator, loss: str, output: str, shape: tuple[int, int]) -> np.ndarray:
    """What the pair is meant for: classes one-hot for softmax, 0 or 1 for sigmoid, any number elsewhere."""
    if output == "softmax":
        return np.eye(shape[0])[:, generator.integers(0, shape[0], shape[1])]
    if loss == "cross_entropy":
        return generator.integers(0, 2, shape).astype(float)
    return generator.standard_normal(shape)
