"""Paired differences to a reference, each with what training noise and what the images leave open.

The interval over seeds says where the mean of new trainings would lie on the same test images; the
bootstrap interval over test images, where the same networks would lie on new images.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures import style

ROW, FRAME = 0.132, 1.0
"""Inches: the height of a row, and of all that is not rows."""
LEAST = 5
"""Rows that the height is for, however few there are."""
APART = 0.32
"""Rows by which the interval over images lies below that over seeds."""
COLUMNS = (38, 102, 166)
"""Points from the axes to the right edges of the columns of numbers."""
SEEDS: dict[str, Any] = {
    "color": style.COLOURS[0],
    "linewidth": 1.4,
    "marker": "o",
    "markersize": 3.5,
}
IMAGES: dict[str, Any] = {
    "color": style.COLOURS[4],
    "linewidth": 1.0,
    "marker": "|",
    "markersize": 3.5,
}


@dataclass(frozen=True)
class Row:
    """A method minus the reference on one dataset, as fractions.

    `low` to `high` is the 95 % t interval over seeds, `image_low` to `image_high` the bootstrap
    interval over test images; nan where there is none.
    """

    dataset: str
    method: str
    difference: float
    low: float = math.nan
    high: float = math.nan
    image_low: float = math.nan
    image_high: float = math.nan


@style.styled
def draw(rows: Sequence[Row], reference: str, metric: str = "ACC", note: str = "") -> Figure:
    """A line for each row, those of one dataset together, with its numbers on the right."""
    datasets = list(dict.fromkeys(row.dataset for row in rows))
    rows = sorted(rows, key=lambda row: datasets.index(row.dataset))
    label = f"Differences in {metric} to {reference} on {len(datasets)} datasets, with intervals"
    figure = style.new(style.PAGE, ROW * max(len(rows), LEAST) + FRAME, label, note)
    axes = figure.subplots()
    axes.axvline(0, color=style.GRAY, linewidth=0.8, zorder=0)
    for y, row in enumerate(rows):
        _intervals(axes, row, y)
        _texts(
            axes,
            y,
            _signed(row.difference),
            _interval(row.low, row.high),
            _interval(row.image_low, row.image_high),
        )
    _texts(axes, -1.1, "difference", "over seeds", "over images")
    _names(axes, rows, datasets)
    axes.set_ylim(len(rows) - 0.3, -0.7)
    axes.set_xlabel(f"{metric}: method − {reference} (percentage points)")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    style.add_legend(figure, _legend(rows))
    return figure


def _intervals(axes: Axes, row: Row, y: int) -> None:
    above, below = y - APART / 2, y + APART / 2
    axes.plot([100 * row.image_low, 100 * row.image_high], [below] * 2, **IMAGES)
    axes.plot([100 * row.low, 100 * row.high], [above] * 2, **SEEDS | {"marker": ""})
    axes.plot(100 * row.difference, above, **SEEDS)


def _texts(axes: Axes, y: float, *texts: str) -> None:
    """One text for each column on the right."""
    for text, offset in zip(texts, COLUMNS, strict=True):
        axes.annotate(
            text,
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(offset, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=style.SMALL,
        )


def _names(axes: Axes, rows: Sequence[Row], datasets: Sequence[str]) -> None:
    """Methods as labels of the axis, datasets left of them at their first row, rules between."""
    axes.set_yticks(range(len(rows)), [row.method for row in rows])
    left = max(style.text_width(row.method, style.SMALL) for row in rows) + 14
    firsts = {row.dataset: y for y, row in reversed(list(enumerate(rows)))}
    for dataset in datasets:
        axes.annotate(
            dataset,
            (0, firsts[dataset]),
            xycoords=("axes fraction", "data"),
            xytext=(-left, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontweight="bold",
        )
        if firsts[dataset]:
            axes.axhline(firsts[dataset] - 0.5, color=style.GRAY, linewidth=0.4)


def _legend(rows: Sequence[Row]) -> list[Line2D]:
    by_seed = any(math.isfinite(row.low) for row in rows)
    look = SEEDS if by_seed else SEEDS | {"linestyle": "none"}
    handles = [
        Line2D([], [], label="mean and 95 % interval over seeds" if by_seed else "mean", **look)
    ]
    if any(math.isfinite(row.image_low) for row in rows):
        handles.append(Line2D([], [], label="95 % interval over test images", **IMAGES))
    return handles


def _interval(low: float, high: float) -> str:
    return f"[{_signed(low)}, {_signed(high)}]" if math.isfinite(low) else "–"


def _signed(value: float) -> str:
    """In points, with a sign unless it rounds to zero."""
    return f"{100 * value:+z.2f}".replace("-", "−").replace("+0.00", "0.00")
