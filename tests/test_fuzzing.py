"""Hostile input: whatever is given, a verdict or one error in words; nothing given is changed, and no file written."""

import os
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import gradcompare
from gradcompare import compare
from gradcompare.loading import CannotLoadError, load
from tests.fuzzing import MUTATIONS, call, file, snapshot

CALLS, FILES, CHECKS = 600, 240, 4
"""How many are tried in the ordinary tests; a hundred times as many calls and files, and checks, in the long ones."""
REFUSED, RAISED = "refused in words", "the subject's own exception"
VERDICTS = ("agrees", "wrong", "scaled", "undecided", "unfinished", "error")
OWN = str(Path(gradcompare.__file__).parent)

pytestmark = pytest.mark.filterwarnings("ignore")  # NumPy's, of arrays that make no sense


def reference(inputs):
    return (inputs["W"].double() ** 2).sum()


def outcome(number: int) -> str:
    """The verdict on a call, or what its error is; AssertionError where it is neither a verdict nor in words."""
    subject, inputs = call(number)
    before = list(snapshot(inputs))
    result = judged(subject, inputs)
    assert result in (*VERDICTS, REFUSED, RAISED), f"{number}: {result}"
    assert list(snapshot(inputs)) == before, f"{number}: what was given was changed"
    return result


def judged(subject, inputs) -> str:
    try:
        with np.errstate(all="ignore"):
            report = compare(reference, subject, inputs)
            return report.verdict if str(report) and report.to_json() else "no text"
    except Exception as error:
        if of_the_subject(error):
            return RAISED
        return REFUSED if isinstance(error, TypeError | ValueError) and deliberate(error) else repr(error)


def deliberate(error: Exception) -> bool:
    """Raised by a statement of ours that says why."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.filename.startswith(OWN) and "raise" in (last.line or "") and len(str(error)) > 20


def of_the_subject(error: Exception) -> bool:
    return any("subject" in note for note in getattr(error, "__notes__", ()))


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    """Where this runs; it has to be empty at the end."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert os.listdir(tmp_path) == []


def count(numbers):
    counted = Counter(outcome(number) for number in numbers)
    print(dict(counted))
    return counted


@pytest.mark.parametrize("part", range(4))
def test_any_call_has_a_verdict_or_an_error_in_words(part, empty_folder):
    counted = count(range(part * CALLS // 4, (part + 1) * CALLS // 4))
    assert {"agrees", "wrong", REFUSED, RAISED} <= set(counted)


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_sixty_thousand_calls(part, empty_folder):
    count(range(CALLS + 10 * part * CALLS, CALLS + 10 * (part + 1) * CALLS))


# ---- files -----------------------------------------------------------------------------------------------------------


def loads(number: int, folder: Path) -> str:
    """Whether a file can be loaded, or the sentence that says why not."""
    name, data = file(number)
    path = folder / name
    path.write_bytes(data)
    result = loaded_or_not(path)
    assert result == "loaded" or (result.startswith(REFUSED) and len(result) > 40 and "\n" not in result), result
    assert path.read_bytes() == data
    path.unlink()
    return result.partition(":")[0]


def loaded_or_not(path: Path) -> str:
    try:
        load(path)
    except CannotLoadError as error:
        return f"{REFUSED}: {error}"
    return "loaded"


@pytest.fixture
def no_marks_of_an_import(monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", True)


@pytest.mark.parametrize("part", range(2))
def test_any_file_is_loaded_or_refused_in_words(part, empty_folder, no_marks_of_an_import):
    numbers = range(part * FILES // 2, (part + 1) * FILES // 2)
    counted = Counter(loads(number, empty_folder) for number in numbers)
    assert min(counted["loaded"], counted[REFUSED]) > 10


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_twenty_four_thousand_files(part, empty_folder, no_marks_of_an_import):
    first = FILES + part * 10 * FILES
    print(Counter(loads(number, empty_folder) for number in range(first, first + 10 * FILES)))


def checked(number: int, folder: Path) -> str:
    name, data = file(number)
    path = folder / name
    path.write_bytes(data)
    report = gradcompare.check(path, examples=2, timeout=60)
    assert report.verdict in VERDICTS, name
    assert report.verdict not in ("error", "unfinished") or len(report.notes[0]) > 20, name
    assert "Traceback" not in str(report), name
    assert path.read_bytes() == data, name
    path.unlink()
    return report.verdict


@pytest.mark.parametrize("number", range(CHECKS))
def test_any_file_has_a_verdict(number, empty_folder):
    checked(number, empty_folder)


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_four_hundred_files_have_a_verdict(part, empty_folder):
    first = CHECKS + part * 10 * CHECKS
    print(Counter(checked(number, empty_folder) for number in range(first, first + 10 * CHECKS)))


def test_every_kind_of_file_is_tried():
    """And each number stands for the same file, so that what fails can be run again."""
    assert [file(number) for number in range(20)] == [file(number) for number in range(20)]
    names = [file(number)[0] for number in range(FILES)]
    assert any(name.endswith(".ipynb") for name in names)
    assert len(MUTATIONS) < FILES / 10
