"""`gradcompare.check` from end to end: what it says of files, and that no file can harm it."""

import contextlib
import gc
import json
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import gradcompare
from gradcompare.bounds import BoundedTensor
from gradcompare.checking import isolation, trials
from gradcompare.checking.errors import CodeError
from gradcompare.loading import load
from gradcompare.losses import Penalty
from gradcompare.network import draw_networks

RIGHT = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def forward(X, parameters):
    Z1 = parameters["W1"] @ X + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}

def cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]

def backward(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dW2 = dZ2 @ cache["A1"].T / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
    dW1 = dZ1 @ X.T / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
"""


@pytest.fixture
def check(tmp_path):
    """Check a source text; `but` replaces parts of RIGHT."""

    def run(source=RIGHT, but=None, **options):
        for old, new in (but or {}).items():
            assert old in source
            source = source.replace(old, new)
        file = tmp_path / "subject.py"
        file.write_text(textwrap.dedent(source).strip() + "\n")
        return gradcompare.check(file, **{"examples": 6, **options})

    return run


def test_a_right_file_agrees_line_by_line(check):
    report = check()
    assert report.verdict == "agrees"
    lines = [f.line for f in report.tensors]
    assert lines == list(range(lines[0], lines[0] + 6))
    assert [f.source.split(" ")[0] for f in report.tensors] == ["dZ2", "dW2", "db2", "dZ1", "dW1", "db1"]
    assert RIGHT.strip().splitlines()[lines[0] - 1].strip() == report.tensors[0].source
    assert {f.verdict for f in report.tensors} == {"ok"}
    assert max(f.ratio for f in report.tensors) <= 1
    json.dumps(report.to_dict(), allow_nan=False)


def test_a_wrong_file_is_placed_named_and_shrunk(check):
    report = check(but={' * (1 - cache["A1"] ** 2)': ""})
    assert report.verdict == "wrong"
    assert (report.first_fault.name, report.first_fault.source) == ("dZ1", 'dZ1 = parameters["W2"].T @ dZ2')
    verdicts = {f.name: f.verdict for f in report.tensors}
    assert verdicts["dW1"] == verdicts["db1"] == "inherited"
    assert verdicts["dZ2"] == verdicts["dW2"] == verdicts["db2"] == "ok"
    assert "tanh" in report.diagnosis[0]["says"]
    assert sum(report.smallest_case["sizes"]) <= 5


def test_two_independent_mistakes_are_both_found(check):
    report = check(
        but={
            "db2 = np.sum(dZ2, axis=1, keepdims=True) / m": "db2 = np.sum(dZ2, axis=1, keepdims=True)",
            "dZ1 @ X.T / m": "dZ1 @ X.T / m * 2",
        }
    )
    assert {f.name for f in report.tensors if f.verdict == "fault"} == {"db2", "dW1"}


def test_the_same_seed_repeats_a_run_exactly(check):
    options = {"but": {"dZ1 @ X.T / m": "dZ1 @ X.T"}, "seed": 5}
    assert check(**options).to_json() == check(**options).to_json()


def test_live_code_is_checked_where_it_is(tmp_path):
    names = {}
    exec(compile(RIGHT, str(tmp_path / "live.py"), "exec"), names)
    (tmp_path / "live.py").write_text(RIGHT)
    assert gradcompare.check(names, examples=4).verdict == "agrees"
    before = names["np"]
    assert gradcompare.check((names["forward"], names["backward"]), examples=4).verdict == "agrees"
    assert names["np"] is before is np


def test_live_code_without_source_is_said_to_have_none():
    names = {}
    exec(RIGHT, names)
    for source in (names, (names["forward"], names["backward"])):
        (note,) = gradcompare.check(source, examples=4).notes
        assert note.startswith("The source of forward, ")
        assert "exec()" in note


def bounded_tensors() -> int:
    """So many are in memory."""
    gc.collect()
    return sum(type(thing) is BoundedTensor for thing in gc.get_objects())


def test_a_check_of_live_code_leaves_none_of_its_tensors_behind(tmp_path):
    names = {}
    exec(compile(RIGHT, str(tmp_path / "live.py"), "exec"), names)
    (tmp_path / "live.py").write_text(RIGHT)
    before = bounded_tensors()
    gradcompare.check(names, examples=2)
    assert bounded_tensors() == before


def test_live_code_is_held_against_its_own_forward_pass(tmp_path):
    names = {}
    exec(compile(RIGHT, str(tmp_path / "live.py"), "exec"), names)
    (tmp_path / "live.py").write_text(RIGHT)
    assert "of your own forward pass" in str(gradcompare.check(names, examples=4))


@pytest.mark.parametrize(
    ("where", "planted", "says"),
    [
        ("dZ2 = cache", "while True: pass\n    dZ2 = cache", "still running"),
        ("dZ2 = cache", "import os; os._exit(3)\n    dZ2 = cache", "status 3"),
        ("dZ2 = cache", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n    dZ2 = cache", "SIGSEGV"),
        ("dZ2 = cache", "raise SystemExit\n    dZ2 = cache", "exit()"),
        ("dZ2 = cache", "input()\n    dZ2 = cache", "it asks for input(), and nobody is there to answer (line 18)."),
        ("dZ2 = cache", "np.ones(10**11)\n    dZ2 = cache", "emory"),
        ("dZ2 = cache", "backward(parameters, cache, X, Y)\n    dZ2 = cache", "line 18"),
        ("dZ2 = cache", "1 / 0\n    dZ2 = cache", "line 18"),
        ('return {"dW1"', 'return None\n    return {"dW1"', ""),
        ('"dW1": dW1', '"dW1": "todo"', "for the gradient of W1 is a str and no array of real numbers"),
        ('"dW1": dW1', '"dW1": dW1 + 0j', "for the gradient of W1 is an array of dtype complex128"),
        ("dZ2 = cache", "import nowhere; nowhere.show()\n    dZ2 = cache", "line 18: nowhere.show is needed here"),
        ("dZ2 = cache", "for i in xrange(3): pass\n    dZ2 = cache", "line 18: xrange is from Python 2: write range"),
    ],
)
def test_whatever_the_code_does_ends_in_words(check, where, planted, says):
    report = check(but={where: planted}, timeout=25)
    assert report.verdict == "error"
    assert len(report.notes) == 1
    assert says in report.notes[0]
    assert "Traceback" not in str(report)


def test_a_failure_that_comes_however_the_code_is_called_is_said_without_other_readings(check):
    report = check(but={"dZ2 = cache": "np.ones(10**11)\n    dZ2 = cache"})
    assert "more memory than it may have" in report.notes[0]
    assert "--interface" not in report.notes[0]


def test_a_copy_of_the_process_answers_nothing(check):
    """os.fork() gives two processes with one pipe."""
    report = check(but={"dZ2 = cache": "import os; os.fork()\n    dZ2 = cache"}, examples=1)
    assert report.verdict == "agrees"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are listed on Linux alone")
def test_what_the_code_leaves_running_is_ended(check, tmp_path):
    """In a session of its own, as programs are that run in the background."""
    left = tmp_path / "left"
    noted = f"os.write(os.open({str(left)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND), b'%d ' % started.pid)"
    start = f"import subprocess, os; started = subprocess.Popen(['sleep', '100'], start_new_session=True); {noted}"
    report = check(but={"dZ2 = cache": f"{start}\n    dZ2 = cache"}, examples=1)
    assert report.verdict == "agrees"
    started = left.read_text().split()
    assert started
    assert not [pid for pid in started if _runs(pid)]


def _runs(pid: str) -> bool:
    """Whether a process is there and not dead already."""
    status = Path(f"/proc/{pid}/stat")
    with contextlib.suppress(OSError):
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_no_number_is_blamed_on_another_that_is_none_either(check):
    """Of what is NaN any NaN could come."""
    report = check(but={"dZ2 = cache": "A2 = cache['A2'] * np.nan\n    dZ2 = A2 - Y + 0 * cache"})
    assert report.verdict == "wrong"
    assert (report.first_fault.name, report.first_fault.source.split(" =")[0]) == ("dZ2", "dZ2")


def test_no_warning_of_numpy_is_ours(check, recwarn):
    report = check(but={"dZ1 @ X.T / m": "dZ1 @ X.T / 0"})
    assert report.verdict == "undecided"
    assert not recwarn.list


def test_a_shape_that_was_asked_for_and_is_not_there(check):
    (note,) = check(interface="l-layer").notes
    assert note.startswith("It does not have the shape l-layer")


def test_what_the_code_prints_goes_nowhere(check, capfd):
    report = check(but={"dZ2 = cache": "print('noise'); import sys; sys.stderr.write('noise')\n    dZ2 = cache"})
    assert report.verdict == "agrees"
    assert capfd.readouterr() == ("", "")


def test_code_that_gives_other_numbers_the_second_time_is_wrong(check):
    report = check(but={"dZ2 = cache": "global calls; calls = globals().get('calls', 0) + 1\n    dZ2 = calls * cache"})
    assert report.verdict == "wrong"


WITHOUT_COST = RIGHT.replace(RIGHT[RIGHT.index("def cost") : RIGHT.index("def backward")], "")


def test_a_cost_that_is_assumed_is_named_and_a_constant_is_a_convention(check):
    report = check(WITHOUT_COST)
    assert report.verdict == "agrees"
    assert "cross entropy" in report.assumed[0]
    report = check(WITHOUT_COST, but={" / m": ""})
    assert report.verdict == "agrees"
    assert "summed" in report.assumed[0]
    report = check(WITHOUT_COST, but={" / m": " * 3"})
    assert report.verdict == "agrees"
    assert any("convention" in note for note in report.notes)
    report = check(but={" / m": ""})
    assert report.verdict == "scaled"
    assert "is m times what it should be" in str(report)
    report = check(but={" / m": " / m**2"})
    assert (report.verdict, report.factor) == ("scaled", "1/m")


def test_a_forward_pass_that_autograd_cannot_see_through_is_differentiated_numerically(check):
    cut = {"A1 = np.tanh(Z1)": "A1 = np.array([[float(str(z)) for z in row] for row in np.tanh(Z1).tolist()])"}
    report = check(but=cut)
    assert (report.verdict, report.reference) == ("agrees", "numerical")
    for source in (RIGHT, WITHOUT_COST):
        report = check(source, but=cut | {"dZ1 @ X.T / m": "dZ1 @ X.T / m * 1.5"})
        assert (report.verdict, report.reference) == ("wrong", "numerical")


def test_an_exercise_that_is_not_filled_in_is_unfinished(check):
    report = check(but={"dW1 = dZ1 @ X.T / m": "dW1 = None"})
    assert report.verdict == "unfinished"
    assert "dW1" in report.notes[0]


def test_what_the_gradient_does_without_may_be_unfinished(check):
    report = check(RIGHT + "\ndef update_parameters(parameters, grads):\n    raise NotImplementedError\n")
    assert report.verdict == "agrees"
    assert any("update_parameters" in note and "does without" in note for note in report.notes)


def test_what_nothing_names_is_no_reason_why_the_rest_does_not_run(check):
    idle = "\ndef save(path):\n    pass\n"
    report = check(RIGHT + idle, but={"dW1 = dZ1 @ X.T / m": "dW1 = dZ1.nothing / m"})
    assert (report.verdict, "nothing" in report.notes[0]) == ("error", True), str(report)
    used = "\ndef main():\n    save('here')\n"
    report = check(RIGHT + idle + used, but={"dW1 = dZ1 @ X.T / m": "dW1 = dZ1.nothing / m"})
    assert report.verdict == "unfinished"


GUARDED = {"np.log(A2)": "np.log(A2 + 1e-7)", "np.log(1 - A2)": "np.log(1 - A2 + 1e-7)"}


def test_a_guard_inside_a_logarithm_is_named_and_accuses_nobody(check):
    report = check(but=GUARDED)
    assert report.verdict == "agrees"
    assert any("1e-07" in note and "logarithm" in note for note in report.notes)


def test_behind_a_guard_a_mistake_is_still_found(check):
    report = check(but=GUARDED | {"dW1 = dZ1 @ X.T / m": "dW1 = dZ1 @ X.T"})
    assert report.verdict == "wrong"
    assert [f.name for f in report.tensors if f.verdict in ("fault", "inherited")] == ["dW1"]


ONE_OUTPUT = {"/ Y.shape[1]\n\ndef back": "/ Y.size\n\ndef back"}


def test_a_classifier_of_two_classes_may_divide_its_cost_by_all_labels(check):
    report = check(but=ONE_OUTPUT)
    assert report.verdict == "agrees"
    assert any("one is what the file is taken to be meant for" in note for note in report.notes)
    wrong = check(but={**ONE_OUTPUT, '(1 - cache["A1"] ** 2)': '(1 - cache["A1"])'})
    assert wrong.diagnosis[0]["mistake"] == "wrong_formula"


def test_a_classifier_of_two_classes_may_guard_its_logarithms_too(check):
    report = check(but=GUARDED | ONE_OUTPUT)
    assert report.verdict == "agrees"
    assert sum("one is what the file" in note or "1e-07" in note for note in report.notes) == 2


LOGITS = {
    "A2 = sigmoid(Z2)": "A2 = Z2",
    "np.log(A2)": "np.log(sigmoid(A2))",
    "np.log(1 - A2)": "np.log(1 - sigmoid(A2))",
    'dZ2 = cache["A2"] - Y': 'dZ2 = sigmoid(cache["A2"]) - Y',
}


def test_a_classifier_of_two_classes_may_leave_its_sigmoid_to_the_cost(check):
    report = check(but=LOGITS | ONE_OUTPUT)
    assert report.verdict == "agrees"
    assert any("one is what the file is taken to be meant for" in note for note in report.notes)
    wrong = check(but={**LOGITS, **ONE_OUTPUT, '(1 - cache["A1"] ** 2)': '(1 - cache["A1"])'})
    assert wrong.diagnosis[0]["mistake"] == "wrong_formula"


def test_of_another_cost_the_number_of_outputs_is_a_constant_that_is_missing(check):
    squared = {"-np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]": "np.mean((A2 - Y) ** 2)"}
    report = check(but={**squared, 'cache["A2"] - Y': '2 * (cache["A2"] - Y) * cache["A2"] * (1 - cache["A2"])'})
    assert report.verdict == "scaled"
    assert report.factor.startswith("n_L")


REGRESSOR = """
import numpy as np

class Fit:
    def __init__(self, sizes):
        self.W = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]
        self.c = [np.zeros((1, b)) for b in sizes[1:]]

    def forward(self, X):
        self.a = [X]
        for i, (W, c) in enumerate(zip(self.W, self.c)):
            z = self.a[-1] @ W + c
            self.a.append(z if i == len(self.W) - 1 else np.tanh(z))
        return self.a[-1]

    def loss(self, p, y):
        return ((p - y) ** 2).mean()

    def backward(self, y):
        g = 2 * (self.a[-1] - y) / y.shape[0]
        self.dW, self.dc = [None] * len(self.W), [None] * len(self.W)
        for i in reversed(range(len(self.W))):
            self.dW[i], self.dc[i] = self.a[i].T @ g, g.sum(axis=0, keepdims=True)
            g = g @ self.W[i].T * (1 - self.a[i] ** 2)
