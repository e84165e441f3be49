"""Medians with their interquartile ranges, and ratios paired by round."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

__all__ = ["Spread", "geometric_mean", "paired_ratio"]


@dataclass(frozen=True)
class Spread:
    low: float  # first quartile
    median: float
    high: float  # third quartile

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))

    def to_dict(self) -> dict[str, float]:
        return {name: float(f"{value:.4g}") for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, float]) -> "Spread":
        return cls(**values)


def paired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """Of two engines, round by round: what slows the machine for a while slows both, and leaves the ratio alone."""
    return Spread.of([a / b for a, b in zip(numerators, denominators, strict=True)])


def geometric_mean(values: Iterable[float]) -> float:
    return statistics.geometric_mean(values)
