"""The detection limit: the smallest relative error of a tensor that a rule finds in 95 % of networks.

python -m benchmarks.limits [--networks N] [--jobs N] [--only TEXT] [--anew] [--smallest]

For every tensor, activation, depth and precision, on a grid of half decades. limits.json is replaced after every one of
them, and the same command goes on where the last one ended.
"""

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from statistics import median

from rich.progress import track

from benchmarks import machine, plots_of_verdicts, questions, results
from benchmarks.false_alarms import SOURCES, code
from benchmarks.rules import RULES, installed
from gradcompare.commands import batch
from tests.mistakes import TENSORS
from tests.planting import DEPTHS, HIDDEN, PRECISIONS, named

__all__ = ["by_kind", "limit", "main", "threshold"]

FOUND = 0.95  # of the networks
STEPS = 33  # half decades, from 1 down to 1e-16
Place = tuple[str, str, int, str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Searches, shows, writes limits.json after every part, and draws."""
    options = results.options(
        __doc__,
        arguments,
        networks={"type": int, "default": 20, "help": "networks for each limit (default: 20)"},
        jobs={"type": int, "help": "processes at once (default: all cores)"},
        only={"default": "", "help": "the limits that have this text: dW1, tanh, 3 layers, float32"},
        anew={"action": "store_true", "help": "forget what was found before"},
    )
    networks = 2 if options.smallest else options.networks
    digest = code((*SOURCES, "tests/mistakes.py", "tests/planting.py", "benchmarks/rules.py"))
    found = {} if options.anew else results.read(options.out, "limits")
    if (found.get("code"), found.get("networks")) != (digest, networks):
        found = {"code": digest, "networks": networks, "limits": {}}
    found["machine"] = machine.describe(options)
    places = [place for place in _places() if options.only in text(place)][: 1 if options.smallest else None]
    missing = [place for place in places if text(place) not in found["limits"]]
    tasks = [(place, networks) for place in missing]
    with contextlib.closing(batch.each(search, tasks, options.jobs)) as finished:
        for i, limits in track(finished, "limits", len(tasks), console=results.progress_console):
            if limits is None:
                raise RuntimeError(f"the process that searched {text(missing[i])} was killed")
            found["limits"][text(missing[i])] = limits
            results.write(options.out, "limits", found)
    _show(found["limits"])
    plots_of_verdicts.limits(by_kind(found["limits"]), options.out)


def _places() -> list[Place]:
    return [
        (tensor, activation, depth, dtype)
        for dtype, depth, activation, kind in product(PRECISIONS, DEPTHS, HIDDEN, TENSORS)
        for tensor in named(kind, depth)
    ]


def text(place: Place) -> str:
    tensor, activation, depth, dtype = place
    return f"{tensor}, {activation}, {depth} layers, {dtype}"


# ---- searching -------------------------------------------------------------------------------------------------------


def search(task: tuple[Place, int]) -> dict[str, float | None]:
    """{rule: its limit}, None where there is none: it does not look there, or accuses right programs too often."""
    place, networks = task
    limits = {}
    for name, rule in RULES.items():
        if installed(rule) and place[3] in rule.precisions:
            limits[name] = limit(_thresholds(name, place, networks))
    return limits


def _thresholds(name: str, place: Place, networks: int) -> list[float]:
    """The least error found in each network; 0 where the right program is accused as well."""
    found, near = list[float](), STEPS // 2

    def finds(number: int, step: float) -> bool:
        return RULES[name].flags(questions.scaled(place, error_of(step), number))

    for number in range(networks):
        if finds(number, math.inf):
            found.append(0.0)
            continue
        last = threshold(partial(finds, number), near)
        near = max(last, 0)
        found.append(error_of(last) if last >= 0 else math.inf)
    return found


def error_of(step: float) -> float:
    """1, 0.316, 0.1, ..."""
    return float(f"{10 ** (-step / 2):.3g}")


def threshold(finds: Callable[[int], bool], near: int) -> int:
    """The last step that is found, -1 where none is: what is smaller is harder to find. The search starts nearby."""
    step = near
    if finds(step):
        while step + 1 < STEPS and finds(step + 1):
            step += 1
        return step
    while step > 0:
        step -= 1
        if finds(step):
            return step
    return -1


def limit(thresholds: Sequence[float]) -> float | None:
    """The error that is found in 95 % of the networks in which right programs are not accused."""
    meant = sorted(value for value in thresholds if value > 0)
    if len(meant) < FOUND * len(thresholds):
        return None
    value = meant[math.ceil(FOUND * len(meant)) - 1]
    return value if math.isfinite(value) else None


# ---- showing ---------------------------------------------------------------------------------------------------------


def by_kind(limits: Mapping[str, Mapping[str, float | None]]) -> dict[str, dict[str, dict[str, list[float | None]]]]:
    """{precision: {rule: {kind of tensor: limits}}}."""
    kinds: dict[str, dict[str, dict[str, list[float | None]]]] = {}
    for place, values in limits.items():
        tensor, *_, dtype = place.split(", ")
        for rule, value in values.items():
            kind = tensor.rstrip("0123456789")
            kinds.setdefault(dtype, {}).setdefault(rule, {}).setdefault(kind, []).append(value)
    return kinds


def _show(limits: Mapping[str, Mapping[str, float | None]]) -> None:
    for dtype, rules in by_kind(limits).items():
        rows = [[rule, *(_range(kinds.get(kind, [])) for kind in TENSORS)] for rule, kinds in rules.items()]
        results.show(f"{dtype}: median limit, and the largest", ["rule", *TENSORS], rows)


def _range(values: Sequence[float | None]) -> str:
    """The median over activations, depths and layers, and the worst; "-" where something is not found at all."""
    if not values:
        return ""
    ordered = [math.inf if value is None else value for value in values]
    return " ".join("-" if math.isinf(value) else f"{value:.0e}" for value in (median(ordered), max(ordered)))


if __name__ == "__main__":
    main()
