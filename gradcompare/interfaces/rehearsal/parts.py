"""Parts of a network that a program takes from a file of its own which is not there: activations with a forward and a
backward, and rules that change parameters."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcompare.loading.absent import AbsentError
from gradcompare.tracing import stood_in

_ACTIVATION = re.compile(
    r"^(sigmoid|relu|leaky_?relu|tanh|identity|linear|softplus)(activator|activation|function|layer)?$", re.I
)
COMPUTES = re.compile(
    r"init|param|weight|forward|back|propag|update|cost|loss|grad|deriv|optimi|activ|predict|train(?!.*(data|set|ing_?(x|im|lab)))|model"
    r"|net|layer|conv|dense|linear|softmax|step",
    re.I,
)
"""Functions of helper files that would compute what is checked: nothing is made up for these."""
_INITIAL = re.compile(r"^initiali[sz]e_?parameters(_?(deep|he|random|xavier))?$", re.I)
_RULE = re.compile(r"^(sgd|adam|adagrad|momentum|nesterov|rmsprop|adadelta|adamw)(optimi[sz]er)?$", re.I)


class Activation:
    """An activation whose backward tells by what it is given, what its forward took or what it returned, which of the
    two habits the file has."""

    def __init__(self, name: str) -> None:
        self._row = stood_in.row(name)
        self._slope = stood_in.row(f"{name}_derivative")
        self._seen: list[tuple[Any, Any]] = []

    def forward(self, z: Any) -> Any:
        """g(z)."""
        a = self._row.alone(z)  # type: ignore[union-attr]
        self._seen = [*self._seen[-20:], (z, a)]
        return a

    __call__ = forward

    def backward(self, given: Any) -> Any:
        """g'(z), from z or from g(z)."""
        for z, a in reversed(self._seen):
            if given is a or given is z:
                row = self._slope
                if row is None:
                    break
                return (row.of_a if given is a and row.of_a is not None else row).alone(given)
        raise AbsentError("backward of an activation that was not found is given another array than it has seen")

    derivative = gradient = prime = backward


class Rule:
    """A step against the gradient, whatever its name: only the gradients are checked."""

    def __init__(self, *args: Any, **options: Any) -> None:
        rates = [x for x in (*args, *options.values()) if isinstance(x, float)]
        self.lr = self.learning_rate = rates[0] if rates else 0.01

    def update(self, parameters: Any, gradients: Any) -> None:
        """In the place of the parameters, by their keys."""
        keys = parameters.keys() if isinstance(parameters, dict) else range(len(parameters))
        for key in keys:
            parameters[key] -= self.lr * gradients[key]

    step = update


def initial(sizes: Any, *more: Any, **_: Any) -> dict[str, np.ndarray]:
    """{"W1": W1, "b1": b1, ...} for layers of these widths, of which columns are samples."""
    widths = [int(n) for n in (sizes if isinstance(sizes, list | tuple) else (sizes, *more))]
    generator, found = np.random.default_rng(3), {}
    for layer, (into, out) in enumerate(itertools.pairwise(widths), start=1):
        found[f"W{layer}"] = generator.standard_normal((out, into)) / np.sqrt(into)
        found[f"b{layer}"] = np.zeros((out, 1))
    return found


def part(name: str) -> Callable[..., Any] | None:
    """What makes a part of this name."""
    if found := _ACTIVATION.match(name):
        word = "identity" if found[1].lower() == "linear" else found[1]
        if found[2] and stood_in.row(word) is not None:
            return lambda *_, **__: Activation(word)
    if _INITIAL.match(name):
        return initial
    return Rule if _RULE.match(name) else None
