"""Where rounding could explain anything, nothing agrees: neither what is right nor what is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcompare import compare, numpy_on_torch
from gradcompare.bounds import FLOAT32, FLOAT64
from gradcompare.evaluation import Bounded
from gradcompare.verdict import DECIDES, Bounds, judge

numbers = st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-3)
bounds = st.sampled_from([0.0, 1e-16, 1e-9, 1e-3, 1.0, 1e9, np.inf, np.nan])


@settings(max_examples=300)
@given(rows=st.lists(st.tuples(numbers, st.one_of(numbers, st.just(np.nan), st.just(np.inf)), bounds), min_size=1))
@pytest.mark.parametrize("precision", [FLOAT32, FLOAT64], ids=["float32", "float64"])
def test_ok_means_that_most_entries_were_decided_and_within_their_bounds(precision, rows):
    value, claim, error = (np.array(column) for column in zip(*rows, strict=True))
    finding = judge("dW1", claim, Bounded(value, error), Bounds(error, None), precision)
    size = np.max(np.abs(value)) or np.max(np.abs(claim), initial=0, where=np.isfinite(claim))
    decides = error <= DECIDES * size
    if finding.verdict == "ok":
        assert 2 * np.count_nonzero(decides) >= value.size
        assert np.all(np.abs(claim - value)[decides] <= error[decides])
        assert np.all(np.isfinite(claim))
    if not np.any(decides):
        assert finding.verdict == "undecided"


def overflows(inputs):
    """A softmax that is not shifted: at such a scale it overflows, and its bound is infinite."""
    e = np.exp(1e4 * np.abs(inputs["W"]))
    return np.sum((e / np.sum(e, axis=0))[0] * inputs["W"][0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("claim", [0.0, 1.0, 1e30, np.nan, np.inf])
def test_an_infinite_bound_agrees_with_nothing(claim, dtype):
    inputs = {"W": np.ones((2, 3), dtype)}
    with np.errstate(all="ignore"):
        report = compare(numpy_on_torch(overflows), lambda i: {"dW": np.full_like(i["W"], claim)}, inputs)
    assert report.verdict == "undecided", str(report)


def test_one_entry_that_is_no_number_does_not_agree_however_it_came_about():
    """Followed, the subject's own bound is infinite there: it may have been an overflow, and it is not right."""

    def subject(inputs):
        d = 2 * inputs["W"]
        d[0, 0] = np.nan
        return {"dW": d}

    def cost(inputs):
        return np.sum(inputs["W"] ** 2)

    inputs = {"W": np.arange(1.0, 13.0).reshape(3, 4)}
    assert compare(numpy_on_torch(cost), subject, inputs).verdict == "wrong"
    assert compare(numpy_on_torch(cost), numpy_on_torch(subject), inputs).verdict == "undecided"


def test_what_should_be_0_throughout_is_held_to_its_bound():
    """A dead unit: beside a tensor of zeros no bound is small, but it is beside what stands in its place."""

    def cost(inputs):
        return np.sum(np.maximum(inputs["W"], 0))

    inputs = {"W": -np.ones((2, 2))}
    for wrap in (lambda f: f, numpy_on_torch):
        report = compare(numpy_on_torch(cost), wrap(lambda i: {"dW": i["W"] / 3}), inputs)
        assert report.verdict == "wrong", str(report)
