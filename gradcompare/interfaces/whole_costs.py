"""Whether a file's cost is one of all outputs: `return total[0]` is, with several of them, that of the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gradcompare.interfaces import values
from gradcompare.interfaces.layouts import Layout
from gradcompare.network import Network

_CHANGES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (lambda y: y + 1.3, lambda y: y - 1.3, lambda y: 1 - y)


def ignores_an_output(cost_of: Callable[[np.ndarray], Any], network: Network, layout: Layout) -> bool:
    """Whether there is an output whose labels may be anything, all of them at once, and the cost remains the same.

    `cost_of`: the cost with other labels Y. Only labels that have a row for each output tell.
    """
    if layout.labels != "one_hot" or network.sizes[-1] == 1:
        return False
    before = cost_of(layout.Y(network))
    free = [_is_free(output, before, cost_of, network, layout) for output in range(network.sizes[-1])]
    return any(free) and not all(free)  # where all are, the labels that it sees are others


def _is_free(output: int, before: Any, cost_of: Callable[[np.ndarray], Any], network: Network, layout: Layout) -> bool:
    for change in _CHANGES:
        Y = network.Y.copy()
        Y[output] = change(Y[output])
        if not values.equal(cost_of(layout.Y(replace(network, Y=Y))), before):
            return False
    return True
