"""Probabilities as a network gave them: a softmax has fewer bits than the numbers that it makes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Probabilities = NDArray[np.float32]

EXP_BY = (1 - 2**-50, 1 + 2**-50)
"""The `exp` of one machine differs from that of another by less."""


def shortened(scores: Probabilities) -> dict[str, Array]:
    """What `whole` makes scores (N, C) from again, bit for bit, on every machine.

    Which class is the `largest` (N,) of each row, the `logs` (N, C − 1) of the others' ratios to
    it, and how many float32 `steps` (N, C) the scores lie above a softmax of these. Only `scores`
    where they are no softmax, or where the last bit of `exp` would tell.
    """
    if scores.dtype != np.float32:
        return {"scores": scores}
    classes = scores.shape[1]
    largest = scores.argmax(axis=1).astype(np.min_scalar_type(classes))
    others = scores[~_at(largest, classes)].reshape(-1, classes - 1).astype(np.float64)
    with np.errstate(all="ignore"):
        logs = np.log(others / scores.max(axis=1, keepdims=True)).astype(np.float32)
        steps = scores.view(np.int32) - _softmax(logs, largest).view(np.int32)
        arrays = {"largest": largest, "logs": logs, "steps": steps.astype(np.int8)}
        same = all(whole(arrays, by).tobytes() == scores.tobytes() for by in EXP_BY)
    return arrays if same else {"scores": scores}


def whole(arrays: Mapping[str, Array], exp_by: float = 1.0) -> Array:
    """The scores (N, C) that were shortened, with an `exp` that is off by this factor."""
    if "scores" in arrays:
        return arrays["scores"]
    softmax = _softmax(arrays["logs"], arrays["largest"], exp_by)
    return (softmax.view(np.int32) + arrays["steps"]).view(np.float32)


def _at(largest: Array, classes: int) -> NDArray[np.bool_]:
    return np.equal(np.arange(classes), largest[:, None])


def _softmax(logs: Array, largest: Array, exp_by: float = 1.0) -> Probabilities:
    """In float32 and class by class, as PyTorch does, and so alike on every machine."""
    classes = logs.shape[1] + 1
    ratios = np.ones((len(logs), classes), np.float32)
    ratios[~_at(largest, classes)] = exp_by * np.exp(logs.ravel().astype(np.float64))
    total = np.zeros((len(logs), 1), np.float32)
    for column in range(classes):
        total += ratios[:, column : column + 1]
    return ratios * np.reciprocal(total)
