"""New seeds and new images: intervals of a difference over both, as they are crossed.

Every seed is tested on the same images, as every reader of a multi-reader multi-case study sees the
same cases. So the analysis is that of radiology (Obuchowski and Rockette 1995, degrees of freedom
after Hillis 2007), with seeds as readers: the variance of a mean over S seeds is

    var(difference of a seed) / S + c,

c being what two seeds share as they share the images. The images are draws from one source: nothing
is said of other hospitals.

What each image adds to a metric is its *influence*: those of a run sum to zero, and the product of
those of two runs is the covariance of their metrics over images. For a mean of scores of images
this gives c of the two-way random-effects table, (MS_images - MS_rest) / (S I); for AUC that of
DeLong et al. (1988), classes averaged as `bench.metrics` averages them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bench.base.errors import BenchError
from bench.base.task import Task
from bench.metrics import SMALLEST, decisions, one_vs_rest
from bench.stats.paired import ALPHA

Scores = NDArray[np.float32]
Targets = NDArray[np.generic]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Crossed:
    """A difference over seeds and images, or over sets of them.

    `low` to `high` is its interval (95 % unless another level was asked for), `p` two-sided, `df`
    after Satterthwaite. `image_sd` is the part of the standard error that no seed takes away, and
    `seeds` that number at which seeds and images add as much: beyond it more hardly help.
    """

    difference: float
    se: float
    df: float
    low: float
    high: float
    p: float
    image_sd: float
    seeds: float


@dataclass(frozen=True)
class Parts:
    """The differences of one set of images, (S,) by seed, and `shared`, the c of all its seeds."""

    differences: Values
    shared: float


def parts(differences: Sequence[float], influences: Values) -> Parts:
    """Of differences (S,) and the influences (S, I) that go with them; S is 2 or more.

    c is the mean product of two seeds, zero where it comes out below. Raises BenchError for one
    seed.
    """
    d = np.asarray(differences, dtype=float)
    if len(d) < 2 or influences.shape[0] != len(d):
        raise BenchError(f"{len(d)} seeds: expected two or more, each with its influences")
    together, alone = (influences.sum(0) ** 2).sum(), (influences**2).sum()
    return Parts(d, max(0.0, float(together - alone) / (len(d) * (len(d) - 1))))


def crossed(sets: Sequence[Parts], alpha: float = ALPHA) -> Crossed:
    """The mean difference of one set of images or of several, which are taken as fixed."""
    mean = float(np.mean([one.differences.mean() for one in sets]))
    own = np.array([one.differences.var(ddof=1) / len(one.differences) for one in sets])
    own /= len(sets) ** 2
    shared = sum(one.shared for one in sets) / len(sets) ** 2
    variance = float(own.sum()) + shared
    free = np.array([len(one.differences) - 1 for one in sets])
    lost = float((own**2 / free).sum())
    df = variance**2 / lost if lost > 0 else math.inf
    se = math.sqrt(variance)
    half = float(special.stdtrit(df, 1 - alpha / 2)) * se
    many = len(sets[0].differences)
    return Crossed(
        difference=mean,
        se=se,
        df=df,
        low=mean - half,
        high=mean + half,
        p=_p(mean, se, df),
        image_sd=math.sqrt(shared),
        seeds=many * float(own.sum()) / shared if shared > 0 else math.inf,
    )


def other_sets(means: Sequence[float], alpha: float = ALPHA) -> Crossed:
    """The mean over sets, which are a sample: would other sets of this kind say the same?

    A t interval of their means; `image_sd` and `seeds` do not apply. Two sets or more.
    """
    x = np.asarray(means, dtype=float)
    mean, se, df = float(x.mean()), float(x.std(ddof=1)) / math.sqrt(len(x)), len(x) - 1
    half = float(special.stdtrit(df, 1 - alpha / 2)) * se
    p = _p(mean, se, df)
    return Crossed(mean, se, df, mean - half, mean + half, p, math.nan, math.nan)


def _p(mean: float, se: float, df: float) -> float:
    if se > 0:
        return float(2 * special.stdtr(df, -abs(mean) / se))
    return 1.0 if mean == 0 else math.nan


def influence(name: str, scores: Scores, targets: Targets, task: Task) -> Values | None:
    """The influence (I,) of each test image on a metric of one run.

    None for a metric that is no mean over images and no AUC, and where there are too few images:
    two, for AUC of each class.
    """
    if name == "auc":
        return _of_auc(scores, targets, task)
    of_image = PER_IMAGE.get(name)
    if of_image is None or len(scores) < 2:
        return None
    return _of_mean(of_image(scores, targets, task))


def _of_mean(values: Values) -> Values:
    images = len(values)
    return np.asarray((values - values.mean()) / math.sqrt(images * (images - 1)))


def _of_auc(scores: Scores, targets: Targets, task: Task) -> Values | None:
    columns = one_vs_rest(scores, targets, task)
    if any(min(positive.sum(), (~positive).sum()) < 2 for positive, _ in columns):
        return None
    each = [_placements(np.asarray(positive, bool), score) for positive, score in columns]
    return np.asarray(np.mean(each, axis=0))


def _placements(positive: NDArray[np.bool_], score: Scores) -> Values:
    """DeLong's components of one class, each group centred and scaled by its size: of an image, the
    share of the other group that it is above, ties being a half.
    """
    found = np.empty(len(score))
    for group, sign in ((positive, 1), (~positive, -1)):
        others, own = np.sort(score[~group]), score[group]
        twice = others.searchsorted(own, "left") + others.searchsorted(own, "right")
        found[group] = sign * _of_mean(twice / (2 * len(others)))
    return found


def _right(scores: Scores, targets: Targets, task: Task) -> Values:
    found = decisions(scores, task) == (targets == 1 if task is Task.MULTILABEL else targets)
    return np.asarray(found.mean(1) if found.ndim > 1 else found, dtype=np.float64)


def _loss(scores: Scores, targets: Targets, task: Task) -> Values:
    if task is Task.MULTILABEL:
        likelihood = np.where(targets == 1, scores, 1 - scores)
    else:
        likelihood = scores[np.arange(len(targets)), targets.astype(int)][:, None]
    return np.asarray(-np.log(np.maximum(likelihood, SMALLEST), dtype=np.float64).mean(1))


def _squared(scores: Scores, targets: Targets, task: Task) -> Values:
    if task is Task.MULTILABEL:
        return np.asarray(((scores - (targets == 1)) ** 2).mean(1), dtype=np.float64)
    return np.asarray(((scores - np.eye(scores.shape[1])[targets.astype(int)]) ** 2).sum(1))


PER_IMAGE: Mapping[str, Callable[[Scores, Targets, Task], Values]] = {
    "acc": _right,
    "nll": _loss,
    "brier": _squared,
}
"""The metrics that are a mean over images, and what it is the mean of."""
METRICS = ("auc", *PER_IMAGE)
"""The metrics that have such an interval."""
