"""Mistakes planted in random networks, and what a verdict made of them.

Whether a mistake changes anything is settled by the numbers themselves, not by the verdict under test: it changes
nothing where every number comes out the same; it lies beyond rounding where some entry is further from the reference
than twice what rounding on both sides can cause.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import torch_ref
from gradcompare import cases, compare, numpy_on_torch
from gradcompare.bounds import Precision
from gradcompare.judging.comparison import claim_errors
from gradcompare.judging.reference import evaluate
from gradcompare.judging.verdict import DECIDES, WRONG
from gradcompare.report import Report
from tests.mistakes import MISTAKES, Mistake, Step, by_name
from tests.programs import Form, backward, draw_form, forward, plain_form, subject

HIDDEN = ("sigmoid", "tanh", "relu", "leaky_relu")
PAIRS = (("cross_entropy", "sigmoid"), ("cross_entropy", "softmax"), ("squared_error", "identity"))
DEPTHS = (2, 3, 4)
PRECISIONS = ("float64", "float32")
LABELS = {"sigmoid": "binary", "softmax": "one_hot", "identity": "real"}


class Hook:
    """Called with every tensor of a program where it is born: plants the edit, and remembers what there is."""

    def __init__(self, plant: "Plant", form: Form, inputs: Mapping[str, Any], edited: tuple[str, ...]) -> None:
        self.plant, self.form, self.edited = plant, form, edited
        self.v: dict[str, Any] = {**inputs, "A0": inputs["X"]}

    def __call__(self, name: str, value: Any) -> Any:
        step = Step(name, value, self.v, self.form, self.plant.dtype)
        mistake = self.plant.mistake
        if name == "J" and mistake.cost is not None:
            value = mistake.cost(step)
        elif name in self.edited:
            value = mistake.edit(step)
        self.v[name] = value
        return value


@dataclass(frozen=True)
class Plant:
    """A mistake of the catalogue, where it is made, and the kind of network; a seed draws the rest."""

    name: str
    tensors: tuple[str, ...]
    activation: str
    depth: int
    dtype: str
    output: str
    seed: int

    @property
    def mistake(self) -> Mistake:
        return by_name(self.name)

    def __str__(self) -> str:
        where = f"{self.activation}, {self.depth} layers, {self.output}, {self.dtype}, seed {self.seed}"
        return f"{self.name} at {', '.join(self.tensors)}: {where}"

    @property
    def accused(self) -> set[str]:
        """The tensors at fault."""
        kinds = self.mistake.accused or self.tensors
        return {name for kind in kinds for name in named(kind, self.depth)}

    def planted(self) -> "Planted | None":
        """The program with the mistake in it; None where it cannot be made."""
        generator = np.random.default_rng([self.seed, 2])

        def choose(options: Any) -> Any:
            return options[generator.integers(len(options))]

        loss = next(loss for loss, output in PAIRS if output == self.output)
        activations = (*(self.activation for _ in range(self.depth - 1)), self.output)
        form = choose((plain_form, draw_form))
        form = form(activations, loss) if form is plain_form else form(choose, activations, loss)
        sizes, m = choose((((3, 5, 6, 7)[: self.depth], 4), ((4, 7, 3, 6)[: self.depth], 5), ((3,) * self.depth, 3)))
        outputs = 3 if len(set(sizes)) == 1 else 2
        inputs = cases.draw_network((*sizes, outputs), m, self.seed, labels=LABELS[self.output]).astype(self.dtype)
        planted = Planted(self, form, inputs.inputs)
        return planted if planted.fits() else None


@dataclass(frozen=True)
class Planted:
    """A plant on one network: what is right and what is wrong there, as `compare` takes it."""

    plant: Plant
    form: Form
    inputs: Mapping[str, np.ndarray]

    def fits(self) -> bool:
        """Whether the mistake can be made in this network."""
        hook = self._run(self.inputs, ())
        first = self.plant.tensors[0]
        return self.plant.mistake.fits(Step(first, hook.v[first], hook.v, self.form, self.plant.dtype))

    def right(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Everything that the program computes, without the edit; of a cost that differs, its J."""
        return self._claims(inputs, ())

    def wrong(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The same with the edit."""
        return self._claims(inputs, self.plant.tensors)

    def reference(self, inputs: Mapping[str, Any]) -> Any:
        """(cost, values), in torch; NumPy on torch where the cost is another than the plain one."""
        parameters = {name: tensor for name, tensor in inputs.items() if name not in ("X", "Y")}
        return torch_ref.cost_and_values(parameters, inputs["X"], inputs["Y"], self.form.activations, self.form.loss)

    def the_reference(self) -> Any:
        """As `compare` takes it: in torch; where the cost is another than PyTorch's, the program's own forward pass."""
        return self.reference if self.plant.mistake.cost is None else numpy_on_torch(self._own_cost)

    def plain_cost(self, inputs: Mapping[str, Any]) -> Any:
        """J without a cost of the mistake's own."""
        return subject(self.form)(inputs)["J"]

    def _own_cost(self, inputs: Mapping[str, Any]) -> Any:
        with np.errstate(all="ignore"):
            hook = Hook(self.plant, self.form, inputs, ())
            v = forward(self.form, inputs, hook)
        return v["J"], {name: value for name, value in v.items() if name not in ("A0", "J")}

    def _run(self, inputs: Mapping[str, Any], edited: tuple[str, ...]) -> Hook:
        hook = Hook(self.plant, self.form, inputs, edited)
        with np.errstate(all="ignore"):
            backward(self.form, inputs, forward(self.form, inputs, hook), hook)
        return hook

    def _claims(self, inputs: Mapping[str, Any], edited: tuple[str, ...]) -> dict[str, Any]:
        v = self._run(inputs, edited).v
        return {name: value for name, value in v.items() if name not in inputs and name != "A0"}


def named(kind: str, depth: int) -> list[str]:
    """The tensors of a kind: "dZ" is dZ1 ... dZL, "dZ last" dZL, "dA" ends a layer earlier, "dZ1" and "J" are one."""
    kind, _, which = kind.partition(" ")
    if kind == "J" or kind[-1].isdigit():
        return [kind]
    layers = range(1, depth if which == "hidden" or kind == "dA" else depth + 1)
    return [f"{kind}{layer}" for layer in (layers[-1:] if which == "last" else layers)]


def plants() -> Iterator[Plant]:
    """The whole catalogue: every mistake in every tensor, activation, depth and precision; the outputs take turns."""
    seed = 0
    for depth in DEPTHS:
        for activation in HIDDEN:
            for dtype in PRECISIONS:
                for name, mistake in MISTAKES.items():
                    for tensors in _places(mistake, depth):
                        seed += 1
                        yield Plant(name, tensors, activation, depth, dtype, PAIRS[seed % 3][1], seed)


def _places(mistake: Mistake, depth: int) -> list[tuple[str, ...]]:
    each = [name for kind in mistake.tensors for name in named(kind, depth)]
    return [tuple(each)] if mistake.everywhere else [(name,) for name in each]


# ---- what a verdict made of it ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What `compare` said of a planted mistake, beside what there was to say."""

    planted: Planted
    report: Report
    traced: bool

    @property
    def found(self) -> bool:
        return self.report.verdict in ("wrong", "scaled")

    @cached_property
    def claims(self) -> dict[str, np.ndarray]:
        return {name: np.asarray(value) for name, value in self.planted.wrong(_copies(self.planted.inputs)).items()}

    @cached_property
    def changed(self) -> set[str]:
        """The tensors that the mistake changed, to the last digit."""
        right = self.planted.right(_copies(self.planted.inputs))
        return {k for k, claim in self.claims.items() if not np.array_equal(claim, right[k], equal_nan=True)}

    @cached_property
    def beyond_rounding(self) -> bool:
        """Whether some entry is further from the reference than twice what rounding can cause."""
        planted, precision = self.planted, Precision.of(self.planted.plant.dtype)
        known = evaluate(planted.the_reference(), _copies(planted.inputs), list(self.claims), precision).tensors
        exact = evaluate(planted.the_reference(), _copies(planted.inputs), list(self.claims), Precision.of("float64"))
        program = planted.wrong if self.traced else planted.right  # of opaque code nothing is known but that
        found = {name: np.asarray(value) for name, value in program(_copies(planted.inputs)).items()}
        own = claim_errors(numpy_on_torch(program), _copies(planted.inputs), found, precision, []) or {}
        return any(
            self._beyond(name, known[name].value, known[name].error + exact.tensors[name].error, own.get(name, 0.0))
            for name in self.claims
        )

    def _beyond(self, name: str, value: np.ndarray, reference: np.ndarray, own: Any) -> bool:
        claim = self.claims[name]
        if claim.shape != value.shape and not claim.size == value.size == 1:
            return True
        summed = self.planted.inputs["X"].shape[1] if name[:2] in ("dZ", "dA") and self._of_the_sum else 1
        bound = summed * reference + own
        off = np.abs(claim - summed * value)
        decides = bound <= DECIDES * np.max(np.abs(summed * value), initial=0.0)
        return bool(np.any(decides & ~(off <= 2 * bound)))

    @property
    def _of_the_sum(self) -> bool:
        return self.planted.form.mean != "first"

    @property
    def misplaced(self) -> str:
        """Why the blame is not where it belongs; empty where it is."""
        accused = self.planted.plant.accused
        blamed = {f.name for f in self.report.tensors if f.verdict in WRONG}
        mentioned = {f.name for f in self.report.tensors if f.verdict in (*WRONG, "inherited", "scaled")}
        first = self.report.first_fault
        if first is None or first.name not in accused:
            return f"first goes wrong at {first.name if first else None}, should be {sorted(accused)}"
        if blamed - accused:
            return f"{sorted(blamed - accused)} accused, should be {sorted(accused)} alone"
        if self.planted.plant.mistake.cost is None and mentioned - self.changed:
            return f"{sorted(mentioned - self.changed)} found wrong, and nothing in them was changed"
        return ""


def _copies(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array.copy() for name, array in inputs.items()}


def outcome_of(plant: Plant, *, traced: bool | None = None) -> Outcome | None:
    """What `compare` says of a plant; None where it cannot be made. Every other one is opaque."""
    planted = plant.planted()
    if planted is None:
        return None
    traced = bool(plant.seed % 2) if traced is None else traced
    subject: Callable[..., Any] = numpy_on_torch(planted.wrong) if traced else planted.wrong
    return Outcome(planted, compare(planted.the_reference(), subject, planted.inputs), traced)
