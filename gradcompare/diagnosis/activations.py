"""What activations there are, and which of them a network has: found from its numbers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gradcompare.diagnosis.step import Case


class Activation(NamedTuple):
    """A function of z, and its derivative in terms of a = g(z) and of z, as formulas."""

    value: str
    from_a: str | None
    from_z: str
    wrong: tuple[str, ...] = ()
    """Formulas that are taken for the derivative, in a and z."""


_SIGMOID = "1 / (1 + np.exp(-z))"
_SOFTSIGN = "(1 + np.abs(z))"

ACTIVATIONS = {
    "tanh": Activation(
        "np.tanh(z)",
        "1 - a**2",
        "1 - np.tanh(z)**2",
        ("1 - a", "1 + a**2", "1 + a", "a**2", "(1 - a)**2", "1 - 2 * a", "a", "1 - z", "2 * a", "np.tanh(z)**2"),
    ),
    "sigmoid": Activation(
        _SIGMOID,
        "a * (1 - a)",
        f"{_SIGMOID} * (1 - {_SIGMOID})",
        ("a", "1 - a", "a * (1 + a)", "a**2", "a * (1 - a**2)", "a * (1 - a)**2", "a**2 * (1 - a)", "1 / (1 + a)"),
    ),
    "relu": Activation("np.maximum(z, 0)", "a > 0", "z > 0", ("z < 0", "z", "a", "np.sign(z)", "np.abs(z)")),
    "softplus": Activation("np.log(1 + np.exp(z))", "1 - np.exp(-a)", _SIGMOID, ("a", "np.exp(z)", "1 + np.exp(z)")),
    "softsign": Activation(f"z / {_SOFTSIGN}", "(1 - np.abs(a))**2", f"1 / {_SOFTSIGN}**2", (f"1 / {_SOFTSIGN}",)),
    "elu": Activation(
        "np.where(z > 0, z, np.exp(z) - 1)", "np.where(a > 0, 1, a + 1)", "np.where(z > 0, 1, np.exp(z))"
    ),
    "swish": Activation(f"z * ({_SIGMOID})", None, f"({_SIGMOID}) * (1 + z * (1 - {_SIGMOID}))", (_SIGMOID,)),
    "sine": Activation("np.sin(z)", None, "np.cos(z)", ("np.sin(z)", "-np.cos(z)")),
    "exponential": Activation("np.exp(z)", "a", "np.exp(z)"),
    "square": Activation("z**2", None, "2 * z", ("z",)),
    "identity": Activation("z", "np.ones_like(a)", "np.ones_like(z)"),
}
LEAKY = "leaky relu"
SLOPES = (0.01, 0.1, 0.2, 0.001, 0.05, 0.02, 0.3, 0.25, 0.5)
"""Slopes of a leaky relu that people choose."""


def leaky(slope: float | str) -> Activation:
    """The leaky relu with a slope."""
    return Activation(
        f"np.where(z > 0, z, {slope} * z)",
        f"np.where(a > 0, 1, {slope})",
        f"np.where(z > 0, 1, {slope})",
        (f"np.where(z > 0, {slope}, 1)", "z < 0"),
    )


def put(formula: str, *, a: str, z: str) -> str:
    """The formula with arrays for a and z."""
    return re.sub(r"\b[az]\b", lambda found: a if found.group() == "a" else z, formula)


class Applied(NamedTuple):
    """An activation that the forward pass was seen to apply: a = g(z)."""

    name: str
    activation: Activation
    z: str
    a: str | None

    def slopes(self) -> Iterator[str]:
        """The formulas of its derivative, the one that people write first."""
        from_z = put(self.activation.from_z, a="", z=self.z)
        if self.a is not None and self.activation.from_a is not None:
            from_a = put(self.activation.from_a, a=self.a, z=self.z)
            yield from (from_z, from_a) if self.in_pieces else (from_a, from_z)
        else:
            yield from_z

    @property
    def in_pieces(self) -> bool:
        """Whether it has a kink at 0."""
        return self.name in ("relu", LEAKY)

    @property
    def place(self) -> str:
        """The array that its derivative is usually taken at."""
        return self.z if self.in_pieces or self.a is None else self.a


def _fitting(case: Case, shape: tuple[int, ...]) -> list[str]:
    """The computed values of a shape, that of the step's own tensor first."""
    fitting = [k for k, v in case.values.items() if v.shape == shape and v.dtype.kind == "f" and not case.is_data(k)]
    return sorted(fitting, key=lambda k: k != case.of)


def seen_activations(cases: Sequence[Case], shape: tuple[int, ...]) -> list[Applied]:
    """The activations between the values of a shape (on the first network)."""
    known = cases[0].memory
    if shape not in known:
        pairs = itertools.permutations(_fitting(cases[0], shape), 2)
        known[shape] = [use for z, a in pairs if (use := _between(cases, z, a)) is not None]
    return known[shape]


def guessed_activations(cases: Sequence[Case], shape: tuple[int, ...], of: str) -> list[Applied]:
    """Every activation, of the step's own tensor, or of all that have its shape where it is not known: but then not
    the square, for whatever is multiplied by an array, a gate, is multiplied by its derivative."""
    fitting = _fitting(cases[0], shape)
    known = [of] if of in fitting else []
    but = ("identity",) if known else ("identity", "square")
    rows = [*((k, g) for k, g in ACTIVATIONS.items() if k not in but), *((LEAKY, leaky(s)) for s in SLOPES[:3])]
    return [Applied(name, g, z, None) for z in (known or fitting) for name, g in rows]


def _between(cases: Sequence[Case], z: str, a: str) -> Applied | None:
    rows = [*ACTIVATIONS.items(), *((LEAKY, leaky(s)) for s in (*SLOPES, *_measured(cases[0], z, a)))]
    for name, activation in rows:
        formula = put(activation.value, a=a, z=z)
        if all(_holds(case, formula, a) for case in cases):
            return Applied(name, activation, z, a)
    return None


def _holds(case: Case, formula: str, a: str) -> bool:
    result = case.evaluate(formula)
    if result is None or result.shape != case.values[a].shape:
        return False
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.abs(result.value - case.values[a]) <= case.unit * (8 * result.error + 8)))


def _measured(case: Case, z: str, a: str) -> Iterator[float]:
    """The slope where z is negative, if it is a plain number."""
    negative = case.values[z] < 0
    if np.any(negative):
        ratio = float(np.median(case.values[a][negative] / case.values[z][negative]))
        if 0 < abs(ratio) < 1:
            yield float(f"{ratio:.4g}")
