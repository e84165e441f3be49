"""What a turn does, beside the gradients of a cost that it may go down: how its steps may be read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from gradcompare.interfaces.multiples import factor
from gradcompare.interfaces.rehearsal.costs import Seed
from gradcompare.short_numbers import exactly

NEAR = 1e-6
"""How near a step must be to a multiple of a gradient, as a part of it."""
TOLD = 0.05
"""How near the multiple must be to what the file calls its learning rate to be that: with one output and one sample a
wrong derivative makes another multiple of a gradient of it."""

Occurrence = tuple[int, int]
"""A place where something gets a name, and the how manieth time."""


class Named(NamedTuple):
    """What got a name in a turn."""

    occurrence: Occurrence
    text: str
    """The name."""
    value: np.ndarray


class Held(NamedTuple):
    """Where a gradient is."""

    occurrence: Occurrence
    factor: float
    """By which it is a multiple of the gradient of the cost."""


class Done(NamedTuple):
    """What a turn did."""

    steps: Mapping[str, np.ndarray]
    """By how much it moved each parameter."""
    values: Sequence[Named]
    """What got a name in it, and was computed from parameters."""
    rate: float
    """What the file calls its learning rate; 0 where nothing is called so."""
    after: Mapping[str, np.ndarray] = MappingProxyType({})
    """What each parameter is after it."""
    numbers: Collection[float] = ()
    """What the file names that may be its learning rate, where nothing is called so."""


class Added(NamedTuple):
    """The cost of another output, as a part of a sum."""

    of: Candidate
    weight: float
    """How much it counts."""


class Candidate(NamedTuple):
    """A cost that a turn may go down."""

    cost: Occurrence | None
    """Where the file's own gets its name."""
    seed: Seed | None
    loss: str | None
    """Which it is, if it is an assumed one: a key of `losses.LOSSES`."""
    called_so: bool
    """Whether the file's own is called like a cost; else it is a number of which no step is made."""
    gradients: dict[str, np.ndarray]
    """By the names of the parameters that it depends on."""
    met: int | None = None
    """The number of the tensor that meets the labels, if it is an assumed one."""
    measures: bool = False
    """Whether it is one number, of the file's own, that is called like a cost or an error."""
    beside: tuple[Added, ...] = ()
    """The costs of other outputs that are added to it; the gradients are those of the sum."""

    @property
    def which(self) -> tuple[object, ...]:
        """What tells it from others, whatever the numbers."""
        return self.cost, self.seed, self.loss, *(each.of.which for each in self.beside)

    @property
    def parts(self) -> list[tuple[object, ...]]:
        """What tells the costs of several outputs from others; nothing where there is one."""
        first = self._replace(beside=()).which
        return [first, *(each.of.which for each in self.beside)] if self.beside else []


class Reading(NamedTuple):
    """A turn, read as going down a cost."""

    of: Candidate
    agreeing: dict[str, float]
    """By name the number by which a step, or what is computed for it, is a multiple of the gradient, of those that
    share it."""
    held: dict[str, Held] | None
    """Where the gradient of each parameter is, where the steps are made of them by some rule; empty where that of one
    is not to be found. None where the steps are multiples of the gradients."""
    rate: float
    told: bool
    """Whether that number is what the file calls its learning rate."""

    @property
    def rank(self) -> tuple[int, bool, bool, bool, int]:
        """How well it explains what is done: the file's own cost better than a rate that is the one the file says; but
        not of single numbers, which are easily multiples."""
        evidence = self.of.called_so, self.told
        if all(self.of.gradients[name].size == 1 for name in self.agreeing):
            evidence = self.told, self.of.called_so
        return len(self.agreeing), self.held is None, *evidence, len(self.of.gradients)


def readings(candidates: Iterable[Candidate], done: Done) -> list[Reading]:
    """Each candidate's."""
    candidates = list(candidates)
    wholes: dict[tuple[Seed | None, str | None], Candidate] = {
        (c.seed._replace(times=1), c.loss): c
        for c in candidates
        if c.seed is not None and c.seed.times > 1 and not c.beside
    }
    one_way = _one_way(candidates)
    return [_reading(c, done, c if c.beside else wholes.get((c.seed, c.loss), c), one_way) for c in candidates]


