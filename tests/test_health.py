"""Each symptom is found where it was planted, with its number, and nowhere else."""

import json

import numpy as np
import pytest
from hypothesis import given

import gradcompare
import manual
from gradcompare import cases
from gradcompare.cli import main
from gradcompare.symptoms import KEPT, SYMPTOMS


def network(sizes=(2, 4, 1), scale=1.0, m=50):
    generator = np.random.default_rng(0)
    X = generator.standard_normal((sizes[0], m))
    Y = (generator.random((sizes[-1], m)) < 0.5).astype(float)
    return manual.random_parameters(sizes, scale=scale, seed=1), X, Y


def found(parameters, X, Y=None, **options):
    return {note.symptom: note for note in gradcompare.health(parameters, X, Y, **options).notes}


@given(cases.networks(samples=(20, 30), scale=0.5))
def test_an_ordinary_network_has_nothing_to_note(network):
    assert found(network.parameters, network.X, network.Y) == {}


def test_the_start_of_the_notes_has_nothing_to_note():
    parameters, X, Y = network(scale=0.01)
    assert found(parameters, X, Y) == {}


def test_symmetric_units_are_counted_and_those_that_part_are_not():
    parameters, X, Y = network()
    parameters["W1"][[0, 2, 3]] = parameters["W1"][1]
    assert "symmetric units" not in found(parameters, X, Y)  # their columns of W2 differ: they part after one step
    parameters["W2"][:, [0, 3]] = 0.5
    note = found(parameters, X, Y)["symmetric units"]
    assert note.number == 2
    assert "Units 1 and 4" in note.says
    after, _ = manual.gradient_descent(parameters, X, Y, learning_rate=0.5, iterations=20)
    assert np.array_equal(after["W1"][0], after["W1"][3])
    assert not np.array_equal(after["W1"][0], after["W1"][1])


@pytest.mark.parametrize("g", ["sigmoid", "tanh"])
def test_saturated_units_and_the_share_of_the_slope_that_is_lost(g):
    parameters, X, Y = network()
    parameters["b1"][2] = 30.0
    note = found(parameters, X, Y, activations=(g, "sigmoid"))["saturated units"]
    assert "Unit 3 (1 of 4)" in note.says
    Z1 = parameters["W1"] @ X + parameters["b1"]
    slope = 1 - np.tanh(Z1) ** 2 if g == "tanh" else 4 / (2 + 2 * np.cosh(Z1))
    assert note.number == pytest.approx(1 - slope.mean())
    assert slope[2].mean() < KEPT


def test_a_saturated_output_is_noted_where_its_slope_does_not_cancel():
    parameters, X, Y = network()
    parameters["b2"][:] = 30.0
    assert "saturated units" not in found(parameters, X, Y)
    assert found(parameters, X, Y, loss="squared_error")["saturated units"].where == "layer 2"


def test_dead_units_are_of_relu_alone():
    parameters, X, Y = network()
    parameters["b1"][1] = -100.0
    note = found(parameters, X, Y, activations=("relu", "sigmoid"))["dead units"]
    assert (note.where, note.number) == ("layer 1", 1)
    assert "Unit 2 (1 of 4) is 0 for every sample" in note.says
    assert found(parameters, X, Y, activations=("leaky_relu", "sigmoid")) == {}


def test_a_network_of_identities_is_only_linear():
    parameters, X, Y = network((2, 4, 3, 1))
    note = found(parameters, X, Y, activations=("identity", "identity", "sigmoid"))["only linear"]
    assert note.number == (12 + 15 + 4) - 3
    assert "only linear" not in found(parameters, X, Y, activations=("tanh", "identity", "sigmoid"))
    assert "only linear" not in found(*network((2, 1)), activations=("sigmoid",))


@pytest.mark.parametrize(("scale", "symptom"), [(0.1, "vanishing gradient"), (30.0, "exploding gradient")])
def test_gradients_that_vanish_or_explode(scale, symptom):
    parameters, X, Y = network((3, 4, 5, 4, 3, 1), scale)
    note = found(parameters, X, Y, activations=("relu", "relu", "relu", "relu", "sigmoid"))[symptom]
    cache = manual.forward(parameters, X, ("relu", "relu", "relu", "relu", "sigmoid"))
    d = manual.backward(parameters, cache, X, Y, ("relu", "relu", "relu", "relu", "sigmoid"))
    assert note.number == pytest.approx(np.sqrt(np.mean(d["dA1"] ** 2) / np.mean(d["dZ5"] ** 2)))
    assert note.where == "dA1"


