"""The network of the notes in PyTorch, differentiated by autograd."""

from .conversion import from_sequential, from_state_dict, to_sequential, to_state_dict
from .network import ShallowNetwork, cost_and_values, forward, gradients

__all__ = [
    "ShallowNetwork",
    "cost_and_values",
    "forward",
    "from_sequential",
    "from_state_dict",
    "gradients",
    "to_sequential",
    "to_state_dict",
]
