"""What the READMEs quote from the result files, put there anew: each between two comments that name it.

python -m benchmarks.quotes
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import false_alarms, limits, results, verdicts
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
        "than 5 %); time of one core."
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
}

if __name__ == "__main__":
    main()
