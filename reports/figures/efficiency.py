"""Accuracy against the fraction of the training images that was used, a line for each method."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from reports.figures import style
from reports.figures.curves import Point, Published, percent_axis, plot_measured, plot_published

SPREAD = 0.1
"""How far apart, as a part of a ratio, the first and the last method stand at that ratio."""


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
    """Means with 95 % intervals over seeds; a ratio that is missing leaves a gap in its line."""
    label = f"Mean {metric} of {len(curves)} methods against the fraction of training images"
    figure = style.new(style.PAGE, 3.2, label, note)
    axes = figure.subplots()
    handles = []
    for index, curve in enumerate(curves):
        stretch = 1 + SPREAD * (index - (len(curves) - 1) / 2) / len(curves)
        hollow = plot_published(axes, curve.published, index, curve.method, stretch)
        filled = plot_measured(axes, curve.measured, ratios, index, curve.method, stretch)
        if curve.measured or curve.published:
            handles.append(filled if curve.measured else hollow)
    if any(curve.published for curve in curves):
        axes.set_title("filled: measured, 95 % interval; hollow: published, ± SD", loc="left")
    axes.set_xscale("log")
    axes.set_xticks(ratios, [f"{100 * ratio:g}" for ratio in ratios])
    axes.minorticks_off()
    axes.set_xlabel("training images used (%), logarithmic")
    percent_axis(axes, f"mean {metric}")
    style.add_legend(figure, handles)
    return figure
