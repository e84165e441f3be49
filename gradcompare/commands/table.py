"""What each command does, once its arguments are known: options -> exit status. What a command needs is loaded when
it runs, for PyTorch alone takes seconds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from gradcompare.commands.exit_status import AGREES, NOT_JUDGED, of_one
from gradcompare.commands.terminal import clean, out, progress_bar, styled, width

__all__ = ["COMMANDS"]


def _check(options: argparse.Namespace) -> int:
    from gradcompare.commands.check import run

    return run(options)


def _demo(options: argparse.Namespace) -> int:
    from gradcompare.commands.demo import run, tables

    with progress_bar() as progress:
        task = progress.add_task("networks", total=None)
        outcome = run(
            options.examples, options.seed, lambda done, total: progress.update(task, completed=done, total=total)
        )
    verdict = "agrees" if outcome.agrees else "wrong"
    for table in tables(outcome, width()):
        out(table)
    out(styled(outcome.sentence(), verdict))
    return of_one(verdict)


def _health(options: argparse.Namespace) -> int:
    from gradcompare.commands.health import NetworkFileError, examine, to_json

    try:
        found = examine(options.file, options.activations, options.loss)
    except NetworkFileError as problem:
        print(f"gradcompare health: {problem}", file=sys.stderr)
        return NOT_JUDGED
    out(to_json(found) if options.json else "\n".join(map(clean, str(found).split("\n"))))
    return AGREES


def _interfaces(_options: argparse.Namespace) -> int:
    from rich.text import Text

    from gradcompare.interfaces import INTERFACES

    for name, interface in INTERFACES.items():
        out(Text(name, style="bold"))
        out("\n".join("    " + line for line in interface.skeleton.splitlines()))
        out("")
    return AGREES


def _train(options: argparse.Namespace) -> int:
    from gradcompare.training.command import CannotTrainError, train

    try:
        with progress_bar() as progress:
            task = progress.add_task("training", total=None)
            outcome = train(options, lambda done, total: progress.update(task, completed=done, total=total))
    except CannotTrainError as problem:
        print(f"gradcompare train: {problem}", file=sys.stderr)
        return NOT_JUDGED
    out(outcome.text)
    return of_one(outcome.verdict)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "check": _check,
    "demo": _demo,
    "health": _health,
    "interfaces": _interfaces,
    "train": _train,
}
