"""Nodes of a graph, each on its own: objects that are made of the nodes before them, hold a value, and on the way back
keep the gradient of each node before them by that node, as in Udacity's MiniFlow.

What the attributes are called is read from what the methods do: self.inbound_nodes[0].value, node.gradients[self] of
`for node in self.outbound_nodes`.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from gradcompare.interfaces import source
from gradcompare.tracing.randomness import same_random_numbers

ROWS, IN, OUT = 6, 4, 3
SHAPES: dict[int, tuple[tuple[tuple[int, ...], ...], ...]] = {
    1: (((ROWS, IN),),),
    2: (((ROWS, 1),) * 2, ((ROWS, IN),) * 2, ((ROWS,),) * 2, ((ROWS, IN), (IN, OUT))),
    3: (((ROWS, IN), (IN, OUT), (OUT,)), ((ROWS, IN), (IN, OUT), (1, OUT)), ((ROWS, IN),) * 3),
}
"""By how many nodes one is made of, the shapes of their values to try."""
NEAR = 1e-4
"""How near a gradient must be to central differences to be taken for right."""


class Called(NamedTuple):
    """What the attributes of nodes are called."""

    value: str
    """What a node holds."""
    after: str
    """The nodes that are made of it."""
    gradients: str
    """What it keeps, by the nodes before it, on the way back."""


class Leaf:
    """A node before or after the one that is looked at: of whatever else is asked it has an empty list."""

    def __init__(self, **known: Any) -> None:
        vars(self).update(known)

    def __getattr__(self, name: str) -> list[Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        empty: list[Any] = []
        setattr(self, name, empty)
        return empty


@dataclass
class Node:
    """A node of one class, and what it is given."""

    made: type
    called: Called
    shapes: dict[str, tuple[int, ...]]
    """By the arguments of its constructor, the shapes of what the nodes before it hold."""
    left: list[str] = field(default_factory=list)
    is_bounded = False

    @property
    def name(self) -> str:
        """What its arrays are told apart by."""
        return self.made.__name__

    def output(self, arrays: Mapping[str, Any]) -> tuple[Any, Any]:
        """Its value, and the array that it is multiplied by."""
        with same_random_numbers():
            node, _ = self._ahead(arrays)
        value = getattr(node, self.called.value)
        return value, _slope(value)

    def run(self, arrays: Mapping[str, Any]) -> tuple[Any, Any, tuple[Any, ...]]:
        """The same, and the gradients of the values before it in order."""
        with same_random_numbers():
            node, before = self._ahead(arrays)
            value = getattr(node, self.called.value)
            value = value.copy() if hasattr(value, "copy") else value  # backward may write into it
            slope = _slope(value)
            follows = Leaf()
            setattr(follows, self.called.gradients, {node: slope})
            setattr(node, self.called.after, [follows])
            node.backward()
        kept = getattr(node, self.called.gradients)
        return value, slope, tuple(kept[leaf] for leaf in before)

    def _ahead(self, arrays: Mapping[str, Any]) -> tuple[Any, list[Leaf]]:
        before = [Leaf(**{self.called.value: arrays[name]}) for name in self.shapes]
        node = self.made(*before)
        node.forward()
        return node, before


def _slope(value: Any) -> Any:
    """Fixed numbers in the shape of a value, traced as it is; 1 of a cost."""
    if np.ndim(value) == 0:
        return value * 0.0 + 1.0
    return np.zeros_like(value) + np.cos(np.arange(1.0, np.size(value) + 1)).reshape(np.shape(value))


def found_in(classes: Iterable[type], until: float) -> Iterator[Node]:
    """The nodes of a file, each with the first shapes with which it is right, else with the first that ran; till that
    moment of `time.monotonic`."""
    several = [made for made in classes if _goes_both_ways(made)]
    called = _called(several)
    if called is None:
        return
    for made in several:
        names = source.argument_names(made.__init__)  # type: ignore[misc]
        first: Node | None = None
        for shapes in SHAPES.get(len(names), ()):
            node, is_right = Node(made, called, dict(zip(names, shapes, strict=True))), False
            with contextlib.suppress(Exception), np.errstate(all="ignore"):
                is_right = _is_right(node)
                first = first or node
            if is_right or time.monotonic() > until:
                first = node if is_right else first
                break
        if first is not None:
            yield first


def _goes_both_ways(made: type) -> bool:
    """Whether objects go forward and back without being given anything, and are made of something."""
    methods: list[Any] = [getattr(made, name, None) for name in ("forward", "backward")]
    if not all(inspect.isfunction(method) and source.has_source(method) for method in methods):
        return False
    begin = made.__init__  # type: ignore[misc]
    given = source.argument_names(begin) if inspect.isfunction(begin) else []
    return bool(given) and not any(map(source.argument_names, methods))


def _called(classes: Sequence[type]) -> Called | None:
    """What most of them call what they hold; None where they are no nodes."""
    values, after, gradients = Counter[str](), Counter[str](), Counter[str]()
    for made in classes:
        for node in ast.walk(source.tree(made.forward)):  # type: ignore[attr-defined]
            if isinstance(node, ast.Attribute) and source.is_of_self(getattr(node.value, "value", None)):
                values.update([node.attr] if isinstance(node.value, ast.Subscript) else [])
        for node in ast.walk(source.tree(made.backward)):  # type: ignore[attr-defined]
            if isinstance(node, ast.For) and source.is_of_self(node.iter) and isinstance(node.target, ast.Name):
                read = [n for n in ast.walk(node) if isinstance(n, ast.Subscript) and ast.unparse(n.slice) == "self"]
                kept = [n.value.attr for n in read if isinstance(n.value, ast.Attribute)]
                after.update([node.iter.attr] if kept else [])
                gradients.update(kept)
    if not (values and after and gradients):
        return None
    return Called(*(counts.most_common(1)[0][0] for counts in (values, after, gradients)))


def _is_right(node: Node) -> bool:
    """Whether the gradients are those of central differences along some ways; raises what the node raises."""
    drawn = {n: np.random.default_rng(i).standard_normal(s) for i, (n, s) in enumerate(node.shapes.items())}
    _, slope, gradients = node.run(drawn)
    for place, (name, gradient) in enumerate(zip(node.shapes, gradients, strict=True)):
        if np.shape(gradient) != node.shapes[name]:
            raise ValueError(f"the gradient of {name} has another shape")
        step = 1e-6 * np.random.default_rng(7 + place).standard_normal(node.shapes[name])
        ends = [np.sum(node.output({**drawn, name: drawn[name] + side * step})[0] * slope) for side in (1, -1)]
        if not math.isclose(2 * np.sum(gradient * step), ends[0] - ends[1], rel_tol=NEAR, abs_tol=1e-12):
            return False
    return True