"""
SIZED = {
    "self, sizes)": "self, n_in, n_hidden, n_out=1)",
    "        self.W =": "        sizes = n_in, n_hidden, n_out\n        self.W =",
}


@pytest.mark.parametrize(
    ("but", "use", "verdict"),
    [
        ({}, "", "scaled"),
        ({}, "net = Fit([X.shape[1], 6, 1])", "agrees"),
        ({}, "net = Fit([X.shape[1], 6, 3])", "scaled"),
        ({}, "width = 1\n    nets = Fit([2, 6, 1]), Fit([2, 5, width])", "agrees"),
        ({}, "nets = Fit([2, 6, 1]), Fit([2, 6, 2])", "scaled"),
        (SIZED, "", "agrees"),
        (SIZED, "net = Fit(2, 5, n_out=4)", "scaled"),
        ({"y.shape[0]": "3"}, "net = Fit([X.shape[1], 6, 1])", "scaled"),
    ],
)
def test_the_number_of_outputs_is_no_mistake_where_a_file_has_one(tmp_path, but, use, verdict):
    path, source = tmp_path / "regressor.py", REGRESSOR
    for right, other in but.items():
        source = source.replace(right, other)
    path.write_text(f"{source}\n\ndef main(X):\n    {use or 'pass'}\n")
    assert gradcompare.check(load(path).names, examples=4, dtype="float64").verdict == verdict


UPDATES = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros((1, n_hidden))
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros((1, n_out))

    def forward(self, X):
        self.A1 = np.tanh(X @ self.W1 + self.b1)
        return self.A1 @ self.W2 + self.b2

    def train(self, X, Y, lr=0.1):
        dZ2 = (self.forward(X) - Y) / len(X)
        dZ1 = dZ2 @ self.W2.T * (1 - self.A1 ** 2)
        db1 = np.sum(dZ1)
        self.W2 -= lr * self.A1.T @ dZ2
        self.b2 -= lr * np.sum(dZ2, axis=0, keepdims=True)
        self.W1 -= lr * X.T @ dZ1
        self.b1 -= lr * db1
"""


