"""Reliability diagrams: are the images given 80 % confidence right eight times in ten?

Bins, confidence and error as in `bench.evaluation` (Guo et al., ICML 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bench.evaluation import CALIBRATION_BINS
from bench.task import Task
from reports.figures import style

COLUMNS = 4
ACCURACY: dict[str, Any] = {"color": style.COLOURS[0], "marker": "o", "markersize": 3}
SHARE: dict[str, Any] = {"color": style.COLOURS[5], "alpha": 0.5, "linewidth": 0}
EDGES = np.linspace(0, 1, CALIBRATION_BINS + 1)


@dataclass(frozen=True)
class Reliability:
    """Of each of 15 equal bins of confidence: how many predictions, the sum of their confidence,
    and how many were right."""

    method: str
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    right: NDArray[np.float64]

    @property
    def ece(self) -> float:
        """The expected calibration error, as a fraction."""
        return float(np.abs(self.right - self.confidence).sum() / self.counts.sum())


def bin_scores(
    method: str, scores: NDArray[np.float32], targets: NDArray[np.generic], task: Task
) -> Reliability:
    """Bin probabilities (N, C), of one run or of several seeds one after the other.

    The confidence is the largest score of an image; for several labels an image, every score of
    every label, which is right where the label is positive.
    """
    if task is Task.MULTILABEL:
        confidence, right = scores.ravel(), targets.ravel() == 1
    else:
        confidence, right = scores.max(1), scores.argmax(1) == targets.reshape(-1)
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return Reliability(
        method,
        counts=np.bincount(bins, minlength=CALIBRATION_BINS),
        confidence=_sums(bins, confidence),
        right=_sums(bins, right),
    )


@style.styled
def draw(reliabilities: Sequence[Reliability], note: str = "") -> Figure:
    """A panel for each method: accuracy against confidence, and how often each confidence occurs.

    An empty bin leaves a gap in the line.
    """
    columns = min(COLUMNS, len(reliabilities))
    rows = -(-len(reliabilities) // columns)
    label = f"Reliability diagrams of {len(reliabilities)} methods: accuracy against confidence"
    width = min(style.PAGE, style.PAGE * columns / COLUMNS + 0.3)
    figure = style.new(width, 1.75 * rows + 0.5, label, note)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, reliability in zip(grid, reliabilities, strict=False):
        _panel(axes, reliability)
    for axes in grid[len(reliabilities) :]:
        axes.remove()
    for axes in grid[::columns]:
        axes.set_ylabel("accuracy, share (%)")
    for axes in grid[len(reliabilities) - columns : len(reliabilities)]:
        axes.set_xlabel("confidence (%)")
        axes.tick_params(labelbottom=True)
    style.add_legend(
        figure,
        [
            Line2D([], [], label="accuracy of the predictions of a bin", **ACCURACY),
            Patch(label="share of all predictions", **SHARE),
        ],
    )
    return figure


def _sums(bins: NDArray[np.intp], values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.bincount(bins, values, CALIBRATION_BINS).astype(np.float64)


def _panel(axes: Axes, reliability: Reliability) -> None:
    filled = np.where(reliability.counts > 0, reliability.counts, np.nan)
    confidence, accuracy = reliability.confidence / filled, reliability.right / filled
    share = reliability.counts / reliability.counts.sum()
    axes.stairs(100 * share, 100 * EDGES, fill=True, **SHARE)
    axes.plot([0, 100], [0, 100], color=style.GRAY, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.plot(100 * confidence, 100 * accuracy, clip_on=False, **ACCURACY)
    method = style.wrap(reliability.method, style.PAGE / COLUMNS)
    axes.set_title(f"{method}\nECE {100 * reliability.ece:.1f} %")
    axes.set(xlim=(0, 100), ylim=(0, 100), xticks=[0, 50, 100], yticks=[0, 50, 100])
