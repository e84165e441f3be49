"""What every benchmark shares at its edges: options, the JSON files, the tables."""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["RESULTS", "note", "options", "progress_console", "read", "seconds_text", "show", "write"]

RESULTS = Path(__file__).parent / "results"
console = Console(width=160)
progress_console = Console(stderr=True)


def options(
    description: str | None, arguments: Sequence[str] | None = None, **more: dict[str, Any]
) -> argparse.Namespace:
    """--rounds, --threads, --smallest and --out, and what `more` adds: {name: the options of add_argument}."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=15, help="how often each engine is timed (default: %(default)s)")
    parser.add_argument(
        "--threads", type=int, default=len(os.sched_getaffinity(0)), help="for every engine (default: all cores)"
    )
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu: processor time, with --threads 1 on a machine that others use (default: %(default)s)",
    )
    parser.add_argument("--smallest", action="store_true", help="the smallest problem alone, as the tests run it")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results (default: %(default)s)")
    for name, settings in more.items():
        parser.add_argument(f"--{name}", **settings)
    return parser.parse_args(arguments)


def write(folder: Path, name: str, results: dict[str, Any]) -> None:
    """{name}.json in the folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def read(folder: Path, name: str) -> dict[str, Any]:
    """The same file, or {} where there is none."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def note(text: str) -> None:
    console.print(text, highlight=False)


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in the terminal; the first column is text, the others are figures."""
    table = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", no_wrap=not i)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def seconds_text(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size or unit == "us":
            return f"{seconds / size:.3g} {unit}"
    raise AssertionError
