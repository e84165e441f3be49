"""Digits that were lost."""

from __future__ import annotations

import numpy as np

from gradcompare.diagnosis.formulas.known import Formulas, Known, places
from gradcompare.diagnosis.step import RIGHT


def single_precision(known: Known) -> Formulas:
    """An operand rounded to float32."""
    if known.first.unit < 1e-12:
        for i, x in places(known.form):
            operand = f"float32({x})" + known.form.operands[i].removeprefix(x)
            yield known.text(known.form.with_operand(i, operand)).replace("float32(", "np.float32("), {"what": x}


def whole_numbers(known: Known) -> Formulas:
    """Fractions cut off; of numbers below 1 nothing is left, as of many another mistake."""
    if sum(bool(np.any(np.trunc(case.right))) for case in known.cases) > 1:
        yield f"np.trunc({RIGHT})", {}
