"""What is known of runs before any is made: too few images, a split that cannot select."""

import math
from collections.abc import Sequence

import numpy as np

from bench.base.errors import BenchError
from bench.base.task import Task
from bench.data.catalogue import Info
from bench.grid.protocol import SMALLEST_BATCH, Protocol
from bench.metrics import Metric, Targets, selecting


def check(rule: str, ratios: Sequence[float], info: Info) -> None:
    """Raises BenchError where no run on a dataset could end well: `rule` is `Protocol.select`."""
    metric = selecting(rule)
    if metric and info.task not in metric.tasks:
        raise BenchError(
            f"select={rule} on {info.name}: {metric.missing(info.task)}; "
            "--set select=val_loss, or leave the dataset out"
        )
    if metric and not defined(metric, info, "val"):
        raise BenchError(
            f"the validation split of {info.name} cannot select by {rule}: "
            f"{metric.missing(info.task)}; --set select=val_loss"
        )
    train = info.per_class.get("train", ())
    if train and info.task is not Task.MULTILABEL and sum(map(bool, train)) < 2:
        raise BenchError(f"{info.name}: all training images are of one class; add the other's")
    for ratio in ratios:
        images = subset_size(info, ratio)
        if images < SMALLEST_BATCH:
            raise BenchError(
                f"ratio {ratio:g} of {info.name} is {images} training images: expected at "
                f"least {SMALLEST_BATCH}; give a larger ratio"
            )


def check_sampler(protocol: Protocol, info: Info) -> None:
    """Raises BenchError where images have no one class to be drawn by."""
    if protocol.sampler == "balanced" and info.task is Task.MULTILABEL:
        raise BenchError(
            f"sampler=balanced on {info.name}: its images have several labels; "
            "--set class_weights=balanced instead"
        )


def subset_size(info: Info, ratio: float) -> int:
    """How many images `subset_indices` takes; of a multi-label set at most."""
    count = info.counts["train"]
    share = max(1, math.floor(ratio * count + 0.5))
    each = info.per_class.get("train", ())
    if info.task is Task.MULTILABEL or not each:
        return min(count, share + info.num_classes)
    return sum(max(1, math.floor(ratio * images + 0.5)) for images in each if images)


def defined(metric: Metric, info: Info, split: str) -> bool:
    """Whether the metric has a value on the labels that a split holds; true where not known."""
    if info.task not in metric.tasks:
        return False
    count = info.counts[split]
    if all(0 < images < count for images in info.per_class.get(split, ())):
        return True
    targets = _some(info, split)
    scores = targets if targets.ndim == 2 else np.eye(info.num_classes)[targets]
    return metric.compute(scores.astype(np.float32), targets, info.task) is not None


def lacking(info: Info, split: str) -> str:
    """Of a split without some of the classes, what it lacks, in brackets."""
    each = zip(info.labels, info.per_class.get(split, ()), strict=False)
    names = [name for name, images in each if not images]
    return f" (no {split} image is labelled {', '.join(names)})" if names else ""


def _some(info: Info, split: str) -> Targets:
    """An image of each class that occurs; of several labels whichever of 0 and 1 occur."""
    each, images = np.array(info.per_class[split]), info.counts[split]
    if info.task is Task.MULTILABEL:
        return np.stack([each > 0, each == images]).astype(np.int64)
    return np.flatnonzero(each)
