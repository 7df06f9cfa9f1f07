"""The fingerprint of a dataset: a hash of its content, whatever file holds it."""

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from bench.base.task import Task
from bench.data.npz import Array

Part = tuple[tuple[int, ...], Iterable[bytes]]
"""The shape of an array, and its bytes in C order, in pieces."""


def fingerprint(task: Task, labels: Iterable[str], parts: Iterable[Part]) -> str:
    """64 hexadecimal digits of task, names of labels, and images and targets of all splits."""
    digest = hashlib.sha256(repr((task.value, tuple(labels))).encode())
    for shape, pieces in parts:
        digest.update(repr(tuple(map(int, shape))).encode())
        for piece in pieces:
            digest.update(piece)
    return digest.hexdigest()


def part(array: Array) -> Part:
    """An array in memory; targets as int64, in whatever type they were stored."""
    content = array if array.dtype == np.uint8 and array.ndim > 2 else array.astype("<i8")
    return content.shape, _pieces(content)


def _pieces(array: Array) -> Iterator[bytes]:
    yield np.ascontiguousarray(array).tobytes()
