"""Check a file: find its program, draw networks, and hold its gradients against autograd of its own forward pass."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradcompare.checking.errors import CodeError, UnfinishedError
from gradcompare.losses import LOSSES
from gradcompare.report import Report

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
        timeout: seconds that a file may take in all. After a quarter of them no more networks are drawn.
        progress: called with (networks done, networks in all).

    Returns:
        A Report. Its verdict is "error" or "unfinished", with a note that says why, where the question could not be
        put.

    Raises:
        ValueError, TypeError: for an option that is none of those above.
    """
    _check_options(interface, loss, dtype, examples, timeout)
    precisions = ["float64", "float32"] if dtype == "both" else [dtype]
    with np.errstate(all="ignore"), _host(source, timeout) as host:  # the code's numbers may be anything
        # The child loads torch in the meantime: what takes long to load here is loaded while it does.
        from gradcompare.checking.opinions import Inquiry, after_all

        parts = functools.partial(_open, host, source, name, interface, seed)
        inquiry = Inquiry(host, _file_name(source), precisions, examples, seed, loss, progress, parts, timeout)
        answer = inquiry.of_parts()
        if interface is name is None:
            answer = after_all(inquiry, answer)
    report, rivals = answer.report, answer.about["rivals"] if answer.about is not None else []
    if name is None and report.verdict == "agrees" and rivals:
        options = {"interface": interface, "loss": loss, "dtype": dtype, "examples": examples, "seed": seed}
        return _with_rivals(report, source, rivals, options | {"timeout": timeout})
    return report


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
    """What is to be known of the program; CodeError or UnfinishedError where there is none to check."""
    if isinstance(source, str | Path):
        about = host.open_file(str(source), name, interface, seed)
    else:
        from gradcompare.checking.host import open_live

        about = open_live(host, source, name, interface, seed)
    if about["unfinished"]:
        raise UnfinishedError(about["unfinished"])
    if about["not_found"]:
        raise CodeError(about["not_found"])
    return dict(about)
