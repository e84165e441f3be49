"""What the commands print with: standard output as a terminal or as plain text, and the progress bar beside it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

__all__ = ["aside", "clean", "colour", "out", "progress_bar", "styled", "width"]

COLOURS = {"agrees": "green", "wrong": "red"}


class _Out(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would end with status 1, which means "wrong" here


def out(what: Any) -> None:
    """To standard output: in colour and as wide as the terminal, or as plain text that is not wrapped."""
    console = _Out(highlight=False)
    console.width = width()
    console.print(what, soft_wrap=isinstance(what, str) or not hasattr(what, "columns"), markup=False)


def width() -> int:
    """How many columns standard output has; where it is no terminal, as many as one likes."""
    console = _Out()
    return console.width if console.is_terminal else 100_000


def colour(verdict: str) -> str:
    """What a verdict is printed in."""
    return COLOURS.get(verdict, "yellow")


def styled(line: str, verdict: str = "") -> Text:
    """A line, bold and in the colour of a verdict where one is given."""
    return Text(clean(line), style=f"bold {colour(verdict)}" if verdict else "")


def clean(line: str) -> str:
    """Characters that would command the terminal are shown, not sent."""
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line)


def progress_bar() -> Progress:
    """On standard error, where that is a terminal; gone at the end."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        disable=sys.stderr is None or not sys.stderr.isatty(),
    )


@contextlib.contextmanager
def aside(progress: Progress) -> Iterator[None]:
    """Without the progress bar, to print in its place."""
    if not progress.live.is_started:
        yield
        return
    progress.stop()
    try:
        yield
    finally:
        progress.start()
