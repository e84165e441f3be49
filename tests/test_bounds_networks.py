"""Whole networks: the gradient that PyTorch computes in either precision is never further from the exact one than its
bound, and the bound is small.

The exact gradient comes from the six formulas, in mpmath (400 digits), which knows nothing of torch; the code under
test writes the same functions in every algebraic form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from gradcompare.bounds import FLOAT32, FLOAT64, Precision, Run

EXAMPLES = settings(max_examples=max(settings().max_examples // 5, 1))
PRECISIONS = pytest.mark.parametrize("p", [FLOAT32, FLOAT64], ids=["float32", "float64"])

each = np.frompyfunc
_exp, _log, _tanh = each(mpmath.exp, 1, 1), each(mpmath.log, 1, 1), each(mpmath.tanh, 1, 1)


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + _exp(-z))


@dataclass(frozen=True)
class Activation:
    """How torch code writes it, in one form or another; the exact function and its derivative."""

    torch: Callable[[Any], Any]
    exact: Callable[[Any], Any]
    derivative: Callable[[Any], Any]


def _same(
    derivative: Callable[[Any], Any], exact: Callable[[Any], Any], **forms: Callable[[Any], Any]
) -> dict[str, Any]:
    return {name.replace("_", " "): Activation(form, exact, derivative) for name, form in forms.items()}


SIGMOID: dict[str, Callable[[Any], Any]] = {
    "sigmoid": torch.sigmoid,
    "naive_sigmoid": lambda z: 1 / (1 + torch.exp(-z)),
    "sigmoid_by_tanh": lambda z: 0.5 * (1 + torch.tanh(z / 2)),
    "sigmoid_by_exp": lambda z: torch.exp(z) / (1 + torch.exp(z)),
}
ACTIVATIONS: dict[str, Activation] = {
    **_same(lambda z: _sigmoid(z) * (1 - _sigmoid(z)), _sigmoid, **SIGMOID),
    **_same(
        lambda z: 1 - _tanh(z) ** 2,
        _tanh,
        tanh=torch.tanh,
        tanh_by_exp=lambda z: (torch.exp(z) - torch.exp(-z)) / (torch.exp(z) + torch.exp(-z)),
        tanh_by_sigmoid=lambda z: 2 * torch.sigmoid(2 * z) - 1,
    ),
    **_same(
        lambda z: (z > 0) * mpmath.mpf(1),
        lambda z: np.where(z > 0, z, 0 * z),
        relu=F.relu,
        relu_by_maximum=lambda z: torch.maximum(z, torch.zeros((), dtype=z.dtype)),
        relu_by_mask=lambda z: z * (z > 0),
        relu_by_where=lambda z: torch.where(z > 0, z, 0.0),
    ),
    **_same(
        lambda z: np.where(z > 0, mpmath.mpf(1), mpmath.mpf(0.01)),
        lambda z: np.where(z > 0, z, mpmath.mpf(0.01) * z),
        leaky_relu=F.leaky_relu,
        leaky_relu_by_maximum=lambda z: torch.maximum(0.01 * z, z),
    ),
    **_same(_sigmoid, lambda z: each(lambda x: mpmath.log1p(mpmath.exp(x)), 1, 1)(z), softplus=F.softplus),
}


def softmax(Z: Any) -> Any:
    e = _exp(Z - Z.max(0))
    return e / e.sum(0)


def _cross_entropy(A: Any, Y: Any) -> Any:
    return -(Y * torch.log(A) + (1 - Y) * torch.log(1 - A)).sum() / Y.shape[1]


def _by_hand(Z: Any) -> Any:
    e = torch.exp(Z - Z.max(0, keepdim=True).values)
    return e / e.sum(0, keepdim=True)


@dataclass(frozen=True)
class Loss:
    """The cost, from the last pre-activation; the exact derivative of it."""

    torch: Callable[[Any, Any], Any]
    derivative: Callable[[Any, Any], Any]


def _binary(**forms: Callable[[Any, Any], Any]) -> dict[str, Loss]:
    return {k.replace("_", " "): Loss(f, lambda Z, Y: (_sigmoid(Z) - Y) / Y.shape[1]) for k, f in forms.items()}


def _classes(**forms: Callable[[Any, Any], Any]) -> dict[str, Loss]:
    return {k.replace("_", " "): Loss(f, lambda Z, Y: (softmax(Z) - Y) / Y.shape[1]) for k, f in forms.items()}


LOSSES: dict[str, Loss] = {
    **_binary(
        cross_entropy=lambda Z, Y: _cross_entropy(torch.sigmoid(Z), Y),
        naive_cross_entropy=lambda Z, Y: _cross_entropy(1 / (1 + torch.exp(-Z)), Y),
        stable_cross_entropy=lambda Z, Y: F.binary_cross_entropy_with_logits(Z, Y, reduction="sum") / Y.shape[1],
        softplus_cross_entropy=lambda Z, Y: (F.softplus(Z, threshold=1e3) - Y * Z).mean(1).sum(),
    ),
    **_classes(
        log_softmax=lambda Z, Y: -(Y * torch.log_softmax(Z, 0)).sum() / Y.shape[1],
        log_of_softmax=lambda Z, Y: -(Y * torch.log(torch.softmax(Z, 0))).sum(0).mean(),
        softmax_by_hand=lambda Z, Y: -(Y * torch.log(_by_hand(Z))).sum() / Y.shape[1],
        softmax_unshifted=lambda Z, Y: -(Y * torch.log(torch.exp(Z) / torch.exp(Z).sum(0))).sum(0).mean(),
        log_sum_exp=lambda Z, Y: (torch.logsumexp(Z, 0) - (Y * Z).sum(0)).mean(),
    ),
    "squared error": Loss(lambda Z, Y: 0.5 * ((Z - Y) ** 2).sum() / Y.shape[1], lambda Z, Y: (Z - Y) / Y.shape[1]),
    "squared error of sigmoid": Loss(
        lambda Z, Y: (0.5 * (torch.sigmoid(Z) - Y) ** 2).sum(0).mean(),
        lambda Z, Y: (_sigmoid(Z) - Y) * _sigmoid(Z) * (1 - _sigmoid(Z)) / Y.shape[1],
    ),
}


@dataclass
class Network:
    """A shallow network and its data, in the working precision: X, Y, W1, b1, W2, b2."""

    activation: str
    loss: str
    arrays: list[np.ndarray]

    def cost(self, X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        Z2 = W2 @ ACTIVATIONS[self.activation].torch(W1 @ X + b1) + b2
        return LOSSES[self.loss].torch(Z2, Y)

    def exact_gradients(self) -> list[Any]:
        """dW1, db1, dW2, db2. So many digits because sigmoid(Z) - 1 is exp(-Z), down to the smallest float64."""
        with mpmath.workdps(400):
            X, Y, W1, b1, W2, b2 = (each(lambda x: mpmath.mpf(float(x)), 1, 1)(a) for a in self.arrays)
            activation = ACTIVATIONS[self.activation]
            Z1 = W1 @ X + b1
            A1 = activation.exact(Z1)
            dZ2 = LOSSES[self.loss].derivative(W2 @ A1 + b2, Y)
            dZ1 = (W2.T @ dZ2) * activation.derivative(Z1)
            return [dZ1 @ X.T, dZ1.sum(1, keepdims=True), dZ2 @ A1.T, dZ2.sum(1, keepdims=True)]

    def torch_gradients(self) -> list[np.ndarray]:
        """As PyTorch computes them, in the arrays' own precision."""
        tensors = [torch.from_numpy(a.copy()) for a in self.arrays]
        parameters = [t.requires_grad_() for t in tensors[2:]]
        return [g.numpy() for g in torch.autograd.grad(self.cost(*tensors), parameters)]

    def bounded_gradients(self, p: Precision) -> list[Any]:
        with Run(p) as run:
            tensors = [run.exact(torch.from_numpy(a), requires_grad=i > 1) for i, a in enumerate(self.arrays)]
            return list(torch.autograd.grad(self.cost(*tensors), tensors[2:]))


