"""The rules of softmax and log_softmax, which PyTorch computes in one operation: from t = x - max(x), the terms exp(t)
and their sum. `PROOF.md` has the derivation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gradcompare.bounds.kinds import finish
from gradcompare.bounds.operands import full_error, value
from gradcompare.bounds.precision import FLOAT64, UNITS_IN_THE_LAST_PLACE

if TYPE_CHECKING:
    from gradcompare.bounds.run import Run


def softmax(run: Run, y: Tensor, x: Any, dim: int, *_options: Any) -> Tensor:
    """Relative error expm1(term + sum)."""
    term, total, _below = _logarithmic_errors(run, x, torch.softmax(value(x), dim), dim)
    relative = term + total + 2 * run.precision.unit_roundoff
    return finish(
        run.precision, y, (y + FLOAT64.flush) * torch.exp(relative) * torch.expm1(relative) + 2 * run.precision.flush
    )


def log_softmax(run: Run, y: Tensor, x: Any, dim: int, *_options: Any) -> Tensor:
    """(x - max(x)) - log(sum): the error of x, that of the logarithm, and the roundings of both differences."""
    p = run.precision
    _term, total, below = _logarithmic_errors(run, x, torch.softmax(value(x), dim), dim)
    log_sum = (below + y).abs() + total  # y = x - max x - log of the sum
    rounding = p.unit_roundoff * (2 * UNITS_IN_THE_LAST_PLACE * log_sum + below + y.abs())
    return finish(p, y, (full_error(x) + total + rounding) * (1 + 2 * p.unit_roundoff) + p.flush)


def _logarithmic_errors(run: Run, x: Any, y: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """How far the logarithm of each term can be off, and that of their sum; and how far x can be below its maximum.

    A term that is masked, by an exact minus infinity, is 0 in every evaluation.
    """
    u, e = run.precision.unit_roundoff, full_error(x)
    below = (value(x).amax(dim, keepdim=True) - value(x)) + 2 * (e + e.amax(dim, keepdim=True))
    if below.numel() and not math.isfinite(float(below.max())):
        below = torch.where((value(x) == -math.inf) & (e == 0), 0.0, below)
    term = e + u * below + 2 * UNITS_IN_THE_LAST_PLACE * u
    largest = (y + FLOAT64.flush) * torch.exp(term + term.amax(dim, keepdim=True))  # share, in any evaluation
    total = torch.log1p((largest * torch.expm1(term)).sum(dim, keepdim=True))
    return term, total + 2 * run.precision.gamma(value(x).shape[dim]), below
