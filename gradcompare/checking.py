"""Check a file: find its program, draw networks, and hold its gradients against autograd of its own forward pass."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed

from gradcompare import cases
from gradcompare.bounds.precision import Precision
from gradcompare.errors import CodeError, TimeIsUpError
from gradcompare.evaluation import COST, Evaluation
from gradcompare.explaining import diagnosed
from gradcompare.interfaces import INTERFACES
from gradcompare.judging import ClaimErrors, Comparison, Familiar
from gradcompare.losses import LOSSES
from gradcompare.picture import Picture, picture_of
from gradcompare.placing import Placed, merged_with, place, shown
from gradcompare.report import Report, Source, merge
from gradcompare.smallest import smallest
from gradcompare.verdict import WRONG, Bounds, Finding, judge, of, overall

VERIFIED = 2
"""On so many of the networks of each precision the traced forward pass is verified against the untouched code."""
BLAMED = 6
"""Of each precision so many networks in which the same is wrong are looked into; from then on it is familiar."""
WATCHED = 3
"""So many of the networks that show a fault are run again with every line watched."""
TIMEOUT = 120.0
"""Seconds that a file may take."""

Progress = Callable[[int, int], None]
Inputs = Mapping[str, np.ndarray]


class CheckInterruptedError(KeyboardInterrupt):
    """Ctrl-C; `report` says what was known by then."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


def check(
    source: Any,
    *,
    name: str | None = None,
    interface: str | None = None,
    loss: str | None = None,
    dtype: str = "both",
    examples: int = 200,
    seed: int = 0,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
) -> Report:
    """Hold hand-written NumPy gradients against autograd of their own forward pass, on random networks.

    Args:
        source: a path to a .py or .ipynb file, a module, a dict of names such as `globals()`, or functions,
            (forward, backward). Of a file only the definitions are run, in a child process.
        name: the class or function in it to check, where there are several.
        interface: one of `gradcompare interfaces`; by default the first that fits.
        loss: the cost to assume in place of the file's own, a key of `gradcompare.losses.LOSSES`; where the file has
            none, by default the one with which the output's gradient agrees.
        dtype: "float64", "float32" or "both", in turns.
        examples: how many networks to draw, of all precisions together.
        seed: what they are drawn from; the same seed draws the same networks.
        timeout: seconds that a file may take in all.
        progress: called with (networks done, networks in all).

    Returns:
        A Report. Its verdict is "error" or "unfinished", with a note that says why, where the question could not be
        put.

    Raises:
        ValueError, TypeError: for an option that is none of those above.
    """
    _check_options(interface, loss, dtype, examples, timeout)
    precisions = ["float64", "float32"] if dtype == "both" else [dtype]
    subject: dict[str, Any] = {"file": _file_name(source), "interface": None, "functions": []}
    text: Source | None = None
    with _host(source, timeout) as host:
        try:
            about = _open(host, source, name, interface, seed)
            subject |= {"interface": about["interface"], "functions": about["functions"]}
            text = Source(about["text"], {int(line): tuple(place) for line, place in about["cells"].items()})
            report = _Check(host, about, precisions, examples, seed, progress).run(loss)
        except _UnfinishedError as found:
            report = Report("unfinished", notes=[str(found)], cases=dict.fromkeys(_CASES, 0))
        except CodeError as problem:
            report = Report("error", notes=[str(problem)], cases=dict.fromkeys(_CASES, 0))
        except CheckInterruptedError as interrupted:
            interrupted.report.subject = subject
            raise
    report.subject, report.source = subject, text
    return report


_CASES = ("drawn", "decided", "at_kink", "undecided")


def _check_options(interface: str | None, loss: str | None, dtype: str, examples: int, timeout: float) -> None:
    for what, value, known in (
        ("interface", interface, [None, *INTERFACES]),
        ("loss", loss, [None, *LOSSES]),
        ("dtype", dtype, ["float64", "float32", "both"]),
    ):
        if value not in known:
            raise ValueError(f"{value!r} is no {what}; these are: {', '.join(str(k) for k in known if k)}")
    if examples < 1:
        raise ValueError(f"examples is {examples}; it should be 1 at least")
    if not timeout > 0:
        raise ValueError(f"timeout is {timeout}; it should be above 0 seconds")


# ---- the code under test ---------------------------------------------------------------------------------------------


class _UnfinishedError(Exception):
    """An exercise that has not been filled in yet; the message says what is missing."""


def _file_name(source: Any) -> str | None:
    if isinstance(source, str | Path):
        return str(source)
    return getattr(source, "__file__", None)


