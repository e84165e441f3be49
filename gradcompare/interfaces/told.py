"""Layers that make their weights when they are told the shape of their inputs, or who applies their gradients:
layer.build(n_inputs), layer.set_input_shape(shape) and layer.initialize(optimizer)."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gradcompare.interfaces import lent, paths, source

_MAKES = re.compile(r"build|set_?up|(init(iali[sz]e)?|create|make|reset)(_?(weights?|params?|parameters|layer))?")
_SHAPE_IS_SET = re.compile(r"set_?input_?(shape|size|dim)")
_STEPS = frozenset({"update", "step", "apply", "update_weights", "get_update", "update_params", "optimize"})
"""What the methods of an optimiser are called by which one gradient is applied."""


def makers(made: type) -> list[str]:
    """The methods of a class that make its weights once it is made."""
    own = (name for name, f in inspect.getmembers(made, inspect.isfunction) if not name.startswith("__"))
    return [name for name in own if _MAKES.fullmatch(name.lower().strip("_"))]


def told(layer: Any, shape: Sequence[int], inputs: Sequence[Any] = ()) -> Any:
    """The layer, which knows that it is given arrays of this shape, the samples first. `inputs`: in which other ways it
    may be told so, the likeliest first."""
    of_one = tuple(shape[1:])
    for name, method in inspect.getmembers(layer, inspect.ismethod):
        if _SHAPE_IS_SET.fullmatch(name.lower()) and len(source.argument_names(method)) == 1:
            _first_that_runs(method, [(of_one,)])
    if vars(layer).get("input_shape", ()) is None:
        layer.input_shape = of_one
    has_arrays = any(paths.is_array(array) for _, array in paths.walk(layer))
    for name in makers(type(layer)):
        method = getattr(layer, name)
        asked = source.argument_names(method)
        if len(asked) == 1 and lent.is_optimiser(asked[0]):
            _first_that_runs(method, [(lent.Descent(_STEPS, in_place=False),)])
        elif len(asked) == 1:
            _first_that_runs(method, [(given,) for given in (*inputs, of_one)])
        elif not asked and not has_arrays:
            _first_that_runs(method, [()])
    return layer


def _first_that_runs(function: Callable[..., Any], given: Iterable[tuple[Any, ...]]) -> None:
    for arguments in given:
        with contextlib.suppress(Exception):
            function(*arguments)
            return
