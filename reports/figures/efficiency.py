"""Data efficiency: a metric against the fraction of training images, a panel for each method."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from matplotlib.figure import Figure as MplFigure

from bench import metrics
from bench.metrics import Metric
from bench.study import Study
from reports.figures import points, style
from reports.figures.figure import Figure, gaps, in_percent, left_out, note, sample_size, titled
from reports.figures.multiples import behind, context, multiples
from reports.figures.points import Point, Published, plot_measured, plot_published, value_axis
from reports.results.results import Results, collect
from reports.results.view import View
from reports.results.wording import stem
from reports.tables.published import published, row_name

MARGIN = 0.1
"""Left and right of the ratios, as a part of the axis."""
MEASURED, PUBLISHED = "mean, 95 % interval over seeds", "published: mean ± SD, another protocol"


@dataclass(frozen=True)
class Curve:
    """One method: its mean over datasets at each ratio, measured, and published where given."""

    method: str
    measured: Sequence[Point]
    published: Sequence[Published] = ()


@style.styled
def draw(
    curves: Sequence[Curve], ratios: Sequence[float], metric: Metric, note: str = ""
) -> MplFigure:
    """Means with 95 % intervals over seeds, and in gray the other methods'; a ratio that is missing
    leaves a gap in its line. A method without any point has no panel.

    What was published stands below, on an axis of its own: it is of another protocol.
    """
    curves = [curve for curve in curves if curve.measured or curve.published]
    kinds = ["measured", *(["published"] if any(curve.published for curve in curves) else [])]
    label = f"Mean {metric.title} of {len(curves)} methods against the part of training images"
    panels = multiples([curve.method for curve in curves], label, note, len(kinds))
    first = panels.axes[0, 0]
    value_axis(first, ratios, [f"{100 * r:g}" for r in ratios], "log", MARGIN)
    lines = [_line(curve, ratios, metric.scale) for curve in curves]
    handles = {}
    for k, (curve, (above, *below)) in enumerate(zip(curves, panels.axes.T, strict=True)):
        behind(above, ratios, lines[:k] + lines[k + 1 :])
        filled = plot_measured(above, curve.measured, ratios, 0, MEASURED, scale=metric.scale)
        handles[MEASURED] = filled
        for axes in below:
            hollow = plot_published(axes, curve.published, 1, PUBLISHED, scale=metric.scale)
            handles[PUBLISHED] = hollow
    for block, kind in enumerate(kinds):
        for axes in panels.left(block):
            axes.set_ylabel(f"{kind}\n{metric.title}{in_percent(metric)}")
    for axes in panels.axes.flat:
        axes.grid(axis="y")
    for axes in panels.last():
        axes.set_xlabel("training images (%)")
    style.add_legend(panels.figure, [*handles.values(), *context(len(curves))])
    return panels.figure


def _line(curve: Curve, ratios: Sequence[float], scale: float) -> list[float]:
    means = {point.value: scale * point.mean for point in curve.measured}
    return [means.get(ratio, math.nan) for ratio in ratios]


def figures(studies: Sequence[Study], view: View) -> list[Figure]:
    """One for each backbone, from the study of Table 4."""
    (study,) = studies
    drawn = [_figure(study, view, backbone) for backbone in study.backbone_labels]
    return [figure for figure in drawn if figure]


def _figure(study: Study, view: View, backbone: str) -> Figure | None:
    """None where there is no point."""
    metric, ratios = metrics.get(view.metric), sorted(study.measured.ratios)
    by_ratio = {
        ratio: collect(study, backbone, ratio, f"metrics.{view.metric}", view.combine)
        for ratio in ratios
    }
    curves = _curves(by_ratio, view.published and metric.name == "acc")
    if not any(curve.measured or curve.published for curve in curves):
        return None
    n = sample_size(by_ratio[ratios[0]])
    return Figure(
        stem(study, "efficiency", metric.name, backbone=backbone),
        draw(titled(study, curves), ratios, metric, note(study, n)),
        f"{metric.title} against the fraction of training images, {by_ratio[ratios[0]].over}, "
        f"{backbone}: mean and 95 % t interval over seeds, {n}; the axis of "
        "fractions is logarithmic." + _left_out(by_ratio),
        [{"method": curve.method, **asdict(p)} for curve in curves for p in curve.measured],
    )


def _curves(by_ratio: dict[float, Results], with_published: bool) -> list[Curve]:
    claimed = published(4) if with_published else {}
    anyone = next(iter(by_ratio.values()))
    return [
        Curve(
            method,
            points.measured((ratio, results, method) for ratio, results in by_ratio.items()),
            points.printed(
                {r: claimed.get(row_name(method), {}).get(f"{r:.0%}") for r in by_ratio}
            ),
        )
        for method in anyone.methods
    ]


def _left_out(by_ratio: dict[float, Results]) -> str:
    lacking: dict[str, list[str]] = {}
    for ratio, results in by_ratio.items():
        for gap in gaps(results):
            lacking.setdefault(gap, []).append(f"{ratio:.0%}")
    return left_out(
        "No point where seeds are missing",
        [f"{gap} at {', '.join(at)}" for gap, at in lacking.items()],
    )
