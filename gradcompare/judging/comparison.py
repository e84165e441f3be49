"""Hold a subject's numbers against a reference's, within what rounding alone can explain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradcompare.bounds import BoundedTensor, NoRuleError, Precision, Run
from gradcompare.judging import numerical
from gradcompare.judging.blame import is_intermediate
from gradcompare.judging.claims import Comparison
from gradcompare.judging.evaluation import COST, Arrays
from gradcompare.judging.reference import Reference, evaluate
from gradcompare.judging.stand_in import unknown_rounding
from gradcompare.judging.verdict import WRONG, Bounds, Finding, judge, of, overall
from gradcompare.picture import picture_of
from gradcompare.report import Report
from gradcompare.tracing.numpy_on_torch import NotTraceableError, NumpyOnTorch
from gradcompare.tracing.randomness import same_random_numbers

Subject = Callable[[dict[str, Any]], Mapping[str, Any]]

FINER = (
    "Several gradients are at fault, and one step may be what is wrong in all of them. To see which, have the "
    'reference return (cost, {"Z1": Z1, "A1": A1, ...}) and the subject "Z1", "dZ1", ... beside its gradients.'
)


def compare(reference: Reference, subject: Subject, inputs: Mapping[str, Any]) -> Report:
    """Hold the values and gradients that `subject` computes against autograd's, each within its rounding bound.

    Args:
        reference: `reference(inputs) -> cost`, or `(cost, {name: tensor})` to have intermediate tensors compared too.
            It is given torch tensors (float64, carrying bounds) and differentiated by autograd. NumPy code:
            `numpy_on_torch(f)`.
        subject: `subject(inputs) -> {"Z1": value, "dW1": gradient, "J": cost, ...}`, any subset: "dT" is the gradient
            of the cost with respect to T, an input or one of the reference's named tensors. It is given arrays. With
            `numpy_on_torch(f)` its own rounding is bounded too; otherwise a stand-in is used, and the report says so.
        inputs: the arrays by name, {"X": (n_0, m), "W1": (n_1, n_0), ...}; those of floating dtype must share one,
            float32 or float64, which is the precision under test.

    Returns:
        A Report: `report.verdict`, `str(report)`, `report.to_dict()`. Gradients of intermediate tensors may all carry
        a factor m (derivatives of the summed loss): that is a convention, and noted.

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
    errors = claim_errors(subject, arrays, claims, precision, notes)
    if isinstance(reference, NumpyOnTorch) and verify:
        problem = numerical.problem_with(reference, arrays, claims)
        if problem is not None:
            return _numerical(reference, arrays, claims, errors, precision, [*notes, problem])
    comparison = Comparison(partial(evaluate, reference, arrays), arrays, claims, errors, precision, notes)
    report = comparison.report()
    if _may_share_a_fault(report, arrays):
        report.notes.append(FINER)
    report.draw = partial(picture_of, comparison)
    return report


def _may_share_a_fault(report: Report, inputs: Arrays) -> bool:
    """Whether several gradients are at fault and nothing on the way to them was compared."""
    at_fault = [finding.name for finding in report.tensors if finding.verdict in WRONG]
    return len(at_fault) > 1 and not any(is_intermediate(finding.name, inputs) for finding in report.tensors)


def assert_gradients(reference: Reference, subject: Subject, inputs: Mapping[str, Any]) -> None:
    """`compare`, for tests: AssertionError, the report as its text, unless everything agrees or cannot be decided.

    Raises what `compare` raises, and AssertionError where the gradients are wrong or scaled.
    """
    __tracebackhide__ = True  # pytest shows the line of the test, not this function
    report = compare_verified(reference, subject, inputs)
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
        value = _array_of(value)
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
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    return native.view(f"{native.dtype.kind}{native.dtype.itemsize}")  # of two types of one size the one torch knows


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
        if not _same(given.get(name), array):
            notes.append(f"The subject changed its input {name} in place.")
    return plain_claims(result)


def _same(after: Any, before: np.ndarray) -> bool:
    if not isinstance(after, np.ndarray) or after.shape != before.shape:
        return False
    return bool((after == before).all()) or np.array_equal(after, before, equal_nan=True)


def plain_claims(result: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What a subject returned as arrays; what cannot be one has dtype object."""
    return {str(name): _claim(value) for name, value in result.items() if value is not None}


def _claim(value: Any) -> np.ndarray:
    if isinstance(value, Tensor):
        value = _array_of(value)
    if isinstance(value, np.ma.MaskedArray):
        value = _without_mask(value)
    try:
        array = np.array(value)
    except ValueError:  # ragged
        return np.array(None, dtype=object)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _array_of(tensor: Tensor) -> np.ndarray:
    """Its numbers; of one that NumPy has no numbers for, such as bfloat16, an array of objects."""
    try:
        return tensor.detach().cpu().to_dense().numpy()
    except (TypeError, RuntimeError):
        return np.full(tuple(tensor.shape), tensor.dtype, dtype=object)


def _without_mask(array: np.ma.MaskedArray) -> np.ndarray:
    """What is masked is no number."""
    if not np.ma.is_masked(array):
        return array.data
    return np.ma.filled(array, np.nan) if array.dtype.kind in "fc" else np.ma.filled(array.astype(object), None)


def claim_errors(
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
        why = str(stopped) if isinstance(stopped, NotTraceableError | NoRuleError) else numerical.in_a_line(stopped)
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
            bounds = Bounds(truth.error, (claim_errors or {}).get(name, unknown_rounding(truth, precision)))
            findings.append(judge(name, claim, truth, bounds, precision))
        else:
            findings.append(Finding(name, of(name), "missing", tuple(claim.shape), claim.dtype.name))
    cases = {"drawn": 1, "decided": 1, "at_kink": 0, "undecided": 0}
    return Report(overall(findings), findings, notes, reference="numerical", cases=cases, precisions=(precision.name,))
