"""Mistakes, one row each, as edits of a right computation.

An edit is given a step of the right program of `tests/programs.py`: the tensor, its right value, and everything that
was computed before. What it returns stands in place of the right value, so that all that is computed later follows from
it. The catalogue shares nothing with the table of `gradcompare/diagnosis/mistakes.py`: the two can disagree.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.programs import PRODUCTS, Form, slope_of

VALUES, GRADIENTS = ("Z", "A", "J"), ("dZ", "dA", "dW", "db")
TENSORS = (*VALUES, *GRADIENTS)
DECAY = 0.1


@dataclass(frozen=True)
class Step:
    """One tensor of a program while it runs."""

    name: str
    right: Any
    v: Mapping[str, Any]
    """The inputs, A0, and every value and gradient computed so far, by name."""
    form: Form
    dtype: str
    """The precision under test."""

    @property
    def kind(self) -> str:
        return self.name.rstrip("0123456789")

    @property
    def layer(self) -> int:
        return int(self.name[len(self.kind) :] or 0)

    def of(self, kind: str, above: int = 0) -> Any:
        """The tensor of this kind in this layer, or so many layers above."""
        return self.v[f"{kind}{self.layer + above}"]

    @property
    def m(self) -> int:
        return int(self.v["X"].shape[1])

    @property
    def share(self) -> float:
        """What dW and db are multiplied by: 1/m, unless dZ was."""
        return 1.0 if self.form.mean == "first" else 1.0 / self.m

    @property
    def slope(self) -> Any:
        return slope_of(self.form, self.layer, self.v)

    def slope_at(self, Z: Any, A: Any) -> Any:
        return slope_of(self.form, self.layer, {f"Z{self.layer}": Z, f"A{self.layer}": A})

    def product(self, W: Any, A: Any) -> Any:
        return PRODUCTS[self.form.product](W, A)


Edit = Callable[[Step], Any]


@dataclass(frozen=True)
class Mistake:
    """What is put in place of the right tensor, and the tensors that it can be put in place of."""

    edit: Edit
    tensors: tuple[str, ...]
    """Of `TENSORS`; "dZ last" and "dZ hidden" for those alone."""
    fits: Callable[[Step], bool] = lambda step: True
    """Whether it can be made here: of the activation, the widths and the precision."""
    accused: tuple[str, ...] = ()
    """Kinds of tensors that are then at fault, where it is not the one that was edited."""
    everywhere: bool = False
    """Made in every layer at once."""
    cost: Edit | None = None
    """How the cost differs from the plain one, in the reference as in the subject."""


def scaled(factor: float) -> Mistake:
    return Mistake(lambda s: s.right * factor, TENSORS)


def noisy(size: float) -> Mistake:
    def edit(s: Step) -> Any:
        noise = np.random.default_rng(0).standard_normal(tuple(s.right.shape))
        return s.right * (1 + size * noise).astype(s.dtype)

    return Mistake(edit, TENSORS)


def with_entry(change: Callable[[Any], Any]) -> Edit:
    def edit(s: Step) -> Any:
        array = s.right + 0
        array[0, -1] = change(array[0, -1])
        return array

    return edit


def without_the_last_sample(s: Step) -> Any:
    array = s.right + 0
    array[:, -1] = 0
    return array


def written_over(other: str) -> Edit:
    """The step was computed in place: another tensor now holds it too."""

    def edit(s: Step) -> Any:
        s.of(other)[...] = s.right
        return s.right

    return edit


def leaked(s: Step) -> Any:
    return s.right.astype("float32" if s.dtype == "float64" else "float16").astype(s.dtype)


def hidden(g: str) -> Callable[[Step], bool]:
    return lambda s: s.form.activations[s.layer - 1] == g


def square(*kinds: str) -> Callable[[Step], bool]:
    """These tensors have as many rows as columns."""
    return lambda s: all(len(set(s.of(kind).shape)) == 1 for kind in kinds)


def decayed(s: Step) -> Any:
    return s.right + DECAY / (2 * s.m) * sum(np.sum(s.v[f"W{i + 1}"] ** 2) for i in range(len(s.form.activations)))


def decaying(edit: Callable[[Step, Any], Any]) -> Mistake:
    return Mistake(lambda s: edit(s, DECAY / s.m * s.of("W")), ("dW",), everywhere=True, cost=decayed)


def cost_of(loss: Callable[[Any, Any], Any], pairs: tuple[str, ...] = ("sigmoid", "softmax")) -> Mistake:
    """The file's cost is another than the one its gradient belongs to."""

    def edit(s: Step) -> Any:
        L = len(s.form.activations)
        return np.sum(loss(s.v[f"A{L}"], s.v["Y"])) / s.m

    return Mistake(
        lambda s: s.right, ("J",), lambda s: s.form.activations[-1] in pairs, accused=("dZ last",), cost=edit
    )


