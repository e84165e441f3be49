"""What a right step is: the formula that makes `right` of the step's own inputs, found by trying.

A step of a backward pass is a base (a gradient, a product, a sum, a difference), times the derivative of an
activation, times a mask, times a constant, plus the gradient of a regulariser.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradcompare.diagnosis.activations import Applied, guessed_activations, seen_activations
from gradcompare.diagnosis.step import RIGHT, Case, makes

PRODUCT, SUM, RESIDUAL, LEAF = "{0} @ {1}", "np.sum({0}, axis={1}, keepdims={2})", "{0} - {1}", "{0}"
CROSS_ENTROPY = ("(1 - {1}) / (1 - {0}) - {1} / {0}", "-{1} / {0}")
OUTER = "np.outer({0}, {1})"
SOFTMAX = "{0} * ({1} - np.sum({0} * {1}, axis={2}, keepdims=True))"

FACTORS = {
    "": "1",
    " / m": "1/m",
    " * m": "m",
    " * 2": "2",
    " / 2": "1/2",
    " * 2 / m": "2/m",
    " / (2 * m)": "1/(2m)",
    " * 2 * m": "2m",
    " * m / 2": "m/2",
    " / m**2": "1/m²",
    " * m**2": "m²",
    " / n": "1/(the number of outputs)",
    " * n": "the number of outputs",
    " * 2 / n": "2/(the number of outputs)",
    " / (m * n)": "1/(m times the number of outputs)",
    " * 2 / (m * n)": "2/(m times the number of outputs)",
    " * m * n": "m times the number of outputs",
    " * m * n / 2": "m/2 times the number of outputs",
    " * m / n": "m/(the number of outputs)",
    " * n / m": "(the number of outputs)/m",
    " * m / _inputs": "m/(the number of inputs)",
    " / (m - 1)": "1/(m - 1)",
    " * m / (m - 1)": "m/(m - 1)",
    " * 4": "4",
    " / 4": "1/4",
    " * 3": "3",
    " / 3": "1/3",
    " * 10": "10",
    " / 10": "1/10",
}
"""Constants by which gradients are wrong or right, and how they are said; n is the number of outputs,
_inputs that of inputs."""


@dataclass(frozen=True)
class Form:
    """A step's formula, in parts that can be edited."""

    base: str
    operands: tuple[str, ...]
    slope: str | None = None
    applied: Applied | None = None
    mask: str | None = None
    factor: str = ""
    penalty: str = ""
    rest: str = ""
    """What comes by another way besides: past a layer, from the next step in time, through weights used twice."""

    def text(self) -> str:
        """The whole formula."""
        text = self.base.format(*self.operands)
        for part in (self.slope, self.mask):
            if part is not None:
                text = f"({text}) * ({part})"
        return (f"({text}){self.factor}" if self.factor else text) + self.penalty + self.rest

    def but(self, **changes: object) -> Form:
        """The same with other parts."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def with_operand(self, i: int, operand: str) -> Form:
        """The same with another operand in one place."""
        return self.but(operands=(*self.operands[:i], operand, *self.operands[i + 1 :]))


MOST_FORMS = 4
MOST_CANDIDATES = 5000


def forms(
    cases: Sequence[Case], target: str | None = None, *, wanted: Sequence[np.ndarray] | None = None
) -> list[Form]:
    """The formulas of the right step on all the networks, of the named gradient, or of what is wanted: those that the
    line can have meant first."""
    if wanted is None:
        wanted = [case.right if target is None else case.names[target].value for case in cases]
    found: list[Form] = []
    for stage, candidates in enumerate(_stages(cases, wanted[0].shape, target)):
        for candidate in itertools.islice(candidates, MOST_CANDIDATES):
            alike = any(candidate.operands == form.operands and candidate.base == form.base for form in found)
            form = None if alike else _completed(cases, candidate, wanted)
            found += [] if form is None else [form]
            if len(found) == MOST_FORMS or cases[0].is_late:
                break
        if found and stage > 0:
            break
    words = set(re.findall(r"\w+", cases[0].step.source or ""))
    return sorted(found, key=lambda form: len(_operand_names(form) - words) if words else 0)


def sums_of_two(cases: Sequence[Case]) -> list[Form]:
    """The formulas of a right step to which a gradient comes by two ways: one of them what the code has, or a gradient
    as it stands in the line."""
    wrong = [case for case in cases if not case.is_right()]
    if len(wrong) > 1 and all(case.claim.shape == case.right.shape for case in wrong):
        for lacking in forms(wrong, wanted=[case.right - case.claim for case in wrong])[:1]:
            of_parameters = {cases[0].step.name, *(f"d{name}" for name in cases[0].step.inputs)}
            if of_parameters & set(re.findall(r"\w+", lacking.text())):  # from these nothing comes any further
                return []
            has = forms(wrong, wanted=[case.claim for case in wrong])
            if has:
                return [form.but(rest=f" + {lacking.text()}") for form in has]
    words = set(re.findall(r"\w+", cases[0].step.source or ""))
    shape = cases[0].right.shape
    for leaf in (k for k, v in cases[0].gradients.items() if k in words and v.shape == shape):
        found = forms(cases, wanted=[case.right - case.gradients[leaf] for case in cases])
        if found:
            return [form.but(rest=f" + {leaf}") for form in found]
    return []


def _operand_names(form: Form) -> set[str]:
    return {operand.removesuffix(".T") for operand in form.operands if operand[:1].isalpha()} - {"True", "False"}


def _completed(cases: Sequence[Case], candidate: Form, wanted: Sequence[np.ndarray]) -> Form | None:
    """The candidate with the constant, and the regulariser, that make it right."""
    factor = constant(cases, candidate.text(), wanted)
    if factor is not None:
        return candidate.but(factor=factor)
    parameter = cases[0].of
    if parameter not in cases[0].values or not _is_parameter(cases[0], parameter):
        return None
    if cases[0].values[parameter].shape != wanted[0].shape:
        return None
    penalised = [parameter, f"np.sign({parameter})", *(name for name in cases[0].spared if name in cases[0].names)]
    regularised = (_regularised(cases, candidate, wanted, p) for p in penalised)
    return next((form for form in regularised if form is not None), None)


def _is_parameter(case: Case, name: str) -> bool:
    """Whether a cost may have a regulariser of it: data, or, cut out of one vector, what is not of the samples."""
    return not case.step.inputs or case.is_data(name) or case.step.samples not in case.values[name].shape


def _regularised(cases: Sequence[Case], candidate: Form, wanted: Sequence[np.ndarray], penalised: str) -> Form | None:
    first, other = cases[0].evaluate(candidate.text()), cases[0].evaluate(penalised)
    if first is None or other is None or first.shape != wanted[0].shape:
        return None
    for factor in FACTORS if _independent(cases[0], first.value, other.value, wanted[0]) else ():
        part = candidate.but(factor=factor)
        penalty = multiple(cases, penalised, wanted, beside=part.text())
        if penalty is not None:
            return part.but(penalty=penalty)
    return None


def _independent(case: Case, base: np.ndarray, penalised: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether base and regulariser together can make the wanted array on the first network."""
    columns = np.stack([base.ravel(), penalised.ravel()], axis=1)
    if wanted.size < 3 or not np.all(np.isfinite(columns)):
        return wanted.size >= 2
    solution = np.linalg.lstsq(columns, wanted.ravel(), rcond=None)[0]
    return bool(np.max(np.abs(columns @ solution - wanted.ravel())) <= 1e3 * _floor(case, wanted))


