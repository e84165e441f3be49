"""Where each tensor of a computation is drawn: the forward pass goes down at the left, the backward pass up at the
right, each gradient beside what it is the gradient of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from gradcompare.judging.verdict import Finding, of
from gradcompare.picture import Tensor

INPUTS, VALUES, GRADIENTS, RESULTS = range(4)
"""The columns: parameters and data; what is computed from them; gradients of that; gradients of parameters."""
IN_A_LINE = (1, 3, 3, 1)
"""So many boxes stand side by side in a column."""

CHARACTER, PADDING, HEIGHT, LONGEST = 7.6, 30.0, 28.0, 14
GAP, COLUMN_GAP, ROW_GAP, TOP = 6.0, 44.0, 24.0, 34.0


Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A tensor's place: centre, width and height in pixels."""

    name: str
    label: str
    column: int
    row: int
    x: float
    y: float
    width: float
    height: float = HEIGHT


@dataclass(frozen=True)
class Edge:
    """From what was read to what was computed. `kind` is "forward", "turn", "backward" or "reads" (a gradient that
    reads a value)."""

    source: str
    target: str
    kind: str
    path: str


@dataclass(frozen=True)
class Layout:
    """Boxes and edges, and the size of the whole."""

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    width: float
    height: float
    columns: tuple[float, ...]
    """The middle of each column that has boxes, by column; NaN of one that has none."""


def visible(tensors: Sequence[Tensor], known: Collection[str]) -> list[Tensor]:
    """The tensors that are drawn: no gradients that nobody knows and that lead to none that somebody does.

    Args:
        tensors: in the order of the computation.
        known: the names of those that there is a verdict on.
    """
    needed: set[str] = set()
    for tensor in reversed(tensors):
        wanted = tensor.kind != "gradient" or tensor.name in known
        if (wanted or tensor.name in needed) and not _is_seed(tensor, tensors, known):
            needed |= {tensor.name, *tensor.upstream}
    return [tensor for tensor in tensors if tensor.name in needed and not _is_seed(tensor, tensors, known)]


def nearest(tensors: Sequence[Tensor], finding: Finding | None, most: int) -> list[Tensor]:
    """At most so many of the tensors, those in the rows around a finding, or the last rows before the cost."""
    if len(tensors) <= most:
        return list(tensors)
    rows = {name: row for (row, _), names in _cells(tensors).items() for name in names}
    at = [rows[t.name] for t in tensors if finding is not None and finding.name in t.names] or [max(rows.values())]
    kept = set(sorted(rows, key=lambda name: abs(rows[name] - at[0]))[:most])
    return [tensor for tensor in tensors if tensor.name in kept]


def _is_seed(tensor: Tensor, tensors: Sequence[Tensor], known: Collection[str]) -> bool:
    """The cost's derivative with respect to itself."""
    cost = {f"d{name}" for t in tensors if t.kind == "cost" for name in t.names}
    return tensor.kind == "gradient" and tensor.name not in known and bool(cost & set(tensor.names))


