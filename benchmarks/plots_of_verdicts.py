"""Plots of what the rules find, as PNG and SVG. Without matplotlib nothing is drawn."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.plots import figure

__all__ = ["limits", "verdicts"]

OURS, OTHERS = "#000000", "#0072B2"
MARKS = "os^vDP*X<>dph8H"


def verdicts(found: Mapping[str, Any], folder: Path) -> None:
    """False alarms, misses and time rule by rule; and, in a second file, every mistake by every rule."""
    rules = [name for name in found["rules"] if name in found["right"]["all"]]
    with figure(folder, "verdicts", 3, 4.6) as axes:
        if axes is None:
            return
        _bars(axes[0], rules, {rule: _share(found["right"]["all"][rule]) for rule in rules})
        axes[0].set(title="false alarms", xlabel="percent of right programs")
        _bars(axes[1], rules, {rule: _share(found["wrong"]["all"][rule], missed=True) for rule in rules})
        axes[1].set(title="missed", xlabel="percent of programs with a mistake")
        for i, rule in enumerate(rules):
            parts = [part for part in found["growth"] if rule in part["seconds"]]
            style = {"color": OURS if "gradcompare" in rule else None, "marker": MARKS[i % len(MARKS)], "markersize": 4}
            seconds = [part["seconds"][rule] for part in parts]
            axes[2].plot([part["parameters"] for part in parts], seconds, label=rule, linewidth=1.2, **style)
        axes[2].set(
            xscale="log", yscale="log", xlabel="parameters", ylabel="seconds", title="a verdict on a right program"
        )
        axes[2].legend(fontsize=6, frameon=False)
    _mistakes(found, rules, folder)


def _mistakes(found: Mapping[str, Any], rules: list[str], folder: Path) -> None:
    names = [name for name in found["wrong"] if name != "all"]
    share = np.full((len(names), len(rules)), np.nan)
    for i, name in enumerate(names):
        for k, rule in enumerate(rules):
            if rule in found["wrong"][name]:
                share[i, k] = _share(found["wrong"][name][rule])[0]
    with figure(folder, "verdicts_mistakes", 1, 0.16 * len(names) + 1.6) as axes:
        if axes is not None:
            axes[0].imshow(share, cmap="viridis", vmin=0, vmax=100, aspect="auto")
            axes[0].set_xticks(range(len(rules)), rules, rotation=60, ha="right", rotation_mode="anchor", fontsize=6)
            axes[0].set_yticks(range(len(names)), names, fontsize=6)
            axes[0].set_title("found, percent (dark: none, light: all)", fontsize=8)
            axes[0].grid(False)


def _share(rate: Mapping[str, float], missed: bool = False) -> tuple[float, float, float]:
    """Percent, and both ends of its interval."""
    ends = [rate["flagged"] / rate["asked"], rate["low"], rate["high"]]
    share, low, high = [1 - end for end in (ends[0], ends[2], ends[1])] if missed else ends
    return 100 * share, 100 * low, 100 * high


def _bars(axis: Any, rules: list[str], shares: Mapping[str, tuple[float, float, float]]) -> None:
    values = [shares[rule][0] for rule in rules]
    reach = [[max(0.0, value - shares[rule][1]) for rule, value in zip(rules, values, strict=True)]]
    reach += [[max(0.0, shares[rule][2] - value) for rule, value in zip(rules, values, strict=True)]]
    colours = [OURS if "gradcompare" in rule else OTHERS for rule in rules]
    axis.barh(rules, values, xerr=reach, color=colours, error_kw={"linewidth": 0.8, "ecolor": "#7f7f7f"})
    axis.invert_yaxis()
    axis.tick_params(axis="y", labelsize=7)


def limits(found: Mapping[str, Mapping[str, Mapping[str, list[float | None]]]], folder: Path) -> None:
    """The detection limit by kind of tensor: a mark at the median, a line from the least to the largest."""
    with figure(folder, "limits", max(len(found), 1), 4.6) as axes:
        for axis, (dtype, rules) in zip(axes if axes is not None else (), found.items(), strict=False):
            kinds = list(dict.fromkeys(kind for values in rules.values() for kind in values))
            for i, (rule, values) in enumerate(rules.items()):
                style = {"color": OURS if "gradcompare" in rule else f"C{i % 10}"}
                for k, kind in enumerate(kinds):
                    there = [value for value in values.get(kind, []) if value is not None]
                    at = k + (i - len(rules) / 2) / (1.4 * len(rules))
                    if there:
                        axis.plot([at, at], [min(there), max(there)], linewidth=1, **style)
                    label = rule if k == 0 else None
                    middle = [float(np.median(there))] if there else [np.nan]
                    axis.plot([at], middle, MARKS[i % len(MARKS)], markersize=4, label=label, **style)
            axis.set(yscale="log", ylabel="smallest relative error found in 95 % of networks", title=dtype)
            axis.set_xticks(range(len(kinds)), kinds)
            axis.legend(fontsize=6, frameon=False, ncols=5, loc="upper center", bbox_to_anchor=(0.5, -0.07))
