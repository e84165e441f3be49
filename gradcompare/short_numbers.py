"""The number that a measured one was when somebody wrote it down: a short decimal, or one divided by a count."""

from __future__ import annotations

import numpy as np

DIGITS = 4
"""So many digits a number has that somebody has written down."""
DIVISORS = 1025
"""Rates and strengths may be divided by numbers of samples below this."""


def exactly(measured: float, tolerance: float = 1e-9, roughly: float = 1e-9) -> float:
    """The number that it was, within a tolerance as a part of it; itself where it was none such. A short decimal may be
    as far as `roughly`: there are fewer of them.

    >>> exactly(0.1 / 3 + 1e-13)
    0.03333333333333333
    """
    if not measured or not np.isfinite(measured):
        return measured
    scaled = measured * np.arange(1, DIVISORS)
    unit = 10.0 ** (np.floor(np.log10(np.abs(scaled))) - DIGITS + 1)
    off = np.abs(np.round(scaled / unit) * unit - scaled) / np.abs(scaled)
    near = off <= tolerance
    near[0] |= off[0] <= roughly
    if not near.any():
        return measured
    divisor = int(np.argmax(near)) + 1
    return float(f"{measured * divisor:.{DIGITS}g}") / divisor
