"""Derivatives of activations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcompare.diagnosis.activations import ACTIVATIONS, LEAKY, SLOPES, leaky, put
from gradcompare.diagnosis.forms import SOFTMAX
from gradcompare.diagnosis.formulas.known import Formulas, Known


def missing(known: Known) -> Formulas:
    """No derivative."""
    if known.form.slope is not None and known.form.applied is not None:
        yield known.text(known.form.but(slope=None)), {"activation": known.form.applied.name}


def of_softmax(known: Known) -> Formulas:
    """Only the diagonal of the softmax's Jacobian."""
    if known.form.base == SOFTMAX:
        a, g, _ = known.form.operands
        yield known.text(known.form.but(base="{0} * (1 - {0}) * {1}", operands=(a, g))), {}


def twice(known: Known) -> Formulas:
    """One derivative more."""
    own = [known.form.applied] if known.form.applied is not None else known.sloped
    for use in own:
        for slope in use.slopes():
            yield known.wrap(f"({known.form.text()}) * ({slope})"), {"activation": use.name}


def _with_slope(known: Known, slope: str) -> str:
    return known.text(known.form.but(slope=slope))


def elsewhere(known: Known) -> Formulas:
    """The right activation's derivative, of z where a belongs and the reverse, or of an activated value."""
    use = known.form.applied
    if use is None:
        return
    if use.activation.from_a is not None:
        where = f"is written for the activation{f' {use.a}' if use.a else ''} and taken at {use.z}"
        yield _with_slope(known, put(use.activation.from_a, a=use.z, z=use.z)), {"activation": use.name, "where": where}
    if use.a is not None:
        where = f"is taken at {use.a}, which is activated already"
        yield _with_slope(known, put(use.activation.from_z, a=use.a, z=use.a)), {"activation": use.name, "where": where}
    for inner in (use.activation.from_a, use.activation.from_z):
        if inner is not None:
            activated = f"({put(use.activation.value, a='', z=use.a or use.z)})"
            where = f"is taken at {use.name} of {use.a or use.z}"
            yield _with_slope(known, put(inner, a=activated, z=activated)), {"activation": use.name, "where": where}


def of_other_tensor(known: Known) -> Formulas:
    """The right activation's derivative, of another layer's z or a, or of the gradient."""
    use = known.form.applied
    if use is None:
        return
    itself = f"({known.form.but(slope=None).text()})"
    for formula in (use.activation.from_a, use.activation.from_z):
        if formula is not None:
            what = f"the derivative of {use.name} is taken at the gradient itself and not at {use.place}"
            yield _with_slope(known, put(formula, a=itself, z=itself)), {"what": what}
    for k in known.arrays:
        for formula in (use.activation.from_a, use.activation.from_z):
            if formula is not None and k not in (use.a, use.z):
                what = f"the derivative of {use.name} is taken at {k} and not at {use.place}"
                yield _with_slope(known, put(formula, a=k, z=k)), {"what": what}


def of_other_activation(known: Known) -> Formulas:
    """Another activation's derivative."""
    use = known.form.applied
    if use is None:
        return
    others = {k: g for k, g in ACTIVATIONS.items() if k not in (use.name, "identity")}
    for name, g in {**others, **({LEAKY: leaky(SLOPES[0])} if use.name not in (LEAKY, "relu") else {})}.items():
        words = {"other": name, "activation": use.name}
        at = [(g.from_z, use.z), *(((g.from_z, use.a), (g.from_a, use.a)) if use.a else ()), (g.from_a, use.z)]
        yield from ((_with_slope(known, put(f, a=x, z=x)), words) for f, x in at if f is not None)


def steepness(known: Known) -> Formulas:
    """Pieces of other slopes than relu or leaky relu have."""
    use = known.form.applied
    if use is None or use.name not in (LEAKY, "relu"):
        return
    right = "0" if use.name == "relu" else use.activation.from_z.rstrip(")").rsplit(" ", 1)[-1]
    pairs = [("1", f"{s!r}") for s in (0, *SLOPES, 1)] + [(right, "1"), ("0", "1"), *_measured_slopes(known)]
    for above, below in dict.fromkeys(pairs):
        how = f"{above} above 0 and {below} below instead of 1 and {right}"
        if above == "1" and np.isclose(float(below), float(right) ** 2) and float(below) > 0:
            how += " (perhaps it is there twice)"
        yield _with_slope(known, f"np.where({use.z} > 0, {above}, {below})"), {"how": how, "activation": use.name}


def _measured_slopes(known: Known) -> Iterator[tuple[str, str]]:
    assert known.form.applied is not None
    base, z = known.first.evaluate(known.form.but(slope=None).text()), known.first.values[known.form.applied.z]
    if base is not None and base.shape == known.first.claim.shape == z.shape and np.all(base.value):
        sides = [known.first.claim[side] / base.value[side] for side in (z > 0, z < 0)]
        if all(side.size for side in sides):
            yield tuple(f"{float(f'{np.median(side):.4g}')!r}" for side in sides)  # type: ignore[misc]


def miswritten(known: Known) -> Formulas:
    """What is taken for the derivative (see `activations.ACTIVATIONS`)."""
    use = known.form.applied
    if use is None:
        return
    for formula in use.activation.wrong:
        for a, z in dict.fromkeys([(use.a or use.z, use.z), (use.z, use.z)]):
            wrong = put(formula, a=a, z=z)
            yield _with_slope(known, wrong), {"wrong": wrong, "right": known.form.slope or "1", "activation": use.name}
