"""The number that a measured one was when somebody wrote it down: a short decimal, or one divided by a count."""

from __future__ import annotations

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
    roughly = max(roughly, tolerance)
    for divisor in range(1, DIVISORS):
        short = float(f"{measured * divisor:.{DIGITS}g}") / divisor
        if abs(short - measured) <= (roughly if divisor == 1 else tolerance) * abs(measured):
            return short
    return measured
