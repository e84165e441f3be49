"""What is known of a step: what every formula is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gradcompare.diagnosis.activations import Applied, seen_activations
from gradcompare.diagnosis.forms import CROSS_ENTROPY, LEAF, OUTER, PRODUCT, RESIDUAL, SUM, Form
from gradcompare.diagnosis.step import Case


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Known:
    """What is known of a step on several networks: its cases, and the right formula where one was found."""

    cases: Sequence[Case]
    form: Form
    wrap: Callable[[str], str] = field(default=_as_it_is)
    """Puts the formula in the place of a gradient that the code never had in a variable."""

    @property
    def first(self) -> Case:
        """The step on the first network."""
        return self.cases[0]

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that could stand in another's place, on the first network."""
        return self.first.values | self.first.gradients

    @cached_property
    def claims(self) -> list[np.ndarray]:
        """The code's numbers on every network."""
        return [case.claim for case in self.cases]

    def text(self, form: Form) -> str:
        """A form of this step as the whole formula."""
        return self.wrap(form.text())

    @cached_property
    def sloped(self) -> list[Applied]:
        """The activations between tensors of the step's shape."""
        return seen_activations(self.cases, self.first.right.shape)


Formulas = Iterator[tuple[str, dict[str, str]]]
"""Formulas, each with the words for its row's sentence."""


PLACES = {
    PRODUCT: (0, 1),
    OUTER: (0, 1),
    LEAF: (0,),
    SUM: (0,),
    RESIDUAL: (0, 1),
    **dict.fromkeys(CROSS_ENTROPY, (0, 1)),
}
"""Which of a base's operands are arrays."""


def places(form: Form) -> Iterator[tuple[int, str]]:
    """The operands that are arrays, without their transposes."""
    for i in PLACES.get(form.base, (0, 1)):
        yield i, form.operands[i].removesuffix(".T")
