"""The command line's arguments: standard library alone, so that --help and a slip of the pen are answered at once."""

from __future__ import annotations

import argparse
from importlib import metadata
from typing import Any

from gradcompare.commands.argument_types import named, number, whole
from gradcompare.training.arguments import add_train

LOSSES = (
    "cross_entropy",
    "softmax_cross_entropy",
    "squared_error",
    "full_squared_error",
    "mean_cross_entropy",
    "mean_squared_error",
    "mean_half_squared_error",
    "summed_cross_entropy",
    "summed_softmax_cross_entropy",
    "summed_squared_error",
    "hinge",
    "hinge_of_classes",
    "summed_hinge",
    "summed_hinge_of_classes",
    "summed_full_squared_error",
    "cross_entropy_of_logits",
    "summed_cross_entropy_of_logits",
    "softmax_cross_entropy_of_logits",
    "summed_softmax_cross_entropy_of_logits",
    "output",
)
"""The keys of `gradcompare.losses.LOSSES`, for which NumPy would have to be loaded."""
INTERFACES = (
    "dict-cache", "positional", "l-layer", "fused", "flat-vector", "global-weights", "loss-and-gradients",
    "gradient-method", "backprop-lists", "class", "layers", "update-only", "function-layers", "policy", "training-loop",
    "script",
    "adapter",
)  # fmt: skip
"""The keys of `gradcompare.interfaces.INTERFACES`, for which the same holds."""
TIMEOUT = 120.0
"""`gradcompare.checking.check.TIMEOUT`."""
LONGEST, MOST = 1_000_000.0, 1_000_000
"""Seconds, and networks: above it is a slip of the pen."""

CHECK = """\
Draw random networks, run the file's own forward and backward code on them, and
hold every gradient against PyTorch's derivative of the file's own forward
pass. What would keep the network from learning at the parameters that the file
itself starts from is a note. Of a file the definitions are run (imports,
functions, classes, constants); and its program, up to the end of the first turn
of its training loop, where these do not tell how it trains, and for a second
opinion; in a process of its own with a limit on its time and memory. That
protects against accidents and not against malice: check only code that you
would run."""

CHECK_MORE = """\
several files:
  A folder stands for all .py and .ipynb files in it and below it. All files
  are checked on the same networks; each gets a line, in the order of the
  files, and a table at the end counts verdicts and mistakes. With --csv or
  --json FILE, what is known is kept beside that file (FILE.unfinished) until
  the end: the same command goes on where an interrupted one stopped. A file
  that has changed since is checked anew.

exit status:
  0 the gradients agree, 1 they do not, 2 the question could not be put (usage,
  a file that cannot be read or run, unfinished, undecided, interrupted).
  Several files: 1 if any is wrong or scaled, else 2 if any could not be
  judged, else 0.

examples:
  gradcompare check homework.py
  gradcompare check homework.py --html report.html
  gradcompare check notebook.ipynb --verbose
  gradcompare check submissions/ --csv marks.csv --jobs 8
  gradcompare check homework.py --json - | jq .first_fault"""


