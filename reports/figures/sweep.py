"""Figure 4: metrics against one hyperparameter of a method, a panel for each hyperparameter."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D

from bench import metrics
from bench.metrics import Metric
from bench.study import Study
from reports.figures import points, style
from reports.figures.figure import Figure, gaps, left_out, note, places, sample_size, under
from reports.figures.points import (
    Point,
    Published,
    metric_axis,
    plot_measured,
    plot_published,
    shifts,
    value_axis,
)
from reports.results.results import Results, collect
from reports.results.view import View
from reports.results.wording import stem
from reports.tables.published import published
from reports.tables.sweep import ALPHA, BETA, Sweep

PAPER = ("acc", "auc")
"""What the paper shows."""
STEP = 0.02
"""Between the curves, as a part of the axis."""


@dataclass(frozen=True)
class Curve:
    """One metric: what was measured, and what was published."""

    metric: Metric
    measured: Sequence[Point]
    published: Sequence[Published] = ()


@dataclass(frozen=True)
class Panel:
    """A hyperparameter, such as α, the values that were asked for, and a curve for each metric.

    The metrics of a figure have one unit.
    """

    parameter: str
    values: Sequence[float]
    curves: Sequence[Curve]


@style.styled
def draw(panels: Sequence[Panel], note: str = "") -> MplFigure:
    """Means with 95 % intervals over seeds; a value that is missing leaves a gap in its line."""
    parameters = " and ".join(panel.parameter for panel in panels)
    shown = list(dict.fromkeys(curve.metric for panel in panels for curve in panel.curves))
    titles = [metric.title for metric in shown]
    label = f"{' and '.join(titles)} against {parameters}, measured and published"
    figure = style.new(style.PAGE if len(panels) > 1 else style.COLUMN, 2.5, label, note)
    handles: dict[tuple[int, int], Line2D] = {}
    for axes, panel in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True
    ):
        value_axis(axes, panel.values, [f"{value:g}" for value in panel.values])
        axes.set_xlabel(panel.parameter)
        for curve in panel.curves:
            index = shown.index(curve.metric)
            handles |= _plot(axes, panel, curve, index, shifts(len(shown), STEP)[index])
        metric_axis(axes, shown[0], " or ".join(titles))
        axes.label_outer()
    style.add_legend(figure, [handles[key] for key in sorted(handles)])
    return figure


def _plot(
    axes: Axes, panel: Panel, curve: Curve, index: int, shift: float
) -> dict[tuple[int, int], Line2D]:
    """The entries for a legend, those of one metric together."""
    title, scale, found = curve.metric.title, curve.metric.scale, {}
    if curve.published:
        name = f"{title}, published (mean ± SD)"
        found[index, 1] = plot_published(axes, curve.published, index, name, shift, scale)
    if curve.measured:
        name = f"{title}, measured (mean, 95 % interval)"
        found[index, 0] = plot_measured(
            axes, curve.measured, panel.values, index, name, shift, scale
        )
    return found


def figures(studies: Sequence[Study], view: View) -> list[Figure]:
    """One for each backbone and ratio, from the studies of Tables 5 and 6.

    ACC and AUC, as in the paper, unless the view is of another metric.
    """
    return [_figure(studies, view, *place) for place in places(studies[0])]


def _figure(studies: Sequence[Study], view: View, backbone: str, ratio: float) -> Figure:
    tables, main = (ALPHA, BETA), studies[0]
    names = PAPER if view.metric in PAPER else (view.metric,)
    measured = [
        {name: collect(study, backbone, ratio, f"metrics.{name}", view.combine) for name in names}
        for study in studies
    ]
    panels = [
        _panel(table, table.by_label(study), results)
        for study, table, results in zip(studies, tables, measured, strict=True)
    ]
    lacking = dict.fromkeys(
        gap for found in measured for one in found.values() for gap in gaps(one)
    )
    claims = any(curve.published for panel in panels for curve in panel.curves)
    alone = () if names is PAPER else (metrics.get(view.metric).name,)
    return Figure(
        stem(main, "figure4", *alone, backbone=backbone, ratio=ratio),
        draw(panels, note(main, sample_size(measured[0][names[0]]))),
        f"AILS over α and β, {measured[0][names[0]].over}, {under(backbone, ratio)}: mean and "
        f"95 % t interval over seeds, {sample_size(measured[0][names[0]])}"
        + ("; hollow: as published, mean ± SD, another protocol." if claims else ".")
        + left_out("No point where seeds are missing", list(lacking)),
        [
            {"parameter": table.parameter, "metric": curve.metric.title, **asdict(point)}
            for table, panel in zip(tables, panels, strict=True)
            for curve in panel.curves
            for point in curve.measured
        ],
    )


def _panel(table: Sweep, labels: Mapping[str, float], measured: Mapping[str, Results]) -> Panel:
    claimed = published(table.number)
    curves = [
        Curve(
            metrics.get(name),
            points.measured((value, results, label) for label, value in labels.items()),
            points.printed({float(v): row.get(name) for v, row in claimed.items()}),
        )
        for name, results in measured.items()
    ]
    return Panel(table.symbol, list(labels.values()), curves)
