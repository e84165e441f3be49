"""Many files: each once, whatever dies on the way; what they are, and the table that comes of them."""

import csv
import io
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gradcompare.commands import batch, journal, outputs, table_csv
from gradcompare.commands.batch import BatchError, Job, checked, failed, for_cluster, run
from gradcompare.commands.targets import Target, targets

EXAMPLES = Path(__file__).parent.parent / "examples"
RIGHT, WRONG = EXAMPLES / "dict_cache_right.py", EXAMPLES / "dict_cache_lost_derivative.py"
OPTIONS = {"examples": 2, "dtype": "float64"}


# ---- what is to be checked


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x = 1\n")


def test_a_folder_stands_for_its_python_files_sorted_and_each_once(tmp_path):
    write(tmp_path, "b.py", "a.py", "deep/c.py", "notes.txt", ".hidden/d.py")
    found, again = targets([str(tmp_path), str(tmp_path / "deep" / ".." / "a.py")])
    assert [target.file for target in found] == [str(tmp_path / name) for name in ("a.py", "b.py", "deep/c.py")]
    assert again == [str(tmp_path / "deep" / ".." / "a.py")]


def test_a_name_may_follow_the_file(tmp_path):
    write(tmp_path, "a.py", "odd::name.py")
    found, again = targets([f"{tmp_path}/a.py::Net", f"{tmp_path}/a.py::Other", f"{tmp_path}/odd::name.py"])
    assert [(Path(target.file).name, target.name) for target in found] == [
        ("a.py", "Net"),
        ("a.py", "Other"),
        ("odd::name.py", None),
    ]
    assert not again
    assert str(found[0]) == f"{tmp_path}/a.py::Net"


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("gone.py", "is not a file: there is nothing there"),
        ("empty", "is a folder without Python files"),
        ("empty::Net", "is a folder; FILE::Net is for a file"),
        ("a.py::", "names nothing in the file"),
        ("notes.txt", "is not a Python file"),
        ("binary.py", "binary file"),
        ("pipe.py", "is not a file"),
    ],
)
def test_what_cannot_be_checked_is_known_before_a_process_is_started(tmp_path, monkeypatch, argument, says):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "a.py", "notes.txt")
    (tmp_path / "empty").mkdir()
    (tmp_path / "binary.py").write_bytes(b"\x7fELF\0\1")
    os.mkfifo(tmp_path / "pipe.py")
    [target], _ = targets([argument])
    assert says in target.problem
    outcome = checked(Job(target))
    assert outcome.verdict == "error"
    assert says in outcome.line
    assert "\n" not in outcome.line


# ---- one file


