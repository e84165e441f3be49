"""The formulas of the known mistakes: edits of a step's right formula, each with the words that its row needs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gradcompare.diagnosis.activations import ACTIVATIONS, LEAKY, SLOPES, Applied, leaky, put, seen_activations
from gradcompare.diagnosis.forms import (
    CROSS_ENTROPY,
    FACTORS,
    LEAF,
    OUTER,
    PRODUCT,
    RESIDUAL,
    SUM,
    Form,
    constant,
    multiple,
    products,
)
from gradcompare.diagnosis.step import RIGHT, Case


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Known:
    """What is known of a step on several networks: its cases, and the right formula where one was found."""

    cases: Sequence[Case]
    form: Form
    wrap: Callable[[str], str] = field(default=_as_it_is)
    """Puts the formula in the place of a gradient that the code never had in a variable."""

    @property
    def first(self) -> Case:
        """The step on the first network."""
        return self.cases[0]

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that could stand in another's place, on the first network."""
        return self.first.values | self.first.gradients

    @cached_property
    def claims(self) -> list[np.ndarray]:
        """The code's numbers on every network."""
        return [case.claim for case in self.cases]

    def text(self, form: Form) -> str:
        """A form of this step as the whole formula."""
        return self.wrap(form.text())

    @cached_property
    def sloped(self) -> list[Applied]:
        """The activations between tensors of the step's shape."""
        return seen_activations(self.cases, self.first.right.shape)


Formulas = Iterator[tuple[str, dict[str, str]]]


# ---- constant factors ------------------------------------------------------------------------------------------------


def sign(known: Known) -> Formulas:
    yield f"-{RIGHT}", {}


def factor(known: Known) -> Formulas:
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
    if suffix == " / m":
        twice = "np.mean stands where a sum belongs" if "mean(" in source else "1/m is there twice"
        return f": {twice}" if has_mean or "mean(" in source else ": a mean where a sum belongs"
    return ""


# ---- sums over the wrong thing ---------------------------------------------------------------------------------------


def _summed(known: Known, operation: str) -> Iterator[Form]:
    """The step's sum replaced by another operation on the same gradient, alone and spread over the right shape."""
    if known.form.base == SUM:
        g, axis, keepdims = known.form.operands
        other = {"0": "1", "1": "0"}.get(axis, "0")
        base = operation.format(g=g, axis=axis, other=other, keepdims=keepdims, lost=str(keepdims != "True"))
        yield known.form.but(base="{0}", operands=(base,))
        yield known.form.but(base="{0}", operands=(f"0 * {RIGHT} + {base}",))
        yield known.form.but(base="{0}", operands=(f"np.reshape({base}, {RIGHT}.shape)",))


def sums(*operations: str) -> Callable[[Known], Formulas]:
    def formulas(known: Known) -> Formulas:
        for operation in operations:
            for form in _summed(known, operation):
                yield known.text(form), {"gradient": known.form.operands[0]}

    return formulas


def mean_of_all(known: Known) -> Formulas:
    for form in _summed(known, "np.mean({g})"):
        yield known.text(form.but(factor="")), {"gradient": known.form.operands[0]}


def shape_alone(known: Known) -> Formulas:
    shape, should = known.first.claim.shape, known.first.right.shape
    if shape != should:
        yield f"np.reshape({RIGHT}, _shape)", {"shape": str(shape), "should": str(should)}


# ---- another array in an operand's place -----------------------------------------------------------------------------

_PLACES = {
    PRODUCT: (0, 1),
    OUTER: (0, 1),
    LEAF: (0,),
    SUM: (0,),
    RESIDUAL: (0, 1),
    **dict.fromkeys(CROSS_ENTROPY, (0, 1)),
}


def _places(form: Form) -> Iterator[tuple[int, str]]:
    for i in _PLACES.get(form.base, (0, 1)):
        yield i, form.operands[i].removesuffix(".T")


