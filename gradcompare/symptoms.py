"""The health of a network: what slows its learning down or stops it, each thing with a number, a source and an advice.

None of it makes a gradient wrong: a network can be ill and its gradients right, so a note is never a failure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

import manual

__all__ = ["ACTIVATIONS", "OUTPUTS", "SYMPTOMS", "Health", "Note", "Patient", "Symptom", "health"]

KEPT = 0.05
"""A unit is saturated where it keeps at most this part of its activation's steepest slope, over the samples."""
ACTIVATIONS, OUTPUTS = tuple(manual.activations.ACTIVATIONS), tuple(manual.activations.OUTPUTS)
"""The names of the activations of a hidden layer, and of the last."""
STEEPEST = {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0, "leaky_relu": 1.0, "identity": 1.0}
SATURATING = ("sigmoid", "tanh")
GROWTH = 1_000.0
"""The gradient vanishes or explodes where it shrinks or grows by this factor between the output and layer 1. With the
notes' 0.01 as scale, a shallow network loses a factor of about 100, and trains."""


@dataclass(frozen=True)
class Note:
    """Something noticed. `number` is what was measured, in the unit that `says` gives it."""

    symptom: str
    where: str
    number: float
    says: str
    source: str
    advice: str


@dataclass(frozen=True)
class Health:
    """What was noticed; `str()` is the text."""

    network: str
    notes: tuple[Note, ...]
    not_measured: tuple[str, ...] = ()

    def __str__(self) -> str:
        count = f"{len(self.notes)} note{'s' * (len(self.notes) != 1)}" if self.notes else "nothing to note"
        lines = [f"{self.network}: {count}."]
        for note in self.notes:
            lines += ["", f"{note.where}: {note.symptom}. {note.says}", f"    {note.advice} ({note.source})"]
        if self.not_measured:
            lines += ["", f"Not measured, since there are no labels Y: {', '.join(self.not_measured)}."]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """{"network", "notes": [{"symptom", "where", "number", "says", "source", "advice"}], "not_measured"}; a number
        that is not finite is a string."""
        return {
            "network": self.network,
            "notes": [asdict(note) | {"number": _finite(note.number)} for note in self.notes],
            "not_measured": list(self.not_measured),
        }


def _finite(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)


class Found(NamedTuple):
    """Where, how much, and the sentence."""

    where: str
    number: float
    says: str


@dataclass(frozen=True)
class Patient:
    """A network with its samples, and what forward and backward pass compute of them."""

    parameters: Mapping[str, np.ndarray]
    X: np.ndarray
    Y: np.ndarray | None
    activations: tuple[str, ...]
    loss: str

    @cached_property
    def cache(self) -> dict[str, np.ndarray]:
        """As `manual.forward` returns it."""
        with np.errstate(over="ignore", invalid="ignore"):
            return manual.forward(self.parameters, self.X, self.activations)

    @cached_property
    def gradients(self) -> dict[str, np.ndarray]:
        """As `manual.backward` returns them."""
        assert self.Y is not None
        with np.errstate(over="ignore", invalid="ignore"):
            return manual.backward(self.parameters, self.cache, self.X, self.Y, self.activations, self.loss)

    @cached_property
    def is_finite(self) -> bool:
        """Whether forward pass and, where there are labels, backward pass stay among the finite numbers."""
        computed = [*self.cache.values(), *(self.gradients.values() if self.Y is not None else ())]
        return all(bool(np.all(np.isfinite(array))) for array in computed)

    @property
    def hidden(self) -> Iterator[tuple[int, str]]:
        """The hidden layers, from 1, with their activations."""
        return enumerate(self.activations[:-1], start=1)

    def slopes(self, layer: int) -> np.ndarray:
        """g'(Z_l), (n_l, m)."""
        g = manual.ACTIVATIONS[self.activations[layer - 1]]
        return g.slope(self.cache[f"Z{layer}"], self.cache[f"A{layer}"])

    def kept(self, layer: int) -> np.ndarray:
        """Of each unit the mean slope over the samples, over the steepest slope that its activation has, (n_l,)."""
        means: np.ndarray = self.slopes(layer).mean(axis=1)
        return means / STEEPEST[self.activations[layer - 1]]

    def __str__(self) -> str:
        sizes = [len(self.X), *(len(self.parameters[f"b{layer}"]) for layer in range(1, len(self.activations) + 1))]
        return f"{'-'.join(map(str, sizes))}, {', '.join(self.activations)}, {self.X.shape[1]} samples"


class Symptom(NamedTuple):
    """A row of the table: how it is found, who warns of it, and what to do about it."""

    find: Callable[[Patient], Iterator[Found]]
    source: str
    advice: str
    needs_labels: bool = False


