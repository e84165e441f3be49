"""What is drawn for a layout: the network on which it is tried, and numbers for parameters of a file's shapes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradcompare.interfaces.layouts import LABELS, OF_WORDS, SAMPLES, SEQUENCES, Layout
from gradcompare.network import Network, draw_network

TRIAL_SAMPLES = 4


def draw(sizes: tuple[int, ...], layout: Layout, seed: int, ones: bool = False, fewest: int = 0) -> Network:
    """The network on which a layout is tried; it has another number of samples than units in any layer, also where one
    that is always 1 is counted: in deep ones, and with `ones`. `fewest`: so many samples there are at least."""
    taken = {*sizes, *((n + 1 for n in sizes) if len(sizes) > 3 or ones else ())}
    samples = (
        1
        if SAMPLES[layout.samples].one
        else next(n for n in itertools.count(max(TRIAL_SAMPLES, fewest)) if n not in taken)
    )
    if layout.samples == "sequences":
        samples = SEQUENCES * next(n for n in itertools.count(TRIAL_SAMPLES + 1) if n not in taken)
    return draw_network(sizes, samples, seed, labels=kind_of(layout))


def with_every_class(network: Network) -> Network:
    """The network with each class among its labels, where there are samples enough."""
    classes = network.Y.argmax(axis=0) if network.labels == "one_hot" else network.Y.copy()
    if network.labels not in ("one_hot", "classes") or network.m < network.sizes[-1]:
        return network
    where = np.random.default_rng(network.seed).permutation(network.m)
    classes[where[: network.sizes[-1]]] = np.arange(network.sizes[-1])
    hot = np.eye(network.sizes[-1], dtype=network.X.dtype)[:, classes]
    return replace(network, Y=classes if network.labels == "classes" else hot)


def kind_of(layout: Layout) -> str:
    """What `cases` calls a layout's labels."""
    return LABELS[layout.labels].kind


def numbers(network: Network, layout: Layout, templates: Mapping[str, Any]) -> dict[str, Any]:
    """Values for the parameters: the network's own where a shape is one of its, else drawn from its seed."""
    generator = np.random.default_rng(network.seed)
    dtype = network.X.dtype
    left = dict(network.parameters)
    arrays: dict[str, Any] = {}
    for name, template in templates.items():
        shape = np.shape(template)
        if not layout.folded:
            fit_ = next(
                (k for k, a in left.items() if shape in (a.shape, a.T.shape) or (k[0] == "b" and shape == a.shape[:1])),
                None,
            )
        else:
            fit_ = None
        if fit_ is not None:
            own = left.pop(fit_)
            arrays[name] = (
                own.copy() if own.shape == shape else own.T.copy() if own.T.shape == shape else own[:, 0].copy()
            )
        else:
            fan = max(shape) if len(shape) > 1 else 4
            size = 1 / np.sqrt(fan)
            if layout.samples in OF_WORDS or SAMPLES[layout.samples].label:
                # bounds are multiplied by the sum of a row's sizes, over and over
                size = 1 / fan
            arrays[name] = np.asarray(generator.standard_normal(shape) * size).astype(dtype)
    return arrays
