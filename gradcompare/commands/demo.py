"""The heart, measured: manual/ and manual.loops against torch_ref/, on random networks."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

import manual
import manual.loops
import torch_ref
from gradcompare import cases
from gradcompare.bounds import Precision
from gradcompare.judging.comparison import compare_verified
from gradcompare.judging.reference import evaluate
from gradcompare.judging.verdict import Bounds, judge
from gradcompare.tracing.numpy_on_torch import NumpyOnTorch

HIDDEN = ("sigmoid", "tanh", "relu", "leaky_relu")
PRECISIONS = ("float64", "float32")
OUTPUT = "sigmoid"
WIDTH = 73
"""Of the table of both precisions."""
TITLE = "By hand against autograd: the worst error / bound. Up to 1 rounding explains it."
CAPTION = """\
PyTorch: its own result against the same computation in a higher precision.
bound: the median of the bound over the tensor's largest entry."""


def _parameters(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: array for name, array in inputs.items() if name not in ("X", "Y")}


def reference(hidden: str) -> Callable[[Mapping[str, Any]], Any]:
    """torch_ref's cost and intermediate values, as `compare` takes them."""
    return lambda inputs: torch_ref.cost_and_values(_parameters(inputs), inputs["X"], inputs["Y"], (hidden, OUTPUT))


def by_hand(network: Any, hidden: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Every value and gradient of `manual`, or of a module with the same functions."""
    activations = (hidden, OUTPUT)

    def subject(inputs: Mapping[str, Any]) -> dict[str, Any]:
        parameters, X, Y = _parameters(inputs), inputs["X"], inputs["Y"]
        cache = network.forward(parameters, X, activations)
        J = network.cost(cache, Y, activations)
        return {**cache, "J": J, **network.backward(parameters, cache, X, Y, activations)}

    return subject


def by_torch(hidden: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """torch_ref's own values and gradients, computed in the working precision."""

    def subject(inputs: Mapping[str, Any]) -> dict[str, Any]:
        parameters, X, Y = _parameters(inputs), inputs["X"], inputs["Y"]
        values = torch_ref.forward(parameters, X, (hidden, OUTPUT))
        gradients = torch_ref.gradients(parameters, X, Y, (hidden, OUTPUT))
        return {name: value.numpy(force=True) for name, value in values.items()} | gradients

    return subject


@dataclass
class Outcome:
    """By precision and tensor: the ratios error / bound of each subject, and the bound beside the tensor's largest
    entry."""

    ratios: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)
    relative: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    verdicts: list[str] = field(default_factory=list)
    networks: int = 0

    @property
    def agrees(self) -> bool:
        """Whether no network was found wrong, and nothing was above its bound."""
        return "wrong" not in self.verdicts and "scaled" not in self.verdicts

    def sentence(self) -> str:
        """The outcome in a line."""
        worst = max(max(r) for (_, subject, _), r in self.ratios.items() if subject != "PyTorch")
        decided = sum(verdict == "agrees" for verdict in self.verdicts)
        return (
            f"{self.networks} networks, {len(self.verdicts)} comparisons: {decided} agree, "
            f"{len(self.verdicts) - decided} do not or cannot be decided; worst error / bound {worst:.2g}."
        )


SUBJECTS = {"manual": manual, "loops": manual.loops}


def run(examples: int, seed: int, progress: Callable[[int, int], None]) -> Outcome:
    """Compare `examples` networks for each hidden activation and precision."""
    outcome = Outcome()
    draws = [(hidden, precision, i) for i in range(examples) for hidden in HIDDEN for precision in PRECISIONS]
    generator = np.random.default_rng(seed)
    for done, (hidden, precision, _) in enumerate(draws):
        sizes = generator.choice(np.arange(1, 6), size=3, replace=False)
        network = cases.draw_network(sizes.tolist(), int(generator.integers(2, 8)), int(generator.integers(2**32)))
        _compare_all(outcome, hidden, precision, network.astype(precision).inputs)
        progress(done + 1, len(draws))
    outcome.networks = len(draws)
    return outcome


def _compare_all(outcome: Outcome, hidden: str, precision: str, inputs: dict[str, np.ndarray]) -> None:
    for name, module in SUBJECTS.items():
        subject = by_hand(module, hidden)
        report = compare_verified(reference(hidden), NumpyOnTorch(subject) if module is manual else subject, inputs)
        outcome.verdicts.append(report.verdict)
        for finding in report.tensors:
            outcome.ratios.setdefault((precision, name, finding.name), []).append(finding.ratio)
            if name == "manual" and finding.size:
                outcome.relative.setdefault((precision, finding.name), []).append(finding.bound / finding.size)
    _compare_torch(outcome, hidden, precision, inputs)


def _compare_torch(outcome: Outcome, hidden: str, precision: str, inputs: dict[str, np.ndarray]) -> None:
    """PyTorch itself in the working precision, held against the same computation in extended precision."""
    claims = by_torch(hidden)(inputs)
    extended = {name: array.astype(np.longdouble) for name, array in inputs.items()}
    truth = by_hand(manual, hidden)(extended)
    p = Precision.of(precision)
    evaluation = evaluate(reference(hidden), inputs, list(claims), p)
    m = inputs["X"].shape[1]
    for name, claim in claims.items():
        scale = m if name[:2] in ("dZ", "dA") else 1
        error = evaluation.tensors[name].error * scale
        exact = evaluation.tensors[name]._replace(value=np.asarray(truth[name]))
        ratio = judge(name, claim, exact, Bounds(error, None), p).ratio
        outcome.ratios.setdefault((precision, "PyTorch", name), []).append(ratio)


def tables(outcome: Outcome, width: int) -> list[Table]:
    """A row for each tensor; where so many columns are too few for both precisions beside each other, a table each."""
    if width >= WIDTH:
        return [_table(outcome, PRECISIONS, TITLE, CAPTION)]
    return [_table(outcome, PRECISIONS[:1], TITLE, None), _table(outcome, PRECISIONS[1:], None, CAPTION)]


def _table(outcome: Outcome, precisions: Sequence[str], title: str | None, caption: str | None) -> Table:
    grid = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=caption, caption_justify="left")
    grid.add_column("\ntensor", no_wrap=True)
    for precision in precisions:
        for i, subject in enumerate((*SUBJECTS, "PyTorch", "bound")):
            grid.add_column(f"{'' if i else precision}\n{subject}", justify="right", no_wrap=True)
    names = list(dict.fromkeys(name for _, subject, name in outcome.ratios if subject == "manual"))
    for name in names:
        row = [name]
        for precision in precisions:
            row += [f"{max(outcome.ratios[precision, subject, name]):.2f}" for subject in (*SUBJECTS, "PyTorch")]
            row.append(f"{statistics.median(outcome.relative[precision, name]):.0e}")
        grid.add_row(*row)
    return grid
