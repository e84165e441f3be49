"""Every benchmark runs, at its smallest size, so that none can rot; engines that are not installed are left out."""

import json

import numpy as np
import pytest

import manual
from benchmarks import accuracy, bounds, checking, engines, files, gradients, machine, memory, trainers, training
from benchmarks.exact import exact_gradients
from benchmarks.problems import GRID, SMALLEST, Problem
from benchmarks.spread import Spread, geometric_mean, paired_ratio
from benchmarks.truth import bounded_gradients, worst_ratio

BY_HAND = ("manual", "manual.fused")


@pytest.fixture(autouse=True)
def only_by_hand(monkeypatch):
    """The rivals take seconds to start; they have a test of their own."""
    for module, table in ((gradients, "ENGINES"), (memory, "ENGINES"), (accuracy, "ENGINES"), (training, "TRAINERS")):
        rows = getattr(module, table)
        monkeypatch.setattr(module, table, {name: rows[name] for name in BY_HAND})
    monkeypatch.setattr(memory, "WEIGHED", BY_HAND)


@pytest.mark.parametrize("benchmark", [gradients, training, memory, checking, files, accuracy, bounds])
def test_runs_at_its_smallest_size(benchmark, tmp_path, capsys):
    benchmark.main(["--smallest", "--rounds", "1", "--threads", "1", "--clock", "cpu", "--out", str(tmp_path)])
    assert capsys.readouterr().out
    name = benchmark.__name__.rsplit(".", 1)[-1]
    assert json.loads((tmp_path / f"{name}.json").read_text())["machine"]["threads"] == 1


@pytest.mark.filterwarnings("ignore")  # of other people's code
@pytest.mark.parametrize("name", engines.ENGINES)
def test_every_engine_is_right(name):
    engine, problem = engines.ENGINES[name], Problem((3, 4, 2), 5)
    if not engines.installed(engine) or name in ("torch.compile", "tinygrad"):  # both need a compiler
        pytest.skip("not installed")
    ready = engine.prepare(problem)
    assert worst_ratio(ready.arrays(ready.run()), bounded_gradients(problem)) <= 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", trainers.TRAINERS)
def test_every_trainer_takes_the_same_steps(name):
    trainer, course = trainers.TRAINERS[name], trainers.Course(Problem((3, 4, 3), 9), batches=2, steps=3)
    if not trainers.installed(trainer) or name == "torch.compile SGD":
        pytest.skip("not installed")
    ready, expected = trainer.prepare(course), trainers.TRAINERS["manual"].prepare(course).run()
    for key, array in ready.arrays(ready.run()).items():
        np.testing.assert_allclose(array, expected[key], rtol=1e-4, atol=1e-6)


def test_a_wrong_engine_is_found_before_it_is_timed():
    problem = Problem((2, 4, 1), 400)
    truth = bounded_gradients(problem)
    right = {name: value for name, (value, _) in truth.items()}
    assert worst_ratio(right, truth) == 0
    assert worst_ratio(right | {"db1": right["db1"] * 1.001}, truth) > 1
    assert worst_ratio(right | {"db1": right["db1"] * np.nan}, truth) == np.inf
    assert worst_ratio({"dW1": right["dW1"]}, truth) == np.inf


def test_ratios_are_paired_by_round():
    assert paired_ratio([2, 40, 6], [1, 20, 3]) == Spread(2, 2, 2)
    assert geometric_mean([1, 4]) == pytest.approx(2)


def test_the_limit_is_products_or_traffic_and_functions():
    rate = {"operations": 2.0, "bytes": 1e9, "tanh": 4.0, "exp": 5.0}
    problem = Problem((3, 4, 1), 10)
    assert machine.limit(problem, rate) == pytest.approx(2 * 10 * (3 * 16 - 12) / 2 + 40 / 4 + 10 / 5)
    assert machine.limit(problem, rate | {"operations": 1e9, "bytes": 8}) == pytest.approx(
        4 * (10 * 4 + 2 * 16 + 2 * 5) / 8 + 12
    )


@pytest.mark.parametrize("problem", [SMALLEST, Problem((3, 5, 4), 6, "float64", "leaky_relu")])
def test_exact_gradients_are_those_of_the_notes(problem):
    parameters, X, Y = problem.arrays()
    g = problem.activations
    mine = manual.backward(parameters, manual.forward(parameters, X, g), X, Y, g)
    for name, array in exact_gradients(problem).items():
        np.testing.assert_allclose(
            mine[name], array.astype(float), rtol=1e-4 if problem.dtype == "float32" else 1e-12, atol=1e-7
        )


def test_the_grid_has_every_size_in_both_precisions():
    assert len(GRID) == len(set(GRID)) == 24
    assert {problem.dtype for problem in GRID} == {"float32", "float64"}
