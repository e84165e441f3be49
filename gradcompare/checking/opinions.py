"""What is asked of a file after its parts: each opinion may take the place of the answer before it.

Calling the parts of a file one by one, from outside, may misunderstand them, and a network may leave some of its layers
out. So a file is asked about in more than one way, and `OPINIONS` says in which order and what counts.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gradcompare.checking.conclusion import varies
from gradcompare.checking.errors import CheckInterruptedError, CodeError, TimeIsUpError, UnfinishedError
from gradcompare.checking.subject import Subject
from gradcompare.checking.trials import Progress, Trials
from gradcompare.interfaces.left_out import BEGINS
from gradcompare.interfaces.program import GIVEN_SLOPE
from gradcompare.judging.verdict import Finding
from gradcompare.network import draw_network
from gradcompare.report import WRONG_COST, Report, Source

OF_TIMEOUT = 0.25
"""After this part of the time that a file may take no more networks are drawn: the lines are looked for in what is
left, and whoever waits is to be told."""
OF_OWN_WIDTHS = 40
"""So many networks a file's own program is asked about, or layers that make no network: they differ in their numbers
alone."""
SECONDS_OF_OWN_PROGRAM = 12.0
"""After so many seconds it is asked about no more."""
SECONDS_OF_LAYERS, ENOUGH_OF_LAYERS = 2.0, 2
"""The same of layers each on its own, and on so many networks they are compared however long it takes."""
FEW = 10
"""On so many networks a file's own program is asked where its parts agree."""
FEWEST = 2
"""On so many networks one of several readings is chosen."""
NOT_RUN = "Not run here"
_CASES = ("drawn", "decided", "at_kink", "undecided")


class Answer(NamedTuple):
    """A report, and what is known of the program that it is about."""

    report: Report
    about: dict[str, Any] | None
    """None where no program was found."""
    is_last: bool = False
    """Whether no other opinion is asked for."""


