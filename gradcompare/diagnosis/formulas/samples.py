"""Samples and masks that were left out."""

from __future__ import annotations

from collections.abc import Callable

from gradcompare.diagnosis.forms import PRODUCT, SUM
from gradcompare.diagnosis.formulas.known import PLACES, Formulas, Known


def _only(first: str, last: str) -> Callable[[Known], Formulas]:
    """The step made of a part of the samples: without one of them, or of one alone."""

    def formulas(known: Known) -> Formulas:
        form = known.form
        for which, rows in (("first", first), ("last", last)) if form.base in (PRODUCT, SUM) else ():
            part = f"[:, {rows}]" if known.first.step.samples_axis == 1 else f"[{rows}]"
            operands = [
                x.removesuffix(".T") + part + x[len(x.removesuffix(".T")) :] if i in PLACES[form.base] else x
                for i, x in enumerate(form.operands)
            ]
            yield known.text(form.but(operands=tuple(operands))), {"which": which}

    return formulas


left_out = _only("1:", ":-1")
"""All samples but the first, or but the last."""
only_one = _only(":1", "-1:")
"""The first sample alone, or the last."""


def mask_missing(known: Known) -> Formulas:
    """No dropout mask, with its constant and without."""
    if known.form.mask is not None:
        named = "" if known.form.mask.lower() == "mask" else f" {known.form.mask}"
        yield known.text(known.form.but(mask=None)), {"mask": named}
        number = known.form.factor
        if number:
            yield known.text(known.form.but(mask=None, factor="")), {"mask": f"{named}{number}"}
