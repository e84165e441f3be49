"""Right code in random algebraic forms on hostile networks: how often is it accused? A long run that can be resumed.

python -m benchmarks.false_alarms --networks 1000000 [--jobs N] [--cluster ADDRESS] [--anew]

The result is its own record: false_alarms.json says which networks have been run, by number, and is replaced as a whole
after each part. The same command goes on where the last one ended, as long as the code is the same.
"""

import argparse
import contextlib
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import results
from gradcompare.commands import batch, outputs
from gradcompare.report import versions
from tests.trials import tally

__all__ = ["code", "main", "sentence"]

ROOT = Path(__file__).parent.parent
PART = 250  # networks that are run and recorded together
JUDGES = ("gradcompare/bounds", "gradcompare/tracing", "gradcompare/judging", "gradcompare/cases.py")
SOURCES = (*JUDGES, "manual", "torch_ref", "tests/programs.py", "tests/strategies.py", "tests/trials.py")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what has not been run, and writes false_alarms.json after every part; 1 where right code was accused."""
    options = _options(arguments)
    found = {} if options.anew else results.read(options.out, "false_alarms")
    if found and found["code"] != code():
        sys.exit(
            f"{options.out}/false_alarms.json is of other code than this: counts of the two do not add up. "
            "--anew counts from the start."
        )
    found = found or {"code": code(), "ran": [], "verdicts": {}, "accused": [], "worst": {}, "failed": []}
    parts = missing(found["ran"], options.networks)
    try:
        _run(parts, found, options)
    except batch.BatchError as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        results.note("Interrupted. The same command goes on from here.")
    _show(found)
    return 1 if found["accused"] or found["failed"] else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=1_000_000, help="how many in all (default: %(default)s)")
    parser.add_argument("--jobs", type=int, help="processes at once (default: all cores, or all of the cluster)")
    parser.add_argument("--cluster", metavar="ADDRESS", help="a Dask scheduler whose workers have this checkout")
    parser.add_argument("--anew", action="store_true", help="forget what was run before")
    parser.add_argument("--out", type=Path, default=results.RESULTS, help="folder of the result (default: %(default)s)")
    return parser.parse_args(arguments)


def _run(parts: Sequence[tuple[int, int]], found: dict[str, Any], options: argparse.Namespace) -> None:
    tasks = [(first, last, found["code"]) for first, last in parts]
    bar = Progress(
        TextColumn("networks"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=results.progress_console,
    )
    done = contextlib.closing(batch.each(part, tasks, options.jobs, options.cluster))
    with bar, done as finished:
        task = bar.add_task("", total=options.networks, completed=options.networks - sum(b - a for a, b in parts))
        for i, result in finished:
            first, last = parts[i]
            add(found, first, last, result)
            found |= {"networks": sum(b - a for a, b in found["ran"]), "versions": versions()}
            found["measured"] = time.strftime("%Y-%m-%d")
            options.out.mkdir(parents=True, exist_ok=True)
            outputs.write(str(options.out / "false_alarms.json"), (json.dumps(found, indent=1) + "\n").encode())
            bar.advance(task, last - first)


def part(task: tuple[int, int, str]) -> dict[str, Any]:
    """The tally of a part, on whatever machine; ValueError where it has other code."""
    first, last, expected = task
    if code() != expected:
        raise ValueError("a worker has other code than this machine")
    return tally(range(first, last))


def code(sources: Sequence[str] = SOURCES) -> str:
    """A digest of all that decides a verdict, and of what draws the trials."""
    digest = hashlib.sha256()
    for source in sources:
        path = ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def missing(ran: Iterable[Sequence[int]], networks: int) -> list[tuple[int, int]]:
    """The networks that have not been run, in parts [first, last)."""
    parts: list[tuple[int, int]] = []
    position = 0
    for first, last in [*merged(ran), [networks, networks]]:
        end = min(first, networks)
        parts += [(start, min(start + PART, end)) for start in range(position, end, PART)]
        position = max(position, last)
    return parts


def add(found: dict[str, Any], first: int, last: int, result: Mapping[str, Any] | None) -> None:
    """One more part. A part whose process was killed each time is noted, and not counted as run."""
    if result is None:
        found["failed"] = sorted({*map(tuple, found["failed"]), (first, last)})
        return
    found["ran"] = merged([*found["ran"], (first, last)])
    found["failed"] = [part for part in found["failed"] if tuple(part) != (first, last)]
    found["verdicts"] = dict(Counter(found["verdicts"]) + Counter(result["verdicts"]))
    found["accused"] = sorted([*found["accused"], *result["accused"]])
    for precision, kinds in result["worst"].items():
        known = found["worst"].setdefault(precision, {})
        for kind, worst in kinds.items():
            known[kind] = max([*([known[kind]] if kind in known else []), list(worst)])


def merged(ranges: Iterable[Sequence[int]]) -> list[list[int]]:
    """The same numbers in as few ranges as possible."""
    out: list[list[int]] = []
    for first, last in sorted(map(tuple, ranges)):
        if out and first <= out[-1][1]:
            out[-1][1] = max(out[-1][1], last)
        else:
            out.append([first, last])
    return out


def sentence(found: Mapping[str, Any]) -> str:
    """The result in words, as the README has it."""
    verdicts = found["verdicts"]
    worst = max(ratio for kinds in found["worst"].values() for ratio, _ in kinds.values())
    return (
        f"Of {found['networks']:,} networks of right code {len(found['accused'])} were accused; "
        f"{verdicts.get('agrees', 0):,} agree, {verdicts.get('undecided', 0):,} cannot be decided; "
        f"worst error / bound {worst:.2f}."
    )


def _show(found: Mapping[str, Any]) -> None:
    if not found["ran"]:
        return
    kinds = list(dict.fromkeys(kind for ratios in found["worst"].values() for kind in ratios))
    rows = [
        [precision, *(f"{ratios[kind][0]:.2f}" if kind in ratios else "-" for kind in kinds)]
        for precision, ratios in sorted(found["worst"].items())
    ]
    results.show("Worst error / bound", ["precision", *kinds], rows)
    results.note(sentence(found))
    if found["accused"]:
        results.note(f"Accused: networks {found['accused']}. tests.trials.by_seed has each.")


if __name__ == "__main__":
    sys.exit(main())