def network(
    rng: Any, p: Precision, activation: str, loss: str, scale: float, sizes: tuple[int, ...], whole: bool
) -> Network:
    n0, n1, n2, m = sizes
    shapes = [(n0, m), (n2, m), (n1, n0), (n1, 1), (n2, n1), (n2, 1)]
    arrays = [rng.standard_normal(s) * (scale if i > 1 else 1) for i, s in enumerate(shapes)]
    if whole:
        arrays = [np.round(a) for a in arrays]
    if loss.startswith(("log", "softmax")):  # one class per sample
        arrays[1] = np.eye(n2)[rng.integers(0, n2, m)].T
    else:
        arrays[1] = rng.integers(0, 2, (n2, m)).astype(float)
    return Network(activation, loss, [a.astype(p.name) for a in arrays])


@st.composite
def networks(draw: Any, p: Precision, activation: str) -> Network:
    loss, scale = draw(st.sampled_from(list(LOSSES))), draw(st.sampled_from([1.0, 1.0, 3.0, 1e-3, 0.1, 10.0, 30.0]))
    sizes = tuple(draw(st.integers(1, 4)) for _ in range(4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return network(rng, p, activation, loss, scale, sizes, whole=draw(st.sampled_from([False, False, True])))


def ratios(computed: Any, exact: Any, error: np.ndarray) -> list[float]:
    """|computed - exact| / error of every entry whose bound is finite."""
    with mpmath.workdps(50):
        off = [abs(mpmath.mpf(float(c)) - t) for c, t in zip(computed.flat, exact.flat, strict=True)]
    return [
        float(o / e) if e > 0 else (np.inf if o != 0 else 0.0)
        for o, e in zip(off, error.flat, strict=True)
        if e < np.inf
    ]


@PRECISIONS
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_gradient_leaves_its_bound(activation: str, p: Precision):
    """Not at any scale, saturated or not, on whole numbers with exact zeros at kinks too."""

    @EXAMPLES
    @given(networks(p, activation))
    def holds(net: Network) -> None:
        results = net.exact_gradients(), net.torch_gradients(), net.bounded_gradients(p)
        for name, exact, plain, b in zip(("dW1", "db1", "dW2", "db2"), *results, strict=True):
            for computed in (plain, b.value.numpy()):
                worst = max(ratios(computed, exact, b.error.numpy()), default=0)
                assert worst <= 1 or _may_choose_another_slope(net), f"{name} is off by {worst} times its bound"

    holds()


def _may_choose_another_slope(net: Network) -> bool:
    """At exactly 0 PyTorch's maximum takes the mean of both slopes, where the formulas take the left one."""
    X, _, W1, b1, *_ = (a.astype(np.float64) for a in net.arrays)
    return net.activation.endswith("by maximum") and bool(((W1 @ X + b1) == 0).any())


@PRECISIONS
def test_bounds_are_small_and_used(p: Precision):
    """On ordinary networks: the median bound is tiny beside the tensor, and the worst error uses a part of it."""
    rng, relative, used = np.random.default_rng(0), list[float](), list[float]()
    for number in range(80):
        activation = list(ACTIVATIONS)[number % len(ACTIVATIONS)]
        loss = ("cross entropy", "stable cross entropy", "log softmax", "softmax by hand", "squared error")[number % 5]
        net = network(rng, p, activation, loss, 1.0, (4, 5, 3, 6), whole=False)
        for exact, plain, b in zip(net.exact_gradients(), net.torch_gradients(), net.bounded_gradients(p), strict=True):
            size = float(b.value.abs().max())
            relative += [] if size == 0 else (b.error / size).flatten().tolist()
            used.append(max(ratios(plain, exact, b.error.numpy())))
    small = 1e-3 if p is FLOAT32 else 1e-12
    assert np.median(relative) < small / 20
    assert np.quantile(relative, 0.95) < small
    assert max(used) >= 0.1
    assert np.median(used) >= 0.01
