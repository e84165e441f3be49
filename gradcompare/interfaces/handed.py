"""Objects whose constructor is handed what holds their parameters: the arrays, or one layer after another."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from gradcompare.interfaces import words
from gradcompare.interfaces.holders import Instance
from gradcompare.interfaces.layouts import BIASES, Layout
from gradcompare.interfaces.plans import Plan, other_role, plans, plans_of_widths
from gradcompare.network import Network


class HandedArrays(Instance):
    """An object made of arrays, whose shapes it does not say."""

    own_shapes = False


class ArraysPlan(Plan):
    """Hands a constructor the weights and biases of a network: Net(w1, b1, w2, b2)."""

    def __init__(self, pairs: list[tuple[str, str]], others: dict[str, str]) -> None:
        super().__init__(dict.fromkeys((name for pair in pairs for name in pair if name), "all"), (len(pairs),))
        self.pairs, self.others = pairs, Plan(others, self.depths)

    def call(self, function: Any, network: Network, layout: Layout) -> Any:
        """The object, of arrays in this layout."""
        arrays: dict[str, Any] = {}
        for layer, (weight, bias) in enumerate(self.pairs, start=1):
            arrays[weight] = layout.weight(network, layer)
            if bias:
                arrays[bias] = BIASES[layout.bias](network.parameters[f"b{layer}"])
        return self.others.call(lambda **others: function(**arrays, **others), network, layout)


class LayersPlan(Plan):
    """Hands a constructor an object for each layer: Net(layer1, layer2), each Layer(inputs, units) or the other way."""

    def __init__(self, names: Sequence[str], layer: type, plan: Plan, flipped: bool, others: dict[str, str]) -> None:
        super().__init__(plan.roles, (len(names),))
        self.names, self.layer, self.plan, self.flipped = names, layer, plan, flipped
        self.others = Plan(others, self.depths)

    def call(self, function: Any, network: Network, layout: Layout) -> Any:
        """The object, of layers of this network's widths."""
        widths = [pair[::-1] if self.flipped else pair for pair in itertools.pairwise(network.sizes)]
        ends: list[Any] = [SimpleNamespace(sizes=pair, m=network.m) for pair in widths]
        layers = {n: self.plan.call(self.layer, end, layout) for n, end in zip(self.names, ends, strict=True)}
        return self.others.call(lambda **others: function(**layers, **others), network, layout)


def holders_of(made: type, classes: Sequence[type]) -> Iterator[Instance]:
    """The ways in which a class may be handed its parameters, layers first."""
    parameters = inspect.signature(made).parameters.values()
    required = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    others = {name: role for name in required if (role := other_role(name))}
    widths = tuple(n for n in required if n not in others and words.role_of_size(n) is not None)
    others |= next((roles for roles, _ in plans_of_widths(widths)), {})  # beside arrays, which have these widths
    unknown = [n for n in required if n not in others and n not in widths]
    if not unknown or len(unknown) + len(others) < len(required):
        return
    for layer in (c for c in classes if c is not made and len(unknown) > 1):
        plan = next((p for p in plans(layer) if sum(role.startswith("width") for role in p.roles.values()) == 2), None)
        if plan is not None:
            yield from (Instance(made, LayersPlan(unknown, layer, plan, flip, others)) for flip in (False, True))
    pairs = words.parameter_pairs(unknown)
    if len([name for pair in pairs for name in pair if name]) < len(unknown):
        pairs = [(name, "") for name in unknown] if len(unknown) > 1 else []
    if pairs:
        yield HandedArrays(made, ArraysPlan(pairs, others))
