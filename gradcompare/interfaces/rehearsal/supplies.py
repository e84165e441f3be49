"""Samples and labels for a program whose own are not there: of shapes that it can do with."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from gradcompare.interfaces import words
from gradcompare.interfaces.sizing import mismatches

ROLES = ("inputs", "targets")
TRIES = 6
"""So often the sizes are tried that a failure asks for."""
MOST_SAMPLES = 1000
"""A file that asks for more gets as few as any other: the number it writes down stands for theirs."""
FEWEST = 4
"""With fewer, all labels may be alike, and a mistake in what is made of them be none."""
MOST_INPUTS = 20000
MOST_WIDTH = 64
"""Of lists no more entries are asked for by how far a file counts."""
OF_EACH = 6
"""So many samples of each class there are, where a file asks for many classes: so that each is in a part of them."""
NEAR = 2
"""So many columns of the samples or of the labels a file may cut off."""


class Sizes(NamedTuple):
    """Of what is made up."""

    samples: int = 17
    inputs: int = 7
    outputs: int = 3
    stand_for_samples: frozenset[int] = frozenset()
    """Numbers that the file writes down for how many samples it has, or for some of them."""
    whole: bool = False
    """Whether a table is of whole numbers."""
    between: str = ""
    """What stands between the numbers in a text; nothing where it is of words."""

    def with_width(self, kind: str, width: int) -> Sizes:
        """`kind`: "inputs" or "outputs"."""
        if kind == "inputs":
            return self._replace(inputs=width)
        enough = self.samples if 3 * width <= self.samples else min(OF_EACH * width, 100)
        return self._replace(outputs=width, samples=enough)

    def for_batches(self, batches: Collection[int]) -> Sizes | None:
        """With as many samples as fill two of the largest batches; None where there are so many."""
        needed = 2 * max(batches, default=0)
        return self._replace(samples=needed) if self.samples < needed <= MOST_SAMPLES else None

    def count(self, number: int) -> int:
        """How many of these samples that number of the file's is."""
        if number not in self.stand_for_samples:
            return number
        return max(1, self.samples * number // max(self.stand_for_samples))


LIES = ("rows", "classes", "column", "vector", "columns", "row")
"""Rows with one-hot labels, with whole numbers, with a column or a vector of zeros and ones; columns with one-hot
labels; rows with labels in one row."""


class Supplies(dict[str, np.ndarray]):
    """{"inputs": X, "targets": Y}, and by its name what a program has asked for."""

    def __init__(self, lie: str = LIES[0], sizes: Sizes | None = None, in_pairs: bool = False) -> None:
        """`in_pairs`: whether data is a list of (sample, label)."""
        self.lie, self.sizes, self.in_pairs = lie, sizes or Sizes(), in_pairs
        self.apart = False
        """Whether what is read as samples has no labels in it."""
        sizes = self.sizes
        generator = np.random.default_rng(0)
        X = generator.standard_normal((sizes.samples, sizes.inputs))
        self.classes = np.arange(sizes.samples) % max(sizes.outputs, 2)
        binary = (np.arange(sizes.samples) % 2).astype(float)
        hot = np.eye(sizes.outputs)[self.classes] if sizes.outputs > 1 else binary[:, None]
        Y = {
            "classes": self.classes,
            "column": binary[:, None],
            "vector": binary,
            "columns": hot.T,
            "row": binary[None],
        }
        super().__init__(inputs=X.T.copy() if lie == "columns" else X, targets=Y.get(lie, hot).copy())
        self.table = self._table(X)

    def _table(self, X: np.ndarray) -> np.ndarray:
        """Samples with their labels, as whole numbers, in the first column or in the last."""
        table = np.column_stack([X, self.classes])
        if self.sizes.whole:
            few = np.round(5 + 3 * X).clip(0) % max(self.sizes.outputs, 2)  # any column may hold the classes
            table = np.column_stack([few, self.classes]).astype(int)
        if self.sizes.inputs > 1:
            table[:, 0] = self.classes
        return table


# ---- what failures ask for -------------------------------------------------------------------------------------------

_RESHAPE = re.compile(r"cannot reshape array of size (\d+) into shape \(([\d,newaxis]+)\)")
_INDEX = re.compile(r"index (\d+) is out of bounds for axis (\d) with size (\d+)")
_NONE_LEFT = re.compile(r"zero-size array|\((\d+,)?0,?\d*\)|division by zero|Mean of empty")
_NO_INDEX = re.compile(r"cannot be interpreted as an integer|must be of integer|only integers, slices")
_TOO_FEW = re.compile(
    r"larger sample than population|Sample larger than population|indexing arrays could not be broadcast"
)
_NO_NUMBER = re.compile(r"could not convert string to float|invalid literal for int")
_BETWEEN = {"": " ", " ": ",", ",": "\t"}
"""What is tried next where what stood in a text was no number."""


def sizes_asked_for(problems: Sequence[BaseException], sizes: Sizes, counts: Sequence[int] = ()) -> Sizes | None:
    """Those with which what failed last would fit; None where no failure says. `counts`: what the file counts to."""
    for problem in reversed(problems):
        asked = _asked(str(problem), sizes, counts)
        if asked is not None and asked != sizes and FEWEST <= asked.samples <= MOST_SAMPLES:
            return asked if asked.inputs <= MOST_INPUTS else None
    return None


def _asked(text: str, sizes: Sizes, counts: Sequence[int]) -> Sizes | None:
    if found := _RESHAPE.search(text):
        shape = [int(n) for n in found[2].split(",") if n.isdigit()]
        return _reshaped(int(found[1]), shape, len(shape) == 1 and "," not in found[2], sizes)
    if found := _INDEX.search(text):
        return _indexed(int(found[1]), int(found[2]), int(found[3]), sizes, counts)
    if "index out of range" in text:
        return _counted(sizes, [n for n in counts if 1 < n <= MOST_WIDTH])
    if _TOO_FEW.search(text):
        return _with_samples(max(100, 2 * sizes.samples), sizes)
    if _NO_NUMBER.search(text):
        return sizes._replace(between=_BETWEEN.get(sizes.between, sizes.between))
    if _NO_INDEX.search(text):
        return sizes._replace(whole=True)
    if _NONE_LEFT.search(text):
        return with_some_left(sizes, counts)
    return _matched(text, sizes)


def _counted(sizes: Sizes, counts: Sequence[int]) -> Sizes | None:
    """With as many inputs, or outputs, as the file counts to: of a list that is too short Python says no more."""
    most = max(counts, default=0)
    if sizes.inputs < most:
        return sizes.with_width("inputs", most)
    return sizes.with_width("outputs", most) if sizes.outputs < most else None


def with_some_left(sizes: Sizes, counts: Sequence[int]) -> Sizes | None:
    """Those of which some are left where a file cuts off as many as it counts: X[:-100]."""
    cut = next((n for n in counts if n >= sizes.samples and n not in sizes.stand_for_samples), None)
    return _standing(sizes, cut, 2 * cut) if cut is not None else None


def _standing(sizes: Sizes, *numbers: int) -> Sizes:
    return sizes._replace(stand_for_samples=sizes.stand_for_samples | set(numbers))


def _matched(text: str, sizes: Sizes) -> Sizes | None:
    """What meets must be as wide."""
    for own, other, product in mismatches(text):
        if sizes.samples in (own, other):
            if max(own, other) > 20 * sizes.samples or not product:
                wanted = other if own == sizes.samples else 0
                if wanted > 1 and wanted not in (sizes.inputs, sizes.outputs, sizes.inputs + 1) and not product:
                    return _with_samples(wanted, sizes)
            continue
        kinds = {"inputs": sizes.inputs, "outputs": sizes.outputs}
        asked = [kind for kind, width in kinds.items() if width == own]
        if asked:
            return sizes.with_width(asked[0 if product else -1], other)
        for kind, width in reversed(kinds.items()):  # of which the file cuts some off, or puts some to them
            if 0 < abs(width - own) <= NEAR and width + other - own > 0 and (product or kind == "outputs"):
                return sizes.with_width(kind, width + other - own)
    return None


def _with_samples(number: int, sizes: Sizes) -> Sizes:
    if number <= MOST_SAMPLES:
        return sizes._replace(samples=number)
    return _standing(sizes, number)


def _reshaped(size: int, shape: Sequence[int], rest: bool, sizes: Sizes) -> Sizes | None:
    """`rest`: whether the shape is that of a sample, of as many as there are."""
    samples, wanted = sizes.samples, int(np.prod(shape))
    if wanted == 0:
        return None
    if len(shape) > 1 and size == samples * int(np.prod(shape[1:])):
        return _with_samples(shape[0], sizes)
    if size == samples and size != sizes.inputs:  # labels
        return _with_samples(wanted, sizes) if 1 in shape or len(shape) == 1 else None
    if size % samples == 0 and size // samples in (sizes.inputs, sizes.inputs + 1, sizes.outputs):
        width = size // samples
        kind = "outputs" if width == sizes.outputs else "inputs"
        if samples in shape:
            return sizes.with_width(kind, wanted // samples)
        if rest or _is_image(shape):
            return sizes.with_width(kind, wanted)
        count = shape[0]
        return _with_samples(count, sizes).with_width(kind, wanted // count)
    if size in (sizes.inputs, sizes.inputs + 1) or rest:
        return sizes._replace(inputs=wanted)
    return sizes._replace(outputs=wanted) if size == sizes.outputs else None


def _is_image(shape: Sequence[int]) -> bool:
    sides = [n for n in shape if n not in (1, 3)]
    return len(shape) > 1 and ((len(sides) == 2 and sides[0] == sides[1]) or len(sides) == 1)


def _indexed(index: int, axis: int, size: int, sizes: Sizes, counts: Sequence[int]) -> Sizes | None:
    if size == sizes.samples:  # it counts to a number that it writes down
        enough = sorted(n for n in counts if n > max(index, sizes.samples) and n not in sizes.stand_for_samples)
        if not enough:
            return _with_samples(index + 1, sizes) if index < MOST_SAMPLES else None
        return _with_samples(enough[0], sizes)
    if index > MOST_SAMPLES:
        return None
    if axis == 0 and index < sizes.outputs:  # np.eye(2)[labels]
        return sizes._replace(outputs=size)
    if size in (sizes.inputs, sizes.inputs + 1):
        return sizes._replace(inputs=index + 1)
    return sizes._replace(outputs=index + 1) if size == sizes.outputs else None


# ---- names -----------------------------------------------------------------------------------------------------------

_OF_A_PART = re.compile(
    r"\d+$|_?(train|test|val|valid|oh|onehot|scaled|norm|set|raw|np|arr|all|orig|full|shuffled|real)(_|$)",
    re.I,
)
_SAMPLES = re.compile(r"(x|feature|point|image|sample|input|data|pixel)s?(_|$|\d)|.*(_x|data|images|features|inputs)$")
_LABELS = re.compile(
    r"(y|label|target|class|output|digit|answer)(s|es)?(_|$|\d)|.*(_y|labels?|targets?|outputs?|onehot|one_hot)$"
)
_WHOLE = re.compile(r"data|^df|frame|table|csv|^(train|test|val|valid|validation|raw)$|^dat$|(train|test)ing(set)?$")


def role(name: str) -> str | None:
    """Whether a name is one of samples or one of labels: "inputs", "targets"."""
    plain = _OF_A_PART.sub("", name.lower())
    whole = _OF_A_PART.sub("", name)
    found = next((role for word in (name, plain, whole) if (role := words.role_of_argument(word)) in ROLES), None)
    if found is not None:
        return found
    return "targets" if _LABELS.match(name.lower()) else "inputs" if _SAMPLES.match(name.lower()) else None


def is_whole(name: str) -> bool:
    """Whether a name is one of samples with their labels: a table of data."""
    return bool(_WHOLE.search(words.plain(name))) and role(_WHOLE.sub("", words.plain(name))) is None