def entropy(A: Any, Y: Any, epsilon: float = 0.0) -> Any:
    return -Y * np.log(A + epsilon) - (1 - Y) * np.log(1 - A + epsilon)


MISTAKES: dict[str, Mistake] = {
    **{f"scaled by {factor!r}": scaled(factor) for factor in (2.0, 1.1, 1.001, 1 + 1e-6, 1 + 1e-9)},
    **{f"noise of {size:g}": noisy(size) for size in (1e-1, 1e-3, 1e-6, 1e-9)},
    "the other sign": Mistake(lambda s: -s.right, TENSORS),
    "1/m missing": Mistake(lambda s: s.right * s.m, ("J", "dW", "db")),
    "1/m twice": Mistake(lambda s: s.right / s.m, ("J", "dW", "db")),
    "1/m in dZ as well": Mistake(
        lambda s: s.right / s.m,
        ("dZ last",),
        lambda s: s.form.mean != "first",  # dZ may be that of the mean: then it would be dW and db that are too small
    ),
    "one entry": Mistake(with_entry(lambda x: 1.5 * x + 0.1), ("Z", "A", *GRADIENTS)),
    "one entry, by a little": Mistake(with_entry(lambda x: x * (1 + 1e-6)), ("Z", "A", *GRADIENTS)),
    "one NaN": Mistake(with_entry(lambda x: np.nan), ("Z", "A", *GRADIENTS)),
    "one infinity": Mistake(with_entry(lambda x: np.inf), ("dA", "dW", "db")),
    "precision lost": Mistake(leaked, TENSORS),
    "the last sample dropped": Mistake(without_the_last_sample, ("A", "dZ", "dA")),
    "the last sample dropped from the product": Mistake(
        lambda s: s.product(s.of("dZ")[:, :-1], s.of("A", -1)[:, :-1].T) * s.share, ("dW",)
    ),
    "the last sample dropped from the sum": Mistake(
        lambda s: np.sum(s.of("dZ")[:, :-1], axis=1, keepdims=True) * s.share, ("db",)
    ),
    "the bias left out": Mistake(lambda s: s.product(s.of("W"), s.of("A", -1)), ("Z",)),
    "the activation left out": Mistake(lambda s: s.of("Z") + 0, ("A",)),
    "summed over the units too": Mistake(lambda s: 0 * s.right + np.sum(s.of("dZ")) * s.share, ("db",)),
    "the wrong axis": Mistake(lambda s: np.sum(s.of("dZ"), axis=0, keepdims=True) * s.share, ("db",)),
    "keepdims lost": Mistake(lambda s: np.sum(s.of("dZ"), axis=1) * s.share, ("db",)),
    "not summed": Mistake(lambda s: s.of("dZ") * s.share, ("db",)),
    "the mean over the units": Mistake(
        lambda s: s.right / s.right.shape[0],
        ("dZ", "dA", "db"),
        lambda s: s.right.shape[0] != s.m,  # where the two are one number it may be 1/m, a convention
    ),
    "transposed": Mistake(lambda s: s.right.T + 0, ("dW", "db")),
    "transposed where square": Mistake(lambda s: s.right.T + 0, ("Z", "A", "dZ", "dA"), square("Z")),
    "W for its transpose": Mistake(
        lambda s: s.product(s.of("W", 1), s.of("dZ", 1)), ("dA",), lambda s: len(set(s.of("W", 1).shape)) == 1
    ),
    "elementwise for a matrix product": Mistake(
        lambda s: s.of("dZ") * s.of("A", -1) * s.share,
        ("dW",),
        lambda s: s.of("dZ").shape == s.of("A", -1).shape == s.of("W").shape,
    ),
    "a matrix product for elementwise": Mistake(
        lambda s: s.of("dA") @ (s.slope + 0 * s.of("Z")), ("dZ hidden",), square("Z")
    ),
    "the product of the sums": Mistake(
        lambda s: np.sum(s.of("dZ"), axis=1)[:, None] * np.sum(s.of("A", -1), axis=1)[None, :] * s.share, ("dW",)
    ),
    "Z for A": Mistake(lambda s: s.product(s.of("dZ"), s.of("Z", -1).T) * s.share, ("dW",), lambda s: s.layer > 1),
    "A of its own layer": Mistake(lambda s: s.product(s.of("dZ"), s.of("A").T) * s.share, ("dW",)),
    "dZ of the layer above": Mistake(
        lambda s: s.product(s.of("dZ", 1), s.of("A", -1).T) * s.share, ("dW",), lambda s: f"dZ{s.layer + 1}" in s.v
    ),
    "db of the layer above": Mistake(lambda s: s.of("db", 1) + 0, ("db",), lambda s: f"db{s.layer + 1}" in s.v),
    "the bias for its gradient": Mistake(lambda s: s.of("b") + 0, ("db",)),
    "A for dZ": Mistake(lambda s: s.product(s.of("W", 1).T, s.of("A", 1)), ("dA",)),
    "the label missing": Mistake(lambda s: s.of("A") + 0, ("dZ last",)),
    "Z - Y for A - Y": Mistake(lambda s: (s.of("Z") - s.v["Y"]) / (s.m if s.form.mean == "first" else 1), ("dZ last",)),
    "the slope of the last layer as well": Mistake(
        lambda s: s.right * s.slope, ("dZ last",), lambda s: s.form.activations[-1] == "sigmoid"
    ),
    "the slope missing": Mistake(lambda s: s.of("dA") + 0, ("dZ hidden",)),
    "the slope twice": Mistake(lambda s: s.right * s.slope, ("dZ hidden",)),
    "the slope at A": Mistake(lambda s: s.of("dA") * s.slope_at(s.of("A"), s.of("A") ** 2), ("dZ hidden",)),
    "the slope at Z for A": Mistake(lambda s: s.of("dA") * s.slope_at(s.of("Z"), s.of("Z")), ("dZ hidden",)),
    "sigmoid's slope": Mistake(lambda s: s.of("dA") * s.of("A") * (1 - s.of("A")), ("dZ hidden",)),
    "1 - A for the slope": Mistake(lambda s: s.of("dA") * (1 - s.of("A")), ("dZ hidden",)),
    "ReLU's slope": Mistake(lambda s: s.of("dA") * (s.of("Z") > 0), ("dZ hidden",)),
    "a leak of 0.1 in the slope": Mistake(
        lambda s: s.of("dA") * np.where(s.of("Z") > 0, 1.0, 0.1), ("dZ hidden",), hidden("leaky_relu")
    ),
    "a leak of 0.1 in the value": Mistake(
        lambda s: np.where(s.of("Z") > 0, s.of("Z"), 0.1 * s.of("Z")), ("A",), hidden("leaky_relu")
    ),
    "a stale cache: samples in another order": Mistake(
        lambda s: s.product(s.of("dZ"), s.of("A", -1)[:, ::-1].T) * s.share, ("dW",)
    ),
    "a stale cache in the slope": Mistake(
        lambda s: s.of("dA") * s.slope_at(s.of("Z")[:, ::-1], s.of("A")[:, ::-1]), ("dZ hidden",)
    ),
    "W updated before it is read": Mistake(
        lambda s: s.product((s.of("W", 1) - 0.1 * s.of("dW", 1)).T, s.of("dZ", 1)), ("dA",)
    ),
    "A written over by dZ": Mistake(
        written_over("A"), ("dZ last",), lambda s: s.form.activations[-1] != "identity", accused=("A last",)
    ),
    "dA written over by dZ": Mistake(written_over("dA"), ("dZ hidden",), accused=("dA",)),
    "the decay missing": decaying(lambda s, decay: s.right),
    "the decay twice": decaying(lambda s, decay: s.right + 2 * decay),
    "the decay's other sign": decaying(lambda s, decay: s.right - decay),
    "the decay without 1/m": decaying(lambda s, decay: s.right + s.m * decay),
    "an epsilon in the logarithm": cost_of(lambda A, Y: entropy(A, Y, 1e-8), ("sigmoid",)),
    "an epsilon in the logarithm of classes": cost_of(lambda A, Y: -Y * np.log(A + 1e-8), ("softmax",)),
    "a clip in the cost": cost_of(lambda A, Y: -Y * np.log(np.clip(A, 0.3, 0.7)), ("softmax",)),
    "a clip in both logarithms": cost_of(lambda A, Y: entropy(np.clip(A, 0.3, 0.7), Y), ("sigmoid",)),
    "the cost of one class alone": cost_of(lambda A, Y: -Y * np.log(A), ("sigmoid",)),
    "a cost without its half": cost_of(lambda A, Y: (A - Y) ** 2, ("identity",)),
}


def by_name(name: str) -> Mistake:
    """A row of the table; a scale error may be of any size: "scaled by 1.0001"."""
    return MISTAKES[name] if name in MISTAKES else scaled(float(name.removeprefix("scaled by ")))
