"""Check a file: find its program, draw networks, and hold its gradients against autograd of its own forward pass."""

from __future__ import annotations

import importlib.util
import linecache
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from gradcompare import cases, losses
from gradcompare.comparison import compare_verified
from gradcompare.interfaces import INTERFACES, CannotCheckError, Program, recognise
from gradcompare.interfaces.fitting import copies, describe, line_in
from gradcompare.placing import Placed, merged_with, place
from gradcompare.report import Report, merge
from gradcompare.tracing import NumpyOnTorch

VERIFIED = 3
"""On so many of the networks of each precision the traced reference is verified against the untouched code."""

WATCHED = 3
"""So many of the networks that show a fault are run again with every line watched."""

Progress = Callable[[int, int], None]


def check(
    source: Any,
    *,
    interface: str | None = None,
    loss: str | None = None,
    dtype: str = "both",
    examples: int = 200,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Hold hand-written NumPy gradients against autograd of their own forward pass, on random networks.

    Args: source: a path to a .py file, a module, or a dict of names such as `globals()`. The file is run. interface:
        one of `gradcompare interfaces`; by default the first that fits. loss: the cost to assume where the file has
        none, one of `gradcompare.losses.LOSSES`; by default the one with which the output's gradient agrees. dtype:
        "float64", "float32" or "both", in turns. examples: how many networks to draw, of all precisions together.
        seed: what they are drawn from; the same seed draws the same networks. progress: called with (networks done,
        networks in all).

    Returns:
        A Report. Its verdict is "error", with a note that says why, where the question could not be put.

    Raises:
        ValueError: for an option that is none of those above.
    """
    _check_options(interface, loss, dtype, examples)
    subject: dict[str, Any] = {"file": _file_name(source), "interface": None, "functions": []}
    try:
        program = _program(source, interface)
        subject |= {"interface": program.interface, "functions": [f.__name__ for f in program.functions]}
        program.fit(seed)
        report = _checked(program, loss, dtype, examples, seed, progress)
    except CannotCheckError as problem:
        return Report("error", notes=[str(problem)], subject=subject, cases=dict.fromkeys(_CASES, 0))
    report.subject = subject
    return report


_CASES = ("drawn", "decided", "at_kink", "undecided")


def _check_options(interface: str | None, loss: str | None, dtype: str, examples: int) -> None:
    for what, value, known in (
        ("interface", interface, [None, *INTERFACES]),
        ("loss", loss, [None, *losses.LOSSES]),
        ("dtype", dtype, ["float64", "float32", "both"]),
    ):
        if value not in known:
            raise ValueError(f"{value!r} is no {what}; these are: {', '.join(str(k) for k in known if k)}")
    if examples < 1:
        raise ValueError(f"examples is {examples}; it should be 1 at least")


# ---- the program -----------------------------------------------------------------------------------------------------


def _file_name(source: Any) -> str | None:
    if isinstance(source, str | Path):
        return str(source)
    return getattr(source, "__file__", None) if isinstance(source, types.ModuleType) else None


def _program(source: Any, interface: str | None) -> Program:
    names = _names(source)
    program = recognise(names, interface)
    if program is None:
        functions = [name for name, value in names.items() if isinstance(value, types.FunctionType)]
        raise CannotCheckError(
            "No forward and backward function was found. Looked for a function whose name begins with forward (or "
            "feedforward) and takes the inputs X and the parameters, in a dict or as W1, b1, ...; and one whose name "
            "begins with backward (or backprop) and takes the labels Y. The functions here: "
            f"{', '.join(functions) or 'none'}. `gradcompare interfaces` shows what is recognised."
        )
    return program


def _names(source: Any) -> Mapping[str, Any]:
    if isinstance(source, Mapping):
        return source
    if isinstance(source, types.ModuleType):
        return vars(source)
    if isinstance(source, tuple) and len(source) >= 2 and all(callable(f) for f in source):
        return {f.__name__: f for f in source}
    return vars(_run_file(Path(source)))


def _run_file(path: Path) -> types.ModuleType:
    if not path.is_file():
        raise CannotCheckError(f"{path} is not a file.")
    name = f"gradcompare_subject_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if path.suffix != ".py" or spec is None or spec.loader is None:
        raise CannotCheckError(f"{path} is not a Python file (.py).")
    module = importlib.util.module_from_spec(spec)
    linecache.checkcache(str(path))
    sys.path.insert(0, str(path.parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise CannotCheckError(f"{path} is not valid Python 3, line {error.lineno}: {error.msg}") from None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise CannotCheckError(f"{path} could not be run, line {line_in(error, path)}: {describe(error)}") from None
    finally:
        sys.path.remove(str(path.parent))
        sys.modules.pop(name, None)
    return module


# ---- the check -------------------------------------------------------------------------------------------------------


class _Cost:
    """The cost that a program is differentiated from: its own, or one that is assumed."""

    def __init__(self, program: Program, assumed: str | None) -> None:
        self.program, self.assumed = program, assumed

    def reference(self, inputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """cost and named values, as `compare` wants them, in NumPy."""
        output, named = self.program.forward(inputs)
        if self.assumed is None:
            return self.program.cost(inputs, output), named
        samples = self.program.samples_axis
        target = losses.target(inputs["Y"], output, samples)
        return losses.LOSSES[self.assumed].cost(output, target, samples), named


def _checked(
    program: Program, loss: str | None, dtype: str, examples: int, seed: int, progress: Progress | None
) -> Report:
    precisions = ["float64", "float32"] if dtype == "both" else [dtype]
    cost = _choose_cost(program, loss, seed)
    reference = NumpyOnTorch(cost.reference, reaching=[*program.functions, losses.target])
    subject = NumpyOnTorch(program.gradients, reaching=program.functions)
    reports: list[Report] = []
    drawn: list[dict[str, Any]] = []
    for i, network in enumerate(_networks(program, examples, seed)):
        precision = precisions[i % len(precisions)]
        inputs = program.inputs(network.astype(precision))
        reports.append(_compared(program, reference, subject, inputs, verify=i < VERIFIED * len(precisions)))
        drawn.append(inputs)
        if reports[-1].verdict in ("wrong", "scaled"):
            reports[-1].smallest_case = {
                "sizes": list(network.sizes),
                "m": network.m,
                "inputs": {name: array.tolist() for name, array in inputs.items()},
                "seed": seed,
            }
        if progress is not None:
            progress(i + 1, examples)
    return merged_with(_conclusion(reports, cost), _placed(program, cost, reports, drawn))


def _placed(
    program: Program, cost: _Cost, reports: Sequence[Report], drawn: Sequence[Mapping[str, Any]]
) -> list[Placed]:
    """Some networks again, watched: those that show what is wrong, if anything is."""
    failing = [i for i, report in enumerate(reports) if report.verdict != "agrees"]
    chosen = sorted(failing, key=lambda i: reports[i].precisions[0] != "float64")[:WATCHED] or [0]
    placed = []
    for i in chosen:
        if reports[i].reference == "autograd":
            with np.errstate(all="ignore"):
                placed.append(place(program, cost.reference, drawn[i]))
    return placed


def _compared(
    program: Program, reference: NumpyOnTorch, subject: NumpyOnTorch, inputs: Mapping[str, Any], verify: bool
) -> Report:
    try:
        with np.errstate(all="ignore"):
            return compare_verified(reference, subject, inputs, verify=verify)
    except Exception as error:
        line = line_in(error, program.functions[0].__code__.co_filename)
        raise CannotCheckError(f"The code stopped on a random network, line {line}: {describe(error)}") from error


def _conclusion(reports: Sequence[Report], cost: _Cost) -> Report:
    merged = merge(reports)
    failing = [report.smallest_case for report in reports if report.smallest_case is not None]
    if failing:
        merged.smallest_case = min(failing, key=lambda case: (sum(case["sizes"]) * case["m"], case["m"]))
    if cost.assumed is not None:
        merged.assumed = [f"the cost is {losses.LOSSES[cost.assumed].says} (the file has none)"]
        if merged.verdict == "scaled":
            factor = next(f.factor for f in merged.tensors if f.factor is not None)
            tensors = [replace(f, verdict="ok") if f.verdict == "scaled" else f for f in merged.tensors]
            note = (
                f"Every gradient is a constant ({factor:.6g} in one network) times that of the assumed cost: "
                "taken for a convention."
            )
            merged = replace(merged, verdict="agrees", tensors=tensors, notes=[*merged.notes, note], smallest_case=None)
    return merged


def _choose_cost(program: Program, loss: str | None, seed: int) -> _Cost:
    """The file's own cost; else the named one; else the one with which the last layer's gradients agree, or the
    first."""
    if loss is not None or program.has_cost:
        return _Cost(program, loss)
    network = next(iter(_networks(program, 1, seed)))
    inputs = program.inputs(network)
    with np.errstate(all="ignore"):
        output, _ = program.forward(copies(inputs))
    fitting = losses.fitting(np.asarray(output), axis=1 - program.samples_axis)
    last = [f"d{name}" for name in program.last_layer]
    for name in fitting:
        cost = _Cost(program, name)
        reference = NumpyOnTorch(cost.reference, reaching=[*program.functions, losses.target])
        subject = NumpyOnTorch(program.gradients, reaching=program.functions)
        report = _compared(program, reference, subject, inputs, verify=True)
        if report.verdict == "scaled" or any(f.name in last and f.verdict == "ok" for f in report.tensors):
            return cost
    return _Cost(program, fitting[0])


def _networks(program: Program, examples: int, seed: int) -> Iterator[cases.Network]:
    """Networks drawn by Hypothesis, the same for the same seed."""
    drawn: list[cases.Network] = []
    strategy: st.SearchStrategy[cases.Network] = cases.networks(**program.networks())

    @hypothesis_seed(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(network: cases.Network) -> None:
        drawn.append(network)

    draw()
    yield from drawn[:examples]
