"""What every interface makes of a file: a program that can be fed a network, run forward, and asked for its
gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcompare.cases import Network

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """How the file lays out its arrays; the first that fits is taken."""

    rows: bool
    """Rows are samples: X (m, n_0), W_l (n_{l-1}, n_l); else columns, as in the notes."""
    bias: str
    """"matrix": (n_l, 1) or (1, n_l); "vector": (n_l,)."""
    labels: str
    """"one_hot" and "binary" like the output, "classes" (m,), "vector" (m,) of zeros and ones."""
    outputs: int | None
    """How many outputs the file can have; None for any number."""

    def arrange(self, network: Network, pairs: list[tuple[str, str]]) -> Arrays:
        """The network's arrays in this layout, under the file's own names for the parameters, X and Y."""
        arrays: Arrays = {}
        for layer, (weight, bias) in enumerate(pairs, start=1):
            W, b = network.parameters[f"W{layer}"], network.parameters[f"b{layer}"]
            arrays[weight] = W.T.copy() if self.rows else W
            arrays[bias] = b[:, 0].copy() if self.bias == "vector" else b.T.copy() if self.rows else b
        arrays["X"] = network.X.T.copy() if self.rows else network.X
        if self.labels == "classes":
            arrays["Y"] = network.Y
        elif self.labels == "vector":
            arrays["Y"] = network.Y[0].copy()
        else:
            arrays["Y"] = network.Y.T.copy() if self.rows else network.Y
        return arrays

    @property
    def kind_of_labels(self) -> str:
        """What `cases` calls these labels."""
        return "binary" if self.labels == "vector" else self.labels


LAYOUTS = [
    Layout(rows, bias, labels, outputs)
    for labels, outputs in (("one_hot", None), ("classes", None), ("binary", 1), ("vector", 1))
    for rows, bias in ((False, "matrix"), (True, "matrix"), (True, "vector"), (False, "vector"))
]


class CannotCheckError(Exception):
    """The question could not be put; the message says why, and what to do."""


class Program(ABC):
    """A file's forward pass, its cost if it has one, and its gradients, behind one face for all interfaces.

    `fit` is called once and settles how the file wants its arrays; then `inputs` gives the arrays that stand for a
    network, and the other methods take them, as NumPy arrays or as traced ones. Nothing is kept between calls: each
    starts from the inputs given, so that a state that the code under test leaves behind cannot reach the next call.
    """

    interface: str
    """Its name in INTERFACES."""
    functions: list[Callable[..., Any]]
    """The functions or methods of the file that are called: forward, backward, cost."""
    parameters: list[str]
    """The names of the parameters, by layer, as the file has them: ["W1", "b1", "W2", "b2"]."""
    last_layer: list[str]
    """Those of the output layer, by which an assumed cost is chosen."""
    has_cost: bool
    """Whether the file has a cost of its own."""
    samples_axis: int
    """1 where columns are samples, 0 where rows are."""
    notes: list[str]
    """What a reader of the report should know of how the file was understood."""

    @abstractmethod
    def fit(self, seed: int) -> None:
        """Settle layout, labels and number of outputs by running the file on a small random network.

        Raises CannotCheckError, in words and with the line, where it runs in no layout.
        """

    @abstractmethod
    def networks(self) -> dict[str, Any]:
        """The keyword arguments of `cases.networks` for networks that the file can take: layers, outputs, labels."""

    @abstractmethod
    def inputs(self, network: Network) -> Arrays:
        """The arrays that stand for a network: each parameter under the file's own name, "X" and "Y"."""

    @abstractmethod
    def forward(self, inputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The network's output, and every named value on the way to it that the file returns or stores."""

    @abstractmethod
    def cost(self, inputs: Mapping[str, Any], output: Any) -> Any:
        """The file's own cost, where it has one."""

    @abstractmethod
    def gradients(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What the file says the gradients are, {"dW1": ..., ...}, after its own forward pass.

        "d" and the name of a parameter for its gradient; other gradients that the file returns or stores ("dZ2",
        "dA1") under "d" and the name of the value that they are the gradient of.
        """


def arrays_in(tree: Any) -> Iterator[tuple[str, Any]]:
    """(name, array) of everything named in nested dicts."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            if isinstance(value, Mapping):
                yield from arrays_in(value)
            elif is_array(value):
                yield str(name), value


def is_array(value: Any) -> bool:
    """An array of real numbers, of NumPy or traced; or a bare number."""
    return hasattr(value, "shape") or (isinstance(value, int | float | np.generic) and not isinstance(value, bool))
