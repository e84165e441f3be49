"""Blame where the subject's own values send the code another way: through another branch, or round a loop longer."""

import numpy as np
import pytest

from gradcompare import compare, numpy_on_torch
from gradcompare.judging.claims import PARTED

GENERATOR = np.random.default_rng(0)
SHAPES = {"W": (3, 2), "V": (2, 3), "X": (2, 4), "Y": (2, 4)}
INPUTS = {name: GENERATOR.standard_normal(shape) for name, shape in SHAPES.items()}


def by_branch(z):
    """a, and da/dz."""
    if np.sum(z) > 0:
        a = np.tanh(z)
        return a, 1 - a**2
    s = 1 / (1 + np.exp(-z))
    return z * s + 0.5 * z, s + z * s * (1 - s) + 0.5


def by_turns(z):
    """The same, of steps that are taken until they are small."""
    a, slope = np.zeros_like(z), np.zeros_like(z)
    while True:
        new = np.tanh(z + 0.4 * a)
        slope = (1 - new**2) * (1 + 0.4 * slope)
        if np.max(np.abs(new - a)) < 1e-2:
            return new, slope
        a = new


def program(activation, z_of=lambda z: z, wrong=1.0):
    """(reference, subject): the subject has another z, and its dV is `wrong` times what it should be."""

    def cost(i):
        z = i["W"] @ i["X"]
        a, _ = activation(z)
        o = i["V"] @ a
        return np.mean((o - i["Y"]) ** 2), {"z": z, "a": a, "o": o}

    def gradients(i):
        z = z_of(i["W"] @ i["X"])
        a, slope = activation(z)
        o = i["V"] @ a
        do = 2 * (o - i["Y"]) / o.size
        da = i["V"].T @ do
        dz = da * slope
        named = {"z": z, "a": a, "o": o, "do": do, "da": da, "dz": dz}
        return named | {"dV": wrong * do @ a.T, "dW": dz @ i["X"].T}

    return numpy_on_torch(cost), numpy_on_torch(gradients)


@pytest.mark.parametrize("activation", [by_branch, by_turns])
def test_a_right_subject_agrees(activation):
    assert compare(*program(activation), INPUTS).verdict == "agrees"


@pytest.mark.parametrize(
    ("activation", "z_of", "parts"),
    [
        (by_branch, lambda z: -z, True),
        (by_branch, lambda z: 1.5 * z, False),
        (by_turns, lambda z: 0.01 * z, True),
        (by_turns, lambda z: 1.0001 * z, False),
    ],
)
def test_the_step_that_sends_it_there_is_to_blame_and_no_other(activation, z_of, parts):
    report = compare(*program(activation, z_of), INPUTS)
    assert [f.name for f in report.tensors if f.verdict == "fault"] == ["z"]
    assert {f.verdict for f in report.tensors if f.name != "z"} == {"inherited"}
    assert (PARTED in report.notes) == parts


@pytest.mark.parametrize("activation", [by_branch, by_turns])
def test_on_the_common_way_blame_is_as_fine_as_ever(activation):
    report = compare(*program(activation, wrong=2.0), INPUTS)
    assert [f.name for f in report.tensors if f.verdict != "ok"] == ["dV"]
    assert PARTED not in report.notes
