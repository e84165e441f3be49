"""Why a program does not run: of many attempts the failure that says most, in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gradcompare.interfaces.calling import CannotCallError

FORWARD, BACKWARD = 1, 2
"""What was being run; before that, the parameters were being made."""


class CannotBuildError(Exception):
    """The initialiser or constructor does not take such sizes; the message says so, in words."""


class PlainNumbersError(CannotBuildError):
    """The parameters are numbers in lists."""

    def __init__(self) -> None:
        super().__init__("its parameters are plain Python numbers in lists, and what is followed is NumPy's arrays")


class NoNumbersError(CannotBuildError):
    """What stands in the place of a gradient is none; the message says what it is."""


OF_ITS_OWN = (EOFError, MemoryError, RecursionError)
"""Failures that come however a program is called."""


@contextlib.contextmanager
def reaching(stage: int) -> Iterator[None]:
    """A failure inside keeps how far the program got."""
    try:
        yield
    except Exception as error:
        error.reached = max(stage, getattr(error, "reached", 0))  # type: ignore[attr-defined]
        raise


def telling(error: BaseException) -> tuple[int, int]:
    """How much a failure says: what came furthest was nearest to how the file is meant; and that shapes do not fit only
    says that the layout was not the file's."""
    if isinstance(error, (PlainNumbersError, NoNumbersError, SystemExit, *OF_ITS_OWN)):  # however it is called
        return BACKWARD, 4
    if isinstance(error, CannotCallError):
        return FORWARD, 1
    if isinstance(error, NameError | ImportError) or isinstance(error.__cause__, NameError | ImportError):
        kind = 3
    elif isinstance(error, CannotBuildError):
        kind = 1
    else:
        kind = 0 if isinstance(error, ValueError | IndexError | AssertionError) else 2
    return getattr(error, "reached", 0), kind


def in_words(failure: BaseException | None, program: Any) -> str:
    """The sentence that says why a program does not run."""
    reason = describe(failure) if failure else "it returned nothing that looks like gradients"
    line = line_in(failure, file_of(program)) if failure else "?"
    said = f"{reason}{f' (line {line})' if line != '?' else ''}"
    if isinstance(failure, CannotCallError) and program.steps.role == "backward" and program.steps.forward is None:
        said += ". That is what a forward pass leaves behind, and none was found in the file: put both into one"
    advice = "" if isinstance(failure, OF_ITS_OWN) else f" {_advice(program)}"
    return f"The code does not run on a random network: {said}.{advice}"


def _advice(program: Any) -> str:
    """As what the file was read, and what to do where it is meant otherwise."""
    names = dict.fromkeys(getattr(function, "__name__", str(function)) for function in program.functions)
    read = f"{program.interface} ({', '.join(names)})" if names else program.interface
    return (
        f"It was read as {read}. Where it is meant otherwise, --interface NAME says so; `gradcompare interfaces` lists "
        "them, and the last one, the adapter, is two functions and always enough."
    )


def file_of(program: Any) -> str | None:
    """The file that a program's functions are from."""
    code = getattr(program.functions[0], "__code__", None) if program.functions else None
    return code.co_filename if code is not None else None


def describe(error: BaseException) -> str:
    """An exception in a line; of our own, which speak for themselves, only what they say."""
    if isinstance(error, CannotBuildError | CannotCallError) and str(error):
        return str(error)
    if isinstance(error, EOFError) and "reading a line" in str(error):
        return "it asks for input(), and nobody is there to answer"
    if isinstance(error, MemoryError):
        return f"it needs more memory than it may have{f': {error}' if str(error) else ''}"
    if isinstance(error, RecursionError):
        return "it calls itself without end"
    if isinstance(error, SystemExit):
        return "it calls exit()"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def line_in(error: BaseException, path: str | Path | None) -> int | str:
    """The last line of the file that the exception passed through."""
    line: int | str = "?"
    trace = error.__traceback__
    while trace is not None:
        if path is not None and trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
