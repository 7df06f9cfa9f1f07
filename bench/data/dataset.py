"""Datasets: images and targets by split, and subsets of the training split.

Small sets stay in memory as uint8, large ones on disk. Importing this module imports no torch.
"""

import functools
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.base.errors import BenchError, unknown
from bench.base.files import expanded, is_file, is_folder
from bench.base.split import RESIDENT_BYTES, Images, Indices, Split
from bench.base.task import Task
from bench.base.words import short
from bench.data import npz
from bench.data.catalogue import (
    NAMES,
    PHANTOMS,
    SIZES,
    SMALLEST_SIZE,
    SPLITS,
    Info,
    MissingData,
    locate,
    located,
    phantom_for,
)
from bench.data.coding import per_class
from bench.data.fingerprint import fingerprint, part
from bench.data.known import known
from bench.data.phantom import COUNTS, Phantom
from bench.data.phantom import PHANTOMS as KINDS
from bench.data.verify import cache_folder, stamp, verified

if TYPE_CHECKING:
    from torch import Tensor

PATHS = "or a path: FILE.npz, a folder of class folders, or a CSV"
PHANTOM_SIZE = 512
"""The largest."""
__all__ = [
    "NAMES",
    "PHANTOMS",
    "SIZES",
    "SPLITS",
    "Dataset",
    "Info",
    "MissingData",
    "open_dataset",
    "phantom_for",
    "subset_indices",
]


class Dataset:
    """A verified dataset; each split is read when it is first asked for, and kept."""

    def __init__(
        self,
        info: Info,
        load: Callable[[str], tuple[Images, npt.NDArray[Any]]],
        path: Path | None = None,
    ) -> None:
        """`load(split)` returns images and labels as an npz holds them; `path` is that npz."""
        self.info = info
        self.path = path
        self._load = load
        self._splits: dict[str, Split] = {}

    def split(self, name: str) -> Split:
        """`train`, `val` or `test`."""
        if name not in self._splits:
            images, labels = self._load(name)
            self._splits[name] = Split(images, _targets(labels, self.info.task))
        return self._splits[name]


def open_dataset(
    name: str, size: int, data_dir: Path | None = None, download: bool = True
) -> Dataset:
    """The dataset with this short name, phantom name or path to an npz or, where nothing has to be
    chosen (`bench.data.cached`), to a folder of class folders or a CSV, at `size` pixels. A
    relative path is looked for here, then in the folders of data.

    Raises MissingData where a MedMNIST set or an npz is nowhere to be had, BenchError for a wrong
    name or a file that does not pass verification.
    """
    if name in KINDS and not SMALLEST_SIZE <= size <= PHANTOM_SIZE:
        raise BenchError(f"phantoms are drawn at {SMALLEST_SIZE} to {PHANTOM_SIZE} px, not {size}")
    if name in KINDS:
        return _open_phantom(name, KINDS[name], size)
    if name in NAMES:
        return _open_file(locate(name, size, data_dir, download), size, name)
    path = located(expanded(name), data_dir)
    if is_folder(path) or name.lower().endswith((".csv", ".tsv")):
        from bench.data.cached import imported

        return _open_file(imported(path, size), size)
    if not name.endswith(".npz") and "/" in name:
        raise BenchError(f"no file or folder {short(str(path))}; correct the path of the dataset")
    if not name.endswith(".npz"):
        raise BenchError(f"{unknown('dataset', name, (*NAMES, *PHANTOMS))}; {PATHS}")
    if not is_file(path):
        raise MissingData(f"no file {short(str(path))}; correct the path of the dataset")
    return _open_file(path, size)


def open_datasets(
    names: Sequence[str] | None, size: int, data_dir: Path | None = None
) -> list[Dataset]:
    """These datasets or, where none is named, all MedMNIST sets that are on disk."""
    if names:
        return [open_dataset(name, size, data_dir) for name in names]
    found = []
    for name in NAMES:
        with suppress(MissingData):
            found.append(open_dataset(name, size, data_dir, download=False))
    return found


def subset_indices(targets: "Tensor", ratio: float, seed: int) -> Indices:
    """Which samples make up `ratio` of the training split: sorted, all of them at ratio 1.

    Nested: at one seed a smaller subset is part of every larger one. Class numbers (N,) are
    stratified: of each class the nearest whole number to its share, and at least one. Rows of
    labels (N, L) are too diverse for strata (most combinations occur once): there a subset is the
    beginning of one random order, and with it the first sample in that order of every label.
    """
    if not 0 < ratio <= 1:
        raise BenchError(f"ratio {ratio} is no part of a training split; it must be > 0 and ≤ 1")
    labels = np.asarray(targets)
    order = np.random.default_rng(seed).permutation(len(labels))
    if labels.ndim == 2:
        present = labels[order].T > 0
        strata = [order, *(order[row][:1] for row in present)]
    else:
        strata = [order[labels[order] == label] for label in np.unique(labels)]
    return np.unique(
        np.concatenate([rows[: max(1, math.floor(ratio * len(rows) + 0.5))] for rows in strata])
    )


def _targets(labels: npt.NDArray[Any], task: Task) -> "Tensor":
    import torch

    if task is Task.MULTILABEL:
        return torch.from_numpy(labels.astype(np.float32))
    return torch.from_numpy(labels.astype(np.int64)).squeeze(1)


@functools.cache
def _open_phantom(name: str, kind: Phantom, size: int) -> Dataset:
    arrays = kind.arrays(name, size)
    info = Info(
        name=name,
        task=kind.task,
        num_classes=len(kind.labels),
        channels=kind.channels,
        size=size,
        counts=dict(COUNTS),
        labels=kind.labels,
        fingerprint=fingerprint(kind.task, kind.labels, map(part, arrays.values())),
        phantom=True,
        per_class={
            split: per_class(arrays[f"{split}_labels"], len(kind.labels), kind.task)
            for split in SPLITS
        },
    )
    return Dataset(info, lambda split: (arrays[f"{split}_images"], arrays[f"{split}_labels"]))


def _open_file(path: Path, size: int, name: str | None = None) -> Dataset:
    path = path.resolve()
    before = stamp(path)
    found = verified(path, size, name)
    resident = sum(math.prod(found.shape(split)) for split in SPLITS) <= RESIDENT_BYTES

    def load(split: str) -> tuple[Images, npt.NDArray[Any]]:
        if stamp(path) != before:
            raise BenchError(f"{path} has changed since it was verified; start again")
        labels, images = found.labels(path, split), found.images(path, split)
        if resident:
            return np.concatenate(list(images)), labels
        folder = cache_folder() / "unpacked" / found.info.fingerprint
        shape = found.shape(split)
        unpacked = npz.unpack(path, f"{split}_images", shape, images, folder)
        return npz.OnDisk(unpacked), labels

    warnings = tuple(dict.fromkeys((*found.info.warnings, *known(found.info.fingerprint))))
    return Dataset(replace(found.info, warnings=warnings), load, path)
