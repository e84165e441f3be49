"""The pictures, as PNG and SVG. Colours are Okabe and Ito's, which colour-blind readers can tell apart; what colour
tells, a dash or a marker tells too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

import manual
from gradcompare.commands.outputs import write
from gradcompare.training.activations import HIDDEN, Race, Sweep
from gradcompare.training.course import Course
from gradcompare.training.extras import needed

__all__ = ["course", "functions", "race", "sweeps"]

BY_HAND: dict[str, Any] = {"color": "#000000", "linewidth": 2.6}
IN_TORCH: dict[str, Any] = {"color": "#E69F00", "linewidth": 1.4, "linestyle": (0, (4, 2))}
CLASSES = ("#0072B2", "#D55E00")
SHADES = ("#CFE3F1", "#F9DFCC")
STYLES: dict[str, dict[str, Any]] = {
    "sigmoid": {"color": "#CC79A7", "linestyle": "-", "marker": "s"},
    "tanh": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    "relu": {"color": "#D55E00", "linestyle": "-", "marker": "^"},
    "leaky_relu": {"color": "#009E73", "linestyle": (0, (5, 2)), "marker": "v"},
}
MOST_POINTS = 500
"""A line has no more points than this: enough for the eye, and a small SVG."""
SETTINGS: Any = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "gradcompare",
}


@contextmanager
def _figure(folder: Path, name: str, rows: int, columns: int, size: tuple[float, float]) -> Iterator[Any]:
    """Axes (rows, columns), written as {name}.png and {name}.svg; CannotWriteError where that cannot be."""
    mpl = needed("matplotlib")
    mpl.use("Agg")
    pyplot = needed("matplotlib.pyplot")
    with mpl.rc_context(SETTINGS):
        figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
        try:
            yield axes
            for kind, options in (("png", {"dpi": 110}), ("svg", {"metadata": {"Date": None}})):
                picture = BytesIO()
                figure.savefig(picture, format=kind, **options)
                write(str(folder / f"{name}.{kind}"), picture.getvalue())
        finally:
            pyplot.close(figure)


def _thin(values: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """So many of the points that the eye misses none, with their steps."""
    steps = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).astype(int))
    return steps, np.asarray(values, dtype=np.float64)[steps]


# ---- two engines -----------------------------------------------------------------------------------------------------


def course(found: Course, folder: Path) -> None:
    """training: the cost curves over each other, the distance of the two, and what has been learned."""
    with _figure(folder, "training", 1, 3, (10.8, 3.5)) as axes:
        _draw_costs(axes[0, 0], found)
        _draw_distance(axes[0, 1], found)
        _draw_learned(axes[0, 2], found)


def _draw_costs(axis: Any, found: Course) -> None:
    axis.plot(*_thin(found.costs), label="by hand", **BY_HAND)
    axis.plot(*_thin(found.costs_torch), label="PyTorch", **IN_TORCH)
    axis.set(title="Cost J", xlabel="step")
    axis.set_ylim(bottom=0)
    axis.legend()


def _draw_distance(axis: Any, found: Course) -> None:
    steps, distances = _thin(np.where(np.array(found.distances) > 0, found.distances, np.nan))
    explained, expected = (_thin(np.maximum(values, 1e-300))[1] for values in (found.explained, found.expected))
    low = 10 ** np.floor(np.log10(min([1e-17, *(d / 10 for d in found.distances if d > 0)])))
    axis.fill_between(steps[1:], low, explained[1:], color="#E3E3E3", linewidth=0, label="rounding bounds")
    axis.plot(steps[1:], expected[1:], color="#7A7A7A", linewidth=1.2, linestyle=":", label="rounding as seen")
    axis.plot(steps, distances, label="the two apart", **BY_HAND | {"linewidth": 1.6})
    axis.axhline(found.half_of_the_digits, color="#0072B2", linewidth=1, linestyle="--", label="half of the digits")
    if found.parting is not None:
        axis.axvline(found.parting.step, color="#D55E00", linewidth=1.2, label=f"part: {found.parting.reason}")
    axis.set(title="Relative distance", xlabel="step", yscale="log")
    top = np.log10(max(1.0, np.nanmax(found.distances)))
    axis.set_ylim(low, 10 ** (top + (top - np.log10(low)) * (0.2 if found.parting else 0.1)))  # room for the legend
    axis.set_xlim(0, len(found.distances) - 1)
    axis.legend(fontsize=9, loc="upper left", ncols=2, handlelength=1.4, columnspacing=0.8, borderpad=0)


def _draw_learned(axis: Any, found: Course) -> None:
    inputs = len(found.problem.data.X)
    draw = {1: _draw_curve, 2: _draw_boundary}.get(inputs, _draw_predictions)
    draw(axis, found)
    measure, value = found.problem.quality(found.parameters)
    axis.set_title(f"Accuracy {value:.1%}" if measure == "accuracy" else f"Error {value:.2g} (root mean square)")


def _draw_curve(axis: Any, found: Course) -> None:
    X, Y = found.problem.data.X, found.problem.data.Y
    axis.plot(X[0], Y[0], ".", color="#56B4E9", markersize=4, label="samples")
    x = np.linspace(X.min(), X.max(), 300, dtype=X.dtype)[np.newaxis]
    axis.plot(x[0], found.problem.predict(found.parameters, x)[0], label="by hand", **BY_HAND)
    axis.plot(x[0], found.problem.predict(found.parameters_torch, x)[0], label="PyTorch", **IN_TORCH)
    axis.set(xlabel="x", ylabel="y")
    axis.legend(fontsize=8)


def _draw_boundary(axis: Any, found: Course) -> None:
    X, Y = found.problem.data.X, found.problem.data.Y[0]
    low, high = X.min(axis=1), X.max(axis=1)
    margin = (high - low) * 0.06
    grid = [np.linspace(a, b, 160) for a, b in zip(low - margin, high + margin, strict=True)]
    points = np.stack([axis_of.ravel() for axis_of in np.meshgrid(*grid)]).astype(X.dtype)  # (2, 160 * 160)
    mine, theirs = (
        found.problem.predict(p, points).reshape(len(grid[1]), len(grid[0]))
        for p in (found.parameters, found.parameters_torch)
    )
    axis.contourf(*grid, mine, levels=[-1, 0.5, 2], colors=SHADES)
    for k, marker in enumerate("o^"):
        axis.plot(*X[:, k == Y], marker, color=CLASSES[k], markersize=3.2, markeredgewidth=0)
    if mine.min() < 0.5 < mine.max():
        axis.contour(*grid, mine, levels=[0.5], colors="#000000", linewidths=2.2)
    if theirs.min() < 0.5 < theirs.max():
        axis.contour(*grid, theirs, levels=[0.5], colors="#E69F00", linewidths=1.2, linestyles=[(0, (4, 2))])
    axis.set(xlabel="$x_1$", ylabel="$x_2$")
    axis.grid(visible=False)


def _draw_predictions(axis: Any, found: Course) -> None:
    Y = found.problem.data.Y[0]
    A = found.problem.predict(found.parameters, found.problem.data.X)[0]
    bins = np.linspace(0, 1, 21)
    for k, hatch in enumerate(("", "//")):
        axis.hist(A[k == Y], bins, color=CLASSES[k], alpha=0.75, hatch=hatch, edgecolor="white", label=f"y = {k}")
    axis.set(xlabel="prediction", ylabel="samples", yscale="log")
    axis.legend(fontsize=8)


# ---- activations -----------------------------------------------------------------------------------------------------


def functions(folder: Path) -> None:
    """functions: the four activations and their slopes."""
    z = np.linspace(-4, 4, 801)
    with _figure(folder, "functions", 1, 4, (12, 3.0)) as axes:
        for axis, g in zip(axes[0], HIDDEN, strict=True):
            value = manual.ACTIVATIONS[g].value(z)
            slope = manual.ACTIVATIONS[g].slope(z, value)
            slope = np.where(np.isclose(z, 0) & (g in ("relu", "leaky_relu")), np.nan, slope)  # a jump is no line
            axis.axhline(0, color="#000000", linewidth=0.6)
            axis.axvline(0, color="#000000", linewidth=0.6)
            axis.plot(z, value, color=STYLES[g]["color"], linewidth=2.4, label="g(z)")
            axis.plot(z, slope, color="#000000", linewidth=1.5, linestyle=(0, (4, 2)), label="g'(z)")
            axis.set(title=g, xlabel="z", ylim=(-1.15, 2.15))
        axes[0, 0].legend(loc="upper left")


def race(found: Race, title: str, folder: Path) -> None:
    """activations: the cost of each, median and quartiles over the seeds."""
    with _figure(folder, "activations", 1, 1, (7.2, 3.9)) as axes:
        axis = axes[0, 0]
        for g, costs in found.costs.items():
            steps = _thin(costs[0])[0]
            low, median, high = np.nanpercentile(costs[:, steps], (25, 50, 75), axis=0)
            style = STYLES[g]
            axis.fill_between(steps, low, high, color=style["color"], alpha=0.15, linewidth=0)
            axis.plot(
                steps, median, linewidth=2, markersize=5, markevery=(7 * list(STYLES).index(g), 50), label=g, **style
            )
        axis.set(title=title, xlabel="step", ylabel="cost J")
        axis.set_ylim(bottom=0)
        axis.set_xlim(left=0)
        axis.legend(ncols=2)


def sweeps(found: Sequence[Sweep], iterations: int, folder: Path) -> None:
    """scales: the cost after a few steps against the size of the first weights."""
    with _figure(folder, "scales", 2, 2, (8.6, 5.8)) as axes:
        for axis in axes.ravel()[len(found) :]:
            axis.set_axis_off()
        for axis, one in zip(axes.ravel(), found, strict=False):
            for g, costs in one.costs.items():
                low, median, high = (np.percentile(costs, q, axis=1, method="nearest") for q in (25, 50, 75))
                axis.fill_between(one.scales, low, high, color=STYLES[g]["color"], alpha=0.12, linewidth=0)
                axis.plot(one.scales, median, linewidth=1.8, markersize=5, label=g, **STYLES[g])
            axis.set(
                title=f"Scale of {one.title}",
                xscale="log",
                yscale="log",
                xlabel="scale",
                ylabel=f"J after {iterations:,} steps",
            )
            axis.axvline(0.01, color="#7A7A7A", linewidth=1, linestyle=":")
            axis.annotate("0.01", (0.01, 0), (2, 2), xycoords=axis.get_xaxis_transform(), textcoords="offset points",
                          color="#5A5A5A", fontsize=8)  # fmt: skip
            _plain_ticks(axis)
        axes[0, 0].legend(ncols=2, fontsize=9)


def _plain_ticks(axis: Any) -> None:
    ticker = needed("matplotlib.ticker")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_minor_formatter(ticker.NullFormatter())
