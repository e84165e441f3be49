"""The rules of others beside ours: restated as they stand, asked fairly, and counted right."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import limits, questions, quotes, results, verdicts
from benchmarks.rules import RULES, Question, installed
from tests.mistakes import MISTAKES

pytestmark = pytest.mark.filterwarnings("ignore")  # of other people's code
PLAIN = questions.of_size((3, 4, 2), 5)


def asked(name: str, question: Question = PLAIN) -> bool:
    rule = RULES[name]
    if not installed(rule):
        pytest.skip(f"{rule.needs} is not installed")
    dtype = rule.precisions[0]
    return rule.flags(replace(question, inputs={k: v.astype(dtype) for k, v in question.inputs.items()}))


def with_claims(**changes) -> Question:
    """The right program with some results replaced: {name: function of the right one}."""

    def program(inputs):
        right = dict(PLAIN.program(inputs))
        return right | {name: change(right[name]) for name, change in changes.items()}

    return replace(PLAIN, program=program)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_tells_a_gross_mistake_from_a_right_program(name):
    forgiving = name == "FlashAttention"  # of ten right programs it accuses more than one
    assert forgiving or not asked(name)
    assert asked(name, with_claims(dW1=lambda d: 2 * d + 1))


FORGIVEN = {
    "GradBench": {"dW1": lambda d: d * np.nan},  # NaN > 1e-4 does not hold
    "llm.c": {"db1": lambda d: d.ravel()},  # arrays of numbers, without a shape
    "makemore": {"db1": lambda d: d + 1e-9, "A1": lambda A: 2 * A},  # gradients alone
    "numpy-ml": {"dZ1": lambda d: 2 * d, "dW1": lambda d: d + 1e-3},
    "tinygrad": {"dA1": lambda d: 2 * d},
    "assert_close": {"dW1": lambda d: d + 5e-8},
    "scikit-learn": {"dW1": lambda d: d + 1e-7},
}
ACCUSED = {
    "GradBench": {"dW1": lambda d: d + 3e-4},
    "llm.c": {"dW1": lambda d: d * np.nan},
    "makemore": {"db1": lambda d: d + 1e-4},
    "numpy-ml": {"dW1": lambda d: d + 2e-3},
    "tinygrad": {"A2": lambda A: A * 1.01},
    "assert_close": {"dZ1": lambda d: d * (1 + 1e-5)},
    "scikit-learn": {"dW1": lambda d: d + 3e-7},
    "gradcompare": {"dZ1": lambda d: d * (1 + 1e-12)},
    "gradcompare, opaque": {"dZ1": lambda d: d * (1 + 1e-12)},
}


@pytest.mark.parametrize("name", FORGIVEN)
def test_rules_forgive_what_their_sources_forgive(name):
    assert not asked(name, with_claims(**FORGIVEN[name]))


@pytest.mark.parametrize("name", ACCUSED)
def test_rules_accuse_what_their_sources_accuse(name):
    assert asked(name, with_claims(**ACCUSED[name]))


def test_what_is_more_precise_than_asked_is_rounded_before_it_is_compared():
    question = replace(PLAIN, inputs={k: v.astype("float32") for k, v in PLAIN.inputs.items()})
    wide = replace(question, program=lambda i: {k: np.asarray(v, "float64") for k, v in PLAIN.program(i).items()})
    assert {claim.dtype.name for claim in wide.claims.values()} == {"float32"}


@pytest.mark.parametrize("summed", [True, False])
def test_autograd_answers_in_the_programs_own_convention(summed):
    theirs, plain = replace(PLAIN, summed=summed).autograd(), PLAIN.autograd()
    np.testing.assert_allclose(theirs["dZ1"], plain["dZ1"] / (1 if summed else 5))
    np.testing.assert_array_equal(theirs["dW1"], plain["dW1"])
    for name, claim in PLAIN.claims.items():
        np.testing.assert_allclose(claim, plain[name], rtol=1e-12, atol=1e-14)


# ---- the questions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mistake", ["sigmoid's slope", "1/m twice", "a clip in both logarithms", "one NaN"])
def test_a_question_with_a_mistake_is_never_a_right_program(mistake):
    """Where the slope is sigmoid's own, or nothing is clipped, another network is drawn."""
    for number in range(5):
        question = questions.wrong(mistake, number)
        with np.errstate(all="ignore"):
            theirs = question.autograd()
            off = [np.max(np.abs(question.claims[k] - theirs[k]) / np.max(np.abs(theirs[k]) + 1e-300)) for k in theirs]
        assert not np.max(off) < 1e-6  # it may be NaN
        again = questions.wrong(mistake, number).claims
        assert all(np.array_equal(question.claims[name], again[name], equal_nan=True) for name in again)


