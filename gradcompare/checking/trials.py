"""Networks drawn one after another, each compared, and what is concluded of them all."""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gradcompare.checking.assuming import as_printed, chosen_loss, is_for_one_output, is_one_unit
from gradcompare.checking.conclusion import Judged, explained, factor
from gradcompare.checking.defects import excused
from gradcompare.checking.errors import CheckInterruptedError, CodeError, TimeIsUpError
from gradcompare.checking.own_start import noted
from gradcompare.checking.subject import Subject
from gradcompare.checking.updating import update_rule
from gradcompare.judging.verdict import WRONG, Finding
from gradcompare.losses import LOSSES
from gradcompare.network import Network, draw_networks
from gradcompare.report import Report, factor_of, merge

ENOUGH_TO_LEAVE_OUT = 6
"""After so many networks of each precision one that says nothing is left out."""
VERIFIED = 2
"""On so many of the networks of each precision the traced forward pass is verified against the untouched code."""
BLAMED = 3
"""Of each precision so many networks in which the same is wrong are looked into; from then on it is familiar."""
RULED = 5
"""On so many networks more an update rule must hold."""

Progress = Callable[[int, int], None]

ENOUGH = 8
"""So many networks are compared however long it takes."""


class Trials:
    """One check: networks drawn one after another, each compared, and the conclusion."""

    def __init__(
        self,
        subject: Subject,
        precisions: Sequence[str],
        examples: int,
        seed: int,
        progress: Progress | None,
        seconds: float = math.inf,
        enough: int = ENOUGH,
    ) -> None:
        """`seconds`: after so many no more networks are compared than are `enough`."""
        self.until, self.enough = time.monotonic() + seconds, enough
        self.subject, self.precisions = subject, precisions
        self.examples, self.seed, self.progress = examples, seed, progress
        self.ran_out = False
        """Whether there was no time for all networks."""
        self.judged: list[Judged] = []
        self.notes: list[str] = list(subject.about["notes"])
        self.asked = False
        """Whether the cost was asked for."""
        self.printed: int | None = None
        """The line in which the file computes its cost, where no function does."""
        self._guards: list[float] | None = None
        """The numbers that the cost adds inside of logarithms; None where nobody has asked yet."""
        self._without_guards = self._shared = False
        self._asked_for_rules: set[float] = set()
        """For these multiples of the gradients an update rule has been looked for."""
        self._networks: list[Network] = []
        self._alike: Counter[tuple[str, frozenset[str]]] = Counter()
        self._familiar: dict[str, dict[frozenset[str], Report]] = {precision: {} for precision in precisions}
        """By precision and by what was wrong in them, networks of which there have been enough to know whose fault it
        is."""

    def run(self, loss: str | None, counts: Callable[[Report], bool] = lambda _: True) -> Report:
        """The report on all networks, or on those that there was time for; without lines where it does not count."""
        try:
            self.asked = loss is not None
            networks = draw_networks(self.examples, self.seed, **self.subject.wide)
            self.subject.loss = chosen_loss(self.subject, loss, networks)
            self.printed = None if self.asked else as_printed(self.subject, networks)
            self._networks = self._of_one_output(networks)
            turns = zip(self._networks, itertools.cycle(self.precisions), strict=False)
            rounded = [network.astype(precision) for network, precision in turns]
            for network, following in itertools.zip_longest(rounded, rounded[1:]):
                if self._runs_in_float64_alone(network, following):
                    self._compare(network.astype("float64"), None)
                self._leave_out_what_says_nothing()
                self.ran_out = following is not None and time.monotonic() > self.until
                if self.ran_out and len(self.judged) >= self.enough:
                    break
        except TimeIsUpError as problem:
            if not self.judged:
                raise
            self.notes.append(f"Stopped after {len(self.judged)} of {self.examples} networks. {problem}")
        except KeyboardInterrupt:
            if not self.judged:
                raise
            raise self._interrupted() from None
        report = self._conclusion()
        if not counts(report):
            return report
        try:
            report = explained(report, self.subject, self.judged, self._familiar, self.seed)
            with excused(report.notes, "the file's own start"):
                report.notes += noted(self.subject, self.seed)
            report = _with_steps(report, self.subject.about)
        except KeyboardInterrupt:
            raise self._interrupted(", before the lines were looked at") from None
        return report

    def _runs_in_float64_alone(self, network: Network, following: Network | None) -> bool:
        """Compare the network; or whether the code, which ran on those before in float64, does not run in float32."""
        if self.precisions == ["float64"] and network.X.dtype.name == "float32":
            return True
        try:
            self._compare(network, following)
        except TimeIsUpError:
            raise
        except CodeError as problem:
            if network.X.dtype.name != "float32" or not self.judged:
                raise
            self.precisions = ["float64"]
            self.notes.append(f"Compared in float64 alone: in float32 it does not run. {problem}")
        return self.precisions == ["float64"] and network.X.dtype.name == "float32"

    def _leave_out_what_says_nothing(self) -> None:
        """Compare in float64 alone from now on, where that decides all and float32 nothing: of its digits a step that
        is small beside its weight leaves none."""
        if len(self.judged) != ENOUGH_TO_LEAVE_OUT * len(self.precisions) or len(self.precisions) < 2:
            return
        merged = {p: merge([one.report for one in self.judged if one.precision == p]) for p in self.precisions}
        if [merged[p].verdict for p in ("float64", "float32")] != ["agrees", "undecided"]:
            return
        if merged["float32"].cases["decided"]:
            return
        self.judged = [one for one in self.judged if one.precision == "float64"]
        self.precisions = ["float64"]
        self.notes.append("Compared in float64 alone: in float32 rounding could explain anything.")

    def _interrupted(self, before: str = "") -> CheckInterruptedError:
        self.notes.append(f"Interrupted after {len(self.judged)} of {self.examples} networks{before}.")
        return CheckInterruptedError(self._conclusion())

    def _compare(self, network: Network, following: Network | None) -> None:
        precision = network.X.dtype.name
        verify = len(self.judged) < VERIFIED * len(self.precisions)
        verified_next = len(self.judged) + 1 < VERIFIED * len(self.precisions)
        report = self.subject.compared(
            network,
            precision,
            verify=verify,
            familiar=self._familiar[precision],
            following=None if verified_next else following,
        )
        if report.verdict in ("wrong", "scaled") and (
            self._is_better_without_guards(report, network)
            or self._is_better_shared(report, network)
            or self._follows_a_rule(network, report)
            or self._is_only_called_so(report, network)
        ):
            again = [(one.network, self.subject.compared(one.network, one.precision)) for one in self.judged]
            self.judged = [Judged(*one) for one in again]
            report = self.subject.compared(network, precision)
        self.judged.append(Judged(network, report))
        if self.subject.untraceable is not None and self.subject.about["only_updates"]:
            self.precisions = ["float64"]  # what a step in float32 loses no central difference knows
        self._note_familiar(report, precision)
        if self.progress is not None:
            self.progress(len(self.judged), self.examples)

    def _is_better_without_guards(self, report: Report, network: Network) -> bool:
        """Whether fewer gradients differ from those of the file's cost without the numbers that it adds against
        log(0), or only by a constant; then these are left out from now on."""
        subject, guards = self.subject, self._known_guards(network)
        if self._without_guards or not guards:
            return False
        subject.host.leave_out_guards(True)
        without = subject.compared(network, network.X.dtype.name)
        self._without_guards = _how_wrong(without) < _how_wrong(report)
        subject.host.leave_out_guards(self._without_guards)
        if self._without_guards:
            self.notes.append(
                f"The cost adds {guards[-1]:g} in a logarithm or a divisor, against a 0 there; the gradients are held "
                "against those of the cost without it."
            )
        return self._without_guards

    def _is_better_shared(self, report: Report, network: Network) -> bool:
        """Whether fewer gradients differ from those of what the file makes of its cost, its mean or half of it; then
        that is the cost from now on."""
        subject = self.subject
        for number, mean in subject.about["shares"] if not self._shared and subject.loss is None else ():
            subject.host.share_of_cost(number, mean)
            self._shared = _how_wrong(subject.compared(network, network.X.dtype.name)) < _how_wrong(report)
            if self._shared:
                self.notes.append(_shared_note(number, mean))
                return True
            subject.host.share_of_cost(1.0, False)
        return False

    def _follows_a_rule(self, network: Network, report: Report) -> bool:
        """Whether what is applied is made of right gradients, or of one constant times them, by a rule; then these are
        compared from now on. It is asked again where all networks before differ by one constant, and this does not."""
        constant = 1.0 if report.verdict == "scaled" else self._constant()
        replaced = "replaced" in self.subject.about
        if replaced or constant in self._asked_for_rules or self.subject.untraceable is not None:
            return False
        self._asked_for_rules.add(constant)
        some = [one.astype("float64") for one in (network, *self._networks[:RULED])]
        update = update_rule(self.subject, some, constant)
        if update is None:
            return False
        self.subject.host.read_variables(update.variables)
        lines = ", ".join(str(line) for line in sorted({key[1] for key, _ in update.variables.values()}))
        self.notes = [note for note in self.notes if "(before - after)" not in note]
        self.notes.append(f"{update.says}; checked are the gradients that variables hold (line {lines}).")
        return True

    def _is_only_called_so(self, report: Report, network: Network) -> bool:
        """Whether what is kept under the name of a gradient is wrong as that, and gradients of parameters that would
        be made of it are right: an activation may keep the gradient of what it was given as that of what it gave. It
        is not heeded then."""
        names = self.subject.only_called_so(network, report)
        if names:
            self.subject.host.leave_out_claims(names)
            self.notes.append(
                f"What the code calls {', '.join(names)} is not that gradient, and others that would be made of it are "
                "right: it is not heeded."
            )
        return bool(names)

    def _constant(self) -> float:
        """By which the gradients of all networks so far are too large, if it is one."""
        scaled = [f.factor for one in self.judged for f in one.report.tensors if f.verdict == "scaled" and f.factor]
        every = all(one.report.verdict in ("scaled", "undecided") for one in self.judged)
        alike = every and bool(scaled) and all(math.isclose(f, scaled[0], rel_tol=1e-4) for f in scaled)
        return scaled[0] if alike else 1.0

    def _known_guards(self, network: Network) -> list[float]:
        if self._guards is None:
            able = self.subject.loss is None and self.subject.untraceable is None
            self._guards = self.subject.host.guards(self.subject.inputs(network), None) if able else []
        return self._guards

    def _note_familiar(self, report: Report, precision: str) -> None:
        """What is wrong in enough networks becomes familiar."""
        wrong = _differing(report)
        self._alike[precision, wrong] += 1
        if wrong and self._alike[precision, wrong] >= BLAMED:
            self._familiar[precision].setdefault(wrong, report)

    def _of_one_output(self, networks: list[Network]) -> list[Network]:
        """The networks, or others of one output where the file is meant for one."""
        subject, free = self.subject, not isinstance(self.subject.wide["outputs"], int)
        if not (free and subject.about["has_cost"] and subject.loss is None and subject.wide["labels"] == "one_hot"):
            return networks
        wide = subject.wide | {"outputs": 1, "labels": "binary"}
        several, one = networks[0], draw_networks(1, self.seed, **wide)[0]
        fits = is_for_one_output(subject, several, one)
        if not fits and self._known_guards(several):
            subject.host.leave_out_guards(True)
            fits = is_for_one_output(subject, several, one)
            subject.host.leave_out_guards(False)
        differs = "the cost and its gradients would differ, with one they fit"
        if not fits and is_one_unit(subject, several, one):
            fits, differs = True, "the gradient of the bias would be too few numbers, with one it fits"
        if not fits:
            return networks
        subject.wide = wide
        self.notes.append(f"With several outputs {differs}: one is what the file is taken to be meant for.")
        return draw_networks(self.examples, self.seed, **wide)

    def _conclusion(self) -> Report:
        """The verdict on all networks."""
        report, loss = merge([one.report for one in self.judged]), self.subject.loss
        report.factor = factor(self.judged)
        if loss is not None:
            has_cost, metric = self.subject.about["has_cost"], self.subject.about["metric"]
            own = "in place of the file's own" if has_cost else "the file has none"
            own = metric if metric and not self.asked else own
            if self.printed is None:
                report.assumed = [f"the cost is {LOSSES[loss].says} ({own})"]
            else:
                self.notes.append(f"The cost is {LOSSES[loss].says}: as {self._where(self.printed)} computes it.")
            if self.subject.penalty is not None:
                report.assumed.append(
                    f"to it is added {self.subject.penalty.says}: the gradients have such a term, and no cost of the "
                    "file says whether it belongs"
                )
            taken_for_it = self.printed is None and (not has_cost or (metric and not self.asked))
            if report.verdict == "scaled" and taken_for_it and not self._climbs(report):
                report = _as_convention(report, "of the assumed cost")
        if self.subject.about["given_slope"] and factor(self.judged) == "1/m":
            parameters = {f"d{name}" for name in self.subject.about["parameters"]}
            none_is_right = not any(f.verdict == "ok" and f.name in parameters for f in report.tensors)
            if report.verdict == "scaled" or none_is_right:
                report = _as_convention(report, "of the sum, as where what backward is given has no 1/m yet")
        if self._climbs(report):
            report = replace(report, verdict="wrong", notes=[*report.notes, _CLIMBS])
        report.notes = [*self.notes, *report.notes]
        return report

    def _where(self, line: int) -> str:
        """A line of the file in words; of a notebook in which cell it is."""
        cell, line = self.subject.about.get("cells", {}).get(str(line), (None, line))
        return f"line {line}" if cell is None else f"cell {cell}, line {line}"

    def _climbs(self, report: Report) -> bool:
        """Whether steps are seen, or where the cost is assumed the line that subtracts what is handed out, and they go
        up the cost: the sign of what a file only hands out may be a convention."""
        factors = [f.factor for f in report.tensors if f.verdict == "scaled" and f.factor is not None]
        about, is_assumed = self.subject.about, self.subject.loss is not None
        seen = about["only_updates"] or (is_assumed and about["goes_down"])
        return bool(report.verdict == "scaled" and seen and all(f < 0 for f in factors))


