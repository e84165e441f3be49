"""False alarms and missed mistakes of the rules that people use, and of ours, on the same programs and networks.

python -m benchmarks.verdicts [--networks N] [--jobs N] [--only TEXT] [--smallest]
"""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from math import sqrt
from statistics import NormalDist
from string import ascii_lowercase
from typing import Any

from rich.progress import track

from benchmarks import machine, plots_of_verdicts, questions, results
from benchmarks.checking import SIZES, SLOW
from benchmarks.rules import RULES, Question, Rule, installed
from gradcompare.commands import batch
from tests.mistakes import MISTAKES

__all__ = ["interval", "main", "percent"]

MORE = 4  # right programs of each kind, for every program with a mistake
PART = 10  # questions that are asked together
Counts = dict[str, list[float]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Asks, shows, writes verdicts.json, and draws."""
    options = results.options(
        __doc__,
        arguments,
        networks={"type": int, "default": 100, "help": "programs a mistake, four times as many right (default: 100)"},
        jobs={"type": int, "help": "processes at once (default: all cores)"},
        only={"default": "", "help": "the mistakes whose names have this text"},
    )
    networks, sizes = (1, SIZES[:1]) if options.smallest else (options.networks, SIZES)
    mistakes = [name for name in MISTAKES if options.only in name][: 2 if options.smallest else None]
    rows = [("right", kind, MORE * networks) for kind in questions.NUMBERS]
    rows += [("wrong", name, networks) for name in mistakes]
    counted = _asked(rows, options.jobs)
    found = {
        "machine": machine.describe(options),
        "networks": networks,
        "rules": {name: _described(rule) for name, rule in RULES.items()},
        **{group: _rates(counted, group) for group in ("right", "wrong")},
        "seconds": {rule: values[2] / values[1] for rule, values in _total(counted, "right").items()},
        "growth": [_growth(size, min(options.rounds, 3)) for size in sizes],
    }
    results.write(options.out, "verdicts", found)
    _show(found)
    plots_of_verdicts.verdicts(found, options.out)


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "compares": rule.compares,
        "tolerance": rule.tolerance,
        "source": rule.source,
        "precisions": rule.precisions,
        "asked": installed(rule),
    }


# ---- asking ----------------------------------------------------------------------------------------------------------


def _asked(rows: Sequence[tuple[str, str, int]], jobs: int | None) -> dict[tuple[str, str], Counts]:
    """{(group, row): {rule: [flagged, asked, seconds]}}."""
    tasks = [
        (group, row, first, min(first + PART, count)) for group, row, count in rows for first in range(0, count, PART)
    ]
    counted: dict[tuple[str, str], Counts] = {}
    with contextlib.closing(batch.each(ask, tasks, jobs)) as finished:
        for i, counts in track(finished, "questions", len(tasks), console=results.progress_console):
            if counts is None:
                raise RuntimeError(f"the process that asked {tasks[i]} was killed")
            _add(counted.setdefault(tasks[i][:2], {}), counts)
    return counted


def ask(task: tuple[str, str, int, int]) -> Counts:
    """Every rule, the questions of a row from the first number to the last: [flagged, asked, seconds of processor]."""
    group, row, first, last = task
    counts: Counts = {}
    for number in range(first, last):
        draw: Callable[[], Question] = partial(getattr(questions, group), row, number)
        for name, rule in RULES.items():
            question = draw()  # anew, for each rule pays for what it asks of the program and of PyTorch
            if installed(rule) and question.dtype in rule.precisions:
                _warmed(name)
                start = time.process_time()
                flagged = rule.flags(question)
                _add(counts, {name: [flagged, 1, time.process_time() - start]})
    return counts


@cache
def _warmed(name: str) -> None:
    """What is loaded at the first call is loaded."""
    RULES[name].flags(questions.of_size((2, 4, 1), 3))


def _add(counts: Counts, more: Mapping[str, Sequence[float]]) -> None:
    for rule, values in more.items():
        counts[rule] = [a + b for a, b in zip(counts.get(rule, [0, 0, 0.0]), values, strict=True)]


def _growth(sizes: tuple[int, ...], count: int) -> dict[str, Any]:
    """Seconds of processor that a verdict on a right program of this size takes, the least of a few."""
    parameters = sum(array.size for name, array in questions.of_size(sizes, 64).inputs.items() if name[0] in "Wb")
    seconds = {}
    for name, rule in RULES.items():
        if installed(rule) and "float64" in rule.precisions and (parameters <= SLOW or not rule.per_parameter):
            seconds[name] = min(_seconds(rule, questions.of_size(sizes, 64)) for _ in range(count))
    return {"sizes": sizes, "parameters": parameters, "seconds": seconds}


def _seconds(rule: Rule, question: Question) -> float:
    start = time.process_time()
    rule.flags(question)
    return float(f"{time.process_time() - start:.3g}")


# ---- counting --------------------------------------------------------------------------------------------------------


def interval(hits: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Of a proportion: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), pp. 209-212."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p, n = hits / count, count
    centre, reach = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (centre - reach) / (1 + z * z / n)), min(1.0, (centre + reach) / (1 + z * z / n))


def _total(counted: Mapping[tuple[str, str], Counts], group: str) -> Counts:
    total: Counts = {}
    for (of, _), counts in counted.items():
        if of == group:
            _add(total, counts)
    return total


def _rates(counted: Mapping[tuple[str, str], Counts], group: str) -> dict[str, Any]:
    """{row: {rule: {flagged, asked, low, high}}}, and all rows together."""
    rows = {row: counts for (of, row), counts in counted.items() if of == group}
    return {
        row: {rule: _rate(int(values[0]), int(values[1])) for rule, values in counts.items()}
        for row, counts in {**rows, "all": _total(counted, group)}.items()
    }


def _rate(flagged: int, asked: int) -> dict[str, float]:
    low, high = interval(flagged, asked)
    return {"flagged": flagged, "asked": asked, "low": round(low, 4), "high": round(high, 4)}


# ---- showing ---------------------------------------------------------------------------------------------------------


def _show(found: Mapping[str, Any]) -> None:
    rules = [name for name in RULES if name in found["right"]["all"]]
    kinds = [*questions.NUMBERS, "all"]
    letters = ascii_lowercase[: len(rules)]
    rows = []
    for letter, rule in zip(letters, rules, strict=True):
        alarms = [percent(found["right"][kind].get(rule), reach=kind == "all") for kind in kinds]
        missed = percent(found["wrong"]["all"].get(rule), "wrong")
        time_each = results.seconds_text(found["seconds"][rule])
        rows.append([f"{letter} {rule}", *alarms, missed, time_each])
    columns = ["rule", *(f"false alarms, {kind}" for kind in kinds), "missed mistakes", "time"]
    results.show("Percent, with 95 % intervals; processor time a verdict", columns, rows)
    names = [name for name in found["wrong"] if name != "all"]
    table = [[name, *(percent(found["wrong"][name].get(rule), reach=False) for rule in rules)] for name in names]
    results.show("Found, percent; the rules by their letters above", ["mistake", *letters], table)
    growth = [[rule, *(_time(part, rule) for part in found["growth"])] for rule in rules]
    sizes = [f"{part['parameters']:,}" for part in found["growth"]]
    results.show("Processor time a verdict, by parameters", ["rule", *sizes], growth)


def _time(part: Mapping[str, Any], rule: str) -> str:
    return results.seconds_text(part["seconds"][rule]) if rule in part["seconds"] else "-"


def percent(rate: Mapping[str, float] | None, group: str = "right", reach: bool = True) -> str:
    """Flagged, of right programs; missed, of wrong ones; with its interval."""
    if rate is None:
        return "-"
    ends = [rate["flagged"] / rate["asked"], rate["low"], rate["high"]]
    share, low, high = ends if group == "right" else [1 - end for end in (ends[0], ends[2], ends[1])]
    return f"{100 * share:.3g}" + (f" ({100 * low:.2g} to {100 * high:.2g})" if reach else "")


if __name__ == "__main__":
    main()