def health(
    parameters: Mapping[str, Any],
    X: Any,
    Y: Any = None,
    *,
    activations: Sequence[str] = ("tanh", "sigmoid"),
    loss: str = "cross_entropy",
) -> Health:
    """Look for everything in `SYMPTOMS`.

    Args:
        parameters: {"W1": (n_1, n_0), "b1": (n_1, 1), ...}, arrays of one floating dtype.
        X: (n_0, m), columns are samples, of the same dtype.
        Y: (n_L, m); without labels there are no gradients, and what needs them is not measured.
        activations: one name a layer, as for `manual.forward`.
        loss: "cross_entropy" or "squared_error", as for `manual.backward`.

    Raises:
        ValueError, TypeError: in words, for what does not fit together, as `manual.forward` and `manual.backward` do.
    """
    arrays = {name: np.asarray(array) for name, array in parameters.items()}
    for name, array in arrays.items():
        if not array.size:
            raise ValueError(f"{name} has shape {array.shape}; every layer should have a unit at least")
    patient = Patient(arrays, np.asarray(X), None if Y is None else np.asarray(Y), tuple(activations), loss)
    rows = SYMPTOMS if patient.is_finite else {"numbers that are not finite": SYMPTOMS["numbers that are not finite"]}
    notes: list[Note] = []
    not_measured: list[str] = []
    for name, row in rows.items():
        if row.needs_labels and Y is None:
            not_measured.append(name)
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            notes += (Note(name, *found, row.source, row.advice) for found in row.find(patient))
    return Health(str(patient), tuple(notes), tuple(not_measured))


# ---- what is looked for ----------------------------------------------------------------------------------------------


def _not_finite(patient: Patient) -> Iterator[Found]:
    computed = patient.cache | (patient.gradients if patient.Y is not None else {})
    for name, array in computed.items():
        count = int(np.count_nonzero(~np.isfinite(array)))
        if count:
            says = f"{count} of its {array.size} entries are NaN or infinite; what is computed from it inherits that."
            yield Found(name, count, says)
            return


def _symmetric(patient: Patient) -> Iterator[Found]:
    for layer, groups in manual.symmetric_units(patient.parameters).items():
        for group in (alike for computed_alike in groups for alike in _equal_columns(patient, layer, computed_alike)):
            yield Found(
                f"layer {layer}",
                len(group),
                f"Units {_listed(group)} compute the same and always will: {len(group)} units do the work of one.",
            )


def _equal_columns(patient: Patient, layer: int, units: Sequence[int]) -> list[tuple[int, ...]]:
    """Those units whose outgoing weights are equal too; the others part after one step."""
    outgoing: dict[bytes, list[int]] = {}
    W = patient.parameters[f"W{layer + 1}"] + 0.0  # -0 becomes 0
    for unit in units:
        outgoing.setdefault(W[:, unit - 1].tobytes(), []).append(unit)
    return [tuple(group) for group in outgoing.values() if len(group) > 1]


def _saturated(patient: Patient) -> Iterator[Found]:
    layers = list(patient.hidden)
    if patient.loss == "squared_error":  # with cross entropy the output's slope cancels
        layers.append((len(patient.activations), patient.activations[-1]))
    for layer, g in layers:
        if g not in SATURATING:
            continue
        kept = patient.kept(layer)
        units = [int(i) + 1 for i in np.flatnonzero(kept <= KEPT)]
        if units:
            lost = 1 - float(kept.mean())
            yield Found(
                f"layer {layer}",
                lost,
                f"{_units(units, len(kept))} of {g} keep{'s' * (len(units) == 1)} at most {KEPT:.0%} of the slope at "
                f"0; the layer as a whole has lost {_share(lost)} of it.",
            )


def _dead(patient: Patient) -> Iterator[Found]:
    for layer, g in patient.hidden:
        if g == "relu":
            units = [int(i) + 1 for i in np.flatnonzero(np.all(patient.slopes(layer) == 0, axis=1))]
            if units:
                who = _units(units, len(patient.cache[f"Z{layer}"]))
                are, their = ("is", "its") if len(units) == 1 else ("are", "their")
                says = f"{who} {are} 0 for every sample: no gradient reaches {their} weights."
                yield Found(f"layer {layer}", len(units), says)


def _linear(patient: Patient) -> Iterator[Found]:
    hidden = [g for _, g in patient.hidden]
    if hidden and set(hidden) == {"identity"}:
        given = sum(array.size for array in patient.parameters.values())
        needed = (len(patient.X) + 1) * len(patient.parameters[f"b{len(patient.activations)}"])
        yield Found(
            "the network",
            given - needed,
            f"Its {len(hidden) + 1} layers together are one linear layer: {needed} numbers say what its {given} do.",
        )