def test_a_sum_without_its_axis_is_placed_where_it_is_made_and_not_where_it_is_applied(check):
    fault = check(UPDATES).first_fault
    assert fault is not None
    assert fault.source == "db1 = np.sum(dZ1)"


PRIVATE = """
from numpy import dot, exp, random

class Network:
    def __init__(self):
        self.connections = 2 * random.random((4, 1)) - 1

    def __squash(self, total):
        return 1 / (1 + exp(-total))

    def __slope(self, squashed):
        return squashed * (1 - squashed)

    def answer(self, examples):
        return self.__squash(dot(examples, self.connections))

    def train(self, examples_in, examples_out, how_many_times):
        for turn in range(how_many_times):
            answers = self.answer(examples_in)
            misses = examples_out - answers
            self.connections += dot(examples_in.T, misses * self.__slope(answers))
"""


@pytest.mark.parametrize("changes", [{}, {"how_many_times": "number_of_training_iterations"}])
def test_what_says_how_often_is_known_by_what_it_does_and_private_methods_are_found(check, changes):
    changes |= {"examples_in": "training_inputs", "examples_out": "training_outputs"}
    assert check(PRIVATE, but=changes).verdict == "agrees"
    assert check(PRIVATE, but=changes | {"squashed * (1 - squashed)": "squashed * (1 + squashed)"}).verdict == "wrong"


