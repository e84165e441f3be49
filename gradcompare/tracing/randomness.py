"""The random numbers that code under test draws (dropout), the same in every run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np


@contextlib.contextmanager
def same_random_numbers(seed: int = 0) -> Iterator[None]:
    """Random numbers drawn inside are the same in every run; the state outside is left as it was."""
    state = np.random.get_state()  # noqa: NPY002 (the stream that the code under test draws from)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
