"""What a report keeps of one of its networks: every tensor, what it was computed from, error / bound by entry."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gradcompare import check, compare, numpy_on_torch
from gradcompare.picture import MOST_CELLS, map_of

EXAMPLES = Path(__file__).parent.parent / "examples"


def inputs(n=(3, 4, 2), m=5):
    draw = np.random.default_rng(0)
    return {
        "X": draw.normal(size=(n[0], m)),
        "Y": draw.normal(size=(n[2], m)),
        "W1": draw.normal(size=(n[1], n[0])),
        "b1": draw.normal(size=(n[1], 1)),
        "W2": draw.normal(size=(n[2], n[1])),
    }


def forward(given):
    Z1 = given["W1"] @ given["X"] + given["b1"]
    A1 = np.tanh(Z1)
    Z2 = given["W2"] @ A1
    return np.sum((Z2 - given["Y"]) ** 2) / 2, {"Z1": Z1, "A1": A1, "Z2": Z2}


def gradients(given):
    _, values = forward(given)
    dZ2 = values["Z2"] - given["Y"]
    dZ1 = given["W2"].T @ dZ2 * (1 - values["A1"] ** 2)
    dW1, db1 = dZ1 @ given["X"].T, dZ1.sum(axis=1, keepdims=True)
    return {"dZ2": dZ2, "dW2": dZ2 @ values["A1"].T, "dZ1": dZ1, "dW1": dW1, "db1": db1}


def pictured(change=lambda claims: claims, given=None):
    report = compare(numpy_on_torch(forward), numpy_on_torch(lambda g: change(gradients(g))), given or inputs())
    return report, {tensor.name: tensor for tensor in report.picture.tensors}


def test_every_tensor_with_what_it_was_computed_from():
    report, tensors = pictured()
    kinds = {name: tensor.kind for name, tensor in tensors.items()}
    assert report.verdict == "agrees"
    assert {n for n, kind in kinds.items() if kind == "input"} == set(inputs())
    assert {n for n, kind in kinds.items() if kind == "value"} == {"Z1", "A1", "Z2"}
    assert kinds["J"] == "cost"
    assert set(tensors["Z1"].upstream) == {"W1", "X", "b1"}
    assert set(tensors["J"].upstream) == {"Z2", "Y"}
    assert set(tensors["dW2"].upstream) == {"dZ2", "A1"}
    assert {"dZ2", "W2"} <= set(tensors["dZ1"].upstream)
    place = list(tensors)
    assert all(place.index(name) < place.index(t.name) for t in tensors.values() for name in t.upstream)


def test_a_map_holds_error_over_bound_of_every_entry():
    def off(claims):
        claims["dW1"][2, 1] += 1e-6
        return claims

    report, tensors = pictured(off)
    right = torch.autograd.functional.jacobian(lambda W1: cost(W1), torch.from_numpy(inputs()["W1"])).numpy()
    map_ = tensors["dW1"].map
    assert map_.worst.index == (2, 1)
    assert map_.worst.reference == pytest.approx(right[2, 1], rel=1e-12)
    assert map_.worst.claim == pytest.approx(right[2, 1] + 1e-6, rel=1e-12)
    assert map_.worst.ratio == map_.worst.error / map_.worst.bound
    finding = next(f for f in report.tensors if f.name == "dW1")
    assert map_.worst.ratio == pytest.approx(finding.ratio)
    assert map_.above == 1
    assert np.argwhere(map_.ratios > 1).tolist() == [[2, 1]]
    assert [entry.index for entry in map_.entries if entry.ratio > 1] == [(2, 1)]
    assert tensors["Z1"].map is None, "nobody claims to know Z1"


def cost(W1):
    given = {name: torch.from_numpy(array) for name, array in inputs().items()}
    A1 = torch.tanh(W1 @ given["X"] + given["b1"])
    return ((given["W2"] @ A1 - given["Y"]) ** 2).sum() / 2


def test_gradients_of_the_summed_loss_are_shown_as_they_are():
    given, m = inputs(), 5

    def mean(g):
        total, values = forward(g)
        return total / m, values

    def subject(g):
        found = gradients(g)
        return {name: array / m if name[1] in "Wb" else array for name, array in found.items()}

    report = compare(numpy_on_torch(mean), numpy_on_torch(subject), given)
    worst = next(t for t in report.picture.tensors if t.name == "dZ2").map.worst
    assert report.verdict == "agrees"
    assert worst.claim == pytest.approx(worst.reference, rel=1e-12)
    assert worst.claim == gradients(given)["dZ2"][worst.index]


@pytest.mark.parametrize(
    "wrong", [lambda a: a[:, :1], np.ravel, lambda a: np.full(a.shape, None)], ids=["cut", "flat", "none"]
)
def test_a_claim_that_cannot_be_compared_has_no_map(wrong):
    report, tensors = pictured(lambda claims: claims | {"dW1": wrong(claims["dW1"])})
    assert report.verdict == "wrong"
    assert tensors["dW1"].map is None
    assert tensors["dZ1"].map is not None


def test_maps_of_a_file_whose_local_variables_have_shapes_of_their_own():
    report = check(EXAMPLES / "layers_stored_bias_of_one_sample.py", examples=2)
    maps = {t.name: (t.map.size, math.prod(t.shape)) for t in report.picture.tensors if t.map is not None}
    assert "db2" in maps
    assert all(size == expected for size, expected in maps.values()), maps


def test_a_large_tensor_is_pooled_to_its_worst_entries():
    claim = np.zeros((500, 3 * MOST_CELLS))
    claim[321, 100] = 7.0
    map_ = map_of(claim, np.zeros_like(claim), np.ones_like(claim) * 0.5)
    # a bound of 0.5 beside zeros decides nothing, so the reference needs a size
    assert np.isnan(map_.ratios).all()
    reference = np.full_like(claim, 1e4)
    map_ = map_of(claim + reference, reference, np.ones_like(claim) * 0.5)
    rows, columns = map_.block
    assert map_.ratios.shape == (-(-500 // rows), -(-3 * MOST_CELLS // columns))
    assert max(map_.ratios.shape) <= MOST_CELLS
    assert np.argwhere(map_.ratios == 14.0).tolist() == [[321 // rows, 100 // columns]]
    assert map_.worst.index == (321, 100)
    assert not map_.entries


@pytest.mark.parametrize(("shape", "drawn"), [((), (1, 1)), ((3,), (1, 3)), ((2, 3), (2, 3)), ((2, 3, 4), (6, 4))])
def test_any_number_of_axes(shape, drawn):
    ones = np.ones(shape)
    assert map_of(ones, ones, 1e-9 * ones).ratios.shape == drawn


def test_a_file_s_tensors_know_their_lines_and_a_tensor_of_several_names_is_one():
    report = check(EXAMPLES / "l_layer_right.py", examples=2)
    tensors = {name: tensor for tensor in report.picture.tensors for name in tensor.names}
    assert report.verdict == "agrees"
    assert tensors["Z1"] is tensors["Z"]
    line, statement = tensors["Z1"].place
    text = report.source.text.split("\n")
    assert text[line - 1].strip() == statement
    assert "np.dot(W" in statement
