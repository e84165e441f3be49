"""How the code under test is found, fed and called: one shape a row.

A row is a name, what it looks like (a skeleton to copy), and a recogniser: names of a file -> Program or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gradcompare.interfaces import functions
from gradcompare.interfaces.program import CannotCheckError, Program

__all__ = ["INTERFACES", "CannotCheckError", "Interface", "Program", "recognise"]


class Interface(NamedTuple):
    """A shape of hand-written backpropagation."""

    skeleton: str
    recognise: Callable[[Mapping[str, Any]], Program | None]


INTERFACES = {
    "dict-cache": Interface(
        """\
def forward_propagation(X, parameters):            # parameters: {"W1", "b1", "W2", "b2"}
    ...
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}

def compute_cost(A2, Y):                           # may be left out
    ...

def backward_propagation(parameters, cache, X, Y):
    ...
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
""",
        lambda names: functions.recognise(names, "dict-cache", wants_dict=True),
    ),
    "positional": Interface(
        """\
def forward_prop(W1, b1, W2, b2, X):
    ...
    return Z1, A1, Z2, A2

def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):   # Y: classes 0, 1, ... or one-hot
    ...
    return dW1, db1, dW2, db2
""",
        lambda names: functions.recognise(names, "positional", wants_dict=False),
    ),
}


def recognise(namespace: Mapping[str, Any], interface: str | None = None) -> Program | None:
    """The program in a file's names, in the shape asked for or the first that fits. KeyError for an unknown
    interface."""
    candidates = [INTERFACES[interface]] if interface else INTERFACES.values()
    return next((program for row in candidates if (program := row.recognise(namespace)) is not None), None)
