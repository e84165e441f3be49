"""Random networks on which mistakes show, as Hypothesis strategies for anyone's tests.

A mistake hides where two widths are equal (a transpose passes), where there is one sample (1/m is 1) or one output
unit (a sum over units changes nothing), where biases are zero, or where all pre-activations have one sign (a lost
ReLU mask changes nothing). So, unless asked otherwise, all widths and m differ, there are at least two samples and
two outputs, biases are not zero, Z1 has both signs and no exact zero, and the largest class is among the labels.

    >>> from hypothesis import given
    >>> from gradcompare import assert_gradients, cases
    >>> @given(cases.networks())
    ... def test_my_gradients(network):
    ...     assert_gradients(my_reference, my_subject, network.inputs)

Hypothesis draws what shrinks, the sizes, and a seed from which the numbers come: a failure shrinks to the smallest
network that shows it. Pre-activations are of moderate size, about 1, where rounding decides least.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import strategies as st

from gradcompare.network import LABELS, OUTPUTS, SAMPLES, UNITS, Network, draw_network

__all__ = ["LABELS", "Network", "draw_network", "networks"]

_SEEDS = st.integers(0, 2**32 - 1)


@cache
def _widths(least: int, most: int, taken: tuple[int, ...]) -> st.SearchStrategy[int]:
    """A width between the two that is not taken. Made once: a strategy is looked into before it is first drawn from."""
    return st.integers(least, most).filter(lambda n: n not in taken)


@cache
def _all_widths(
    count: int, least: int, most: int, taken: tuple[int, ...], distinct: bool
) -> st.SearchStrategy[list[int]]:
    """So many widths."""
    return st.lists(_widths(least, most, taken), min_size=count, max_size=count, unique=distinct)


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    layers: int | tuple[int, int] = 2,
    outputs: int | tuple[int, int] = OUTPUTS,
    samples: tuple[int, int] = SAMPLES,
    units: tuple[int, int] = UNITS,
    labels: str = "binary",
    distinct: bool = True,
    scale: float = 1.0,
    dtype: object = np.float64,
) -> Network:
    """A strategy for `Network`.

    Args:
        layers: how many layers with weights, or the least and the most.
        outputs: n_L, or the least and the most.
        samples: the least and the most m.
        units: the least and the most inputs and hidden units.
        labels: one of `LABELS`.
        distinct: whether all widths and m differ from one another.
        scale: the size of the pre-activations, roughly.
        dtype: float32 or float64.

    Raises ValueError where the ranges leave nothing to draw.
    """
    count = draw(st.integers(*layers)) if isinstance(layers, tuple) else layers
    m = draw(st.integers(*samples))
    n_L = draw(_widths(*outputs, (m,) if distinct else ())) if isinstance(outputs, tuple) else outputs
    inner = draw(_all_widths(count, *units, (m, n_L) if distinct else (), distinct))
    seed = draw(_SEEDS)
    return draw_network((*inner, n_L), m, seed, labels=labels, scale=scale).astype(dtype)
