"""What the READMEs quote from the result files, put there anew: each between two comments that name it.

python -m benchmarks.quotes
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import checking, false_alarms, gradients, limits, results, verdicts
from benchmarks.spread import geometric_mean
from tests.mistakes import TENSORS

__all__ = ["main", "quoted"]

FOLDER = Path(__file__).parent
FILES = (FOLDER.parent / "README.md", FOLDER.parent / "README.zh-CN.md", FOLDER / "README.md")
Found = Mapping[str, Any]


def main() -> None:
    """Replaces what stands between the comments by what the result files say."""
    for file in FILES:
        file.write_text(quoted(file.read_text(encoding="utf-8")), encoding="utf-8")


def quoted(text: str, folder: Path = results.RESULTS) -> str:
    """The text with every quotation as the result files of the folder have it."""

    def replaced(match: re.Match[str]) -> str:
        begin, name, end = match[1], match[2], match[4]
        return f"{begin}\n{QUOTES[name](lambda file: results.read(folder, file))}\n{end}"

    return re.sub(r"(<!-- (\w+) -->)\n(.*?)(<!-- end -->)", replaced, text, flags=re.DOTALL)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (columns, ["---"] * len(columns), *rows))


def _rules(read: Callable[[str], Found]) -> str:
    """Each rule: false alarms, misses, the detection limit of dW, time."""
    found, smallest = read("verdicts"), limits.by_kind(read("limits")["limits"])
    rows = [
        [
            rule,
            *(verdicts.percent(found[group]["all"].get(rule), group) for group in ("right", "wrong")),
            *(_median(smallest.get(dtype, {}).get(rule, {}).get("dW")) for dtype in ("float64", "float32")),
            results.seconds_text(float(f"{found['seconds'][rule]:.2g}")),
        ]
        for rule in found["right"]["all"]
    ]
    columns = ["rule", "false alarms, %", "missed, %", "smallest error, float64", "float32", "time"]
    asked = [found[group]["all"]["gradcompare"]["asked"] for group in ("right", "wrong")]
    return table(columns, rows) + (
        f"\n\nWith 95 % intervals: {asked[0]:,} right programs, {asked[1]:,} with a mistake; "
        f"{read('limits')['networks']} networks for each smallest error (`-`: none, or right programs accused in more "
        "than 5 %; empty: no rule for that precision); time of one core."
    )


def _alarms(read: Callable[[str], Found]) -> str:
    """False alarms by the kind of numbers."""
    found = read("verdicts")["right"]
    kinds = [kind for kind in found if kind != "all"]
    return table(
        ["rule", *kinds],
        ([rule, *(verdicts.percent(found[kind].get(rule)) for kind in kinds)] for rule in found["all"]),
    )


def _limits(read: Callable[[str], Found]) -> str:
    """The median detection limit by kind of tensor, in both precisions."""
    smallest = limits.by_kind(read("limits")["limits"])
    rows = [
        [rule, dtype, *(_median(kinds.get(kind)) for kind in TENSORS)]
        for dtype, rules in smallest.items()
        for rule, kinds in rules.items()
    ]
    return table(["rule", "precision", *TENSORS], rows)


def _growth(read: Callable[[str], Found]) -> str:
    """Time of a verdict on a right program by the number of parameters."""
    found = read("verdicts")
    parts = found["growth"]
    rows = [
        [rule, *(results.seconds_text(part["seconds"][rule]) if rule in part["seconds"] else "-" for part in parts)]
        for rule in found["right"]["all"]
        if any(rule in part["seconds"] for part in parts)
    ]
    return table(["rule", *(f"{part['parameters']:,} parameters" for part in parts)], rows)


def _bounds(read: Callable[[str], Found]) -> str:
    """Error / bound and bound / tensor: median, 95 %, largest."""
    found = read("bounds")["bounds"]
    kinds = [kind for kind in found[0] if "bound" in kind]
    rows = [
        [
            f"{part['dtype']}, {part['hidden']}, scale {part['scale']:g}",
            *(", ".join(f"{value:.2g}" for value in part[kind].values()) for kind in kinds),
        ]
        for part in found
    ]
    return table(["networks", *kinds], rows)


def _gradients(read: Callable[[str], Found]) -> str:
    """Medians of each engine, and the best rival's time over ours, by problem."""
    problems = read("gradients")["problems"]
    best = gradients.over_best_rival(problems)
    aside = {"manual.loops", gradients.CONTROL}
    engines = [
        name for name in dict.fromkeys(name for part in problems for name in part["seconds"]) if name not in aside
    ]
    rows = [
        [
            part["problem"],
            *(_seconds(part["seconds"].get(name)) for name in engines),
            " ".join((best[part["problem"]][0], _ratio(part["over_ours"][best[part["problem"]][0]]))),
            f"{part['over_ours'][gradients.CONTROL]['median']:.2f}",
            f"{part['of_limit'][gradients.OURS]['median']:.0%}",
        ]
        for part in problems
    ]
    columns = ["problem", *engines, "best rival, times ours", "control", "of the limit"]
    return f"{_conditions(read('gradients'))}\n\n{table(columns, rows)}\n\n{_engines(read)}"


