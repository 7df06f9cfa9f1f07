"""Confusion matrices: which class is taken for which, and the recall of each; a panel a method."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure as MplFigure
from numpy.typing import NDArray

from bench import metrics
from bench.base.errors import BenchError
from bench.base.task import Task
from bench.grid.cell import Run
from bench.stats.paired import Summary, summarise
from bench.study import Study
from reports.figures import style
from reports.figures.figure import (
    Figure,
    by_dataset,
    chosen,
    gaps,
    info_of,
    left_out,
    note,
    runs_of,
    sample_size,
    titled,
    under,
)
from reports.figures.multiples import multiples
from reports.results.results import Results
from reports.results.tidy import Rows
from reports.results.view import View
from reports.results.wording import stem

MOST = 4
"""Panels side by side."""
CELL = 0.14
"""Inches: the height of a cell, unless there are few."""
NAMES, RECALLS = 0.8, 0.5
"""Inches: room for the names of classes, left of all panels, and for recall, right of each."""
LEAST, DARK = 0.5, 90
"""Percent: below the first a cell has no number, from the second on its number is light."""
READABLE, RECALL = 4.5, 5.5
"""Points: digits smaller than the first are left out of cells; those of recall."""


@dataclass(frozen=True)
class Confusion:
    """One method: of each run, the share (C, C) of the images of a class (row) that are taken for a
    class (column); nan in the row of a class that has no image."""

    method: str
    runs: NDArray[np.float64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """The mean over runs (C, C)."""
        return np.asarray(self.runs.mean(0))

    @property
    def recalls(self) -> list[Summary]:
        """Over runs, of each class; n = 0 where it has no image."""
        diagonals = np.diagonal(self.runs, axis1=1, axis2=2).T
        return [summarise(values[np.isfinite(values)]) for values in diagonals]


def shares(
    scores: NDArray[np.float32], targets: NDArray[np.generic], task: Task
) -> NDArray[np.float64]:
    """The confusion matrix (C, C) of a run, each row divided by its sum."""
    counts = np.zeros((scores.shape[1], scores.shape[1]))
    np.add.at(counts, (targets.reshape(-1).astype(int), metrics.decisions(scores, task)), 1)
    totals = counts.sum(1, keepdims=True)
    undefined = np.full_like(counts, np.nan)
    return np.asarray(np.divide(counts, totals, out=undefined, where=totals > 0))


@style.styled
def draw(found: Sequence[Confusion], class_names: Sequence[str], note: str = "") -> MplFigure:
    """A panel for each method, in percent of the images of a class, with recall (mean ± SD over
    runs) on its right. Names of classes are cut to fit; their numbers stand below."""
    count = len(class_names)
    label = f"Confusion matrices of {len(found)} methods over {count} classes, with recall"
    height = max(CELL * count, 0.7) + 0.3
    panels = multiples([one.method for one in found], label, note, most=MOST, height=height)
    width = (panels.figure.get_figwidth() - NAMES) / panels.columns - RECALLS
    size = min(style.SMALL, width * 72 / count / 1.9)
    for axes, one in zip(panels.axes[0], found, strict=True):
        _matrix(axes, 100 * one.shares, size)
        _recalls(axes, one.recalls)
    numbers = map(str, range(count))
    shown = zip(class_names, numbers, strict=True)
    names = [k if name == k else f"{style.cut(name, NAMES)}  {k}" for name, k in shown]
    first = panels.axes[0, 0]
    first.set_yticks(range(count), names)
    first.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5), xticks=range(count))
    for axes in panels.left():
        axes.set_ylabel("class")
    for axes in panels.last():
        axes.set_xlabel("predicted class")
    return panels.figure


def _matrix(axes: Axes, percents: NDArray[np.float64], size: float) -> None:
    """The darker a cell, the larger its share: the page shows through the others."""
    edges = np.arange(len(percents) + 1) - 0.5
    colours = np.full((*percents.shape, 4), to_rgba(style.COLOURS[0]))
    colours[..., 3] = np.nan_to_num(percents) / 100
    axes.pcolormesh(edges, edges, colours)
    axes.tick_params(length=0)
    axes.tick_params(axis="x", labelsize=max(size, READABLE))
    for (row, column), percent in np.ndenumerate(percents):
        if percent >= LEAST and size >= READABLE:
            colour = "#ffffff" if percent >= DARK else "#000000"
            text = axes.text(column, row, f"{percent:.0f}", color=colour, fontsize=size)
            text.set(ha="center", va="center_baseline")


def _recalls(axes: Axes, recalls: Sequence[Summary]) -> None:
    """A column of texts right of the matrix."""
    for row, text in enumerate(["recall (%)", *map(_percent, recalls)], start=-1):
        axes.annotate(
            text,
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            textcoords="offset points",
            va="center_baseline",
            fontsize=RECALL,
            annotation_clip=False,
        )


def _percent(recall: Summary) -> str:
    if not recall.n:
        return "–"
    return f"{100 * recall.mean:.1f}" + (f" ± {100 * recall.sd:.1f}" if recall.n > 1 else "")


def figures(studies: Sequence[Study], view: View) -> list[Figure]:
    """One for each dataset, backbone and ratio; a combination of backbones has none.

    Raises BenchError where every dataset has several labels an image.
    """
    (study,) = studies
    several = [d.name for d in study.measured.grid.datasets if d.task is Task.MULTILABEL]
    wanted = [r for r in by_dataset(study, "metrics.acc") if r.datasets[0] not in several]
    if several and not wanted:
        raise BenchError(
            f"a confusion matrix needs one class for each image, and {', '.join(several)} has "
            "several labels; choose a dataset with one"
        )
    drawn = [_figure(study, chosen(results, view), several) for results in wanted]
    return [figure for figure in drawn if figure]


def _figure(study: Study, results: Results, several: Sequence[str]) -> Figure | None:
    """Of the one dataset; None where no method has all seeds."""
    (dataset,) = results.datasets
    runs = runs_of(study, results, dataset)
    found = [
        _confusion(study, method, runs[method].values())
        for method in results.methods
        if results.complete(method, dataset)
    ]
    if not found:
        return None
    labels = info_of(study, dataset).labels
    return Figure(
        stem(study, "confusion", dataset, backbone=results.backbone, ratio=results.ratio),
        draw(titled(study, found), labels, note(study, sample_size(results))),
        f"Confusion matrices on {dataset}, {under(results.backbone, results.ratio)}: of the test "
        "images of a class (row), the percentage that is taken for a class (column), mean over "
        f"seeds, {sample_size(results)}; less than 0.5 is left blank. Right: recall, mean ± SD "
        "over seeds."
        + left_out("Left out, as seeds are missing", gaps(results))
        + left_out("Without a figure, as an image has several labels", several),
        [row for one in found for row in _rows(one, labels)],
    )


def _confusion(study: Study, method: str, runs: Iterable[Run]) -> Confusion:
    found = [shares(*study.arrays(run), run.cell.task) for run in runs]
    return Confusion(method, np.array(found))


def _rows(one: Confusion, labels: Sequence[str]) -> Rows:
    """One for each pair of classes; shares and recall are fractions."""
    return [
        {
            "method": one.method,
            "class": label,
            "predicted": other,
            "share": share,
            "recall": recall.mean,
            "recall_sd": recall.sd,
            "n": len(one.runs),
        }
        for label, row, recall in zip(labels, one.shares.tolist(), one.recalls, strict=True)
        for other, share in zip(labels, row, strict=True)
    ]
