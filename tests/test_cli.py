"""The command: what it prints and where, its exit status, and what it leaves behind."""

import csv
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gradcompare import losses
from gradcompare.checking import check as checking
from gradcompare.checking.errors import CheckInterruptedError
from gradcompare.cli import main
from gradcompare.commands import arguments, exit_status
from gradcompare.commands import table as commands
from gradcompare.interfaces import INTERFACES
from gradcompare.judging.verdict import Finding
from gradcompare.report import Report

EXAMPLES = Path(__file__).parent.parent / "examples"
RIGHT, WRONG = EXAMPLES / "dict_cache_right.py", EXAMPLES / "dict_cache_lost_derivative.py"


def command(*words: object, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "gradcompare", *map(str, words)], capture_output=True, text=True, **options
    )


def rows_of(file: str | Path) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(file).read_text().splitlines()))


# ---- a check that answers at once, for what surrounds it


def finding(name: str, verdict: str, line: int) -> Finding:
    return Finding(name, name[1:], verdict, (1, 1), "float64", line=line, source=f"{name} = ...", error=1.0, ratio=2.0)


def report(verdict: str) -> Report:
    found = Report(verdict, [finding("dZ1", "ok" if verdict == "agrees" else "fault", 7)], precisions=("float64",))
    if verdict in ("error", "unfinished"):
        found.tensors, found.notes = [], ["why it could not be judged"]
    if verdict == "wrong":
        found.diagnosis = [
            {"name": "dZ1", "line": 7, "mistake": "sign", "says": "the sign is wrong", "fix": "dZ1 = -x"}
        ]
        found.smallest_case = {"sizes": [1, 1], "m": 1, "inputs": {"X": np.ones((1, 1), np.float32)}, "seed": 3}
    return found


@pytest.fixture
def checks(tmp_path, monkeypatch):
    """A file's check reports the verdict that its text names; the list holds the calls."""
    calls = []

    def check(path, *, name=None, **options):
        calls.append((path.name, options if name is None else options | {"name": name}))
        verdict = path.read_text().strip()
        if verdict == "interrupt":
            raise KeyboardInterrupt
        if verdict == "interrupt later":
            raise CheckInterruptedError(report("wrong"))
        found = report(verdict)
        found.subject = {"file": str(path), "interface": None, "functions": []}
        return found

    monkeypatch.setattr(checking, "check", check)
    monkeypatch.chdir(tmp_path)
    return calls


def files(**texts: str) -> None:
    for name, text in texts.items():
        Path(f"{name}.py").write_text(text)


