"""The code under test as a check sees it: what its host says of it, and its report on one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradcompare.bounds.precision import Precision
from gradcompare.checking.errors import CodeError
from gradcompare.checking.looks import Look
from gradcompare.checking.sightings import Sighting
from gradcompare.judging.blame import is_intermediate
from gradcompare.judging.claims import ClaimErrors, Comparison, Familiar
from gradcompare.judging.evaluation import COST, Evaluation
from gradcompare.judging.stand_in import unknown_rounding
from gradcompare.judging.verdict import WRONG, Bounds, Finding, judge, of, overall
from gradcompare.losses import Penalty
from gradcompare.network import Network
from gradcompare.report import Report

__all__ = ["Subject"]

Inputs = Mapping[str, np.ndarray]


class Beside(NamedTuple):
    """A parameter, what its gradient has beside that of the cost, and that."""

    parameter: np.ndarray
    more: np.ndarray
    gradient: np.ndarray


class Subject:
    """A host whose program has been found, and the cost that its gradients are held against.

    What its methods ask of the host raises CodeError, in words, where the code under test goes wrong.
    """

    def __init__(self, host: Any, about: Mapping[str, Any]) -> None:
        self.host, self.about = host, dict(about)
        self.wide: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in about["networks"].items()}
        """The keyword arguments of `draw_networks` for networks that it can take."""
        self.loss: str | None = None
        """The assumed cost; None for its own."""
        self.penalty: Penalty | None = None
        """What is added to the assumed cost."""
        self.untraceable: str | None = None
        """Why central differences stand in for autograd, if they do."""

    def inputs(self, network: Network) -> dict[str, np.ndarray]:
        """The arrays that stand for a network."""
        inputs: dict[str, np.ndarray] = self.host.inputs(network)
        return inputs

    def compared(
        self,
        network: Network,
        precision: str,
        *,
        verify: bool = False,
        familiar: Familiar | None = None,
        whose: bool = True,
        following: Network | None = None,
    ) -> Report:
        """One network's report. With `verify` the traced forward pass is verified against the untouched code, and the
        gradients are asked for twice. `familiar`, `whose`: see `Comparison.report`. While this network is judged, a
        host in another process can have its first look at the `following` one."""
        inputs, claimed, evaluation = self._first_look(network, verify)
        claims, notes = claimed["claims"], list[str]()
        named = [name for name in self.about["parameters"] if f"d{name}" in claims]
        if not claims or (self.about["parameters"] and not named):
            raise CodeError("The code returned nothing that looks like a gradient of its parameters.")
        notes += [f"The code changes its input {name} in place." for name in claimed["changed"]]
        if claimed["added"]:
            notes.append(
                f"A second call adds to {', '.join(claimed['added'])} of the first: they are to be set to 0 between."
            )
        if verify and self.untraceable is None:
            self.untraceable = self.host.problem(inputs, self.loss)
        if following is not None and self.untraceable is None:
            self.host.look_ahead(following, self.loss)
        if self.untraceable is not None:
            notes.append(self.untraceable)
            report = self._numerical(inputs, claims, self._rounding(inputs, precision, notes), precision, notes)
            return _with_unsteady(report, claimed["unsteady"], claimed["kept"])
        evaluate, rounding = partial(self._evaluate, inputs), partial(self._rounding, inputs, precision, notes)
        errors = rounding() if verify else rounding
        given = bool(self.about["given_slope"])
        working = Precision.of(precision)
        comparison = Comparison(evaluate, inputs, claims, errors, working, notes, first=evaluation, given_slope=given)
        return _with_unsteady(comparison.report(familiar, whose=whose), claimed["unsteady"], claimed["kept"])

    def _first_look(self, network: Network, verify: bool) -> Look:
        if not verify and self.untraceable is None:
            look: Look = self.host.first_look(network, self.loss)
            return look
        inputs = self.inputs(network)
        return Look(inputs, self.host.claims(inputs, twice=verify), None)

    def agreeing_losses(self, network: Network, precision: str, losses: Sequence[str]) -> list[str]:
        """Those of the costs with which everything on a network agrees."""
        inputs, notes = self.inputs(network), list[str]()
        claims, errors = self.host.claims(inputs, twice=False)["claims"], self._rounding(inputs, precision, notes)

        def agrees(loss: str) -> bool:
            def evaluate(claimed: Sequence[str], working: Precision, **options: Any) -> Evaluation:
                found: Evaluation = self.host.evaluate(inputs, claimed, working.name, loss, **options)
                return found

            comparison = Comparison(evaluate, inputs, claims, errors, Precision.of(precision), notes)
            return comparison.report(whose=False).verdict == "agrees"

        return [loss for loss in losses if agrees(loss)]

    def fitting_losses(self, network: Network) -> list[str]:
        """The costs that its output suggests."""
        losses: list[str] = self.host.fitting_losses(self.inputs(network))
        return losses

    def penalise(self, penalty: Penalty | None) -> None:
        """Add a term to the assumed cost from now on."""
        self.penalty = penalty
        self.host.penalise(penalty)

    def beside(self, network: Network) -> dict[str, Beside]:
        """By the name of a parameter, what its gradient has beside that of the cost."""
        inputs = self.inputs(network)
        claims = self.host.claims(inputs, twice=False)["claims"]
        names = [name for name in self.about["parameters"] if f"d{name}" in claims]
        precision = Precision.of(network.X.dtype.name)
        found = self._evaluate(inputs, [f"d{name}" for name in names], precision)
        return {
            name: Beside(inputs[name], claim - reference.value, reference.value)
            for name in names
            if (claim := claims[f"d{name}"]).shape == (reference := found.tensors[f"d{name}"]).value.shape
            and claim.dtype.kind == "f"
        }

    def only_called_so(self, network: Network, report: Report) -> list[str]:
        """What is wrong in a report as the gradient of a value on the way, although one of a parameter that would be
        made of it is right."""
        inputs = self.inputs(network)
        claims = [finding for finding in report.tensors if not finding.witness]
        wrong = [f.name for f in claims if f.verdict in WRONG and is_intermediate(f.name, inputs)]
        right = [f.name for f in claims if f.verdict == "ok" and f.of in self.about["parameters"] and f.size > 0]
        if not wrong or not right or self.untraceable is not None:
            return []
        found = self._evaluate(inputs, [*wrong, *right], Precision.of(network.X.dtype.name))
        return [name for name in wrong if any(name in found.upstream[made] for made in right)]

    def sightings(self, network: Network) -> list[Sighting]:
        """The arrays that the backward code makes, where autograd can see through the forward pass."""
        found = self.host.watch(self.inputs(network), network.X.dtype.name, self.loss)
        return [witness.sighting for witness in found["watched"].sightings]

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
            own = (errors or {}).get(name, unknown_rounding(truth, precision))
            findings.append(judge(name, claim, truth, Bounds(truth.error, own), precision))
        decided = not any(finding.verdict == "undecided" for finding in findings)
        counts = {"drawn": 1, "decided": int(decided), "at_kink": 0, "undecided": int(not decided)}
        verdict = overall(findings, decided=counts["decided"])
        return Report(verdict, findings, notes, "numerical", counts, precisions=(precision.name,))


def _with_unsteady(report: Report, unsteady: Sequence[str], kept: Sequence[str]) -> Report:
    """What comes out differently the second time is a fault of its own."""
    if not unsteady and not kept:
        return report
    says = "Called twice on the same numbers, the code gives another {} the second time."
    says = says if unsteady else f"{says} Something that the first call left behind is in it."
    tensors = [f.but(verdict="fault") if f.name in (*unsteady, *kept) else f for f in report.tensors]
    note = says.format(", ".join(unsteady or kept))
    return replace(report, verdict="wrong", tensors=tensors, notes=[*report.notes, note])
