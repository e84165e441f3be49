"""A shallow neural network by hand, in NumPy alone; `DERIVATION.md` derives every formula.

>>> import numpy as np
>>> parameters = random_parameters((2, 4, 1), seed=0)
>>> X, Y = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 1.0, 0.0]])
>>> cache = forward(parameters, X)
>>> list(backward(parameters, cache, X, Y))
['dZ2', 'dW2', 'db2', 'dA1', 'dZ1', 'dW1', 'db1']
"""

from . import fused, loops
from .activations import ACTIVATIONS, OUTPUTS
from .descent import gradient_descent
from .initialisation import random_parameters, symmetric_units, zero_parameters
from .losses import LOSSES
from .network import backward, collapse, cost, forward, layer_shapes

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OUTPUTS",
    "backward",
    "collapse",
    "cost",
    "forward",
    "fused",
    "gradient_descent",
    "layer_shapes",
    "loops",
    "random_parameters",
    "symmetric_units",
    "zero_parameters",
]