@dataclass
class Inquiry:
    """A file that is asked about, in one way after another."""

    host: Any
    file: str | None
    precisions: Sequence[str]
    examples: int
    seed: int
    loss: str | None
    progress: Progress | None
    parts: Callable[[], dict[str, Any]]
    """Open the parts of the file; what is to be known of them."""
    timeout: float
    """Seconds that the file may take in all."""

    def of_parts(self) -> Answer:
        """The file's parts, called one by one; "error" or "unfinished" where the question could not be put."""
        about: dict[str, Any] | None = None
        try:
            about = self.parts()
            return Answer(self.judged(about, self.examples), about)
        except UnfinishedError as found:
            return Answer(self._without_verdict("unfinished", str(found), about), about)
        except CodeError as problem:
            report = self._without_verdict("error", str(problem), about)
            return Answer(report, about, is_last=isinstance(problem, TimeIsUpError))

    def judged(
        self,
        about: dict[str, Any],
        networks: int,
        written: bool = True,
        silent: bool = False,
        counts: Callable[[Report], bool] = lambda _: True,
    ) -> Report:
        """The report on the program that is open. `written`: see `Host.open_own_program`; `silent`: without progress;
        `counts`: whether what is found may be the answer, which alone need say more than a verdict.

        Raises CodeError where it is not understood.
        """
        part_of_the_way = bool(about["given_slope"] and about.get("kin_left_out"))
        limits: dict[str, Any] = {"seconds": OF_TIMEOUT * self.timeout}
        of_one_size = about["is_own"] or not about["is_network"]
        is_told = not of_one_size  # there are few of them, which differ in their numbers
        if of_one_size:
            seconds = SECONDS_OF_OWN_PROGRAM / 2 if silent else SECONDS_OF_OWN_PROGRAM
            networks, limits = min(networks, OF_OWN_WIDTHS), {"seconds": seconds}
        if "alone" in about:
            limits = {"seconds": SECONDS_OF_LAYERS, "enough": ENOUGH_OF_LAYERS}
        trials: Trials

        def is_an_answer(report: Report) -> bool:
            misunderstood = part_of_the_way and nothing_is_right(report)
            return counts(report) and not (misunderstood or is_misread(report))

        def is_misread(report: Report) -> bool:
            """Whether nothing goes along the gradient, of what was seen to do so: a constant is no other direction."""
            along = any(f.verdict == "scaled" and not f.witness for f in report.tensors) and not varies(trials.judged)
            return bool(about["seen_right"]) and not along and nothing_is_right(report)

        def run(about: dict[str, Any]) -> Report:
            nonlocal trials
            progress = None if silent else self.progress
            trials = Trials(Subject(self.host, about), self.precisions, networks, self.seed, progress, **limits)
            try:
                report = self._told(trials.run(self.loss, is_an_answer), about)
            except CheckInterruptedError as interrupted:
                self._told(interrupted.report, about)
                raise
            if trials.ran_out and is_told:
                report.notes.append(_FEWER.format(len(trials.judged), networks, limits["seconds"]))
            return report

        if about["is_own"]:
            self.host.draw_what_is_decided(draw_network([1, 1], 1, self.seed), self.loss)
        report = run(about)
        if is_misread(report):
            again = self.host.open_own_program(self.seed, written, keeps_data=True)
            report = run(again) if again is not None and "stopped" not in again else report
            if is_misread(report):
                raise CodeError(_ONLY_ITS_OWN)
        if about["given_slope"] and nothing_is_right(report):
            other = self._given_another_slope(about, run)
            report = report if other is None else other
        if part_of_the_way and nothing_is_right(report):
            raise CodeError(_PART_OF_THE_WAY)
        return report

    def _given_another_slope(self, about: dict[str, Any], run: Callable[[dict[str, Any]], Report]) -> Report | None:
        """The report where backward is given the gradient of a value on the way to the output, and something is right:
        that of Z where a softmax follows, whose derivative is in what is handed over."""
        for name in about["ahead_of_output"]:
            self.host.give_slope_of(name)
            try:
                report = run(about)
            except TimeIsUpError:
                raise
            except CodeError:  # in another network it may have no such value
                continue
            if not nothing_is_right(report):
                of_output = GIVEN_SLOPE.format("the output", "output")
                report.notes = [note for note in report.notes if note != of_output]
                report.notes.append(f"{GIVEN_SLOPE.format(name, name)} Given that of the output, nothing is right.")
                return report
        self.host.give_slope_of(None)
        return None

    def _told(self, report: Report, about: dict[str, Any] | None) -> Report:
        """The report, which says of what it is."""
        known = about or {"interface": None, "functions": []}
        report.subject = {"file": self.file, "interface": known["interface"], "functions": known["functions"]}
        if about is not None:
            report.source = Source(about["text"], {int(line): tuple(place) for line, place in about["cells"].items()})
        return report

    def without_verdict(self, why: str, about: dict[str, Any], is_last: bool = True) -> Answer:
        """That the question could not be put, and why."""
        return Answer(self._without_verdict("error", why, about), about, is_last)

    def _without_verdict(self, verdict: str, why: str, about: dict[str, Any] | None) -> Report:
        return self._told(Report(verdict, notes=[why], cases=dict.fromkeys(_CASES, 0)), about)


def after_all(inquiry: Inquiry, answer: Answer) -> Answer:
    """The answer that remains when every opinion was asked for."""
    for opinion in OPINIONS:
        if answer.is_last:
            break
        try:
            answer = opinion(inquiry, answer) or answer
        except KeyboardInterrupt:
            answer.report.notes.append("Interrupted before the file was asked about in every way.")
            raise CheckInterruptedError(answer.report) from None
    report, about = answer.report, answer.about
    if report.verdict == "agrees" and about is not None and about.get("elsewhere"):
        idle = [note for note in report.notes if note.startswith(NOT_RUN)]
        return inquiry.without_verdict(" ".join([_OF_OTHER_FILES, *idle]), about)
    return answer


def nothing_is_right(report: Report) -> bool:
    """Whether gradients of parameters differ, and all do."""
    return report.verdict in ("wrong", "scaled") and not any(
        finding.verdict == "ok" and not finding.witness for finding in report.tensors
    )


def _of_several_samples(inquiry: Inquiry, before: Answer) -> Answer | None:
    """What a method makes of the right gradients of one sample after another: where their sum is another."""
    if before.report.verdict != "agrees" or before.about is None or before.about["is_own"]:
        return None
    try:
        others = {f"d{row['parameter']}": row for row in inquiry.host.added_up(inquiry.seed)}
    except CodeError:
        return None
    report = before.report
    if not others.keys() & {finding.name for finding in report.tensors}:
        return None
    cells = before.about.get("cells", {})
    report.tensors = [f if f.name not in others else _not_added_up(f, others[f.name], cells) for f in report.tensors]
    report.verdict = "wrong"
    names, where = ", ".join(sorted(others)), next(iter(others.values()))["where"]
    report.notes.append(_NOT_THEIR_SUM.format(where, names))
    return Answer(report, before.about, is_last=True)