def reading_alone(candidate: Candidate, done: Done) -> dict[str, float]:
    """Of one candidate, whatever others there are: see `Reading.agreeing`."""
    return _reading(candidate, done, candidate, ()).agreeing


def _one_way(candidates: Sequence[Candidate]) -> set[str]:
    """The vectors whose gradients have one direction whatever the cost, as those of one unit do that meets one sample:
    that a step has it too says little."""
    first: dict[str, np.ndarray] = {}
    ways: dict[str, list[bool]] = {}
    for candidate in candidates:
        for name, gradient in candidate.gradients.items():
            if gradient.ndim == 1:
                ways.setdefault(name, []).append(factor(gradient, first.setdefault(name, gradient), NEAR) is not None)
    return {name for name, same in ways.items() if len(same) > 1 and all(same)}


def likeliest(found: Sequence[Reading]) -> Reading | None:
    """The reading that explains most; but no rule explains what the file's own cost does not, where a step goes down
    that as it stands: its penalty is not for nothing. The cost of one of several outputs explains nothing by itself."""
    parts = {part for reading in found if reading.agreeing for part in reading.of.parts}
    found = [reading for reading in found if reading.of.beside or reading.of.which not in parts]
    best = max(found, key=lambda reading: reading.rank, default=None)
    if best is None or best.held is None or best.of.called_so:
        return best
    every = best.of.gradients.keys()
    own = [r for r in found if r.of.called_so and r.held is None and r.agreeing and r.of.gradients.keys() >= every]
    return max(own, key=lambda reading: reading.rank, default=best)


def in_doubt(found: Sequence[Reading]) -> bool:
    """Whether the steps may be down one cost as well as down another, with another rate: of one output and one sample
    the gradients of all have one direction."""
    most = max((reading.rank for reading in found), default=None)
    if most is None or not most[0]:
        return False
    return len({"squared" in (reading.of.loss or "") for reading in found if reading.rank == most}) > 1


def steady(found: Sequence[Reading], again: Sequence[Reading]) -> list[Reading]:
    """Of those that explain most the ones whose rate is the same from other numbers; all where none is."""
    known, most = {reading.of.which: reading.agreeing for reading in again}, max(reading.rank for reading in found)
    same = [
        reading
        for reading in found
        if reading.rank == most and (other := known.get(reading.of.which)) and other.keys() == reading.agreeing.keys()
        if all(np.isclose(factor, other[name], rtol=NEAR) for name, factor in reading.agreeing.items())
    ]
    return same or list(found)


