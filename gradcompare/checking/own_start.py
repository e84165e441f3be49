"""The network that a file itself starts from, and what `gradcompare.symptoms` notes of it.

A file's parameters are those of a network of `manual` if both compute the same on random numbers: which is W1, which
way up it is and which activations there are is found by trying. Then the file's own first parameters can be looked at
as `gradcompare health` would look at them, on samples of mean 0 and variance 1. A note says nothing of the gradients.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gradcompare.checking.subject import Subject
from gradcompare.network import Network, draw_network
from gradcompare.symptoms import ACTIVATIONS, OUTPUTS, Note, Patient, health

__all__ = ["noted"]

Arrays = Mapping[str, np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]
SAMPLES = 200
MOST = 1000
"""So many networks are tried at most."""
CLOSE = 1e-6


class Layer(NamedTuple):
    """Which of a file's arrays are a layer's weights and biases."""

    weights: str
    upright: bool
    """Whether a row of the weights is a unit."""
    biases: str | None


def noted(subject: Subject, seed: int) -> list[str]:
    """What is to be noted of the network that the file starts from, a text for each symptom; nothing where the file
    makes no parameters of its own, or is no network of the kind that `manual` is."""
    network = _network(subject.wide, seed)
    inputs = subject.inputs(network)
    own = subject.host.own_start(inputs)
    if own is None or any(array.dtype.kind != "f" for array in [*own["parameters"].values(), own["output"]]):
        return []
    names, is_columns = subject.about["parameters"], subject.about["samples_axis"] == 1
    X, output = (_columns(array, is_columns) for array in (inputs["X"], own["output"]))
    found = _recognised({name: inputs[name] for name in names}, X, output, len(network.sizes) - 1)
    if found is None:
        return []
    layers, activations = found
    start = _arranged(layers, own["parameters"])
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((start["W1"].shape[1], SAMPLES))
    Y, loss = _labels(generator, activations[-1], len(start[f"b{len(layers)}"]))
    try:
        found_out = health(start, X, Y, activations=activations, loss=loss)
    except ValueError:  # the file's own global arrays may fit nothing
        return []
    by_symptom = itertools.groupby(found_out.notes, key=lambda note: note.symptom)
    return [_sentence(found_out.network, list(notes)) for _, notes in by_symptom]


def _sentence(network: str, notes: list[Note]) -> str:
    first = notes[0]
    where = ", ".join(dict.fromkeys(note.where for note in notes))
    return (
        f"At the file's own first parameters ({network} of mean 0 and variance 1), {where}: {first.symptom}. "
        f"{' '.join(note.says for note in notes)} {first.advice} ({first.source})"
    )


def _network(wide: Mapping[str, Any], seed: int) -> Network:
    """A network that the program can take; its widths and its number of samples all differ."""
    outputs = wide["outputs"] if isinstance(wide["outputs"], int) else max(wide["outputs"])
    sizes = [outputs + 2 * k for k in range(wide["layers"], -1, -1)]
    m = wide["samples"][1] if "samples" in wide else sizes[0] + 1
    return draw_network(sizes, m, seed, labels=wide["labels"])


def _columns(array: np.ndarray, is_columns: bool) -> np.ndarray:
    """With samples as columns."""
    if array.ndim < 2:
        return array.reshape(-1, 1)
    return array if is_columns else array.T


def _labels(generator: np.random.Generator, output: str, units: int) -> tuple[np.ndarray, str]:
    """(n_L, m) of the kind that goes with the output, and the loss that does."""
    if output == "softmax":
        return np.eye(units)[:, generator.integers(units, size=SAMPLES)], "cross_entropy"
    if output == "sigmoid":
        return generator.integers(0, 2, (units, SAMPLES)).astype(np.float64), "cross_entropy"
    return generator.standard_normal((units, SAMPLES)), "squared_error"


# ---- which network it is ---------------------------------------------------------------------------------------------


def _recognised(
    parameters: Arrays, X: np.ndarray, output: np.ndarray, depth: int
) -> tuple[tuple[Layer, ...], tuple[str, ...]] | None:
    """Layers and activations with which `manual` computes the same output (n_L, m) of X (n_0, m)."""
    shapes = {name: array.shape for name, array in parameters.items()}
    ways = ((layers, g) for layers in _chains(shapes, len(X), depth) for g in _activations(depth))
    for layers, activations in itertools.islice(ways, MOST):
        patient = Patient(_arranged(layers, parameters), X, None, activations, loss="")
        computed = patient.cache[f"A{depth}"]
        if computed.shape == output.shape and np.allclose(computed, output, rtol=CLOSE, atol=CLOSE):
            return layers, activations
    return None


def _chains(shapes: Shapes, width: int, depth: int) -> Iterator[tuple[Layer, ...]]:
    """The ways to make so many layers of all these arrays, the first of which reads so many numbers."""
    if not depth:
        yield from [] if shapes else [()]
        return
    for weights, shape in shapes.items():
        for upright, units, reads in _ways_up(shape):
            others = _without(shapes, weights)
            fitting = [name for name, other in others.items() if math.prod(other) == units == max(other, default=1)]
            for biases in (*fitting, None) if reads == width else ():
                for more in _chains(_without(others, biases), units, depth - 1):
                    yield (Layer(weights, upright, biases), *more)


def _ways_up(shape: tuple[int, ...]) -> Iterator[tuple[bool, int, int]]:
    """Whether rows are units, how many units there are, how many numbers each reads; of a vector the one row is one."""
    if len(shape) <= 2:
        rows, columns = (1, 1, *shape)[-2:]
        yield True, rows, columns
        yield False, columns, rows


def _without(shapes: Shapes, name: str | None) -> Shapes:
    return {other: shape for other, shape in shapes.items() if other != name}


def _activations(depth: int) -> Iterator[tuple[str, ...]]:
    """One a layer: first the same in all hidden layers."""
    hidden = itertools.product(ACTIVATIONS, repeat=depth - 1)
    for chosen in sorted(hidden, key=lambda names: len(set(names))):
        yield from ((*chosen, output) for output in OUTPUTS)


def _arranged(layers: tuple[Layer, ...], arrays: Arrays) -> dict[str, np.ndarray]:
    """W1 (n_1, n_0), b1 (n_1, 1), ...: a file's parameters as `manual` has them."""
    arranged: dict[str, np.ndarray] = {}
    for number, layer in enumerate(layers, start=1):
        W = np.atleast_2d(arrays[layer.weights]).astype(np.float64)
        W = W if layer.upright else W.T
        b = np.zeros(len(W)) if layer.biases is None else arrays[layer.biases].astype(np.float64)
        arranged |= {f"W{number}": W, f"b{number}": b.reshape(-1, 1)}
    return arranged
