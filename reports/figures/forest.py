"""Paired differences to a reference, for these test images and for new ones.

The interval over seeds says where the mean of new trainings would lie on the same test images; the
crossed interval, where that of new trainings would lie on new images of the same source. Both are
at the level of their table: they exclude zero exactly where a difference is shown at this look.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D

from bench import metrics
from bench.looks import chosen_reference
from bench.metrics import Metric
from bench.stats.crossed import METRICS
from bench.stats.verdict import Judged
from bench.study import Study
from reports.figures import style
from reports.figures.figure import (
    Figure,
    gaps,
    in_percent,
    left_out,
    note,
    places,
    sample_size,
    titled,
    under,
)
from reports.results import pairs
from reports.results.results import Results, collect
from reports.results.view import View
from reports.results.wording import stem
from reports.tables.table import Row as TableRow
from reports.tables.table import Table

ROW, FRAME = 0.132, 1.0
"""Inches: the height of a row, and of all that is not rows."""
LEAST = 5
"""Lines that the height is for, however few there are."""
APART = 0.32
"""Rows by which the interval over images lies below that over seeds."""
HEADERS, COLUMNS = ("difference", "these images", "new images"), (38, 64, 64)
"""Of the columns of numbers; their least widths in points."""
GAP = 8
"""Points between them."""
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
class Form:
    """What a width has room for: columns of numbers, names so many inches long, and datasets left
    of their rows; else these stand on a line above them."""

    width: float
    numbers: int
    names: float
    above: bool


WIDE, NARROW = Form(style.PAGE, 3, style.PAGE, False), Form(style.COLUMN, 1, 0.9, True)
"""For a page, and for one column of it or a phone."""


@dataclass(frozen=True)
class Row:
    """A method minus the reference on one dataset, as fractions.

    `low` to `high`, at `level`, is the t interval over seeds, `low_new` to `high_new`, at
    `level_new`, the crossed one over seeds and images; nan where there is none.
    """

    dataset: str
    method: str
    difference: float
    low: float = math.nan
    high: float = math.nan
    low_new: float = math.nan
    high_new: float = math.nan
    n: int = 1
    family: int = 1
    level: float = math.nan
    level_new: float = math.nan
    verdict: str = ""
    verdict_new: str = ""


@style.styled
def draw(
    rows: Sequence[Row], reference: str, metric: Metric, note: str = "", form: Form = WIDE
) -> MplFigure:
    """A line for each row, those of one dataset together, with its numbers on the right."""
    datasets = list(dict.fromkeys(row.dataset for row in rows))
    rows = sorted(rows, key=lambda row: datasets.index(row.dataset))
    lines = _lines(rows, form)
    label = (
        f"Differences in {metric.title} to {reference} on {len(datasets)} datasets, with intervals"
    )
    height = _height(rows, form) * max(lines[-1] + 1, LEAST) + FRAME
    figure = style.new(form.width, height, label, note)
    axes = figure.subplots()
    axes.axvline(0, color=style.GRAY, linewidth=0.8, zorder=0)
    for y, row in zip(lines, rows, strict=True):
        _intervals(axes, row, y, metric.scale)
    columns = min(form.numbers, 3 if _has_new(rows) else 2)
    numbers = [HEADERS, *(_numbers(row, metric) for row in rows)]
    _texts(axes, [-1.1, *lines], [texts[:columns] for texts in numbers])
    _names(axes, rows, lines, form)
    axes.set_ylim(lines[-1] + 0.7, -0.7)
    axes.set_xlabel(style.wrap(_axis(metric, reference), form.width - 1))
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    style.add_legend(figure, _legend(rows))
    return figure


def _lines(rows: Sequence[Row], form: Form) -> list[int]:
    """The line of each row; where datasets stand above, one is left free for each."""
    found: list[int] = []
    for k, row in enumerate(rows):
        begins = not k or rows[k - 1].dataset != row.dataset
        found.append((found[-1] + 1 if k else 0) + (begins and form.above))
    return found


def _height(rows: Sequence[Row], form: Form) -> float:
    """Inches: of a line, which the longest name may need several of."""
    return ROW * max(_name(row, form).count("\n") + 1 for row in rows)


def _name(row: Row, form: Form) -> str:
    return style.wrap(row.method, form.names, style.SMALL)


def _axis(metric: Metric, reference: str) -> str:
    unit = " (percentage points)" if in_percent(metric) else ""
    better = "" if metric.higher_is_better else "; below 0 is better"
    return f"{metric.title}: method − {reference}{unit}{better}"


def _intervals(axes: Axes, row: Row, y: float, scale: float) -> None:
    above, below = y - APART / 2, y + APART / 2
    axes.plot([scale * row.low_new, scale * row.high_new], [below] * 2, **IMAGES)
    axes.plot([scale * row.low, scale * row.high], [above] * 2, **SEEDS | {"marker": ""})
    axes.plot(scale * row.difference, above, **SEEDS)


def _texts(axes: Axes, lines: Sequence[float], rows: Sequence[Sequence[str]]) -> None:
    """Columns of texts on the right, each as wide as its longest."""
    edge = 0.0
    for column, least in zip(zip(*rows, strict=True), COLUMNS, strict=False):
        edge += max(least, GAP + max(style.text_width(text, style.SMALL) for text in column))
        for y, text in zip(lines, column, strict=True):
            axes.annotate(
                text,
                (1, y),
                xycoords=("axes fraction", "data"),
                xytext=(edge, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=style.SMALL,
            )


def _numbers(row: Row, metric: Metric) -> tuple[str, str, str]:
    return (
        _signed(row.difference, metric),
        _interval(row.low, row.high, metric),
        _interval(row.low_new, row.high_new, metric),
    )


def _names(axes: Axes, rows: Sequence[Row], lines: Sequence[int], form: Form) -> None:
    """Methods as labels of the axis; datasets left of their first row, or above it; rules."""
    names = [_name(row, form) for row in rows]
    axes.set_yticks(lines, names)
    left = max(style.text_width(n, style.SMALL) for name in names for n in name.split("\n"))
    firsts = {row.dataset: y for y, row in reversed(list(zip(lines, rows, strict=True)))}
    for dataset, first in reversed(firsts.items()):
        axes.annotate(
            dataset,
            (0, first - form.above),
            xycoords=("axes fraction", "data"),
            xytext=(-left - (4 if form.above else 14), 0),
            textcoords="offset points",
            ha="left" if form.above else "right",
            va="center",
            fontweight="bold",
        )
        if first > form.above:
            axes.axhline(first - form.above - 0.5, color=style.GRAY, linewidth=0.4)


def _has_new(rows: Sequence[Row]) -> bool:
    """Whether new images are judged."""
    return any(math.isfinite(row.low_new) for row in rows)


def _legend(rows: Sequence[Row]) -> list[Line2D]:
    by_seed = any(math.isfinite(row.low) for row in rows)
    look = SEEDS if by_seed else SEEDS | {"linestyle": "none"}
    handles = [
        Line2D([], [], label="mean and interval, these images" if by_seed else "mean", **look)
    ]
    if _has_new(rows):
        handles.append(Line2D([], [], label="interval, new images", **IMAGES))
    return handles


def _interval(low: float, high: float, metric: Metric) -> str:
    return f"[{_signed(low, metric)}, {_signed(high, metric)}]" if math.isfinite(low) else "–"


def _signed(value: float, metric: Metric) -> str:
    """One decimal more than the metric has, with a sign unless it rounds to zero."""
    text = f"{metric.scale * value:+z.{metric.decimals + 1}f}".replace("-", "−")
    return text if text.strip("+0.") else text[1:]


def figures(studies: Sequence[Study], view: View) -> list[Figure]:
    """One for each backbone and ratio."""
    (study,) = studies
    drawn = [_figure(study, view, *place) for place in places(study)]
    return [figure for figure in drawn if figure]


def _figure(study: Study, view: View, backbone: str, ratio: float) -> Figure | None:
    """None where no method has all seeds."""
    metric = metrics.get(view.metric)
    results = collect(study, backbone, ratio, f"metrics.{view.metric}", view.combine)
    reference = chosen_reference(results.methods, view.reference)
    tests = pairs.families(results, reference)
    rows = [
        _row(results, dataset, method, reference, tests[dataset].get(method))
        for dataset in results.datasets
        for method in results.methods
        if method != reference
        and results.complete(method, dataset)
        and results.complete(reference, dataset)
    ]
    if not rows:
        return None
    drawn = titled(study, rows), reference, metric, note(study, sample_size(results))
    return Figure(
        stem(study, "forest", metric.name, backbone=backbone, ratio=ratio),
        draw(*drawn),
        f"{metric.title} of each method minus {reference}, paired by seed, "
        f"{under(backbone, ratio)}, {sample_size(results)}. Thick: t interval over seeds, these "
        f"test images{_levels(rows, 'level', results.looks)}; none where there is one seed, or "
        "all differences are the same. "
        + _about_images(rows, metric, results)
        + _left_out(results, reference),
        [asdict(row) for row in rows],
        narrow=draw(*drawn, NARROW),
        numbers=_table(drawn[0], metric),
    )


def _table(rows: Sequence[Row], metric: Metric) -> Table:
    lines = (TableRow(row.method, (row.dataset, *_numbers(row, metric))) for row in rows)
    return Table("The numbers of this figure", ("method", "dataset", *HEADERS), tuple(lines))


def _row(results: Results, dataset: str, method: str, reference: str, test: Judged | None) -> Row:
    if test is None:
        values, others = results.values[method, dataset], results.values[reference, dataset]
        return Row(dataset, method, fmean(pairs.differences(values, others).values()))
    return Row(
        dataset,
        method,
        test.difference,
        n=test.n,
        family=test.family,
        level=test.level,
        low=test.low_family,
        high=test.high_family,
        verdict=test.verdict,
        level_new=test.level_new,
        low_new=test.low_new,
        high_new=test.high_new,
        verdict_new=test.verdict_new,
    )


def _levels(rows: Sequence[Row], field: str, looks: Sequence[int]) -> str:
    """`, at the table's level of 98.3 to 99.2 %`: that of Holm's last step on each dataset."""
    known = sorted({getattr(row, field) for row in rows if math.isfinite(getattr(row, field))})
    if not known:
        return ""
    ends = " to ".join(dict.fromkeys(f"{100 * level:.1f}" for level in (known[0], known[-1])))
    starred = "from five seeds on it excludes 0 where the table has a star"
    if looks:
        starred += ", unless that was decided at an earlier look"
    return f", at the table's level of {ends} % ({starred})"


def _about_images(rows: Sequence[Row], metric: Metric, results: Results) -> str:
    if _has_new(rows):
        level = _levels(rows, "level_new", ()).partition(" (")[0]
        return f"Thin: interval over seeds and test images, crossed{level}."
    if metric.name not in METRICS:
        return f"No interval for new images: none is computed of {metric.title}."
    if results.looks and any(row.n < results.looks[-1] for row in rows):
        return "New images are judged at the last look."
    return "No interval for new images: predictions are missing."


def _left_out(results: Results, reference: str) -> str:
    compared = [d for d in results.datasets if results.complete(reference, d)]
    return left_out(
        f"Datasets left out, as {reference} lacks seeds",
        gaps(replace(results, methods=(reference,))),
    ) + left_out("Left out, as seeds are missing", gaps(replace(results, datasets=tuple(compared))))
