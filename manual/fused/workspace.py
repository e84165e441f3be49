"""The gradients of one network again and again, in arrays that are kept: `gradients` and `Workspace`."""

import itertools
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Self

import numpy as np

from manual.losses import LOSSES
from manual.network import layer_shapes
from manual.validation import check_choices, check_distribution, check_problem

from .blocks import Block, Worker, views
from .inplace import IN_PLACE
from .sharing import plan
from .threads import available, run

__all__ = ["Workspace", "gradients"]

Arrays = Mapping[str, np.ndarray]
_kept = threading.local()  # the workspace of the last call


def gradients(
    parameters: Mapping[str, np.ndarray],
    X: np.ndarray,
    Y: np.ndarray,
    activations: Sequence[str] = ("tanh", "sigmoid"),
    loss: str = "cross_entropy",
) -> dict[str, np.ndarray]:
    """{"dWL", "dbL", ..., "dW1", "db1"}: the derivatives of J, as `manual.backward` has them after `manual.forward`.

    Takes what they take, and X and Y may be `np.memmap`, larger than memory. Returns new arrays. The workspace of the
    last call is kept, in each calling thread its own. Raises as `manual.backward` does.
    """
    X, Y = _plain(X), _plain(Y)
    workspace: Workspace | None = getattr(_kept, "workspace", None)
    if workspace is None or not workspace._is_for(activations, loss) or not workspace._fits(parameters, X, Y):
        check_problem(parameters, X, Y, activations, loss)
        workspace = _kept.workspace = Workspace.of(parameters, activations, loss)
    return workspace._gradients(parameters, X, Y)


