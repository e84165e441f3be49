"""The engines: one row each. An engine takes a problem and returns a call that computes its gradients.

Conversion is done before the call and after it, outside the timer: `Ready.run` is what is timed, and returns only when
everything is computed; `Ready.arrays` turns what it returned into {"dW1": (n_1, n_0), "db1": (n_1, 1), ...}.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from benchmarks.problems import Problem

__all__ = ["ENGINES", "Engine", "Ready", "array_cost", "installed", "prepare"]


class Ready(NamedTuple):
    run: Callable[[], Any]
    arrays: Callable[[Any], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Engine:
    """How to prepare an engine, the module it needs, and the largest problem that it is fit for."""

    prepare: Callable[[Problem], Ready]
    needs: str
    most: float = float("inf")  # multiplications
    float64: bool = True
    hidden: tuple[str, ...] = ("tanh", "sigmoid", "relu", "leaky_relu")

    def suits(self, problem: Problem) -> bool:
        fits = problem.multiplications <= self.most and problem.hidden in self.hidden
        return fits and (self.float64 or problem.dtype == "float32")


def installed(engine: Engine) -> bool:
    return find_spec(engine.needs) is not None


def _gradients_only(result: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array for name, array in result.items() if name[:2] in ("dW", "db")}


def _by_hand(module: Any, problem: Problem) -> Ready:
    parameters, X, Y = problem.arrays()

    def run() -> Mapping[str, np.ndarray]:
        cache = module.forward(parameters, X, problem.activations)
        return module.backward(parameters, cache, X, Y, problem.activations)

    return Ready(run, _gradients_only)


def _manual(problem: Problem) -> Ready:
    import manual

    return _by_hand(manual, problem)


def _loops(problem: Problem) -> Ready:
    import manual.loops

    return _by_hand(manual.loops, problem)


def _fused(problem: Problem) -> Ready:
    import manual.fused

    parameters, X, Y = problem.arrays()
    return Ready(lambda: manual.fused.gradients(parameters, X, Y, problem.activations), dict)


def _torch_problem(problem: Problem) -> tuple[Callable, tuple, list[str]]:
    """The mean loss of (parameters, X, Y), its arguments, and the names of the parameters. addmm is W A + b in one."""
    import torch
    from torch.nn import functional

    g = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu, "leaky_relu": functional.leaky_relu}
    parameters, X, Y = problem.arrays()

    def cost(theta: tuple, X: Any, Y: Any) -> Any:
        A = X
        for W, b in zip(theta[0:-2:2], theta[1:-2:2], strict=True):
            A = g[problem.hidden](torch.addmm(b, W, A))
        Z = torch.addmm(theta[-1], theta[-2], A)
        if Z.shape[0] == 1:
            return functional.binary_cross_entropy_with_logits(Z, Y)
        return functional.cross_entropy(Z.T, Y.T)

    theta = tuple(torch.from_numpy(array) for array in parameters.values())
    return cost, (theta, torch.from_numpy(X), torch.from_numpy(Y)), list(parameters)


def _torch_eager(problem: Problem) -> Ready:
    import torch

    cost, (theta, X, Y), names = _torch_problem(problem)
    for tensor in theta:
        tensor.requires_grad_()
    return Ready(lambda: torch.autograd.grad(cost(theta, X, Y), theta), _named(names))


def _torch_compile(problem: Problem) -> Ready:
    """The gradient function as one graph: at small sizes three times as fast as a compiled cost with autograd.grad."""
    import torch

    torch._dynamo.reset()
    cost, arguments, names = _torch_problem(problem)
    gradient = torch.compile(torch.func.grad(cost), dynamic=False)

    def run() -> tuple:
        with torch.no_grad():
            return gradient(*arguments)

    return Ready(run, _named(names))


def _named(names: list[str]) -> Callable[[Any], dict[str, np.ndarray]]:
    return lambda result: {f"d{name}": np.asarray(array) for name, array in zip(names, result, strict=True)}


def array_cost(np_: Any, logaddexp: Callable, logsumexp: Callable, problem: Problem) -> Callable:
    """The mean loss in the dialect of NumPy that JAX and HIPS autograd share."""
    g = {
        "tanh": np_.tanh,
        "sigmoid": lambda Z: 0.5 * (np_.tanh(0.5 * Z) + 1),
        "relu": lambda Z: np_.maximum(Z, 0),
        "leaky_relu": lambda Z: np_.where(Z >= 0, Z, 0.01 * Z),
    }

    def cost(theta: Any, X: Any, Y: Any) -> Any:
        A = X
        for W, b in zip(theta[0:-2:2], theta[1:-2:2], strict=True):
            A = g[problem.hidden](np_.dot(W, A) + b)
        Z = np_.dot(theta[-2], A) + theta[-1]
        if problem.sizes[-1] == 1:
            return np_.sum(logaddexp(0, Z) - Y * Z) / problem.m
        return np_.sum(logsumexp(Z, axis=0) - np_.sum(Y * Z, axis=0)) / problem.m

    return cost


def _jax(problem: Problem) -> Ready:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    parameters, X, Y = problem.arrays()
    cost = array_cost(jnp, lambda a, b: jax.nn.softplus(b), jax.nn.logsumexp, problem)
    arguments = jax.device_put((list(parameters.values()), X, Y))
    gradient = jax.jit(jax.grad(cost))
    return Ready(lambda: jax.block_until_ready(gradient(*arguments)), _named(list(parameters)))


def _hips(problem: Problem) -> Ready:
    import autograd  # type: ignore[import-untyped]
    import autograd.numpy as anp  # type: ignore[import-untyped]
    from autograd.scipy.special import logsumexp  # type: ignore[import-untyped]

    parameters, X, Y = problem.arrays()
    gradient = autograd.grad(array_cost(anp, anp.logaddexp, logsumexp, problem))
    theta = list(parameters.values())
    return Ready(lambda: gradient(theta, X, Y), _named(list(parameters)))


def _sklearn(problem: Problem) -> Ready:
    """What MLPClassifier.fit calls for every batch; a private method, for the public ones take a step as well."""
    from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped]

    parameters, X, Y = problem.arrays()
    hidden = "logistic" if problem.hidden == "sigmoid" else problem.hidden
    model: Any = MLPClassifier(problem.sizes[1:-1], activation=hidden, alpha=0)
    model.n_layers_, model.n_outputs_ = len(problem.sizes), problem.sizes[-1]
    model.out_activation_ = "logistic" if problem.sizes[-1] == 1 else "softmax"
    model.coefs_ = [np.ascontiguousarray(parameters[f"W{i}"].T) for i in range(1, len(problem.sizes))]
    model.intercepts_ = [parameters[f"b{i}"][:, 0].copy() for i in range(1, len(problem.sizes))]
    x, y = np.ascontiguousarray(X.T), np.ascontiguousarray(Y.T)  # samples are rows there
    gradients = [np.empty_like(W) for W in model.coefs_], [np.empty_like(b) for b in model.intercepts_]
    layers: list[Any] = [None] * (len(problem.sizes) - 1)

    def arrays(result: tuple) -> dict[str, np.ndarray]:
        _, dW, db = result
        return {
            name: array
            for i, (W, b) in enumerate(zip(dW, db, strict=True), start=1)
            for name, array in ((f"dW{i}", W.T), (f"db{i}", b[:, None]))
        }

    return Ready(lambda: model._backprop(x, y, None, [x, *layers], layers.copy(), *gradients), arrays)


def _tinygrad(problem: Problem) -> Ready:
    from tinygrad import Tensor, TinyJit

    parameters, X, Y = problem.arrays()
    theta, x, y = [Tensor(array) for array in parameters.values()], Tensor(X), Tensor(Y)
    g = {"tanh": Tensor.tanh, "sigmoid": Tensor.sigmoid, "relu": Tensor.relu, "leaky_relu": Tensor.leaky_relu}

    @TinyJit
    def gradient() -> list[Tensor]:
        A = x
        for W, b in zip(theta[0:-2:2], theta[1:-2:2], strict=True):
            A = g[problem.hidden](W @ A + b)
        Z = theta[-2] @ A + theta[-1]
        losses = Z.softplus() - y * Z if problem.sizes[-1] == 1 else -(y * Z.log_softmax(axis=0))
        return [d.realize() for d in (losses.sum() / problem.m).gradient(*theta)]

    return Ready(gradient, lambda result: _named(list(parameters))([tensor.numpy() for tensor in result]))


ENGINES = {
    "manual.loops": Engine(_loops, "manual", most=50_000),
    "manual": Engine(_manual, "manual"),
    "manual.fused": Engine(_fused, "manual"),
    "torch eager": Engine(_torch_eager, "torch"),
    "torch.compile": Engine(_torch_compile, "torch"),
    "JAX jit": Engine(_jax, "jax"),
    "HIPS autograd": Engine(_hips, "autograd"),
    "scikit-learn": Engine(_sklearn, "sklearn", hidden=("tanh", "sigmoid", "relu")),
    "tinygrad": Engine(_tinygrad, "tinygrad", float64=False),
    "manual.fused again": Engine(_fused, "manual"),  # the control: what differs from manual.fused is noise
}


def prepare(name: str, problem: Problem) -> Ready:
    """For `processes.hold`: found by its name over there, where nothing but this file need be loaded."""
    return ENGINES[name].prepare(problem)
