"""What a dataset holds twice: the same image within a split, across splits, or under two labels.

Two images are the same where all their bytes are. Near copies are not found.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from bench.base.split import Split
from bench.data.dataset import SPLITS, Dataset

CHUNK = 256
"""Images read at a time."""


@dataclass(frozen=True)
class Sample:
    """Where a image stands, and its class; in a multi-label set all the labels it has."""

    split: str
    index: int
    labels: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.split}[{self.index}] label {', '.join(map(str, self.labels)) or 'none'}"


@dataclass(frozen=True)
class Audit:
    """Class counts, and every image that occurs more than once."""

    dataset: str
    fingerprint: str
    labels: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    """Samples of each class (for multi-label sets: with each label), by split."""
    groups: tuple[tuple[Sample, ...], ...]
    """The samples that share one image, two or more, in the order of the splits."""

    def within(self, split: str) -> list[tuple[Sample, ...]]:
        """Groups with two or more samples in this split."""
        return [g for g in self.groups if sum(sample.split == split for sample in g) > 1]

    def across(self, one: str, other: str) -> list[tuple[Sample, ...]]:
        """Groups with samples in both splits."""
        return [g for g in self.groups if {one, other} <= {sample.split for sample in g}]

    @property
    def conflicting(self) -> list[tuple[Sample, ...]]:
        """Groups whose samples do not all have the same label."""
        return [g for g in self.groups if len({sample.labels for sample in g}) > 1]

    def summary(self) -> dict[str, int]:
        """How many images are found twice or more, by where, and how many in conflict."""
        return {
            **{f"within {split}": len(self.within(split)) for split in SPLITS},
            **{f"{a} and {b}": len(self.across(a, b)) for a, b in combinations(SPLITS, 2)},
            "conflicting labels": len(self.conflicting),
        }

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what `lines` shows, as data."""
        return {
            "dataset": self.dataset,
            "fingerprint": self.fingerprint,
            "counts": {
                split: dict(zip(self.labels, counts, strict=True))
                for split, counts in self.counts.items()
            },
            "summary": self.summary(),
            "groups": [[vars(sample) for sample in group] for group in self.groups],
        }

    def lines(self) -> list[str]:
        """For the terminal: counts, summary, and each group."""
        lines = [f"{self.dataset}  {self.fingerprint}", "", f"{'class':32}{_cells(SPLITS)}"]
        for label, row in zip(self.labels, zip(*self.counts.values(), strict=True), strict=True):
            lines.append(f"{label[:31]:32}{_cells(row)}")
        lines += ["", "the same image"]
        lines += [f"  {where}: {number}" for where, number in self.summary().items()]
        for group in self.groups:
            conflict = "  conflicting labels" if group in self.conflicting else ""
            lines.append("  " + " = ".join(map(str, group)) + conflict)
        return lines


def audit(dataset: Dataset) -> Audit:
    """Read all three splits, in pieces, and find what occurs more than once."""
    info = dataset.info
    counts = {}
    found: defaultdict[bytes, list[Sample]] = defaultdict(list)
    for name in SPLITS:
        split = dataset.split(name)
        labels = _labels(split)
        occurring = Counter(label for sample in labels for label in sample)
        counts[name] = tuple(occurring[label] for label in range(info.num_classes))
        for index, digest in enumerate(_digests(split)):
            found[digest].append(Sample(name, index, labels[index]))
    groups = tuple(tuple(samples) for samples in found.values() if len(samples) > 1)
    return Audit(info.name, info.fingerprint, info.labels, counts, groups)


def _labels(split: Split) -> list[tuple[int, ...]]:
    """The class of each sample, or the labels it has."""
    if split.targets.ndim == 1:
        return [(label,) for label in split.targets.tolist()]
    return [tuple(np.flatnonzero(row).tolist()) for row in split.targets.numpy()]


def _digests(split: Split) -> Iterator[bytes]:
    for rows in np.array_split(np.arange(len(split)), math.ceil(len(split) / CHUNK)):
        for image in split.pixels(rows):
            yield hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _cells(row: Iterable[str | int]) -> str:
    return "".join(f"{cell:>9}" for cell in row)
