"""Right code on trial: random networks, how the subject and the reference write them, and the verdict on them.

A trial is known by its number, so that any of them can be run again.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import manual
import torch_ref
from gradcompare import compare, numpy_on_torch
from gradcompare.report import Report
from tests.programs import Form, cost_and_values, draw_form, subject
from tests.strategies import HIDDEN, PAIRS, Fill, labels, normal, whole

HOSTILE = {f"scale {scale:g}": normal(scale) for scale in (1e-3, 0.3, 1.0, 3.0, 10.0, 30.0)} | {"whole": whole}


@dataclass(frozen=True)
class Trial:
    """A network, how the subject writes it, and what it is held against."""

    form: Form
    reference_form: Form
    reference: str
    traced: bool
    numbers: str
    inputs: dict[str, np.ndarray]


def draw_trial(choose: Callable[[Sequence], Any], seed: int, numbers: dict[str, Fill]) -> Trial:
    generator = np.random.default_rng(seed)
    loss, output = choose(PAIRS)
    activations = (*(choose(HIDDEN) for _ in range(choose(range(4)))), output)
    sizes = [choose(range(1, 6)) for _ in range(len(activations) + 1)]
    m, kind, dtype = choose(range(1, 7)), choose(list(numbers)), choose(["float64", "float32"])
    fill = numbers[kind]
    inputs = {name: fill(generator, shape) for name, shape in manual.layer_shapes(sizes).items()}
    inputs["X"] = fill(generator, (sizes[0], m))
    inputs["Y"] = labels(generator, loss, output, (sizes[-1], m))
    if choose([False, False, True]):
        inputs |= {name: np.zeros_like(array) for name, array in inputs.items() if name.startswith("b")}
    if choose([False, False, True]):
        inputs["X"][:, 0] = 0
    return Trial(
        draw_form(choose, activations, loss),
        draw_form(choose, activations, loss),
        choose(["torch", "notes", "numpy"]),
        choose([True, False]),
        kind,
        {name: array.astype(dtype) for name, array in inputs.items()},
    )


def judged(trial: Trial) -> Report:
    if trial.reference == "numpy":
        reference = numpy_on_torch(cost_and_values(trial.reference_form))
    else:

        def reference(inputs):
            parameters = {name: tensor for name, tensor in inputs.items() if name not in ("X", "Y")}
            form = trial.reference_form
            return torch_ref.cost_and_values(
                parameters, inputs["X"], inputs["Y"], form.activations, form.loss, at_zero=trial.reference
            )

    program = subject(trial.form)
    return compare(reference, numpy_on_torch(program) if trial.traced else program, trial.inputs)


def by_seed(seed: int) -> Trial:
    generator = np.random.default_rng([seed, 1])
    return draw_trial(lambda options: options[generator.integers(len(options))], seed, HOSTILE)


def tally(numbers: range) -> dict[str, Any]:
    """The verdicts on the trials of these numbers, those that were accused, and the worst error / bound of the others.

    `worst` is {precision: {kind of tensor: [error / bound, number of the trial]}}.
    """
    verdicts: Counter[str] = Counter()
    accused: list[int] = []
    worst: dict[str, dict[str, tuple[float, int]]] = {}
    for number in numbers:
        try:
            report = judged(by_seed(number))
        except Exception as error:  # no answer is a false alarm too
            verdicts[type(error).__name__] += 1
            accused.append(number)
            continue
        verdicts[report.verdict] += 1
        if report.verdict not in ("agrees", "undecided"):
            accused.append(number)
        ratios = worst.setdefault(report.precisions[0], {})
        for finding in report.tensors:
            kind = finding.name.rstrip("0123456789")
            if finding.verdict == "ok":
                ratios[kind] = max(ratios.get(kind, (0.0, -1)), (round(finding.ratio, 4), number))
    return {"verdicts": dict(verdicts), "accused": accused, "worst": worst}
