"""The gradients written by hand are those of autograd, for random shapes and all four activations."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

import manual
import torch_ref

ACTIVATIONS = ["sigmoid", "tanh", "relu", "leaky_relu"]

widths = st.integers(min_value=1, max_value=8)
seeds = st.integers(min_value=0, max_value=2**32 - 1)


def assert_same(by_hand, by_autograd):
    """Sums of at most 20 products of numbers near 1: rounding at 2^-53 reaches some 1e-14, and 1e-12 is a mistake."""
    torch.testing.assert_close(torch.tensor(by_hand), torch.tensor(by_autograd), rtol=1e-12, atol=1e-12)


@given(hidden=st.sampled_from(ACTIVATIONS), n_0=widths, n_1=widths, n_2=widths, m=st.integers(1, 20), seed=seeds)
def test_dZ_dW_and_db_match_autograd(hidden, n_0, n_1, n_2, m, seed):
    generator = np.random.default_rng(seed)
    parameters = {
        "W1": generator.standard_normal((n_1, n_0)) / np.sqrt(n_0),
        "b1": generator.standard_normal((n_1, 1)),
        "W2": generator.standard_normal((n_2, n_1)) / np.sqrt(n_1),
        "b2": generator.standard_normal((n_2, 1)),
    }
    X = generator.standard_normal((n_0, m))
    Y = generator.integers(0, 2, (n_2, m)).astype(float)

    cache = manual.forward(parameters, X, (hidden, "sigmoid"))
    by_hand = manual.backward(parameters, cache, X, Y, (hidden, "sigmoid"))
    by_autograd = torch_ref.gradients(parameters, X, Y, (hidden, "sigmoid"))

    for name in ("dZ2", "dW2", "db2", "dZ1", "dW1", "db1"):
        assert_same(by_hand[name], by_autograd[name])