def other_operand(known: Known) -> Formulas:
    hidden = known.first.step.hidden  # what the code never had in a variable is no wrong variable
    there = [k for k in known.arrays if known.first.shown.get(k, k) not in hidden]
    for (i, _), k, turned in itertools.product(_places(known.form), there, ("", ".T")):
        if k + turned != known.form.operands[i]:
            what = _instead(k + turned, known.form.operands[i])
            yield known.text(known.form.with_operand(i, k + turned)), {"what": what}


def _instead(wrong: str, right: str) -> str:
    if wrong.endswith(".T") and right.endswith(".T"):
        wrong, right = wrong.removesuffix(".T"), right.removesuffix(".T")
    return f"{wrong} stands where {right} belongs"


def other_order(known: Known) -> Formulas:
    if known.form.base == PRODUCT:
        a, b = known.form.operands
        turned = [(p, q) for p in (a, f"{a}.T") for q in (b, f"{b}.T")]
        for p, q in [*((q, p) for p, q in turned), *turned]:
            text = f"{p} @ {q}".replace(".T.T", "")
            yield known.text(known.form.but(base="{0}", operands=(text,))), {"what": f"it is {text}"}


def other_product(known: Known) -> Formulas:
    for other in products(known.first, known.first.claim.shape, [*known.first.gradients, *known.first.values]):
        base = other.base.format(*other.operands)
        yield known.text(known.form.but(base=other.base, operands=other.operands)), {"what": f"it is made of {base}"}


def other_tensor(known: Known) -> Formulas:
    for k, turned in itertools.product(known.arrays, ("", ".T")):
        yield k + turned, {"what": f"it is {k}{turned} itself"}


def no_label(known: Known) -> Formulas:
    if known.form.base == RESIDUAL:
        a, y = known.form.operands
        yield known.text(known.form.but(base="{0}", operands=(a,))), {"label": y}


def other_cost(known: Known) -> Formulas:
    if known.form.base in (RESIDUAL, *CROSS_ENTROPY):
        bases = {
            **dict.fromkeys((*CROSS_ENTROPY, "{1} / {0} - (1 - {1}) / (1 - {0})"), "of cross entropy"),
            RESIDUAL: "of half the squared error, or already that of the step after it",
            "(1 - {1}) / (1 - {0}) + {1} / {0}": "of cross entropy with a wrong sign inside",
            "(1 - {1}) / (1 - {0})": "of one half of cross entropy",
            "{1} / {0}": "of one half of cross entropy",
            "({0} - {1})**2": "left out: it is the squared error itself",
            "np.abs({0} - {1})": "left out: it is the absolute error itself",
            "np.sign({0} - {1})": "of the absolute error",
        }
        for base, words in bases.items():
            yield known.text(known.form.but(base=base)), {"words": words}


# ---- derivatives of activations --------------------------------------------------------------------------------------


def no_slope(known: Known) -> Formulas:
    if known.form.slope is not None and known.form.applied is not None:
        yield known.text(known.form.but(slope=None)), {"activation": known.form.applied.name}


def one_slope_more(known: Known) -> Formulas:
    own = [known.form.applied] if known.form.applied is not None else known.sloped
    for use in own:
        for slope in use.slopes():
            yield known.wrap(f"({known.form.text()}) * ({slope})"), {"activation": use.name}


def _slope(known: Known, slope: str) -> str:
    return known.text(known.form.but(slope=slope))


def slope_elsewhere(known: Known) -> Formulas:
    """The right activation's derivative, of z where a belongs and the reverse, or of an activated value."""
    use = known.form.applied
    if use is None:
        return
    if use.activation.from_a is not None:
        where = f"is written for the activation{f' {use.a}' if use.a else ''} and taken at {use.z}"
        yield _slope(known, put(use.activation.from_a, a=use.z, z=use.z)), {"activation": use.name, "where": where}
    if use.a is not None:
        where = f"is taken at {use.a}, which is activated already"
        yield _slope(known, put(use.activation.from_z, a=use.a, z=use.a)), {"activation": use.name, "where": where}
    for inner in (use.activation.from_a, use.activation.from_z):
        if inner is not None:
            twice = f"({put(use.activation.value, a='', z=use.a or use.z)})"
            where = f"is taken at {use.name} of {use.a or use.z}"
            yield _slope(known, put(inner, a=twice, z=twice)), {"activation": use.name, "where": where}


