"""How a file wants its arrays: which way up the samples, weights, biases and labels are. One table a question."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from gradcompare.network import Network

RATE = 0.5
"""The learning rate under test; large enough that a parameter that is updated before it is read shows."""
REGULARISATION = 0.7
KEEP = 0.8


class Samples(NamedTuple):
    """Where the samples are."""

    axis: int
    """Of X and of the output, as `gradcompare.losses` counts the samples: a vector without this axis is one sample."""
    one: bool
    """Whether the file takes one sample at a time."""
    arrange: Callable[[np.ndarray], np.ndarray]
    """Of X or Y with samples as columns."""
    label: str = ""
    """Where samples are sequences, their steps as columns: as which of the others their labels are arranged."""

    @property
    def single(self) -> bool:
        """Whether it is one sample, of one step or of several."""
        return self.one or (bool(self.label) and SAMPLES[self.label].one)

    def count(self, columns: int) -> int:
        """How many samples so many columns are."""
        return 1 if self.single else SEQUENCES if self.label else columns


SEQUENCES = 4
"""How many sequences are given at once."""
STEPS = (3, 5)
"""How many steps those have that are drawn, at least and at most."""


def _sequences(columns: np.ndarray) -> np.ndarray:
    """Several sequences, each of as many steps."""
    return columns[:, : columns.shape[1] // SEQUENCES * SEQUENCES].T.reshape(SEQUENCES, -1, columns.shape[0]).copy()


SAMPLES = {
    "columns": Samples(1, False, lambda columns: columns),
    "rows": Samples(0, False, lambda columns: columns.T.copy()),
    "column": Samples(1, True, lambda columns: columns),
    "row": Samples(0, True, lambda columns: columns.T.copy()),
    "vector": Samples(1, True, lambda columns: columns[:, 0].copy()),
    "numbers": Samples(0, False, lambda columns: columns[0].copy()),
    "number": Samples(1, True, lambda columns: np.asarray(columns[0, 0])),
    "rows_and_ones": Samples(0, False, lambda columns: np.insert(columns.T, 0, 1, axis=1)),
    "tokens": Samples(0, False, lambda columns: columns.argmax(axis=0)),
    "word": Samples(1, True, lambda columns: np.asarray(columns[:, 0].argmax())),
    "steps": Samples(1, False, lambda columns: columns.T.copy(), "vector"),
    "steps, label in a column": Samples(1, False, lambda columns: columns.T.copy(), "column"),
    "steps in columns": Samples(1, False, lambda columns: columns.T[:, :, np.newaxis].copy(), "column"),
    "steps in rows": Samples(0, False, lambda columns: columns.T[:, np.newaxis].copy(), "row"),
    "words": Samples(1, False, lambda columns: columns.argmax(axis=0), "vector"),
    "words, label in a column": Samples(1, False, lambda columns: columns.argmax(axis=0), "column"),
    "sequences": Samples(0, False, _sequences, "rows"),
}

OF_WORDS = ("tokens", "word")
"""Samples that are whole numbers, the places of words."""

WEIGHTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "out_in": lambda W: W,
    "in_out": lambda W: W.T.copy(),
    "vector": lambda W: W[0].copy(),
    "scalar": lambda W: W[0, 0].copy().reshape(()),
}

BIASES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "column": lambda b: b,
    "row": lambda b: b.T.copy(),
    "vector": lambda b: b[:, 0].copy(),
    "scalar": lambda b: b[0, 0].copy().reshape(()),
}


class Labels(NamedTuple):
    """What the labels are."""

    kind: str
    """As `gradcompare.cases` calls it."""
    outputs: int | None
    """How many outputs they allow; None for any number."""
    arrange: Callable[[np.ndarray, Samples], np.ndarray]


def _only(Y: np.ndarray, samples: Samples) -> np.ndarray:
    """The label of one sample as a number. Raises ValueError where there may be several."""
    if not samples.one:
        raise ValueError("several samples have several labels")
    return np.asarray(Y[0, 0])


def _listed(label: np.ndarray, samples: Samples) -> np.ndarray:
    """A list of one label. Raises ValueError where there may be several samples."""
    if not samples.one:
        raise ValueError("several samples have several labels")
    return label[np.newaxis]


LABELS = {
    "one_hot": Labels("one_hot", None, lambda Y, samples: samples.arrange(Y)),
    "one_hot_across": Labels("one_hot", None, lambda Y, samples: Y.T.copy() if samples.axis else Y),
    "classes": Labels("classes", None, lambda Y, samples: Y[0] if samples.one else Y),
    "binary": Labels("binary", 1, lambda Y, samples: samples.arrange(Y)),
    "binary_vector": Labels("binary", 1, lambda Y, samples: Y[0].copy()),
    "classes_row": Labels("classes", None, lambda Y, samples: Y.reshape(1, -1)),
    "classes_column": Labels("classes", None, lambda Y, samples: Y.reshape(-1, 1)),
    "binary_number": Labels("binary", 1, lambda Y, samples: _only(Y, samples)),
    "binary_whole": Labels("binary", 1, lambda Y, samples: Y[0].astype(np.int64)),
    "cotangent": Labels("real", None, lambda Y, samples: samples.arrange(Y)),
    "one_hot_listed": Labels("one_hot", None, lambda Y, samples: _listed(samples.arrange(Y), samples)),
    "signs": Labels("binary", 1, lambda Y, samples: samples.arrange(2 * Y - 1)),
}


_LABELS_OF_ONE = {name: row for name, row in LABELS.items() if name != "one_hot_listed"}
"""Those that are tried whatever the code does: no lists of several labels for a sample."""


@dataclass(frozen=True)
class Layout:
    """One answer to every question; the first that fits is taken."""

    samples: str
    weights: str
    bias: str
    labels: str
    outputs: int | None
    folded: bool = False
    """Whether the bias is a row or column of W."""
    activation: str | None = None
    """What an argument that asks for the name of an activation gets."""

    @property
    def strength(self) -> float:
        """That of a regulariser; 0 where backward is given a gradient of the output, whose cost knows of none."""
        return 0.0 if self.labels == "cotangent" else REGULARISATION

    def X(self, network: Network) -> np.ndarray:
        """The samples."""
        return SAMPLES[self.samples].arrange(network.X)

    def Y(self, network: Network) -> np.ndarray:
        """The labels."""
        samples, Y = "rows" if self.samples == "rows_and_ones" else self.samples, network.Y
        if label := SAMPLES[samples].label:  # one for all steps
            Y, samples = Y[..., : SAMPLES[samples].count(network.m)], label
        return np.asarray(LABELS[self.labels].arrange(Y, SAMPLES[samples]))

    def weight(self, network: Network, layer: int) -> np.ndarray:
        """W of a layer, with the bias in it where it is folded."""
        W = network.parameters[f"W{layer}"]
        if self.folded:
            W = np.hstack([network.parameters[f"b{layer}"], W])
        return WEIGHTS[self.weights](W)


def of_all_samples(layout: Layout) -> Layout:
    """The layout of all the samples of which a file takes one vector, or row, after another."""
    if layout.samples not in ("vector", "row"):
        return layout
    labels = "binary_vector" if layout.labels == "binary_number" else layout.labels
    return replace(layout, samples="rows", labels=labels)


_GEOMETRIES = [
    *itertools.product(("columns",), ("out_in",), ("column", "vector")),
    *itertools.product(("rows",), ("in_out",), ("row", "vector")),
    *itertools.product(("rows",), ("out_in",), ("row", "vector", "column")),
    *itertools.product(("columns",), ("in_out",), ("column", "vector")),
]
_ONE_SAMPLE = [
    ("column", "out_in", "column"),
    ("vector", "out_in", "vector"),
    ("vector", "in_out", "vector"),
    ("row", "in_out", "row"),
    ("vector", "out_in", "column"),  # x.shape += (1,)
]


def layouts(
    own_shapes: bool,
    folded: bool,
    constants: tuple[int, ...],
    activation: str | None,
    one_sample: bool,
    several_samples: bool = True,
    words_known: Sequence[int] = (),
    numbers: bool = False,
    in_steps: bool = False,
    listed: bool = False,
) -> Iterator[Layout]:
    """The layouts to try, the likeliest first.

    `own_shapes`: the file's own initialiser or constructor says what shapes its parameters have. `constants`: numbers
    of outputs that the file's source may insist on. `one_sample`: the file's source counts no samples, so that it may
    take one at a time. `several_samples`: whether it may take several. `words_known`: how many different words a
    sequence may have. `numbers`: whether one sample may be a number, and its label another. `in_steps`: whether a
    sample may be a sequence of several steps. `listed`: whether a sample may have a list of labels, of which each is
    the label of an output: the words around a word.
    """
    if listed and one_sample:
        for samples in ("vector", "column"):
            yield Layout(samples, "out_in", "column", "one_hot_listed", None, folded, activation)
    if in_steps and own_shapes and not folded:
        for labels, row in _LABELS_OF_ONE.items():
            for samples in (name for name, kind in SAMPLES.items() if kind.label):
                yield Layout(samples, "out_in", "column", labels, row.outputs, folded, activation)
    if numbers:
        yield Layout("number", "out_in", "column", "binary_number", 1, folded, activation)
    several = [_where_samples(own_shapes, _GEOMETRIES)] if several_samples else []
    if one_sample:
        several.append(_where_samples(own_shapes, _ONE_SAMPLE))
    for geometries in several:
        for labels, row in _LABELS_OF_ONE.items():
            for geometry in geometries:
                yield Layout(*geometry, labels, row.outputs, folded, activation)
            if row.outputs == 1 and not own_shapes:  # one unit: w (n,), b a number
                for samples in (
                    ("rows", "numbers") if geometries is several[0] and several_samples else ("vector", "row")
                ):
                    weights = "scalar" if samples == "numbers" else "vector"  # numbers: a line through points
                    yield Layout(samples, weights, "scalar", labels, 1, folded, activation)
    for outputs in words_known:  # a sequence of whole numbers, each below n_0 = n_L
        yield Layout("tokens", "out_in", "column", "classes", outputs, folded, activation)
        if one_sample:  # one such number, and that of another word
            yield Layout("word", "out_in", "column", "classes", outputs, folded, activation)
    for outputs in constants:
        for labels in ("classes", "one_hot"):
            for geometry in several[0]:
                yield Layout(*geometry, labels, outputs, folded, activation)
    if (own_shapes or folded) and several_samples:
        for labels, row in _LABELS_OF_ONE.items():
            yield Layout("rows_and_ones", "out_in", "column", labels, row.outputs, folded, activation)


def _where_samples(own_shapes: bool, geometries: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    if not own_shapes:
        return geometries
    return [(samples, "out_in", "column") for samples in dict.fromkeys(g[0] for g in geometries)]


def copies(inputs: Any) -> dict[str, Any]:
    """The inputs for code that may write into them."""
    return {name: array.copy() for name, array in inputs.items()}
