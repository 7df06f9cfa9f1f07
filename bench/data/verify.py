"""Verification of an npz file at its first use, remembered until the file changes.

Labels are read into memory, and images some at a time.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from bench.base import plain_yaml
from bench.base.errors import BenchError, unknown
from bench.base.files import StoreError, expanded, is_file, write_text
from bench.base.task import Task
from bench.base.words import visible
from bench.data import coding, npz
from bench.data.catalogue import NAMES, SPLITS, Info, medmnist_entry
from bench.data.coding import Coding, coding_of
from bench.data.fingerprint import fingerprint, part
from bench.data.leaks import OF_GROUPS, THE_SAME, groups_of_npz, in_two
from bench.data.npz import Array, digest
from bench.data.pixels import Form, form_of, stored

KEYS = ("task", "labels", "import")
"""Of the YAML beside an npz; `import` is how `bench.data.folder` made it, and is not read here."""
RULES = 5
"""Raised when verification changes: what older rules let pass is verified again."""


def cache_folder() -> Path:
    """Where verifications are remembered and large sets unpacked: BENCH_CACHE, or in ~/.cache."""
    return expanded(os.environ.get("BENCH_CACHE") or "~/.cache/medaug-bench")


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


@dataclass(frozen=True)
class Verified:
    """What a file holds, and how its arrays are read."""

    info: Info
    form: Form
    coding: Coding

    def images(self, path: Path, split: str) -> Iterator[Array]:
        """The images of a split as they are used, some at a time."""
        return (self.form.used(chunk) for chunk in stored(path, f"{split}_images"))

    def labels(self, path: Path, split: str) -> Array:
        """The labels of a split as they are used."""
        return coding.read(path, split, self.coding)

    def shape(self, split: str) -> tuple[int, ...]:
        """Of the images of a split as they are used."""
        return self.form.shape(self.info.counts[split], self.info.size)


def verified(path: Path, size: int, name: str | None = None) -> Verified:
    """`verify`, or what it found before if the file has not changed since."""
    question = json.dumps([RULES, str(path), stamp(path), size, name])
    memory = cache_folder() / "verified" / f"{hashlib.sha256(question.encode()).hexdigest()}.json"
    found = _recall(memory)
    if found is None:
        found = verify(path, size, name)
        _remember(memory, found)
    return found


def verify(path: Path, size: int, name: str | None = None) -> Verified:
    """Check an npz in MedMNIST's layout, and say what it holds.

    With a short `name` the file must be that MedMNIST set; without, it is a user's own, whose task
    is read off the labels or stands in `<stem>.yaml` beside it. Raises BenchError with file and
    mend. A MedMNIST file of another md5 than the published is another set, and says so.
    """
    described = {} if name else _description(path)
    task = Task(medmnist_entry(name)["task"]) if name else described.get("task")
    warnings = () if name else in_two(groups_of_npz(path), OF_GROUPS)
    form, of_images = form_of(path, SPLITS, size, published=bool(name))
    code, of_labels = coding_of(path, SPLITS, task)
    labels = {split: coding.read(path, split, code) for split in SPLITS}
    counts = _counts(path, labels)
    if name:
        names = _check_medmnist(path, name, counts, form.used_channels)
        if npz.md5(path) != _published_md5(name, size):
            warnings = ("its md5 is not MedMNIST's: it is another set",)
    else:
        task, names = _own(labels, described, code)
    assert task
    _check_labels(path, labels, task, len(names))
    per_class = {s: coding.per_class(array, len(names), task) for s, array in labels.items()}
    info = Info(
        name=name or visible(path.stem),
        task=task,
        num_classes=len(names),
        channels=form.used_channels,
        size=size,
        counts=counts,
        labels=names,
        fingerprint="",
        warnings=warnings,
        notes=(*of_images, *of_labels, *coding.absent(per_class, names)),
        per_class=per_class,
    )
    found = Verified(info, form, code)
    return _fingerprinted(path, found if name else _compared(path, found), own=not name)


def _compared(path: Path, found: Verified) -> Verified:
    """With a warning of images that stand in two splits."""
    digests = {
        split: np.array([digest(image) for chunk in found.images(path, split) for image in chunk])
        for split in SPLITS
    }
    warnings = (*found.info.warnings, *in_two(digests, THE_SAME))
    return replace(found, info=replace(found.info, warnings=warnings))


def checked(info: Info) -> Iterator[str]:
    """What verification found, a line each, in words that are true of the set."""
    if info.phantom:
        yield f"{info.name}: phantom data, drawn here"
    elif info.name in NAMES:
        yield f"{info.name}: {'; '.join(f'warning: {w}' for w in info.warnings) or 'as published'}"
    else:
        counts = ", ".join(f"{split} {count}" for split, count in info.counts.items())
        colours = "gray" if info.channels == 1 else "colour"
        yield f"{info.name}: all images and labels were read; nothing is published to compare with"
        yield f"  {counts}; {info.size} × {info.size} px, {colours}; {info.task.value}"
        each = zip(info.labels, zip(*info.per_class.values(), strict=True), strict=True)
        yield "  " + "; ".join(f"{name}: {'/'.join(map(str, count))}" for name, count in each)
        yield from (f"  warning: {warning}" for warning in info.warnings)
        yield from (f"  note: {note}" for note in info.notes)


def _fingerprinted(path: Path, found: Verified, own: bool) -> Verified:
    """With the fingerprint of the content as it is used, which is part of the name of one's own.

    Large sets are never whole in memory.
    """
    info = found.info
    parts = chain.from_iterable(
        (
            (found.shape(split), (chunk.tobytes() for chunk in found.images(path, split))),
            part(found.labels(path, split)),
        )
        for split in SPLITS
    )
    content = fingerprint(info.task, info.labels, parts)
    name = f"{info.name}@{content[:8]}" if own else info.name
    return replace(found, info=replace(info, name=name, fingerprint=content))


def _counts(path: Path, labels: Mapping[str, Array]) -> dict[str, int]:
    """How many images each split has, a label each."""
    counts = {split: npz.header(path, f"{split}_images").shape[0] for split in labels}
    for split, array in labels.items():
        if len(array) != counts[split]:
            raise BenchError(
                f"{path}: {counts[split]} images but {len(array)} labels in {split}; "
                "each image needs its row of labels"
            )
    return counts


def _check_labels(path: Path, labels: Mapping[str, Array], task: Task, classes: int) -> None:
    """The label columns and values are those of the task."""
    if classes < 2 or (task is Task.BINARY and classes != 2):
        raise BenchError(f"{path}: {classes} labels do not fit {task}; correct labels or task")
    columns, values = (classes, 2) if task is Task.MULTILABEL else (1, classes)
    used = np.concatenate(list(labels.values()))
    occurring = np.unique(used).tolist()
    if used.shape[1] != columns or occurring != list(range(values)):
        found = ", ".join(map(str, occurring[:10]))
        raise BenchError(
            f"{path}: {used.shape[1]} label columns with values {found}; {task} with {classes} "
            f"labels needs {columns} with each of 0 to {values - 1}; {coding.RENUMBER}"
        )


def _check_medmnist(
    path: Path, name: str, counts: dict[str, int], channels: int
) -> tuple[str, ...]:
    """The names of the labels that medmnist publishes, once the counts agree with it."""
    entry = medmnist_entry(name)
    published = {split: entry["n_samples"][split] for split in SPLITS}
    if counts != published or channels != entry["n_channels"]:
        raise BenchError(
            f"{path} is not MedMNIST's {name}: {counts} images of {channels} "
            f"channels, not {published} of {entry['n_channels']}; delete it and fetch it again, "
            "or give its path as a dataset of your own"
        )
    return tuple(entry["label"][str(i)] for i in range(len(entry["label"])))


def _published_md5(name: str, size: int) -> str:
    return str(medmnist_entry(name)["MD5" if size == 28 else f"MD5_{size}"])


def _own(
    labels: Mapping[str, Array], described: Mapping[str, Any], code: Coding
) -> tuple[Task, tuple[str, ...]]:
    """Task and labels of a user's file: as described beside it, else as its labels look."""
    used = np.concatenate(list(labels.values()))
    if used.shape[1] > 1:
        task, classes = Task.MULTILABEL, used.shape[1]
    else:
        classes = len(np.unique(used))
        task = Task.BINARY if classes == 2 else Task.MULTICLASS
    words = code.values if all(isinstance(value, str) for value in code.values) else ()
    names = described.get("labels", words or range(classes))
    return described.get("task", task), tuple(visible(str(name)) for name in names)


