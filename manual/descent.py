"""Gradient descent (notes 3.9): step against the gradient, again and again."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral

import numpy as np

from .fused import Workspace
from .network import backward, cost, forward
from .validation import check_network

__all__ = ["gradient_descent"]


def gradient_descent(
    parameters: Mapping[str, np.ndarray],
    X: np.ndarray,
    Y: np.ndarray,
    *,
    activations: Sequence[str] = ("tanh", "sigmoid"),
    loss: str = "cross_entropy",
    learning_rate: float,
    iterations: int,
    callback: Callable[[int, float], object] | None = None,
    fused: bool = False,
) -> tuple[dict[str, np.ndarray], list[float]]:
    """`iterations` steps of W - learning_rate dW and b - learning_rate db, all from the same gradients.

    Arrays as for `backward`; the parameters given are left as they are. Returns the new parameters and the costs:
    costs[i] is J before step i, and `callback(i, costs[i])` is called with it, for progress. `fused` has the fast
    engine take the same steps, within rounding. Raises as `backward` does, ValueError for a learning rate or a number
    of iterations without a meaning, and FloatingPointError at the first cost that is not finite.
    """
    _check_schedule(learning_rate, iterations)
    check_network(parameters, X, activations)
    step = float(learning_rate)  # a NumPy float64 would turn float32 parameters into float64
    parameters = {name: array.copy() for name, array in parameters.items()}
    workspace = Workspace.of(parameters, activations, loss) if fused else None
    costs: list[float] = []
    for i in range(iterations):
        with np.errstate(over="ignore", invalid="ignore"):  # a cost that overflows is reported below, in words
            if workspace is None:
                cache = forward(parameters, X, activations)
                costs.append(cost(cache, Y, activations, loss))
                gradients = backward(parameters, cache, X, Y, activations, loss)
                parameters = {name: array - step * gradients[f"d{name}"] for name, array in parameters.items()}
            else:
                costs.append(workspace.step(X, Y, step))
        _check_cost(costs, step)
        if callback is not None:
            callback(i, costs[i])
    return parameters if workspace is None else workspace.now(), costs


def _check_schedule(learning_rate: float, iterations: int) -> None:
    if not (np.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate is {learning_rate}; it should be finite and above 0")
    if not isinstance(iterations, Integral) or iterations < 0:
        raise ValueError(f"iterations is {iterations}; it should be a whole number, 0 or more")


def _check_cost(costs: Sequence[float], learning_rate: float) -> None:
    if not np.isfinite(costs[-1]):
        history = f"after {costs[-2]:.4g}" if costs[:-1] else "from the start"
        raise FloatingPointError(
            f"the cost is {costs[-1]} before step {len(costs) - 1}, {history}; it should be finite. A cost that "
            f"grows until it overflows usually means that learning_rate ({learning_rate:g}) is too large; one that is "
            "not finite from the start means NaN or infinity in X, Y or the parameters"
        )
