"""What a program is driven with: the functions that are called, one run of them, and what a trial found out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gradcompare.interfaces import naming
from gradcompare.interfaces.layouts import Layout


@dataclass
class Steps:
    """The functions that are called: names of methods where the holder is an object, else functions."""

    maker: Any
    """What makes the gradients, or the update."""
    role: str
    """The role of its name: "backward", "fused", "cost", "update"."""
    forward: Any = None
    cost: Any = None
    slope: Any = None
    """The derivative of the cost with respect to the output."""
    cost_alone: Any = None
    """What gives the cost that the maker gives too, and makes no gradients for it."""


@dataclass
class Session:
    """One run over the inputs given."""

    root: Any
    inputs: Mapping[str, Any]
    known: dict[str, Any]
    output: Any = None
    cost: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, Any] = field(default_factory=dict)
    """What was applied, where that does not show the gradients."""
    result: Any = None
    """What the function that makes the gradients returned."""


@dataclass
class Found:
    """What a trial found out."""

    layout: Layout
    sizes: tuple[int, ...] | None
    depth: int
    places: naming.Places
    slots: dict[str, naming.Slot]
    cost_from: str | None
    chain: tuple[str, ...]
    last: list[str]
    """The parameters of the output layer."""
    right: int
    """How many gradients have the shapes of their parameters."""
    enough: bool
    """Whether every parameter has a gradient by its name or shape, and those of all weights have the right shape."""
    lost_cost: str | None = None
    """What the file's own cost function does with several outputs, if it gives no cost there."""
    spread: tuple[str, ...] = ()
    """The parameters whose gradients lack an axis that broadcasting adds."""
    no_numbers: Mapping[str, str] = field(default_factory=dict)
    """What stands in the place of a parameter's gradient and is no array of numbers, in words."""
    heeds_labels: bool = True
    """Whether other labels make other gradients."""

    @property
    def complete(self) -> bool:
        """Whether nothing could be better."""
        return self.enough or self.right == len(self.places) > 0
