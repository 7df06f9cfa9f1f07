"""What a search tried, by Optuna's own figures: its history, which parameters matter, slices."""

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import optuna
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from optuna.visualization import matplotlib as drawing

from bench import metrics
from bench.tuning.journal import as_optuna
from bench.tuning.point import write
from bench.tuning.quiet import quiet
from bench.tuning.search import Search
from reports.figures import style
from reports.figures.figure import Figure
from reports.results.tidy import Rows
from reports.results.wording import ranges

SLICES = 4
"""Parameters in a row: more would be too narrow."""
ENOUGH = 4
"""Trials that succeeded, below which no importance is told."""


def figures(search: Search) -> Iterator[Figure]:
    """History, importance and slices, as far as there are trials enough."""
    succeeded = sum(trial.value is not None for trial in search.trials)
    if not succeeded:
        return
    study, names = as_optuna(search), sorted(search.space.dimensions)
    target = f"validation {metrics.get(search.objective.metric).title}"
    rows = rows_of(search)
    yield _figure(search, "history", _of(drawing.plot_optimization_history, study, target), rows)
    if len(names) > 1 and succeeded >= ENOUGH:
        yield _figure(search, "importance", _of(drawing.plot_param_importances, study, target), [])
    for first in range(0, len(names), SLICES):
        shown = names[first : first + SLICES]
        slices = _of(drawing.plot_slice, study, target, params=shown)
        yield _figure(search, f"slices of {', '.join(shown)}", slices, [])


def rows_of(search: Search) -> Rows:
    """The trials, a row each."""
    return [
        {
            "dataset": search.cell.dataset,
            "method": search.cell.method.label,
            "backbone": search.cell.backbone,
            "ratio": search.cell.ratio,
            "metric": f"val_{search.objective.metric}",
            "trial": trial.number,
            "value": trial.value,
            "parameters": write(trial.params),
            "reason": trial.reason,
        }
        for trial in search.trials
    ]


@style.styled
def _of(plot: Callable[..., Any], study: optuna.Study, target: str, **options: Any) -> MplFigure:
    """What one of Optuna's functions draws; it is pyplot's no more."""
    with quiet(), plt.ioff():
        drawn = plot(study, target_name=target, **options)
    axes: Axes = np.ravel(drawn)[0]
    figure = axes.get_figure(root=True)
    assert figure is not None
    plt.close(figure)
    for each in figure.axes:
        plain(each)
    return figure


def plain(axes: Axes) -> None:
    """Without a ground of its own, in colours that a dark page can turn."""
    axes.patch.set_facecolor("none")
    axes.grid(color=style.GRAY, alpha=0.25)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_color("black")


def _figure(search: Search, what: str, drawn: MplFigure, rows: Rows) -> Figure:
    tried, failed = len(search.trials), sum(trial.value is None for trial in search.trials)
    seeds = ranges(search.objective.seeds)
    caption = f"Search of {search.name}: {what}; {tried} trials, each over seeds {seeds}."
    if failed:
        caption += f" {failed} failed, and are not drawn."
    drawn.set_label(caption)
    name = f"search-{search.cell.method.name}-{search.cell.dataset}-{search.cell.backbone}"
    name += f"-{search.cell.ratio:g}-{what.split()[0]}"
    return Figure(f"{name}-{what.split()[-1]}" if "slices" in what else name, drawn, caption, rows)
