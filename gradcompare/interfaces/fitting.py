"""How a file wants its arrays: layouts are tried on a small random network, and the first that fits is taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcompare import cases
from gradcompare.interfaces.program import LAYOUTS, CannotCheckError, Layout

if TYPE_CHECKING:
    from gradcompare.interfaces.functions import Functions

TRIAL_SIZES = (3, 5, 7, 2)
"""The widths of the networks on which layouts are tried, n_L last: all different, so that only one layout fits."""
TRIAL_SAMPLES = 4


def fitting_layout(program: Functions, seed: int) -> Layout:
    """The layout under which the program runs and most of its gradients have the shapes of their parameters."""
    best: tuple[int, Layout] | None = None
    failure: BaseException | None = None
    for layout in LAYOUTS:
        try:
            score = _score(program, layout, seed)
        except Exception as error:
            failure = failure or error
            continue
        if best is None or score > best[0]:
            best = score, layout
        if score == len(program.parameters):
            break
    if best is None or best[0] == 0:
        reason = describe(failure) if failure else "it returned nothing that looks like gradients"
        where = f" (line {line_in(failure, program.functions[0].__code__.co_filename)})" if failure else ""
        raise CannotCheckError(
            f"The code does not run on a random network of {len(program.pairs)} layers: {reason}{where}."
        )
    return best[1]


def _score(program: Functions, layout: Layout, seed: int) -> int:
    """How many gradients have their parameter's shape; an exception where the program does not run."""
    program.layout = layout
    outputs = layout.outputs or TRIAL_SIZES[-1]
    sizes = (*TRIAL_SIZES[: len(program.pairs)], outputs)
    network = cases.draw_network(sizes, TRIAL_SAMPLES, seed, labels=layout.kind_of_labels)
    inputs = program.inputs(network)
    with np.errstate(all="ignore"):
        output, _named = program.forward(copies(inputs))
        expected = (TRIAL_SAMPLES, outputs) if layout.rows else (outputs, TRIAL_SAMPLES)
        if np.shape(output) != expected:
            raise ValueError(f"the forward function returned shape {np.shape(output)} where {expected} was expected")
        claims = program.gradients(copies(inputs))
    return sum(np.shape(claims.get(f"d{name}", 0)) == inputs[name].shape for name in program.parameters)


def copies(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs for code that may write into them."""
    return {name: array.copy() for name, array in inputs.items()}


def describe(error: BaseException) -> str:
    """An exception in a line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def line_in(error: BaseException, path: str | Path | None) -> int | str:
    """The last line of the file that the exception passed through."""
    line: int | str = "?"
    trace = error.__traceback__
    while trace is not None:
        if path is not None and trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
