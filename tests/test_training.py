"""Two trainings side by side: the same steps, what rounding explains of their distance, and why they part."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import manual
from gradcompare.cli import main
from gradcompare.training import arguments, course
from gradcompare.training.activations import HIDDEN, SWEEPS, race, sweep
from gradcompare.training.activations import train as train_fast
from gradcompare.training.datasets import DATASETS, Dataset, draw
from gradcompare.training.parting import curvature, why
from gradcompare.training.problem import Problem, distance, norm
from gradcompare.training.rounding import check

DRAWN = [name for name in DATASETS if name != "breast-cancer"]


def problem(name="flower", hidden=(4,), activation="tanh", learning_rate=1.2, iterations=20, **options):
    return Problem(draw(name, 0), hidden, activation, learning_rate, iterations, **options)


# ---- data


@pytest.mark.parametrize("name", DRAWN)
def test_data_are_drawn_from_their_seed(name):
    data, again, other = draw(name, 3), draw(name, 3), draw(name, 4)
    m = DATASETS[name].samples
    assert data.X.shape[1] == m
    assert data.Y.shape == (1, m)
    assert np.array_equal(data.X, again.X)
    assert np.array_equal(data.Y, again.Y)
    assert not np.array_equal(data.X, other.X) or not np.array_equal(data.Y, other.Y)
    if data.has_classes:
        assert np.count_nonzero(data.Y == 1) == np.count_nonzero(data.Y == 0) == m // 2


@pytest.mark.parametrize("seed", range(3))
def test_four_tanh_units_learn_nine_tenths_of_the_flower_and_a_line_does_not(seed):
    data = draw("flower", seed)
    shallow = Problem(data, (4,), "tanh", 1.2, 1500, seed=seed)
    assert shallow.quality(train_fast(shallow)[0])[1] >= 0.89
    logistic = replace(shallow, hidden=(), iterations=300)
    assert logistic.quality(train_fast(logistic)[0])[1] <= 0.6


# ---- two engines


@pytest.mark.parametrize("activation", HIDDEN)
def test_the_two_take_the_same_steps_within_what_rounding_explains(activation):
    p = problem(activation=activation)
    found = course.run(p)
    parameters, costs = manual.gradient_descent(
        p.start(), p.data.X, p.data.Y, activations=p.activations, learning_rate=1.2, iterations=20
    )
    assert found.costs == costs
    assert distance(found.parameters, parameters) == 0
    assert found.costs_torch == pytest.approx(costs, rel=1e-13)
    assert found.agrees
    assert found.parting is None
    assert len(found.distances) == len(found.explained) == 21
    assert found.distances[0] == 0
    assert all(apart <= bound for apart, bound in zip(found.distances, found.explained, strict=True))


@pytest.fixture
def wrong_by_a_millionth(monkeypatch):
    right = manual.network.backward

    def wrong(*arguments):
        d = right(*arguments)
        return d | {"dW1": d["dW1"] * (1 + 1e-6)}

    monkeypatch.setattr(manual, "backward", wrong)
    monkeypatch.setattr(manual.descent, "backward", wrong)


@pytest.mark.usefixtures("wrong_by_a_millionth")
def test_a_difference_beyond_rounding_is_found_and_is_the_reason():
    found = course.run(problem(learning_rate=1.0, iterations=40))
    assert not found.agrees
    assert found.checks[0].verdict == "wrong"
    assert found.parting.reason == "mistake"
    assert found.distances[5] > 100 * found.explained[5]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_a_sample_of_zeros_is_a_kink_and_parts_them(activation):
    p = problem(activation=activation, iterations=2, scale=1.0)
    X = p.data.X.copy()
    X[:, 7] = 0.0
    p = replace(p, data=replace(p.data, X=X))
    found = course.run(p)
    assert found.parting.step == 0
    assert found.parting.reason == "kink"
    assert "4 entries of Z1 are exactly 0" in found.parting.says
    assert found.agrees  # either slope is valid
    assert course.run(replace(p, activation="tanh")).parting is None


def test_a_sign_that_differs_is_a_kink():
    p = problem(activation="relu", scale=1.0)
    here = p.start()
    there = here | {"b1": here["b1"] + 0.5}
    found = why(p, 3, here, there, [], sudden=True)
    assert (found.step, found.reason) == (3, "kink")
    sides = (here["W1"] @ p.data.X > 0) != (here["W1"] @ p.data.X + 0.5 > 0)
    assert f"{np.count_nonzero(sides)} entries of Z1 are left of 0" in found.says


def test_a_large_learning_rate_parts_them_and_rounding_explains_it():
    found = course.run(problem(learning_rate=20.0, iterations=40))
    assert found.agrees
    assert found.parting.reason == "learning rate"
    k = found.parting.step + 1
    assert 25 <= k <= 37  # "some thirty steps" in manual/DERIVATION.md
    assert found.distances[k - 1] <= found.half_of_the_digits < found.distances[k]
    assert all(apart <= bound for apart, bound in zip(found.distances[: k + 1], found.explained[: k + 1], strict=True))


def test_a_gradient_that_is_a_small_difference_of_large_terms_loses_digits():
    generator = np.random.default_rng(0)
    X = generator.standard_normal((3, 40))
    with_ones = np.vstack([X, np.ones((1, 40))])
    Y = 1e4 * generator.standard_normal((1, 40))
    Y -= Y @ np.linalg.pinv(with_ones) @ with_ones  # nothing that a plane could learn is left: W = 0, b = 0 is best
    data = Dataset("plane", X, Y, "identity", "squared_error").astype("float32")
    found = course.run(Problem(data, (), "tanh", 0.5, 20))
    assert found.agrees
    assert found.parting.reason == "lost digits"
    d = manual.fused.gradients(found.parameters, data.X, data.Y, ("identity",), "squared_error")
    assert norm(found.checks[-1].bound) > 1e-3 * 0.5 * norm(d)
    k = found.parting.step + 1
    assert found.distances[k] <= found.explained[k]


def test_what_has_no_other_reason_is_growth():
    p = problem()
    here = p.start()
    moment = {"step": 5, "here": here, "there": here, "checks": [check(p, 0, here)], "sudden": False}
    assert why(p, **moment).reason == "growth"
    assert why(replace(p, learning_rate=100.0), **moment).reason == "learning rate"
    coarse = [replace(moment["checks"][0], bound={name: 0.01 * np.ones_like(array) for name, array in here.items()})]
    assert why(p, **moment | {"checks": coarse}).reason == "lost digits"


@pytest.fixture
def interrupted_in_step_nine(monkeypatch):
    calls, step = [], course.Shadows.step

    def interrupts(self, move):
        calls.append(self)
        if len(calls) == 17:  # twice a step
            raise KeyboardInterrupt
        step(self, move)

    monkeypatch.setattr(course.Shadows, "step", interrupts)


@pytest.mark.usefixtures("interrupted_in_step_nine")
def test_ctrl_c_leaves_the_steps_that_both_have_taken():
    p = problem(iterations=20)
    found = course.run(p)
    until = course.run(replace(p, iterations=8))
    assert found.is_interrupted
    assert not until.is_interrupted
    assert found.costs == until.costs
    assert found.costs_torch == until.costs_torch
    assert found.distances == until.distances
    assert len(found.explained) == len(found.expected) == 9
    assert distance(found.parameters, until.parameters) == distance(found.parameters_torch, until.parameters_torch) == 0


@pytest.mark.usefixtures("interrupted_in_step_nine")
def test_an_interrupted_training_says_what_was_known(capsys):
    assert main(["train", "--iterations", "20"]) == 2
    out = capsys.readouterr().out
    assert "20 steps, float64.\nInterrupted after 8 of these steps.\n" in out
    assert "They do not part" in out


def test_curvature_is_that_of_a_least_squares_problem():
    generator = np.random.default_rng(0)
    X, Y = generator.standard_normal((3, 40)), generator.standard_normal((1, 40))
    p = Problem(Dataset("plane", X, Y, "identity", "squared_error"), (), "tanh", 0.1, 1)
    with_ones = np.vstack([X, np.ones((1, 40))])
    assert curvature(p, p.start()) == pytest.approx(np.linalg.eigvalsh(with_ones @ with_ones.T / 40).max(), rel=1e-2)


@pytest.mark.parametrize("scale", [0.01, 0.5])
def test_curvature_is_the_largest_eigenvalue_where_others_are_negative(scale):
    p = problem(scale=scale)  # near zero: a saddle, whose eigenvalues come in pairs of opposite signs
    here = p.start()
    shapes = {name: array.shape for name, array in here.items()}
    ends = np.cumsum([np.prod(shape) for shape in shapes.values()])

    def gradient(vector):
        parts = np.split(vector, ends[:-1])
        parameters = {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
        d = manual.fused.gradients(parameters, p.data.X, p.data.Y, p.activations)
        return np.concatenate([d[f"d{name}"].ravel() for name in shapes])

    at, step = np.concatenate([array.ravel() for array in here.values()]), 1e-6 * np.eye(ends[-1])
    hessian = np.array([(gradient(at + v) - gradient(at - v)) / 2e-6 for v in step])
    eigenvalues = np.linalg.eigvalsh((hessian + hessian.T) / 2)
    assert eigenvalues[0] < -0.1 * eigenvalues[-1] or scale > 0.01
    assert curvature(p, here) == pytest.approx(eigenvalues[-1], rel=1e-4)


def test_norms_do_not_overflow():
    assert norm({"W1": np.array([[3e300, 4e300]])}) == pytest.approx(5e300)
    assert norm({"W1": np.zeros((2, 2))}) == 0


# ---- activations


def test_the_race_is_of_the_same_starts():
    p = problem(iterations=30)
    found = race(p, range(2))
    assert found.measure == "accuracy"
    for g in HIDDEN:
        assert found.costs[g].shape == (2, 30)
        _, costs = manual.gradient_descent(
            p.start(), p.data.X, p.data.Y, activations=(g, "sigmoid"), learning_rate=1.2, iterations=30
        )
        assert found.costs[g][0] == pytest.approx(costs)


def test_a_sweep_changes_the_scale_of_its_layer_alone():
    p = problem(iterations=3)
    scales = (0.01, 2.0)
    for title, expected in (("hidden weights", (2.0, 0.5)), ("output weights", (0.5, 2.0)), ("all weights", 2.0)):
        found = sweep(p, title, [0], scales)
        _, costs = train_fast(replace(p, scale=expected))
        assert found.costs["tanh"][1, 0] == pytest.approx(costs[-1])
    found = sweep(p, "output weights, squared error", [0], scales)
    _, costs = train_fast(replace(p, data=replace(p.data, loss="squared_error"), scale=(0.5, 2.0)))
    assert found.costs["tanh"][1, 0] == pytest.approx(costs[-1])
    deep = replace(p, hidden=(4, 3))
    for title, expected in (("hidden weights", (2.0, 2.0, 0.5)), ("output weights", (0.5, 0.5, 2.0))):
        found = sweep(deep, title, [0], scales)
        _, costs = train_fast(replace(deep, scale=expected))
        assert found.costs["tanh"][1, 0] == pytest.approx(costs[-1])
    assert set(SWEEPS) == {"hidden weights", "output weights", "all weights", "output weights, squared error"}


def test_a_cost_that_overflows_is_infinite_in_a_sweep():
    p = problem(activation="relu", learning_rate=1e200, iterations=10)
    assert np.isinf(sweep(p, "all weights", [0], (10.0,)).costs["relu"]).all()


# ---- the command


def test_what_the_parser_knows_is_what_there_is():
    assert tuple(DATASETS) == arguments.DATA
    assert arguments.HIDDEN == HIDDEN


def test_the_command_says_what_it_found(capsys):
    assert main(["train", "--iterations", "10", "--hidden", "3,2", "--scale", "1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("flower, 400 samples; 2-3-2-1, tanh, tanh, sigmoid; learning rate 1.2, 10 steps, float64.\n")
    assert "10 times along the way: 10 agree; worst error / bound 0.0" in out
    assert "They do not part: 1" in out


@pytest.mark.usefixtures("wrong_by_a_millionth")
def test_a_wrong_gradient_is_the_exit_status(capsys):
    assert main(["train", "--iterations", "30", "--learning-rate", "1"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"(\d+) times along the way: 0 agree, \1 do not;", out)
    assert "The two gradients differ beyond rounding, the first time at step 0" in out


def test_a_start_from_zero_is_told_by_its_health(capsys):
    assert main(["train", "--iterations", "3", "--init", "zeros", "--activation", "sigmoid"]) in (0, 2)
    out = capsys.readouterr().out
    assert "At the start, layer 1: symmetric units. Units 1, 2, 3 and 4" in out
    assert "At the end, layer 1: symmetric units. Units 1, 2, 3 and 4" in out


def test_a_number_of_seeds_without_the_comparison_is_refused(capsys):
    assert main(["train", "--iterations", "1", "--seeds", "3"]) == 2
    assert "--compare-activations" in capsys.readouterr().err


def test_activations_are_compared_in_a_table(capsys):
    words = ["train", "--compare-activations", "--iterations", "5", "--seeds", "1", "--data", "curve"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "curve, 1-4-1; learning rate 0.1, 5 steps, float64, 1 seed; medians."
    assert [line.split()[0] for line in lines[3:7]] == list(HIDDEN)
    assert "squared error" not in "\n".join(lines)  # it has no other cost


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--learning-rate", "1e308", "--scale", "10", "--activation", "relu"], "the cost is not finite before step 1"),
        (["--scale", "1,2,3"], "scale has 3 numbers"),
    ],
)
def test_what_cannot_be_trained_is_said(capsys, words, says):
    assert main(["train", "--iterations", "5", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("gradcompare train: ")
    assert says in error


@pytest.mark.parametrize(
    ("package", "words"), [("matplotlib", ["--output", "x"]), ("sklearn", ["--data", "breast-cancer"])]
)
def test_a_missing_package_is_one_sentence(capsys, monkeypatch, tmp_path, package, words):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["train", "--iterations", "5", *words]) == 2
    error = capsys.readouterr().err
    assert "is not installed" in error
    assert "pip install 'gradcompare[train]'" in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["train", "--help"], 0),
        (["health", "--help"], 0),
        (["train", "--hidden", "0"], 2),
        (["train", "--scale", "nan"], 2),
        (["train", "--learning-rate", "-1"], 2),
    ],
)
def test_help_and_usage_errors_load_next_to_nothing(words, status):
    code = f"""
