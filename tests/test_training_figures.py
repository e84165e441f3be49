"""The pictures are written, small enough, and show what was found; and the data of scikit-learn."""

from pathlib import Path

import numpy as np
import pytest

import gradcompare
from gradcompare.cli import main
from gradcompare.commands.outputs import CannotWriteError
from gradcompare.training import figures

pytest.importorskip("matplotlib", reason="needs the extra [train]")
pytest.importorskip("sklearn", reason="needs the extra [train]")


def written(folder):
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    for name, size in sizes.items():
        start = (folder / name).read_bytes()[:300]
        assert name.endswith(".npz") or (
            start.startswith(b"\x89PNG") if name.endswith(".png") else b"<svg" in start or b"<?xml" in start
        )
        assert size < 500_000
    return set(sizes)


@pytest.mark.parametrize("data", ["flower", "curve", "breast-cancer"])
def test_training_is_drawn_and_its_network_can_be_examined(tmp_path, capsys, data):
    folder = tmp_path / "new" / "folder"
    assert main(["train", "--data", data, "--iterations", "8", "--scale", "1", "--output", str(folder)]) == 0
    assert written(folder) == {"training.png", "training.svg", "network.npz"}
    capsys.readouterr()
    assert main(["health", str(folder / "network.npz")]) == 0
    assert ", identity, 200 samples" in capsys.readouterr().out or data != "curve"
    svg = (folder / "training.svg").read_text(encoding="utf-8")
    assert all(words in svg for words in ("by hand", "PyTorch", "Relative distance"))


def test_the_readme_shows_what_the_commands_say(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    readme = (Path(gradcompare.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert main(["train", "--init", "zeros", "--activation", "relu", "--iterations", "1", "--output", "zeros"]) == 2
    assert "cannot be decided" in capsys.readouterr().out
    assert main(["health", "zeros/network.npz"]) == 0
    assert f"$ gradcompare health zeros/network.npz\n{capsys.readouterr().out}```" in readme


def test_a_parting_is_drawn(tmp_path, capsys):
    words = ["--learning-rate", "20", "--iterations", "40", "--output", str(tmp_path)]
    assert main(["train", *words]) == 0
    assert "part: learning rate" in (tmp_path / "training.svg").read_text(encoding="utf-8")


def test_activations_are_drawn(tmp_path, capsys):
    words = ["--compare-activations", "--iterations", "5", "--seeds", "2", "--output", str(tmp_path)]
    assert main(["train", *words]) == 0
    names = {f"{name}.{kind}" for name in ("functions", "activations", "scales") for kind in ("png", "svg")}
    assert written(tmp_path) == names
    svg = (tmp_path / "scales.svg").read_text(encoding="utf-8")
    assert all(g in svg for g in ("sigmoid", "tanh", "relu", "leaky_relu"))


def test_the_same_command_writes_the_same_picture(tmp_path, capsys):
    for name in ("a", "b"):
        assert main(["train", "--iterations", "5", "--output", str(tmp_path / name)]) == 0
    for picture in ("training.png", "training.svg"):
        assert (tmp_path / "a" / picture).read_bytes() == (tmp_path / "b" / picture).read_bytes()
    with np.load(tmp_path / "a" / "network.npz") as network:
        assert network["W1"].shape == (4, 2)


def test_what_is_refused_leaves_no_folder_and_what_is_in_it_stays(tmp_path, capsys):
    folder = tmp_path / "figures"
    assert main(["train", "--scale", "1,2,3", "--output", str(folder)]) == 2
    assert not folder.exists()
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "training.png").mkdir()
    assert main(["train", "--iterations", "5", "--output", str(folder)]) == 2
    assert "training.png cannot be written: it is a folder." in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["notes.txt", "training.png"]


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (KeyboardInterrupt(), "Interrupted before all was written to"),
        (CannotWriteError("No space is left."), "No space"),
    ],
)
def test_what_is_known_is_said_whatever_becomes_of_the_pictures(tmp_path, capsys, monkeypatch, problem, says):
    def fails(*_arguments):
        raise problem

    monkeypatch.setattr(figures, "course", fails)
    assert main(["train", "--iterations", "5", "--output", str(tmp_path)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("They do not part")
    assert lines[-1].startswith(says)


def test_a_folder_that_cannot_be_made_is_said(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["train", "--iterations", "5", "--output", str(tmp_path / "file" / "below")]) == 2
    assert "cannot be written to" in capsys.readouterr().err
