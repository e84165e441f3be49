"""Policies: what goes forward is given one observation after another, what goes back the whole episode, in rows.

    policy_forward(x) -> p, h                    # the probability of an action, and what backward will need
    policy_backward(hs, dlogps, xs) -> {"W1": ..., "W2": ...}

The cost of an episode is the likelihood, in logarithms, of the actions that were taken, each times the advantage it had
(R. J. Williams, "Simple statistical gradient-following algorithms", 1992, section 4). Its derivative with respect to
what the probability is made of, y - p times the advantage, is what such a program keeps and hands back. Which argument,
or which global name that the file has yet to bind, takes which of the rows is found by running it: shapes tell.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcompare.interfaces import pairs, paths, sizing, source, values
from gradcompare.interfaces.driven import Driven
from gradcompare.interfaces.holders import set_for_now
from gradcompare.loading.absent import Absent

STEPS = 8
"""Of the episode that is drawn."""
_OBSERVATION = "the observation"
_MOST_KEYS = 5
SAYS = (
    "The cost is taken to be the logarithm of the likelihood of the actions taken, each times its advantage; backward "
    "is given y - p times that, step by step. What an episode is worth is not checked."
)


@dataclass
class Episode:
    """One policy, what it is given, and where."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    model: str
    """The name of the dict of the parameters: an argument of both, or a global name."""
    shapes: dict[str, tuple[int, ...]]
    """Of the parameters, by their keys."""
    observed: int
    """How long an observation is."""
    rows: dict[str, str]
    """By the name of an argument of `backward`, or of a global name that it reads, which of the rows it is."""

    name = "policy"

    def output(self, arrays: dict[str, Any]) -> tuple[Any, Any]:
        """The logarithms of the likelihoods, step by step, and the advantages."""
        likelihood, advantages, _ = self._played(arrays)
        return likelihood, advantages

    def run(self, arrays: dict[str, Any]) -> tuple[Any, Any, tuple[Any, ...]]:
        """The same, and the gradients of the parameters in order."""
        likelihood, advantages, kept = self._played(arrays)
        given = {name: kept[what] for name, what in self.rows.items()}
        arguments = source.argument_names(self.backward)
        elsewhere = {name: rows for name, rows in given.items() if name not in arguments}
        with set_for_now(self.backward.__globals__, elsewhere):
            result = self._call(self.backward, arrays, {n: rows for n, rows in given.items() if n in arguments})
        return likelihood, advantages, tuple(_gradients(result, list(self.shapes)))

    def kept(self, arrays: dict[str, Any]) -> list[str]:
        """What there are rows of."""
        return list(self._played(arrays)[2])

    def _played(self, arrays: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """Of an episode the logarithms of the likelihoods, the advantages, and all that is kept, in rows."""
        nothing = np.sum(next(iter(arrays.values()))) * 0.0  # traced, where the parameters are
        observations = np.random.default_rng(0).standard_normal((STEPS, self.observed)) + nothing
        (argument,) = _observed(self.forward, self.model)
        likelihood, kept = [], dict[str, list[Any]]()
        for step, observation in enumerate(observations):
            parts = self._call(self.forward, arrays, {argument: observation.copy()})
            parts = parts if isinstance(parts, tuple) else (parts,)
            at = next(i for i, part in enumerate(parts) if _is_probability(part))
            p = parts[at]
            taken = step % max(np.size(p), 2)
            y = np.reshape(np.arange(np.size(p)) == taken, np.shape(p)) if np.size(p) > 1 else taken
            likelihood.append(np.sum(y * np.log(p) + ((1 - y) * np.log(1 - p) if np.size(p) == 1 else 0.0)))
            row = {"slopes": (y - p) * _advantage(step), "observations": observation}
            for what, value in (row | {str(i): part for i, part in enumerate(parts) if i != at}).items():
                kept.setdefault(what, []).append(np.reshape(value, -1))
        return (
            np.stack(likelihood),
            np.array([_advantage(i) for i in range(STEPS)]),
            {what: np.stack(each) for what, each in kept.items()},
        )

    def _call(self, function: Any, arrays: dict[str, Any], given: dict[str, Any]) -> Any:
        model = {key: arrays[key] for key in self.shapes}
        if self.model in source.argument_names(function):
            return function(**given, **{self.model: model})
        with set_for_now(function.__globals__, {self.model: model}):
            return function(**given)


def _advantage(step: int) -> float:
    return float(np.cos(step + 1.0))


def _is_probability(part: Any) -> bool:
    """Whether it is a number between 0 and 1, or several that are 1 together."""
    if not paths.is_array(part) and not isinstance(part, float):
        return False
    numbers = np.asarray(values.plain(part))
    between = bool(np.all((numbers > 0) & (numbers < 1)))
    return between and (numbers.size == 1 or abs(float(numbers.sum()) - 1) < 1e-9)


def _gradients(result: Any, keys: Sequence[str]) -> Iterator[Any]:
    if isinstance(result, Mapping):
        yield from (next((result[k] for k in (key, f"d{key}", f"d_{key}") if k in result), None) for key in keys)
    else:
        yield from result if isinstance(result, tuple | list) else (result,)


# ---- finding them ----------------------------------------------------------------------------------------------------


def candidates(functions: Sequence[Callable[..., Any]]) -> Iterator[Driven]:
    """The policy of a file, where it has one that runs."""
    ahead = [f for f in functions if "forward" in f.__name__.lower()]
    back = [f for f in functions if "backward" in f.__name__.lower() or "backprop" in f.__name__.lower()]
    for forward, backward in itertools.product(ahead, back):
        with np.errstate(all="ignore"):
            fitted = (_with_rows(one) for one in _episodes(forward, backward))
            episode = next((one for one in fitted if one is not None), None)
        if episode is not None:
            shelf = pairs.Shelf([episode])
            shelf.says = [SAYS]
            yield pairs.library_of("policy", shelf, [forward, backward])
            return


def _episodes(forward: Any, backward: Any) -> Iterator[Episode]:
    """The policy with shapes of its parameters with which it goes forward, wherever these may be."""
    asked, read = ({*source.argument_names(f), *source.globals_read([f])} for f in (forward, backward))
    for model in sorted(asked & read):
        keys = dict.fromkeys(source.keys_looked_up(forward, model) + source.keys_looked_up(backward, model))
        if not keys or [n for n in source.argument_names(forward) if n != model] != _observed(forward, model):
            continue
        own = forward.__globals__.get(model)
        known = own if isinstance(own, dict) and all(isinstance(own.get(key), np.ndarray) for key in keys) else None
        ranks = [known[key].ndim for key in keys] if known else None
        for told in [ranks] if ranks else itertools.product((2, 1), repeat=min(len(keys), _MOST_KEYS)):
            axes = {key: [True] * rank for key, rank in zip(keys, told, strict=False)}
            with contextlib.suppress(Exception):
                yield _going_forward(Episode(forward, backward, model, {}, 0, {}), axes)


def _observed(forward: Any, model: str) -> list[str]:
    """The one argument of what goes forward that is the observation."""
    return [name for name in source.argument_names(forward) if name != model][:1]


def _going_forward(episode: Episode, axes: Mapping[str, Sequence[bool]]) -> Episode:
    """The policy with shapes with which it goes forward. Raises what it raises where there are none."""

    def sized(shapes: Mapping[str, tuple[int, ...]]) -> Episode:
        keys = {key: shape for key, shape in shapes.items() if key != _OBSERVATION}
        return replace(episode, shapes=keys, observed=shapes[_OBSERVATION][0])

    def run(shapes: dict[str, tuple[int, ...]]) -> None:
        one = sized(shapes)
        one.output(_arrays(one))

    return sized(sizing.shapes_that_run({_OBSERVATION: [True], **axes}, run))


def _with_rows(episode: Episode) -> Episode | None:
    """The policy with every row where most gradients are right, else where they have the shapes of their parameters."""
    backward, model = episode.backward, episode.model
    space, arrays = backward.__globals__, _arrays(episode)
    unbound = [n for n in source.globals_read([backward]) if isinstance(space.get(n), Absent | None) and n != model]
    asked = [n for n in source.argument_names(backward) if n != model] + unbound
    best: tuple[int, Episode] | None = None
    for order in itertools.permutations(episode.kept(arrays), len(asked)):
        one = replace(episode, rows=dict(zip(asked, order, strict=True)))
        right = _right(one, arrays)
        if right is not None and (best is None or right > best[0]):
            best = right, one
    return best[1] if best is not None else None


def _arrays(episode: Episode) -> dict[str, np.ndarray]:
    draws = np.random.default_rng(0)
    return {key: draws.standard_normal(shape) for key, shape in episode.shapes.items()}


def _right(episode: Episode, arrays: Mapping[str, np.ndarray]) -> int | None:
    """How many gradients are right along some way; None where they do not have the shapes of their parameters."""
    try:
        _, advantages, gradients = episode.run({k: array.copy() for k, array in arrays.items()})
    except Exception:
        return None
    if [np.shape(g) for g in gradients] != [array.shape for array in arrays.values()]:
        return None
    right = 0
    for (key, array), gradient in zip(arrays.items(), gradients, strict=True):
        step = 1e-6 * np.cos(np.arange(array.size)).reshape(array.shape)
        ends = [np.sum(episode.output({**arrays, key: array + side * step})[0] * advantages) for side in (1, -1)]
        right += bool(np.isclose(ends[0] - ends[1], 2 * np.sum(gradient * step), rtol=1e-4, atol=0))
    return right