_CLIMBS = "Each step goes up the cost: every gradient has the opposite sign of what it should have where it is applied."


def _with_steps(report: Report, about: Mapping[str, Any]) -> Report:
    """The report, wrong where all gradients are right and steps are seen that go up the cost among others that go down
    it."""
    if report.verdict != "agrees" or not about["uphill"]:
        return report
    steps, says = [], []
    for line, target, source, beside in about["uphill"]:
        name = f"step of {target}"
        cell, own = about["cells"].get(str(line), (None, line))
        other = about["cells"].get(str(beside))
        where = f"line {beside}" if other is None else f"cell {other[0]}, line {other[1]}"
        why = f"The gradient of {target} is added, where {where} subtracts one: it goes up the cost."
        steps.append(Finding(name, target, "fault", line=own, cell=cell, source=source, variable=target))
        says.append({"name": name, "line": own, "mistake": "sign", "says": why, "fix": None})
    return replace(report, verdict="wrong", tensors=[*report.tensors, *steps], diagnosis=says)


def _shared_note(factor: float, mean: bool) -> str:
    if factor == 1:
        return (
            "The cost is a sum over the samples, which the file divides by their number where it calls it; the "
            "gradients are held against those of the mean."
        )
    by = f"{factor:g} / m" if mean else f"{factor:g}"
    return f"Where the file calls its cost it takes {by} times it; the gradients are held against those of that."


def _differing(report: Report) -> frozenset[str]:
    """The gradients that are not those of the cost, by their own fault or not."""
    return frozenset(f.name for f in report.tensors if f.verdict in (*WRONG, "inherited", "scaled"))


def _how_wrong(report: Report) -> tuple[int, bool]:
    """How many gradients differ, and whether by more than one constant."""
    return len(_differing(report)), report.verdict != "scaled"


def _as_convention(report: Report, of: str) -> Report:
    """A constant factor against a cost that was assumed: the file may mean the sum where the mean was assumed, or what
    backward is given may be the gradient of the summed loss."""
    first = next(f for f in report.tensors if f.factor is not None)
    number = report.factor or f"{factor_of(first)} in one network"
    tensors = [f.but(verdict="ok") if f.verdict == "scaled" else f for f in report.tensors]
    which = "Every gradient" if report.verdict == "scaled" else "What else is a gradient"
    note = f"{which} is a constant ({number}) times that {of}: taken for a convention."
    verdict = "agrees" if report.verdict == "scaled" else report.verdict
    return replace(report, verdict=verdict, tensors=tensors, notes=[*report.notes, note])
