"""A metric against a number: what was measured as a line, what was published as hollow marks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports.figures.style import look


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


def percent_axis(axes: Axes, label: str) -> None:
    """The vertical axis of such curves."""
    axes.set_ylabel(f"{label} (%)")
    axes.locator_params(axis="y", nbins=6, steps=[1, 2, 5, 10])
    axes.grid(axis="y")


def plot_measured(
    axes: Axes,
    points: Sequence[Point],
    values: Sequence[float],
    index: int,
    label: str,
    stretch: float = 1.0,
) -> Line2D:
    """A line through the points in percent, which breaks at each of `values` that has no point.

    `index` is the look; `stretch` moves the marks, so that they do not cover those of another
    line. Gives the entry for a legend.
    """
    found = {point.value: point for point in points}
    missing = Point(math.nan, math.nan)
    row = [found.get(value, missing) for value in values]
    axes.errorbar(
        [value * stretch for value in values],
        [100 * p.mean for p in row],
        yerr=[[100 * (p.mean - p.low) for p in row], [100 * (p.high - p.mean) for p in row]],
        elinewidth=0.8,
        capsize=1.5,
        capthick=0.8,
        **look(index),
    )
    return Line2D([], [], label=label, **look(index))


def plot_published(
    axes: Axes, points: Sequence[Published], index: int, label: str, stretch: float = 1.0
) -> Line2D:
    """Hollow marks in percent, with bars of one SD either way, and no line."""
    hollow = look(index) | {"linestyle": "none", "markerfacecolor": "#ffffff", "markersize": 6.5}
    axes.errorbar(
        [point.value * stretch for point in points],
        [100 * point.mean for point in points],
        yerr=[100 * point.sd for point in points],
        elinewidth=0.6,
        markeredgewidth=0.8,
        zorder=1.9,
        **hollow,
    )
    return Line2D([], [], label=label, markeredgewidth=0.8, **hollow)
