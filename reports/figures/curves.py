"""Learning curves: the training loss and a metric on validation by epoch, a panel a method."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bench import metrics
from bench.base.errors import unknown
from bench.grid.cell import Run
from bench.metrics import Metric
from bench.study import Study
from reports.figures import style
from reports.figures.figure import (
    Figure,
    by_dataset,
    by_epoch,
    curves_of,
    gaps,
    in_percent,
    left_out,
    note,
    runs_of,
    sample_size,
    titled,
    under,
)
from reports.figures.multiples import behind, context, multiples
from reports.results.results import Results
from reports.results.tidy import Rows
from reports.results.view import View
from reports.results.wording import stem

LOSS = "loss"
BLUE = style.COLOURS[0]
FEW = 20
"""Epochs up to which each has a mark."""


@dataclass(frozen=True)
class Course:
    """One method: each quantity, `loss` or `val_acc`, by run and epoch (S, E); nan is undefined."""

    method: str
    values: Mapping[str, NDArray[np.float64]]

    def mean(self, quantity: str) -> NDArray[np.float64]:
        """Over runs (E,)."""
        return np.asarray(self.values[quantity].mean(0))

    def sd(self, quantity: str) -> NDArray[np.float64]:
        """Over runs (E,), with n - 1; nan where there is one run."""
        runs = self.values[quantity]
        return np.asarray(runs.std(0, ddof=1) if len(runs) > 1 else 0 * runs[0] + np.nan)


@style.styled
def draw(courses: Sequence[Course], metric: Metric, note: str = "") -> MplFigure:
    """Means with bands of one SD over runs either way; the other methods' means in gray."""
    label = f"Training loss and {metric.title} on validation by epoch, of {len(courses)} methods"
    panels = multiples([one.method for one in courses], label, note, blocks=2, height=1.1)
    quantities = {LOSS: 1.0, f"val_{metric.name}": metric.scale}
    for block, (quantity, scale) in enumerate(quantities.items()):
        means = [scale * one.mean(quantity) for one in courses]
        bands = [scale * one.sd(quantity) for one in courses]
        epochs = np.arange(1, len(means[0]) + 1)
        for k, axes in enumerate(panels.axes[block]):
            behind(axes, epochs.tolist(), [m.tolist() for m in means[:k] + means[k + 1 :]])
            _course(axes, epochs, means[k], bands[k])
    names = "training loss", f"validation\n{metric.title}{in_percent(metric)}"
    for block, name in enumerate(names):
        for axes in panels.left(block):
            axes.set_ylabel(name)
    for axes in panels.axes.flat:
        axes.grid(axis="y")
    panels.axes[0, 0].xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    for axes in panels.last():
        axes.set_xlabel("epoch")
    style.add_legend(panels.figure, [*_handles(courses), *context(len(courses))])
    return panels.figure


def _course(
    axes: Axes, epochs: NDArray[np.int64], means: NDArray[np.float64], sds: NDArray[np.float64]
) -> None:
    axes.fill_between(epochs, means - sds, means + sds, color=BLUE, alpha=0.25, linewidth=0)
    axes.plot(epochs, means, color=BLUE, marker="o" if len(epochs) <= FEW else "", markersize=2)


def _handles(courses: Sequence[Course]) -> list[Line2D | Patch]:
    mean = Line2D([], [], color=BLUE, label="mean over seeds")
    several = len(courses[0].values[LOSS]) > 1
    return [mean, *([Patch(color=BLUE, alpha=0.25, linewidth=0, label="± SD")] if several else [])]


def figures(studies: Sequence[Study], view: View) -> list[Figure]:
    """One for each dataset, backbone and ratio; a combination of backbones has none.

    Raises BenchError for a metric that records do not hold by epoch.
    """
    (study,) = studies
    metric = metrics.get(view.metric)
    drawn = [_figure(study, results, metric) for results in by_dataset(study, "metrics.acc")]
    return [figure for figure in drawn if figure]


def _figure(study: Study, results: Results, metric: Metric) -> Figure | None:
    """Of the one dataset; None where no method has all seeds."""
    (dataset,) = results.datasets
    runs = runs_of(study, results, dataset)
    courses = [
        _read(study, method, runs[method].values(), metric)
        for method in results.methods
        if results.complete(method, dataset)
    ]
    if not courses:
        return None
    backbone, ratio = results.backbone, results.ratio
    several = len(results.seeds) > 1
    return Figure(
        stem(study, "curves", dataset, metric.name, backbone=backbone, ratio=ratio),
        draw(titled(study, courses), metric, note(study, sample_size(results))),
        f"Training loss and {metric.title} on validation after each epoch, {dataset}, "
        f"{under(backbone, ratio)}: mean{', band: ± SD' if several else ''} over seeds, "
        f"{sample_size(results)}. A loss has the terms and the mixed targets of its method, so "
        "that its level is not comparable between methods."
        + left_out("Left out, as seeds are missing", gaps(results)),
        [row for course in courses for row in _rows(course)],
    )


def _read(study: Study, method: str, runs: Iterable[Run], metric: Metric) -> Course:
    curves = curves_of(study, runs)
    name, recorded = f"val_{metric.name}", curves[0][0]
    if name not in recorded:
        held = [key.removeprefix("val_") for key in recorded if key.startswith("val_")]
        raise unknown("metric by epoch in records", metric.name, held)
    return Course(method, by_epoch(curves, (LOSS, name)))


def _rows(course: Course) -> Rows:
    """One for each epoch and quantity: fractions, nothing rounded."""
    return [
        {
            "method": course.method,
            "epoch": epoch,
            "quantity": quantity,
            "mean": mean,
            "sd": sd,
            "n": len(runs),
        }
        for quantity, runs in course.values.items()
        for epoch, (mean, sd) in enumerate(
            zip(course.mean(quantity).tolist(), course.sd(quantity).tolist(), strict=True), start=1
        )
    ]
