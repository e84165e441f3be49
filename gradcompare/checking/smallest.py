"""The smallest network that shows a mistake: Hypothesis shrinks one that does."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import HypothesisException, NoSuchExample

from gradcompare import cases

SECONDS = 2.0
"""How long the search may take; the smallest found by then is shown."""
TRIES = 60
"""How many networks are drawn to begin with."""


def smallest(known: cases.Network, wide: Mapping[str, Any], shows: Callable[[cases.Network], bool]) -> cases.Network:
    """The smallest network found for which `shows` holds; `known` is one.

    `wide` are the keyword arguments of `cases.networks` for the file. The networks tried have any widths, equal ones
    and 1 included, where a mistake may hide: what remains is the least that shows it.
    """
    best, until = known, time.monotonic() + SECONDS
    answers: dict[tuple[Any, ...], bool] = {}

    def asked(network: cases.Network) -> bool:
        nonlocal best
        key = (network.sizes, network.m, network.seed)
        if key not in answers:
            answers[key] = time.monotonic() < until and shows(network)
            if answers[key] and size(network) < size(best):
                best = network
        return answers[key]

    with contextlib.suppress(NoSuchExample, HypothesisException):
        find(_any_size(wide), asked, settings=_SETTINGS)
    return best


_SETTINGS = settings(
    max_examples=TRIES,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def _any_size(wide: Mapping[str, Any]) -> Any:
    options = dict(wide)
    outputs = options.get("outputs")
    if isinstance(outputs, tuple):
        options["outputs"] = (1, outputs[1])
    least, most = options.get("samples", (1, 5))
    if least == 1 or least != most:  # else the file insists on so many
        options["samples"] = (1, 5)
    return cases.networks(**{**options, "units": (1, 5), "distinct": False})


def size(network: cases.Network) -> tuple[int, int, int]:
    """What is called smaller: fewer numbers in all, then fewer samples, then a smaller seed."""
    return sum(network.sizes) + network.m, network.m, network.seed


def snippet(inputs: Mapping[str, np.ndarray]) -> str:
    """The arrays of a network as Python that makes them again."""
    lines = ["import numpy as np"]
    for name, array in inputs.items():
        dtype = "" if array.dtype == np.float64 or array.dtype.kind != "f" else f", dtype=np.{array.dtype.name}"
        lines.append(f"{name} = np.array({array.tolist()!r}{dtype})")
    return "\n".join(lines)
