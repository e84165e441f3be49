"""Plain gradient descent in every engine: one row each. `run` takes all steps from the same start."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from benchmarks.engines import Ready
from benchmarks.problems import Problem

__all__ = ["RATE", "TRAINERS", "Course", "Trainer", "installed", "prepare"]

RATE = 0.1
Batches = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Course:
    """`steps` steps of gradient descent, step i on batch i of `batches`, again from the first when they are through."""

    problem: Problem  # its m is that of a batch
    batches: int
    steps: int

    def __str__(self) -> str:
        return f"{self.problem}, {self.steps:,} steps, {self.batches} batch" + ("es" if self.batches > 1 else "")

    def arrays(self) -> tuple[dict[str, np.ndarray], Batches]:
        problem, m = self.problem, self.problem.m
        parameters, X, Y = Problem(problem.sizes, m * self.batches, problem.dtype, problem.hidden).arrays()
        parts = [slice(i * m, (i + 1) * m) for i in range(self.batches)]
        return parameters, [(np.ascontiguousarray(X[:, part]), np.ascontiguousarray(Y[:, part])) for part in parts]


class Trainer(NamedTuple):
    prepare: Callable[[Course], Ready]
    needs: str
    most: int = 1_000_000  # steps that can be waited for


def installed(trainer: Trainer) -> bool:
    return find_spec(trainer.needs) is not None


def _manual(course: Course) -> Ready:
    import manual

    start, batches = course.arrays()
    g = course.problem.activations

    def run() -> Mapping[str, np.ndarray]:
        parameters: Mapping[str, np.ndarray] = start
        for i in range(course.steps):
            X, Y = batches[i % len(batches)]
            gradients = manual.backward(parameters, manual.forward(parameters, X, g), X, Y, g)
            parameters = {name: array - RATE * gradients[f"d{name}"] for name, array in parameters.items()}
        return parameters

    return Ready(run, dict)


def _fused(course: Course, with_loss: bool = False) -> Ready:
    from manual.fused import Workspace

    start, batches = course.arrays()
    workspace = Workspace(course.problem.sizes, course.problem.activations, dtype=course.problem.dtype)

    def run() -> Mapping[str, np.ndarray]:
        workspace.start(start)
        for i in range(course.steps):
            workspace.step(*batches[i % len(batches)], RATE, with_loss)
        return workspace.now()

    return Ready(run, dict)


def _torch(course: Course, compiled: bool = False) -> Ready:
    """nn.Sequential and torch.optim.SGD, samples as rows, as PyTorch's own tutorials have it."""
    import torch
    from torch import nn

    import torch_ref

    torch._dynamo.reset()
    start, batches = course.arrays()
    rows = [tuple(torch.from_numpy(np.ascontiguousarray(array.T)) for array in batch) for batch in batches]
    model = torch_ref.to_sequential(start, course.problem.activations)[:-1]  # the losses take Z_L
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    loss = nn.BCEWithLogitsLoss() if course.problem.sizes[-1] == 1 else nn.CrossEntropyLoss()
    cost: Callable = lambda X, Y: loss(model(X), Y)  # noqa: E731
    if compiled:
        cost = torch.compile(cost, dynamic=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, fused=True)

    def run() -> Any:
        model.load_state_dict(state)
        for i in range(course.steps):
            optimizer.zero_grad()
            cost(*rows[i % len(rows)]).backward()
            optimizer.step()
        return model

    return Ready(run, torch_ref.from_sequential)


def _jax(course: Course) -> Ready:
    """The whole loop compiled."""
    import jax
    import jax.numpy as jnp

    from benchmarks.engines import array_cost

    jax.config.update("jax_enable_x64", True)
    start, batches = course.arrays()
    gradient = jax.grad(array_cost(jnp, lambda a, b: jax.nn.softplus(b), jax.nn.logsumexp, course.problem))
    Xs, Ys, theta = jax.device_put(
        (np.stack([X for X, _ in batches]), np.stack([Y for _, Y in batches]), list(start.values()))
    )

    @jax.jit
    def train(theta: list, Xs: Any, Ys: Any) -> list:
        def step(i: Any, theta: list) -> list:
            batch = i % len(batches)
            return [p - RATE * d for p, d in zip(theta, gradient(theta, Xs[batch], Ys[batch]), strict=True)]

        return jax.lax.fori_loop(0, course.steps, step, theta)

    def arrays(result: list) -> dict[str, np.ndarray]:
        return {name: np.asarray(array) for name, array in zip(start, result, strict=True)}

    return Ready(lambda: jax.block_until_ready(train(theta, Xs, Ys)), arrays)


def _sklearn(course: Course) -> Ready:
    """MLPClassifier.partial_fit, a batch at a time, from the same start and without momentum or penalty."""
    from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped]

    start, batches = course.arrays()
    outputs = course.problem.sizes[-1]
    rows = [(np.ascontiguousarray(X.T), Y[0].astype(int) if outputs == 1 else np.argmax(Y, axis=0)) for X, Y in batches]
    model: Any = MLPClassifier(
        course.problem.sizes[1:-1],
        activation="logistic" if course.problem.hidden == "sigmoid" else course.problem.hidden,
        solver="sgd",
        alpha=0.0,
        momentum=0.0,
        nesterovs_momentum=False,
        learning_rate_init=RATE,
        batch_size=course.problem.m,
        shuffle=False,
    )
    model.partial_fit(*rows[0], classes=np.arange(max(2, outputs)))
    layers = range(1, len(course.problem.sizes))

    def run() -> Any:
        for W, b, i in zip(model.coefs_, model.intercepts_, layers, strict=True):
            W[...], b[...] = start[f"W{i}"].T, start[f"b{i}"][:, 0]
        for i in range(course.steps):
            model.partial_fit(*rows[i % len(rows)])
        return model

    def arrays(model: Any) -> dict[str, np.ndarray]:
        weights = {f"W{i}": W.T for i, W in zip(layers, model.coefs_, strict=True)}
        return weights | {f"b{i}": b[:, None] for i, b in zip(layers, model.intercepts_, strict=True)}

    return Ready(run, arrays)


TRAINERS = {
    "manual": Trainer(_manual, "manual"),
    "manual.fused": Trainer(_fused, "manual"),
    "manual.fused, every cost": Trainer(lambda course: _fused(course, with_loss=True), "manual"),
    "torch SGD": Trainer(_torch, "torch"),
    "torch.compile SGD": Trainer(lambda course: _torch(course, compiled=True), "torch"),
    "JAX, loop in jit": Trainer(_jax, "jax"),
    "scikit-learn": Trainer(_sklearn, "sklearn", most=1_000),
}


def prepare(name: str, course: Course) -> Ready:
    """For `processes.hold`."""
    return TRAINERS[name].prepare(course)
