"""Whether one array is a multiple of another: a step of a gradient, by whatever rate."""

from __future__ import annotations

import numpy as np


def factor(step: np.ndarray, gradient: np.ndarray, near: float) -> float | None:
    """The number by which a step is a multiple of a gradient, if it is: no entry is further off than `near`, as a part
    of the largest."""
    if step.shape != gradient.shape or not (below := float(np.sum(gradient * gradient))):
        return None
    found = float(np.sum(step * gradient)) / below
    off = np.max(np.abs(step - found * gradient))
    return found if off <= near * abs(found) * np.max(np.abs(gradient)) else None
