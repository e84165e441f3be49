"""The random numbers that code under test draws (dropout), the same in every run."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

_OWN: dict[int, np.random.Generator | np.random.RandomState] = {}
"""The generators that code under test has made outside of its functions."""


def note_generators(values: Iterable[Any]) -> None:
    """From now on what these generators draw is the same in every run too."""
    _OWN.update({id(g): g for g in values if isinstance(g, np.random.Generator | np.random.RandomState)})


@contextlib.contextmanager
def same_random_numbers(seed: int = 0) -> Iterator[None]:
    """Random numbers drawn inside are the same in every run, also those of generators that are made there without a
    seed; the state outside is left as it was."""
    before, unseeded = state(), np.random.default_rng
    np.random.seed(seed)  # noqa: NPY002 (the stream that the code under test draws from)
    random.seed(seed)
    for own in _OWN.values():
        _put(own, _seeded(own, seed))

    def default_rng(given: Any = None) -> np.random.Generator:
        return unseeded(np.random.randint(2**31) if given is None else given)  # noqa: NPY002

    np.random.default_rng = default_rng  # type: ignore[assignment]
    try:
        yield
    finally:
        np.random.default_rng = unseeded
        set_state(before)


class State(NamedTuple):
    """Where all streams are."""

    of_numpy: Any
    of_python: Any
    own: dict[int, Any]


def state() -> State:
    """Where all streams are now."""
    of_numpy = np.random.get_state()  # noqa: NPY002
    return State(of_numpy, random.getstate(), {key: _got(own) for key, own in _OWN.items()})


def set_state(to: State) -> None:
    """Go on from there."""
    np.random.set_state(to.of_numpy)  # noqa: NPY002
    random.setstate(to.of_python)
    for key, own in to.own.items():
        _put(_OWN[key], own)


def _got(own: np.random.Generator | np.random.RandomState) -> Any:
    return own.bit_generator.state if isinstance(own, np.random.Generator) else own.get_state()


def _seeded(own: np.random.Generator | np.random.RandomState, seed: int) -> Any:
    """The state of another one of the same kind."""
    if isinstance(own, np.random.Generator):
        return type(own.bit_generator)(seed).state
    return np.random.RandomState(seed).get_state()


def _put(own: np.random.Generator | np.random.RandomState, state: Any) -> None:
    if isinstance(own, np.random.Generator):
        own.bit_generator.state = state
    else:
        own.set_state(state)