def test_a_fault_of_our_own_is_an_outcome_that_is_not_kept(tmp_path, monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr("gradcompare.checking.check.check", fails)
    outcome = checked(Job(Target(str(RIGHT))))
    assert outcome.verdict == "error"
    assert not outcome.lasting
    assert "gradcompare itself failed" in outcome.line
    assert "ZeroDivisionError: by zero" in outcome.line


def test_a_long_reason_is_whole_in_the_report_and_one_line_in_a_list():
    outcome = failed(Target("a.py"), "Not recognised. Add:\n\ndef loss(X, Y):\n    ...")
    assert outcome.line == "a.py: not checked. Not recognised."
    assert outcome.text == "a.py: not checked. Not recognised. Add:\n\ndef loss(X, Y):\n    ..."


def test_a_machine_that_sees_another_file_says_so(tmp_path, monkeypatch):
    file = tmp_path / "a.py"
    file.write_text("x = 1\n")
    job = for_cluster(Job(Target(str(file))))
    file.write_text("x = 2\n")
    outcome = checked(job)
    assert "sees another version of it" in outcome.line
    assert not outcome.lasting
    assert "has gradcompare" in checked(replace(job, version="0.0")).line


# ---- many files


def jobs(count: int) -> list[Job]:
    return [Job(Target(str(WRONG if i % 2 else RIGHT)), OPTIONS) for i in range(count)]


def verdicts(found: dict[int, batch.Outcome]) -> list[str]:
    return [found[i].verdict for i in sorted(found)]


def test_an_exit_that_python_drops_is_made_all_the_same(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        """
import time
from gradcompare.commands import batch

class Destructor:
    def __del__(self):
        raise SystemExit(1)

def work(task):
    Destructor()
    time.sleep(100)
    return task

if __name__ == "__main__":
    print(dict(batch.each(work, [1, 2], 2)))
"""
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=90)
    assert (done.stdout, done.stderr) == ("{0: None, 1: None}\n", "")


def test_a_killed_process_loses_nothing_and_nothing_is_counted_twice():
    seen: list[int] = []
    found: dict[int, batch.Outcome] = {}
    killed = None
    for i, outcome in run(jobs(4), 2):
        seen.append(i)
        found[i] = outcome
        if killed is None:
            killed = multiprocessing.active_children()[0]
            os.kill(killed.pid, signal.SIGKILL)
    assert sorted(seen) == [0, 1, 2, 3]
    assert verdicts(found) == ["agrees", "wrong", "agrees", "wrong"]
    assert not multiprocessing.active_children()


class Dying(batch.Executor):
    """A pool that breaks at every job of one file, and does the others here."""

    def submit(self, function, work, job):
        future: batch.Future = batch.Future()
        if job.target.file == "deadly.py":
            future.set_exception(batch.BrokenProcessPool())
        else:
            future.set_result(failed(job.target, "done"))
        return future


def test_a_file_that_kills_every_worker_ends_the_run_of_no_other(monkeypatch):
    monkeypatch.setattr(batch, "_here", lambda at_once: Dying())
    work = [Job(Target(name)) for name in ("a.py", "deadly.py", "b.py", "c.py")]
    found = list(run(work, 2))
    assert sorted(i for i, _ in found) == [0, 1, 2, 3]
    says = {work[i].target.file: outcome.line for i, outcome in found}
    assert "killed" in says.pop("deadly.py")
    assert all("done" in line for line in says.values())


def squared(number):
    return number**2


@pytest.mark.parametrize("at_once", [1, 2])
def test_any_work_can_be_spread(at_once):
    assert dict(batch.each(squared, range(5), at_once)) == {i: i * i for i in range(5)}


def test_left_early_the_processes_are_ended():
    results = run([Job(Target(str(RIGHT)), {"examples": 100_000})] * 2, 2)
    with pytest.raises(TimeoutError):
        _for_seconds(1.5, lambda: next(results))
    results.close()
    assert not multiprocessing.active_children()


def _for_seconds(seconds, function):
    def late(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return function()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore")  # Dask's own
def test_a_cluster_loses_a_worker_and_no_file():
    distributed = pytest.importorskip("distributed", reason="needs the extra: pip install -e '.[cluster]'")
    with (
        distributed.LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        processes = client.run(os.getpid)
        seen: list[int] = []
        found: dict[int, batch.Outcome] = {}
        killed = None
        for i, outcome in run(jobs(5), cluster=cluster.scheduler_address):
            seen.append(i)
            found[i] = outcome
            if killed is None:
                killed = next(address for address, keys in client.processing().items() if keys)
                os.kill(processes[killed], signal.SIGKILL)
        assert killed not in client.run(os.getpid)
    assert sorted(seen) == list(range(5))
    assert verdicts(found) == ["agrees", "wrong", "agrees", "wrong", "agrees"]


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_not_there_is_said_in_a_sentence(monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra: pip install -e '.[cluster]'")
    monkeypatch.setattr(batch, "CONNECT", 0.5)
    with pytest.raises(BatchError, match=r"There is no Dask scheduler at tcp://127\.0\.0\.1:9"):
        list(run(jobs(1), cluster="tcp://127.0.0.1:9"))


# ---- an interrupted run


def test_what_is_known_is_kept_until_the_end(tmp_path):
    file = str(tmp_path / "marks.csv.unfinished")
    outcome = failed(Target("a.py"), "Größe\n=1")
    with journal.Journal(file) as kept:
        kept.add("key", outcome)
        kept.add("other", outcome)
    with open(file, "ab") as cut_off:
        cut_off.write(b'{"key": "third", "outc')
    with journal.Journal(file) as kept:
        assert kept.known("key") == outcome
        assert kept.known("third") is None
        kept.add("fourth", outcome)
    with journal.Journal(file) as kept:
        assert kept.known("other") == kept.known("fourth") == outcome
        kept.remove()
    assert not os.path.exists(file)


def test_a_run_that_found_out_nothing_leaves_nothing(tmp_path):
    file = str(tmp_path / "marks.csv.unfinished")
    with journal.Journal(file):
        assert os.path.exists(file)
    assert not os.path.exists(file)


def test_what_changes_an_answer_changes_its_key(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("from helper import sigmoid\nimport package.part\n")
    job = Job(Target(str(file)), OPTIONS)
    keys = [journal.key(job), journal.key(replace(job, options={**OPTIONS, "seed": 1}))]
    for name in ("helper.py", "package/part.py", "package/__init__.py"):
        write(tmp_path, name)
        keys.append(journal.key(job))
    (tmp_path / "helper.py").write_text("import a\n")
    keys.append(journal.key(job))
    file.write_text("from helper import relu\n")
    keys.append(journal.key(job))
    assert len(set(keys)) == len(keys)
    write(tmp_path, "unrelated.py")
    assert journal.key(job) == keys[-1]


# ---- what is written


def report(file: str = "a.py", **more: object) -> dict:
    return failed(Target(file), "why\nnot").report | more


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_row_a_file_and_a_column_a_tensor():
    tensors = [
        {"name": "dZ1", "verdict": "ok", "cell": 3},
        {"name": "dZ1", "verdict": "fault", "cell": 3},
        {"name": "line", "verdict": "inherited", "cell": None},
        {"name": "other", "verdict": "missing", "cell": None},
    ]
    wrong = report(
        "b.ipynb",
        verdict="wrong",
        tensors=tensors,
        first_fault={"name": "dZ1", "line": 4},
        diagnosis=[{"mistake": "slope missing", "name": "dZ1"}],
    )
    assert rows(table_csv.table([report(), wrong])) == [
        ["file", "verdict", "first_fault", "line", "mistake", "note", "dZ1", "line (tensor)"],
        ["a.py", "error", "", "", "", "why", "", ""],
        ["b.ipynb", "wrong", "dZ1", "cell 3, line 4", "slope missing", "", "fault", "inherited"],
    ]


@pytest.mark.parametrize("name", ["=1+2.py", "+a.py", "-a.py", "@a.py", "\t=a.py", "\n=a.py", 'a,"b"\n.py', "Größe.py"])
def test_no_name_is_a_formula_or_breaks_a_row(name):
    data = table_csv.table([report(name)])
    [_, row] = rows(data)
    assert not row[0].startswith(table_csv.FORMULA)
    assert data.count(b"\n") == 2
    assert data.startswith(b"\xef\xbb\xbf") == (not name.isascii())


def test_a_file_is_written_whole_and_keeps_its_mode(tmp_path):
    file = tmp_path / "marks.csv"
    outputs.write(str(file), b"old")
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~outputs._umask()
    file.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(file)
    outputs.write(str(link), b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.csv", "marks.csv"]
    outputs.write(os.devnull, b"into a device")


def test_where_nothing_can_be_written_is_found_out_before(tmp_path):
    with pytest.raises(outputs.CannotWriteError, match="it is a folder"):
        outputs.check_writable(str(tmp_path))
    with pytest.raises(outputs.CannotWriteError, match="there is no folder"):
        outputs.check_writable(str(tmp_path / "gone" / "marks.csv"))
    with pytest.raises(outputs.CannotWriteError, match=r"/proc/marks\.csv cannot be written"):
        outputs.check_writable("/proc/marks.csv")
    outputs.check_writable(str(tmp_path / "marks.csv"))
    outputs.check_writable(os.devnull)
    assert not os.listdir(tmp_path)
