"""The command line, from its arguments to its exit status; `gradcompare.commands.table` has what each command does."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

from gradcompare.commands.exit_status import NOT_JUDGED

SOON = 0.01
"""Seconds after which an interruption that was dropped comes again."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 the gradients agree, 1 they do not, 2 the question could not be put."""
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", f"{os.devnull}/none")  # it leaves nothing where one stands
    try:
        with _terminated_like_interrupted(), _interrupted_for_sure():
            from gradcompare.commands.arguments import parser

            options = parser().parse_args(arguments)
            for stream in (sys.stdout, sys.stderr):
                if hasattr(stream, "reconfigure"):
                    stream.reconfigure(errors="backslashreplace")
            from gradcompare.commands.table import COMMANDS

            status = COMMANDS[options.command](options)
            if sys.stdout is not None:  # it can be closed
                sys.stdout.flush()
            return status
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
    except BrokenPipeError:
        _say_no_more()
    except Exception as problem:  # status 1 would say that the gradients are wrong
        print(f"gradcompare: {_described(problem)}", file=sys.stderr)
        _say_no_more()
    return NOT_JUDGED


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM ends a check as Ctrl-C does: the processes that it started are ended, and what is known is said."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _interrupted_for_sure() -> Iterator[None]:
    """Where Python drops Ctrl-C, in a destructor or a callback of the garbage collector, it comes again."""
    before = sys.unraisablehook
    pending: list[threading.Timer] = []

    def again(dropped: sys.UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            pending.append(threading.Timer(SOON, _thread.interrupt_main))  # at once it would be dropped here
            pending[-1].start()
        else:
            before(dropped)

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before
        for timer in pending:
            timer.cancel()


def _described(problem: Exception) -> str:
    from traceback import extract_tb

    if isinstance(problem, OSError):
        return f"What was to be said could not be written: {problem.strerror or problem}."
    where = extract_tb(problem.__traceback__)[-1]
    place = f"{os.path.basename(where.filename)}, line {where.lineno}"
    return f"It failed itself ({place}: {type(problem).__name__}: {problem}). Please report it."


def _say_no_more() -> None:
    """Standard output takes no more: what is still in the buffer has nowhere to go."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
