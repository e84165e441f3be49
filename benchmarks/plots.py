"""Plots, as PNG and SVG, of what the benchmarks wrote. Without matplotlib nothing is drawn."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["accuracy", "checking", "figure", "gradients", "memory", "training"]

COLOURS = {  # Okabe and Ito's, which colour-blind readers can tell apart; ours is the dark one
    "manual.fused": "#000000",
    "manual": "#7f7f7f",
    "torch": "#D55E00",
    "torch.compile": "#E69F00",
    "JAX": "#0072B2",
    "HIPS": "#009E73",
    "scikit-learn": "#CC79A7",
    "tinygrad": "#56B4E9",
}
HIDDEN = ("manual.loops", "manual.fused again")


def _style(name: str) -> dict[str, Any]:
    key = max((key for key in COLOURS if name.startswith(key)), key=len, default="manual")
    extra = {"linewidth": 2.4, "zorder": 5} if key == "manual.fused" else {"linewidth": 1.4}
    return {"color": COLOURS[key], "marker": "o", "markersize": 4, "label": name, **extra}


@contextmanager
def figure(folder: Path, name: str, columns: int = 1, height: float = 4.2) -> Iterator[Any]:
    """Axes side by side, saved as {name}.png and {name}.svg; None where there is no matplotlib."""
    if find_spec("matplotlib") is None:
        yield None
        return
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    settings: Any = {"font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "gradcompare", "axes.grid": True}
    with mpl.rc_context(settings | {"grid.alpha": 0.25, "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = pyplot.subplots(1, columns, figsize=(5.6 * columns, height), squeeze=False)
        yield axes[0]
        figure.tight_layout()
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / f"{name}.png", dpi=150)
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        pyplot.close(figure)


def gradients(found: Mapping[str, Any], folder: Path) -> None:
    """Time against size, times ours, and the fraction of the limit; one file a precision."""
    for dtype in ("float32", "float64"):
        parts = [part for part in found["problems"] if f"{dtype}, tanh" in part["problem"]]
        if not parts:
            continue
        parts.sort(key=lambda part: part["seconds"]["manual.fused"]["median"])
        labels = [part["problem"].split(f", {dtype}")[0].replace(", ", "\n") for part in parts]
        with figure(folder, f"gradients_{dtype}", 3, 4.6) as axes:
            if axes is None:
                return
            kinds = (("seconds", "seconds"), ("over_ours", "time / that of manual.fused"), ("of_limit", "of the limit"))
            for axis, (kind, title) in zip(axes, kinds, strict=True):
                _lines(axis, parts, kind)
                axis.set(title=f"{title}, {dtype}", yscale="linear" if kind == "of_limit" else "log")
                axis.set_xticks(range(len(parts)), labels, rotation=55, ha="right", rotation_mode="anchor", fontsize=7)
            axes[2].set_ylim(0, 1.05)
            axes[2].yaxis.set_major_formatter("{x:.0%}")
            axes[0].legend(fontsize=8, frameon=False)


def _lines(axis: Any, parts: list[Mapping[str, Any]], kind: str) -> None:
    """A line for every engine, a band for its quartiles, and in the first plot the limit below them."""
    names = [name for name in _engines(parts) if name not in HIDDEN]
    for name in names:
        there = [i for i, part in enumerate(parts) if name in part[kind]]
        spreads = [parts[i][kind][name] for i in there]
        style = _style(name)
        axis.plot(there, [spread["median"] for spread in spreads], **style)
        low, high = ([spread[end] for spread in spreads] for end in ("low", "high"))
        axis.fill_between(there, low, high, color=style["color"], alpha=0.15, linewidth=0)
    if kind == "seconds":
        limit = [part["limit"]["median"] for part in parts]
        axis.plot(range(len(parts)), limit, color="#000000", linestyle=":", linewidth=1, label="the machine's limit")


def _engines(parts: list[Mapping[str, Any]]) -> list[str]:
    """Every engine once, in the order of their table."""
    return list(dict.fromkeys(name for part in parts for name in part["seconds"]))


def training(found: Mapping[str, Any], folder: Path) -> None:
    """A point for every trainer, in times of ours; a plot for each network, both precisions in it."""
    networks: dict[str, list[Mapping[str, Any]]] = {}
    for part in found["courses"]:
        problem, dtype, _tanh, steps, batches = part["course"].rsplit(", ", 4)
        networks.setdefault(f"{problem}: {steps}, {batches}", []).append({"dtype": dtype, **part})
    with figure(folder, "training", len(networks), 3.2) as axes:
        for axis, (title, parts) in zip(axes if axes is not None else (), networks.items(), strict=False):
            names = list(dict.fromkeys(name for part in parts for name in part["over_ours"]))[::-1]
            for part, marker in zip(parts, "os", strict=False):
                there = [name for name in names if name in part["over_ours"]]
                spreads = [part["over_ours"][name] for name in there]
                rows, colours = [names.index(name) for name in there], [_style(name)["color"] for name in there]
                axis.hlines(rows, [s["low"] for s in spreads], [s["high"] for s in spreads], colors=colours)
                axis.scatter([s["median"] for s in spreads], rows, c=colours, marker=marker, zorder=3)
                axis.scatter([], [], c="#7f7f7f", marker=marker, label=part["dtype"])
            axis.axvline(1, color="#000000", linewidth=0.8, linestyle=":")
            axis.set_yticks(range(len(names)), names)
            axis.set(xscale="log", xlabel="time / that of manual.fused", title=title)
            ticks = [tick for tick in (0.25, 0.5, 1, 2, 4, 8, 16) if 0.6 * axis.get_xlim()[0] <= tick]
            axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.minorticks_off()
            axis.legend(fontsize=8, frameon=False)


def memory(found: Mapping[str, Any], folder: Path) -> None:
    """Megabytes above the data against the number of samples."""
    with figure(folder, "memory") as axes:
        if axes is None:
            return
        for name, peaks in found["bytes"].items():
            line = {"linestyle": "--"} if "file" in name else {}
            megabytes = [max(value, 4096) / 1e6 for value in peaks.values()]  # a page is the least there is
            axes[0].plot([int(m) for m in peaks], megabytes, **_style(name), **line)
        axes[0].set(xscale="log", yscale="log", xlabel="samples, m", ylabel="MB above the data", title="2-4-1, float32")
        axes[0].legend(fontsize=8, frameon=False)


def checking(found: Mapping[str, Any], folder: Path) -> None:
    """Plain autograd passes that a verdict takes, against the number of parameters."""
    colours = {"compare, right": "#000000", "compare, wrong": "#7f7f7f"}
    with figure(folder, "checking") as axes:
        if axes is None:
            return
        names = dict.fromkeys(name for part in found["networks"] for name in part["passes"] if "pass" not in name)
        for name in names:
            parts = [part for part in found["networks"] if name in part["passes"]]
            style = {"color": colours.get(name, "#D55E00"), "linestyle": "--" if "slow" in name else "-", "marker": "o"}
            passes = [part["passes"][name]["median"] for part in parts]
            axes[0].plot([part["parameters"] for part in parts], passes, markersize=4, label=name, **style)
        axes[0].set(
            xscale="log", yscale="log", xlabel="parameters", ylabel="plain autograd passes", title="m = 64, float64"
        )
        axes[0].legend(fontsize=8, frameon=False)


def accuracy(found: Mapping[str, Any], folder: Path) -> None:
    """The median error in units in the last place, problem by problem."""
    with figure(folder, "accuracy", 1, 5.0) as axes:
        if axes is None:
            return
        parts = found["problems"]
        for name in dict.fromkeys(name for part in parts for name in part["engines"]):
            there = [i for i, part in enumerate(parts) if name in part["engines"]]
            median = [parts[i]["engines"][name]["median_ulps"] for i in there]
            axes[0].plot(median, there, **(_style(name) | {"linestyle": ""}))
        labels = [part["problem"].split(", m = 32, ")[-1] for part in parts]
        axes[0].set_yticks(range(len(parts)), labels, fontsize=8)
        axes[0].invert_yaxis()
        axes[0].set(xscale="log", xlabel="median error, units in the last place", title="8-16-1, m = 32")
        axes[0].legend(fontsize=8, frameon=False)