def _beside(path: Path) -> Path:
    return path.with_suffix(".yaml")


def _description(path: Path) -> dict[str, Any]:
    """The YAML file beside an npz, if there is one."""
    file = _beside(path)
    if is_file(path.with_suffix(".yml")):
        raise BenchError(f"{path.with_suffix('.yml')} is not read; call it {file.name}")
    if not file.is_file():
        return {}
    try:
        content = plain_yaml.read(file.read_bytes(), str(file))
    except OSError as error:
        raise BenchError(f"cannot read {file} ({error.strerror}); correct it") from error
    if not isinstance(content, dict):
        raise BenchError(f"{file} is no mapping; it may hold the keys task and labels")
    for key in content:
        if key not in KEYS:
            raise unknown(f"key in {file}:", str(key), KEYS)
    if "task" in content and content["task"] not in list(Task):
        raise unknown(f"task in {file}:", str(content["task"]), map(str, Task))
    if "task" in content:
        content["task"] = Task(content["task"])
    if "labels" in content:
        _check_names(file, content["labels"])
    return content


def _check_names(file: Path, names: Any) -> None:
    if not isinstance(names, list):
        raise BenchError(f"{file}: labels is no list; give the name of each class, from class 0")
    if any(isinstance(name, list | dict | None) for name in names):
        raise BenchError(f"{file}: labels are no plain names; give the name of each class")
    if len({str(name) for name in names}) < len(names):
        raise BenchError(f"{file}: two labels have one name; give each class its own")


def _recall(memory: Path) -> Verified | None:
    """What was remembered; None where nothing readable was."""
    try:
        found = json.loads(memory.read_text(encoding="utf-8"))
        code = Coding(found["coding"]["one_hot"], tuple(found["coding"]["values"]))
        return Verified(Info.restored(found["info"]), Form(**found["form"]), code)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _remember(memory: Path, found: Verified) -> None:
    """A cache that cannot be written costs time, nothing else."""
    with suppress(StoreError):
        write_text(memory, json.dumps(asdict(found)))
