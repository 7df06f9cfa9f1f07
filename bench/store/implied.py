"""Predictions without what follows from the rest: rows of probabilities sum to one, so the largest
of each is one less the others, but for the last bits.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def shortened(scores: NDArray[np.float32]) -> dict[str, Array]:
    """What `whole` makes scores (N, C) from again, bit for bit.

    The `others` (N, C − 1) of each row, which class is the `largest` (N,), and how many float32
    `steps` (N,) it lies above one less the others. Only `scores` where a row does not sum to one.
    """
    if scores.dtype != np.float32:
        return {"scores": scores}
    classes = scores.shape[1]
    largest = scores.argmax(axis=1)
    is_largest = np.arange(classes) == largest[:, None]
    others = scores[~is_largest].reshape(-1, classes - 1)
    steps = scores[is_largest].view(np.int32) - _remainder(others)
    few = steps.astype(np.int8)
    if (few != steps).any():
        return {"scores": scores}
    kind = np.min_scalar_type(classes)
    return {"others": others, "largest": largest.astype(kind), "steps": few}


def whole(arrays: Mapping[str, Array]) -> Array:
    """The scores (N, C) that were shortened."""
    if "scores" in arrays:
        return arrays["scores"]
    others, largest, steps = (arrays[name] for name in ("others", "largest", "steps"))
    is_largest = np.arange(others.shape[1] + 1) == largest[:, None]
    scores = np.empty(is_largest.shape, np.float32)
    scores[~is_largest] = others.ravel()
    scores[is_largest] = (_remainder(others) + steps).view(np.float32)
    return scores


def _remainder(others: Array) -> NDArray[np.int32]:
    """One less the sum of each row, as the bits of a float32.

    Added up in double precision from left to right, so that every machine gets the same.
    """
    total = np.zeros(len(others))
    for column in others.T:
        total += column
    return (1 - total).astype(np.float32).view(np.int32)
