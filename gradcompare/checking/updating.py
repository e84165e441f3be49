"""Update rules: what a file applies, or hands out, may be made of its gradients and be something else.

A momentum, Adam, a limit on entries or on the length, weight decay: where the file's own variables hold the gradients,
and what it applies follows from them by such a rule, the variables are what is checked. No rule excuses a factor that
changes from network to network, or that only some of the parameters have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gradcompare.checking.sightings import settled
from gradcompare.checking.subject import Beside, Subject
from gradcompare.network import Network

NEARLY = 1e-6
"""How near numbers must be to what they are taken for, as a part of the largest entry."""

Key = tuple[str, int, str, int]
Seen = Mapping[str, Beside]


class Update(NamedTuple):
    """Where the gradients are, and what is made of them."""

    variables: dict[str, tuple[Key, int]]
    """By the name of a parameter the key, among what is settled, of what holds its gradient, and its sign."""
    says: str


def update_rule(subject: Subject, networks: Sequence[Network], constant: float = 1.0) -> Update | None:
    """The rule by which what is applied is made of gradients that variables hold, or of a constant times them; None
    where there is none, or where what is applied are the gradients themselves."""
    beside = [_times(constant, subject.beside(network)) for network in networks]
    if not all(beside) or all(_is_gradient(one) for found in beside for one in found.values()):
        return None
    says = next((says for rule, says in RULES if rule(beside, bool(subject.about["only_updates"]))), None)
    if says is None:
        return None
    holders = [_holding(subject, network, found) for network, found in zip(networks, beside, strict=True)]
    common = {name: [key for key in holders[0][name] if all(key in h[name] for h in holders)] for name in beside[0]}
    bent = [name for name in common if not all(_is_gradient(found[name]) for found in beside)]
    if not all(common[name] for name in bent):
        return None
    return Update({name: keys[0] for name, keys in common.items() if keys}, says)


def _times(constant: float, found: Seen) -> Seen:
    """The same, of a multiple of the cost."""
    return {
        name: Beside(one.parameter, one.more + (1 - constant) * one.gradient, constant * one.gradient)
        for name, one in found.items()
    }


def _holding(subject: Subject, network: Network, found: Seen) -> dict[str, list[tuple[Key, int]]]:
    """The variables that hold each gradient, with their signs."""
    sightings = settled(subject.sightings(network))

    def holding(one: Beside) -> list[tuple[Key, int]]:
        return [
            (key, sign)
            for key, s in sightings.items()
            if s.value.size == one.gradient.size and s.value.shape == one.gradient.shape[-s.value.ndim :]
            for sign in (1, -1)
            if _near(sign * s.value.reshape(one.gradient.shape), one.gradient)
        ]

    return {name: holding(one) for name, one in found.items()}


def _near(array: np.ndarray, other: np.ndarray) -> bool:
    size = float(np.max(np.abs(other), initial=0.0))
    return bool(np.max(np.abs(array - other), initial=0.0) <= NEARLY * size)


def _is_gradient(one: Beside) -> bool:
    return _near(one.gradient + one.more, one.gradient)


# ---- rules -----------------------------------------------------------------------------------------------------------


def _is_a_rate(networks: Sequence[Seen], only_updates: bool) -> bool:
    """One and the same positive multiple of all gradients of all networks: a rate, or 1 - beta."""
    factors = [_factor(one) for found in networks for one in found.values() if np.any(one.gradient)]
    first = factors[0] if factors else None
    return only_updates and first is not None and all(f is not None and _alike(f, first) for f in factors)


def _keeps_signs(networks: Sequence[Seen], only_updates: bool) -> bool:
    """Of each entry's own sign, and of no parameter a multiple: what bends the updates of some alone is a mistake."""
    every = [one for found in networks for one in found.values()]
    several = [one for one in every if one.gradient.size > 1 and np.any(one.gradient)]
    bent = bool(several) and all(_factor(one) is None for one in several)
    return only_updates and bent and all(_same_signs(one) for one in every)


def _decays(networks: Sequence[Seen], only_updates: bool) -> bool:
    """The gradients, and of some parameters a small positive multiple of the parameter, the same on all networks."""
    more = [_decay(one) for found in networks for one in found.values()]
    decays = [c for c in more if c]
    return only_updates and None not in more and bool(decays) and all(c > 0 and _alike(c, decays[0]) for c in decays)


def _is_limited(networks: Sequence[Seen], _only_updates: bool) -> bool:
    """Cut off at one and the same number, above and below."""
    limits = [
        float(np.max(np.abs(one.gradient + one.more)))
        for found in networks
        for one in found.values()
        if not _is_gradient(one)
    ]
    cut = [
        _near(np.clip(one.gradient, -limits[0], limits[0]), one.gradient + one.more)
        for found in networks
        for one in found.values()
    ]
    return all(_alike(limit, limits[0]) for limit in limits) and all(cut)


def _is_shortened(networks: Sequence[Seen], _only_updates: bool) -> bool:
    """Multiplied so that all gradients together have one and the same length, where they were longer."""
    lengths = []
    for found in networks:
        factors = [_factor(one) for one in found.values() if np.any(one.gradient)]
        if any(f is None or not _alike(f, factors[0] or 0.0) or f > 1 + NEARLY for f in factors):
            return False
        if factors and factors[0] is not None and factors[0] < 1 - NEARLY:
            lengths.append(sum(float(np.sum((one.gradient + one.more) ** 2)) for one in found.values()))
    return len(lengths) > 1 and all(_alike(length, lengths[0]) for length in lengths)


RULES: tuple[tuple[Callable[[Sequence[Seen], bool], bool], str], ...] = (
    (_is_limited, "The gradients are cut off at a limit"),
    (_is_shortened, "The gradients are shortened to a limit"),
    (_is_a_rate, "Every update is the same multiple of the gradients, a rate or a momentum"),
    (_decays, "The updates have a multiple of the parameters besides, weight decay"),
    (_keeps_signs, "The updates are made of the gradients entry by entry, as by Adam or a limit"),
)
"""What may be applied in place of gradients, the strictest first."""


def _factor(one: Beside) -> float | None:
    """c where what is applied is c times the gradient."""
    applied, below = one.gradient + one.more, float(np.sum(one.gradient**2))
    factor = float(np.sum(applied * one.gradient)) / below if below else 0.0
    return factor if factor > 0 and _near(applied, factor * one.gradient) else None


def _decay(one: Beside) -> float | None:
    """c where what is applied is the gradient and c times the parameter; 0 where it is the gradient."""
    if _is_gradient(one):
        return 0.0
    below = float(np.sum(one.parameter**2))
    factor = float(np.sum(one.more * one.parameter)) / below if below else 0.0
    return factor if factor > 0 and _near(one.gradient + factor * one.parameter, one.gradient + one.more) else None


def _same_signs(one: Beside) -> bool:
    counts = np.abs(one.gradient) > NEARLY * np.max(np.abs(one.gradient), initial=0.0)
    return bool(np.all(np.sign(one.gradient + one.more)[counts] == np.sign(one.gradient)[counts]))


def _alike(a: float, b: float) -> bool:
    return abs(a - b) <= 10 * NEARLY * abs(b)