def _floor(case: Case, wanted: np.ndarray) -> float:
    return case.unit * 100 * float(np.max(np.abs(wanted), initial=1e-300))


# ---- constants -------------------------------------------------------------------------------------------------------


def ratio(a: np.ndarray, b: np.ndarray) -> float | None:
    """c in a = c b, by least squares."""
    with np.errstate(all="ignore"):
        below = float(np.sum(b * b))
        c = float(np.sum(a * b)) / below if below else float("nan")
    return c if np.isfinite(c) and c else None


def constant(cases: Sequence[Case], text: str, wanted: Sequence[np.ndarray], *, any_number: bool = True) -> str | None:
    """The text of the constant that the formula lacks to be the wanted array on every network; None: none does."""
    measured: list[float] = []
    for case, array in zip(cases, wanted, strict=True):
        result = case.evaluate(text)
        if result is None or result.shape != array.shape or not array.size:
            return None
        c = ratio(array, result.value)
        with np.errstate(invalid="ignore"):
            if c is None or np.max(np.abs(array - c * result.value)) > 1e-2 * np.max(np.abs(array)):
                return None
        measured.append(c)
    for suffix in (*_suffixes(), *_own_constants(cases)):
        if _near(cases, suffix, measured) and _makes(cases, text, suffix, wanted):
            return suffix
    return _plain_number(cases, text, wanted, measured) if any_number else None


