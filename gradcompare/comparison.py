"""Hold a subject's numbers against a reference's, within what rounding alone can explain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradcompare import numerical
from gradcompare.blame import blame, is_intermediate, scales, unscaled
from gradcompare.bounds import FLOAT64, BoundedTensor, NoRuleError, Precision, Run
from gradcompare.evaluation import COST, Arrays, Bounded, Evaluation
from gradcompare.reference import Reference, evaluate
from gradcompare.report import Report
from gradcompare.stand_in import stand_in
from gradcompare.tracing import NotTraceableError, NumpyOnTorch, same_random_numbers
from gradcompare.verdict import WRONG, Bounds, Finding, constant_factor, judge, of, overall

LOSES_DIGITS = 1e3
"""A form that can be moved so many times further than the reference's is said to lose digits."""

Subject = Callable[[dict[str, Any]], Mapping[str, Any]]


def compare(reference: Reference, subject: Subject, inputs: Mapping[str, Any]) -> Report:
    """Hold the values and gradients that `subject` computes against autograd's, each within its rounding bound.

    Args: reference: `reference(inputs) -> cost`, or `(cost, {name: tensor})` to have intermediate tensors compared
        too. It is given torch tensors (float64, carrying bounds) and differentiated by autograd. NumPy code:
        `numpy_on_torch(f)`. subject: `subject(inputs) -> {"Z1": value, "dW1": gradient, "J": cost, ...}`, any subset:
        "dT" is the gradient of the cost with respect to T, an input or one of the reference's named tensors. It is
        given arrays. With `numpy_on_torch(f)` its own rounding is bounded too; otherwise a stand-in is used, and the
        report says so. inputs: the arrays by name, {"X": (n_0, m), "W1": (n_1, n_0), ...}; those of floating dtype
        must share one, float32 or float64, which is the precision under test.

    Returns: A Report: `report.verdict`, `str(report)`, `report.to_dict()`. Gradients of intermediate tensors may all
        carry a factor m (derivatives of the summed loss): that is a convention, and noted.

    Raises:
        TypeError, ValueError: where the question could not be put, in words: inputs that are no arrays or of mixed
            precision, a reference without a differentiable scalar cost, a subject that returns no dict of arrays or
            nothing that the reference knows.

    The rule, error / bound = |claim - reference| / (E_ref(u) + E_ref(2^-53) + E_claim(u)), is derived in
    bounds/PROOF.md.
    """
    return compare_verified(reference, subject, inputs)


def compare_verified(
    reference: Reference, subject: Subject, inputs: Mapping[str, Any], *, verify: bool = True
) -> Report:
    """`compare`; with `verify=False` for a traced reference that has been verified on another network already."""
    arrays, precision = checked_inputs(inputs)
    notes: list[str] = []
    claims = _claims(subject, arrays, notes)
    claim_errors = _claim_errors(subject, arrays, claims, precision, notes)
    if isinstance(reference, NumpyOnTorch) and verify:
        problem = numerical.problem_with(reference, arrays, claims)
        if problem is not None:
            return _numerical(reference, arrays, claims, claim_errors, precision, [*notes, problem])
    return Comparison(reference, arrays, claims, claim_errors, precision, notes).report()


def assert_gradients(reference: Reference, subject: Subject, inputs: Mapping[str, Any]) -> None:
    """`compare`, for tests: AssertionError with the whole report as its text, unless everything agrees or cannot be
    decided.

    Raises what `compare` raises, and AssertionError where the gradients are wrong or scaled.
    """
    report = compare(reference, subject, inputs)
    if report.verdict in ("wrong", "scaled"):
        raise AssertionError(str(report))


# ---- what was given --------------------------------------------------------------------------------------------------


def checked_inputs(inputs: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], Precision]:
    """Plain, contiguous copies of the inputs, and the precision that their dtype puts under test."""
    if not isinstance(inputs, Mapping) or not inputs:
        raise TypeError(
            f'inputs is a {type(inputs).__name__}; it should be a dict of arrays: {{"X": X, "W1": W1, ...}}'
        )
    arrays = {str(name): _plain_array(f"input {name}", value) for name, value in inputs.items()}
    floating = {array.dtype.name for array in arrays.values() if array.dtype.kind == "f"}
    if len(floating) != 1:
        kinds = ", ".join(f"{name} {array.dtype.name}" for name, array in arrays.items())
        raise ValueError(
            f"the floating inputs should share one dtype, the precision under test; they are {kinds}. "
            "Convert them: {name: array.astype(np.float64) ...}"
        )
    return arrays, Precision.of(floating.pop())