IN_LISTS = """
from math import exp
from random import random

def initialize(n_in, n_hidden, n_out):
    hidden = [{"weights": [random() for _ in range(n_in)]} for _ in range(n_hidden)]
    return [hidden, [{"weights": [random() for _ in range(n_hidden)]} for _ in range(n_out)]]

def forward(network, inputs):
    for layer in network:
        inputs = [1 / (1 + exp(-sum(w * x for w, x in zip(unit["weights"], inputs)))) for unit in layer]
    return inputs

def backward(network, expected):
    for unit, y in zip(network[-1], expected):
        unit["delta"] = unit["output"] - y
"""


def test_code_that_cannot_be_run_is_told_why_and_what_is_always_enough(check):
    says = check(IN_LISTS).notes[0]
    assert "plain Python numbers in lists" in says
    assert "(forward, backward)" in says
    assert "adapter" in says


NAMELESS = {
    '    Z1 = parameters["W1"] @ X + parameters["b1"]\n    A1 = np.tanh(Z1)': (
        '    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])'
    ),
    '"Z1": Z1, ': "",
    "dZ1": "delta",
}


def test_the_gradient_of_what_forward_has_no_name_for_is_placed(check):
    report = check(but=NAMELESS | {"(1 - cache": "(1 + cache"})
    assert report.first_fault is not None
    assert (report.first_fault.name, report.first_fault.source.split(" =")[0]) == ("delta", "delta")
    assert {f.name for f in report.tensors if f.verdict == "inherited"} == {"dW1", "db1"}
    assert report.diagnosis[0]["mistake"] == "wrong_formula"


