"""Constant factors, the sign among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradcompare.diagnosis.forms import FACTORS, constant
from gradcompare.diagnosis.formulas.known import Formulas, Known
from gradcompare.diagnosis.step import RIGHT, Case


def sign(known: Known) -> Formulas:
    """The opposite sign."""
    yield f"-{RIGHT}", {}


def factor(known: Known) -> Formulas:
    """A constant on the whole."""
    suffix = constant(known.cases, RIGHT, known.claims)
    if suffix:
        hint = _hint(known, suffix) or _or_else(known, suffix)
        yield f"{RIGHT}{suffix}", {"factor": said(known.cases, suffix), "hint": hint}


def factor_beside_penalty(known: Known) -> Formulas:
    """A constant on all but the regulariser."""
    bare = known.text(known.form.but(penalty=""))
    penalties = [case.evaluate(f"0{known.form.penalty}") for case in known.cases] if known.form.penalty else []
    if penalties and all(p is not None and p.shape == c.shape for p, c in zip(penalties, known.claims, strict=True)):
        rest = [c - p.value for p, c in zip(penalties, known.claims, strict=True) if p is not None]
        suffix = constant(known.cases, bare, rest)
        if suffix:
            words = {"factor": said(known.cases, suffix), "hint": " but for the regulariser"}
            yield f"({bare}){suffix}{known.form.penalty}", words


def _or_else(known: Known, suffix: str) -> str:
    """Other constants that are the same on all these networks."""
    same = [words for other, words in FACTORS.items() if other != suffix and _same(known, other, suffix)]
    return f", or {same[0]}, which is the same here" if same else ""


def _same(known: Known, one: str, other: str) -> bool:
    found = [(case.evaluate(f"1{one}"), case.evaluate(f"1{other}")) for case in known.cases]
    return all(a is not None and b is not None and np.isclose(a.value, b.value, rtol=1e-12) for a, b in found)


def said(cases: Sequence[Case], suffix: str) -> str:
    """A constant in words."""
    minus = "-" if suffix.startswith(" * -1") else ""
    plain = suffix.removeprefix(" * -1") if minus else suffix
    for name, value in cases[0].step.constants.items():
        if plain in (f" * {float(value)!r}", f" / {float(value)!r}"):
            return f"{minus}{'1/' if plain.startswith(' / ') else ''}{name}"
    words = FACTORS.get(plain)
    return minus + (words if words is not None else f"1{plain}".removeprefix("1 * ").replace(" ", ""))


def _hint(known: Known, suffix: str) -> str:
    source = known.first.step.source or ""
    has_mean = "/ m" in known.form.factor
    if suffix == " * m":
        return ": 1/m is missing" if has_mean else ""
    if suffix == " * m / _inputs":
        return ": the samples are counted along the wrong axis"
    if suffix == " / m":
        twice = "np.mean stands where a sum belongs" if "mean(" in source else "1/m is there twice"
        return f": {twice}" if has_mean or "mean(" in source else ": a mean where a sum belongs"
    return ""