def _suffixes() -> Iterator[str]:
    for suffix in FACTORS:
        yield suffix
        yield f" * -1{suffix}"


def _own_constants(cases: Sequence[Case]) -> Iterator[str]:
    """The code's own plain numbers, by value: keep_prob, the strength of the regulariser."""
    numbers = _own_numbers(cases)
    for value in numbers:
        yield f" * {value!r}"
        yield f" / {value!r}"
    for value in numbers:
        for more in (" / m", " * m", " * 2", " * 2 / m", " / 2", " / (2 * m)"):
            yield f" * {value!r}{more}"
        yield f" / {value!r} / m"


def _own_numbers(cases: Sequence[Case]) -> list[float]:
    constants = {k: v for k, v in cases[0].step.constants.items() if all(c.step.constants.get(k) == v for c in cases)}
    numbers = [cases[0].step.regularisation, *constants.values()]
    return [float(x) for x in dict.fromkeys(numbers) if x is not None and np.isfinite(x) and x not in (0, 1)]


def _near(cases: Sequence[Case], suffix: str, measured: Sequence[float]) -> bool:
    for case, c in zip(cases, measured, strict=True):
        value = case.evaluate(f"1{suffix}")
        if value is None or not abs(float(value.value) - c) <= 1e-3 * abs(c):
            return False
    return True


def _makes(cases: Sequence[Case], text: str, suffix: str, wanted: Sequence[np.ndarray]) -> bool:
    return makes(cases, f"({text}){suffix}" if suffix else text, wanted)


def _plain_number(
    cases: Sequence[Case], text: str, wanted: Sequence[np.ndarray], measured: Sequence[float]
) -> str | None:
    """A number of few digits, alone or with m."""
    samples = np.array([case.step.samples for case in cases], dtype=float)
    for more, scale in (("", 1 + 0 * samples), (" / m", 1 / samples), (" * m", samples)):
        alone = np.array(measured) / scale
        if np.ptp(alone) <= 1e-3 * np.max(np.abs(alone)):
            suffix = f" * {float(f'{alone[0]:.4g}')!r}{more}"
            if _makes(cases, text, suffix, wanted):
                return suffix
    return None


def multiple(cases: Sequence[Case], of: str, wanted: Sequence[np.ndarray], *, beside: str) -> str | None:
    """The text " + c * of" that a formula lacks to be the wanted array; None where there is none."""
    measured: list[float] = []
    for case, array in zip(cases, wanted, strict=True):
        rest, result = case.evaluate(beside), case.evaluate(of)
        if rest is None or result is None or rest.shape != array.shape or result.shape != array.shape:
            return None
        c = ratio(array - rest.value, result.value)
        if c is None:
            return None
        measured.append(c)
    numbers = [*_suffixes(), *_own_constants(cases), *_measured_numbers(cases, measured)]
    for suffix in numbers:
        text = f" + {of}{suffix}"
        if _near(cases, suffix, measured) and _makes(cases, beside + text, "", wanted):
            return text
    return None


def _measured_numbers(cases: Sequence[Case], measured: Sequence[float]) -> Iterator[str]:
    m = cases[0].step.samples
    for more, scale in (("", 1.0), (" / m", 1.0 / m), (" * m", float(m))):
        yield f" * {float(f'{measured[0] / scale:.4g}')!r}{more}"


# ---- candidates ------------------------------------------------------------------------------------------------------


def _stages(cases: Sequence[Case], shape: tuple[int, ...], target: str | None) -> Iterator[Iterator[Form]]:
    """Candidates by how likely they are: without a derivative, with that of the step's own tensor, with others."""
    case = cases[0]
    of = case.of if target is None else target.removeprefix("d")
    bases = list(_bases(case, shape, target))
    yield iter(bases)
    fitting = [base for base in bases if base.base in (LEAF, PRODUCT, RESIDUAL)]
    seen = seen_activations(cases, shape)
    own = [use for use in seen if of in (use.z, use.a)]
    yield _with_slopes(fitting, own)
    yield _with_masks(fitting, case, shape, own)
    yield _with_slopes(fitting, [use for use in seen if use not in own])
    yield _with_slopes(fitting, guessed_activations(cases, shape, of))
    yield _with_masks(fitting, case, shape, seen)


