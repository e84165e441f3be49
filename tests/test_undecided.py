"""Where rounding could explain anything, nothing agrees: neither what is right nor what is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcompare import compare, numpy_on_torch
from gradcompare.bounds import FLOAT32, FLOAT64
from gradcompare.judging.evaluation import Bounded
from gradcompare.judging.verdict import DECIDES, Bounds, judge

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


NOT_FINITE = {
    "written": lambda d, x: d.__setitem__((0, 0), x),
    "added to a row": lambda d, x: d.__setitem__(1, d[1] + x),
    "a factor": lambda d, x: d.__imul__(np.where(d > 20, x, 1.0)),
    "a product of matrices": lambda d, x: d.__setitem__(..., d + (np.full((3, 1), x) @ np.ones((1, 4)))),
    "filled": lambda d, x: np.copyto(d, np.full_like(d, x)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrap", [lambda f: f, numpy_on_torch], ids=["opaque", "followed"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NOT_FINITE)
def test_constants_that_are_not_finite_are_wrong_where_the_gradient_is(name, number, wrap, dtype):
    def subject(inputs):
        d = 2 * inputs["W"]
        NOT_FINITE[name](d, number)
        return {"dW": d}

    def cost(inputs):
        return np.sum(inputs["W"] ** 2)

    inputs = {"W": np.arange(1.0, 13.0).reshape(3, 4).astype(dtype)}
    with np.errstate(all="ignore"):
        report = compare(numpy_on_torch(cost), wrap(subject), inputs)
    assert [f.verdict for f in report.tensors] == ["nonfinite"], str(report)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_overflowed_is_in_doubt_even_beside_a_constant_that_is_not_finite(dtype):
    """Followed, the subject's own bound is infinite there: in another order of evaluation it may be a number."""

    def subject(inputs):
        e = np.exp(1e4 * inputs["W"])
        d = 2 * inputs["W"] * (e / e)
        d[1] = np.maximum(np.full(4, -np.inf), d[1])
        return {"dW": d}

    def cost(inputs):
        return np.sum(inputs["W"] ** 2)

    inputs = {"W": np.arange(1.0, 13.0, dtype=dtype).reshape(3, 4)}
    with np.errstate(all="ignore"):
        assert compare(numpy_on_torch(cost), numpy_on_torch(subject), inputs).verdict == "undecided"


def test_constants_that_are_not_finite_and_leave_no_trace_do_no_harm():
    """A running maximum that starts at minus infinity, a mask of scores, a limit that is none."""

    def cost(inputs):
        W = inputs["W"]
        most = np.full(4, -np.inf)
        for row in W:
            most = np.maximum(most, row)
        scores = np.clip(W, -np.inf, np.inf) + np.triu(np.full((3, 4), -np.inf), 2)
        e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
        return np.sum(most) + np.sum((e / np.sum(e, axis=1, keepdims=True))[:, 0])

    def gradient(inputs):
        W = inputs["W"]
        e = np.exp(W) * np.tril(np.ones((3, 4)), 1)
        p = e / np.sum(e, axis=1, keepdims=True)
        d = -p * p[:, :1]
        d[:, 0] += p[:, 0]
        return {"dW": d + (np.max(W, axis=0) == W)}

    inputs = {"W": np.random.default_rng(0).standard_normal((3, 4))}
    for wrap in (lambda f: f, numpy_on_torch):
        report = compare(numpy_on_torch(cost), wrap(gradient), inputs)
        assert (report.verdict, report.reference) == ("agrees", "autograd"), str(report)
        assert report.tensors[0].decided == 12


def test_what_should_be_0_throughout_is_held_to_its_bound():
    """A dead unit: beside a tensor of zeros no bound is small, but it is beside what stands in its place."""

    def cost(inputs):
        return np.sum(np.maximum(inputs["W"], 0))

    inputs = {"W": -np.ones((2, 2))}
    for wrap in (lambda f: f, numpy_on_torch):
        report = compare(numpy_on_torch(cost), wrap(lambda i: {"dW": i["W"] / 3}), inputs)
        assert report.verdict == "wrong", str(report)


def sigmoid_layer(inputs):
    A = 1 / (1 + np.exp(-(inputs["W"] @ inputs["X"])))
    return np.sum(A), {"A": A}


@pytest.mark.parametrize(("scale", "verdict"), [(5.0, "wrong"), (40.0, "undecided")])
def test_what_has_been_through_an_exponential_need_not_go_through_another(scale, verdict):
    """Of code that cannot be followed exp(5) = 148 hides no digits, though its own exponential would overflow; exp(40)
    in float32 may have cost all of them."""
    inputs = {"W": np.array([[1.0]], "float32"), "X": np.array([[-scale, 1.0]], "float32")}

    def wrong(i):
        A = 1 / (1 + np.exp(-(i["W"] @ i["X"])))
        return {"A": (A + np.float32(1e-3) * (A + 0.5)).astype("float32")}

    report = compare(numpy_on_torch(sigmoid_layer), wrong, inputs)
    assert report.verdict == verdict, str(report)