@contextlib.contextmanager
def _host(source: Any, timeout: float) -> Iterator[Any]:
    """A child process for a file; this process for live code, which is here already."""
    if isinstance(source, str | Path):
        from gradcompare.isolation import Child

        with Child(timeout) as child:
            yield child
    else:
        from gradcompare.host import Host

        yield Host()


def _open(host: Any, source: Any, name: str | None, interface: str | None, seed: int) -> dict[str, Any]:
    """What is to be known of the program; CodeError or _UnfinishedError where there is none to check."""
    if isinstance(source, str | Path):
        about = host.open_file(str(source), name, interface, seed)
    else:
        from gradcompare.host import open_live

        about = open_live(host, source, name, interface, seed)
    if about["unfinished"]:
        raise _UnfinishedError(about["unfinished"])
    if about["not_found"]:
        raise CodeError(about["not_found"])
    return dict(about)


class _Check:
    """One check: networks drawn one after another, each compared, and the conclusion."""

    def __init__(
        self,
        host: Any,
        about: Mapping[str, Any],
        precisions: Sequence[str],
        examples: int,
        seed: int,
        progress: Progress | None,
    ) -> None:
        self.host, self.about, self.precisions = host, about, precisions
        self.wide: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in about["networks"].items()}
        self.examples, self.seed, self.progress = examples, seed, progress
        self.loss: str | None = None
        self.untraceable: str | None = None
        """Why central differences stand in for autograd, if they do."""
        self.guards: list[float] | None = None
        """The numbers that the cost adds inside of logarithms; None where nobody has asked yet."""
        self.without_guards = False
        self.reports: list[Report] = []
        self.networks: list[cases.Network] = []
        self.notes: list[str] = list(about["notes"])
        self._alike: Counter[tuple[str, frozenset[str]]] = Counter()
        self._familiar: dict[str, dict[frozenset[str], Report]] = {precision: {} for precision in precisions}
        """By precision and by what was wrong in them, networks of which there have been enough to know whose fault it
        is."""

    def run(self, loss: str | None) -> Report:
        """The report on all networks, or on those that there was time for."""
        try:
            networks = draw(self.wide, self.examples, self.seed)
            self.loss = self._chosen_loss(loss, networks)
            for network in networks:
                self._compare(network)
        except TimeIsUpError as problem:
            if not self.reports:
                raise
            self.notes.append(f"Stopped after {len(self.reports)} of {self.examples} networks. {problem}")
        except KeyboardInterrupt:
            if not self.reports:
                raise
            self.notes.append(f"Interrupted after {len(self.reports)} of {self.examples} networks.")
            raise CheckInterruptedError(self._conclusion()) from None
        report = self._conclusion()
        with contextlib.suppress(CodeError):  # what follows only adds to the verdict
            return self._explained(report)
        return report

    # -- networks

    def _compare(self, network: cases.Network) -> None:
        precision = self.precisions[len(self.reports) % len(self.precisions)]
        verify = len(self.reports) < VERIFIED * len(self.precisions)
        network = network.astype(precision)
        report = self.compared(network, precision, verify=verify, familiar=self._familiar[precision])
        if report.verdict in ("wrong", "scaled") and self._is_better_without_guards(report, network):
            self.reports = [self.compared(n, n.X.dtype.name) for n in self.networks]
            report = self.compared(network, precision)
        self.reports.append(report)
        self._note_familiar(report, precision)
        self.networks.append(network)
        if self.progress is not None:
            self.progress(len(self.reports), self.examples)

    def _is_better_without_guards(self, report: Report, network: cases.Network) -> bool:
        """Whether fewer gradients differ from those of the file's cost without the numbers that it adds inside of
        logarithms; then these are left out from now on."""
        if self.guards is None:
            able = self.loss is None and self.untraceable is None
            self.guards = self.host.guards(self.host.inputs(network), None) if able else []
        if not self.guards or self.without_guards:
            return False
        self.host.leave_out_guards(True)
        self.without_guards = _faults(self.compared(network, network.X.dtype.name)) < _faults(report)
        self.host.leave_out_guards(self.without_guards)
        if self.without_guards:
            self.notes.append(
                f"The cost adds {self.guards[-1]:g} inside of a logarithm, against log(0); the gradients are held "
                "against those of the cost without it."
            )
        return self.without_guards

    def compared(
        self, network: cases.Network, precision: str, *, verify: bool = False, familiar: Familiar | None = None
    ) -> Report:
        """One network's report."""
        inputs = self.host.inputs(network)
        claimed = self.host.claims(inputs, twice=verify)
        claims, notes = claimed["claims"], list[str]()
        if not claims:
            raise CodeError("The code returned nothing that looks like a gradient.")
        notes += [f"The code changes its input {name} in place." for name in claimed["changed"]]
        if verify and self.untraceable is None:
            self.untraceable = self.host.problem(inputs, self.loss)
        if self.untraceable is not None:
            notes.append(self.untraceable)
            return self._numerical(inputs, claims, self._rounding(inputs, precision, notes), precision, notes)
        evaluate, rounding = partial(self._evaluate, inputs), partial(self._rounding, inputs, precision, notes)
        errors = rounding() if verify else rounding
        comparison = Comparison(evaluate, inputs, claims, errors, Precision.of(precision), notes)
        return _with_unsteady(comparison.report(familiar), claimed["unsteady"])

    def _note_familiar(self, report: Report, precision: str) -> None:
        """What is wrong in enough networks becomes familiar."""
        wrong = frozenset(f.name for f in report.tensors if f.verdict in (*WRONG, "inherited", "scaled"))
        self._alike[precision, wrong] += 1
        if wrong and self._alike[precision, wrong] >= BLAMED:
            self._familiar[precision].setdefault(wrong, report)

    def _rounding(self, inputs: Inputs, precision: str, notes: list[str]) -> ClaimErrors:
        """The claims' own, where it is known."""
        found = self.host.rounding(inputs, precision)
        notes += found["notes"]
        errors: ClaimErrors = found["errors"]
        return errors

    def _evaluate(self, inputs: Inputs, claimed: Sequence[str], precision: Precision, **options: Any) -> Evaluation:
        found: Evaluation = self.host.evaluate(inputs, claimed, precision.name, self.loss, **options)
        return found

    def _numerical(self, inputs: Inputs, claims: Inputs, errors: ClaimErrors, dtype: str, notes: list[str]) -> Report:
        """Central differences of the untouched forward pass, where autograd cannot see through it."""
        precision = Precision.of(dtype)
        findings = []
        for name, claim in claims.items():
            if name != COST and of(name) not in self.about["parameters"]:
                findings.append(Finding(name, of(name), "missing", tuple(claim.shape), claim.dtype.name))
                continue
            truth = self.host.numerical(inputs, name, self.loss)
            own = (errors or {}).get(name, np.abs(truth.value) * precision.gamma(1000))
            findings.append(judge(name, claim, truth, Bounds(truth.error, own), precision))
        decided = not any(finding.verdict == "undecided" for finding in findings)
        counts = {"drawn": 1, "decided": int(decided), "at_kink": 0, "undecided": int(not decided)}
        verdict = overall(findings, decided=counts["decided"])
        return Report(verdict, findings, notes, "numerical", counts, precisions=(precision.name,))

    def _chosen_loss(self, asked: str | None, networks: Sequence[cases.Network]) -> str | None:
        """None for the file's own cost; else the one asked for, or that the last layer's gradients agree with: exactly,
        or else but for a constant."""
        if asked is not None or self.about["has_cost"]:
            return asked
        fitting = self.host.fitting_losses(self.host.inputs(networks[0]))
        other = next((n for n in networks if n.sizes[-1] != networks[0].sizes[-1]), networks[0])
        scaled: list[str] = []
        for self.loss in fitting:
            first = self.compared(networks[0], "float64", verify=True)
            scaled += [self.loss] if first.verdict == "scaled" else []
            if self._agrees_at_the_end(first) and self._agrees_at_the_end(self.compared(other, "float64")):
                return self.loss
        return str([*scaled, *fitting][0])

    def _agrees_at_the_end(self, report: Report) -> bool:
        """Whether a gradient of the last layer is right: the others may have mistakes of their own."""
        last = [f"d{name}" for name in self.about["last_layer"]]
        return any(f.name in last and f.verdict == "ok" for f in report.tensors)

    # -- what follows

    def _conclusion(self) -> Report:
        report = merge(self.reports)
        if self.loss is not None:
            own = "in place of the file's own" if self.about["has_cost"] else "the file has none"
            report.assumed = [f"the cost is {LOSSES[self.loss].says} ({own})"]
            if report.verdict == "scaled" and not self.about["has_cost"]:
                report = _as_convention(report)
        report.notes = [*self.notes, *report.notes]
        return report

    def _explained(self, report: Report) -> Report:
        """With lines, and the smallest network that shows the fault."""
        placed = self._placed()
        report = merged_with(report, placed)
        report.draw = partial(_picture, placed, report)
        if report.verdict in ("wrong", "scaled"):
            found = diagnosed(placed, report.first_fault, self.about["samples_axis"])
            report.diagnosis = self._wrong_cost() or [diagnosis.to_dict() for diagnosis in found]
        _with_cells(report, self.about["cells"])
        if report.verdict in ("wrong", "scaled"):
            report.smallest_case = self._smallest()
        shown(report)
        return report

    def _wrong_cost(self) -> list[dict[str, Any]]:
        """Where the gradients are right for a named cost and not for the file's own: the cost is what is wrong."""
        if self.loss is not None or self.untraceable is not None:
            return []
        shown = [n for n, r in zip(self.networks, self.reports, strict=True) if r.verdict == "wrong"][:WATCHED]
        fitting = self.host.fitting_losses(self.host.inputs(shown[0])) if shown else []
        try:
            for name in fitting:
                self.loss = name
                if all(self.compared(n, n.X.dtype.name).verdict == "agrees" for n in shown):
                    says = f"It is the cost that differs: the gradients are right for {LOSSES[name].says}."
                    return [{"name": COST, "line": None, "mistake": "wrong cost", "says": says, "fix": None}]
        finally:
            self.loss = None
        return []

    def _placed(self) -> list[Placed]:
        """Some networks again, watched: those that show what is wrong, if anything is."""
        failing = [i for i, report in enumerate(self.reports) if report.verdict != "agrees"]
        chosen = sorted(failing, key=lambda i: self.reports[i].precisions[0] != "float64")[:WATCHED] or [0]
        placed = []
        for i in chosen:
            if self.reports[i].reference == "autograd":
                precision = Precision.of(self.reports[i].precisions[0])
                inputs = self.host.inputs(self.networks[i])
                placed.append(place(self.host, inputs, precision, self.loss, self.about["samples_axis"]))
        return placed

    def _smallest(self) -> dict[str, Any]:
        shown = [i for i, report in enumerate(self.reports) if report.verdict in ("wrong", "scaled")]
        known = self.networks[min(shown, key=lambda i: (self.networks[i].X.dtype != np.float64, i))]
        precision = known.X.dtype.name

        def shows(network: cases.Network) -> bool:
            with contextlib.suppress(CodeError, ValueError):
                report = self.compared(network.astype(precision), precision, familiar=self._familiar[precision])
                return report.verdict in ("wrong", "scaled")
            return False

        found = smallest(known, self.wide, shows).astype(precision)
        return {"sizes": list(found.sizes), "m": found.m, "inputs": self.host.inputs(found), "seed": self.seed}


