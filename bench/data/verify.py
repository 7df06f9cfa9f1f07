"""Verification of an npz file at its first use, remembered until the file changes.

Only headers and labels are read into memory, never the images.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bench.base.errors import BenchError, unknown
from bench.base.files import StoreError, write_text
from bench.base.task import Task
from bench.data import npz
from bench.data.catalogue import SPLITS, Info, medmnist_entry
from bench.data.fingerprint import Part, fingerprint, part

RULES = 2
"""Raised when verification changes: what older rules let pass is verified again."""


def cache_folder() -> Path:
    """Where verifications are remembered and large sets unpacked: BENCH_CACHE, or in ~/.cache."""
    return Path(os.environ.get("BENCH_CACHE") or "~/.cache/medaug-bench").expanduser()


def stamp(path: Path) -> list[int]:
    """What tells the file, and a description beside it, from any that takes its place: inode, size
    and the times of its content and of its entry, of which the last cannot be set by hand.
    """
    files = [path, _beside(path)] if _beside(path).is_file() else [path]
    with npz.reading(path):
        facts = [file.stat() for file in files]
    return [
        number
        for fact in facts
        for number in (fact.st_ino, fact.st_size, fact.st_mtime_ns, fact.st_ctime_ns)
    ]


def verified(path: Path, size: int, name: str | None = None) -> Info:
    """`verify`, or what it found before if the file has not changed since."""
    question = json.dumps([RULES, str(path), stamp(path), size, name])
    memory = cache_folder() / "verified" / f"{hashlib.sha256(question.encode()).hexdigest()}.json"
    info = _recall(memory)
    if info is None:
        info = verify(path, size, name)
        _remember(memory, info)
    return info


def verify(path: Path, size: int, name: str | None = None) -> Info:
    """Check an npz in MedMNIST's layout, and say what it holds.

    With a short `name` the file must be that MedMNIST set; without, it is a user's own, whose task
    is read off the labels or stands in `<stem>.yaml` beside it. Raises BenchError with file and
    mend. A MedMNIST file of another md5 than the published is another set, and says so.
    """
    layout = _layout(path, size)
    warnings: tuple[str, ...] = ()
    if name:
        task, labels, published = _medmnist(path, name, size, layout)
        if npz.md5(path) != published:
            warnings = ("its md5 is not MedMNIST's: it is another set",)
    else:
        task, labels = _own(path, layout)
    _check_labels(path, layout, task, len(labels))
    content = fingerprint(task, labels, _parts(path))
    return Info(
        name=name or f"{path.stem}@{content[:8]}",
        task=task,
        num_classes=len(labels),
        channels=layout.channels,
        size=size,
        counts=layout.counts,
        labels=labels,
        fingerprint=content,
        warnings=warnings,
    )


def _parts(path: Path) -> Iterator[Part]:
    """Images and targets of all splits; large sets are never whole in memory."""
    for split in SPLITS:
        images = f"{split}_images"
        yield npz.header(path, images).shape, npz.pieces(path, images)
        yield part(npz.read(path, f"{split}_labels"))


@dataclass(frozen=True)
class _Layout:
    """What the arrays themselves say."""

    counts: dict[str, int]
    channels: int
    columns: int
    values: set[int]
    """The label values that occur."""


def _layout(path: Path, size: int) -> _Layout:
    """The checks that need no knowledge of the set."""
    counts: dict[str, int] = {}
    values: set[int] = set()
    widths = set()
    for split in SPLITS:
        counts[split], channels = _check_images(path, f"{split}_images", size)
        labels = _labels(path, f"{split}_labels")
        if len(labels) != counts[split]:
            raise BenchError(
                f"{path}: {counts[split]} images but {len(labels)} labels in {split}; "
                "each image needs its row of labels"
            )
        widths.add((channels, labels.shape[1]))
        values |= set(np.unique(labels).tolist())
    if len(widths) > 1:
        raise BenchError(
            f"{path}: train, val and test differ in channels or label columns; make them alike"
        )
    return _Layout(counts, *widths.pop(), values)


def _check_images(path: Path, array: str, size: int) -> tuple[int, int]:
    """How many images, and of how many channels."""
    shape, fortran, dtype = npz.header(path, array)
    if dtype != np.uint8 or fortran:
        raise BenchError(
            f"{path}: {array} is {dtype}{' in Fortran order' * fortran}, not uint8 in C order; "
            "save np.ascontiguousarray(images, np.uint8)"
        )
    if len(shape) not in (3, 4) or shape[1] != shape[2] or (len(shape) == 4 and shape[3] != 3):
        raise BenchError(
            f"{path}: {array} has shape {shape}; the layout is (N, S, S) or (N, S, S, 3)"
        )
    if shape[0] == 0:
        raise BenchError(f"{path}: {array} is empty; every split needs images")
    if shape[1] != size:
        raise BenchError(f"{path}: {array} is {shape[1]} px, not {size}; give --size {shape[1]}")
    return shape[0], 3 if len(shape) == 4 else 1


def _labels(path: Path, array: str) -> npz.Array:
    shape, _, dtype = npz.header(path, array)
    if dtype.kind not in "iu" or len(shape) != 2:
        raise BenchError(
            f"{path}: {array} is {dtype} of shape {shape}; "
            "labels are whole numbers of shape (N, 1), or (N, L) for L labels"
        )
    return npz.read(path, array)


def _check_labels(path: Path, layout: _Layout, task: Task, classes: int) -> None:
    """The label columns and values are those of the task."""
    if classes < 2 or (task is Task.BINARY and classes != 2):
        raise BenchError(f"{path}: {classes} labels do not fit {task}; correct labels or task")
    columns, values = (classes, 2) if task is Task.MULTILABEL else (1, classes)
    if layout.columns != columns or layout.values != set(range(values)):
        found = ", ".join(map(str, sorted(layout.values)[:10]))
        raise BenchError(
            f"{path}: {layout.columns} label columns with values {found}; {task} with {classes} "
            f"labels needs {columns} with each of 0 to {values - 1}"
        )


def _medmnist(
    path: Path, name: str, size: int, layout: _Layout
) -> tuple[Task, tuple[str, ...], str]:
    """Task, labels and md5 that medmnist publishes, once the counts agree with it."""
    entry = medmnist_entry(name)
    counts = {split: entry["n_samples"][split] for split in SPLITS}
    if layout.counts != counts or layout.channels != entry["n_channels"]:
        raise BenchError(
            f"{path} is not MedMNIST's {name}: {layout.counts} images of {layout.channels} "
            f"channels, not {counts} of {entry['n_channels']}; delete it and fetch it again, "
            "or give its path as a dataset of your own"
        )
    labels = tuple(entry["label"][str(i)] for i in range(len(entry["label"])))
    return Task(entry["task"]), labels, entry["MD5" if size == 28 else f"MD5_{size}"]


def _own(path: Path, layout: _Layout) -> tuple[Task, tuple[str, ...]]:
    """Task and labels of a user's file: as described beside it, else as its labels look."""
    described = _description(_beside(path))
    if layout.columns > 1:
        task, classes = Task.MULTILABEL, layout.columns
    else:
        classes = len(layout.values)
        task = Task.BINARY if classes == 2 else Task.MULTICLASS
    labels = described.get("labels", range(classes))
    return Task(described.get("task", task)), tuple(map(str, labels))


def _beside(path: Path) -> Path:
    return path.with_suffix(".yaml")


def _description(file: Path) -> dict[str, Any]:
    """The keys `task` and `labels` of the YAML file, if there is one."""
    if not file.is_file():
        return {}
    try:
        content = yaml.safe_load(file.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BenchError(f"cannot read {file} ({' '.join(str(error).split())}); mend it") from error
    if not isinstance(content, dict):
        raise BenchError(f"{file} is no mapping; it may hold the keys task and labels")
    for key in content:
        if key not in ("task", "labels"):
            raise unknown(f"key in {file}:", str(key), ("task", "labels"))
    if "task" in content and content["task"] not in list(Task):
        raise unknown(f"task in {file}:", str(content["task"]), map(str, Task))
    if not isinstance(content.get("labels", []), list):
        raise BenchError(f"{file}: labels is no list; give the name of each class, from class 0")
    return content


def _recall(memory: Path) -> Info | None:
    """What was remembered; None where nothing readable was."""
    try:
        return Info.restored(json.loads(memory.read_text()))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _remember(memory: Path, info: Info) -> None:
    """A cache that cannot be written costs time, nothing else."""
    with suppress(StoreError):
        write_text(memory, json.dumps(asdict(info)))
