"""What is known of one network's fault is not looked for again on another that shows the same beyond doubt."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from gradcompare import cases, numpy_on_torch
from gradcompare.bounds import Precision
from gradcompare.judging.claims import Comparison
from gradcompare.judging.reference import evaluate

FIRST, SECOND = cases.draw_network((3, 4, 2), 5, seed=1), cases.draw_network((4, 6, 3), 7, seed=2)


def _cost(inputs):
    X, Y = inputs["X"], inputs["Y"]
    A1 = np.tanh(inputs["W1"] @ X + inputs["b1"])
    A2 = 1 / (1 + np.exp(-(inputs["W2"] @ A1 + inputs["b2"])))
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / X.shape[1], {"A1": A1, "A2": A2}


def _gradients(network, *, summed, mistake=2.0):
    """db1 is wrong; dA1 is that of the summed loss or of the mean."""
    inputs, m = network.inputs, network.m
    A1, A2 = (_cost(inputs)[1][name] for name in ("A1", "A2"))
    dZ2 = A2 - inputs["Y"]
    dA1 = inputs["W2"].T @ dZ2
    dZ1 = dA1 * (1 - A1**2)
    parameters = {"dW2": dZ2 @ A1.T / m, "dW1": dZ1 @ inputs["X"].T / m, "db1": mistake * dZ1.sum(1, keepdims=True) / m}
    return parameters | {"dA1": dA1 if summed else dA1 / m}


def _compared(network, claims, familiar=None):
    """The report, and how often the reference was evaluated."""
    asked = []

    def counted(claimed, precision, **options):
        asked.append(claimed)
        return evaluate(numpy_on_torch(_cost), network.inputs, claimed, precision, **options)

    errors = {name: np.zeros(claim.shape) for name, claim in claims.items()}
    comparison = Comparison(counted, network.inputs, claims, errors, Precision.of("float64"), [])
    return comparison.report(familiar), len(asked)


def _verdicts(report):
    return {finding.name: finding.verdict for finding in report.tensors}


@pytest.mark.parametrize("summed", [True, False])
def test_a_fault_that_is_known_costs_one_evaluation_under_either_convention(summed):
    wrong = partial(_gradients, summed=summed)
    first, _ = _compared(FIRST, wrong(FIRST))
    familiar = {frozenset({"db1"}): first}
    in_full, often = _compared(SECOND, wrong(SECOND))
    report, once = _compared(SECOND, wrong(SECOND), familiar)
    assert _verdicts(report) == _verdicts(in_full) == {"dW2": "ok", "dA1": "ok", "dW1": "ok", "db1": "fault"}
    assert once == 1 < often
    assert report.scale == (SECOND.m if summed else 1)


@pytest.mark.parametrize(
    "claims", [_gradients(SECOND, summed=True, mistake=1 + 1e-14), _gradients(SECOND, summed=False)]
)
def test_what_is_in_doubt_or_of_another_convention_is_looked_into(claims):
    first, _ = _compared(FIRST, _gradients(FIRST, summed=True))
    _, often = _compared(SECOND, claims)
    assert _compared(SECOND, claims, {frozenset({"db1"}): first})[1] == often


def test_what_was_inherited_there_is_inherited_here():
    def wrong(network):
        claims = _gradients(network, summed=True, mistake=1.0)
        return claims | {"dA1": 1.5 * claims["dA1"], "dW1": 1.5 * claims["dW1"], "db1": 1.5 * claims["db1"]}

    first, _ = _compared(FIRST, wrong(FIRST))
    names = frozenset(f.name for f in first.tensors if f.verdict in ("fault", "inherited"))
    report, once = _compared(SECOND, wrong(SECOND), {names: first})
    assert once == 1
    assert _verdicts(report) == _verdicts(_compared(SECOND, wrong(SECOND))[0]) == _verdicts(first)
    assert set(_verdicts(report).values()) == {"ok", "fault", "inherited"}


def test_whose_fault_it_is_need_not_be_asked():
    claims = _gradients(FIRST, summed=True)
    errors = {name: np.zeros(claim.shape) for name, claim in claims.items()}
    reference = partial(evaluate, numpy_on_torch(_cost), FIRST.inputs)
    comparison = Comparison(reference, FIRST.inputs, claims, errors, Precision.of("float64"), [])
    report = comparison.report(whose=False)
    assert report.verdict == "wrong"
    assert comparison.local is None


def test_the_process_that_judges_files_does_without_torch():
    loads = "import sys, gradcompare.checking.check, gradcompare.checking.trials, gradcompare.checking.isolation"
    code = f"{loads}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
