"""Check a file: find its program, draw networks, and hold its gradients against autograd of its own forward pass."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradcompare.checking.errors import CheckInterruptedError, CodeError, TimeIsUpError
from gradcompare.losses import LOSSES
from gradcompare.report import WRONG_COST, Report, Source

TIMEOUT = 120.0
"""Seconds that a file may take."""

Progress = Callable[[int, int], None]


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
            (forward, backward). Of a file the definitions are run, in a child process; and its own program, up to the
            end of one turn of training, where they tell nothing, or nothing right, or all is right.
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
    about: dict[str, Any] = {"rivals": []}
    time_is_up = False
    with np.errstate(all="ignore"), _host(source, timeout) as host:  # the code's numbers may be anything
        # The child loads torch in the meantime: what takes long to load here is loaded while it does.
        from gradcompare.checking.subject import Subject
        from gradcompare.checking.trials import Trials

        def judged(about: dict[str, Any], networks: int, progress: Progress | None, written: bool = True) -> Report:
            limits: dict[str, Any] = {}
            if about["is_own"]:
                networks, limits = min(networks, OF_OWN_WIDTHS), {"seconds": SECONDS_OF_OWN_PROGRAM}
            if "alone" in about:
                limits = {"seconds": SECONDS_OF_LAYERS, "enough": ENOUGH_OF_LAYERS}
            report = Trials(Subject(host, about), precisions, networks, seed, progress, **limits).run(loss)
            if about["seen_right"] and _nothing_is_right(report):
                again = host.open_own_program(seed, written, keeps_data=True)
                if again is not None:
                    report = Trials(Subject(host, again), precisions, networks, seed, progress, **limits).run(loss)
                if _nothing_is_right(report):
                    raise CodeError(_ONLY_ITS_OWN)
            if about["given_slope"] and about.get("kin_left_out") and _nothing_is_right(report):
                raise CodeError(_PART_OF_THE_WAY)
            return report

        try:
            about = _open(host, source, name, interface, seed)
            subject, text = subject | _asked(about), _text_of(about)
            report = judged(about, examples, progress)
        except _UnfinishedError as found:
            report = Report("unfinished", notes=[str(found)], cases=dict.fromkeys(_CASES, 0))
        except CodeError as problem:
            time_is_up = isinstance(problem, TimeIsUpError)
            report = Report("error", notes=[str(problem)], cases=dict.fromkeys(_CASES, 0))
        except CheckInterruptedError as interrupted:
            interrupted.report.subject = subject
            raise
        free = interface is name is None and not time_is_up
        layers = functools.partial(_each_layer, host, seed, judged, min(FEW, examples))
        if free and report.verdict in ("error", "agrees"):
            report, alone = layers(report)
            subject, text, free = (subject | _asked(alone), _text_of(alone), False) if alone else (subject, text, free)
        if free and report.verdict == "scaled" and "outputs" in (report.factor or "") and _has_one_output(host, seed):
            with contextlib.suppress(CodeError):
                about = _open(host, source, name, interface, seed) | {"says_one_output": True}
                report = judged(about, examples, progress)
        if free and subject["interface"] is not None and not about["is_own"]:
            opened = functools.partial(host.open_own_program, seed)
            if report.verdict == "agrees":
                host.ends_within(SECONDS_OF_OWN_PROGRAM)
            try:
                report, other = _second_opinion(report, opened, judged, examples, progress)
            except KeyboardInterrupt:
                report.subject, report.source = subject, text
                report.notes.append("Interrupted before the file's own program was asked.")
                raise CheckInterruptedError(report) from None
            if other is not None:
                subject, text = subject | _asked(other), _text_of(other)
    report.subject, report.source = subject, text
    if name is None and report.verdict == "agrees" and about["rivals"]:
        options = {"interface": interface, "loss": loss, "dtype": dtype, "examples": examples, "seed": seed}
        return _with_rivals(report, source, about["rivals"], options | {"timeout": timeout})
    return report


OF_OWN_WIDTHS = 40
"""So many networks a file's own program is asked about: they differ in their numbers alone."""
SECONDS_OF_OWN_PROGRAM = 12.0
"""After so many seconds it is asked about no more."""
SECONDS_OF_LAYERS, ENOUGH_OF_LAYERS = 2.0, 2
"""The same of layers each on its own, and on so many networks they are compared however long it takes."""
FEW = 10
"""On so many networks a file's own program is asked where its parts agree."""


def _second_opinion(
    report: Report,
    opened: Callable[..., dict[str, Any] | None],
    judged: Callable[..., Report],
    examples: int,
    progress: Progress | None,
) -> tuple[Report, dict[str, Any] | None]:
    """The report; or that on the file's own program, and what is known of that.

    Calling the parts of a file one by one, from outside, may misunderstand them. Where that leads to nothing, or to
    nothing right, what its own program does counts; and where all is right, what that does not have right.
    """
    if report.verdict == "wrong" and not _nothing_is_right(report):
        return report, None
    if report.verdict not in ("error", "wrong", "agrees"):  # of constants a program that only takes steps says nothing
        return report, None
    try:
        written = report.verdict == "error"
        about = opened(written=written)
        if about is None:
            return report, None
        agreed = report.verdict == "agrees"
        other = judged(about, min(FEW, examples) if agreed else examples, None if agreed else progress, written)
        if agreed and other.verdict == "wrong":
            other = judged(about, examples, progress, written)
    except CodeError:
        return report, None
    of_its_cost = any(row["mistake"] == WRONG_COST for row in other.diagnosis)
    sure = other.verdict == "wrong" and (not _nothing_is_right(other) or (agreed and of_its_cost))
    if not (
        sure or (other.verdict == "agrees" and not agreed) or (report.verdict == "error" and other.verdict != "error")
    ):
        return report, None
    if report.verdict != "error":
        found = "all of their gradients are right" if agreed else "none of their gradients is right"
        if not of_its_cost:
            other.notes.append(f"Where its parts are called one by one, {found}; this is what the file does with them.")
    return other, about