def layout(tensors: Sequence[Tensor]) -> Layout:
    """The places of tensors, given in the order of the computation."""
    cells = _cells(tensors)
    widths = [_column_width(cells, column) for column in range(4)]
    lefts = [0.0, *accumulate(w + COLUMN_GAP * (w > 0) for w in widths)]
    middles = [lefts[c] + widths[c] / 2 for c in range(4)]
    boxes: list[Box] = []
    y = TOP
    for row in sorted({row for row, _ in cells}):
        lines = max(-(-len(names) // IN_A_LINE[column]) for (r, column), names in cells.items() if r == row)
        height = lines * (HEIGHT + GAP) - GAP
        for column in range(4):
            boxes += _placed(cells.get((row, column), []), column, row, middles[column], y + height / 2)
        y += height + ROW_GAP
    width = max(lefts[-1] - COLUMN_GAP, 1.0)
    centres = tuple(middle if widths[c] else float("nan") for c, middle in enumerate(middles))
    return Layout(tuple(boxes), tuple(_edges(tensors, boxes)), width, y - ROW_GAP + 8, centres)


# ---- boxes -----------------------------------------------------------------------------------------------------------


def label(name: str) -> str:
    """What fits into a box."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _width(name: str) -> float:
    return len(label(name)) * CHARACTER + PADDING


def _cells(tensors: Sequence[Tensor]) -> dict[tuple[int, int], list[str]]:
    """The names in each (row, column)."""
    rows, columns = _forward_places(tensors)
    owners = {f"d{name}": tensor.name for tensor in tensors if tensor.kind != "gradient" for name in tensor.names}
    for tensor in (t for t in tensors if t.kind == "gradient"):
        owner = next((owners[name] for name in tensor.names if name in owners), None)
        before = [rows[name] for name in tensor.upstream if columns.get(name) == GRADIENTS]
        rows[tensor.name] = rows[owner] if owner is not None else min(before, default=max(rows.values(), default=0))
        columns[tensor.name] = RESULTS if owner is not None and columns[owner] == INPUTS else GRADIENTS
    cells: dict[tuple[int, int], list[str]] = {}
    given = {name: i for i, tensor in enumerate(tensors) if tensor.kind == "input" for name in tensor.names}
    for tensor in sorted(tensors, key=lambda t: min(given.get(of(name), len(given)) for name in t.names)):
        cells.setdefault((rows[tensor.name], columns[tensor.name]), []).append(tensor.name)
    return cells


def _forward_places(tensors: Sequence[Tensor]) -> tuple[dict[str, int], dict[str, int]]:
    """Rows and columns of inputs and values: a value below all that it was computed from, a parameter beside the first
    that reads it, the data above all."""
    values = [t for t in tensors if t.kind in ("value", "cost")]
    inputs = [t for t in tensors if t.kind == "input"]
    rows: dict[str, int] = {}
    for tensor in values:
        rows[tensor.name] = 1 + max((rows[name] for name in tensor.upstream if name in rows), default=0)
    for tensor in values:
        if tensor.kind == "cost":
            rows[tensor.name] = max(rows.values())
    columns = {tensor.name: VALUES for tensor in values}
    gradients = {name for tensor in tensors if tensor.kind == "gradient" for name in tensor.names}
    for tensor in inputs:
        first = min((rows[t.name] for t in values if tensor.name in t.upstream), default=1)
        data = first == 1 and (tensor.name == "X" or not any(f"d{name}" in gradients for name in tensor.names))
        rows[tensor.name], columns[tensor.name] = (0, VALUES) if data else (first, INPUTS)
    return rows, columns


def _column_width(cells: Mapping[tuple[int, int], Sequence[str]], column: int) -> float:
    lines = [line for (_, c), names in cells.items() if c == column for line in _lines(names, column)]
    return max((_line_width(line) for line in lines), default=0.0)


def _lines(names: Sequence[str], column: int) -> list[Sequence[str]]:
    return [names[i : i + IN_A_LINE[column]] for i in range(0, len(names), IN_A_LINE[column])]


def _line_width(names: Sequence[str]) -> float:
    return sum(map(_width, names)) + GAP * (len(names) - 1)


def _placed(names: Sequence[str], column: int, row: int, middle: float, y: float) -> list[Box]:
    lines = _lines(names, column)
    top = y - (len(lines) * (HEIGHT + GAP) - GAP) / 2 + HEIGHT / 2
    boxes = []
    for i, line in enumerate(lines):
        x = middle - _line_width(line) / 2
        for name in line:
            width = _width(name)
            boxes.append(Box(name, label(name), column, row, x + width / 2, top + i * (HEIGHT + GAP), width))
            x += _width(name) + GAP
    return boxes


# ---- edges -----------------------------------------------------------------------------------------------------------


def _edges(tensors: Sequence[Tensor], boxes: Sequence[Box]) -> list[Edge]:
    place = {box.name: box for box in boxes}
    kinds = {tensor.name: tensor.kind for tensor in tensors}
    cost = next((tensor.name for tensor in tensors if tensor.kind == "cost"), None)
    edges = []
    for tensor in tensors:
        before = [name for name in tensor.upstream if name in place]
        for name in before:
            kind = "forward" if tensor.kind != "gradient" else "backward" if kinds[name] == "gradient" else "reads"
            edges.append(Edge(name, tensor.name, kind, _path(place[name], place[tensor.name])))
        if tensor.kind == "gradient" and cost and not any(kinds[name] == "gradient" for name in before):
            edges.append(Edge(cost, tensor.name, "turn", _turn(place[cost], place[tensor.name])))
    return edges


def _path(a: Box, b: Box) -> str:
    """A curve from one box to another, around those between."""
    if a.column == b.column and a.row != b.row:
        down = 1 if b.y > a.y else -1
        if abs(a.row - b.row) == 1:
            return _curve((a.x, a.y + down * a.height / 2), (b.x, b.y - down * b.height / 2), 0, down * ROW_GAP * 0.6)
        side = -1 if a.column in (INPUTS, VALUES) else 1
        left, right = a.x + side * a.width / 2, b.x + side * b.width / 2
        far = (min if side < 0 else max)(left, right) + side * 26
        return _cubic((left, a.y), (far, a.y), (far, b.y), (right, b.y))
    way = 1 if b.x > a.x else -1
    return _curve((a.x + way * a.width / 2, a.y), (b.x - way * b.width / 2, b.y), way * COLUMN_GAP * 0.7, 0)


def _turn(cost: Box, first: Box) -> str:
    """Around the corner at the bottom."""
    corner = (first.x, cost.y)
    if corner[0] <= cost.x + cost.width / 2 or cost.y - first.y < HEIGHT:
        return _path(cost, first)
    return _cubic((cost.x + cost.width / 2, cost.y), corner, corner, (first.x, first.y + first.height / 2))


def _curve(a: Point, b: Point, dx: float, dy: float) -> str:
    return _cubic(a, (a[0] + dx, a[1] + dy), (b[0] - dx, b[1] - dy), b)


def _cubic(*points: Point) -> str:
    """A Bézier curve: where it begins, the two points it is drawn to, where it ends."""
    begin, *rest = (f"{x:.1f} {y:.1f}" for x, y in points)
    return f"M{begin}C{' '.join(rest)}"
