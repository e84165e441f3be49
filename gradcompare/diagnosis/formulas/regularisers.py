"""The gradient of a regulariser."""

from __future__ import annotations

import numpy as np

from gradcompare.diagnosis.forms import multiple
from gradcompare.diagnosis.formulas.known import Formulas, Known


def other(known: Known) -> Formulas:
    """Another regulariser's gradient, or none."""
    w, values = known.first.of, known.first.values
    alike = w in values and values[w].shape == known.first.right.shape == known.first.claim.shape
    if not alike or not np.any(values[w]):
        return
    bare = known.text(known.form.but(penalty=""))
    spared = next((name for name in known.first.spared if name in known.form.penalty), None)
    penalised = spared or (f"np.sign({w})" if "np.sign(" in known.form.penalty else w)
    if spared and (has := multiple(known.cases, w, known.claims, beside=bare)) is not None:
        yield bare + has, {"how": f"it is made of all of {w}, and in the cost it is {spared}, which holds the biases"}
    for has in ("", multiple(known.cases, penalised, known.claims, beside=bare)):
        if has is not None and (has or known.form.penalty):
            yield bare + has, {"how": _how_regularised(known, penalised, has)}
    others = dict.fromkeys((w, *known.arrays, f"{w}**2", f"np.sign({w})", f"np.abs({w})"))
    for other in others if known.form.penalty else ():
        if other != penalised and (has := multiple(known.cases, other, known.claims, beside=bare)) is not None:
            yield bare + has, {"how": f"it is made of {other} and not of {penalised}"}


def _how_regularised(known: Known, w: str, has: str) -> str:
    should, is_now = (_coefficients(known, w, text) for text in (known.form.penalty, has))
    ratios = is_now / np.where(should == 0, np.nan, should)
    samples = np.array([case.step.samples for case in known.cases], dtype=float)
    shape = known.first.right.shape
    bias = 1 in shape or len(shape) < 2
    if not np.any(should):
        return f"the gradient has a term {has.removeprefix(' + ')} that the cost has not"
    rows = (
        (0.0, f"it counts {w} in the cost only" if bias else f"its gradient, {_term(known)}, is missing"),
        (2.0, "it is twice too large"),
        (0.5, "it is half of what it should be (the derivative of w**2 is 2 w)"),
        (-1.0, "its sign is wrong"),
        (samples, "its 1/m is missing"),
        (1 / samples, "it is divided by m once too often"),
        (2 * samples, "its 1/m is missing, and it is twice too large"),
    )
    for ratio, words in rows:
        if np.allclose(ratios, ratio, rtol=1e-3, atol=1e-3):
            return words
    return f"it should be {_term(known)}"


def _term(known: Known) -> str:
    return known.form.penalty.removeprefix(" + ")


def _coefficients(known: Known, w: str, text: str) -> np.ndarray:
    suffix = text.removeprefix(f" + {w}")
    found = [case.evaluate(f"1{suffix}") if text else None for case in known.cases]
    return np.array([0.0 if x is None else float(x.value) for x in found])
