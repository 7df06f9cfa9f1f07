"""Reliability diagrams: are the images given 80 % confidence right eight times in ten?

Bins, confidence and error as in `bench.metrics` (Guo et al., ICML 2017).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bench.base.task import Task
from bench.grid.cell import Run
from bench.metrics import CALIBRATION_BINS
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

COLUMNS = 5
OBSERVED: dict[str, Any] = {"color": style.COLOURS[0], "marker": "o", "markersize": 3}
SHARE: dict[str, Any] = {"color": style.COLOURS[5], "alpha": 0.5, "linewidth": 0}
EDGES = np.linspace(0, 1, CALIBRATION_BINS + 1)


@dataclass(frozen=True)
class Bins:
    """Of each of 15 equal bins of confidence: how many predictions, the sum of their confidence,
    and how many were right."""

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    right: NDArray[np.float64]

    @property
    def ece(self) -> float:
        """The expected calibration error, as a fraction."""
        return float(np.abs(self.right - self.confidence).sum() / self.counts.sum())


@dataclass(frozen=True)
class Reliability:
    """One method: the bins of each of its runs.

    Its error is the mean over runs, as in tables. That of the pooled predictions is smaller: gaps
    of opposite sign cancel, and the more, the more runs there are.
    """

    method: str
    runs: Sequence[Bins]

    @property
    def pooled(self) -> Bins:
        """The bins of the predictions of all runs."""
        return Bins(
            np.sum([run.counts for run in self.runs], axis=0),
            np.sum([run.confidence for run in self.runs], axis=0),
            np.sum([run.right for run in self.runs], axis=0),
        )

    @property
    def ece(self) -> Summary:
        """Over runs, as a fraction."""
        return summarise(run.ece for run in self.runs)


def bin_scores(scores: NDArray[np.float32], targets: NDArray[np.generic], task: Task) -> Bins:
    """Bin the probabilities (N, C) of a run.

    The confidence is the largest score of an image; for several labels an image, every score of
    every label, which is right where the label is positive.
    """
    if task is Task.MULTILABEL:
        confidence, right = scores.ravel(), targets.ravel() == 1
    else:
        confidence, right = scores.max(1), scores.argmax(1) == targets.reshape(-1)
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return Bins(
        counts=np.bincount(bins, minlength=CALIBRATION_BINS),
        confidence=_sums(bins, confidence),
        right=_sums(bins, right),
    )


def axis_names(task: Task) -> tuple[str, str]:
    """What the bins are of, and what is observed in them."""
    if task is Task.MULTILABEL:
        return "predicted probability", "observed frequency"
    return "confidence", "accuracy"


@style.styled
def draw(reliabilities: Sequence[Reliability], task: Task, note: str = "") -> MplFigure:
    """A panel for each method: accuracy against confidence of all runs pooled, how often each
    confidence occurs, and the error of a run, mean ± SD.

    An empty bin leaves a gap in the line.
    """
    predicted, observed = axis_names(task)
    label = f"Reliability diagrams of {len(reliabilities)} methods: {observed} against {predicted}"
    titles = [f"{one.method}\n{_error(one.ece)}" for one in reliabilities]
    panels = multiples(titles, label, note, most=COLUMNS, height=1.5)
    for axes, reliability in zip(panels.axes[0], reliabilities, strict=True):
        _panel(axes, reliability.pooled)
    for axes in panels.left():
        axes.set_ylabel(f"{observed}\nand share (%)")
    for axes in panels.last():
        axes.set_xlabel(style.wrap(f"{predicted} (%)", 1))
    style.add_legend(
        panels.figure,
        [
            Line2D([], [], label=f"{observed} in a bin, all seeds pooled", **OBSERVED),
            Patch(label="share of all predictions", **SHARE),
        ],
    )
    return panels.figure


def _sums(bins: NDArray[np.intp], values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.bincount(bins, values, CALIBRATION_BINS).astype(np.float64)


def _panel(axes: Axes, bins: Bins) -> None:
    filled = np.where(bins.counts > 0, bins.counts, np.nan)
    axes.stairs(100 * bins.counts / bins.counts.sum(), 100 * EDGES, fill=True, **SHARE)
    axes.plot([0, 100], [0, 100], color=style.GRAY, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.plot(100 * bins.confidence / filled, 100 * bins.right / filled, clip_on=False, **OBSERVED)
    axes.set(xlim=(0, 100), ylim=(0, 100), xticks=[0, 50, 100], yticks=[0, 50, 100])


def _error(ece: Summary) -> str:
    sd = f" ± {100 * ece.sd:.1f}" if ece.n > 1 else ""
    return f"ECE {100 * ece.mean:.1f}{sd} %"


def figures(studies: Sequence[Study], view: View) -> list[Figure]:
    """One for each dataset, backbone and ratio; a combination of backbones has none."""
    (study,) = studies
    drawn = [_figure(study, chosen(results, view)) for results in by_dataset(study, "metrics.ece")]
    return [figure for figure in drawn if figure]


def _figure(study: Study, results: Results) -> Figure | None:
    """Of the one dataset; None where no method has all seeds."""
    (dataset,) = results.datasets
    runs = runs_of(study, results, dataset)
    found = [
        _reliability(study, method, runs[method].values())
        for method in results.methods
        if results.complete(method, dataset)
    ]
    if not found:
        return None
    task = info_of(study, dataset).task
    predicted, observed = axis_names(task)
    return Figure(
        stem(study, "reliability", dataset, backbone=results.backbone, ratio=results.ratio),
        draw(titled(study, found), task, note(study, sample_size(results))),
        f"Calibration on {dataset}, {under(results.backbone, results.ratio)}: {observed} against "
        f"{predicted} in 15 bins, {sample_size(results)} pooled, and how often each "
        f"{predicted} occurs. ECE: mean ± SD over runs of the error of each."
        + left_out("Left out, as seeds are missing", gaps(results)),
        [row for one in found for row in _rows(one)],
    )


def _reliability(study: Study, method: str, runs: Iterable[Run]) -> Reliability:
    return Reliability(method, [bin_scores(*study.arrays(run), run.cell.task) for run in runs])


def _rows(one: Reliability) -> Rows:
    """One for each bin; an empty one has no confidence and no accuracy."""
    ece, bins = one.ece, one.pooled
    return [
        {
            "method": one.method,
            "n": ece.n,
            "ece": ece.mean,
            "ece_sd": ece.sd,
            "low": low,
            "high": high,
            "predictions": count,
            "confidence": confidence / count if count else math.nan,
            "accuracy": right / count if count else math.nan,
        }
        for low, high, count, confidence, right in zip(
            EDGES[:-1].tolist(),
            EDGES[1:].tolist(),
            bins.counts.tolist(),
            bins.confidence.tolist(),
            bins.right.tolist(),
            strict=True,
        )
    ]
