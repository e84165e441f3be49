"""manual, its loops and torch itself agree with autograd within the derived bound, and with nothing looser."""

from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given, settings

import manual
import manual.loops
import torch_ref
from gradcompare import compare, numpy_on_torch
from tests.strategies import HOSTILE, Case, cases

PRECISIONS = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def parameters_of(inputs):
    return {name: array for name, array in inputs.items() if name not in ("X", "Y")}


def by_hand(case: Case, module: ModuleType):
    def subject(inputs):
        parameters, X, Y = parameters_of(inputs), inputs["X"], inputs["Y"]
        cache = module.forward(parameters, X, case.activations)
        gradients = module.backward(parameters, cache, X, Y, case.activations, case.loss)
        return {**cache, "J": module.cost(cache, Y, case.activations, case.loss), **gradients}

    return subject


def by_torch(case: Case):
    def subject(inputs):
        return torch_ref.gradients(
            parameters_of(inputs), inputs["X"], inputs["Y"], case.activations, case.loss, at_zero="notes"
        )

    return subject


def report_on(case: Case, subject):
    def reference(inputs):
        return torch_ref.cost_and_values(
            parameters_of(inputs), inputs["X"], inputs["Y"], case.activations, case.loss, at_zero="notes"
        )

    return compare(reference, subject, {**case.parameters, "X": case.X, "Y": case.Y})


def assert_within(report):
    assert report.verdict in ("agrees", "undecided"), str(report)
    assert all(finding.verdict in ("ok", "undecided") and finding.ratio <= 1 for finding in report.tensors)


@PRECISIONS
@settings(max_examples=50)
@given(case=cases(numbers=HOSTILE, hollow=True))
def test_manual_is_within_its_bounds(dtype, case):
    case = case.at(dtype)
    assert_within(report_on(case, numpy_on_torch(by_hand(case, manual))))


@PRECISIONS
@settings(max_examples=25)
@given(case=cases(numbers=HOSTILE, hollow=True, units=(1, 4), samples=(1, 3)))
def test_loops_are_within_their_bounds(dtype, case):
    case = case.at(dtype)
    assert_within(report_on(case, by_hand(case, manual.loops)))


@PRECISIONS
@settings(max_examples=50)
@given(case=cases(numbers=HOSTILE, hollow=True))
def test_torch_in_the_working_precision_is_within_its_bounds(dtype, case):
    case = case.at(dtype)
    assert_within(report_on(case, by_torch(case)))


@PRECISIONS
@settings(max_examples=50)
@given(case=cases(hidden=("sigmoid", "tanh", "identity"), layers=(1, 3), units=(2, 5), samples=(2, 5)))
def test_bounds_on_ordinary_networks_are_small(dtype, case):
    """A bound too large to fail proves nothing: all is decided, each bound a small part of its tensor. Where every
    output is its label A - Y is what rounding leaves of it, and of no network that still learns."""
    case = case.at(dtype)
    report = report_on(case, numpy_on_torch(by_hand(case, manual)))
    assume(max(finding.size for finding in report.tensors if finding.name == f"dZ{len(case.activations)}") > 0.01)
    relative = [finding.bound / finding.size for finding in report.tensors if finding.size]
    assert np.median(relative) <= {np.float64: 1e-12, np.float32: 1e-3}[dtype]