def _reading(candidate: Candidate, done: Done, whole: Candidate, one_way: Collection[str]) -> Reading:
    """By its steps; or by what is computed for them, where more of that are gradients. `whole`: the same cost, of all
    the samples of a turn; `one_way`: see `_one_way`."""
    factors = {n: factor(done.steps[n], g, NEAR) for n, g in candidate.gradients.items()}
    positive = {n: f for n, f in factors.items() if f is not None and f > 0}
    agreeing = _sharing({n: [f] for n, f in positive.items()}, candidate.gradients)
    if len(agreeing) < len(candidate.gradients):
        by_rule = _by_rule(candidate, done, whole)
        by_chance = len(by_rule.agreeing) == 1 and set(by_rule.agreeing) <= set(one_way)
        if not by_chance and len(by_rule.agreeing) > max(len(agreeing), len(candidate.gradients) // 3):
            return by_rule
    if not agreeing:  # one number is a multiple of any other, and of few by the rate that the file says
        agreeing = {n: f for n, f in positive.items() if np.isclose(f, done.rate, rtol=NEAR, atol=0.0)}
    written = {n: exactly(factor, roughly=NEAR) for n, factor in agreeing.items()}
    told = any(abs(done.rate - factor) <= TOLD * factor for factor in agreeing.values())
    named = [f for f in positive.values() if not done.rate and any(np.isclose(f, n, NEAR, 0.0) for n in done.numbers)]
    if len(agreeing) == 1 < len(candidate.gradients) and not told and written == agreeing:  # chance: no rate is such
        written = {}
    if len(candidate.gradients) > 1 and len(written) == 1 and set(written) <= set(one_way):
        written = {}
    if not written and named:
        written = {n: exactly(f, roughly=NEAR) for n, f in positive.items() if f in named}
    agreeing, told = written, told or any(f in named for f in map(positive.get, written))
    factor_of_all = next(iter(agreeing.values()), 1.0)
    every = len(agreeing) == len(candidate.gradients)  # else what else is wrong is to be seen first
    is_scaled = candidate.called_so and every and _is_simple(factor_of_all, done.rate)
    rate = done.rate if (told and done.rate) or is_scaled else factor_of_all
    return Reading(candidate, agreeing, None, rate, told)


def _is_simple(factor: float, rate: float) -> bool:
    """Whether it is a known rate times, or over, a whole number of halves."""
    ratios = (2 * factor / rate, 2 * rate / factor) if rate and factor else ()
    return any(ratio > 0.5 and abs(ratio - round(ratio)) < NEAR * ratio for ratio in ratios)


def _by_rule(candidate: Candidate, done: Done, whole: Candidate) -> Reading:
    """The gradients in what is computed, whatever is made of them afterwards: a momentum, Adam, weight decay. It must
    lead down."""
    down = {n for n, g in candidate.gradients.items() if _leads_down(done.steps[n], whole.gradients.get(n, g))}
    multiples = {
        n: [(v, f) for v in done.values if n in down and not _is_it(v, n, done) and (f := factor(v.value, g, NEAR))]
        for n, g in candidate.gradients.items()
    }
    shared = _sharing({n: [f for _, f in found] for n, found in multiples.items()}, candidate.gradients)
    right = {n: _first_near(multiples[n], shared[n]) for n in shared}
    held = {n: Held(value.occurrence, exactly(f, roughly=NEAR)) for n, (value, f) in right.items()}
    for n, gradient in candidate.gradients.items():
        if n not in right:
            alike = [value for value in done.values if value.value.shape == gradient.shape]
            likest = _where_it_belongs(n, alike, {m: value for m, (value, _) in right.items()})
            held |= {n: Held(likest.occurrence, next(iter(held.values())).factor)} if likest and held else {}
    complete = held.keys() == candidate.gradients.keys()
    return Reading(candidate, shared, held if complete else {}, done.rate or 1.0, False)


def _first_near(multiples: Sequence[tuple[Named, float]], wanted: float) -> tuple[Named, float]:
    """Of what is a multiple of a gradient the first that is this one, as near as can be told: Adam's root of its square
    is it again, where it is positive."""
    near = [found for found in multiples if abs(found[1] - wanted) <= NEAR * abs(wanted)]
    return near[0] if near else min(multiples, key=lambda found: abs(found[1] - wanted))


def _is_it(value: Named, name: str, done: Done) -> bool:
    """Whether something is the parameter anew: one that its gradient replaces is not moved by it."""
    called_so = value.text.rpartition(".")[2] == name
    return called_so or (name in done.after and np.array_equal(value.value, done.after[name]))


def _leads_down(step: np.ndarray, gradient: np.ndarray) -> bool:
    return step.shape == gradient.shape and float(np.sum(step * gradient)) > 0


def _where_it_belongs(name: str, values: Sequence[Named], right: Mapping[str, Named]) -> Named | None:
    """What is named as the right gradients of others are, dW1 for dW2; or gets its name where these do, in a loop."""
    texts = {value.text.replace(other, name) for other, value in right.items() if other in value.text}
    named = [value for value in values if value.text in texts]
    places = {value.occurrence[0] for value in right.values()}
    taken = {value.occurrence for value in right.values()}
    beside = [v for v in values if v.occurrence[0] in places and v.occurrence not in taken]
    return next(iter(named), beside[0] if len(beside) == 1 else None)


def _sharing(factors: Mapping[str, Sequence[float]], gradients: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The parameters that share one factor, as many as do, and of several such the factor nearest to 1; single numbers,
    which always are a multiple, two at least."""
    found = sorted((factor, name) for name, several in factors.items() for factor in several)
    values = np.array([factor for factor, _ in found])
    best: dict[str, float] = {}
    for first, last in enumerate(np.searchsorted(values, values + 2 * NEAR * np.abs(values), side="right")):
        factor, names = found[first][0], {name for _, name in found[first:last]}
        if _is_one_number([gradients[name] for name in names]):
            continue
        if (len(names), -abs(np.log(abs(factor)))) > (len(best), -abs(np.log(abs(next(iter(best.values()), 1.0))))):
            best = {name: factor for name in factors if name in names}
    return best


def _is_one_number(gradients: Sequence[np.ndarray]) -> bool:
    """Whether all are single numbers, and the same: two weights of one unit that meet the same."""
    numbers = [float(gradient.item()) for gradient in gradients if gradient.size == 1]
    return len(numbers) == len(gradients) and bool(np.allclose(numbers, numbers[0], rtol=NEAR, atol=0.0))


def contested(
    reading: Reading, candidates: Sequence[Candidate], elsewhere: Callable[[], Sequence[Candidate]]
) -> Candidate | None:
    """The file's own cost, where it is a usual one of the same output and labels, and its steps go down another.
    `elsewhere`: the candidates from other numbers, for of one output and one sample all have one direction."""
    seed, down = reading.of.seed, reading.of
    if seed is None:
        return None
    usual = [
        c for c in candidates if c.seed is not None and (c.seed.meeting == seed.meeting or _meet_alike(c, reading.of))
    ]
    named = [c for c in candidates if c.measures and c.gradients.keys() == down.gradients.keys()]
    named = [own for own in named if any(_alike(own.gradients, c.gradients) for c in usual)]
    if not named:
        return None
    others = [own for own in named if own.called_so and not _alike(own.gradients, down.gradients)]
    if not others:
        again = {c.which: c for c in elsewhere()}
        others = [own for own in named if not _stay_alike(own, down, again)]
        others = [own for own in others if any(_stay_alike(own, c, again) for c in usual)]
    return next((own._replace(seed=seed) for own in others), None)


def _stay_alike(one: Candidate, other: Candidate, again: Mapping[tuple[object, ...], Candidate]) -> bool:
    """Whether two costs have gradients that are the same but for a constant, and for the same one from other
    numbers."""
    if one.which not in again or other.which not in again:
        return _alike(one.gradients, other.gradients)
    pairs = [(one.gradients, other.gradients), (again[one.which].gradients, again[other.which].gradients)]
    factors = [_constant(a, b) for a, b in pairs]
    return bool(all(factors) and np.isclose(factors[0], factors[1], rtol=NEAR))


def _meet_alike(one: Candidate, other: Candidate) -> bool:
    """Whether it is the same output that meets labels."""
    return one.met is not None and one.met == other.met


def _alike(gradients: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]) -> bool:
    """Whether they are the same but for one constant."""
    return bool(_constant(gradients, others))


def _constant(gradients: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]) -> float:
    """The constant but for which they are the same; 0 where there is none."""
    if gradients.keys() != others.keys():
        return 0.0
    factors = [factor(gradients[n], other, NEAR) for n, other in others.items()]
    known = [factor for factor in factors if factor]
    same = len(known) == len(factors) > 0 and bool(np.allclose(known, known[0], rtol=NEAR))
    return known[0] if same else 0.0


def stated(candidates: Sequence[Candidate], done: Done) -> Reading | None:
    """The file's own cost, where it is a usual one of an output and labels that meet in the turn, and every step is
    another than down it: a file all of whose gradients are wrong."""
    for own in candidates:
        if own.cost is None or any(not np.any(done.steps[n]) for n in own.gradients):
            continue
        for usual in candidates:
            if usual.seed is not None and _alike(own.gradients, usual.gradients):
                return Reading(own._replace(seed=usual.seed), {}, None, done.rate or 1.0, False)
    return None
