"""One kind of product for another, transposes and reshapes."""

from __future__ import annotations

import itertools

from gradcompare.diagnosis.forms import PRODUCT
from gradcompare.diagnosis.formulas.known import Formulas, Known, places
from gradcompare.diagnosis.step import RIGHT


def elementwise(known: Known) -> Formulas:
    """`*` for `@`."""
    if known.form.base == PRODUCT:
        a, b = known.form.operands
        for p, q in itertools.product((a, f"{a}.T"), (b, f"{b}.T")):
            text = f"{p} * {q}".replace(".T.T", "")
            yield known.text(known.form.but(base="{0}", operands=(text,))), {"product": f"{a} @ {b}"}


def matrix_product(known: Known) -> Formulas:
    """`@` for `*`."""
    form = known.form
    if form.slope is not None:
        base, slope = f"({form.base.format(*form.operands)})", f"({form.slope})"
        for a, b in ((base, slope), (base, f"{slope}.T"), (f"{base}.T", slope), (slope, base), (f"{slope}.T", base)):
            yield known.text(form.but(base="{0}", operands=(f"{a} @ {b}",), slope=None)), {"slope": form.slope}


def transposed(known: Known) -> Formulas:
    """The whole, transposed."""
    yield f"{RIGHT}.T", {}


def reshaped(known: Known) -> Formulas:
    """`reshape` for a transpose."""
    for i, x in places(known.form) if known.form.base == PRODUCT else ():
        turned = known.form.operands[i]
        formula = f"{x}.reshape({turned}.shape)" if turned != x else f"{x}.T.reshape({x}.shape)"
        yield known.text(known.form.with_operand(i, formula)), {"operand": turned}
    yield f"{RIGHT}.T.reshape({RIGHT}.shape)", {"operand": "the result"}
