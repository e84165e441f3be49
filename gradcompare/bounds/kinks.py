"""The kinds of rules where a result jumps, or a slope does: comparisons, masks, maxima, orders.

A result is decided where no error of the arguments can change it; at an exact tie a choice of slopes is a matter of
convention, and the run notes that it met one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gradcompare.bounds.kinds import finish, magnitude_above
from gradcompare.bounds.operands import (
    error,
    full_error,
    is_exact,
    magnitude,
    number,
    tensor,
    value,
)

if TYPE_CHECKING:
    from gradcompare.bounds.run import Run

aten = torch.ops.aten


def comparison(run: Run, y: Tensor, a: Any, b: Any) -> Tensor:
    """1 (undecided) where rounding can have changed the answer, |a - b| <= 2 E(a) + 2 E(b), unless both are exact;
    else 0.

    Where a differentiated tensor meets exactly the number it is compared with, that is a kink (see `Run`).
    """
    distance, undecided = _undecided(a, b)
    if differentiated(a) or differentiated(b):
        tie = distance == 0
        if bool(tie.any()):
            run.met_a_tie = True
            if run.ties_are_kinks:
                undecided = undecided | tie
    return undecided.to(torch.float64).broadcast_to(y.shape).contiguous()


def equality(run: Run, y: Tensor, a: Any, b: Any) -> Tensor:
    """As `comparison`, without kinks; and x == max(x) is decided where only one entry can be the maximum. Where several
    exact ones are, that is a kink: which of them the derivative goes to, or in which parts, is a matter of choice."""
    distance, undecided = _undecided(a, b)
    for one, other in ((a, b), (b, a)):
        kept = run.extremes_shape(one, other, distance.dim())
        if kept is not None:
            dims = [d for d, n in enumerate(kept) if n == 1]
            alone = undecided.sum(dims, keepdim=True) == 1 if dims else torch.ones_like(undecided)
            undecided = undecided & ~(alone & (distance == 0))
            tie = (distance == 0) & ~undecided
            several = tie & (tie.sum(dims, keepdim=True) > 1) if dims else torch.zeros_like(tie)
            if bool(several.any()):
                run.met_a_tie = True
                undecided = undecided | several if run.ties_are_kinks else undecided
    return undecided.to(torch.float64).broadcast_to(y.shape).contiguous()


def _undecided(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    distance = (tensor(number(a)) - tensor(number(b))).abs()
    margin = tensor(error(a) + error(b))
    return distance, ~(distance > 2 * margin) & (margin > 0)


def differentiated(x: Any) -> bool:
    """Whether autograd follows it."""
    return isinstance(x, Tensor) and x.requires_grad


def logical(run: Run, y: Tensor, *args: Any) -> Tensor:
    """A combination of answers is undecided where one of them is; a number is an answer as to whether it is 0."""
    undecided = [_undecided(a, 0.0)[1] if value(a).is_floating_point() else tensor(error(a)) > 0 for a in args]
    return finish(run.precision, y, sum((q.to(torch.float64) for q in undecided), 0.0)).clamp_(max=1)


def all_or_any(run: Run, y: Tensor, x: Any, *_: Any, **__: Any) -> Tensor:
    """One answer about many entries: undecided where one of those is."""
    return finish(run.precision, y, 0.0 if is_exact(x) else 1.0)


def positions(run: Run, y: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Where something was found: nothing is known if rounding can have changed what was looked at."""
    return finish(run.precision, y, 0.0 if is_exact(x) else math.inf)


def gate(run: Run, y: Tensor, g: Any, x: Any, threshold: Any) -> Tensor:
    """g where x > threshold, else 0: either where that is undecided.

    x is the *result* of relu, so an exact 0 is no kink: relu's own rule tells a kink from an inactive unit.
    """
    _, undecided = _undecided(x, threshold)
    decided = torch.where(value(x) > value(threshold), full_error(g), 0.0)
    return finish(run.precision, y, torch.where(undecided, magnitude(g), decided))


