"""What a file leaves unsaid, settled on its first networks: which cost it means, and how many outputs."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Sequence

import numpy as np

from gradcompare.checking.errors import CodeError
from gradcompare.checking.penalising import penalty_of
from gradcompare.checking.subject import Subject
from gradcompare.judging.verdict import WRONG, Finding
from gradcompare.losses import LOSSES, is_multiple
from gradcompare.network import Network
from gradcompare.report import Report

CROSS_ENTROPIES = ("cross_entropy", "cross_entropy_of_logits")
"""The cost of a classifier of two classes, which has one output; a key of `gradcompare.losses.LOSSES`."""

PROBABILITIES = {"cross_entropy", "softmax_cross_entropy"}
"""What is suggested by outputs that may be probabilities alone."""
FEW = 6
"""The outputs of so many networks are looked at where one has but one number."""


def chosen_loss(subject: Subject, asked: str | None, networks: Sequence[Network]) -> str | None:
    """None for the file's own cost; else the one asked for, or that the last layer's gradients agree with: exactly, or
    else but for a constant.

    What the file only looks at results with, and whose gradients its own are not, is not its cost if they are those of
    another.
    """
    if asked is not None:
        return asked
    chosen = _some(networks)
    if subject.about["has_cost"] and subject.about["metric"] is None:
        return _turned(subject, chosen) or _of_a_softmax(subject, chosen)
    if subject.about["has_cost"]:
        own = _fits(subject, subject.compared(chosen[0], "float64", verify=True), chosen[1:])
        return None if own else _exactly(subject, chosen) or _but_for_the_rate(subject, chosen)
    fitting = _fitting(subject, networks)
    scaled: list[str] = []
    for loss in fitting:
        subject.loss = loss
        first = subject.compared(networks[0], "float64", verify=True)
        scaled += [loss] if first.verdict == "scaled" else []
        if _fits(subject, first, chosen[1:]):
            if first.verdict != "agrees":
                subject.penalise(penalty_of(subject, chosen))
            return loss
    for loss in fitting:
        subject.loss = loss
        subject.penalise(penalty_of(subject, chosen))
        if subject.penalty is not None and _fits(subject, subject.compared(chosen[0], "float64"), chosen[1:]):
            return loss
        subject.penalise(None)
        if "replaced" in subject.about:
            return loss
    if not fitting:
        raise CodeError(
            "The file has no cost, and its output suggests none: --loss NAME says which is meant, "
            "`gradcompare check --help` lists them."
        )
    return [*scaled, *fitting][0]


def as_printed(subject: Subject, networks: Sequence[Network]) -> int | None:
    """The line in which a file that has no function for its cost computes it, where its gradients are right but perhaps
    for a constant: that cost is the subject's from now on. None where there is no such line."""
    chosen = subject.loss
    if chosen is None or subject.penalty is not None:
        return None
    printed = {loss: line for line, loss in reversed(subject.about["printed"]) if is_multiple(loss, chosen)}
    if len(printed) != 1 or subject.compared(networks[0], "float64", verify=True).verdict != "agrees":
        return None
    ((loss, line),) = printed.items()
    subject.loss = loss
    found = {subject.compared(network, "float64", verify=True).verdict for network in _some(networks)} - {"undecided"}
    if found and found <= {"agrees", "scaled"}:  # undecided is one without a gradient, of units that are all dead
        return int(line)
    subject.loss = chosen
    return None


def _turned(subject: Subject, networks: Sequence[Network]) -> str | None:
    """The cost whose gradients the file subtracts, where its own is that one but for the sign: a likelihood, which is
    to go up; else None."""
    if not subject.about["goes_down"]:
        return None
    report = subject.compared(networks[0], "float64", verify=True)
    factors = [f.factor for f in report.tensors if f.verdict == "scaled" and f.factor is not None]
    if report.verdict != "scaled" or any(factor > 0 for factor in factors):
        return None
    loss = _exactly(subject, networks)
    if loss is not None:
        subject.about["metric"] = "what the file calls its cost has the opposite sign, and its steps go down this"
    return loss


def _of_a_softmax(subject: Subject, networks: Sequence[Network]) -> str | None:
    """Cross entropy, where the last layer's gradients are those of it and a softmax, and the file's own cost is one
    that nothing in it calls: which is meant it leaves to whoever trains. Else None."""
    called = subject.about["cost_called"]
    if called is not False or _fits(subject, subject.compared(networks[0], "float64", verify=True), ()):
        return None
    for loss in subject.fitting_losses(networks[0]):
        subject.loss = loss
        of_softmax = "softmax" in LOSSES[loss].says
        if of_softmax and _fits(subject, subject.compared(networks[0], "float64", verify=True), networks[1:]):
            subject.about["metric"] = "nothing in it calls what looks like its cost"
            return loss
    subject.loss = None
    return None