def _with_slopes(bases: Sequence[Form], uses: Sequence[Applied]) -> Iterator[Form]:
    for use in uses:
        for slope in use.slopes():
            yield from (base.but(slope=slope, applied=use) for base in bases)


def _with_masks(bases: Sequence[Form], case: Case, shape: tuple[int, ...], uses: Sequence[Applied]) -> Iterator[Form]:
    for mask in _masks(case, shape):
        masked = [base.but(mask=mask) for base in bases]
        yield from masked
        yield from _with_slopes(masked, uses)


def _bases(case: Case, shape: tuple[int, ...], target: str | None) -> Iterator[Form]:
    gradients = [k for k in case.gradients if k != target]
    shown_last = sorted(gradients, key=lambda k: case.shown.get(k, k) in case.step.hidden)
    for g in shown_last:
        if case.gradients[g].shape == shape:
            yield Form(LEAF, (g,))
    yield from products(case, shape, shown_last)
    yield from sums(case, shape, shown_last)
    yield from residuals(case, shape)
    for g, a in itertools.product(shown_last, case.values):
        if case.gradients[g].shape == case.values[a].shape == shape and len(shape) == 2:
            yield Form(SOFTMAX, (a, g, str(1 - case.step.samples_axis)))


def products(case: Case, shape: tuple[int, ...], gradients: Sequence[str]) -> Iterator[Form]:
    """Matrix products of a gradient and a value that have the shape."""
    shapes = case.shapes
    for g, v in itertools.product(gradients, case.values):
        for left, right in ((g, v), (v, g)):
            for a, b in itertools.product(_turned(case, left), _turned(case, right)):
                if _product_shape(shapes[a], shapes[b]) == shape:
                    yield Form(PRODUCT, (a, b))
            if len(shapes[left]) == len(shapes[right]) == 1 and len(shape) == 2:
                yield Form(OUTER, (left, right))


def _turned(case: Case, name: str) -> tuple[str, ...]:
    return (name, f"{name}.T") if len(case.shapes[name]) == 2 else (name,)


def _product_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...] | None:
    if not 0 < len(a) < 3 or not 0 < len(b) < 3 or a[-1] != b[0]:
        return None
    return a[:-1] + b[1:]


def sums(case: Case, shape: tuple[int, ...], gradients: Sequence[str]) -> Iterator[Form]:
    """Sums of a gradient along an axis that have the shape."""
    axes = [case.step.samples_axis, 1 - case.step.samples_axis, None]
    for g, axis, keepdims in itertools.product(gradients, axes, (True, False)):
        if axis is None or axis < case.gradients[g].ndim:
            result = case.evaluate(SUM.format(g, axis, keepdims))
            if result is not None and result.shape == shape:
                yield Form(SUM, (g, str(axis), str(keepdims)))


def residuals(case: Case, shape: tuple[int, ...]) -> Iterator[Form]:
    """Prediction and label: their difference, and the derivative of cross entropy."""
    data = [k for k in case.values if case.is_data(k)]
    alike = [k for k, v in case.values.items() if v.shape == shape]
    for a, y in itertools.permutations(alike, 2):
        if a not in data or not data:
            yield from (Form(base, (a, y)) for base in (RESIDUAL, *CROSS_ENTROPY))
    for a in alike:
        flat = [k for k in data if case.values[k].ndim == 1 and case.values[k].size == case.values[a].size]
        yield from (Form(RESIDUAL, (a, f"{k}.reshape({a}.shape)")) for k in flat)


def _masks(case: Case, shape: tuple[int, ...]) -> Iterator[str]:
    """Arrays of zeros and one other number, as dropout has."""
    for k, v in case.values.items():
        if v.shape == shape and v.size and not case.is_data(k):
            levels = np.unique(v)
            if v.dtype.kind == "b" or (len(levels) == 2 and levels[0] == 0):
                yield k


__all__ = [
    "FACTORS",
    "RIGHT",
    "Form",
    "constant",
    "forms",
    "multiple",
    "products",
    "ratio",
    "residuals",
    "sums",
    "sums_of_two",
]