def test_one_file_is_a_report(checks, capsys):
    files(a="wrong")
    assert main(["check", "a.py"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("a.py: wrong. It first goes wrong at line 7, dZ1.\n")
    assert "Probably: the sign is wrong" in out
    assert "np.array" not in out
    assert err == ""


def test_verbose_adds_every_tensor_and_a_snippet_that_runs(checks, capsys):
    files(a="wrong")
    assert main(["check", "a.py", "--verbose"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"^ +tensor +shape +error", out, re.MULTILINE)
    names: dict = {}
    exec(out[out.index("import numpy") :], names)
    assert names["X"].dtype == np.float32


SAVES = """\
import os, pathlib, shutil
import numpy as np

class Line:
    def __init__(self, n_inputs, n_outputs):
        self.W = np.random.randn(n_inputs, n_outputs)

    def forward(self, X):
        return X @ self.W

    def loss(self, out, y):
        return np.sum((out - y) ** 2)

    def backward(self, X, y, out):
        os.makedirs("checkpoints", exist_ok=True)
        self.dW = 2 * X.T @ (out - y)
        np.save("one.npy", self.dW)
        np.savez("two.npz", self.W, self.dW)
        self.dW.tofile("three.bin")
        pathlib.Path("four.txt").write_text("done")
        pathlib.Path("kept.txt").rename("renamed.txt")
        with open("kept.txt", "a") as log:
            log.write("more")
        os.remove("kept.txt")
        shutil.rmtree("kept")
"""


def test_what_the_code_saves_or_removes_stays_as_it_is(tmp_path):
    (tmp_path / "net.py").write_text(SAVES)
    (tmp_path / "kept.txt").write_text("kept")
    (tmp_path / "kept").mkdir()
    answer = command("check", "net.py", "--examples", 4, "--dtype", "float64", cwd=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "kept.txt", "net.py"]
    assert (tmp_path / "kept.txt").read_text() == "kept"


def test_quiet_is_a_line(checks, capsys):
    files(a="wrong", b="unfinished")
    assert main(["check", "a.py", "--quiet"]) == 1
    assert capsys.readouterr().out.count("\n") == 1
    assert main(["check", "a.py", "b.py", "--quiet", "--jobs", "1"]) == 1
    assert capsys.readouterr().out == (
        "a.py: wrong. It first goes wrong at line 7, dZ1. Probably: the sign is wrong\n"
        "b.py: unfinished. why it could not be judged\n"
    )


def test_a_folder_is_a_line_for_each_file_and_a_summary(checks, capsys):
    files(a="wrong", b="unfinished", c="agrees", d="wrong", **{"e" * 120: "agrees"})
    assert main(["check", ".", "--jobs", "1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:5]] == ["a.py", "b.py", "c.py", "d.py", "e" * 120 + ".py"]
    assert [line.split() for line in lines[9:12]] == [
        ["wrong", "sign", "2", "a.py"],
        ["unfinished", "1", "b.py"],
        ["agrees", "2", "c.py"],
    ]
    assert lines[-1] == "5 files: 2 agrees, 1 unfinished, 2 wrong."


def test_all_files_are_checked_with_the_same_options(checks):
    files(a="agrees", b="agrees")
    given = ["--seed", "-5", "--examples", "7", "--dtype", "float32", "--loss", "squared_error", "--timeout", "9"]
    assert main(["check", ".", "--interface", "class", *given, "--jobs", "1"]) == 0
    assert [name for name, _ in checks] == ["a.py", "b.py"]
    for _, options in checks:
        options.pop("progress")
        assert options == {
            "interface": "class",
            "loss": "squared_error",
            "dtype": "float32",
            "examples": 7,
            "seed": -5,
            "timeout": 9.0,
        }


def test_a_name_in_the_file_is_passed_on(checks, capsys):
    files(a="agrees")
    assert main(["check", "a.py::Net"]) == 0
    assert checks[0][1]["name"] == "Net"
    assert capsys.readouterr().out.startswith("a.py")


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        (["agrees"], 0), (["wrong"], 1), (["scaled"], 1), (["undecided"], 2), (["unfinished"], 2), (["error"], 2),
        (["agrees", "error"], 2), (["error", "wrong", "agrees"], 1), (["undecided", "scaled"], 1), ([], 2),
    ],
)  # fmt: skip
def test_exit_status(verdicts, status):
    assert exit_status.of_all(verdicts) == status


# ---- JSON and CSV


def test_json_alone_is_on_standard_output(checks, capsys):
    files(a="wrong", b="error")
    assert main(["check", "a.py", "--json", "-"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "wrong"
    assert main(["check", "b.py", "--json", "-", "--verbose"]) == 2
    assert json.loads(capsys.readouterr().out)["verdict"] == "error"
    assert main(["check", "b.py", "gone.py", "--json", "-", "--jobs", "1"]) == 2
    both = json.loads(capsys.readouterr().out)
    assert [(one["subject"]["file"], one["verdict"]) for one in both] == [("b.py", "error"), ("gone.py", "error")]
    assert main(["check", ".", "--json", "-", "--csv", "gone/marks.csv"]) == 2
    assert "gone/marks.csv cannot be written" in json.loads(capsys.readouterr().out)["notes"][0]


def test_a_folder_with_one_file_is_a_list_too(checks, capsys):
    files(a="agrees")
    assert main(["check", ".", "--json", "-"]) == 0
    assert [one["verdict"] for one in json.loads(capsys.readouterr().out)] == ["agrees"]


def test_json_and_csv_into_files_beside_the_text(checks, capsys):
    files(a="wrong", b="agrees")
    assert main(["check", ".", "--json", "r.json", "--csv", "m.csv", "--jobs", "1"]) == 1
    assert "a.py: wrong" in capsys.readouterr().out
    assert [one["verdict"] for one in json.loads(Path("r.json").read_text())] == ["wrong", "agrees"]
    rows = rows_of("m.csv")
    assert [(row["file"], row["verdict"], row["mistake"], row["dZ1"]) for row in rows] == [
        ("a.py", "wrong", "sign", "fault"),
        ("b.py", "agrees", "", "ok"),
    ]
    assert sorted(os.listdir()) == ["a.py", "b.py", "m.csv", "r.json"]


# ---- interrupted


def test_an_interrupted_run_says_what_was_known_and_goes_on_from_there(checks, capsys):
    files(a="wrong", b="agrees", c="interrupt", d="agrees")
    line = ["check", ".", "--csv", "m.csv", "--jobs", "1"]
    assert main(line) == 1
    out, err = capsys.readouterr()
    assert "4 files: 1 agrees, 2 not checked, 1 wrong." in out
    assert (
        err == "gradcompare check: Interrupted. 2 of 4 files have been checked; the same command goes on from there.\n"
    )
    rows = rows_of("m.csv")
    assert [row["verdict"] for row in rows] == ["wrong", "agrees", "not checked", "not checked"]

    checks.clear()
    files(b="wrong", c="agrees")  # one that was known has changed
    assert main(line) == 1
    out, err = capsys.readouterr()
    assert [name for name, _ in checks] == ["b.py", "c.py", "d.py"]
    assert "going on from an interrupted run, which had checked 1 of 4 files" in err
    assert "4 files: 2 agrees, 2 wrong." in out
    assert out.count("a.py: wrong") == 1
    assert not Path("m.csv.unfinished").exists()

    checks.clear()
    assert main(line) == 1
    assert len(checks) == 4


def test_other_options_are_another_run(checks):
    files(a="agrees", b="interrupt")
    assert main(["check", ".", "--csv", "m.csv", "--jobs", "1"]) == 2
    files(b="agrees")
    checks.clear()
    assert main(["check", ".", "--csv", "m.csv", "--jobs", "1", "--seed", "1"]) == 0
    assert len(checks) == 2


def test_one_file_interrupted_is_reported_as_far_as_it_came(checks, capsys):
    files(a="interrupt later", b="interrupt")
    assert main(["check", "a.py"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("a.py: wrong.")
    assert err == "gradcompare check: Interrupted.\n"
    assert main(["check", "b.py", "--json", "-"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["notes"] == ["Interrupted before anything was known."]
    assert err == "gradcompare check: Interrupted before anything was known.\n"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_processes_are_ended_with_the_command(tmp_path, sent):
    for name in "abc":
        (tmp_path / f"{name}.py").write_text(RIGHT.read_text())
    (tmp_path / "first.py").write_text("def f(:\n")
    with subprocess.Popen(
        [sys.executable, "-m", "gradcompare", "check", ".", "--csv", "m.csv", "--jobs", "2", "--examples", "1000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        until = time.monotonic() + 60
        while len(_descendants(process.pid)) < 5 and time.monotonic() < until:  # two workers, each with a child
            time.sleep(0.1)
        started = _descendants(process.pid)
        if sent == signal.SIGINT:
            os.killpg(process.pid, sent)
        else:
            process.send_signal(sent)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert re.search(r"Interrupted. \d of 4 files have been checked", err)
    assert "Traceback" not in err
    until = time.monotonic() + 20
    while any(map(_alive, started)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in started if _alive(pid)]


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return children + [below for child in children for below in _descendants(child)]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_an_interruption_that_python_drops_is_one_too():
    code = """
from gradcompare.commands import table as commands
from gradcompare.cli import main

class Destructor:
    def __del__(self):
        raise KeyboardInterrupt

def command(options):
    Destructor()
    for _ in range(10**7):
        pass
    return 0

commands.COMMANDS["interfaces"] = command
raise SystemExit(main(["interfaces"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "Interrupted.\n")


# ---- usage


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "the following arguments are required: FILE"),
        (["a.py", "--jobs", "0"], "0 is no whole number from 1"),
        (["a.py", "--jobs", "two"], "two is no whole number"),
        (["a.py", "--examples", "-3"], "-3 is no whole number"),
        (["a.py", "--examples", "1e3"], "1e3 is no whole number"),
        (["a.py", "--timeout", "nan"], "nan is no number of seconds"),
        (["a.py", "--timeout", "inf"], "inf is no number of seconds"),
        (["a.py", "--timeout", "0"], "0 is no number of seconds"),
        (["a.py", "--dtype", "float16"], "invalid choice: 'float16'"),
        (["a.py", "--interface", "mine"], "invalid choice: 'mine'"),
        (["a.py", "--loss", "huber"], "invalid choice: 'huber'"),
        (["a.py", "--seed", "x"], "invalid int value: 'x'"),
        (["a.py", "--quiet", "--verbose"], "not allowed with"),
        ([""], "should be the name of a file"),
        (["a.py", "--strange"], "unrecognized arguments"),
    ],
)
def test_nonsense_is_named_in_a_sentence(words, says, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["check", *words])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a.py", "--json", "a.py"], "--json a.py would write over a file that is to be checked."),
        ([".", "--csv", "./b.py"], "--csv ./b.py would write over a file that is to be checked."),
        ([".", "--csv", "m", "--json", "./m"], "--json and --csv would both be written to m."),
        (["a.py", "--csv", "-"], "--csv needs the name of a file; --json alone can go to standard output."),
        (["a.py", "--csv", "no/m.csv"], "no/m.csv cannot be written: there is no folder no."),
        (["a.py", "--json", "."], ". cannot be written: it is a folder."),
    ],
)
def test_what_cannot_be_written_is_found_out_before(checks, capsys, words, says):
    files(a="agrees", b="agrees")
    assert main(["check", *words]) == 2
    assert capsys.readouterr() == ("", f"gradcompare check: {says}\n")
    assert not checks
    assert Path("a.py").read_text() == Path("b.py").read_text() == "agrees"


def test_a_file_named_twice_is_checked_once(checks, capsys):
    files(a="agrees")
    assert main(["check", "a.py", "./a.py", "--jobs", "1"]) == 0
    assert len(checks) == 1
    assert capsys.readouterr().err == "gradcompare check: a.py is named twice and checked once.\n"


def test_missing_files_do_not_keep_the_others_from_being_checked(checks, capsys):
    files(a="agrees")
    Path("empty").mkdir()
    assert main(["check", "gone.py", "a.py", "empty", "--jobs", "1"]) == 2
    out = capsys.readouterr().out
    assert "gone.py: not checked. gone.py is not a file: there is nothing there.\n" in out
    assert "a.py: agrees" in out
    assert "empty: not checked. empty is a folder without Python files (.py, .ipynb).\n" in out


def test_without_dask_a_cluster_is_said_to_need_it(checks, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    files(a="agrees")
    assert main(["check", "a.py", "--cluster", "tcp://127.0.0.1:9"]) == 2
    assert "pip install 'gradcompare[cluster]'" in capsys.readouterr().err


def test_the_names_in_the_help_are_those_of_the_tables():
    assert set(arguments.LOSSES) == set(losses.LOSSES)
    assert set(arguments.INTERFACES) == set(INTERFACES)
    assert arguments.TIMEOUT == checking.TIMEOUT


# ---- terminals and pipes


def test_a_pipe_gets_plain_text_and_a_terminal_colours(checks, capsys, monkeypatch):
    files(**{"a" * 150: "wrong", "b": "agrees"})
    assert main(["check", ".", "--jobs", "1"]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) > 150
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["check", "b.py"])
    assert "\x1b[1;32m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(["check", "b.py"])
    assert "32m" not in capsys.readouterr().out


def test_names_do_not_command_the_terminal(checks, capsys):
    files(**{"a\x1b[2Jb\n[red]": "wrong"})
    main(["check", ".", "--jobs", "1"])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "a\\x1b[2Jb [red].py: wrong" in out


def test_progress_is_shown_on_a_terminal(tmp_path):
    (tmp_path / "a.py").write_text("def f(:\n")
    seen, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "gradcompare", "check", str(tmp_path), "--quiet"],
        stdout=subprocess.PIPE,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(terminal)
    assert done.returncode == 2
    assert b"0/1" in os.read(seen, 100_000)
    os.close(seen)
    assert b"0/1" not in done.stdout


# ---- the real command


def test_help_and_usage_errors_load_next_to_nothing():
    for words, status in ((["--help"], 0), (["check", "--help"], 0), (["check", "a.py", "--jobs", "0"], 2)):
        code = f"from gradcompare.cli import main; main({words})"
        done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True)
        assert done.returncode == status
        loaded = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
        assert not loaded & {"torch", "numpy", "hypothesis", "rich", "distributed"}


def test_the_help_is_complete():
    done = command("check", "--help")
    options = ("interface", "loss", "dtype", "examples", "seed", "timeout", "json", "csv", "jobs", "cluster")
    assert all(f"--{name}" in done.stdout for name in (*options, "quiet", "verbose"))
    assert "exit status:" in done.stdout
    assert "gradcompare check submissions/ --csv marks.csv" in done.stdout
    assert command("--version").stdout.startswith("gradcompare ")


def test_the_process_that_judges_does_without_torch():
    code = f"""
import sys
from gradcompare.cli import main
status = main(["check", {str(WRONG)!r}, "--examples", "4", "--quiet"])
print(status, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    line, rest = done.stdout.splitlines()
    assert line.startswith(f"{WRONG}: wrong. It first goes wrong at line ")
    assert rest == "1 False"


def test_several_files_at_once_for_real(tmp_path):
    done = command(*("check", RIGHT, WRONG, "--examples", 4, "--jobs", 2, "--csv", tmp_path / "m.csv", "--json", "-"))
    assert done.stderr == ""
    assert done.returncode == 1
    assert [one["verdict"] for one in json.loads(done.stdout)] == ["agrees", "wrong"]
    assert [row["verdict"] for row in rows_of(tmp_path / "m.csv")] == ["agrees", "wrong"]


def test_whoever_stops_reading_is_no_trouble(tmp_path):
    for i in range(3):
        (tmp_path / f"{i}.py").write_bytes(b"\0")
    line = f"{sys.executable} -m gradcompare check {tmp_path} --jobs 1; echo $? >&2"
    done = subprocess.run(["bash", "-c", f"( {line} ) | true"], capture_output=True, text=True)
    assert done.stderr == "2\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_what_cannot_be_said_is_no_verdict(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gradcompare", "check", str(tmp_path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert done.stderr == "gradcompare: What was to be said could not be written: No space left on device.\n"


def test_a_failure_of_our_own_is_no_verdict(checks, capsys, monkeypatch):
    def fails(_options):
        raise ZeroDivisionError("oh")

    monkeypatch.setitem(commands.COMMANDS, "check", fails)
    monkeypatch.setattr("gradcompare.cli._say_no_more", lambda: None)
    assert main(["check", "a.py"]) == 2
    err = capsys.readouterr().err
    assert "ZeroDivisionError: oh" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "status"), [("dict_cache_lost_derivative.py", 1), ("dict_cache_from_zero_right.py", 0)]
)
def test_the_readme_shows_what_a_check_says(name, status):
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    _, _, shown = readme.partition(f"$ gradcompare check examples/{name}\n")
    done = command("check", f"examples/{name}", cwd=EXAMPLES.parent)
    assert done.returncode == status
    pattern = re.escape(shown.partition("```")[0]).replace(re.escape("...\n"), "(.*\n)*")
    assert re.fullmatch(pattern, done.stdout)
