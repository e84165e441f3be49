"""Right code is never accused: in any algebraic form, followed or opaque, against references in any other form."""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import manual
import torch_ref
from gradcompare import compare, numpy_on_torch
from gradcompare.report import Report
from tests.programs import Form, cost_and_values, draw_form, plain_form, subject
from tests.strategies import HIDDEN, PAIRS, Fill, labels, normal, whole

HOSTILE = {f"scale {scale:g}": normal(scale) for scale in (1e-3, 0.3, 1.0, 3.0, 10.0, 30.0)} | {"whole": whole}
NUMBERS = 20_000
"""How many networks the long search draws."""


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


@st.composite
def trials(draw: st.DrawFn, numbers: dict[str, Fill]) -> Trial:
    return draw_trial(lambda options: draw(st.sampled_from(options)), draw(st.integers(0, 2**32 - 1)), numbers)


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


@settings(max_examples=100)
@given(trial=trials(HOSTILE))
def test_right_code_is_never_accused(trial):
    report = judged(trial)
    assert report.verdict in ("agrees", "undecided"), str(report)
    assert all(finding.ratio <= 1 or finding.verdict == "kink" for finding in report.tensors)


CE, SE = "cross_entropy", "squared_error"
REGRESSIONS = {
    "tanh through a sigmoid, near 0": (("tanh", "identity"), SE, {"values": ("through sigmoid", "same")}, 1e-3),
    "the logarithm of an A that is nearly 1": (("relu", "sigmoid"), CE, {"cost": "logs of A"}, 3.0),
    "a quotient by A (1 - A)": (("sigmoid", "sigmoid"), CE, {"delta": "through dA", "slopes": ("a(1-a)", "of z")}, 3.0),
    "0 times infinity behind a mask": (("relu", "sigmoid"), CE, {"delta": "through dA"}, 30.0),
    "a softmax that overflows": (("softmax",), CE, {"values": ("log sum exp",), "cost": "log sum exp"}, 300.0),
    "a sigmoid that overflows": (("sigmoid", "identity"), SE, {"slopes": ("again", "1")}, 300.0),
    "another derivative at a kink": (("relu", "tanh"), SE, {"slopes": ("z>=0", "1-a^2")}, 0.0),
    "kinks in every dZ": (("relu", "leaky_relu"), SE, {"slopes": ("z>=0", "z>=0")}, 0.0),
    "kinks near by": (("relu", "leaky_relu", "relu", "sigmoid"), CE, {}, 1.0),
    "a cost that is 0": (("identity", "softmax"), CE, {"cost": "shifted"}, 1.0),
}
"""What was accused once: activations, loss, how it is written, and the scale (0: whole numbers, zeros among them)."""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("traced", [False, True], ids=["opaque", "traced"])
@pytest.mark.parametrize("name", REGRESSIONS)
def test_what_was_accused_once_is_not_accused_again(name, traced, dtype):
    activations, loss, changes, scale = REGRESSIONS[name]
    form = replace(plain_form(activations, loss), **changes)
    outputs = 1 if name == "a cost that is 0" else 3
    for seed, reference in itertools.product(range(3), ("torch", "notes", "numpy")):
        generator = np.random.default_rng(seed)
        fill = normal(scale) if scale else whole
        shapes = manual.layer_shapes((*(2, 3, 4, 5)[: len(activations)], outputs))
        inputs = {n: fill(generator, shape) for n, shape in shapes.items()} | {"X": fill(generator, (2, 4))}
        inputs["Y"] = labels(generator, loss, activations[-1], (outputs, 4))
        inputs = {n: array.astype(dtype) for n, array in inputs.items()}
        report = judged(Trial(form, plain_form(activations, loss), reference, traced, "", inputs))
        assert report.verdict in ("agrees", "undecided"), str(report)


def by_seed(seed: int) -> Trial:
    generator = np.random.default_rng([seed, 1])
    return draw_trial(lambda options: options[generator.integers(len(options))], seed, HOSTILE)


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_twenty_thousand_networks(part):
    """A tenth of them: none is accused, and most are decided."""
    verdicts: Counter[str] = Counter()
    accused = []
    for seed in range(part * NUMBERS // 10, (part + 1) * NUMBERS // 10):
        verdict = judged(by_seed(seed)).verdict
        verdicts[verdict] += 1
        if verdict not in ("agrees", "undecided"):
            accused.append(seed)
    print(dict(verdicts))
    assert accused == []
    assert verdicts["agrees"] > 2 * verdicts["undecided"]