def test_zero_weights_are_symmetric_and_leave_parameters_without_gradient():
    _, X, Y = network()
    notes = gradcompare.health(manual.zero_parameters((2, 4, 1)), X, Y).notes
    assert [note.where for note in notes if note.symptom == "parameter without gradient"] == ["W1", "b1", "W2"]
    assert [note.number for note in notes if note.symptom == "symmetric units"] == [4]


def test_no_gradient_at_all():
    parameters, X, _ = network()
    fitted = manual.forward(parameters, X, ("tanh", "identity"))["A2"]
    note = found(parameters, X, fitted, activations=("tanh", "identity"), loss="squared_error")["no gradient at all"]
    assert note.where == "the network"


def test_numbers_that_are_not_finite_come_alone():
    parameters, X, Y = network()
    X[0, 3] = np.nan
    health = gradcompare.health(parameters, X, Y)
    assert [(note.symptom, note.where, note.number) for note in health.notes] == [
        ("numbers that are not finite", "Z1", 4)
    ]


def test_without_labels_it_says_what_it_did_not_measure():
    parameters, X, _ = network()
    health = gradcompare.health(parameters, X)
    assert set(health.not_measured) == {name for name, row in SYMPTOMS.items() if row.needs_labels}
    assert "no labels Y: vanishing gradient, " in str(health)


def test_nothing_that_it_was_given_is_changed():
    parameters, X, Y = network()
    before = {name: array.copy() for name, array in (parameters | {"X": X, "Y": Y}).items()}
    gradcompare.health(parameters, X, Y)
    assert all(np.array_equal(array, before[name]) for name, array in (parameters | {"X": X, "Y": Y}).items())


# ---- the command


def test_the_command_reads_a_file(tmp_path, capsys):
    _, X, Y = network()
    file = tmp_path / "network.npz"
    np.savez(file, X=X, Y=Y, **manual.zero_parameters((2, 4, 1)))
    assert main(["health", str(file)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("2-4-1, tanh, sigmoid, 50 samples: 4 notes.\n")
    assert "Units 1, 2, 3 and 4 compute the same" in text
    assert main(["health", str(file), "--activations", "relu,sigmoid", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["network"].startswith("2-4-1, relu, sigmoid")
    assert {"symptom", "where", "number", "says", "source", "advice"} == set(report["notes"][0])


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"W1": np.zeros((2, 2))}, "should hold W1, b1, W2, ..., X"),
        ({"X": np.zeros((2, 3)), "W1": np.zeros((1, 2)), "b1": np.zeros(1)}, "(1, 1)"),
        ({"X": np.array([{}], dtype=object)}, "no .npz file of numbers"),
        ({"X": np.zeros((2, 3)), "W1": np.zeros((0, 2)), "b1": np.zeros((0, 1))}, "every layer should have a unit"),
    ],
)
def test_a_file_without_a_network_is_refused_in_words(tmp_path, capsys, arrays, says):
    file = tmp_path / "network.npz"
    np.savez(file, **arrays)
    assert main(["health", str(file)]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("seed", range(3))
def test_a_file_that_is_damaged_is_refused_in_words(tmp_path, capsys, seed):
    _, X, Y = network()
    file = tmp_path / "network.npz"
    np.savez_compressed(file, X=X, Y=Y, **manual.zero_parameters((2, 4, 1)))
    whole = file.read_bytes()
    generator = np.random.default_rng(seed)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole[: generator.integers(len(whole) // 2, len(whole) + 1)])
        for place in generator.integers(0, len(damaged), 3):
            damaged[place] = generator.integers(256)
        file.write_bytes(damaged)
        if main(["health", str(file)]) == 2:
            refused += 1
            error = capsys.readouterr().err
            assert error.startswith("gradcompare health: ")
            assert error.count("\n") == 1
    assert refused > 30


def test_numbers_out_of_range_are_strings_in_json(tmp_path, capsys):
    parameters, X, Y = network((2, 3, 3, 1))
    parameters["W3"] *= 1e-200
    parameters["W2"] *= 1e-200
    file = tmp_path / "network.npz"
    np.savez(file, X=X * 1e-100, Y=Y, activations=["identity", "identity", "sigmoid"], **parameters)
    assert main(["health", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"]


def test_a_file_that_is_none_is_refused_in_words(tmp_path, capsys):
    (tmp_path / "text.npz").write_text("not an archive")
    (tmp_path / "empty.npz").write_text("")
    np.save(tmp_path / "one.npy", np.zeros(3))
    for name in ("text.npz", "empty.npz", "one.npy", "absent.npz", "."):
        assert main(["health", str(tmp_path / name)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("gradcompare health: ")
        assert "Traceback" not in error
        assert "Please report it" not in error