class Workspace:
    """The arrays in which the gradients of one network are computed again and again; not for two callers at once.

    `sizes` is (n_0, ..., n_L). At most `threads` are used, by default as many as BLAS has been given; for the same
    number results are the same to the last bit. A block has at most `width` columns, by default as many as fit the
    cache, and there is one for each thread, however large m is. ValueError for sizes or names without a meaning.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activations: Sequence[str] = ("tanh", "sigmoid"),
        loss: str = "cross_entropy",
        *,
        dtype: np.typing.DTypeLike = np.float64,
        threads: int | None = None,
        width: int | None = None,
    ) -> None:
        self.sizes, self.shapes, self.dtype = tuple(sizes), layer_shapes(sizes), np.dtype(dtype)
        check_choices(activations, loss, len(self.sizes) - 1)
        self.activations, self.loss = tuple(activations), loss
        self.L, self.g = len(self.activations), [IN_PLACE[name] for name in ("identity", *activations)]
        self.threads, self.width = threads or available(), width
        names = [(layer, (f"W{layer}", f"b{layer}", f"dW{layer}", f"db{layer}")) for layer in range(1, self.L + 1)]
        self.forward, self.backward = names, names[::-1]
        self.results = [(f"d{name}", self.shapes[name]) for _, pair in self.backward for name in pair[:2]]
        self.flat, self.step_flat = (np.zeros(sum(n * k for n, k in self.shapes.values()), dtype) for _ in range(2))
        self.parameters, self.steps = views(self.flat, self.shapes), views(self.step_flat, self.shapes, "d")
        self.workers: list[Worker] = []
        self.m = 0  # what the workers are for

    @classmethod
    def of(cls, parameters: Mapping[str, np.ndarray], activations: Sequence[str], loss: str) -> Self:
        """A workspace for a network like this one, which holds these parameters."""
        sizes = (parameters["W1"].shape[1], *(len(parameters[f"b{layer}"]) for layer in range(1, len(activations) + 1)))
        workspace = cls(sizes, activations, loss, dtype=parameters["W1"].dtype)
        workspace.start(parameters)
        return workspace

    def gradients(self, parameters: Mapping[str, np.ndarray], X: np.ndarray, Y: np.ndarray) -> dict[str, np.ndarray]:
        """As `manual.fused.gradients`. ValueError or TypeError also where the arrays are those of another network."""
        X, Y = _plain(X), _plain(Y)
        self._check(parameters, X, Y)
        return self._gradients(parameters, X, Y)

    def start(self, parameters: Mapping[str, np.ndarray]) -> None:
        """Copies the parameters from which `step` goes on."""
        for name, view in self.parameters.items():
            view[...] = parameters[name]

    def step(self, X: np.ndarray, Y: np.ndarray, learning_rate: float, with_loss: bool = True) -> float:
        """One step of gradient descent from the parameters held here; returns J before it, or 0 if it is not wanted."""
        X, Y = _plain(X), _plain(Y)
        if not self._fit(X, Y):
            self._check(self.parameters, X, Y)
        loss = self._sum(self.parameters, X, Y, self.steps, with_loss)
        np.multiply(self.step_flat, float(learning_rate), self.step_flat)
        np.subtract(self.flat, self.step_flat, self.flat)
        return loss / X.shape[1]

    def now(self) -> dict[str, np.ndarray]:
        """A copy of the parameters held here."""
        return {name: view.copy() for name, view in self.parameters.items()}

    def _gradients(self, parameters: Mapping[str, np.ndarray], X: np.ndarray, Y: np.ndarray) -> dict[str, np.ndarray]:
        d = {name: np.empty(shape, self.dtype) for name, shape in self.results}
        self._sum(parameters, X, Y, d)
        return d

    def _sum(self, parameters: Arrays, X: np.ndarray, Y: np.ndarray, d: Arrays, with_loss: bool = False) -> float:
        """dW and db into `d`, and the sum of the loss, over all samples."""
        m = X.shape[1]
        if m != self.m:
            self._prepare(m)
        if self.plan.products is None:
            return self._sum_share(parameters, X, Y, d, self.workers[0], with_loss)
        with self.plan.products:
            return self._sum_shares(parameters, X, Y, d, with_loss)

    def _sum_shares(self, parameters: Arrays, X: np.ndarray, Y: np.ndarray, d: Arrays, with_loss: bool) -> float:
        """The same, by all workers, each with its share of the samples."""
        m = X.shape[1]
        ends = [m * i // len(self.workers) for i in range(len(self.workers) + 1)]
        sums = [d, *(worker.sums for worker in self.workers[1:])]
        tasks = [
            partial(self._sum_share, parameters, X[:, start:stop], Y[:, start:stop], into, worker, with_loss)
            for worker, into, (start, stop) in zip(self.workers, sums, itertools.pairwise(ends), strict=True)
        ]
        losses = run(tasks)
        for other in sums[1:]:  # always in this order, so that rounding is always the same
            _add(d, other)
        return sum(losses)

    def _prepare(self, m: int) -> None:
        self.m, self.plan = m, plan(self.sizes, self.dtype.itemsize, m, self.threads, available())
        missing = range(self.plan.threads - len(self.workers))
        self.workers = self.workers[: self.plan.threads]
        self.workers += [Worker(self.sizes, self.shapes, self.dtype) for _ in missing]

    def _sum_share(
        self, parameters: Arrays, X: np.ndarray, Y: np.ndarray, d: Arrays, worker: Worker, with_loss: bool
    ) -> float:
        """The same over one worker's share of the samples, in blocks of almost one width."""
        share, widest = X.shape[1], self.width or self.plan.width
        if share <= widest:
            return self._sweep(parameters, X, Y, d, worker.block(share), with_loss)
        width, loss = -(-share // -(-share // widest)), 0.0  # rounded up, both times
        for start in range(0, share, width):
            stop = min(start + width, share)
            into = worker.part if start else d
            block = worker.block(stop - start)
            loss += self._sweep(parameters, X[:, start:stop], Y[:, start:stop], into, block, with_loss)
            if start:
                _add(d, worker.part)
        return loss

    def _sweep(
        self, parameters: Arrays, X: np.ndarray, Y: np.ndarray, d: Arrays, block: Block, with_loss: bool
    ) -> float:
        """The same over one block, forward and backward."""
        A, S, dZ, g, L, loss = block.A.copy(), block.S, block.dZ, self.g, self.L, 0.0
        if X.flags.c_contiguous:
            A[0] = X
        else:
            A[0][...] = X
        for layer, (W, b, _, _) in self.forward:
            Z = np.dot(parameters[W], A[layer - 1], A[layer])  # (n_l, width)
            np.add(Z, parameters[b], Z)  # Z1 = W1 X + b1
            if with_loss and layer == L:
                dZ[...] = Z  # the loss is computed from it, and dZ is not there yet
            g[layer].value(Z, S[layer])  # A1 = g(Z1), where Z1 was
        if with_loss:
            loss = float(LOSSES[self.loss, self.activations[-1]].total(Y, dZ, A[L]))
        np.subtract(A[L], Y, dZ)  # (n_L, width): dZ2 = A2 - Y
        if self.loss == "squared_error":
            np.multiply(dZ, g[L].slope(A[L], S[L])[0], dZ)
        np.divide(dZ, self.m, dZ)
        for layer, (W, _, dW, db) in self.backward:
            np.dot(dZ, A[layer - 1].T, d[dW])  # (n_l, n_{l-1}): dW2 = dZ2 A1^T / m
            np.dot(dZ, block.ones, d[db])  # (n_l, 1): db2 = sum of dZ2 over the samples / m
            if layer > 1:
                slope, free = g[layer - 1].slope(A[layer - 1], S[layer - 1])
                dA = np.dot(parameters[W].T, dZ, free)  # (n_{l-1}, width)
                dZ = np.multiply(dA, slope, dA)  # dZ1 = W2^T dZ2 * g'(Z1)
        if self.activations[-1] == "softmax":
            check_distribution(Y)
        return loss

    def _is_for(self, activations: Sequence[str], loss: str) -> bool:
        return loss == self.loss and tuple(activations) == self.activations

    def _fits(self, parameters: Mapping[str, np.ndarray], X: np.ndarray, Y: np.ndarray) -> bool:
        """Whether all arrays are what the workspace is for: `check_problem` in brief, since this is asked each time."""
        if len(parameters) != len(self.shapes) or not self._fit(X, Y):
            return False
        for name, shape in self.shapes.items():
            array = parameters.get(name)
            if type(array) is not np.ndarray or array.shape != shape or array.dtype != self.dtype:
                return False
        return True

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> bool:
        if type(X) is not np.ndarray or type(Y) is not np.ndarray or X.ndim != 2:
            return False
        n_0, m = X.shape
        fit = m > 0 and n_0 == self.sizes[0] and Y.shape == (self.sizes[-1], m)
        return fit and X.dtype == self.dtype and Y.dtype == self.dtype

    def _check(self, parameters: Mapping[str, np.ndarray], X: np.ndarray, Y: np.ndarray) -> None:
        if not self._fits(parameters, X, Y):
            check_problem(parameters, X, Y, self.activations, self.loss)
            raise ValueError(
                f"this workspace is for a network of sizes {self.sizes} in {self.dtype}; the arrays fit one another, "
                "but are of another network: make a Workspace for it"
            )


def _plain(array: np.ndarray) -> np.ndarray:
    """A memmap as an array, which it stays in all but name."""
    return np.asarray(array) if type(array) is np.memmap else array


def _add(d: Arrays, more: Arrays) -> None:
    for name, array in d.items():
        np.add(array, more[name], array)
