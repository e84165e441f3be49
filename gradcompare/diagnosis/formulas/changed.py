"""Arrays that changed before they were read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcompare.diagnosis.activations import put, seen_activations
from gradcompare.diagnosis.forms import PRODUCT, multiple, products
from gradcompare.diagnosis.formulas.known import Formulas, Known, places
from gradcompare.diagnosis.step import Case


def updated(known: Known) -> Formulas:
    """W read after W -= rate * dW: what is read differs from W by a multiple of dW, the same in every entry."""
    right = known.text(known.form)
    for i, w in places(known.form) if known.form.base == PRODUCT else ():
        if w not in known.first.values:
            continue
        turned = known.form.operands[i].removeprefix(w)
        for dw in _gradients_of(known, w):
            part = known.text(known.form.with_operand(i, f"({dw}){turned}").but(penalty=""))
            step = multiple(known.cases, f"({part})", known.claims, beside=right)
            if step is not None:
                rate = step.removeprefix(f" + ({part})")
                yield right + step, {"parameter": w, "rate": _rate(known.first, rate)}


def _rate(case: Case, suffix: str) -> str:
    rate = case.evaluate(f"1{suffix}")
    return f"{abs(float(rate.value)):.4g}" if rate is not None and " m" not in suffix else f"1{suffix}"


def _gradients_of(known: Known, w: str) -> Iterator[str]:
    named = [k for k in known.first.gradients if known.first.shown.get(k, k) == "d" + known.first.shown.get(w, w)]
    alike = [k for k, v in known.first.gradients.items() if v.shape == known.first.values[w].shape]
    yield from dict.fromkeys([*named, *alike])
    if not named:
        for form in products(known.first, known.first.values[w].shape, list(known.first.gradients)):
            yield form.text()


def overwritten(known: Known) -> Formulas:
    """An operand after an operation in place."""
    for i, x in places(known.form):
        turned = known.form.operands[i].removeprefix(x)
        for now in _derived(known, x) if x in known.arrays else ():
            if (changed := known.first.evaluate(now)) is None or not np.any(changed.value):
                continue  # a difference of two that are the same
            yield known.text(known.form.with_operand(i, f"({now}){turned}")), {"array": x, "now": now}


def _derived(known: Known, x: str) -> Iterator[str]:
    """What an operation in place makes of an array."""
    shape = known.arrays[x].shape
    others = [k for k, v in known.arrays.items() if v.shape == shape and k != x]
    for k in others:
        yield from (f"{x} - {k}", f"{k} - {x}", f"{x} + {k}", f"{x} * {k}")
    for use in seen_activations(known.cases, shape):
        yield put(use.activation.value, a=x, z=x)
        yield from (f"{x} * ({slope})" for slope in use.slopes())
    yield from (f"np.maximum({x}, 0)", f"1 - {x}", f"1 - {x}**2", f"{x} * (1 - {x})", f"{x}**2", f"np.exp({x})")
