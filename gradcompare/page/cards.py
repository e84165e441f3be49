"""A tensor as it is shown when it is pointed at: how its verdict looks, its numbers, its map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from gradcompare import report as words
from gradcompare.judging.verdict import Finding
from gradcompare.page import heatmap
from gradcompare.picture import Entry, Map, Tensor

CELL = (4.0, 22.0)
"""Least and most pixels of a cell of a map."""
SIDE = 264.0
"""Pixels of a map's longer side, where its cells are not at their least or most."""


class Look(NamedTuple):
    """How a verdict is shown: the class of its colours, a sign, a word."""

    style: str
    sign: str
    word: str


LOOKS = {
    "ok": Look("ok", "✓", "agrees"),
    "fault": Look("fault", "✗", "at fault"),
    "shape": Look("fault", "✗", "wrong shape"),
    "dtype": Look("fault", "✗", "wrong dtype"),
    "nonfinite": Look("fault", "✗", "not finite"),
    "scaled": Look("fault", "✗", "scaled"),
    "inherited": Look("inherited", "↳", "inherits"),
    "kink": Look("kink", "◇", "at a kink"),
    "undecided": Look("unknown", "?", "undecided"),
    "missing": Look("unknown", "?", "unknown"),
    "given": Look("given", "", "your forward pass"),
    "input": Look("given", "", "given"),
    "unseen": Look("unseen", "·", "not seen in your code"),
}
"""Of each verdict on a tensor, and of tensors without one."""


@dataclass(frozen=True, eq=False)
class Card:
    """A tensor: its box in the graph and what is shown when it is pointed at."""

    id: str
    name: str
    tensor: Tensor | None
    finding: Finding | None
    look: Look
    says: str
    place: str
    statement: str
    formula: Markup | None
    upstream: Sequence[tuple[str, str]]
    """(id, name) of those it was computed from."""
    map: MapPicture | None
    several: bool
    """Whether more than one network was compared."""

    @property
    def shape(self) -> str:
        """ "4 × 7", or "a single number"."""
        if self.finding is not None and self.finding.verdict == "shape":
            return " × ".join(map(str, self.finding.shape)) or "a single number"
        shape = self.tensor.shape if self.tensor is not None else self.finding.shape if self.finding is not None else ()
        return " × ".join(map(str, shape)) or "a single number"

    @property
    def dtype(self) -> str:
        """Of the network that is shown, if any is."""
        return self.map.map.dtype if self.map is not None else self.finding.dtype if self.finding is not None else ""

    @property
    def also(self) -> str:
        """The tensor's other names."""
        return ", ".join(name for name in self.tensor.aliases if name.isidentifier()) if self.tensor else ""

    @property
    def summary(self) -> str:
        """In a line, for whoever cannot see the colours or the panel."""
        ratio = f", error / bound {words.number(self.worst.ratio)}" if self.worst is not None else ""
        return f"{self.name}: {self.says}{f', {self.place}' if self.place else ''}, {self.shape}{ratio}"

    @property
    def worst(self) -> Entry | None:
        """The entry with the largest error / bound; of the network that is shown, if any is."""
        if self.map is not None:
            return self.map.map.worst
        f = self.finding
        if f is None or f.verdict in ("shape", "dtype", "missing"):
            return None
        return Entry(f.worst, f.claim, f.reference, f.error, f.bound, f.ratio)


@dataclass(frozen=True, eq=False)
class MapPicture:
    """A map as it is drawn."""

    map: Map
    uri: str
    width: float
    height: float
    ring: tuple[float, float]
    """Where the worst entry is, in percent from the left and from the top."""
    sentence: str

    @property
    def each(self) -> str:
        """What a cell stands for."""
        rows, columns = self.map.block
        return "" if (rows, columns) == (1, 1) else f"Each cell is the worst of {rows} × {columns} entries."


def drawn(map_: Map, verdict: str, coarse: bool) -> MapPicture:
    """The map of a tensor with a verdict as a picture; `coarse` where there are many."""
    rows, columns = map_.ratios.shape
    cell = min(max(SIDE / max(rows, columns), CELL[0]), CELL[1])
    row, column = _cell_of(map_)
    return MapPicture(
        map_,
        heatmap.data_uri(map_.ratios, coarse=coarse),
        round(cell * columns, 1),
        round(cell * rows, 1),
        (100 * (column + 0.5) / columns, 100 * (row + 0.5) / rows),
        _sentence(map_, verdict),
    )


def _cell_of(map_: Map) -> tuple[int, int]:
    """The cell of the worst entry: the one that has its ratio."""
    known = [(-1.0 if math.isnan(r) else r, i) for i, r in enumerate(map_.ratios.ravel())]
    at = max(known, key=lambda pair: pair[0])[1]
    return divmod(at, map_.ratios.shape[1])


def _sentence(map_: Map, verdict: str) -> str:
    of = f"{map_.size:,} {'entry' if map_.size == 1 else 'entries'}"
    nothing = f" Nothing can be said of {map_.undecided:,}." if map_.undecided else ""
    if map_.undecided == map_.size:
        return f"Nothing can be said of {of}."
    if map_.above:
        verb = "is" if map_.above == 1 else "are"
        if verdict == "kink":
            return f"{map_.above:,} of {of} {verb} another valid derivative at the kink.{nothing}"
        return f"{map_.above:,} of {of} {verb} further off than rounding can explain.{nothing}"
    return f"Rounding explains every difference in {of}.{nothing}"