import sys
from gradcompare.cli import main
try:
    main({words})
finally:
    print("loaded", sorted({{"torch", "numpy", "matplotlib", "rich"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == status
    assert done.stdout.splitlines()[-1] == "loaded []"


# ---- what manual/DERIVATION.md says is measured, on three seeds


def median_costs(title, scales, name="flower", hidden=("tanh",)):
    p = problem(name, hidden=(8,), learning_rate=0.3, iterations=300)
    return {g: np.median(sweep(p, title, range(3), scales).costs[g], axis=1) for g in hidden}


def test_tanh_leads_on_the_flower_and_relu_on_the_circles():
    flower, circles = (problem(name, hidden=(8,), learning_rate=0.3, iterations=700) for name in ("flower", "circles"))
    ends = {g: np.median(costs[:, -1]) for g, costs in race(flower, range(3)).costs.items()}
    assert ends["tanh"] < 0.6 * min(ends["sigmoid"], ends["relu"], ends["leaky_relu"])
    ends = {g: np.median(costs[:, -1]) for g, costs in race(circles, range(3)).costs.items()}
    assert max(ends["relu"], ends["leaky_relu"]) < 0.35
    assert min(ends["tanh"], ends["sigmoid"]) > 0.69


def test_neither_small_nor_large_weights_are_best():
    for g, (small, middle, large) in median_costs("all weights", (0.01, 1.0, 30.0), hidden=HIDDEN).items():
        assert middle < small, g
        assert middle < large, g


def test_large_output_weights_hurt_where_the_slope_does_not_cancel():
    small, large = median_costs("output weights", (0.01, 10.0))["tanh"]
    assert large < small
    middle, large = median_costs("output weights, squared error", (3.0, 10.0))["tanh"]
    assert large > middle
