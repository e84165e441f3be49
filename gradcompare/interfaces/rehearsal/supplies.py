"""Samples and labels for a program whose own are not there: of shapes that it can do with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gradcompare.interfaces import words

ROLES = ("inputs", "targets")
SAMPLES = 13
TRIES = 4
"""So often the widths are tried that a failure asks for."""


NEAR = 2
"""So many columns of the labels a file may cut off."""


class Widths(NamedTuple):
    """Of samples and of labels."""

    inputs: int
    outputs: int


WIDTHS = Widths(7, 3)
LIES = ("rows", "classes", "column", "vector", "columns")
"""Rows with one-hot labels, with whole numbers, with a column or a vector of zeros and ones; columns with one-hot
labels."""


def data(lie: str, widths: Widths) -> dict[str, np.ndarray]:
    """{"inputs": X, "targets": Y}, of 13 samples."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((SAMPLES, widths.inputs))
    classes = np.arange(SAMPLES) % widths.outputs
    hot, binary = np.eye(widths.outputs)[classes], (np.arange(SAMPLES) % 2).astype(float)
    Y = {"classes": classes, "column": binary[:, None], "vector": binary, "columns": hot.T}.get(lie, hot)
    return {"inputs": X.T.copy() if lie == "columns" else X, "targets": Y.copy()}


_PRODUCT = re.compile(r"(\d+) \(dim \d\) != (\d+) \(dim \d\)|size (\d+) is different from (\d+)")
_SHAPES = re.compile(r"shapes? \(([\d,]+)\) (?:\(([\d,]+)\)|doesn't match the broadcast shape \(([\d,]+)\))")


def widths_asked_for(problems: Sequence[BaseException], widths: Widths) -> Widths | None:
    """Those with which what failed last would fit; None where no failure says."""
    for problem in reversed(problems):
        for own, other, product in _mismatches(str(problem)):
            asked = [kind for kind, width in widths._asdict().items() if width == own != other != SAMPLES]
            if asked:
                return widths._replace(**{asked[0 if product else -1]: other})
            if not product and 0 < widths.outputs - own <= NEAR and other != SAMPLES:  # of which the file cuts some off
                return widths._replace(outputs=widths.outputs + other - own)
    return None


def _mismatches(text: str) -> Iterator[tuple[int, int, bool]]:
    """(one number, what it should be, whether of a product)."""
    for found in _PRODUCT.finditer(text):
        one, other = (int(number) for number in found.groups() if number)
        yield from ((one, other, True), (other, one, True))
    for found in _SHAPES.finditer(text):
        shapes = [[int(n) for n in shape.split(",") if n] for shape in found.groups() if shape]
        for a, b in zip(shapes[0][::-1], shapes[-1][::-1], strict=False):
            if a != b:
                yield from ((a, b, False), (b, a, False))


_OF_A_PART = re.compile(
    r"\d+$|_?(train|test|val|valid|oh|onehot|scaled|norm|set|raw|np|arr|all|orig|full|shuffled|real)(_|$)"
)
_SAMPLES = re.compile(r"(x|feature|point|image|sample|input|data|pixel)s?(_|$|\d)|.*(_x|data|images|features|inputs)$")
_LABELS = re.compile(
    r"(y|label|target|class|output|digit|answer)(s|es)?(_|$|\d)|.*(_y|labels?|targets?|outputs?|onehot|one_hot)$"
)


def role(name: str) -> str | None:
    """Whether a name is one of samples or one of labels: "inputs", "targets"."""
    plain = _OF_A_PART.sub("", name.lower())
    found = words.role_of_argument(name) or words.role_of_argument(plain)
    if found in ROLES:
        return found
    return "targets" if _LABELS.match(name.lower()) else "inputs" if _SAMPLES.match(name.lower()) else None