def _picture(placed: Sequence[Placed], report: Report) -> Picture | None:
    """Of the networks that were watched, the one where most tensors have the verdict that is reported of them."""
    reported = {finding.name: finding.verdict for finding in report.tensors}

    def typical(one: Placed) -> int:
        return sum(reported.get(finding.name) == finding.verdict for finding in one.report.tensors)

    best = max(placed, key=typical, default=None)
    return None if best is None else picture_of(best.comparison, best.places)


def _faults(report: Report) -> int:
    return sum(finding.verdict in (*WRONG, "inherited", "scaled") for finding in report.tensors)


def _with_unsteady(report: Report, unsteady: Sequence[str]) -> Report:
    """What comes out differently the second time is a fault of its own."""
    if not unsteady:
        return report
    tensors = [f.but(verdict="fault") if f.name in unsteady else f for f in report.tensors]
    note = f"Called twice on the same numbers, the code gives another {', '.join(unsteady)} the second time."
    return replace(report, verdict="wrong", tensors=tensors, notes=[*report.notes, note])


def _as_convention(report: Report) -> Report:
    """A constant factor against a cost that was assumed: the file may mean the sum where the mean was assumed."""
    factor = next(f.factor for f in report.tensors if f.factor is not None)
    tensors = [f.but(verdict="ok") if f.verdict == "scaled" else f for f in report.tensors]
    note = (
        f"Every gradient is a constant ({factor:.6g} in one network) times that of the assumed cost: taken for a "
        "convention."
    )
    return replace(report, verdict="agrees", tensors=tensors, notes=[*report.notes, note])


def _with_cells(report: Report, cells: Mapping[str, Sequence[int]]) -> None:
    """Of a notebook, the cell and the line in it."""
    if cells:
        for i, finding in enumerate(report.tensors):
            if finding.line is not None and str(finding.line) in cells:
                cell, line = cells[str(finding.line)]
                report.tensors[i] = finding.but(cell=cell, line=line)
        for found in report.diagnosis:
            if str(found["line"]) in cells:
                found["cell"], found["line"] = cells[str(found["line"])]


def draw(wide: dict[str, Any], examples: int, seed: int) -> list[cases.Network]:
    """Networks drawn by Hypothesis, the same for the same seed."""
    drawn: list[cases.Network] = []

    @hypothesis_seed(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases.networks(**wide))
    def collect(network: cases.Network) -> None:
        drawn.append(network)

    collect()
    return drawn[:examples]
