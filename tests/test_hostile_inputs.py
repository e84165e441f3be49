"""Whatever `compare` is given: a report, or one error in words; and what it was given is not changed."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from gradcompare import compare

W = np.array([[1.0, -2.0], [0.5, 3.0]])


def reference(inputs):
    return (inputs["W"] ** 2).sum()


def right(inputs):
    return {"dW": 2 * inputs["W"]}


class Sub(np.ndarray):
    pass


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


GOOD_INPUTS = {
    "non-contiguous": np.arange(8.0).reshape(2, 4)[:, ::2],
    "reversed": W[::-1, ::-1],
    "transposed": W.T,
    "read-only": read_only(W),
    "big-endian": W.astype(">f8"),
    "a subclass": W.view(Sub),
    "a tensor": torch.tensor(W),
    "a list": W.tolist(),
    "a number": 3.0,
    "empty": np.zeros((0, 3)),
    "huge": W * 1e300,
    "tiny": W * 1e-300,
    "subnormal": W * 5e-324,
    "not a number": np.array([np.nan, 1.0]),
    "infinite": np.array([np.inf, 1.0]),
    "one entry": np.ones((1, 1, 1, 1, 1)),
    "float32": W.astype(np.float32),
}


@pytest.mark.parametrize("name", GOOD_INPUTS)
def test_arrays_of_every_kind_are_compared(name):
    with np.errstate(all="ignore"):
        given = GOOD_INPUTS[name]
        before = copy.deepcopy(given)
        report = compare(reference, right, {"W": given})
    assert report.verdict in ("agrees", "undecided"), str(report)
    assert str(report)
    assert report.to_json()
    assert np.array_equal(np.asarray(given), np.asarray(before), equal_nan=True)


REFUSED_INPUTS = {
    "no dict": [W],
    "nothing": {},
    "masked": {"W": np.ma.masked_array(W, W > 1)},
    "objects": {"W": W.astype(object)},
    "strings": {"W": np.array(["a"])},
    "complex": {"W": W + 1j},
    "dates": {"W": np.array(["2020-01-01"], dtype="M8[D]")},
    "ragged": {"W": [[1.0], [1.0, 2.0]]},
    "None": {"W": None},
    "a generator": {"W": (x for x in [1.0])},
    "two precisions": {"W": W, "b": W.astype(np.float32)},
    "half precision": {"W": W.astype(np.float16)},
    "integers alone": {"W": W.astype(int)},
}


@pytest.mark.parametrize("name", REFUSED_INPUTS)
def test_other_inputs_are_refused_in_words(name):
    with pytest.raises((TypeError, ValueError)) as error:
        compare(reference, right, REFUSED_INPUTS[name])
    assert len(str(error.value)) > 20


def spoils(inputs):
    d = 2 * inputs["W"]
    inputs["W"] *= 0
    return {"dW": d}


def view(inputs):
    inputs["W"] *= 2
    return {"dW": inputs["W"][:, :]}


def strange(value):
    return lambda inputs: {"dW": value}


STRANGE_CLAIMS = {
    "a number": 1.0,
    "a string": "dW",
    "an object": object(),
    "a dict": {"a": 1},
    "ragged": [[1.0], [2.0, 3.0]],
    "masked": np.ma.masked_array(2 * W, W > 1),
    "complex": 2 * W + 0j,
    "bool": W > 0,
    "NaN": W * np.nan,
    "empty": np.zeros((0, 2)),
    "rank 5": np.ones((1, 1, 2, 2, 1)),
    "transposed": 3 * W.T,
    "float16": (2 * W).astype(np.float16),
    "dates": np.array(["2020-01-01"], dtype="M8[D]"),
    "a tensor that is wrong": torch.tensor(W),
}


@pytest.mark.parametrize("name", STRANGE_CLAIMS)
def test_strange_claims_are_wrong(name):
    report = compare(reference, strange(STRANGE_CLAIMS[name]), {"W": W})
    assert report.verdict == "wrong"
    assert str(report)
    assert report.to_json()


@pytest.mark.parametrize("claim", [2 * W, (2 * W).tolist(), torch.tensor(2 * W), (2 * W).astype(">f8"), (2 * W)[::1]])
def test_right_claims_of_every_kind_agree(claim):
    assert compare(reference, strange(claim), {"W": W}).verdict == "agrees"


@pytest.mark.parametrize("result", [None, [], {}, W, 3, "dW", {"nothing": W}, {"dW": None}, iter([W])])
def test_subjects_without_claims_are_refused_in_words(result):
    with pytest.raises((TypeError, ValueError)) as error:
        compare(reference, lambda inputs: result, {"W": W})
    assert len(str(error.value)) > 20


def test_changed_inputs_are_noted_and_ours_are_not_changed():
    for subject in (spoils, view):
        given = {"W": W.copy()}
        report = compare(reference, subject, given)
        assert report.verdict == "agrees"
        assert any("changed its input W" in note for note in report.notes)
        assert np.array_equal(given["W"], W)


def test_an_exception_of_the_subject_is_its_own_with_a_note():
    def fails(inputs):
        raise ZeroDivisionError("meant")

    with pytest.raises(ZeroDivisionError, match="meant") as error:
        compare(reference, fails, {"W": W})
    assert any("subject" in note for note in error.value.__notes__)


BAD_REFERENCES = {
    "a float": lambda i: float((i["W"] ** 2).sum()),
    "not a scalar": lambda i: i["W"] ** 2,
    "nothing": lambda i: None,
    "a constant": lambda i: torch.tensor(1.0),
    "detached": lambda i: (i["W"].detach() ** 2).sum(),
}


@pytest.mark.filterwarnings("ignore:Converting a tensor")
@pytest.mark.parametrize("name", BAD_REFERENCES)
def test_references_without_a_cost_are_refused_in_words(name):
    with pytest.raises((TypeError, ValueError)) as error:
        compare(BAD_REFERENCES[name], right, {"W": W})
    assert len(str(error.value)) > 20


def test_whole_numbers_may_be_computed_with():
    def with_classes(inputs):
        return (inputs["W"] * (inputs["Y"] ** 2).sum()).sum()

    given = {"W": W, "Y": np.array([1, 2, 3])}
    assert compare(with_classes, lambda i: {"dW": np.full_like(i["W"], 14)}, given).verdict == "agrees"
    assert compare(with_classes, lambda i: {"dW": np.full_like(i["W"], 15)}, given).verdict == "wrong"


anything = st.one_of(
    npst.arrays(
        dtype=npst.scalar_dtypes(),
        shape=npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    ),
    st.none(),
    st.text(max_size=3),
    st.floats(),
    st.lists(st.floats(), max_size=3),
)


def verdict_or_error(subject, inputs):
    try:
        return compare(reference, subject, inputs).verdict
    except (TypeError, ValueError) as error:
        return "refused in words" if len(str(error)) > 20 else str(error)


@settings(max_examples=150)
@given(value=anything)
def test_any_claim_has_a_verdict(value):
    with np.errstate(all="ignore"):
        outcome = verdict_or_error(strange(value), {"W": W})
    assert outcome in ("agrees", "wrong", "undecided", "scaled", "refused in words")


@settings(max_examples=150)
@given(value=anything)
def test_any_input_has_a_verdict_or_an_error(value):
    with np.errstate(all="ignore"):
        outcome = verdict_or_error(right, {"W": value})
    assert outcome in ("agrees", "undecided", "refused in words")
