"""Several outputs, each with labels of its own: a turn that goes down the sum of their costs.

No cost of one output reaches the weights of another. Where a turn moves those of each along the gradient of a cost that
reaches only them and what both share, the costs together are what it goes down; where they share nothing, that is two
networks that are trained side by side. Of the sum a part may count more than another: by how much, these weights tell.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from gradcompare.interfaces.rehearsal.reading import NEAR, Added, Candidate, Done, Reading, reading_alone
from gradcompare.short_numbers import exactly

MOST = 4
"""So many outputs have costs that are added."""


def together(candidates: Sequence[Candidate], done: Done) -> list[Candidate]:
    """The sums of costs of several outputs that a turn may go down."""
    found, sums, ways = list(candidates), list[Candidate](), _Ways(done)
    for _ in range(MOST - 1):
        added = [_added(one, other, ways) for one, other in itertools.product(found, candidates) if _apart(one, other)]
        known = {frozenset(candidate.parts) for candidate in sums}
        found = []
        for candidate in added:
            if candidate is not None and (parts := frozenset(candidate.parts)) not in known:
                known.add(parts)
                found.append(candidate)
        sums += found
    return sums


def _apart(one: Candidate, other: Candidate) -> bool:
    """Whether each reaches parameters that the other does not."""
    a, b = one.gradients.keys(), other.gradients.keys()
    return bool(a - b and b - a)


def _added(one: Candidate, other: Candidate, ways: _Ways) -> Candidate | None:
    """Their sum, if some of what only the one reaches is moved along it, and some of what only the other does; or what
    both reach along a sum; or if the file computes both itself."""
    done = ways.done
    first, second = (ways.alone(a, a.gradients.keys() - b.gradients.keys()) for a, b in ((one, other), (other, one)))
    if first * second <= 0:
        first, second = _ways_of_shared(one, other, done)
    own = one.called_so and other.called_so
    if not own and not (first and second):
        return None
    if _is_told(second, done) and not _is_told(first, done):  # the one that counts as it is comes first
        return None
    weight = exactly(second / first, roughly=NEAR) if first and second else 1.0
    more = {name: weight * gradient for name, gradient in other.gradients.items()}
    return one._replace(gradients=_sum(one.gradients, more), called_so=own, beside=(*one.beside, Added(other, weight)))


def _is_told(way: float, done: Done) -> bool:
    return bool(way) and math.isclose(way, done.rate, rel_tol=NEAR)


def _ways_of_shared(one: Candidate, other: Candidate, done: Done) -> tuple[float, float]:
    """By which multiples of both gradients a turn moves something that both costs reach; twice 0 where by none."""
    for name in one.gradients.keys() & other.gradients.keys():
        both = np.column_stack([each.gradients[name].ravel() for each in (one, other)])
        step = done.steps[name].ravel()
        if len(step) != len(both) or len(both) <= 2:
            continue
        ways, _, rank, _ = np.linalg.lstsq(both, step)
        near = np.max(np.abs(both @ ways - step)) <= NEAR * np.max(np.abs(step))
        if rank == 2 and near and np.min(ways) > NEAR * np.max(ways):
            return float(ways[0]), float(ways[1])
    return 0.0, 0.0


def leaves_one_out(reading: Reading, candidates: Sequence[Candidate]) -> bool:
    """Whether all that is not along a cost is what it shares with that of another output, which reaches weights that it
    does not: the sum of both may be what is gone down, and by how much the other counts cannot be told."""
    own = reading.of.gradients.keys()
    wrong = own - reading.agreeing.keys()
    others = (c.gradients.keys() for c in candidates if (c.seed is not None or c.called_so) and _apart(reading.of, c))
    return bool(reading.agreeing and wrong) and any(wrong <= other for other in others)


class _Ways:
    """By which multiples of gradients a turn moves what only one cost reaches: the same of all pairs that it is in."""

    def __init__(self, done: Done) -> None:
        self.done = done
        self._known: dict[tuple[tuple[object, ...], frozenset[str]], float] = {}

    def alone(self, candidate: Candidate, names: Collection[str]) -> float:
        """The multiple for the parameters of these names; 0 where there is none."""
        key = candidate.which, frozenset(names)
        if key not in self._known:
            reached = candidate._replace(gradients={name: candidate.gradients[name] for name in names})
            self._known[key] = min(set(reading_alone(reached, self.done).values()), default=0.0)
        return self._known[key]


def _sum(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    shared = one.keys() & other.keys()
    return {**one, **other, **{name: one[name] + other[name] for name in shared}}
