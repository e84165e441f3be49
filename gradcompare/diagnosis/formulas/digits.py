"""Digits that were lost."""

from __future__ import annotations

from gradcompare.diagnosis.formulas.known import Formulas, Known, places
from gradcompare.diagnosis.step import RIGHT


def single_precision(known: Known) -> Formulas:
    """An operand rounded to float32."""
    if known.first.unit < 1e-12:
        for i, x in places(known.form):
            operand = f"float32({x})" + known.form.operands[i].removeprefix(x)
            yield known.text(known.form.with_operand(i, operand)).replace("float32(", "np.float32("), {"what": x}


def whole_numbers(known: Known) -> Formulas:
    """Fractions cut off."""
    yield f"np.trunc({RIGHT})", {}