def _norms(patient: Patient) -> list[tuple[str, float]]:
    """dZ_L, dA_(L-1), ..., dA_1: the root of the mean square of the entries."""
    L = len(patient.activations)
    names = [f"dZ{L}", *(f"dA{layer}" for layer in range(L - 1, 0, -1))]
    return [(name, _norm(patient.gradients[name])) for name in names]


def _norm(d: np.ndarray) -> float:
    largest = float(np.max(np.abs(d)))  # taken out first, so that no square overflows
    return largest * float(np.sqrt(np.mean((d / largest) ** 2))) if largest else 0.0


def _faded(patient: Patient, has_faded: Callable[[float], bool], verb: str) -> Iterator[Found]:
    norms = _norms(patient)
    first, last = norms[0][1], norms[-1][1]
    if len(norms) > 1 and first > 0 and last > 0 and has_faded(last / first):
        way = ", ".join(f"{name} {norm:.1e}" for name, norm in norms)
        factor = last / first if last > first else first / last
        yield Found(
            norms[-1][0], last / first, f"The gradient {verb} {factor:.2g}-fold on its way from the output: {way}."
        )


def _vanishing(patient: Patient) -> Iterator[Found]:
    return _faded(patient, lambda ratio: ratio <= 1 / GROWTH, "shrinks")


def _exploding(patient: Patient) -> Iterator[Found]:
    return _faded(patient, lambda ratio: ratio >= GROWTH, "grows")


def _without_gradient(patient: Patient) -> list[str]:
    return [name for name in patient.parameters if not np.any(patient.gradients[f"d{name}"])]


def _all_zero(patient: Patient) -> Iterator[Found]:
    if len(_without_gradient(patient)) == len(patient.parameters):
        yield Found("the network", 0.0, "Every gradient is exactly 0: no step of gradient descent moves anything.")


def _some_zero(patient: Patient) -> Iterator[Found]:
    names = _without_gradient(patient)
    if len(names) < len(patient.parameters):
        for name in names:
            size = patient.parameters[name].size
            entries = f"all {size} entries" if size > 1 else "the only entry"
            yield Found(name, size, f"d{name} is exactly 0 in {entries}: {name} does not learn.")


def _listed(units: Sequence[int]) -> str:
    shown = [str(unit) for unit in units[:8]]
    if len(units) > len(shown):
        return f"{', '.join(shown)} and {len(units) - len(shown)} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def _units(units: Sequence[int], total: int) -> str:
    if len(units) == total and total > 1:
        return f"All {total} units"
    return f"Unit{'s' * (len(units) > 1)} {_listed(units)} ({len(units)} of {total})"


def _share(lost: float) -> str:
    if lost < 0.9995:
        return f"{lost:.1%}"
    return "all" if lost == 1 else f"all but {1 - lost:.1e}"


SYMPTOMS = {
    "numbers that are not finite": Symptom(
        _not_finite,
        "manual/DERIVATION.md, 3.6",
        "Look for NaN in the samples and the labels, then for weights that grew: a smaller learning rate.",
    ),
    "symmetric units": Symptom(
        _symmetric,
        "notes 3.11",
        "Start from random weights; the biases may stay 0.",
    ),
    "saturated units": Symptom(
        _saturated,
        "notes 3.6, 3.11",
        "Smaller weights, inputs brought to mean 0 and variance 1, or relu, which does not saturate on the right.",
    ),
    "dead units": Symptom(
        _dead,
        "notes 3.6",
        "leaky_relu, which keeps a slope on the left; a smaller learning rate; or another start.",
    ),
    "only linear": Symptom(
        _linear,
        "notes 3.7",
        "A hidden activation that is not linear: tanh, relu, leaky_relu.",
    ),
    "vanishing gradient": Symptom(
        _vanishing,
        "X. Glorot, Y. Bengio, AISTATS 2010, section 4.2",
        "Larger weights, of variance 2 / (n_(l-1) + n_l) for tanh and 2 / n_(l-1) for relu; fewer layers.",
        needs_labels=True,
    ),
    "exploding gradient": Symptom(
        _exploding,
        "X. Glorot, Y. Bengio, AISTATS 2010, section 4.2",
        "Smaller weights, of variance 2 / (n_(l-1) + n_l) for tanh and 2 / n_(l-1) for relu.",
        needs_labels=True,
    ),
    "no gradient at all": Symptom(
        _all_zero,
        "notes 3.6, 3.11",
        "Either it fits its labels exactly, or its units are all dead, saturated or zero: see the other notes.",
        needs_labels=True,
    ),
    "parameter without gradient": Symptom(
        _some_zero,
        "notes 3.11",
        "Weights of 0 pass nothing back, and units that are 0 give the next weights nothing: random weights.",
        needs_labels=True,
    ),
}
"""What is looked for, one row each; the keys are the names in the notes."""
