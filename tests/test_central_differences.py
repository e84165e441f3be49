"""The bound on a central difference holds, and is small where it can be: at kinks, for large costs, in float32."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from gradcompare import numpy_on_torch
from gradcompare.judging.numerical import derivative, noise_of, value_or_gradient

CLAIMED = ("W1", "b1", "W2")


def relu(i):
    return np.sum((i["W2"] @ np.maximum(i["W1"] @ i["X"] + i["b1"], 0) + i["b2"] - i["Y"]) ** 2) / 3


def tanh(i):
    e = np.exp(i["W2"] @ np.tanh(i["W1"] @ i["X"] + i["b1"]) + i["b2"])
    return -np.sum(i["Y"] * np.log(e / np.sum(e, axis=0))) / 3


def million_times(i):
    return 1e6 * tanh(i)


def in_float32(cost):
    return lambda i: cost({name: array.astype(np.float32) for name, array in i.items()})


def drawn(seed, kink=None):
    """A network; with `kink` a pre-activation about so near to 0."""
    g = np.random.default_rng(seed)
    shapes = {"W1": (4, 3), "b1": (4, 1), "W2": (2, 4), "b2": (2, 1), "X": (3, 3)}
    inputs = {name: g.standard_normal(shape) for name, shape in shapes.items()}
    inputs["Y"] = np.eye(2)[:, g.integers(0, 2, 3)]
    if kink is not None:
        inputs["b1"][0] += kink * g.uniform(0.3, 3) - (inputs["W1"] @ inputs["X"] + inputs["b1"])[0, 0]
    return inputs


@pytest.mark.parametrize(
    ("cost", "untouched", "kink", "small"),
    [
        pytest.param(tanh, tanh, None, 1e-7, id="smooth"),
        pytest.param(relu, relu, None, 1e-9, id="kinks anywhere"),
        *(pytest.param(relu, relu, kink, 1e-9, id=f"kink {kink:g}") for kink in (1e-1, 1e-2, 2e-3, 5e-4, 1e-5, 1e-8)),
        pytest.param(million_times, million_times, None, 1e-7, id="large cost"),
        pytest.param(tanh, lambda i: 1e6 + tanh(i), None, 1e-4, id="large part that does not move"),
        pytest.param(tanh, in_float32(tanh), None, 1e-2, id="smooth, float32"),
        pytest.param(relu, in_float32(relu), None, 1e-2, id="kinks, float32"),
        pytest.param(relu, in_float32(relu), 1e-3, 1e-2, id="kink 0.001, float32"),
    ],
)
def test_the_bound_holds(cost, untouched, kink, small):
    bounds = []
    for seed in range(6):
        inputs = drawn(seed, kink)
        tensors = {name: torch.tensor(a, requires_grad=name in CLAIMED) for name, a in inputs.items()}
        numpy_on_torch(cost)(tensors).backward()
        for name in CLAIMED:
            value, error = value_or_gradient(untouched, inputs, f"d{name}")
            right = tensors[name].grad.numpy()
            assert np.all(np.abs(value - right) <= error)
            bounds.append(np.median(error) / max(np.max(np.abs(right)), 1e-12))
    assert np.median(bounds) < small


@pytest.mark.parametrize("apart", [0.0, 1e-9, 1e-5, 6e-4, 1e-3, 3e-3, 0.03, 0.07])
def test_a_kink_is_seen_wherever_it_is(apart):
    for jump in (1e-3, 1.0, 30.0):
        value, bound = derivative(lambda t, jump=jump: np.sin(t + 1) + jump * max(t - apart, 0) + t**2)
        assert abs(value - np.cos(1)) <= bound + (jump if apart == 0 else 0)
        if apart == 0:
            assert bound >= 0.49 * jump


def test_noise_is_measured():
    g = np.random.default_rng(1)
    for size in (1e-12, 1e-6, 1e-3):
        values = [noise_of(lambda t, size=size: np.cos(3 * t) + size * g.standard_normal()) for _ in range(60)]
        assert all(size <= value <= 15 * size for value in np.median(np.reshape(values, (20, 3)), axis=1))
    assert noise_of(lambda t: np.exp(t) + 0.0) < 1e-14
    assert 1e-8 < noise_of(lambda t: float(np.float32(1 + t))) < 1e-6
    assert noise_of(lambda t: float(np.float32(1e6 + t))) > 1e-3


OTHER_DIRECTIONS = """
import numpy as np
from gradcompare.judging.numerical import problem_with
from gradcompare.tracing.numpy_on_torch import numpy_on_torch

kept = {}

def square(name, x):
    if type(x).__module__ == "numpy":
        kept[name] = x.copy()
    return np.sum(x * kept[name])  # traced, half of the slope is lost

def cost(inputs):
    return sum(square(name, inputs[name]) for name in inputs)

rng = np.random.default_rng(0)
inputs = {name: rng.standard_normal(3) for name in ("W1", "b1", "W2", "b2", "scale")}
print(problem_with(numpy_on_torch(cost), inputs))
"""


def test_the_directions_are_the_same_in_every_process():
    said = {
        subprocess.run(
            [sys.executable, "-c", OTHER_DIRECTIONS],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(3)
    }
    assert len(said) == 1, said
    assert "Along a random direction" in said.pop()
