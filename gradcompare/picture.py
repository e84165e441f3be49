"""One network as plain data, for whoever would rather look than read: every tensor, what it was computed from, and
error / bound entry by entry."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gradcompare.judging.evaluation import COST, Evaluation
from gradcompare.judging.verdict import DECIDES, ratios

if TYPE_CHECKING:
    from gradcompare.judging.claims import Comparison

MOST_CELLS = 48
"""A map has so many rows and columns at most; of a larger tensor each cell is the worst entry of a block."""
MOST_ENTRIES = 36
"""A tensor of no more entries is kept with all of them."""

Places = Mapping[str, tuple[int, str]]
"""The line where a tensor was made, and the statement there, by name."""


@dataclass(frozen=True)
class Entry:
    """One entry of a claim, in the subject's own numbers."""

    index: tuple[int, ...]
    claim: float
    reference: float
    error: float
    bound: float
    ratio: float
    """error / bound; NaN where the entry decides nothing."""


@dataclass(frozen=True)
class Map:
    """error / bound over a tensor, as a picture of it can be drawn."""

    ratios: np.ndarray
    """(rows, columns), float64: the worst error / bound in each block of entries; NaN where none decides anything."""
    block: tuple[int, int]
    """How many rows and columns of entries a cell stands for."""
    dtype: str
    """Of the claim."""
    size: int
    """How many entries there are."""
    worst: Entry
    above: int
    """How many entries are above their bound."""
    undecided: int
    """How many entries decide nothing."""
    entries: tuple[Entry, ...] = ()
    """All of them, of a small tensor."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of the computation. `kind` is "input", "value", "cost" or "gradient"."""

    name: str
    kind: str
    shape: tuple[int, ...]
    upstream: tuple[str, ...] = ()
    """The nearest tensors of the picture that it was computed from."""
    aliases: tuple[str, ...] = ()
    """The other names of the same tensor."""
    place: tuple[int, str] | None = None
    """The line of the source that made it, and its statement."""
    map: Map | None = None
    """None where nobody claims to know it."""

    @property
    def names(self) -> tuple[str, ...]:
        """All its names."""
        return self.name, *self.aliases


@dataclass(frozen=True)
class Picture:
    """All tensors of one network, in the order of the computation."""

    tensors: tuple[Tensor, ...]
    precision: str
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of the inputs."""


def picture_of(comparison: Comparison, places: Places | None = None) -> Picture:
    """What a comparison that has been judged knows of its network."""
    evaluation, inputs, places = comparison.first, comparison.inputs, places or {}
    together = _same_tensor(evaluation, comparison.claims)
    shown: dict[int, str] = {}
    for number, names in sorted(together.items()):
        shown[number] = _best_name(names, comparison.claims, {f"d{name}" for name in shown.values()})
    computed_from = _dependencies(evaluation.run.parents, shown)
    tensors = []
    for number, names in sorted(together.items()):
        name = shown[number]
        tensors.append(
            Tensor(
                name,
                _kind(names, evaluation, inputs),
                tuple(evaluation.tensors[name].value.shape),
                computed_from[number],
                tuple(other for other in names if other != name),
                next((places[n] for n in (name, *names) if n in places), None),
                map_of(*comparison.entries(name)) if _comparable(comparison, name) else None,
            )
        )
    return Picture(tuple(tensors), comparison.precision.name, {name: a.shape for name, a in inputs.items()})


def _same_tensor(evaluation: Evaluation, claims: Mapping[str, np.ndarray]) -> dict[int, list[str]]:
    """The names of each tensor, by its number; a claim that nothing was computed from has a number of its own."""
    together: dict[int, list[str]] = {}
    for name in evaluation.order:
        if name in evaluation.numbers:
            together.setdefault(evaluation.numbers[name], []).append(name)
    alone = [name for name in claims if name in evaluation.tensors and name not in evaluation.numbers]
    return together | {len(evaluation.run.parents) + i: [name] for i, name in enumerate(alone)}


def _best_name(names: Sequence[str], claims: Mapping[str, np.ndarray], gradients: Collection[str]) -> str:
    """A claimed one, the gradient of a tensor by the name that it is shown under, a plain one, one with its layer's
    number."""

    def unfit(name: str) -> tuple[bool, bool, bool, bool, int]:
        unnumbered = not any(character.isdigit() for character in name)
        return name not in claims, name not in gradients, not name.isidentifier(), unnumbered, len(name)

    return COST if COST in names else min(names, key=unfit)


def _comparable(comparison: Comparison, name: str) -> bool:
    """Whether there is a claim, of numbers and of the right shape."""
    claim, shape = comparison.claims.get(name), comparison.first.tensors[name].value.shape
    return claim is not None and claim.shape == shape and claim.size > 0 and claim.dtype.kind in "fiub"


def _kind(names: Sequence[str], evaluation: Evaluation, inputs: Mapping[str, np.ndarray]) -> str:
    if COST in names:
        return "cost"
    if any(name in inputs for name in names):
        return "input"
    return "value" if any(name in evaluation.values for name in names) else "gradient"


def _dependencies(parents: Sequence[Sequence[int]], shown: Mapping[int, str]) -> dict[int, tuple[str, ...]]:
    """For each number the nearest of those shown that it was computed from, inputs included."""
    found = {}
    for number in shown:
        waiting, seen = list(parents[number]) if number < len(parents) else [], set[int]()
        while waiting:
            parent = waiting.pop()
            if parent not in seen:
                seen.add(parent)
                waiting += parents[parent] if parent not in shown else ()
        found[number] = tuple(shown[parent] for parent in sorted(seen & set(shown)))
    return found


# ---- entry by entry --------------------------------------------------------------------------------------------------


def map_of(claim: np.ndarray, reference: np.ndarray, bound: np.ndarray) -> Map:
    """error / bound of each entry; all three have the same shape and at least one entry."""
    dtype, claim = claim.dtype.name, claim.astype(np.float64)
    finite = np.abs(reference[np.isfinite(reference)])
    ratio, _ = ratios(claim, reference, bound, DECIDES * float(finite.max(initial=0.0)))
    ratio = np.where(ratio < 0, np.nan, ratio)
    known = np.where(np.isnan(ratio), -1.0, ratio)
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(known)), ratio.shape))

    def entry(index: tuple[int, ...]) -> Entry:
        with np.errstate(all="ignore"):
            error = abs(float(claim[index]) - float(reference[index]))
        numbers = (float(claim[index]), float(reference[index]), error, float(bound[index]), float(ratio[index]))
        return Entry(index, *numbers)

    pooled, block = _pooled(known)
    return Map(
        np.where(pooled < 0, np.nan, pooled),
        block,
        dtype,
        ratio.size,
        entry(worst),
        above=int(np.count_nonzero(known > 1)),
        undecided=int(np.count_nonzero(known < 0)),
        entries=tuple(entry(i) for i in np.ndindex(ratio.shape)) if ratio.size <= MOST_ENTRIES else (),
    )


def _pooled(array: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """The largest of each block, (rows, columns), and the block's size; all axes but the last are rows."""
    flat = array.reshape(-1, array.shape[-1] if array.ndim else 1)
    block = -(-flat.shape[0] // MOST_CELLS), -(-flat.shape[1] // MOST_CELLS)
    for axis in (0, 1):
        flat = np.maximum.reduceat(flat, np.arange(0, flat.shape[axis], block[axis]), axis=axis)
    return flat, block
