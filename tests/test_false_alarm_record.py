"""The long run of right code: each network is counted once, whatever interrupts it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import false_alarms, results
from benchmarks.false_alarms import main, merged, missing, sentence

ranges = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)).map(sorted), max_size=5)


def numbers(some):
    return {number for first, last in some for number in range(first, last)}


@given(ran=ranges, networks=st.integers(0, 3000))
def test_what_is_missing_was_not_run_and_is_all_there_is(ran, networks):
    parts = missing(ran, networks)
    assert sum(last - first for first, last in parts) == len(numbers(parts))
    assert numbers(parts) == set(range(networks)) - numbers(ran)
    assert all(last - first <= false_alarms.PART for first, last in parts)
    assert numbers(merged(ran)) == numbers(ran)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(false_alarms, "PART", 2)


def record(folder):
    found = json.loads((folder / "false_alarms.json").read_text())
    return {name: found[name] for name in ("networks", "ran", "verdicts", "accused", "worst", "failed", "code")}


def run(folder, networks, *more):
    return main(["--networks", str(networks), "--jobs", "1", "--out", str(folder), *more])


def test_an_interrupted_run_goes_on_and_counts_nothing_twice(small_parts, tmp_path, monkeypatch, capsys):
    assert run(tmp_path / "at once", 7) == 0
    real, parts_run = false_alarms.part, []

    def interrupted(task):
        if len(parts_run) == 2:
            raise KeyboardInterrupt
        parts_run.append(task)
        return real(task)

    monkeypatch.setattr(false_alarms, "part", interrupted)
    run(tmp_path / "in parts", 7)
    assert "goes on from here" in capsys.readouterr().out
    assert record(tmp_path / "in parts")["networks"] == 4
    monkeypatch.setattr(false_alarms, "part", real)
    run(tmp_path / "in parts", 5)
    run(tmp_path / "in parts", 7)
    run(tmp_path / "in parts", 7)
    assert record(tmp_path / "in parts") == record(tmp_path / "at once")
    assert sum(record(tmp_path / "at once")["verdicts"].values()) == 7


def test_counts_of_other_code_are_not_added_to(small_parts, tmp_path, monkeypatch):
    run(tmp_path, 2)
    monkeypatch.setattr(false_alarms, "code", lambda: "other")
    with pytest.raises(SystemExit, match="other code"):
        run(tmp_path, 4)
    run(tmp_path, 2, "--anew")
    assert record(tmp_path)["code"] == "other"
    assert record(tmp_path)["networks"] == 2


def test_a_worker_with_other_code_is_refused():
    with pytest.raises(ValueError, match="other code"):
        false_alarms.part((0, 1, "other"))


def test_an_accusation_and_a_part_that_failed_are_kept(small_parts, tmp_path, monkeypatch, capsys):
    accusing = {"verdicts": {"agrees": 1, "wrong": 1}, "accused": [0], "worst": {"float64": {"Z": (0.5, 1)}}}
    monkeypatch.setattr(false_alarms.batch, "each", lambda *_: (x for x in [(0, accusing), (1, None)]))
    assert run(tmp_path, 4) == 1
    assert "Accused: networks [0]" in capsys.readouterr().out
    assert record(tmp_path)["ran"] == [[0, 2]]
    assert record(tmp_path)["failed"] == [[2, 4]]


def test_the_record_adds_up():
    found = results.read(results.RESULTS, "false_alarms")
    assert found["networks"] == sum(last - first for first, last in found["ran"]) == sum(found["verdicts"].values())
    assert sentence(found).startswith(f"Of {found['networks']:,} networks of right code 0 were accused")