def test_nothing_is_placed_where_all_is_right_without_names(check):
    report = check(but=NAMELESS)
    assert report.verdict == "agrees"


@pytest.mark.parametrize(
    "options", [{"dtype": "float16"}, {"interface": "x"}, {"loss": "x"}, {"examples": 0}, {"timeout": -1}]
)
def test_options_that_are_none_are_refused_in_words(check, options):
    with pytest.raises(ValueError, match=str(next(iter(options.values())))):
        check(**options)


@pytest.mark.parametrize("later", ["explained", "noted"])
def test_interrupted_after_the_last_network_the_verdict_is_known(check, monkeypatch, later):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"gradcompare.checking.trials.{later}", interrupt)
    with pytest.raises(KeyboardInterrupt) as interrupted:
        check(but={" / m": ""})
    assert interrupted.value.report.verdict == "scaled"
    assert any("Interrupted after 6 of 6 networks" in note for note in interrupted.value.report.notes)


def test_the_time_that_a_child_takes_to_start_is_none_of_the_codes(monkeypatch, tmp_path):
    """On a busy machine that may be longer than the code is given."""
    file = tmp_path / "right.py"
    file.write_text(RIGHT)
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(isolation, "time", clock)
    now = 0.0
    with isolation.Child(timeout=30) as child:
        now = 100.0
        assert child.open_file(str(file), None, None, 0)["interface"]
        now = 131.0
        with pytest.raises(CodeError, match="after 30 seconds"):
            child.leave_out_guards(True)


