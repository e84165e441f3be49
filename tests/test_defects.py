"""What explains a verdict may fail, and the verdict stands; here such a failure is an error."""

import pytest

import gradcompare
from gradcompare.checking import conclusion, defects, explaining
from gradcompare.diagnosis import UNKNOWN

LOST = """
import numpy as np

def forward(X, parameters):
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    A2 = 1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"])))
    return A2, {"A1": A1, "A2": A2}

def backward(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = parameters["W2"].T @ dZ2
    return {
        "dW1": dZ1 @ X.T / m,
        "db1": np.sum(dZ1, axis=1, keepdims=True) / m,
        "dW2": dZ2 @ cache["A1"].T / m,
        "db2": np.sum(dZ2, axis=1, keepdims=True) / m,
    }
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "lost.py"
    path.write_text(LOST.lstrip())
    return path


def fail(*_args, **_options):
    raise KeyError("planted")


@pytest.mark.parametrize(
    ("module", "function", "what"),
    [
        (explaining, "diagnose", "the mistake"),
        (conclusion, "place", "the lines"),
        (conclusion, "smallest", "the smallest network"),
    ],
)
def test_a_failure_of_what_explains_is_a_note(file, monkeypatch, module, function, what):
    monkeypatch.setattr(module, function, fail)
    with pytest.raises(KeyError, match="planted"):
        gradcompare.check(file, examples=4)
    monkeypatch.setattr(defects, "EXCUSED", True)
    report = gradcompare.check(file, examples=4)
    assert report.verdict == "wrong"
    assert {f.name for f in report.tensors if f.verdict in ("fault", "inherited")} >= {"dW1", "db1"}
    (note,) = [note for note in report.notes if "itself failed" in note]
    assert what in note
    assert "planted" in note
    if what == "the mistake":
        assert [found["mistake"] for found in report.diagnosis] == [UNKNOWN]
        assert report.first_fault.source == 'dZ1 = parameters["W2"].T @ dZ2'
    assert str(report)
