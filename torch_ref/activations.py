"""The activations as PyTorch has them, and as the notes have them at exactly 0. No slope is written here."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["ACTIVATIONS", "MODULES", "NOTES"]

MODULES: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,  # its slope is 0.01 unless told otherwise
    "identity": nn.Identity,
    "softmax": lambda: nn.Softmax(dim=-1),  # over the outputs, which are columns in PyTorch's layers
}

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": nn.functional.leaky_relu,
    "identity": torch.clone,
    "softmax": lambda Z: torch.softmax(Z, dim=0),  # over the outputs, which are rows here
}

# The same functions, written so that autograd goes to the right of 0 at 0: its slope is then 1, as in the notes (3.8).
NOTES = ACTIVATIONS | {
    "relu": lambda Z: torch.where(Z < 0, torch.zeros_like(Z), Z),
    "leaky_relu": lambda Z: torch.where(Z < 0, 0.01 * Z, Z),
}