def slope_of_other_tensor(known: Known) -> Formulas:
    use = known.form.applied
    if use is None:
        return
    itself = f"({known.form.but(slope=None).text()})"
    for formula in (use.activation.from_a, use.activation.from_z):
        if formula is not None:
            what = f"the derivative of {use.name} is taken at the gradient itself and not at {use.place}"
            yield _slope(known, put(formula, a=itself, z=itself)), {"what": what}
    for k in known.arrays:
        for formula in (use.activation.from_a, use.activation.from_z):
            if formula is not None and k not in (use.a, use.z):
                what = f"the derivative of {use.name} is taken at {k} and not at {use.place}"
                yield _slope(known, put(formula, a=k, z=k)), {"what": what}


def other_slope(known: Known) -> Formulas:
    """Another activation's derivative."""
    use = known.form.applied
    if use is None:
        return
    others = {k: g for k, g in ACTIVATIONS.items() if k not in (use.name, "identity")}
    for name, g in {**others, **({LEAKY: leaky(SLOPES[0])} if use.name not in (LEAKY, "relu") else {})}.items():
        words = {"other": name, "activation": use.name}
        at = [(g.from_z, use.z), *(((g.from_z, use.a), (g.from_a, use.a)) if use.a else ()), (g.from_a, use.z)]
        yield from ((_slope(known, put(f, a=x, z=x)), words) for f, x in at if f is not None)


def other_steepness(known: Known) -> Formulas:
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
        yield _slope(known, f"np.where({use.z} > 0, {above}, {below})"), {"how": how, "activation": use.name}


def _measured_slopes(known: Known) -> Iterator[tuple[str, str]]:
    assert known.form.applied is not None
    base, z = known.first.evaluate(known.form.but(slope=None).text()), known.first.values[known.form.applied.z]
    if base is not None and base.shape == known.first.claim.shape == z.shape and np.all(base.value):
        sides = [known.first.claim[side] / base.value[side] for side in (z > 0, z < 0)]
        if all(side.size for side in sides):
            yield tuple(f"{float(f'{np.median(side):.4g}')!r}" for side in sides)  # type: ignore[misc]


def wrong_formula(known: Known) -> Formulas:
    use = known.form.applied
    if use is None:
        return
    for formula in use.activation.wrong:
        for a, z in dict.fromkeys([(use.a or use.z, use.z), (use.z, use.z)]):
            wrong = put(formula, a=a, z=z)
            yield _slope(known, wrong), {"wrong": wrong, "right": known.form.slope or "1", "activation": use.name}


# ---- arrays that changed before they were read -----------------------------------------------------------------------


def updated(known: Known) -> Formulas:
    """W read after W -= rate * dW: what is read differs from W by a multiple of dW, the same in every entry."""
    right = known.text(known.form)
    for i, w in _places(known.form) if known.form.base == PRODUCT else ():
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
    for i, x in _places(known.form):
        turned = known.form.operands[i].removeprefix(x)
        for now in _derived(known, x) if x in known.arrays else ():
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


# ---- regulariser -----------------------------------------------------------------------------------------------------


def regulariser(known: Known) -> Formulas:
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
    for other in known.arrays if known.form.penalty else ():
        if other != w and (has := multiple(known.cases, other, known.claims, beside=bare)) is not None:
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


# ---- products, transposes, samples, masks ----------------------------------------------------------------------------


def elementwise(known: Known) -> Formulas:
    if known.form.base == PRODUCT:
        a, b = known.form.operands
        for p, q in itertools.product((a, f"{a}.T"), (b, f"{b}.T")):
            text = f"{p} * {q}".replace(".T.T", "")
            yield known.text(known.form.but(base="{0}", operands=(text,))), {"product": f"{a} @ {b}"}