def _each_layer(
    host: Any, seed: int, judged: Callable[..., Report], networks: int, report: Report
) -> tuple[Report, dict[str, Any] | None]:
    """The report; or that on the layers of the file each on its own, and what is known of them.

    A network may leave out some of the layers, or some of what they can do. What is wrong there counts; that all of it
    is right counts where nothing else could be run, and where there is nothing else.
    """
    try:
        about = host.open_alone(seed)
        if about is None:
            return report, None
        other = judged(about, networks, None)
    except CodeError:
        return report, None
    kinds, error = f"{', '.join(about['alone'])}, each on its own", report.verdict == "error"
    counts = ["wrong", "scaled"] if error else ["wrong"]  # one constant for all may be what layers hand to one another
    if other.verdict in counts or (error and other.verdict == "agrees" and about["is_all"]):
        other.notes += about["left_out"] if error else []
        other.notes.append(f"These are {kinds}{'' if error else '; where they are put together, all is right'}.")
        return other, about
    if not error and other.verdict == "agrees":
        kept = [note for note in report.notes if not note.startswith(NOT_RUN)]
        report.notes = [*kept, *about["left_out"], f"Right are also {kinds}, given a random gradient of the output."]
    return report, None


def _has_one_output(host: Any, seed: int) -> bool:
    """Whether the file's own program makes a network of one output: a cost that is divided by their number too has the
    gradients of one that is not."""
    about = host.open_own_program(seed, written=False)
    return about is not None and about["own_widths"][-1:] == [1]


def _asked(about: dict[str, Any]) -> dict[str, Any]:
    return {"interface": about["interface"], "functions": about["functions"]}


def _text_of(about: dict[str, Any]) -> Source:
    return Source(about["text"], {int(line): tuple(place) for line, place in about["cells"].items()})


def _nothing_is_right(report: Report) -> bool:
    """Whether gradients of parameters differ, and all do."""
    return report.verdict in ("wrong", "scaled") and not any(
        finding.verdict == "ok" and not finding.witness for finding in report.tensors
    )


def _with_rivals(report: Report, source: Any, rivals: Sequence[str], options: dict[str, Any]) -> Report:
    """The report, or that on another function of the file that gives the same from the same arguments and is wrong."""
    for rival in rivals:
        other = check(source, name=rival, **options)
        if other.verdict in ("wrong", "scaled"):
            first = ", ".join(report.subject["functions"])
            other.notes.append(f"This is {rival}; {first}, which gives the same from the same arguments, agrees.")
            return other
        says = "agrees too" if other.verdict == "agrees" else f"{other.verdict}: {' '.join(other.notes)[:200]}"
        report.notes.append(f"{rival}, which gives the same from the same arguments: {says}.")
    return report


_PART_OF_THE_WAY = (
    "No gradient is right when backward is given that of the output, and the class has other methods that make "
    "gradients: which of them is given what is not understood. The interface adapter says it in two functions."
)
_ONLY_ITS_OWN = (
    "The file's own program goes along the gradient of a cost from its own numbers, and not from others: how it uses "
    "them is not understood. The interface adapter says it in two functions."
)
NOT_RUN = "Not run here"
_CASES = ("drawn", "decided", "at_kink", "undecided")


def _check_options(interface: str | None, loss: str | None, dtype: str, examples: int, timeout: float) -> None:
    for what, value, known in (
        ("interface", interface, _interfaces() if interface is not None else [None]),
        ("loss", loss, [None, *LOSSES]),
        ("dtype", dtype, ["float64", "float32", "both"]),
    ):
        if value not in known:
            raise ValueError(f"{value!r} is no {what}; these are: {', '.join(str(k) for k in known if k)}")
    if examples < 1:
        raise ValueError(f"examples is {examples}; it should be 1 at least")
    if not timeout > 0:
        raise ValueError(f"timeout is {timeout}; it should be above 0 seconds")


def _interfaces() -> list[str]:
    from gradcompare.interfaces import INTERFACES

    return list(INTERFACES)


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
        from gradcompare.checking.isolation import Child

        with Child(timeout) as child:
            yield child
    else:
        from gradcompare.checking.host import Host

        yield Host()


def _open(host: Any, source: Any, name: str | None, interface: str | None, seed: int) -> dict[str, Any]:
    """What is to be known of the program; CodeError or _UnfinishedError where there is none to check."""
    if isinstance(source, str | Path):
        about = host.open_file(str(source), name, interface, seed)
    else:
        from gradcompare.checking.host import open_live

        about = open_live(host, source, name, interface, seed)
    if about["unfinished"]:
        raise _UnfinishedError(about["unfinished"])
    if about["not_found"]:
        raise CodeError(about["not_found"])
    return dict(about)
