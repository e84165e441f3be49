"""The kinds of rules for what is written, or added, at given places."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gradcompare.bounds.kinds import Rule, finish
from gradcompare.bounds.operands import (
    error,
    full_error,
    is_exact,
    magnitude,
    value,
    values,
)

if TYPE_CHECKING:
    from gradcompare.bounds.run import Run

aten = torch.ops.aten


def accumulated(operation: Any) -> Rule:
    """Adding values into places, some of them into the same place, in any order: sums of as many terms as met there."""

    def rule(run: Run, y: Tensor, x: Any, *args: Any, alpha: float = 1, **kwargs: Any) -> Tensor:
        p = run.precision
        source = next(a for a in reversed(args) if isinstance(a, Tensor))
        if not all(is_exact(i) for a in args if a is not source for i in (a if isinstance(a, list | tuple) else [a])):
            return finish(p, y, math.inf)  # where things go is itself undecided

        def spread(into: Tensor, added: Tensor) -> Tensor:
            return operation(into, *(added if a is source else values(a) for a in args), **kwargs)

        factor = abs(alpha)
        met = spread(torch.zeros_like(y), torch.ones_like(value(source), dtype=torch.float64)) + (alpha != 1)
        reach = spread(magnitude(x), factor * magnitude(source))
        nu = met * p.unit_roundoff
        gamma = torch.where(nu < 1, nu / (1 - nu), math.inf)
        bound = spread(full_error(x), factor * full_error(source) + error(alpha) * magnitude(source))
        underflow = met * (p.underflow if alpha != 1 else 0.0)
        return finish(p, y, bound + torch.where(met > 0, gamma * reach, 0.0) + underflow, torch.add(reach, bound))

    return rule


def scattered(run: Run, y: Tensor, x: Any, dim: int, index: Any, source: Any) -> Tensor:
    """Writing values into places of one dimension; where the places are undecided nothing is known of the line."""
    moved = full_error(source) if isinstance(source, Tensor) else error(source)
    bound = aten.scatter(full_error(x), dim, value(index), moved)
    if not is_exact(index):
        lines = full_error(index).amax(dim, keepdim=True)
        if any(n < m for d, (n, m) in enumerate(zip(lines.shape, y.shape, strict=True)) if d != dim % y.dim()):
            return finish(run.precision, y, math.inf)
        bound = bound + lines
    return finish(run.precision, y, bound)


def put(run: Run, y: Tensor, x: Any, indices: Any, new: Any, accumulate: bool = False, *_: Any) -> Tensor:
    """x[indices] = new; where a mask is undecided, either may stand."""
    if accumulate:
        return accumulated(aten.index_put)(run, y, x, indices, new, True)
    at = [value(i) for i in indices]
    bound = aten.index_put(full_error(x), at, full_error(new))
    masks = [i for i in indices if i is not None and not is_exact(i)]
    if not masks:
        return finish(run.precision, y, bound)
    if len([i for i in indices if i is not None]) > 1 or value(new).numel() != 1 or value(masks[0]).dtype != torch.bool:
        return finish(run.precision, y, math.inf)  # which number goes where is itself undecided
    undecided = [None if i is None else error(i) > 0 for i in indices]
    either = magnitude(x) + magnitude(new)
    marked = aten.index_put(torch.zeros_like(bound, dtype=torch.bool), undecided, torch.tensor(True))
    return finish(run.precision, y, torch.where(marked, either, bound))
