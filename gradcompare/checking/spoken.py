"""How a sentence tells apart tensors that share a name: "z of layer 2 (line 51)" for the second z of a loop.

Inside, names that are bound again are numbered, `z#2`, and sums without a name are called by their line, `z(line 51)`.
A reader is told the name that the code has, or z where it has none, the layer, and the line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from gradcompare.diagnosis import Spoken
from gradcompare.interfaces.words import WEIGHT
from gradcompare.judging.evaluation import Evaluation
from gradcompare.picture import Places
from gradcompare.report import place

Cells = Mapping[str, Sequence[int]]
"""Of a notebook, by line, the cell and the line in it."""

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def plain_name(name: str) -> str:
    """The name without what only we have added to it: z of z(line 51)#2."""
    return re.sub(r"\(line \d+\)|#\d+", "", name)


def spoken(evaluation: Evaluation, places: Places, parameters: Collection[str], cells: Cells) -> dict[str, Spoken]:
    """By the name of a value, or of its gradient, of those that share it with others or have none of their own.

    Args:
        evaluation: the forward pass.
        places: where its values were made.
        parameters: the names of its inputs.
        cells: of a notebook, by line, the cell and the line in it.
    """
    values = [name for name in evaluation.order if name in evaluation.values and name in evaluation.numbers]
    layers = {name: _layer(name, evaluation, parameters) for name in values}
    found: dict[str, Spoken] = {}
    for name in values:
        alike = [other for other in values if plain_name(other) == plain_name(name)]
        if len(alike) > 1 or plain_name(name) != name:
            line = places[name][0] if name in places else None
            tells = layers[name] is not None and [layers[other] for other in alike].count(layers[name]) == 1
            which = f"of layer {layers[name]}" if tells else _which(name, alike)
            where = "" if line is None else f" ({place(*_at(line, cells))})"
            found[name] = Spoken(plain_name(name), which + where)
            found[f"d{name}"] = Spoken(f"d{plain_name(name)}", which + where)
    return found


def _at(line: int, cells: Cells) -> tuple[int, int | None]:
    cell, inner = cells.get(str(line), (None, line))
    return inner, cell


def _which(name: str, alike: list[str]) -> str:
    """As what of those of its name it is made."""
    i = alike.index(name)
    return f"made {ORDINALS[i]}" if len(alike) > 1 and i < len(ORDINALS) else "made here"


def _layer(name: str, evaluation: Evaluation, parameters: Collection[str]) -> int | None:
    """How many matrices of weights it was computed from; None where they cannot be told from other parameters."""
    weights = {evaluation.numbers[p]: p for p in parameters if WEIGHT.match(p) and p in evaluation.numbers}
    met: set[int] = set()
    waiting = [evaluation.numbers[name]]
    while waiting:
        number = waiting.pop()
        if number not in met:
            met.add(number)
            waiting += evaluation.run.parents[number]
    return len(met & set(weights)) or None