def rectified(run: Run, y: Tensor, x: Any) -> Tensor:
    """max(0, x): where x is surely negative the result is surely 0.

    At an exact 0 that is to be a kink the result carries the smallest bound there is, so that `gate` sees it.
    """
    bound = torch.where(magnitude_above(x) < 0, 0.0, full_error(x))
    if differentiated(x):
        tie = (value(x) == 0) & (bound == 0)
        if bool(tie.any()):
            run.met_a_tie = True
            if run.ties_are_kinks:
                bound = torch.where(tie, run.precision.underflow, bound)
    return finish(run.precision, y, bound)


def sign(run: Run, y: Tensor, x: Any) -> Tensor:
    """2 where x may have either sign; 1 at an exact 0 that is to be a kink."""
    _, undecided = _undecided(x, 0.0)
    bound = 2 * undecided.to(torch.float64)
    if differentiated(x):
        tie = value(x) == 0
        if bool(tie.any()):
            run.met_a_tie = True
            if run.ties_are_kinks:
                bound = torch.where(tie & ~undecided, 1.0, bound)
    return finish(run.precision, y, bound)


def extreme(run: Run, y: Tensor, x: Any, *args: Any, **kwargs: Any) -> Tensor:
    """A maximum or minimum moves no further than the argument that moves furthest."""
    return finish(run.precision, y, aten.amax(full_error(x), *args, **kwargs))


def extreme_and_position(run: Run, y: Any, x: Any, dim: int, keepdim: bool = False) -> Any:
    """The maximum of each line, and where it is."""
    moved = aten.amax(full_error(x), dim, keepdim)
    contested = _contested(run, x, y[0] if keepdim else y[0].unsqueeze(dim), dim)
    return finish(run.precision, y[0], moved), contested if keepdim else contested.squeeze(dim)


def position_of_extreme(run: Run, y: Tensor, x: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the maximum is; y is its position."""
    if dim is None:
        contested = _contested(run, _Flat(x), value(x).flatten()[y.flatten()], 0)
        return contested.reshape(y.shape)
    at = y if keepdim else y.unsqueeze(dim)
    contested = _contested(run, x, number(x).gather(dim, at), dim)
    return contested if keepdim else contested.squeeze(dim)


class _Flat:
    def __init__(self, x: Any) -> None:
        self.value, self.error, self.requires_grad = value(x).flatten(), full_error(x).flatten(), differentiated(x)


def _contested(run: Run, x: Any, found: Tensor, dim: int) -> Tensor:
    """Infinite where another entry of the line may take the place of the one found, else 0. Where several exact ones
    are alike, which of them the derivative goes to is a matter of choice."""
    margin = full_error(x) + full_error(x).amax(dim, keepdim=True)
    distance = (number(x) - found).abs()
    rivals = ~(distance > 2 * margin) & (margin > 0)
    if x.requires_grad:
        alike = distance == 0
        several = alike.sum(dim, keepdim=True) > 1
        run.met_a_tie = run.met_a_tie or bool(several.any())
        rivals = rivals | (alike & several) if run.ties_are_kinks else rivals
    return torch.where(rivals.sum(dim, keepdim=True) > 1, math.inf, tensor(0.0))


def _ordered(run: Run, y: Any, x: Any, dim: int) -> Any:
    """Numbers in order move no further than the one that moves furthest (each is a maximum of minima). Where they stood
    is known unless two may change places."""
    furthest = full_error(x).amax(dim, keepdim=True)
    gaps = number(x).sort(dim).values.diff(dim=dim)
    contested = (~(gaps > 4 * furthest) & (furthest > 0)).any(dim, keepdim=True)
    lost = torch.where(contested, math.inf, tensor(0.0)).broadcast_to(y[1].shape).clone()
    return finish(run.precision, y[0], furthest), lost


def in_order(run: Run, y: Any, x: Any, dim: int = -1, *_: Any, **__: Any) -> Any:
    """sort."""
    return _ordered(run, y, x, dim)


def foremost(run: Run, y: Any, x: Any, k: int, dim: int = -1, *_: Any, **__: Any) -> Any:
    """topk."""
    return _ordered(run, y, x, dim)
