"""The fast engine: the six expressions on one block of samples after another, each forward and backward while in cache.

The gradients of `manual.backward`, with fewer calls and less traffic, still in NumPy:

- A bias is the weight of an input that is always 1. Beside every W stands its b, below every A a row of ones, and one
  product makes W A + b, another dW and db.
- Samples do not meet until dW and db sum over them. So a block of columns goes forward and backward before the next one
  begins, and Z, A and dZ never leave the cache. X is copied into the block: a product with X^T out of a wide X takes
  twice as long, for its rows lie pages apart.
- Everything is computed in place (`inplace.py`), in arrays that are allocated once (`blocks.py`).
- Blocks are shared out over threads where there is enough to do (`threads.py`).

| the notes | here |
|---|---|
| Z_l = W_l A_{l-1} + b_l | [W b] [A; 1] |
| dZ_L = A_L - Y, times g'(Z_L) where the loss leaves it | the same |
| dW_l = dZ_l A_{l-1}^T / m, db_l = sum of dZ_l over the samples / m | [dW db] = dZ [A; 1]^T, divided by m at the end |
| dZ_{l-1} = W_l^T dZ_l * g'(Z_{l-1}) | the same |
"""

import itertools
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Self

import numpy as np

from .blocks import Block, Packed, Worker, plan
from .inplace import IN_PLACE
from .losses import LOSSES
from .network import layer_shapes
from .threads import ONE_THREAD_PER_PRODUCT, available, run
from .validation import check_choices, check_distribution, check_problem

__all__ = ["Workspace", "gradients"]

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
        self.parameters = Packed(sizes, self.dtype)
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
        self.parameters.load(parameters)

    def step(self, X: np.ndarray, Y: np.ndarray, learning_rate: float, with_loss: bool = True) -> float:
        """One step of gradient descent from the parameters held here; returns J before it, or 0 if it is not wanted."""
        X, Y = _plain(X), _plain(Y)
        if not self._fit(X, Y):
            self._check(self.now(), X, Y)
        self._sum(X, Y, with_loss)
        sums = self.workers[0].sums.flat
        sums *= float(learning_rate) / X.shape[1]
        self.parameters.flat -= sums
        return sum(worker.loss for worker in self.workers) / X.shape[1]

    def now(self) -> dict[str, np.ndarray]:
        """A copy of the parameters held here."""
        return self.parameters.arrays()

    def _gradients(self, parameters: Mapping[str, np.ndarray], X: np.ndarray, Y: np.ndarray) -> dict[str, np.ndarray]:
        self.parameters.load(parameters)
        self._sum(X, Y)
        sums = self.workers[0].sums
        sums.flat /= X.shape[1]  # the mean over m, of all dW and db in one call
        return sums.arrays("d")

    def _sum(self, X: np.ndarray, Y: np.ndarray, with_loss: bool = False) -> None:
        """dW and db summed over all samples, into the sums of the first worker."""
        m = X.shape[1]
        if m != self.m:
            self._prepare(m)
        if self.plan.small:
            self._sum_share(self.workers[0], X, Y, with_loss)
            return
        ends = [m * i // len(self.workers) for i in range(len(self.workers) + 1)]
        tasks = [
            partial(self._sum_share, worker, X[:, start:stop], Y[:, start:stop], with_loss)
            for worker, (start, stop) in zip(self.workers, itertools.pairwise(ends), strict=True)
        ]
        with ONE_THREAD_PER_PRODUCT:
            run(tasks)
        for other in self.workers[1:]:  # always in this order, so that rounding is always the same
            self.workers[0].sums.flat += other.sums.flat

    def _prepare(self, m: int) -> None:
        self.m, self.plan = m, plan(self.sizes, self.dtype.itemsize, m, self.threads)
        missing = self.plan.threads - len(self.workers)
        self.workers = self.workers[: self.plan.threads] + [Worker(self.sizes, self.dtype) for _ in range(missing)]

    def _sum_share(self, worker: Worker, X: np.ndarray, Y: np.ndarray, with_loss: bool) -> None:
        """The same for one worker's share of the samples, in blocks of almost one width."""
        m, widest = X.shape[1], self.width or self.plan.width
        if m <= widest:
            worker.loss = self._sweep(worker.block(m), worker.sums, X, Y, with_loss)
            return
        width = -(-m // -(-m // widest))  # rounded up, both times
        worker.loss = 0.0
        for start in range(0, m, width):
            stop = min(start + width, m)
            d = worker.part if start else worker.sums
            worker.loss += self._sweep(worker.block(stop - start), d, X[:, start:stop], Y[:, start:stop], with_loss)
            if start:
                worker.sums.flat += worker.part.flat

    def _sweep(self, block: Block, d: Packed, X: np.ndarray, Y: np.ndarray, with_loss: bool) -> float:
        """One block, forward and backward: dW and db summed over its samples, into d; returns the sum of its loss."""
        W, Wb, A, A1, S, dZ, g = self.parameters.W, self.parameters.Wb, block.A, block.A1, block.S, block.dZ, self.g
        L, loss = self.L, 0.0
        A[0][...] = X
        for layer in range(1, L + 1):
            np.dot(Wb[layer], A1[layer - 1], A[layer])  # (n_l, width): Z = W A + b
            if with_loss and layer == L:
                dZ[...] = A[L]  # Z_L, which the loss is computed from
            g[layer].value(A[layer], S[layer])  # (n_l, width): A = g(Z)
        if with_loss:
            loss = float(LOSSES[self.loss, self.activations[-1]].total(Y, dZ, A[L]))
        np.subtract(A[L], Y, dZ)  # (n_L, width): dZ2 = A2 - Y
        if self.loss == "squared_error":
            dZ *= g[L].slope(A[L], S[L])[0]
        for layer in range(L, 0, -1):
            np.dot(dZ, A1[layer - 1].T, d.Wb[layer])  # (n_l, n_{l-1} + 1): dW2 = dZ2 A1^T, and db2 beside it
            if layer > 1:
                slope, free = g[layer - 1].slope(A[layer - 1], S[layer - 1])
                dA = np.dot(W[layer].T, dZ, free)  # (n_{l-1}, width)
                dZ = np.multiply(dA, slope, dA)  # (n_{l-1}, width): dZ1 = W2^T dZ2 * g'(Z1)
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
