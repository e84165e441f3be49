"""Answers that come neither from the code under test nor from autograd.

`nudged_total` is the network written once more, over any kind of number: complex ones for the complex step, those of
mpmath for fifty digits. It adds a nudge to one entry of any named tensor, so that the derivative with respect to that
entry, of a parameter as of an intermediate value, is the derivative with respect to the nudge.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import mpmath
import numpy as np

import manual
import torch_ref
from tests.strategies import Case
from tests.tolerance import rounding

DIGITS = 50
ANALYTIC = ("sigmoid", "tanh", "identity")
MPMATH = tuple(np.vectorize(function, otypes=[object]) for function in (mpmath.exp, mpmath.log, mpmath.tanh))


def by_hand(case: Case, module: Any = manual) -> dict[str, Any]:
    """Values, gradients and J from manual, or from manual.loops."""
    cache = module.forward(case.parameters, case.X, case.activations)
    gradients = module.backward(case.parameters, cache, case.X, case.Y, case.activations, case.loss)
    return {**cache, **gradients, "J": np.asarray(module.cost(cache, case.Y, case.activations, case.loss))}


def by_autograd(case: Case, at_zero: str = "notes") -> dict[str, Any]:
    """The same from torch_ref."""
    values = torch_ref.forward(case.parameters, case.X, case.activations, at_zero=at_zero)
    return {name: tensor.numpy() for name, tensor in values.items()} | torch_ref.gradients(
        *case.arguments, at_zero=at_zero
    )


def assert_agree(case: Case, one: Mapping[str, Any], other: Mapping[str, Any], sides: int = 2) -> None:
    """Every tensor of both, within what rounding can do on `sides` sides (an exact answer has none)."""
    assert set(one) == set(other)
    bounds = rounding(case, one)
    for name in one:
        assert np.shape(one[name]) == np.shape(other[name]), name
        error, allowed = np.abs(one[name] - other[name]), sides * bounds[name]
        assert np.all(error <= allowed), (
            f"{name} is off by {np.max(error):.3g}, rounding explains {np.max(allowed):.3g}"
        )


def by_complex_step(case: Case) -> dict[str, np.ndarray]:
    """Gradients good to the last digits: W. Squire, G. Trapp, SIAM Review 40 (1998), pp. 110-112."""
    h = 1e-30
    return _by_nudges(case, lambda name, index: nudged_total(case, complex, name, index, h * 1j).imag / h)


def by_jax(case: Case) -> dict[str, np.ndarray]:
    """Gradients of W and b, and J, from JAX in float64: `jax.grad` of the network written in its NumPy."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    g = {
        "sigmoid": jax.nn.sigmoid,
        "tanh": jnp.tanh,
        "relu": jax.nn.relu,
        "leaky_relu": lambda Z: jax.nn.leaky_relu(Z, 0.01),
        "identity": lambda Z: Z,
        "softmax": lambda Z: jax.nn.softmax(Z, axis=0),
    }

    def cost(parameters: Mapping[str, Any]) -> Any:
        A = jnp.asarray(case.X)
        for layer, name in enumerate(case.activations, start=1):
            Z = parameters[f"W{layer}"] @ A + parameters[f"b{layer}"]
            A = g[name](Z)
        if case.loss == "squared_error":
            return jnp.sum((A - case.Y) ** 2) / 2 / case.X.shape[1]
        if case.activations[-1] == "sigmoid":
            return jnp.sum(jax.nn.softplus(Z) - case.Y * Z) / case.X.shape[1]
        return -jnp.sum(case.Y * jax.nn.log_softmax(Z, axis=0)) / case.X.shape[1]

    J, gradients = jax.value_and_grad(cost)(dict(case.parameters))
    return {f"d{name}": np.asarray(array) for name, array in gradients.items()} | {"J": np.asarray(J)}


def by_mpmath(case: Case) -> dict[str, np.ndarray]:
    """Gradients by central differences in fifty digits: with a step of 1e-15 some 30 of them are right."""
    with mpmath.workdps(DIGITS):
        h = mpmath.mpf("1e-15")

        def derivative(name: str, index: tuple[int, int]) -> float:
            above, below = (nudged_total(case, mpmath.mpf, name, index, step) for step in (h, -h))
            return float((above - below) / (2 * h))

        total = nudged_total(case, mpmath.mpf, "", (0, 0), h)
        return _by_nudges(case, derivative) | {"J": np.asarray(float(total / case.X.shape[1]))}


def nudged_total(case: Case, number: Callable, nudged: str, index: tuple[int, int], nudge: Any) -> Any:
    """The loss summed over outputs and samples, with `nudge` added to one entry of the tensor called `nudged`."""

    def born(name: str, array: np.ndarray) -> np.ndarray:
        if name == nudged:
            array = array.copy()
            array[index] += nudge
        return array

    def lift(array: np.ndarray) -> np.ndarray:
        return array.astype(complex) if number is complex else np.vectorize(number, otypes=[object])(array)

    parameters = {name: born(name, lift(array)) for name, array in case.parameters.items()}
    A, Y = lift(case.X), lift(case.Y)
    exp, log, tanh = (np.exp, np.log, np.tanh) if number is complex else MPMATH
    for layer, g in enumerate(case.activations, start=1):
        Z = born(f"Z{layer}", parameters[f"W{layer}"] @ A + parameters[f"b{layer}"])
        A = born(f"A{layer}", _apply(g, Z, exp, tanh))
    if case.loss == "squared_error":
        return np.sum((A - Y) * (A - Y)) / 2
    if case.activations[-1] == "sigmoid":
        return np.sum(log(1 + exp(Z)) - Y * Z)
    return np.sum(np.sum(Y, axis=0) * log(np.sum(exp(Z), axis=0))) - np.sum(Y * Z)


def _apply(g: str, Z: np.ndarray, exp: Callable, tanh: Callable) -> np.ndarray:
    return {
        "sigmoid": lambda: 1 / (1 + exp(-Z)),
        "tanh": lambda: tanh(Z),
        "relu": lambda: np.where(Z >= 0, Z, 0 * Z),
        "leaky_relu": lambda: np.where(Z >= 0, Z, Z / 100),
        "identity": lambda: 1 * Z,
        "softmax": lambda: exp(Z) / np.sum(exp(Z), axis=0),
    }[g]()


def _by_nudges(case: Case, derivative: Callable[[str, tuple[int, int]], float]) -> dict[str, np.ndarray]:
    """The derivative of the summed loss by every entry of every tensor; of J, its mean, by those of W and b."""
    m = case.X.shape[1]
    gradients = {}
    for name, shape in _differentiated(case):
        d = np.empty(shape)
        for index in np.ndindex(shape):
            d[index] = derivative(name, index)
        gradients[f"d{name}"] = d / m if name[0] in "Wb" else d
    return gradients


def _differentiated(case: Case) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every tensor that `manual.backward` has a gradient for."""
    for name, W in case.parameters.items():
        yield name, W.shape
        if name.startswith("W"):
            layer, last = int(name[1:]), len(case.activations)
            yield f"Z{layer}", (W.shape[0], case.X.shape[1])
            if layer < last:
                yield f"A{layer}", (W.shape[0], case.X.shape[1])