def parser() -> argparse.ArgumentParser:
    """The parser; the command's name is in `command`."""
    top = argparse.ArgumentParser(
        prog="gradcompare",
        description="Hold hand-written gradients against PyTorch's, within the error that rounding alone can cause.",
        epilog="Exit status: 0 the gradients agree, 1 they do not, 2 the question could not be put.",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_check(commands)
    demo = commands.add_parser(
        "demo",
        help="the network by hand against the same network in PyTorch",
        description="manual/ and manual.loops against torch_ref/: four activations, both precisions, random networks.",
    )
    demo.add_argument(
        "--examples",
        metavar="N",
        type=whole(1, MOST),
        default=25,
        help="networks for each activation and precision (default: 25)",
    )
    demo.add_argument("--seed", metavar="N", type=int, default=0, help="what they are drawn from (default: 0)")
    _add_health(commands)
    commands.add_parser("interfaces", help="the shapes of code that are recognised, each with a skeleton to copy")
    add_train(commands)
    return top


def _add_health(commands: Any) -> None:
    about = """\
Look for what slows a network's learning down or stops it: symmetric units, saturated and dead ones, gradients
that vanish or explode, a network that is only linear, parameters that get no gradient. None of it is a failure:
the exit status is 0 whatever is found, 2 where the file holds no network."""
    health = commands.add_parser("health", help="what keeps a network from learning", description=about)
    health.add_argument(
        "file", metavar="FILE", type=named("file"),
        help="an .npz file with W1, b1, W2, ..., X and, for gradients, Y: one column a sample; `gradcompare train "
        "--output DIR` writes one, and np.savez",
    )  # fmt: skip
    health.add_argument(
        "--activations", metavar="NAMES",
        help="one name a layer, commas between them (default: those in the file, else tanh,sigmoid)",
    )  # fmt: skip
    health.add_argument(
        "--loss", choices=("cross_entropy", "squared_error"), help="(default: that in the file, else cross_entropy)"
    )
    health.add_argument("--json", action="store_true", help="write the notes as JSON")


def _add_check(commands: Any) -> None:
    check = commands.add_parser(
        "check",
        help="check the gradients in files of NumPy code",
        description=CHECK,
        epilog=CHECK_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument(
        "files", nargs="+", metavar="FILE[::NAME]", type=named("file"),
        help="a .py file, a notebook (.ipynb) or a folder; NAME is the class or function in it to check",
    )  # fmt: skip
    _add_what(check.add_argument_group("what is checked"))
    _add_output(check.add_argument_group("what comes out"))
    _add_how(check.add_argument_group("many files"))


def _add_what(group: Any) -> None:
    group.add_argument(
        "--interface", metavar="NAME", choices=INTERFACES,
        help="the shape of the code, as `gradcompare interfaces` lists them (default: the one that fits best)",
    )  # fmt: skip
    group.add_argument(
        "--loss", metavar="NAME", choices=LOSSES,
        help=f"the cost to assume in place of the file's own: {', '.join(LOSSES)}",
    )  # fmt: skip
    group.add_argument(
        "--dtype", choices=("float64", "float32", "both"), default="both",
        help="the precision under test (default: both, in turns)",
    )  # fmt: skip
    group.add_argument(
        "--examples", metavar="N", type=whole(1, MOST), default=200, help="how many random networks (default: 200)"
    )
    group.add_argument(
        "--seed", metavar="N", type=int, default=0,
        help="what they are drawn from; the same seed draws the same networks (default: 0)",
    )  # fmt: skip
    group.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, default=TIMEOUT,
        help=f"how long a file may take (default: {TIMEOUT:g}); networks are drawn for a quarter of it",
    )  # fmt: skip


def _add_output(group: Any) -> None:
    group.add_argument(
        "--json", metavar="FILE", type=named("file"),
        help="write the report as JSON, a list of reports for several files or a folder; - for standard output, with "
        "nothing else on it",
    )  # fmt: skip
    group.add_argument(
        "--csv", metavar="FILE", type=named("file"),
        help="write a table for a spreadsheet: a row for each file, with its verdict, first fault, line and mistake, "
        "and a column for each tensor, for partial credit",
    )  # fmt: skip
    group.add_argument(
        "--html", metavar="FILE", type=named("file"),
        help="write the report as a page to be looked at in a browser, of one file: its source with a verdict on each "
        "line, what to change, every tensor",
    )  # fmt: skip
    detail = group.add_mutually_exclusive_group()
    detail.add_argument("--quiet", action="store_true", help="one line for each file, and nothing else")
    detail.add_argument(
        "--verbose", action="store_true",
        help="every tensor, and the smallest network that shows the mistake as Python to run",
    )  # fmt: skip


def _add_how(group: Any) -> None:
    group.add_argument(
        "--jobs", metavar="N", type=whole(1, 10_000),
        help="how many files are checked at once (default: as many as there are cores, or all that a cluster takes)",
    )  # fmt: skip
    group.add_argument(
        "--cluster", metavar="ADDRESS",
        help="check on the Dask cluster of this scheduler, such as tcp://host:8786; its machines have gradcompare and "
        "see the files under the same paths (pip install 'gradcompare[cluster]')",
    )  # fmt: skip


class _Version(argparse.Action):
    """--version, looked up when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        print(f"gradcompare {metadata.version('gradcompare')}")
        parser.exit()


def _seconds(text: str) -> float:
    seconds = number(text)
    if not 0 < seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0 and up to {LONGEST:g}")
    return seconds