def _not_added_up(finding: Finding, row: Mapping[str, Any], cells: Mapping[str, Sequence[int]]) -> Finding:
    """What was found of the gradient of one sample, as it is of the step that several make."""
    numbers = {"worst": tuple(row["worst"]), "claim": row["step"], "reference": row["wanted"]}
    error = abs(row["step"] - row["wanted"])
    cell, line = cells.get(str(row["line"]), (None, row["line"]))
    place = {"line": line, "source": row["source"], "cell": cell, "calls": (), "variable": ""}
    ratio = error / finding.bound if finding.bound else math.inf
    return finding.but(verdict="fault", error=error, ratio=ratio, **numbers, **place)


def _of_other_loops(inquiry: Inquiry, before: Answer) -> Answer | None:
    """The other training loops of a file, where all is right in one: a second network, or the same in another way."""
    if before.report.verdict != "agrees" or before.about is None or before.about["interface"] != "training-loop":
        return None
    right, few, is_news = [], min(FEW, inquiry.examples), lambda other: other.verdict == "wrong"
    with contextlib.suppress(CodeError):
        for number in itertools.count():
            about = inquiry.host.open_other_loop(inquiry.seed, number)
            if about is None:
                break
            other = inquiry.judged(about, few, silent=True, counts=is_news)
            understood = any(f.verdict == "ok" or f.factor is not None for f in other.tensors if not f.witness)
            if other.verdict == "wrong" and understood:
                other.notes.append(_IN_ANOTHER_LOOP.format(about["line"]))
                return Answer(other, about, is_last=True)
            if other.verdict == "agrees":
                right.append(f"line {about['line']}")
    if right:
        before.report.notes.append(f"Right are also the gradients of the loop in {', and of that in '.join(right)}.")
    return None


def _told_otherwise(inquiry: Inquiry, before: Answer) -> Answer | None:
    """The same network told otherwise, in each way that it can be, where all is right as it was told first."""
    about = before.about
    if before.report.verdict != "agrees" or about is None or about["is_own"] or about["given_slope"]:
        return None
    few, right = min(FEW, inquiry.examples), []
    with contextlib.suppress(CodeError), inquiry.host.ends_within(SECONDS_OF_OWN_PROGRAM):
        for number in itertools.count():
            told = inquiry.host.open_told_otherwise(inquiry.seed, number)
            if told is None:
                break
            with contextlib.suppress(CodeError):
                is_news = lambda other, told=told: _is_wrong_so(other, told)  # noqa: E731
                other = inquiry.judged(told, few, silent=True, counts=is_news) if told else None
                if other is not None and _is_wrong_so(other, told):
                    other.notes.append(_WITH_ANOTHER.format(told["told"]))
                    return Answer(other, told, is_last=True)
                right += [told["told"]] if other is not None and other.verdict == "agrees" else []
    if right:
        before.report.notes.append(f"All is right too where it is told {', or '.join(right)}.")
    return None


def _is_wrong_so(report: Report, about: dict[str, Any]) -> bool:
    """Whether it is wrong told otherwise, and not only for a cost that is meant for another: some gradients are right,
    or the cost is the file's own. With another output the file's own may be that of the first; where it has none, each
    that is usual has been tried."""
    of_its_cost = any(row["mistake"] == WRONG_COST for row in report.diagnosis)
    has_cost = about["has_cost"] and about["metric"] is None
    cost_is_known = not has_cost if about["of_outputs"] else has_cost
    return report.verdict == "wrong" and not of_its_cost and (cost_is_known or not nothing_is_right(report))