def _some(networks: Sequence[Network]) -> list[Network]:
    """The first, one of another number of outputs and one of another number of samples: of two samples a mean is half
    the sum."""
    others = [next((n for n in networks if n.sizes[-1] != networks[0].sizes[-1]), None)]
    others += [next((n for n in networks if n.m != networks[0].m), None)]
    if networks[0].m == 1:  # of one class a cost may say nothing
        others += [next((n for n in networks if not np.array_equal(n.Y, networks[0].Y)), None)]
    return [networks[0], *(n for n in others if n is not None)]


def _exactly(subject: Subject, networks: Sequence[Network]) -> str | None:
    """The cost that the last layer's gradients are those of; None where there is none."""
    for loss in _fitting(subject, networks):
        subject.loss = loss
        if _fits(subject, subject.compared(networks[0], "float64", verify=True), networks[1:]):
            return loss
    subject.loss = None
    return None


def _fitting(subject: Subject, networks: Sequence[Network]) -> list[str]:
    """The costs that the outputs suggest: of a few networks, for a single number may lie between 0 and 1 by chance."""
    first = subject.fitting_losses(networks[0])
    if not PROBABILITIES & set(first) or networks[0].m > 1:
        return first
    others = map(subject.fitting_losses, networks[1:FEW])
    return next((other for other in others if other and not PROBABILITIES & set(other)), first)


def _but_for_the_rate(subject: Subject, networks: Sequence[Network]) -> str | None:
    """The cost that all steps are one multiple of, where only steps are seen, and own rates are not known; None where
    there is none."""
    for loss in subject.fitting_losses(networks[0]) if subject.about["only_updates"] else ():
        subject.loss = loss
        reports = [subject.compared(network, "float64", verify=True) for network in networks]
        factors = [f.factor or math.nan for report in reports for f in _at_the_end(subject, report)]
        if factors and all(math.isclose(factor, factors[0], rel_tol=1e-6) for factor in factors):
            return loss
    subject.loss = None
    return None


def _fits(subject: Subject, first: Report, others: Sequence[Network]) -> bool:
    """Whether the last layer's gradients agree, on the first network and on others."""
    more = (subject.compared(network, "float64") for network in others)
    return all(_agrees_at_the_end(subject, report) for report in itertools.chain([first], more))


def is_for_one_output(subject: Subject, several: Network, one: Network) -> bool:
    """Whether the file's own cost and gradients fit one another for one output alone: with several they differ by
    their number, as where the cost is divided by Y.size and the gradients by the samples.

    Where the cost is cross entropy, that is a classifier of two classes; of another cost it is a wrong constant, unless
    the file itself says that its networks have one output. Where it does they may differ by anything, as where the
    cost is a product of matrices, which has terms of one output's label and another's logarithm.
    """
    n, own, says_one = several.sizes[-1], subject.loss, subject.about["says_one_output"]
    at_the_end = _at_the_end(subject, subject.compared(several, "float64", verify=True))
    by_their_number = {f.factor for f in at_the_end} in ({float(n)}, {1.0 / n})
    if not by_their_number and not (says_one and all(f.verdict in (*WRONG, "inherited") for f in at_the_end)):
        return False
    fits = _agrees_at_the_end(subject, subject.compared(one, "float64", verify=True))
    if says_one:
        return fits
    of_classes = False
    for loss in CROSS_ENTROPIES if fits else ():
        subject.loss = loss
        with contextlib.suppress(CodeError):  # what gives nothing but its cost has no output
            of_classes |= _agrees_at_the_end(subject, subject.compared(one, "float64", verify=True))
    subject.loss = own
    return of_classes


def is_one_unit(subject: Subject, several: Network, one: Network) -> bool:
    """Whether for several outputs the gradient of a bias of the file's only layer is one number, and for one output a
    gradient is right: logistic regression."""
    if set(subject.about["parameters"]) != set(subject.about["last_layer"]):
        return False
    compared = subject.compared(several, "float64", verify=True).tensors
    if not any(f.verdict == "shape" and f.shape == () for f in compared):
        return False
    return _agrees_at_the_end(subject, subject.compared(one, "float64", verify=True))


def _at_the_end(subject: Subject, report: Report) -> list[Finding]:
    last = [f"d{name}" for name in subject.about["last_layer"]]
    return [f for f in report.tensors if f.name in last]


def _agrees_at_the_end(subject: Subject, report: Report) -> bool:
    """Whether a gradient of the last layer is right: the others may have mistakes of their own."""
    return any(f.verdict == "ok" for f in _at_the_end(subject, report))
