"""The command line: it parses, calls, and prints; the only module that prints."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from gradcompare.report import Report

AGREES, WRONG, NOT_JUDGED = 0, 1, 2
EXIT = {"agrees": AGREES, "wrong": WRONG, "scaled": WRONG}
"""The exit status of each verdict; of all others NOT_JUDGED."""

COLOURS = {"agrees": "green", "wrong": "red", "scaled": "yellow"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 the gradients agree, 1 they do not, 2 the question could not be put."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return NOT_JUDGED
    except BrokenPipeError:
        return NOT_JUDGED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradcompare",
        description="Hold hand-written gradients against PyTorch's, within the error that rounding alone can cause.",
        epilog="Exit status: 0 the gradients agree, 1 they do not, 2 the question could not be put.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser(
        "check",
        help="check the gradients in a file of NumPy code",
        description="Draw random networks, run the file's own forward and backward functions on them, and hold every "
        "gradient against PyTorch's derivative of the file's own forward pass. The file is run.",
        epilog="Exit status: 0 every file's gradients agree, 1 some do not, 2 some could not be judged.",
    )
    check.add_argument("files", nargs="+", metavar="FILE", type=Path, help="a .py file")
    check.add_argument(
        "--interface",
        metavar="NAME",
        help="the shape of the code (see `gradcompare interfaces`); default: the first that fits",
    )
    check.add_argument(
        "--loss",
        metavar="NAME",
        help="the cost to assume instead of the file's own: cross_entropy, softmax_cross_entropy, squared_error",
    )
    check.add_argument(
        "--dtype",
        choices=("float64", "float32", "both"),
        default="both",
        help="the precision under test (default: both, in turns)",
    )
    check.add_argument(
        "--examples", metavar="N", type=_positive, default=200, help="how many random networks (default: 200)"
    )
    check.add_argument("--seed", metavar="N", type=int, default=0, help="what they are drawn from (default: 0)")
    check.add_argument(
        "--json", metavar="FILE", help="write the report as JSON; - for standard output, with nothing else on it"
    )
    detail = check.add_mutually_exclusive_group()
    detail.add_argument("--quiet", action="store_true", help="one line a file")
    detail.add_argument("--verbose", action="store_true", help="the smallest failing network's numbers too")
    check.set_defaults(run=_check)

    demo = commands.add_parser(
        "demo",
        help="the network by hand against the same network in PyTorch",
        description="manual/ and manual.loops against torch_ref/: four activations, both precisions, random networks.",
    )
    demo.add_argument(
        "--examples",
        metavar="N",
        type=_positive,
        default=25,
        help="networks for each activation and precision (default: 25)",
    )
    demo.add_argument("--seed", metavar="N", type=int, default=0, help="what they are drawn from (default: 0)")
    demo.set_defaults(run=_demo)

    interfaces = commands.add_parser(
        "interfaces", help="the shapes of code that are recognised, each with a skeleton to copy"
    )
    interfaces.set_defaults(run=_interfaces)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("should be 1 at least")
    return number


# ---- check -----------------------------------------------------------------------------------------------------------


def _check(options: argparse.Namespace) -> int:
    only_json = options.json == "-"
    out = Console(stderr=only_json, highlight=False, soft_wrap=True)
    reports: list[Report] = []
    for file in options.files:
        if not options.quiet:
            out.print(f"Running {file}: its code is executed as it stands.", style="dim", markup=False)
        try:
            reports.append(_checked(file, options))
        except ValueError as problem:
            print(f"gradcompare check: {problem}", file=sys.stderr)
            return NOT_JUDGED
        if not only_json:
            out.print()
            _print_report(out, reports[-1], options)
    if options.json:
        written = [report.to_dict() for report in reports]
        text = json.dumps(written if len(written) > 1 else written[0], indent=2, allow_nan=False, ensure_ascii=False)
        if only_json:
            print(text)
        elif unwritten := _write(Path(options.json), text + "\n"):
            print(f"gradcompare check: {unwritten}", file=sys.stderr)
            return NOT_JUDGED
    return exit_status([report.verdict for report in reports])


def exit_status(verdicts: Sequence[str]) -> int:
    """1 if any file is wrong or scaled, else 2 if any could not be judged, else 0."""
    statuses = {EXIT.get(verdict, NOT_JUDGED) for verdict in verdicts}
    return WRONG if WRONG in statuses else NOT_JUDGED if NOT_JUDGED in statuses else AGREES


def _checked(file: Path, options: argparse.Namespace) -> Report:
    from gradcompare.checking import check

    names = ("interface", "loss", "dtype", "examples", "seed")
    with _progress() as progress:
        task = progress.add_task(f"{file.name}", total=options.examples)
        return check(
            file,
            **{name: getattr(options, name) for name in names},
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )


def _print_report(out: Console, report: Report, options: argparse.Namespace) -> None:
    from gradcompare.report import headline, text

    if options.quiet:
        out.print(_coloured(headline(report), report.verdict))
        return
    head, _, rest = text(report, verbose=options.verbose).partition("\n")
    out.print(_coloured(head, report.verdict))
    for line in rest.split("\n"):
        out.print(Text(line, style="bold red" if line.lstrip().startswith(">") else ""))
    if options.verbose and report.smallest_case is not None:
        out.print(Text("The smallest network that showed it: " + json.dumps(report.to_dict()["smallest_case"])))


def _coloured(line: str, verdict: str) -> Text:
    return Text(line, style=f"bold {COLOURS.get(verdict, 'yellow')}")


def _write(path: Path, text: str) -> str | None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        return f"{path} could not be written: {error.strerror}"
    return None


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


# ---- demo and interfaces ---------------------------------------------------------------------------------------------


def _demo(options: argparse.Namespace) -> int:
    from gradcompare.demo import run, table

    with _progress() as progress:
        task = progress.add_task("networks", total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        outcome = run(options.examples, options.seed, advance)
    out = Console(highlight=False)
    out.print(table(outcome))
    out.print(Text(outcome.sentence(), style="bold green" if outcome.agrees else "bold red"), soft_wrap=True)
    return AGREES if outcome.agrees else WRONG


def _interfaces(_options: argparse.Namespace) -> int:
    from gradcompare.interfaces import INTERFACES

    out = Console(highlight=False, soft_wrap=True)
    for name, interface in INTERFACES.items():
        out.print(name, style="bold")
        out.print(Text("\n".join("    " + line for line in interface.skeleton.splitlines())))
        out.print()
    return AGREES


if __name__ == "__main__":
    sys.exit(main())