def _of_each_layer(inquiry: Inquiry, before: Answer) -> Answer | None:
    """The layers of the file each on its own.

    A network may leave out some of the layers, or some of what they can do. What is wrong there counts; that all of it
    is right counts where nothing else could be run, and where there is nothing else; beside what is still to be written
    only what is wrong.
    """
    report, error = before.report, before.report.verdict in ("error", "unfinished")
    if not (error or report.verdict == "agrees"):
        return None
    try:
        about = inquiry.host.open_alone(inquiry.seed, not error)
        if about is None:
            return None
        few, is_news = min(FEW, inquiry.examples), lambda other: error or other.verdict == "wrong"
        other = inquiry.judged(about, few, silent=True, counts=is_news)
    except CodeError:
        return None
    kinds = f"{', '.join(about['alone'])}, each on its own"
    unfinished = report.notes if report.verdict == "unfinished" else []
    counts = ["wrong", "scaled"] if report.verdict == "error" else ["wrong"]  # one constant may be a convention
    if other.verdict in counts or (report.verdict == "error" and other.verdict == "agrees" and about["is_all"]):
        other.notes += unfinished
        other.notes += about["left_out"] if error else []
        other.notes.append(f"These are {kinds}{'' if error else '; where they are put together, all is right'}.")
        return Answer(other, about, is_last=other.verdict != "agrees")
    if not error and other.verdict == "agrees":
        kept = [note for note in report.notes if not note.startswith(NOT_RUN)]
        if before.about is not None and not about["left_out"]:
            before.about["elsewhere"] = False
        report.notes = [*kept, *about["left_out"], f"Right are also {kinds}, given a random gradient of the output."]
    return None


def _of_one_output(inquiry: Inquiry, before: Answer) -> Answer | None:
    """The same parts, of one output, where the file's own program makes such a network: a cost that is divided by their
    number too has the gradients of one that is not, and one that is a product of matrices has no terms across."""
    divided = before.report.verdict == "scaled" and "n_L" in (before.report.factor or "")
    if not (divided or (before.report.verdict == "wrong" and nothing_is_right(before.report))):
        return None
    with contextlib.suppress(CodeError):
        own = inquiry.host.open_own_program(inquiry.seed, written=False)
        if own is None or own["own_widths"][-1:] != [1]:
            return None
        about = inquiry.parts() | {"says_one_output": True}
        return Answer(inquiry.judged(about, inquiry.examples), about)
    return None


def _on_its_own_way(inquiry: Inquiry, before: Answer) -> Answer | None:
    """Where no gradient is that of what goes forward: the gradients of what the function that goes back computes itself
    before it does, where they fit that."""
    if before.about is None or before.about["is_own"] or before.report.verdict != "wrong":
        return None
    if not nothing_is_right(before.report):
        return None
    fits = lambda other: other.verdict in ("agrees", "scaled")  # noqa: E731
    with contextlib.suppress(CodeError), inquiry.host.ends_within(3 * SECONDS_OF_OWN_PROGRAM):
        about = inquiry.host.open_on_its_own_way(inquiry.seed)
        if about is None:
            return None
        report = inquiry.judged(about, inquiry.examples, silent=True, counts=fits)
        if fits(report):
            report.notes.append(_GOES_FORWARD_ITSELF.format(about["apart"]))
            return Answer(report, about)
    return None


def _of_its_own_program(inquiry: Inquiry, before: Answer) -> Answer | None:
    """The file's own program. Where calling its parts leads to nothing, or to nothing right, what the program does
    counts; and where all is right, what that does not have right, be it a constant of a cost of which the parts know
    nothing."""
    report, agreed, error = before.report, before.report.verdict == "agrees", before.report.verdict == "error"
    if before.about is None or before.about["is_own"]:
        return None
    if not (agreed or error or (report.verdict == "wrong" and nothing_is_right(report))):
        return None  # of constants a program that only takes steps says nothing
    seconds = math.inf if error else (1.5 if agreed else 3) * SECONDS_OF_OWN_PROGRAM
    try:
        with inquiry.host.ends_within(seconds):
            about = inquiry.host.open_own_program(inquiry.seed, error)
            if about is None:
                return None
            if "stopped" in about:
                return inquiry.without_verdict(about["stopped"], before.about, is_last=False)
            if agreed:
                few = min(FEW, inquiry.examples)
                other = inquiry.judged(about, few, written=error, silent=True, counts=lambda _: False)
                knows_more = before.about["given_slope"] and other.verdict == "scaled" and not about["metric"]
                if other.verdict != "wrong" and not knows_more:
                    report.notes += [f"In its own program {about['metric']}."] if about["metric"] else []
                    return None
        may_count = lambda other: agreed or error or not nothing_is_right(other)  # noqa: E731
        with inquiry.host.ends_within(math.inf if agreed or error else seconds):
            other = inquiry.judged(about, inquiry.examples, written=error, counts=may_count)
    except CodeError:
        return None
    of_its_cost = any(row["mistake"] == WRONG_COST for row in other.diagnosis)
    sure = other.verdict == "wrong" and (not nothing_is_right(other) or (agreed and of_its_cost))
    sure |= agreed and other.verdict == "scaled"
    fits = other.verdict in ("agrees", "scaled") and not agreed
    if not (sure or fits or (error and other.verdict != "error")):
        return None
    if not error and not of_its_cost:
        found = "all of their gradients are right" if agreed else "none of their gradients is right"
        other.notes.append(f"Where its parts are called one by one, {found}; this is what the file does with them.")
    return Answer(other, about)