def _plain_array(what: str, value: Any) -> np.ndarray:
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{what} is a masked array; fill it first: array.filled(0)")
    try:
        array = np.array(value, order="C")
    except ValueError as error:
        raise TypeError(f"{what} cannot be made an array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{what} has dtype {array.dtype}; it should hold real numbers (float32, float64, integers or bool)"
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _claims(subject: Subject, inputs: Arrays, notes: list[str]) -> dict[str, np.ndarray]:
    given = {name: array.copy() for name, array in inputs.items()}
    with same_random_numbers():
        try:
            result = subject(given)
        except Exception as error:
            error.add_note("This was raised by the subject that gradcompare.compare was given.")
            raise
    if not isinstance(result, Mapping) or not result:
        raise TypeError(
            f"the subject returned {type(result).__name__}; it should return a dict of arrays such as "
            '{"dW1": dW1, "db1": db1}'
        )
    for name, array in inputs.items():
        after = given.get(name)
        if not (
            isinstance(after, np.ndarray)
            and after.shape == array.shape
            and np.array_equal(after, array, equal_nan=True)
        ):
            notes.append(f"The subject changed its input {name} in place.")
    return plain_claims(result)


def plain_claims(result: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What a subject returned as arrays; what cannot be one has dtype object."""
    return {str(name): _claim(value) for name, value in result.items() if value is not None}


def _claim(value: Any) -> np.ndarray:
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ma.MaskedArray):
        value = value.filled(np.nan)
    try:
        array = np.array(value)
    except ValueError:  # ragged
        return np.array(None, dtype=object)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _claim_errors(
    subject: Subject, inputs: Arrays, claims: Arrays, precision: Precision, notes: list[str]
) -> dict[str, np.ndarray] | None:
    """E_claim: how far rounding can move the subject's own formulas, from running them on bounded tensors."""
    if not isinstance(subject, NumpyOnTorch):
        return None
    run = Run(precision)
    try:
        with run, torch.no_grad():
            traced = subject({name: run.exact(torch.from_numpy(array.copy())) for name, array in inputs.items()})
    except Exception as stopped:
        why = str(stopped) if isinstance(stopped, NotTraceableError | NoRuleError) else repr(stopped)
        notes.append(f"The subject's own rounding is not known: run on torch it stopped. {why}")
        return None
    errors: dict[str, np.ndarray] = {}
    for name, tensor in traced.items():
        claim = claims.get(str(name))
        if claim is None or not isinstance(tensor, BoundedTensor) or claim.dtype.kind not in "fiub":
            continue
        value, error = tensor.value.numpy(), tensor.error.numpy()
        if claim.shape == value.shape:
            with np.errstate(all="ignore"):
                same = np.abs(claim - value) <= 2 * error
            if bool(np.all(same | ~np.isfinite(error) | ~np.isfinite(claim))):
                errors[str(name)] = error
        elif claim.size == value.size == 1:
            errors[str(name)] = error.reshape(claim.shape)
    return errors


# ---- the comparison --------------------------------------------------------------------------------------------------


class Comparison:
    """One comparison: the reference is run as often as it takes to decide every claim, and no more often."""

    def __init__(
        self,
        reference: Reference,
        inputs: Arrays,
        claims: Mapping[str, np.ndarray],
        claim_errors: Mapping[str, np.ndarray] | None,
        precision: Precision,
        notes: list[str],
    ) -> None:
        self.reference, self.inputs, self.precision, self.notes = reference, inputs, precision, notes
        self.opaque = claim_errors is None
        self.claim_errors = dict(claim_errors or {})
        self.claimed = list(claims)
        self.first = self._evaluate(measure=self.opaque)
        self.in_float64 = self.first if precision == FLOAT64 else self._evaluate(FLOAT64)
        self.claims = {name: claim for name, claim in claims.items() if name in self.first.tensors}
        self.unknown = {name: claim for name, claim in claims.items() if name not in self.first.tensors}
        if not self.claims:
            known = [*self.inputs, *self.first.numbers]
            raise ValueError(
                f"the subject's keys are {', '.join(claims)}; none of them is a tensor of the reference "
                f"({', '.join(known)}) or the gradient of one (d{known[0]}, ...)"
            )

    def _evaluate(self, precision: Precision | None = None, **options: Any) -> Evaluation:
        return evaluate(self.reference, self.inputs, self.claimed, precision or self.precision, **options)

    def report(self) -> Report:
        """Every claim's verdict, and what follows."""
        scale, findings = self._best_scale()
        for explanation in (self._past_the_kinks, self._past_the_stand_in, self._past_the_kinks):
            if self._wrong(findings):
                findings |= explanation(self._wrong(findings), findings, scale)
        if self._wrong(findings):
            scale, findings = self._blamed(findings, scale)
            findings = self._scaled(findings, scale)
        self._note_conventions(scale)
        self._note_lost_digits(findings)
        return self._finished(findings, scale)

    # -- judging

    def _bounds(self, name: str, reference: np.ndarray, claim: np.ndarray | None, scale: float) -> Bounds:
        if scale != 1 and is_intermediate(name, self.inputs):
            reference = reference + FLOAT64.unit_roundoff * np.abs(self.first.tensors[name].value)
            claim = None if claim is None else claim / scale
        return Bounds(reference, claim)

    def _judge(self, scale: float, names: Iterable[str] | None = None) -> dict[str, Finding]:
        """Each claim against the reference, under a convention for dZ and dA."""
        findings = {}
        claims = unscaled(self.claims, self.inputs, scale)
        for name in self.claims if names is None else names:
            reference = self.first.tensors[name].error + self.in_float64.tensors[name].error
            bounds = self._bounds(name, reference, self.claim_errors.get(name), scale)
            finding = judge(name, claims[name], self.first.tensors[name], bounds, self.precision)
            findings[name] = finding if scale == 1 else finding.but(dtype=self.claims[name].dtype.name)
        return findings

    def _wrong(self, findings: Mapping[str, Finding]) -> list[str]:
        return [name for name, finding in findings.items() if finding.verdict in WRONG]

    def _best_scale(self) -> tuple[float, dict[str, Finding]]:
        """The convention for dZ and dA under which fewest of their entries are wrong; 1 where none is better."""
        findings = self._judge(1.0)
        intermediate = [name for name in findings if is_intermediate(name, self.inputs)]
        best, least = 1.0, _share_above([findings[name] for name in intermediate])
        for scale in scales(self.claims, self.inputs)[1:] if least else ():
            judged = self._judge(scale, intermediate)
            if _share_above(judged.values()) < least:
                best, least, findings = scale, _share_above(judged.values()), findings | judged
        return best, findings

    # -- before anyone is accused

    def _past_the_stand_in(
        self, wrong: Sequence[str], findings: Mapping[str, Finding], scale: float
    ) -> dict[str, Finding]:
        """Where the claim's own rounding is not known, allow for algebra that loses more than the reference's."""
        unknown = [name for name in wrong if name not in self.claim_errors]
        if not unknown:
            return {}
        measured = self.first if self.opaque else self._evaluate(measure=True)
        widened = stand_in(measured, lambda floors: self._evaluate(floors=floors))
        for name in self.claims:
            factor = scale if is_intermediate(name, self.inputs) else 1.0
            self.claim_errors.setdefault(name, factor * widened.tensors[name].error)
        return self._judge(scale, unknown)

    @cached_property
    def _at_ties(self) -> Evaluation:
        """With bounds that cover every choice of a derivative at a kink."""
        return self._evaluate(ties_are_kinks=True)

    def _past_the_kinks(
        self, wrong: Sequence[str], findings: Mapping[str, Finding], scale: float
    ) -> dict[str, Finding]:
        """At an exact 0 every value between the slopes is a valid derivative."""
        if not self.first.run.met_a_tie:
            return {}
        claims = unscaled(self.claims, self.inputs, scale)
        explained = {}
        for name in wrong:
            f = findings[name]
            if f.verdict == "fault" and self._explains(self._at_ties.tensors[name], claims[name], name):
                explained[name] = f.but(verdict="kink")
                self.notes.append(
                    f"A kink was met at exactly 0: {name}{list(f.worst)} is {f.claim:.6g} by your derivative and "
                    f"{f.reference:.6g} by PyTorch's; both are valid."
                )
        return explained

    def _explains(self, anyhow: Bounded, claim: np.ndarray, name: str) -> bool:
        with np.errstate(invalid="ignore"):
            above = np.abs(claim - anyhow.value) > 2 * anyhow.error + self.claim_errors.get(name, np.zeros(1))
        return not np.any(above)

    # -- whose fault, and what kind

    def _blamed(self, findings: dict[str, Finding], scale: float) -> tuple[float, dict[str, Finding]]:
        """Own fault or inherited, under the convention for dZ and dA that leaves fewest steps at fault."""
        intermediate = [name for name in findings if is_intermediate(name, self.inputs)]
        undoubted = any(findings[name].verdict == "ok" and findings[name].size > 0 for name in intermediate)
        candidates = (
            [scale] if undoubted or not intermediate else [scale, *set(scales(self.claims, self.inputs)) - {scale}]
        )
        outcomes = []
        for candidate in candidates:
            judged = findings if candidate == scale else self._judge(candidate)
            claims = unscaled(self.claims, self.inputs, candidate)
            errors = {k: self._bounds(k, e, e, candidate).claim for k, e in self.claim_errors.items() if k in claims}

            blamed = blame(
                judged,
                claims,
                {k: e for k, e in errors.items() if e is not None},
                self.first,
                lambda handed_on: self._evaluate(handed_on=handed_on),
                self.precision,
                self.inputs,
            )
            outcomes.append((candidate, blamed))
        return min(outcomes, key=lambda outcome: len(self._wrong(outcome[1])))

    def _scaled(self, findings: dict[str, Finding], scale: float) -> dict[str, Finding]:
        """Constant factors; and "scaled" where every parameter's gradient has the same one."""
        claims = unscaled(self.claims, self.inputs, scale)
        factors: dict[str, float | None] = {}
        for name, finding in findings.items():
            if finding.verdict in ("fault", "inherited"):
                reference = self.first.tensors[name]
                errors = reference.error + self.in_float64.tensors[name].error
                bounds = self._bounds(name, errors, self.claim_errors.get(name), scale)
                factors[name] = constant_factor(name, claims[name], reference, bounds)
                findings[name] = finding.but(factor=factors[name])
        parameters = [n for n in findings if of(n) != n and of(n) in self.inputs and findings[n].size > 0]
        common = {factors.get(name) for name in parameters}
        if len(parameters) > 1 and len(common) == 1 and None not in common and set(factors.values()) == common:
            findings = {
                n: f.but(verdict="scaled", inherited_from=None) if n in factors else f for n, f in findings.items()
            }
        return findings

    # -- what to say

    def _note_conventions(self, scale: float) -> None:
        if scale != 1:
            self.notes.append(
                "The gradients of intermediate tensors are those of the summed loss, m times those of the mean: "
                "a convention."
            )
        if self.opaque:
            used = ", a stand-in was used" if self.claim_errors else ""
            self.notes.append(
                f"How the subject itself rounds is not known{used}. numpy_on_torch(f) lets NumPy code be followed."
            )

    def _note_lost_digits(self, findings: Mapping[str, Finding]) -> None:
        for name, finding in findings.items():
            if finding.bound_claim is None or name not in self.claim_errors or self.opaque or finding.verdict != "ok":
                continue
            loses = finding.bound_claim > LOSES_DIGITS * finding.bound_reference > 0
            noticeable = LOSES_DIGITS * self.precision.unit_roundoff * finding.size
            if loses and finding.bound_claim > noticeable:
                self.notes.append(
                    f"{name} is right, but its form loses digits: rounding can move it by {finding.bound_claim:.2g}, "
                    f"the reference's form by {finding.bound_reference:.2g}."
                )

    def _as_given(self, f: Finding, scale: float) -> Finding:
        """In the subject's own numbers, the convention for dZ and dA included."""
        if scale == 1 or not is_intermediate(f.name, self.inputs):
            return f
        numbers = ("error", "bound", "bound_reference", "claim", "reference", "size")
        claim = None if f.bound_claim is None else f.bound_claim * scale
        return f.but(bound_claim=claim, **{name: getattr(f, name) * scale for name in numbers})

    def _finished(self, findings: Mapping[str, Finding], scale: float) -> Report:
        ordered = [self._as_given(findings[name], scale) for name in self.first.order if name in findings]
        ordered += [
            Finding(name, of(name), "missing", tuple(claim.shape), claim.dtype.name)
            for name, claim in self.unknown.items()
        ]
        undecided = any(finding.verdict == "undecided" for finding in ordered)
        cases = {
            "drawn": 1,
            "decided": int(not undecided),
            "at_kink": int(any(finding.verdict == "kink" for finding in ordered)),
            "undecided": int(undecided),
        }
        return Report(
            overall(ordered, decided=cases["decided"], drawn=1),
            ordered,
            self.notes,
            cases=cases,
            precisions=(self.precision.name,),
        )


def _share_above(findings: Iterable[Finding]) -> float:
    """How many entries are wrong, a whole tensor counting as 1."""
    return sum(1.0 if f.verdict in ("shape", "dtype") else f.above / max(math.prod(f.shape), 1) for f in findings)


def _numerical(
    reference: NumpyOnTorch,
    inputs: Arrays,
    claims: Mapping[str, np.ndarray],
    claim_errors: Mapping[str, np.ndarray] | None,
    precision: Precision,
    notes: list[str],
) -> Report:
    """Central differences of the untouched code stand in for autograd; only inputs have gradients then."""
    findings = []
    for name, claim in claims.items():
        if name == COST or (of(name) != name and of(name) in inputs):
            truth = numerical.value_or_gradient(reference.function, inputs, name)
            bounds = Bounds(truth.error, (claim_errors or {}).get(name, np.abs(truth.value) * precision.gamma(1000)))
            findings.append(judge(name, claim, truth, bounds, precision))
        else:
            findings.append(Finding(name, of(name), "missing", tuple(claim.shape), claim.dtype.name))
    cases = {"drawn": 1, "decided": 1, "at_kink": 0, "undecided": 0}
    return Report(overall(findings), findings, notes, reference="numerical", cases=cases, precisions=(precision.name,))
