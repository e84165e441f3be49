"""The widths that a file insists on, whatever its networks are asked to have."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcompare.interfaces import chained, naming, paths
from gradcompare.interfaces.drawing import draw
from gradcompare.interfaces.layouts import Layout
from gradcompare.network import Network

if TYPE_CHECKING:
    from gradcompare.interfaces.driven import Driven


def follows(program: Driven, network: Network, layout: Layout) -> bool:
    """Whether the parameters are as wide as they are asked to be where that is another width."""
    sizes = network.sizes
    asked = (*range(len(sizes) + max(sizes), 2 * len(sizes) + max(sizes) - 1), sizes[-1])
    shapes = _shapes_asked_for(program, asked, layout, network.seed) or {}
    return asked in chained.ways([shape for shape in shapes.values() if len(shape) == 2])


def has_its_own_outputs(program: Driven, network: Network, layout: Layout, shapes: Mapping[str, Any]) -> bool:
    """Whether the parameters have the same shapes where another number of outputs is asked for: the file's own number
    is that of the trial."""
    holder, sizes = program.holder, network.sizes
    roles = getattr(getattr(holder, "plan", None), "roles", {}).values()
    if not holder.own_shapes or not any("width" in role for role in roles) or sizes[-1] == 1:
        return False
    return shapes == _shapes_asked_for(program, (*sizes[:-1], len(sizes) + max(sizes)), layout, network.seed)


def has_its_own_inputs(program: Driven, network: Network, layout: Layout, shapes: Mapping[str, Any]) -> bool:
    """Whether the parameters of what is asked for no widths have the same shapes with other inputs: the file's own
    number of these is that of the trial."""
    holder, sizes = program.holder, network.sizes
    if not holder.own_shapes or holder.kind == "flat" or getattr(getattr(holder, "plan", None), "roles", {}):
        return False
    return shapes == _shapes_asked_for(program, (len(sizes) + max(sizes), *sizes[1:]), layout, network.seed)


def _shapes_asked_for(
    program: Driven, sizes: tuple[int, ...], layout: Layout, seed: int
) -> dict[str, tuple[int, ...]] | None:
    """The shapes of the parameters where these widths are asked for; None where none are made."""
    with contextlib.suppress(Exception):
        other = draw(sizes, layout, seed)
        template = program.holder.build(other, layout)
        return shapes_of(template, program.holder.places(template, [layout.X(other), layout.Y(other)]))
    return None


def shapes_of(template: Any, places: naming.Places) -> dict[str, tuple[int, ...]]:
    return {name: np.shape(paths.get(template, where[0])) for name, where in places.items()}


def state_width(shapes: Mapping[str, tuple[int, ...]], words: int) -> int:
    """The width of what goes from one word of a sequence to the next: of a square matrix, else the smallest that is not
    that of words, for gates may lie one under the other."""
    square = [shape[0] for shape in shapes.values() if len(shape) == 2 and shape[0] == shape[1]]
    others = sorted(n for shape in shapes.values() for n in shape if n not in (1, words))
    return [*square, *others, words][0]


def insisted(holder: Any, network: Network, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...] | None:
    """The widths that the file's own shapes insist on; None where they are those asked for."""
    sizes = network.sizes
    weights = [shape for name, shape in shapes.items() if len(shape) == 2 and not re.match(r"b|\w*bias", name, re.I)]
    roles = getattr(getattr(holder, "plan", None), "roles", {"": "all"}).values()
    asked = any(role.startswith(("width", "all", "inner")) for role in roles)
    known = {*sizes, *(n + 1 for n in sizes), 1} if asked else set()
    ways = [way for way in chained.ways(weights) if len(way) == len(sizes)]
    other_ends = ways[0] if ways and sizes not in ways else None
    others = {n for shape in weights for n in shape} - {*sizes, 1}
    if not ways and others and len(weights) >= len(sizes):  # more layers than are asked for: some widths are the file's
        other_ends = next(iter(chained.ways(weights)), None)
    if not ways and other_ends is None and len(weights) == len(sizes):  # what goes in is to come out: an autoencoder
        other_ends = next((way for way in chained.ways(weights) if way[0] == way[-1]), None)
    if not weights or all(n in known for shape in weights for n in shape):
        return other_ends
    of_samples = [i for i, shape in enumerate(weights) if network.m in shape]  # such as an output that is kept
    without = (left for count in (0, 1, 2) for left in itertools.combinations(of_samples, count))
    chains = [[shape for i, shape in enumerate(weights) if i not in left] for left in without]
    chains += [[shape for shape in weights if shape[axis] != 1] for axis in (0, 1)]  # without biases that are matrices
    return next((way for some in chains for way in chained.ways(some)), None)
