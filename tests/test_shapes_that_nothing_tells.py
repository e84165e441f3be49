"""Pairs of functions of arrays whose shapes no name, no call and no initialiser tells: they are found by running them.
Of each the right one agrees, and a mistake is found."""

import numpy as np
import pytest

from gradcompare.interfaces import sizing
from tests.habits import Habit, agrees_and_is_found, checked

RECURRENT = """
    def rnn_step_forward(xt, a_prev, parameters):
        Wax, Waa, Wya = parameters["Wax"], parameters["Waa"], parameters["Wya"]
        ba, by = parameters["ba"], parameters["by"]
        a_next = np.tanh(Wax @ xt + Waa @ a_prev + ba)
        z = Wya @ a_next + by
        y = np.exp(z) / np.sum(np.exp(z), axis=0)
        return a_next, y, (a_next, a_prev, xt, parameters)

    def rnn_step_backward(da_next, cache):
        a_next, a_prev, xt, parameters = cache
        dz = (1 - a_next ** 2) * da_next
        return {"dxt": parameters["Wax"].T @ dz, "da_prev": parameters["Waa"].T @ dz, "dWax": dz @ xt.T,
                "dWaa": dz @ a_prev.T, "dba": np.sum(dz, axis=1, keepdims=True)}

    def rnn_forward(x, a0, parameters):
        caches = []
        n_x, m, T = x.shape
        n_y, n_a = parameters["Wya"].shape
        a = np.zeros((n_a, m, T))
        a_next = a0
        for t in range(T):
            a_next, y, cache = rnn_step_forward(x[:, :, t], a_next, parameters)
            a[:, :, t] = a_next
            caches.append(cache)
        return a, y, (caches, x)

    def rnn_backward(da, caches):
        caches, x = caches
        n_a, m, T = da.shape
        dx = np.zeros((x.shape[0], m, T))
        dWax, dWaa, dba, carried = 0, 0, 0, 0
        for t in reversed(range(T)):
            step = rnn_step_backward(da[:, :, t] + carried, caches[t])
            carried = step["da_prev"]
            dx[:, :, t] = step["dxt"]
            dWax += step["dWax"]
            dWaa += step["dWaa"]
            dba += step["dba"]
        return {"dx": dx, "da0": carried, "dWax": dWax, "dWaa": dWaa, "dba": dba}
"""
MEMORY = """
    def cell_forward(xt, a_prev, c_prev, parameters):
        n_x, m = xt.shape
        n_y, n_a = parameters["Wy"].shape
        both = np.zeros((n_a + n_x, m))
        both[:n_a, :] = a_prev
        both[n_a:, :] = xt
        forget = 1 / (1 + np.exp(-(parameters["Wf"] @ both + parameters["bf"])))
        new = np.tanh(parameters["Wc"] @ both + parameters["bc"])
        c_next = forget * c_prev + (1 - forget) * new
        a_next = np.tanh(c_next)
        y = parameters["Wy"] @ a_next
        return a_next, c_next, y, (a_next, both, c_prev, forget, new, parameters)

    def cell_backward(da_next, dc_next, cache):
        a_next, both, c_prev, forget, new, parameters = cache
        n_a = len(a_next)
        dc = dc_next + da_next * (1 - a_next ** 2)
        dforget = dc * (c_prev - new) * forget * (1 - forget)
        dnew = dc * (1 - forget) * (1 - new ** 2)
        dboth = parameters["Wf"].T @ dforget + parameters["Wc"].T @ dnew
        return {"dxt": dboth[n_a:], "da_prev": dboth[:n_a], "dc_prev": dc * forget,
                "dWf": dforget @ both.T, "dbf": np.sum(dforget, axis=1, keepdims=True),
                "dWc": dnew @ both.T, "dbc": np.sum(dnew, axis=1, keepdims=True)}
"""
HABITS = {
    "a slope that is left out of one step": Habit(RECURRENT, "dz = (1 - a_next ** 2) * da_next", "dz = 1 * da_next"),
    "two states beside a sample": Habit(MEMORY, "(c_prev - new) * forget", "c_prev * forget"),
    "the gradient of a state that another takes along": Habit(MEMORY, "dc = dc_next + da_next", "dc = da_next"),
}


@pytest.mark.parametrize("habit", HABITS)
def test_pairs_of_functions_of_a_dict_are_given_shapes_with_which_they_run(tmp_path, habit) -> None:
    agrees_and_is_found(tmp_path, HABITS[habit])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("da[:, :, t] + carried", "da[:, :, t]"), ('dWaa += step["dWaa"]', 'dWaa = step["dWaa"]')],
    ids=["not carried on", "not added up"],
)
def test_what_a_sequence_does_wrong_is_seen_though_its_step_is_right(tmp_path, right, wrong) -> None:
    report = checked(tmp_path, RECURRENT.replace(right, wrong))
    assert report.verdict == "wrong"
    gone_wrong = {finding.name for finding in report.tensors if finding.verdict != "ok"}
    assert "dWaa_rnn" in gone_wrong
    assert not {"dWaa_rnn_step", "dWax_rnn_step", "dba_rnn_step"} & gone_wrong


def test_axes_that_meet_are_made_alike() -> None:
    def run(shapes: dict[str, tuple[int, ...]]) -> None:
        x, w, b = (np.zeros(shape) for shape in shapes.values())
        x @ w + b

    shapes = sizing.shapes_that_run({"x": [True] * 2, "w": [True] * 2, "b": [False, True]}, run)
    (m, n), (inner, units), bias = shapes.values()
    assert inner == n
    assert bias == (1, units)
    assert len({m, n, units}) == 3


def test_an_axis_is_as_long_as_two_side_by_side() -> None:
    def run(shapes: dict[str, tuple[int, ...]]) -> None:
        x, h, w = (np.zeros(shape) for shape in shapes.values())
        h[:] = w @ np.concatenate([x, h])

    shapes = sizing.shapes_that_run({"x": [True] * 2, "h": [True] * 2, "w": [True] * 2}, run)
    assert shapes["w"] == (shapes["h"][0], shapes["x"][0] + shapes["h"][0])


def test_what_says_nothing_of_lengths_is_raised() -> None:
    def run(_: dict[str, tuple[int, ...]]) -> None:
        raise KeyError("nothing")

    with pytest.raises(KeyError):
        sizing.shapes_that_run({"x": [True]}, run)