def _engines(read: Callable[[str], Found]) -> str:
    """In a sentence, how the others' times compare with ours."""
    problems = read("gradients")["problems"]
    ratios = [ratio.median for _, ratio in gradients.over_best_rival(problems).values()]
    eager = [part["over_ours"]["torch eager"]["median"] for part in problems if _samples(part["problem"]) <= 400]
    return (
        f"{len(ratios)} problems: the best rival's time over ours is {min(ratios):.2f} to {max(ratios):.2f}, geometric "
        f"mean {geometric_mean(ratios):.2f}; torch eager's, for at most 400 samples, {min(eager):.1f} to "
        f"{max(eager):.1f}, geometric mean {geometric_mean(eager):.2f}."
    )


def _samples(problem: str) -> int:
    """m, out of the name of a problem."""
    return int(problem.split("m = ")[1].split(", ")[0].replace(",", ""))


def _training(read: Callable[[str], Found]) -> str:
    """The time of each trainer over that of ours; ours itself in seconds."""
    courses = read("training")["courses"]
    trainers = _all(course["over_ours"] for course in courses)

    def cell(course: Found, name: str) -> str:
        return _seconds(course["seconds"][name]) if name == gradients.OURS else _ratio(course["over_ours"].get(name))

    rows = [[course["course"], *(cell(course, name) for name in trainers)] for course in courses]
    return f"{_conditions(read('training'))}\n\n{table(['', *trainers], rows)}"


def _all(parts: Iterable[Iterable[str]]) -> list[str]:
    """Every name once, as they first come."""
    return list(dict.fromkeys(name for part in parts for name in part))


def _seconds(spread: Found | None) -> str:
    return results.seconds_text(spread["median"]) if spread else "-"


def _ratio(spread: Found | None) -> str:
    return f"{spread['median']:.2f} ({spread['low']:.2f} to {spread['high']:.2f})" if spread else "-"


def _checking(read: Callable[[str], Found]) -> str:
    """What a verdict costs in plain passes, by the number of parameters."""
    found = read("checking")
    kinds = [kind for kind in found["networks"][0]["passes"] if kind != checking.PASS]
    rows = [
        [f"{part['parameters']:,}", *(_passes(part["passes"].get(kind)) for kind in kinds)]
        for part in found["networks"]
    ]
    return f"{_conditions(found)}\n\n{table(['parameters', *kinds], rows)}"


def _files(read: Callable[[str], Found]) -> str:
    """The seconds of whole checks by both clocks, and in times of `import torch`."""
    found = read("files")
    rows = [
        [f"`{name}`", *(f"{spread['median']:.2f}" for clock in command.values() for spread in clock.values())]
        for name, command in found["commands"].items()
    ]
    columns = ["command", "seconds", "times import torch", "processor seconds", "times import torch"]
    return f"{_conditions(found)}\n\n{table(columns, rows)}"


def _passes(spread: Found | None) -> str:
    return f"{spread['median']:,.1f}" if spread else "-"


def _conditions(found: Found) -> str:
    """On what, and how, it was measured."""
    where = found["machine"]
    clock = {"wall": "the wall clock", "cpu": "processor time"}[where["clock"]]
    threads = "one thread" if where["threads"] == 1 else f"{where['threads']} threads"
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    return (
        f"{where['processor']}, {where['cores']} cores; {threads}, {clock}, load by others {where['load_before']:g}, "
        f"{where['measured']}; {versions}."
    )


def _median(values: Sequence[float | None] | None) -> str:
    """Over layers, depths and activations; "-" where more than half have none."""
    if not values:
        return ""
    value = median([math.inf if value is None else value for value in values])
    return "-" if math.isinf(value) else f"{value:.0e}"


QUOTES: dict[str, Callable[[Callable[[str], Found]], str]] = {
    "rules": _rules,
    "false_alarms": lambda read: false_alarms.sentence(read("false_alarms")),
    "alarms": _alarms,
    "limits": _limits,
    "growth": _growth,
    "bounds": _bounds,
    "gradients": _gradients,
    "engines": _engines,
    "training": _training,
    "checking": _checking,
    "files": _files,
}

if __name__ == "__main__":
    main()
