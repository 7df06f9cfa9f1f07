"""Classes of unequal size: what they weigh in the loss, and how often they are shown."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench.base.task import Task
from bench.grid.protocol import Protocol
from methods.method import Weights

BETA = 0.999
"""Of effective numbers: one of the four that Cui et al. try."""


def class_weights(targets: Tensor, task: Task, classes: int, protocol: Protocol) -> Weights | None:
    """What each class weighs in the loss, from the training subset; None for all alike.

    `balanced`: inverse to the images n of a class; `effective`: inverse to their effective number
    (1 - β^n) / (1 - β) (Cui et al. 2019, Class-Balanced Loss, CVPR). Either way the mean over the
    training images is 1. In multi-label sets the two values of each label are its classes.
    """
    if protocol.class_weights == "none":
        return None
    if task is Task.MULTILABEL:
        positive = targets.numpy().sum(0)
        counts = np.stack([len(targets) - positive, positive])
        absent, present = _weights(counts, protocol.class_weights)
        return Weights(tuple(present.tolist()), tuple(absent.tolist()))
    counts = np.bincount(targets.numpy(), minlength=classes)
    return Weights(tuple(_weights(counts, protocol.class_weights).tolist()))


def chances(targets: Tensor, protocol: Protocol) -> NDArray[np.float64] | None:
    """How likely each image is drawn, all classes alike; None where each is shown once an epoch."""
    if protocol.sampler == "shuffle":
        return None
    labels = targets.numpy()
    each = 1 / np.bincount(labels)[labels]
    return np.asarray(each / each.sum())


def _weights(counts: NDArray[np.generic], rule: str) -> NDArray[np.float64]:
    """Weights of classes (first axis) of so many images; 0 of those that do not occur."""
    number = np.asarray(counts, np.float64)
    size = number if rule == "balanced" else (1 - BETA**number) / (1 - BETA)
    raw = np.divide(1, size, out=np.zeros_like(number), where=number > 0)
    return np.asarray(raw * number.sum(0) / (raw * number).sum(0))
