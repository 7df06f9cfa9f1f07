"""Points of a curve: what was measured, as a line; what was published, as hollow marks."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bench.metrics import Metric
from bench.stats.paired import summarise
from reports.figures.figure import in_percent
from reports.figures.style import look
from reports.results.results import Results
from reports.tables.table import Cell


@dataclass(frozen=True)
class Point:
    """A mean over seeds, as a fraction, and its 95 % interval; nan with one seed."""

    value: float
    mean: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Published:
    """A mean and SD that a paper prints, as fractions; nan where it prints no SD."""

    value: float
    mean: float
    sd: float = math.nan


def measured(places: Iterable[tuple[float, Results, str]]) -> list[Point]:
    """Of a value, results and a method: the mean over datasets, with its interval over seeds.

    None where a dataset lacks a seed.
    """
    return [
        Point(value, summary.mean, summary.low, summary.high)
        for value, results, method in places
        if all(results.complete(method, dataset) for dataset in results.datasets)
        for summary in [summarise(results.means(method).values())]
    ]


def printed(cells: Mapping[float, Cell | str | None]) -> list[Published]:
    """By value what is a number."""
    return [
        Published(value, cell.mean, math.nan if cell.sd is None else cell.sd)
        for value, cell in cells.items()
        if isinstance(cell, Cell) and cell.mean is not None
    ]


def value_axis(
    axes: Axes,
    values: Sequence[float],
    texts: Sequence[str],
    scale: str = "linear",
    margin: float = 0.05,
) -> None:
    """The horizontal axis with a tick for each value, settled; every curve comes after it."""
    axes.set_xscale(scale)
    axes.set_xmargin(margin)
    axes.update_datalim([(value, 0) for value in values], updatey=False)
    axes.autoscale_view(scaley=False)
    axes.set_xlim(axes.get_xlim())
    axes.set_xticks(values, texts)
    axes.minorticks_off()


def metric_axis(axes: Axes, metric: Metric, label: str) -> None:
    """The vertical axis of such curves, with the unit of the metric."""
    axes.set_ylabel(label + in_percent(metric))
    axes.locator_params(axis="y", nbins=8, steps=[1, 2, 5, 10])
    axes.grid(axis="y")


def shifts(curves: int, step: float) -> list[float]:
    """So far curves stand from the values, `step` apart, for their marks not to cover each other:
    parts of the length of the axis."""
    return [step * (index - (curves - 1) / 2) for index in range(curves)]


def plot_measured(
    axes: Axes,
    points: Sequence[Point],
    values: Sequence[float],
    index: int,
    label: str,
    shift: float = 0.0,
    scale: float = 100,
) -> Line2D:
    """A line through `scale` times the points, broken at each of `values` that has no point.

    `index` is the look, `shift` one of `shifts`. Gives the entry for a legend.
    """
    found = {point.value: point for point in points}
    missing = Point(math.nan, math.nan)
    row = [found.get(value, missing) for value in values]
    axes.errorbar(
        _places(axes, values, shift),
        [scale * p.mean for p in row],
        yerr=[[scale * (p.mean - p.low) for p in row], [scale * (p.high - p.mean) for p in row]],
        elinewidth=0.8,
        capsize=1.5,
        capthick=0.8,
        **look(index),
    )
    return Line2D([], [], label=label, **look(index))


def plot_published(
    axes: Axes,
    points: Sequence[Published],
    index: int,
    label: str,
    shift: float = 0.0,
    scale: float = 100,
) -> Line2D:
    """Hollow marks at `scale` times the points, with bars of one SD either way, and no line."""
    hollow = look(index) | {"linestyle": "none", "markerfacecolor": "#ffffff", "markersize": 6.5}
    axes.errorbar(
        _places(axes, [point.value for point in points], shift),
        [scale * point.mean for point in points],
        yerr=[scale * point.sd for point in points],
        elinewidth=0.6,
        markeredgewidth=0.8,
        zorder=1.9,
        **hollow,
    )
    return Line2D([], [], label=label, markeredgewidth=0.8, **hollow)


def _places(axes: Axes, values: Sequence[float], shift: float) -> NDArray[np.float64]:
    """The values moved by that part of the axis, whatever its scale."""
    transform = axes.xaxis.get_transform()
    low, high = transform.transform(axes.get_xlim())
    moved = transform.transform(np.asarray(values, dtype=float)) + shift * (high - low)
    return np.asarray(transform.inverted().transform(moved))
