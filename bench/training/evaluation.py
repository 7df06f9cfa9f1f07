"""Scores of a split, and the metrics computed from them: ACC and AUC as MedMNIST defines them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.backbone import Backbone
from bench.base.split import Split
from bench.base.task import Task

Array = NDArray[np.float32]
LARGEST_BATCH, BATCH_PIXELS = 256, 256 * 64 * 64
"""Images are evaluated so many at once, and no more than so many pixels."""
CALIBRATION_BINS = 15
SMALLEST = float(np.finfo(np.float32).tiny)


@torch.no_grad()
def predict(model: Backbone, split: Split, task: Task, device: str = "cpu") -> Array:
    """Probabilities (N, C) of every image of a split, in float32."""
    model.eval()
    logits = [
        model(split.images(indices).to(device)).float().cpu()
        for indices in batches(len(split), model.input_size)
    ]
    scores = torch.cat(logits)
    scores = scores.sigmoid() if task is Task.MULTILABEL else scores.softmax(1)
    return np.asarray(scores.numpy(), dtype=np.float32)


def batches(images: int, size: int) -> tuple[Tensor, ...]:
    """The indices of so many images of that size, a batch each."""
    return tuple(torch.arange(images).split(max(1, min(LARGEST_BATCH, BATCH_PIXELS // size**2))))


def metrics(scores: Array, targets: Tensor, task: Task) -> dict[str, float | None]:
    """All metrics of probabilities (N, C) against targets, as fractions; None where undefined.

    `acc` and `auc` equal medmnist's `getACC` and `getAUC`: macro one-vs-rest AUC; ACC of the
    largest score, of the last score above 0.5 for two classes, averaged over labels for
    multi-label sets. An AUC is undefined where a class has no or only positives. `nll` and `brier`
    are averaged over labels for multi-label sets; `ece` has 15 equal bins of confidence.
    """
    labels = targets.numpy()
    compute = _multilabel if task is Task.MULTILABEL else _singlelabel
    return {"auc": auc(scores, labels, task)} | compute(scores, labels)


def auc(scores: Array, labels: NDArray[np.generic], task: Task) -> float | None:
    """Macro one-vs-rest AUC, of the last score alone for two classes; None where undefined."""
    from sklearn.metrics import roc_auc_score

    if task is Task.BINARY:
        columns = [(labels == 1, scores[:, -1])]
    elif task is Task.MULTILABEL:
        columns = [(labels[:, k] == 1, scores[:, k]) for k in range(scores.shape[1])]
    else:
        columns = [(labels == k, scores[:, k]) for k in range(scores.shape[1])]
    if any(positive.all() or not positive.any() for positive, _ in columns):
        return None
    return float(np.mean([roc_auc_score(positive, score) for positive, score in columns]))


def _singlelabel(scores: Array, labels: NDArray[np.generic]) -> dict[str, float | None]:
    predicted = scores.argmax(1) if scores.shape[1] > 2 else (scores[:, -1] > 0.5).astype(int)
    onehot = np.eye(scores.shape[1])[labels]
    likelihood = np.maximum(scores[np.arange(len(labels)), labels], SMALLEST)
    return {
        "acc": float((predicted == labels).mean()),
        "balanced_acc": _balanced(labels, predicted),
        "macro_f1": _macro_f1(labels, predicted),
        "nll": float(-np.log(likelihood, dtype=np.float64).mean()),
        "brier": float(((scores - onehot) ** 2).sum(1).mean()),
        "ece": calibration_error(scores.max(1), scores.argmax(1) == labels),
    }


def _macro_f1(labels: NDArray[np.generic], predicted: NDArray[np.generic]) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(labels, predicted, average="macro", zero_division=0.0))


def _multilabel(scores: Array, labels: NDArray[np.generic]) -> dict[str, float | None]:
    positive = labels == 1
    predicted = scores > 0.5
    likelihood = np.maximum(np.where(positive, scores, 1 - scores), SMALLEST)
    balanced = [_balanced(positive[:, k], predicted[:, k]) for k in range(scores.shape[1])]
    defined = [value for value in balanced if value is not None]
    return {
        "acc": float((predicted == positive).mean()),
        "acc_all_negative": float((~positive).mean()),
        "balanced_acc": float(np.mean(defined)) if len(defined) == len(balanced) else None,
        "macro_f1": _macro_f1(positive, predicted),
        "nll": float(-np.log(likelihood, dtype=np.float64).mean()),
        "brier": float(((scores - positive) ** 2).mean()),
        "ece": calibration_error(scores.ravel(), positive.ravel()),
    }


def _balanced(labels: NDArray[np.generic], predicted: NDArray[np.generic]) -> float | None:
    """Mean recall over the classes; None where the labels hold one class only."""
    if len(np.unique(labels)) < 2:
        return None
    return float(np.mean([(predicted[labels == k] == k).mean() for k in np.unique(labels)]))


def calibration_error(confidence: Array, correct: NDArray[np.bool_]) -> float:
    """Expected calibration error (Guo et al. 2017): |accuracy - confidence| over equal bins."""
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=correct - confidence.astype(np.float64))
    return float(np.abs(gaps).sum() / len(confidence))
