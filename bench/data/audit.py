"""Audit: what a dataset holds that makes its numbers too good, or that a reader should know.

Images that occur twice, in a split, across splits or under two labels; near duplicates; groups such
as patients in two splits; constant images; how bright the splits are; how unequal the classes.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from bench.base.split import Split
from bench.data import leaks
from bench.data.dataset import SPLITS, Dataset
from bench.data.known import remember
from bench.data.near import MISSING, available, near
from bench.data.npz import Array, digest
from bench.data.splits import shared

LISTED = 20
"""Images that the terminal shows of a kind; JSON has all."""
ALIKE = 4
"""Of these, how many that are all the same."""
FEW = 10
"""Test images of a class below which they are said to be few."""
BRIGHTER = 0.5
"""Standard deviations of training images by which another split differs, and is said to."""


@dataclass(frozen=True)
class Sample:
    """Where an image stands, and its class; in a multi-label set all the labels it has."""

    split: str
    index: int
    labels: tuple[int, ...]
    file: str = ""
    """What it was made of, where an import says so."""


Pair = tuple[Sample, ...]
Splits = tuple[str, str]
"""An earlier and a later one."""
PAIRS = tuple(combinations(SPLITS, 2))


@dataclass(frozen=True)
class Level:
    """Brightness of a split, 0 to 255: the mean of its images' means, and their SD."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Audit:
    """Class counts, every image that occurs more than once, and what else was found."""

    dataset: str
    fingerprint: str
    labels: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    """Samples of each class (for multi-label sets: with each label), by split."""
    images: dict[str, int]
    """By split."""
    groups: tuple[Pair, ...]
    """The samples that share one image, two or more, in the order of the splits."""
    constant: Pair
    """Images of one value."""
    levels: dict[str, Level]
    leaks: dict[Splits, int] | None = None
    """Images of a later split whose group, such as a patient, is in the earlier one too; None where
    no groups are known."""
    near: dict[Splits, tuple[Pair, ...]] | None = None
    """Near duplicates; None where they were not looked for."""

    def within(self, split: str) -> list[Pair]:
        """Groups with two or more samples in this split."""
        return [g for g in self.groups if sum(sample.split == split for sample in g) > 1]

    def across(self, one: str, other: str) -> list[Pair]:
        """Groups with samples in both splits."""
        return [g for g in self.groups if {one, other} <= {sample.split for sample in g}]

    @property
    def conflicting(self) -> list[Pair]:
        """Groups whose samples do not all have the same label."""
        return [g for g in self.groups if len({sample.labels for sample in g}) > 1]

    def summary(self) -> dict[str, int]:
        """How many images are found twice or more, by where, and how many in conflict."""
        return {
            **{f"within {split}": len(self.within(split)) for split in SPLITS},
            **{f"{a} and {b}": len(self.across(a, b)) for a, b in PAIRS},
            "conflicting labels": len(self.conflicting),
        }

    def wrong(self) -> tuple[str, ...]:
        """A sentence each; none where nothing is wrong."""
        found = [said for pair in PAIRS for said in self._shared(*pair).values()]
        return tuple(filter(None, (*found, *self._odd().values())))

    def told(self) -> dict[str, str]:
        """What of it runs and tables say: what of train is in test, and odd images.

        By what was looked for; "" where nothing was found.
        """
        return self._shared("train", "test") | self._odd()

    def _shared(self, a: str, b: str) -> dict[str, str]:
        """What two splits have in common."""
        groups = self.across(a, b)
        counts = {leaks.THE_SAME: sum(sample.split == b for group in groups for sample in group)}
        if self.leaks is not None:
            counts[leaks.OF_GROUPS] = self.leaks.get((a, b), 0)
        if self.near is not None:
            counts[leaks.NEARLY] = len(self.near[a, b])
        return {
            what: leaks.said(count, self.images[b], b, what.format(a)) if count else ""
            for what, count in counts.items()
        }

    def _odd(self) -> dict[str, str]:
        counts = {
            "images under two labels": len(self.conflicting),
            "constant images": len(self.constant),
        }
        return {what: f"{what}: {count}" if count else "" for what, count in counts.items()}

    def to_json(self) -> str:
        """`as_dict` as text."""
        return json.dumps(self.as_dict(), indent=1)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what `lines` shows, as data, and all pairs."""
        return {
            "dataset": self.dataset,
            "fingerprint": self.fingerprint,
            "counts": {
                split: dict(zip(self.labels, counts, strict=True))
                for split, counts in self.counts.items()
            },
            "wrong": list(self.wrong()),
            "summary": self.summary(),
            "groups": [[vars(sample) for sample in group] for group in self.groups],
            "near": [[vars(sample) for sample in pair] for pair in self._near_pairs()],
            "constant": [vars(sample) for sample in self.constant],
            "levels": {split: vars(level) for split, level in self.levels.items()},
        }

    def lines(self) -> Iterator[str]:
        """For the terminal: counts, what is wrong, brightness, and the images."""
        yield from (f"{self.dataset}  {self.fingerprint}", "", f"{'class':32}{_cells(SPLITS)}")
        for label, row in zip(self.labels, zip(*self.counts.values(), strict=True), strict=True):
            yield f"{label[:31]:32}{_cells(row)}"
        yield from self._imbalance()
        yield from self._brightness()
        yield from ("", "wrong" if self.wrong() else "nothing is wrong")
        yield from (f"  {sentence}" for sentence in self.wrong())
        yield from ("", "the same image")
        yield from (f"  {where}: {number}" for where, number in self.summary().items())
        yield from self._some(self.groups, " = ")
        if self.near is None:
            yield from ("", MISSING)
        if near := self._near_pairs():
            yield from ("", "nearly the same image", *self._some(near, " ~ "))

    def _near_pairs(self) -> list[Pair]:
        return [pair for pairs in (self.near or {}).values() for pair in pairs]

    def _some(self, found: Sequence[Pair], sign: str) -> Iterator[str]:
        """The first of them, a line each."""
        for samples in found[:LISTED]:
            more = f" and {len(samples) - ALIKE:,} more" if len(samples) > ALIKE else ""
            conflict = "  conflicting labels" if len({s.labels for s in samples}) > 1 else ""
            yield f"  {sign.join(map(self._named, samples[:ALIKE]))}{more}{conflict}"
        if len(found) > LISTED:
            yield f"  and {len(found) - LISTED:,} more; --json FILE has all"

    def _named(self, sample: Sample) -> str:
        label = ", ".join(self.labels[number] for number in sample.labels) or "none"
        file = f" {sample.file}" if sample.file else ""
        return f"{sample.split}[{sample.index}]{file} label {label}"

    def _imbalance(self) -> Iterator[str]:
        train = dict(zip(self.labels, self.counts["train"], strict=True))
        most, least = max(train, key=lambda k: train[k]), min(train, key=lambda k: train[k])
        if train[least]:
            ratio = train[most] / train[least]
            named = f", {most} to {least}" * (ratio > 1)
            yield f"imbalance in train: {ratio:.1f} to 1{named}"
        test = zip(self.labels, self.counts["test"], strict=True)
        if few := [f"{label} {count}" for label, count in test if count < FEW]:
            yield f"few test images, which decide nothing of their class: {', '.join(few)}"

    def _brightness(self) -> Iterator[str]:
        yield ""
        yield f"{'brightness, 0 to 255':32}" + _cells(
            f"{level.mean:.1f}" for level in self.levels.values()
        )
        yield f"{'SD over images':32}" + _cells(f"{level.sd:.1f}" for level in self.levels.values())
        train = self.levels["train"]
        for split, level in self.levels.items():
            apart = (level.mean - train.mean) / train.sd if train.sd else 0.0
            if abs(apart) > BRIGHTER:
                word = "brighter" if apart > 0 else "darker"
                yield f"{split} is {word} than train, by {abs(apart):.1f} SD of its images"


def audited(dataset: Dataset, groups: Mapping[str, Array] | None = None) -> Audit:
    """`audit`, what is wrong being remembered, so that runs and tables say it from then on.

    Near duplicates are looked for where the extra `audit` is installed.
    """
    found = audit(dataset, groups, look_nearly=available())
    remember(found.fingerprint, found.told())
    return found


def audit(
    dataset: Dataset, groups: Mapping[str, Array] | None = None, look_nearly: bool = False
) -> Audit:
    """Read all three splits, in pieces, and find what is wrong with them.

    `groups` are those of each image by split, such as patients, else those of the npz. With
    `look_nearly` near duplicates across splits are looked for, which needs the extra `audit`.
    """
    info = dataset.info
    splits = {name: dataset.split(name) for name in SPLITS}
    samples = _samples(dataset, splits)
    found: defaultdict[str, list[Sample]] = defaultdict(list)
    constant: list[Sample] = []
    levels = {}
    for name, split in splits.items():
        means = []
        for sample, image in zip(samples[name], split.each(), strict=True):
            found[digest(image)].append(sample)
            constant += [sample] * bool((image == image[:1, :1]).all())
            means.append(image.mean())
        levels[name] = Level(float(np.mean(means)), float(np.std(means)))
    if groups is None and dataset.path:
        groups = leaks.groups_of_npz(dataset.path)
    return Audit(
        info.name,
        info.fingerprint,
        info.labels,
        {name: _counted(each, info.num_classes) for name, each in samples.items()},
        {name: len(split) for name, split in splits.items()},
        tuple(tuple(samples) for samples in found.values() if len(samples) > 1),
        tuple(constant),
        levels,
        {pair: len(places) for pair, places in shared(groups).items()} if groups else None,
        _near(splits, samples) if look_nearly else None,
    )


def _samples(dataset: Dataset, splits: Mapping[str, Split]) -> dict[str, list[Sample]]:
    files = leaks.files_of_npz(dataset.path, dataset.info.size) if dataset.path else {}
    return {
        name: [
            Sample(name, index, labels, files.get((name, str(index)), ""))
            for index, labels in enumerate(_labels(split))
        ]
        for name, split in splits.items()
    }


def _near(
    splits: Mapping[str, Split], samples: Mapping[str, list[Sample]]
) -> dict[Splits, tuple[Pair, ...]]:
    return {
        (a, b): tuple((samples[a][i], samples[b][j]) for i, j in pairs)
        for (a, b), pairs in near(splits).items()
    }


def _labels(split: Split) -> list[tuple[int, ...]]:
    """The class of each sample, or the labels it has."""
    if split.targets.ndim == 1:
        return [(label,) for label in split.targets.tolist()]
    return [tuple(np.flatnonzero(row).tolist()) for row in split.targets.numpy()]


def _counted(samples: list[Sample], classes: int) -> tuple[int, ...]:
    occurring = Counter(label for sample in samples for label in sample.labels)
    return tuple(occurring[label] for label in range(classes))


def _cells(row: Iterable[str | int]) -> str:
    return "".join(f"{cell:>9}" for cell in row)
