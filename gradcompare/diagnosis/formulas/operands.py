"""Another array in an operand's place."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from gradcompare.diagnosis.forms import PRODUCT, products
from gradcompare.diagnosis.formulas.known import Formulas, Known, places


def other(known: Known) -> Formulas:
    """One operand replaced, by anything of a fitting shape."""
    for (i, _), k, turned in itertools.product(places(known.form), _there(known, known.arrays), ("", ".T")):
        if k + turned != known.form.operands[i]:
            what = _instead(k + turned, known.form.operands[i])
            yield known.text(known.form.with_operand(i, k + turned)), {"what": what}


def _there(known: Known, names: Iterable[str]) -> list[str]:
    """Those that the code had in a variable: what it never had is no wrong variable."""
    return [k for k in names if known.first.shown.get(k, k) not in known.first.step.hidden]


def _instead(wrong: str, right: str) -> str:
    if wrong.endswith(".T") and right.endswith(".T"):
        wrong, right = wrong.removesuffix(".T"), right.removesuffix(".T")
    return f"{wrong} stands where {right} belongs"


def order(known: Known) -> Formulas:
    """The operands of a product in another order, or turned."""
    if known.form.base == PRODUCT:
        a, b = known.form.operands
        turned = [(p, q) for p in (a, f"{a}.T") for q in (b, f"{b}.T")]
        for p, q in [*((q, p) for p, q in turned), *turned]:
            text = f"{p} @ {q}".replace(".T.T", "")
            yield known.text(known.form.but(base="{0}", operands=(text,))), {"what": f"it is {text}"}


def product(known: Known) -> Formulas:
    """A product of two other arrays."""
    for other in products(known.first, known.first.claim.shape, _there(known, known.arrays)):
        base = other.base.format(*other.operands)
        yield known.text(known.form.but(base=other.base, operands=other.operands)), {"what": f"it is made of {base}"}


def tensor_itself(known: Known) -> Formulas:
    """No formula at all: another array."""
    for k, turned in itertools.product(_there(known, known.arrays), ("", ".T")):
        yield k + turned, {"what": f"it is {k}{turned} itself"}


def way_missing(known: Known) -> Formulas:
    """One of the two ways by which a gradient comes."""
    form = known.form
    if form.rest:
        rest = form.rest.removeprefix(" + ")
        yield known.text(form.but(rest="")), {"term": rest}
        yield known.wrap(rest), {"term": form.but(rest="").text()}
