"""The published strategies keep every promise of their docstring."""

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from gradcompare import cases
from gradcompare.network import draw_networks

LABELS = pytest.mark.parametrize("labels", cases.LABELS)


@LABELS
@given(data=st.data())
def test_a_mistake_has_nowhere_to_hide(labels, data):
    network = data.draw(cases.networks(layers=(1, 4), labels=labels))
    n_L = network.sizes[-1]
    assert len({*network.sizes, network.m}) == len(network.sizes) + 1
    assert 2 <= network.m <= 8
    assert 2 <= n_L <= 5
    assert all(np.all(b != 0) for name, b in network.parameters.items() if name.startswith("b"))
    Z1 = network.parameters["W1"] @ network.X + network.parameters["b1"]
    assert Z1.min() < 0 < Z1.max()
    assert np.all(Z1 != 0)


@LABELS
@given(data=st.data())
def test_labels_are_what_they_are_called(labels, data):
    network = data.draw(cases.networks(labels=labels))
    Y, n_L, m = network.Y, network.sizes[-1], network.m
    assert Y.shape == ((m,) if labels == "classes" else (n_L, m))
    if labels == "classes":
        assert Y.dtype.kind == "i"
        assert Y.max() == n_L - 1
    if labels == "one_hot":
        assert np.array_equal(np.sort(Y, axis=0)[-1], np.ones(m))
        assert Y.sum() == m
        assert Y[-1].any()
    if labels == "binary":
        assert set(Y.ravel()) <= {0.0, 1.0}


@given(network=cases.networks(layers=(1, 4), dtype=np.float32))
def test_shapes_fit_and_one_dtype_is_used(network):
    for layer in range(1, len(network.sizes)):
        assert network.parameters[f"W{layer}"].shape == (network.sizes[layer], network.sizes[layer - 1])
        assert network.parameters[f"b{layer}"].shape == (network.sizes[layer], 1)
    assert {array.dtype for array in network.inputs.values()} == {np.dtype("float32")}
    assert network.X.shape == (network.sizes[0], network.m)


@given(network=cases.networks())
def test_the_same_sizes_and_seed_are_the_same_network(network):
    again = cases.draw_network(network.sizes, network.m, network.seed)
    assert all(np.array_equal(again.inputs[name], array) for name, array in network.inputs.items())


def test_it_shrinks_to_the_smallest_network():
    assert find(cases.networks(distinct=False), lambda network: True).sizes == (1, 1, 2)
    smallest = find(cases.networks(), lambda network: True)
    assert sorted((*smallest.sizes, smallest.m)) == [1, 2, 3, 4]


def test_numbers_may_be_fixed():
    network = find(cases.networks(layers=3, outputs=1, samples=(4, 4), units=(2, 7), scale=30.0), lambda network: True)
    assert (len(network.sizes), network.sizes[-1], network.m) == (4, 1, 4)


@LABELS
def test_networks_of_a_check_are_those_of_their_seed(labels):
    first, again, other = (draw_networks(40, seed, labels=labels) for seed in (7, 7, 8))
    for one, two in zip(first, again, strict=True):
        assert all(np.array_equal(one.inputs[name], array) for name, array in two.inputs.items())
    assert len({one.seed for one in [*first, *other]}) == 80
    assert all(len({*one.sizes, one.m}) == 4 for one in first)
    assert {one.m for one in draw_networks(200, 0)} == set(range(2, 9))


def test_networks_of_a_check_may_have_more_layers_than_there_are_widths():
    [deep] = draw_networks(1, 0, layers=12, outputs=3, samples=(6, 9))
    assert len(deep.sizes) == 13
    assert deep.sizes[-1] == 3
    assert 6 <= deep.m <= 9


@pytest.mark.parametrize("arguments", [((3,), 2), ((3, 0), 2), ((3, 2), 0)])
def test_sizes_without_a_network_are_refused(arguments):
    with pytest.raises(ValueError, match="two sizes at least"):
        cases.draw_network(*arguments, 0)


def test_unknown_labels_are_refused():
    with pytest.raises(ValueError, match="no kind of labels"):
        cases.draw_network((2, 2), 2, 0, labels="colours")
