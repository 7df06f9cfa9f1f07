"""Labels as files hold them, and as they are used: class numbers (N, 1), or 0 and 1 (N, L).

What can be read in one way only is read so, and said in a note; the rest is refused, with the mend.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.base.errors import BenchError
from bench.base.task import Task
from bench.data import npz
from bench.data.npz import Array

RENUMBER = "np.unique(the labels of all splits, return_inverse=True)[1] numbers them so"
TELL = f'write "task: {Task.MULTILABEL}" into the YAML beside the file'


@dataclass(frozen=True)
class Coding:
    """How the stored labels become those that are used."""

    one_hot: bool = False
    values: tuple[int | str, ...] = ()
    """The stored value of each class, sorted; empty where they are the class numbers."""

    def used(self, stored: Array) -> Array:
        """Labels int64, (N, 1) or (N, L)."""
        labels = _column(stored)
        if self.one_hot:
            labels = labels.argmax(1)[:, None]
        elif self.values:
            labels = np.searchsorted(np.array(self.values), labels)
        return np.asarray(labels, np.int64)


def coding_of(
    path: Path, splits: tuple[str, ...], task: Task | None
) -> tuple[Coding, tuple[str, ...]]:
    """How the labels of a file are read, and notes on it. `task` is what was said, if anything."""
    stored = [_stored(path, f"{split}_labels") for split in splits]
    if len({(array.shape[1], array.dtype.kind == "U") for array in stored}) > 1:
        raise BenchError(f"{path}: train, val and test differ in label columns; make them alike")
    labels = np.concatenate(stored)
    if labels.shape[1] > 1:
        return _of_columns(labels, task)
    values = np.unique(labels)
    if labels.dtype.kind == "U":
        names = ", ".join(values[:10])
        return Coding(values=tuple(map(str, values))), (f"labels are words: classes {names}",)
    return _of_numbers(path, [int(value) for value in values])


def read(path: Path, split: str, coding: Coding) -> Array:
    """The labels of a split as they are used."""
    return coding.used(npz.read(path, f"{split}_labels"))


def per_class(labels: Array, classes: int, task: Task) -> tuple[int, ...]:
    """How many images each class has, or how many have each label."""
    if task is Task.MULTILABEL:
        return tuple(map(int, (labels == 1).sum(0)))
    return tuple(map(int, np.bincount(labels[:, 0], minlength=classes)))


def absent(counts: Mapping[str, tuple[int, ...]], names: tuple[str, ...]) -> tuple[str, ...]:
    """A note on each split that lacks a class."""
    lacking = {
        split: [name for name, count in zip(names, each, strict=True) if not count]
        for split, each in counts.items()
    }
    return tuple(
        f"no {split} image is labelled {', '.join(gone)}" for split, gone in lacking.items() if gone
    )


def _column(stored: Array) -> Array:
    return stored[:, None] if stored.ndim == 1 else stored


def _stored(path: Path, array: str) -> Array:
    """The labels of a split, whole numbers or words, as rows. Raises BenchError."""
    shape, _, dtype = npz.header(path, array)
    if dtype.kind not in "biufU" or len(shape) not in (1, 2):
        raise BenchError(
            f"{path}: {array} is {dtype} of shape {shape}; "
            "labels are whole numbers of shape (N, 1), or (N, L) for L labels"
        )
    labels = _column(npz.read(path, array))
    if dtype.kind == "U" and labels.shape[1] > 1:
        raise BenchError(f"{path}: {array} has words in several columns; save 0 and 1 (N, L)")
    if dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.rint(labels))).all():
        mend = "the likeliest class, labels.argmax(1)" if labels.shape[1] > 1 else "class numbers"
        raise BenchError(f"{path}: {array} is {dtype} with fractions or NaN; save {mend}")
    return labels if dtype.kind == "U" else labels.astype(np.int64)


def _of_columns(labels: Array, task: Task | None) -> tuple[Coding, tuple[str, ...]]:
    """One-hot where it looks so and nobody said otherwise."""
    if task is Task.MULTILABEL:
        return Coding(), ()
    ones = (labels.sum(1) == 1) & ((labels == 0) | (labels == 1)).all(1)
    if ones.all():
        count = labels.shape[1]
        said = f"each row of labels has one 1: {count} classes, one-hot"
        return Coding(one_hot=True), (said if task else f"{said}; for {count} labels {TELL}",)
    if task is None:
        return Coding(), (f"rows of labels with other than one 1: {labels.shape[1]} labels",)
    return Coding(), ()


def _of_numbers(path: Path, values: list[int]) -> tuple[Coding, tuple[str, ...]]:
    """Class numbers from 0; what begins at 1, and -1 with 1, is numbered anew."""
    last = len(values) - 1
    if values == list(range(1, last + 2)) and last:
        return Coding(values=tuple(values)), (
            f"labels 1 to {last + 1} are taken as classes 0 to {last}",
        )
    if values == [-1, 1]:
        return Coding(values=(-1, 1)), ("labels -1 and 1 are taken as classes 0 and 1",)
    if values[0] < 0:
        raise BenchError(
            f"{path}: there are labels below 0, {', '.join(map(str, values[:10]))}; leave images "
            f"without a label out, and number the classes from 0: {RENUMBER}"
        )
    return Coding(), ()