@pytest.mark.parametrize("kind", questions.NUMBERS)
def test_right_questions_are_the_same_each_time(kind):
    for number in range(3):
        one, other = questions.right(kind, number), questions.right(kind, number)
        assert one.dtype == other.dtype
        assert all(np.array_equal(one.inputs[name], other.inputs[name]) for name in one.inputs)


# ---- counting --------------------------------------------------------------------------------------------------------


def test_the_interval_is_wilsons():
    assert verdicts.interval(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert verdicts.interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert verdicts.interval(10, 10) == pytest.approx((0.7225, 1), abs=1e-4)
    assert verdicts.percent({"flagged": 1, "asked": 4, "low": 0.05, "high": 0.7}, "wrong") == "75 (30 to 95)"


@given(last=st.integers(-1, limits.STEPS - 1), near=st.integers(0, limits.STEPS - 1))
def test_the_threshold_is_found_from_anywhere(last, near):
    assert limits.threshold(lambda step: step <= last, near) == last


def test_the_limit_is_what_is_found_in_95_of_100():
    assert limits.limit([1e-9] * 95 + [1e-3] * 5) == 1e-9
    assert limits.limit([1e-9] * 94 + [1e-3] * 6) == 1e-3
    assert limits.limit([1e-9] * 94 + [math.inf] * 6) is None
    assert limits.limit([0.0] * 6 + [1e-9] * 94) is None  # it accuses right programs


@pytest.fixture
def two_rules(monkeypatch):
    few = {name: RULES[name] for name in ("gradcompare", "assert_close")}
    for module in (verdicts, limits):
        monkeypatch.setattr(module, "RULES", few)


def test_verdicts_run_at_their_smallest_size(two_rules, tmp_path, capsys):
    verdicts.main(["--smallest", "--rounds", "1", "--jobs", "1", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "verdicts.json").read_text())
    assert "gradcompare" in capsys.readouterr().out
    assert set(found["wrong"]) == {*list(MISTAKES)[:2], "all"}
    assert found["right"]["all"]["gradcompare"]["asked"] == 4 * len(questions.NUMBERS)
    assert found["right"]["all"]["gradcompare"]["flagged"] == 0


def test_limits_run_at_their_smallest_size_and_go_on_where_they_ended(two_rules, tmp_path, capsys, monkeypatch):
    arguments = ["--smallest", "--jobs", "1", "--only", "dW1, tanh", "--out", str(tmp_path)]
    limits.main(arguments)
    found = json.loads((tmp_path / "limits.json").read_text())["limits"]
    assert found["dW1, tanh, 2 layers, float64"]["gradcompare"] < 1e-11
    monkeypatch.setattr(limits, "search", None)
    limits.main(arguments)
    assert "1e-" in capsys.readouterr().out


def test_the_readmes_quote_the_results():
    text = "".join(file.read_text(encoding="utf-8") for file in quotes.FILES)
    assert quotes.quoted(text) == text, "python -m benchmarks.quotes puts them there anew"
    assert all(f"<!-- {name} -->" in text for name in quotes.QUOTES)


def test_a_quotation_follows_its_result(tmp_path):
    ran = {
        "networks": 7,
        "verdicts": {"agrees": 6, "undecided": 1},
        "accused": [],
        "worst": {"float64": {"Z": [0.5, 3]}},
    }
    results.write(tmp_path, "false_alarms", ran)
    text = quotes.quoted("Before.\n<!-- false_alarms -->\nold\n<!-- end -->\nAfter.", tmp_path)
    assert text.startswith("Before.\n<!-- false_alarms -->\nOf 7 networks")
    assert text.endswith("0.50.\n<!-- end -->\nAfter.")
