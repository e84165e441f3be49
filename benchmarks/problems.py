"""What is timed: networks of two layers with inputs, labels and parameters that fit, from one seed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import manual

__all__ = ["GRID", "SMALLEST", "Problem"]


@dataclass(frozen=True)
class Problem:
    """A network n_0-n_1-n_2 and m samples; cross entropy after sigmoid for one output, after softmax for more."""

    sizes: tuple[int, ...]
    m: int
    dtype: str = "float32"
    hidden: str = "tanh"
    scale: float = 1.0  # of the pre-activations; at 20 most units saturate
    seed: int = 0

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, m = {self.m:,}, {self.dtype}, {self.hidden}" + (
            f", scale {self.scale:g}" if self.scale != 1 else ""
        )

    @property
    def activations(self) -> tuple[str, ...]:
        return (*(self.hidden for _ in self.sizes[1:-1]), "sigmoid" if self.sizes[-1] == 1 else "softmax")

    @property
    def multiplications(self) -> int:
        """Of one pass over the samples: the entries of all weights, times m."""
        return self.m * sum(n * k for k, n in zip(self.sizes, self.sizes[1:], strict=False))

    def arrays(self) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """The parameters, X (n_0, m) and Y (n_2, m)."""
        generator = np.random.default_rng(self.seed)
        scales = [self.scale / np.sqrt(n) for n in self.sizes[:-1]]
        parameters = manual.random_parameters(self.sizes, scale=scales, seed=self.seed + 1)
        X = generator.standard_normal((self.sizes[0], self.m)).astype(self.dtype)
        classes = max(2, self.sizes[-1])
        labels = generator.integers(0, classes, self.m)
        Y = np.eye(classes, dtype=self.dtype)[:, labels] if self.sizes[-1] > 1 else labels.reshape(1, -1)
        return {name: array.astype(self.dtype) for name, array in parameters.items()}, X, Y.astype(self.dtype)


SMALLEST = Problem((2, 4, 1), 1)

SIZES = (
    ((2, 4, 1), 1),
    ((2, 4, 1), 400),
    ((64, 128, 1), 64),
    ((784, 128, 10), 128),
    ((784, 512, 10), 1024),
    ((256, 1024, 1), 8192),
    ((32, 64, 1), 100_000),
    ((2, 4, 1), 1_000_000),
)


def _grid() -> Iterator[Problem]:
    for dtype in ("float32", "float64"):
        for sizes, m in SIZES:
            yield Problem(sizes, m, dtype)
        for hidden in ("tanh", "sigmoid", "relu", "leaky_relu"):
            yield Problem((64, 128, 1), 1024, dtype, hidden)


GRID = tuple(_grid())