@pytest.fixture
def child(tmp_path):
    """With RIGHT opened in it; samples are so many that no answer fits into a pipe."""
    file = tmp_path / "right.py"
    file.write_text(RIGHT)
    with isolation.Child(timeout=60) as child:
        child.open_file(str(file), None, None, 0)
        yield child


NETWORKS = draw_networks(3, 0, samples=(3_000, 3_000))


def same_numbers(one, other):
    arrays = [
        [look.inputs[n] for n in look.inputs] + [b.value for b in look.evaluation.tensors.values()]
        for look in (one, other)
    ]
    return len(arrays[0]) == len(arrays[1]) and all(map(np.array_equal, *arrays))


def test_what_is_asked_ahead_is_what_is_asked(child):
    looks = [child.first_look(network, None) for network in NETWORKS]
    assert not same_numbers(looks[0], looks[1])
    for i, following in ((0, 1), (1, 2)):
        child.look_ahead(NETWORKS[following], None)
        assert child.problem(looks[i].inputs, None) is None  # asked in between
        assert same_numbers(child.first_look(NETWORKS[following], None), looks[following])
    child.look_ahead(NETWORKS[0], None)
    assert same_numbers(child.first_look(NETWORKS[2], None), looks[2])  # it is another that is wanted


def test_what_was_asked_ahead_is_forgotten_where_the_question_changes(child):
    cost = child.first_look(NETWORKS[0], "cross_entropy").evaluation.tensors["J"].value
    child.look_ahead(NETWORKS[0], "cross_entropy")
    child.penalise(Penalty("squares", ["W1"], 1.0, per_sample=False))
    penalty = np.sum(NETWORKS[0].parameters["W1"] ** 2) / 2
    changed = child.first_look(NETWORKS[0], "cross_entropy").evaluation.tensors["J"].value
    assert changed == pytest.approx(cost + penalty)


def test_a_failure_on_a_network_asked_ahead_is_said_when_it_is_its_turn(child):
    look = child.first_look(NETWORKS[0], None)
    child.look_ahead(NETWORKS[1], "no cost of this name")
    assert child.problem(look.inputs, None) is None
    with pytest.raises(CodeError, match="no cost of this name"):
        child.first_look(NETWORKS[1], "no cost of this name")


def test_a_crash_in_the_middle_is_said_as_a_crash_at_once(check):
    dies = "    os.kill(os.getpid(), 9) if len(calls) > 12 else calls.append(1)\n    m = X.shape[1]"
    report = check("import os\ncalls = []\n" + RIGHT, but={"    m = X.shape[1]": dies}, examples=20)
    assert report.verdict == "error"
    assert "was killed (SIGKILL)" in report.notes[0]


