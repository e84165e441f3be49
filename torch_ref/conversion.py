"""The parameters of the notes to and from `nn.Sequential(nn.Linear, g, nn.Linear, g, ...)` and its state dict.

Only the names and the bias differ: W_l is the (n_l, n_{l-1}) weight of a Linear, b_l of (n_l, 1) its bias of (n_l,).
The module takes samples as rows: `to_sequential(parameters)(X.T).T` is A_L.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .activations import MODULES

__all__ = ["as_tensor", "from_sequential", "from_state_dict", "to_sequential", "to_state_dict"]


def as_tensor(value: Any, device: str | torch.device = "cpu") -> Tensor:
    """A tensor as it is; of an array a copy on `device`."""
    return value if isinstance(value, Tensor) else torch.tensor(value, device=device)


def to_state_dict(parameters: Mapping[str, Any]) -> dict[str, Tensor]:
    """{"0.weight", "0.bias", "2.weight", ...}, copied: Linears stand at the even places, activations between."""
    state: dict[str, Tensor] = {}
    for layer in range(1, len(parameters) // 2 + 1):
        W, b = (as_tensor(parameters[f"{kind}{layer}"]).detach().clone() for kind in "Wb")
        state |= {f"{2 * layer - 2}.weight": W, f"{2 * layer - 2}.bias": b.squeeze(1)}
    return state


def from_state_dict(state: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """{"W1", "b1", ...} as arrays, copied, from the weights of a state dict in their order and their biases."""
    parameters: dict[str, np.ndarray] = {}
    weights = [key for key in state if key.endswith("weight")]
    for layer, key in enumerate(weights, start=1):
        W, b = state[key], state[key.removesuffix("weight") + "bias"]
        parameters |= {f"W{layer}": W.numpy(force=True).copy(), f"b{layer}": b.unsqueeze(1).numpy(force=True).copy()}
    return parameters


def to_sequential(parameters: Mapping[str, Any], activations: Sequence[str] = ("tanh", "sigmoid")) -> nn.Sequential:
    """PyTorch's own modules with these parameters, in their dtype and on their device."""
    state = to_state_dict(parameters)
    modules: list[nn.Module] = []
    for layer, name in enumerate(activations, start=1):
        W = state[f"{2 * layer - 2}.weight"]  # (n_l, n_{l-1})
        modules += [nn.Linear(W.shape[1], W.shape[0], dtype=W.dtype, device=W.device), MODULES[name]()]
    sequential = nn.Sequential(*modules)
    sequential.load_state_dict(state)
    return sequential


def from_sequential(sequential: nn.Sequential) -> dict[str, np.ndarray]:
    """{"W1", "b1", ...} as arrays, copied, from the Linears of a Sequential."""
    return from_state_dict(sequential.state_dict())
