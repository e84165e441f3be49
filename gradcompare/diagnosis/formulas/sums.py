"""Sums over the wrong thing, and shapes that broadcast."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gradcompare.diagnosis.forms import SUM, Form
from gradcompare.diagnosis.formulas.known import Formulas, Known, places
from gradcompare.diagnosis.step import RIGHT


def _summed(known: Known, operation: str) -> Iterator[Form]:
    """The step's sum replaced by another operation on the same gradient, alone and spread over the right shape."""
    if known.form.base == SUM:
        g, axis, keepdims = known.form.operands
        other = {"0": "1", "1": "0"}.get(axis, "0")
        base = operation.format(g=g, axis=axis, other=other, keepdims=keepdims, lost=str(keepdims != "True"))
        yield known.form.but(base="{0}", operands=(base,))
        yield known.form.but(base="{0}", operands=(f"0 * {RIGHT} + {base}",))
        yield known.form.but(base="{0}", operands=(f"np.reshape({base}, {RIGHT}.shape)",))


def instead(*operations: str) -> Callable[[Known], Formulas]:
    """A row's formulas: the step's sum replaced by these operations, in {g}, {axis}, {other}, {keepdims} and {lost}."""

    def formulas(known: Known) -> Formulas:
        for operation in operations:
            for form in _summed(known, operation):
                yield known.text(form), {"gradient": known.form.operands[0]}

    return formulas


def mean_of_all(known: Known) -> Formulas:
    """One mean over everything."""
    for form in _summed(known, "np.mean({g})"):
        yield known.text(form.but(factor="")), {"gradient": known.form.operands[0]}


def shape_alone(known: Known) -> Formulas:
    """The right numbers in another shape."""
    shape, should = known.first.claim.shape, known.first.right.shape
    if shape != should:
        yield f"np.reshape({RIGHT}, _shape)", {"shape": str(shape), "should": str(should)}


def broadcast(known: Known) -> Formulas:
    """An operand that has lost an axis, or has one too many."""
    for i, x in places(known.form) if known.first.claim.shape != known.first.right.shape else ():
        for shape in ("(-1,)", "(-1, 1)", "(1, -1)"):
            yield known.text(known.form.with_operand(i, f"{x}.reshape({shape})")), {"operand": x, "shape": shape}
