"""Figure 4 of the paper: metrics against one hyperparameter of a method, a panel for each."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures import style
from reports.figures.points import (
    Point,
    Published,
    percent_axis,
    plot_measured,
    plot_published,
    shifts,
    value_axis,
)

STEP = 0.02
"""Between the curves, as a part of the axis."""


@dataclass(frozen=True)
class Curve:
    """One metric, such as ACC: what was measured, and what was published."""

    metric: str
    measured: Sequence[Point]
    published: Sequence[Published] = ()


@dataclass(frozen=True)
class Panel:
    """A hyperparameter, such as α, the values that were asked for, and a curve for each metric."""

    parameter: str
    values: Sequence[float]
    curves: Sequence[Curve]


@style.styled
def draw(panels: Sequence[Panel], note: str = "") -> Figure:
    """Means with 95 % intervals over seeds; a value that is missing leaves a gap in its line."""
    parameters = " and ".join(panel.parameter for panel in panels)
    metrics = list(dict.fromkeys(curve.metric for panel in panels for curve in panel.curves))
    label = f"{' and '.join(metrics)} against {parameters}, measured and published"
    figure = style.new(style.PAGE if len(panels) > 1 else style.COLUMN, 2.5, label, note)
    handles: dict[tuple[int, int], Line2D] = {}
    for axes, panel in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True
    ):
        value_axis(axes, panel.values, [f"{value:g}" for value in panel.values])
        axes.set_xlabel(panel.parameter)
        for curve in panel.curves:
            index = metrics.index(curve.metric)
            shift = shifts(len(metrics), STEP)[index]
            if curve.published:
                name = f"{curve.metric}, published (mean ± SD)"
                handles[index, 1] = plot_published(axes, curve.published, index, name, shift)
            if curve.measured:
                name = f"{curve.metric}, measured (mean, 95 % interval)"
                handles[index, 0] = plot_measured(
                    axes, curve.measured, panel.values, index, name, shift
                )
        percent_axis(axes, " or ".join(metrics))
        axes.label_outer()
    style.add_legend(figure, [handles[key] for key in sorted(handles)])
    return figure
