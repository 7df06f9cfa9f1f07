"""Accuracy against the fraction of the training images that was used, a line for each method."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

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

STEP = 0.01
"""Between the methods, as a part of the axis."""
PANEL = 2.4
"""Inches: the height of a panel."""


@dataclass(frozen=True)
class Curve:
    """One method: its mean over datasets at each ratio, measured, and published where given."""

    method: str
    measured: Sequence[Point]
    published: Sequence[Published] = ()


@style.styled
def draw(
    curves: Sequence[Curve], ratios: Sequence[float], metric: str = "ACC", note: str = ""
) -> Figure:
    """Means with 95 % intervals over seeds; a ratio that is missing leaves a gap in its line.

    What was published stands below, on an axis of its own: it is of another protocol.
    """
    label = f"Mean {metric} of {len(curves)} methods against the fraction of training images"
    panels = 2 if any(curve.published for curve in curves) else 1
    figure = style.new(style.PAGE, PANEL * panels + 0.8, label, note)
    above, *below = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    percents = [f"{100 * ratio:g}" for ratio in ratios]
    value_axis(above, ratios, percents, "log", margin=0.03 + STEP * len(curves))
    handles = []
    for index, (curve, shift) in enumerate(zip(curves, shifts(len(curves), STEP), strict=True)):
        filled = plot_measured(above, curve.measured, ratios, index, curve.method, shift)
        for axes in below:
            hollow = plot_published(axes, curve.published, index, curve.method, shift)
        if curve.measured or curve.published:
            handles.append(filled if curve.measured else hollow)
    above.set_title("measured: mean, 95 % interval over seeds", loc="left")
    for axes in below:
        axes.set_title("published: mean ± SD, another protocol", loc="left")
    for axes in (above, *below):
        percent_axis(axes, f"mean {metric}")
    axes.set_xlabel("training images used (%), logarithmic")
    style.add_legend(figure, handles)
    return figure
