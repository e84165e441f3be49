"""The network of the notes in PyTorch, differentiated by autograd: no derivative is written by hand.

Columns are samples: X is (n_0, m), W_l (n_l, n_{l-1}), b_l (n_l, 1), Z_l and A_l (n_l, m). Tensors are used as given,
without conversion, detaching or copying; arrays become tensors on `device`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .activations import ACTIVATIONS, NOTES
from .conversion import as_tensor

__all__ = ["ShallowNetwork", "cost_and_values", "forward", "gradients"]

CONVENTIONS = {"torch": ACTIVATIONS, "notes": NOTES}  # at_zero

# (loss, activation of the output): the loss summed over outputs and samples, from the logits Z where PyTorch can.
LOSSES = {
    ("cross_entropy", "sigmoid"): lambda Z, A, Y: functional.binary_cross_entropy_with_logits(Z, Y, reduction="sum"),
    ("cross_entropy", "softmax"): lambda Z, A, Y: functional.cross_entropy(Z.T, Y.T, reduction="sum"),
} | {
    ("squared_error", output): lambda Z, A, Y: (A - Y).square().sum() / 2
    for output in ("identity", "sigmoid", "tanh", "relu", "leaky_relu")
}


def forward(
    parameters: Mapping[str, Any],
    X: Any,
    activations: Sequence[str] = ("tanh", "sigmoid"),
    *,
    at_zero: str = "torch",
    device: str | torch.device = "cpu",
) -> dict[str, Tensor]:
    """{"Z1", "A1", ..., "ZL", "AL"}, each (n_l, m). At exactly 0, autograd takes the slopes of `at_zero`.

    `at_zero="torch"` has PyTorch's own activations (relu'(0) is 0, leaky_relu'(0) is 0.01), `"notes"` those of the
    notes (both 1). ValueError for an unknown name, for too few or too many, and for a bias that is not (n_l, 1).
    """
    convention = _choose("at_zero", at_zero, CONVENTIONS)
    if isinstance(activations, str) or len(parameters) != 2 * len(activations):
        raise ValueError(
            f"activations is {activations!r}; it should have one name for each W and b of {list(parameters)}"
        )
    values: dict[str, Tensor] = {}
    A = as_tensor(X, device)  # A0, (n_0, m)
    for layer, name in enumerate(activations, start=1):
        W, b = (as_tensor(parameters[f"{kind}{layer}"], device) for kind in "Wb")
        _check_shape(f"b{layer}", b, (W.shape[0], 1))
        Z = W @ A + b  # (n_l, m)
        A = _choose("activation", name, convention)(Z)  # (n_l, m)
        values |= {f"Z{layer}": Z, f"A{layer}": A}
    return values


def cost_and_values(
    parameters: Mapping[str, Any],
    X: Any,
    Y: Any,
    activations: Sequence[str] = ("tanh", "sigmoid"),
    loss: str = "cross_entropy",
    *,
    at_zero: str = "torch",
    device: str | torch.device = "cpu",
) -> tuple[Tensor, dict[str, Tensor]]:
    """J, the mean over the samples of the loss summed over the outputs, and the values of `forward` it came from.

    ValueError as in `forward`, for a pair of loss and output without a meaning, and for a Y that is not (n_L, m).
    """
    values = forward(parameters, X, activations, at_zero=at_zero, device=device)
    total = _total(values, as_tensor(Y, device), activations, loss)
    return total / values["Z1"].shape[1], values


def gradients(
    parameters: Mapping[str, Any],
    X: Any,
    Y: Any,
    activations: Sequence[str] = ("tanh", "sigmoid"),
    loss: str = "cross_entropy",
    *,
    at_zero: str = "torch",
    device: str | torch.device = "cpu",
) -> dict[str, Any]:
    """{"dZL", "dWL", "dbL", "dA(L-1)", ..., "dZ1", "dW1", "db1", "J"}: NumPy arrays, or tensors where X is one.

    dZ_l and dA_l are autograd's derivatives of the loss summed over the samples, dW_l and db_l those of J, its mean.
    Raises as `cost_and_values` does.
    """
    leaves = {name: _leaf(as_tensor(value, device)) for name, value in parameters.items()}
    values = forward(leaves, X, activations, at_zero=at_zero, device=device)
    total = _total(values, as_tensor(Y, device), activations, loss)
    m = values["Z1"].shape[1]
    names = [f"{kind}{layer}" for layer in range(len(activations), 0, -1) for kind in "AZWb"][1:]
    derivatives = torch.autograd.grad(total, [(leaves | values)[name] for name in names])
    results = {
        f"d{name}": derivative / m if name in leaves else derivative  # J is the total over m
        for name, derivative in zip(names, derivatives, strict=True)
    } | {"J": total / m}
    if isinstance(X, Tensor):
        return results
    return {name: tensor.numpy(force=True).copy() for name, tensor in results.items()}  # autograd may give one for two


class ShallowNetwork(nn.Module):
    """The network as a module: parameters W1, b1, ... under these names, columns as samples, A_L as the prediction."""

    def __init__(
        self,
        parameters: Mapping[str, Any],
        activations: Sequence[str] = ("tanh", "sigmoid"),
        *,
        at_zero: str = "torch",
        device: str | torch.device = "cpu",
    ) -> None:
        super().__init__()
        self.activations, self.at_zero = tuple(activations), at_zero
        for name, value in parameters.items():
            self.register_parameter(name, nn.Parameter(as_tensor(value, device).detach().clone()))

    def forward(self, X: Tensor) -> Tensor:
        """The prediction A_L (n_L, m) for X (n_0, m)."""
        values = forward(dict(self.named_parameters()), X, self.activations, at_zero=self.at_zero)
        return values[f"A{len(self.activations)}"]


def _leaf(tensor: Tensor) -> Tensor:
    """The tensor itself if autograd follows it already, else another view of it that autograd does follow."""
    return tensor if tensor.requires_grad else tensor.view_as(tensor).requires_grad_()


def _total(values: Mapping[str, Tensor], Y: Tensor, activations: Sequence[str], loss: str) -> Tensor:
    """The loss summed over outputs and samples: m J."""
    Z, A = values[f"Z{len(activations)}"], values[f"A{len(activations)}"]
    _check_shape("Y", Y, tuple(A.shape))
    return _choose("pair of loss and output", (loss, activations[-1]), LOSSES)(Z, A, Y)


def _check_shape(name: str, tensor: Tensor, expected: tuple[int, ...]) -> None:
    if tuple(tensor.shape) != expected:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; it should be {expected}, or it would be broadcast")


def _choose(what: str, key: Any, table: Mapping[Any, Any]) -> Any:
    if key not in table:
        raise ValueError(f"{key!r} is no {what} known here; these are: {', '.join(map(repr, table))}")
    return table[key]
