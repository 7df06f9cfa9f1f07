"""Paired bootstrap over test images: would new images show the difference of two methods again?

The seeds are kept and the test images are drawn with replacement, the same ones for both methods
and every seed (Efron and Tibshirani 1993, percentile interval). It says nothing of the noise of
training, which is that of `bench.stats.paired`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bench.base.errors import BenchError
from bench.base.task import Task
from bench.stats.paired import ALPHA

Metric = str
Scores = Sequence[NDArray[np.float32]]
"""Test probabilities (N, C) of one method, at each seed."""
Values = NDArray[np.float64]
Weights = NDArray[np.uint16]
"""How often each resample (row) holds each test image (column)."""
LARGEST_BLOCK = 4_000_000
"""Numbers that are held at once, for each of a few arrays."""


@dataclass(frozen=True)
class Interval:
    """A difference, averaged over seeds, and its 95 % bootstrap interval over test images.

    `undefined` resamples lack a class, so that they have no AUC; they are left out.
    """

    difference: float
    low: float
    high: float
    undefined: int


def paired_difference(
    a: Scores,
    b: Scores,
    targets: NDArray[np.generic],
    task: Task,
    metric: Metric = "acc",
    resamples: int = 2000,
    seed: int = 0,
) -> Interval | None:
    """The metric of a minus that of b, as a fraction; a[i] and b[i] are of the same seed.

    None where the metric is undefined on the test images. BenchError where a and b are not
    predictions of the same images at as many seeds.
    """
    if not a or len(a) != len(b):
        raise BenchError(
            f"{len(a)} and {len(b)} runs cannot be paired; give the same seeds of both"
        )
    if {scores.shape for scores in (*a, *b)} != {(len(targets), a[0].shape[1])}:
        raise BenchError("the predictions are not of the same test images; run one of the two anew")
    weights = _weights(len(targets), resamples, seed)
    difference, *resampled = differences(a, b, targets, task, metric, weights)
    defined = np.array(resampled)[np.isfinite(resampled)]
    if not np.isfinite(difference) or not len(defined):
        return None
    low, high = np.quantile(defined, [ALPHA / 2, 1 - ALPHA / 2])
    return Interval(float(difference), float(low), float(high), resamples - len(defined))


@lru_cache(maxsize=1)
def _weights(images: int, resamples: int, seed: int) -> Weights:
    """All images once, and so many resamples of them; the same for every pair of methods."""
    rng = np.random.default_rng(seed)
    weights = np.ones((1 + resamples, images), dtype=np.uint16)
    for row in weights[1:]:
        row[:] = np.bincount(rng.integers(images, size=images), minlength=images)
    return weights


def differences(
    a: Scores,
    b: Scores,
    targets: NDArray[np.generic],
    task: Task,
    metric: Metric,
    weights: Weights,
) -> Values:
    """The difference, averaged over seeds, in each resample; nan where it is undefined.

    ACC and AUC are those of `bench.metrics`.
    """
    return RESAMPLED[metric](a, b, targets, task, weights)


def _acc(
    a: Scores, b: Scores, targets: NDArray[np.generic], task: Task, weights: Weights
) -> Values:
    gain = np.mean([_right(x, targets, task) for x in a], axis=0)
    gain -= np.mean([_right(y, targets, task) for y in b], axis=0)
    parts = [w @ gain / w.sum(1) for w in _chunks(weights)]
    return np.concatenate(parts)


def _right(scores: NDArray[np.float32], targets: NDArray[np.generic], task: Task) -> Values:
    """Of each image, whether it is right; for several labels, the share of them that are."""
    if task is Task.MULTILABEL:
        return np.asarray(((scores > 0.5) == (targets == 1)).mean(1))
    predicted = scores.argmax(1) if scores.shape[1] > 2 else scores[:, -1] > 0.5
    return np.asarray(predicted == targets.reshape(-1), dtype=np.float64)


def _auc(
    a: Scores, b: Scores, targets: NDArray[np.generic], task: Task, weights: Weights
) -> Values:
    """The mean over classes, one against the rest; over labels; of the last of two classes."""
    classes = a[0].shape[1]
    if task is Task.MULTILABEL:
        positives = {k: targets[:, k] == 1 for k in range(classes)}
    else:
        chosen = [classes - 1] if task is Task.BINARY else range(classes)
        positives = {k: targets.reshape(-1) == k for k in chosen}
    by_class = [
        _class_auc([x[:, k] for x in a], [y[:, k] for y in b], positive, weights)
        for k, positive in positives.items()
    ]
    return np.asarray(np.mean(by_class, axis=0))


def _class_auc(a: Scores, b: Scores, positive: NDArray[np.bool_], weights: Weights) -> Values:
    """AUC is the share of pairs (positive, negative) that are in order, a tie being half a pair.

    A pair's order does not change with the resample, only how often the pair is in it. So the gain
    of each pair, summed over seeds, is computed once, and a resample is a bilinear form.
    """
    inside, outside = np.flatnonzero(positive), np.flatnonzero(~positive)
    gained = np.zeros(len(weights))
    rows = max(1, LARGEST_BLOCK // max(1, len(outside)))
    for block in np.split(inside, range(rows, len(inside), rows)):
        gain = np.zeros((len(block), len(outside)), dtype=np.float32)
        for x, y in zip(a, b, strict=True):
            gain += _order(x[block], x[outside]) - _order(y[block], y[outside])
        parts = [((w[:, block] @ gain) * w[:, outside]).sum(1, float) for w in _chunks(weights)]
        gained += np.concatenate(parts)
    counts = [w[:, inside].sum(1, float) * w[:, outside].sum(1, float) for w in _chunks(weights)]
    pairs = np.concatenate(counts)
    gains = np.full(len(weights), np.nan)
    np.divide(gained, 2 * len(a) * pairs, out=gains, where=pairs > 0)
    return gains


def _order(above: NDArray[np.float32], below: NDArray[np.float32]) -> NDArray[np.int8]:
    """1 where a score of `above` (row) exceeds one of `below` (column), -1 where it is smaller."""
    x = above[:, None]
    return (x > below).view(np.int8) - (x < below).view(np.int8)


def _chunks(weights: Weights) -> Iterator[NDArray[np.float32]]:
    """The resamples, as floats, as many at once as memory allows."""
    rows = max(1, LARGEST_BLOCK // weights.shape[1])
    for start in range(0, len(weights), rows):
        yield weights[start : start + rows].astype(np.float32)


RESAMPLED = {"acc": _acc, "auc": _auc}
"""The metrics that have such an interval, and how they are computed in each resample."""