def _of_the_usual_forward_pass(inquiry: Inquiry, before: Answer) -> Answer | None:
    """What goes back, where nothing that goes forward in the file goes with it: held against the usual forward pass
    with which most is right. Beside what agrees only what is wrong counts, where the rest of it is right."""
    agreed = before.report.verdict == "agrees"
    left = any(note.startswith(NOT_RUN) for note in before.report.notes)
    if not (before.report.verdict == "error" or (agreed and left and before.about is not None)):
        return None
    try:
        with inquiry.host.ends_within(2 * SECONDS_OF_OWN_PROGRAM if agreed else math.inf):
            number = _with_most_right(inquiry, agreed)
            about = inquiry.host.open_usual(inquiry.seed, number, agreed) if number is not None else None
            if not about:
                return None
            report = inquiry.judged(about, FEW, silent=True)
    except CodeError:
        return None
    report.notes.append(_USUAL.format(about["goes_back"], about["ahead"]))
    if agreed and report.verdict == "agrees":
        notes = [note for note in before.report.notes if note != f"{BEGINS}: {about['goes_back']}."]
        before.report.notes = [*notes, f"Right is {about['goes_back']} too. {report.notes[-1]}"]
    return Answer(report, about, is_last=True) if not agreed or report.verdict == "wrong" else None


def _with_most_right(inquiry: Inquiry, agreed: bool) -> int | None:
    """The number of the usual forward pass with which most is right, on a few networks, by the file's own cost where it
    has one; None where nothing is."""
    right: dict[int, tuple[int, bool]] = {}
    for number in itertools.count():
        about = inquiry.host.open_usual(inquiry.seed, number, agreed)
        if about is None:
            break
        with contextlib.suppress(CodeError):
            report = inquiry.judged(about, FEWEST, silent=True, counts=lambda _: False) if about else None
            right[number] = (_right(report), not report.assumed) if report is not None else (0, False)
            if report is not None and report.verdict == "agrees":
                return number
    best = max(right, key=lambda number: right[number], default=None)
    return best if best is not None and right[best][0] else None


def _right(report: Report) -> int:
    """How many gradients are right."""
    return sum(finding.verdict == "ok" for finding in report.tensors)


OPINIONS: tuple[Callable[[Inquiry, Answer], Answer | None], ...] = (
    _of_several_samples,
    _of_other_loops,
    _of_each_layer,
    _of_one_output,
    _on_its_own_way,
    _of_its_own_program,
    _told_otherwise,
    _of_the_usual_forward_pass,
)

_NOT_THEIR_SUM = (
    "Of each sample all gradients are right. {} does not make the step of their sum over several: that of {} is in no "
    "proportion to it. Usually = stands where += belongs."
)
_IN_ANOTHER_LOOP = "The loop in line {} is meant; in the one that is run first all is right."
_GOES_FORWARD_ITSELF = (
    "What goes back goes forward itself, and its gradients are those of that; {} computes something else, of which "
    "none is right."
)
_USUAL = "What went forward before {} is not in the file: it was held against a usual forward pass, {}."
_WITH_ANOTHER = "It is so where it is told {}; as it was told first all is right."
_FEWER = "There was time for {} of {} networks: they are drawn for {:g} seconds. A longer --timeout gives them longer."
_PART_OF_THE_WAY = (
    "No gradient is right when backward is given that of the output, and the class has other methods that make "
    "gradients: which of them is given what is not understood. The interface adapter says it in two functions."
)
_OF_OTHER_FILES = "All that could be run, and agrees, stands in the files that this one imports."
_ONLY_ITS_OWN = (
    "The file's own program goes along the gradient of a cost from its own numbers, and not from others: how it uses "
    "them is not understood. The interface adapter says it in two functions."
)