ADALINE = """
import numpy as np
class Adaline:
    def __init__(self, eta=0.01, n_iter=50):
        self.eta, self.n_iter = eta, n_iter
    def fit(self, X, y):
        self.w_ = np.random.normal(size=1 + X.shape[1])
        for _ in range(self.n_iter):
            errors = y - self.net_input(X)
            self.w_[1:] += self.eta * X.T.dot(errors)
            self.w_[0] += self.eta * errors.sum()
        return self
    def net_input(self, X):
        return X.dot(self.w_[1:]) + self.w_[0]
"""


def test_an_assumed_cost_is_that_of_any_number_of_samples(tmp_path):
    path = tmp_path / "adaline.py"
    path.write_text(ADALINE)
    names = {"__file__": str(path), "__name__": "adaline"}
    exec(compile(ADALINE, str(path), "exec"), names)
    report = gradcompare.check(names, examples=4)
    assert report.verdict == "agrees"
    assert "summed over the samples" in report.assumed[0]


def test_a_dropout_mask_that_keeps_all_of_one_network_is_a_mask_there_too(check):
    dropout = {
        "A1 = np.tanh(Z1)": "A1 = np.tanh(Z1)\n    kept = np.random.rand(*A1.shape) < 0.8\n    A1 = A1 * kept / 0.8",
        '"A2": A2}\n': '"A2": A2, "kept": kept}\n',
        " / m\n    dZ1 = ": ' / m\n    kept = cache["kept"]\n    dZ1 = ',
        '(1 - cache["A1"] ** 2)': '(1 - (cache["A1"] * 0.8) ** 2)',
    }
    report = check(but=dropout | {"@ dZ2 * (1": "@ dZ2 * kept * (1"}, examples=12)
    assert report.verdict == "wrong"
    assert "constant" not in report.diagnosis[0]["says"]
    assert report.first_fault.name == "dZ1"
    assert "0.8 times" in report.diagnosis[0]["says"]


def test_what_code_under_test_saves_is_nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "saves.py"
    path.write_text(
        """
import numpy as np

class Net:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, X):
        np.save("weights.npy", self.W)
        with open("log.txt", "a") as log:
            log.write("forward")
        return 1 / (1 + np.exp(-(X @ self.W)))

    def backward(self, X, Y):
        self.dW = X.T @ (self.forward(X) - Y) / len(X)
"""
    )
    report = gradcompare.check(path, examples=4)
    assert report.verdict == "agrees", str(report)
    assert [found.name for found in tmp_path.iterdir()] == ["saves.py"]


def test_networks_are_drawn_for_a_part_of_the_time_and_the_report_says_so(tmp_path):
    slow = RIGHT.replace("    m = X.shape[1]", "    import time; time.sleep(0.03)\n    m = X.shape[1]")
    path = tmp_path / "slow.py"
    path.write_text(slow)
    report = gradcompare.check(load(path).names, timeout=1.0)
    assert report.verdict == "agrees"
    assert 8 <= report.cases["drawn"] < 100
    assert any("of 200 networks" in note for note in report.notes)
    assert not any("of 10 networks" in note for note in gradcompare.check(load(path).names, examples=10).notes)


def test_the_lines_of_what_is_no_answer_are_not_looked_for(tmp_path, monkeypatch):
    """The file's own program does right what its parts do right: of that nothing is said."""
    path = tmp_path / "both.py"
    program = """
        X, Y = np.random.randn(3, 20), np.random.rand(2, 20)
        P = {"W1": np.random.randn(4, 3), "b1": np.zeros((4, 1)), "W2": np.random.randn(2, 4), "b2": np.zeros((2, 1))}
        for turn in range(100):
            A2, cache = forward(X, P)
            loss = cost(A2, Y)
            grads = backward(P, cache, X, Y)
            for name in P:
                P[name] = P[name] - 0.1 * grads["d" + name]
        """
    path.write_text(RIGHT + textwrap.dedent(program))
    judged, looked = [], []
    conclusion, explained = trials.Trials._conclusion, trials.explained
    monkeypatch.setattr(trials.Trials, "_conclusion", lambda self: judged.append(0) or conclusion(self))
    monkeypatch.setattr(trials, "explained", lambda *given: looked.append(0) or explained(*given))
    assert gradcompare.check(path, examples=8).verdict == "agrees"
    assert (len(judged), len(looked)) == (2, 1)