def matrix_product(known: Known) -> Formulas:
    form = known.form
    if form.slope is not None:
        base, slope = f"({form.base.format(*form.operands)})", f"({form.slope})"
        for a, b in ((base, slope), (base, f"{slope}.T"), (f"{base}.T", slope), (slope, base), (f"{slope}.T", base)):
            yield known.text(form.but(base="{0}", operands=(f"{a} @ {b}",), slope=None)), {"slope": form.slope}


def transposed(known: Known) -> Formulas:
    yield f"{RIGHT}.T", {}


def reshaped(known: Known) -> Formulas:
    for i, x in _places(known.form) if known.form.base == PRODUCT else ():
        turned = known.form.operands[i]
        formula = f"{x}.reshape({turned}.shape)" if turned != x else f"{x}.T.reshape({x}.shape)"
        yield known.text(known.form.with_operand(i, formula)), {"operand": turned}
    yield f"{RIGHT}.T.reshape({RIGHT}.shape)", {"operand": "the result"}


def broadcast(known: Known) -> Formulas:
    for i, x in _places(known.form) if known.first.claim.shape != known.first.right.shape else ():
        for shape in ("(-1,)", "(-1, 1)", "(1, -1)"):
            yield known.text(known.form.with_operand(i, f"{x}.reshape({shape})")), {"operand": x, "shape": shape}


def sample_left_out(known: Known) -> Formulas:
    form = known.form
    if form.base not in (PRODUCT, SUM):
        return
    for which, rows in (("first", "1:"), ("last", ":-1")):
        part = f"[:, {rows}]" if known.first.step.samples_axis == 1 else f"[{rows}]"
        operands = [
            x.removesuffix(".T") + part + x[len(x.removesuffix(".T")) :] if i in _PLACES[form.base] else x
            for i, x in enumerate(form.operands)
        ]
        yield known.text(form.but(operands=tuple(operands))), {"which": which}


def one_sample(known: Known) -> Formulas:
    if known.form.base not in (PRODUCT, SUM):
        return
    for which, rows in (("first", ":1"), ("last", "-1:")):
        part = f"[:, {rows}]" if known.first.step.samples_axis == 1 else f"[{rows}]"
        operands = tuple(
            x.removesuffix(".T") + part + x[len(x.removesuffix(".T")) :] if i in _PLACES[known.form.base] else x
            for i, x in enumerate(known.form.operands)
        )
        yield known.text(known.form.but(operands=operands)), {"which": which}


def no_mask(known: Known) -> Formulas:
    if known.form.mask is not None:
        yield known.text(known.form.but(mask=None)), {"mask": known.form.mask}
        number = known.form.factor
        if number:
            yield known.text(known.form.but(mask=None, factor="")), {"mask": f"{known.form.mask}{number}"}


def epsilon(known: Known) -> Formulas:
    if known.form.base not in CROSS_ENTROPY:
        return
    bases = (
        "(1 - {1}) / (1 - {0} + {e}) - {1} / ({0} + {e})",
        "(1 - {1}) / (1 - {0} - {e}) - {1} / ({0} + {e})",
        "({0} - {1}) / ({0} * (1 - {0}) + {e})",
        "-{1} / ({0} + {e})",
        "(1 - {1}) / (1 - np.clip({0}, {e}, 1 - {e})) - {1} / np.clip({0}, {e}, 1 - {e})",
    )
    for power, base in itertools.product(range(1, 17), bases):
        formula = base.replace("{e}", f"1e-{power:02d}")
        yield known.text(known.form.but(base=formula)), {"epsilon": f"1e-{power:02d}"}


# ---- precision -------------------------------------------------------------------------------------------------------


def single_operand(known: Known) -> Formulas:
    if known.first.unit < 1e-12:
        for i, x in _places(known.form):
            operand = f"float32({x})" + known.form.operands[i].removeprefix(x)
            yield known.text(known.form.with_operand(i, operand)).replace("float32(", "np.float32("), {"what": x}


def whole_numbers(known: Known) -> Formulas:
    yield f"np.trunc({RIGHT})", {}
