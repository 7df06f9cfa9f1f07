"""Import: a folder or a CSV of images becomes an npz in MedMNIST's layout, split once for all.

Beside `NAME.npz` stand `NAME.yaml` (task, labels, how it was made) and `NAME.csv` (the split, group
and sha256 of each image). A size other than 28 is in `NAME_64.npz`, as MedMNIST calls it.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bench.base import plain_yaml
from bench.base.errors import BenchError, unknown
from bench.base.files import StoreError, expanded, write_arrays, write_text
from bench.base.task import Task
from bench.data import splits
from bench.data.catalogue import LARGEST_SIZE, SMALLEST_SIZE, SPLITS
from bench.data.decoding import Fit, Unreadable
from bench.data.listing import (
    NAMED,
    Columns,
    Item,
    Listing,
    by_reason,
    left_out_lines,
    listed,
    masked,
)
from bench.data.npz import Array
from bench.data.patients import grouped
from bench.data.reading import Read, Told, read
from bench.data.window import Window, eight_bits

TABLE = ("split", "index", "image", "label", "group", "sha256")


@dataclass(frozen=True)
class Recipe:
    """How images become a dataset."""

    sizes: tuple[int, ...] = (28,)
    columns: Columns = field(default_factory=Columns)
    exclude: tuple[str, ...] = ()
    parts: tuple[float, float, float] = (0.7, 0.1, 0.2)
    """Of train, val and test."""
    seed: int = 0
    fit: Fit = "crop"
    window: Window | None = None
    """Of deep images; None: a DICOM file's own, else the default of `Window`."""
    window_per_image: bool = False

    @property
    def windows(self) -> bool:
        """Whether a window is asked for, which goes before a DICOM file's own."""
        return self.window is not None or self.window_per_image

    def __post_init__(self) -> None:
        for size in self.sizes:
            if not SMALLEST_SIZE <= size <= LARGEST_SIZE:
                raise BenchError(f"size {size}: {SMALLEST_SIZE} to {LARGEST_SIZE} px are possible")


@dataclass(frozen=True)
class Imported:
    """What an import made: files, images of each class by split, and what it did not take."""

    files: tuple[Path, ...]
    labels: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    left_out: dict[str, tuple[str, ...]]
    """Names by reason."""
    notes: tuple[str, ...] = field(default=())

    def lines(self) -> Iterator[str]:
        """For the terminal."""
        width = max(map(len, self.labels), default=0) + 2
        yield f"{'':{width}}" + "".join(f"{split:>8}" for split in SPLITS)
        for label, row in zip(self.labels, zip(*self.counts.values(), strict=True), strict=True):
            yield f"{label:{width}}" + "".join(f"{count:8}" for count in row)
        yield from left_out_lines(self.left_out)
        yield from (f"note: {note}" for note in self.notes)
        yield from (f"wrote {file}" for file in self.files)


@dataclass(frozen=True)
class Taken:
    """The images that could be read, with their labels and groups as numbers and words."""

    items: tuple[Item, ...]
    images: dict[int, list[Array]]
    """By size, fitted, not yet windowed."""
    hashes: Array
    labels: Array
    """0 and 1 (N, C)."""
    sides: Array
    """Of the files, the shorter one (N,), in pixels."""
    apart: bool
    """Whether a group stays in one split."""

    def notes(self, recipe: Recipe) -> Iterator[str]:
        """What was done to images that a reader should know."""
        largest, window = max(recipe.sizes), recipe.window or Window()
        yield from self._repeated()
        if small := int((self.sides < largest).sum()):
            yield f"{self._share(small)} smaller than {largest} px, and enlarged"
        if deep := sum(image.dtype != np.uint8 for image in self.images[largest]):
            whose = "each image" if recipe.window_per_image else "the training images"
            yield (
                f"{self._share(deep)} of more than 8 bits: {window.low} of {whose} is black, "
                f"{window.high} white"
            )
        elif recipe.windows:
            yield "no image is of more than 8 bits: --window changes nothing"

    def _repeated(self) -> Iterator[str]:
        """Files that are there more than once, and those of them with different labels."""
        _, first, count = np.unique(self.hashes, return_index=True, return_counts=True)
        if again := len(self.items) - len(first):
            example = self.items[first[count > 1][0]].name
            yield f"{self._share(again)} the same file as another one, such as {example}"
        kinds = np.unique(np.column_stack([self.hashes, self.labels]), axis=0)
        if twice := len(kinds) - len(first):
            yield f"{twice:,} of these {'has' if twice == 1 else 'have'} two different labels"

    def _share(self, count: int) -> str:
        """`1 of 40 images is`."""
        return f"{count:,} of {len(self.items):,} images {'is' if count == 1 else 'are'}"

    @property
    def has_groups(self) -> bool:
        return any(item.group for item in self.items)

    @property
    def groups(self) -> Array:
        """The group of each image (N,); one without is a group with files of the same bytes."""
        pairs = zip(self.items, self.hashes.tolist(), strict=True)
        return np.array([item.group or sha256 for item, sha256 in pairs])

    @property
    def units(self) -> Array:
        """What stays in one split (N,)."""
        return self.groups if self.apart else self.hashes


def import_images(
    source: str | Path,
    name: str | Path,
    recipe: Recipe = Recipe(),
    told: Told = lambda read, of: None,
) -> Imported:
    """Make `name.npz` of a folder or a CSV.

    Where `name.csv` is there already, its splits are taken, never drawn again: another size may be
    added, but no other images. Raises BenchError.
    """
    source, target = expanded(source), expanded(name)
    target = target.with_suffix("") if target.suffix == ".npz" else target
    if not target.name:
        raise BenchError(f"--name {str(name)!r} names no file; write one such as skin")
    if _beside(target, "csv").resolve() == source.resolve():
        raise BenchError(
            f"{source} would be overwritten by the table of splits; give another --name"
        )
    _check_free(target, recipe.sizes)
    found = listed(source, recipe.columns, recipe.exclude)
    if not recipe.exclude:
        _check_no_masks(found)
    taken, found = _taken(found, recipe, told)
    split, notes = _split(target, taken, found, recipe)
    _check_apart(source, taken, split)
    rows = {s: tuple(map(int, taken.labels[split == s].sum(0))) for s in SPLITS}
    notes = (*found.notes, *notes, *taken.notes(recipe), *_lacking(found.labels, rows))
    try:
        files = list(_written(target, taken, found, split, recipe))
    except StoreError as error:
        raise BenchError(f"{str(error).partition(';')[0]}; give another --name") from None
    return Imported(tuple(files), found.labels, rows, by_reason(found.left_out), notes)


def _check_free(target: Path, sizes: Sequence[int]) -> None:
    """Raise BenchError where a file would be overwritten that no import made: its table is last."""
    table, files = _beside(target, "csv"), [npz_of(target, size) for size in sizes]
    for file in (*files, *(file.with_suffix(".yaml") for file in files)):
        if file.exists() and not table.exists():
            raise BenchError(
                f"{file} was not made by an import, or one that was stopped: {table.name} is not "
                "beside it; give another --name, or move it away"
            )


def _check_apart(source: Path, taken: Taken, split: Array) -> None:
    """Raise BenchError where two given splits share what belongs in one, with an example."""
    for (one, other), places in splits.shared(_by_split(taken.units, split)).items():
        later = np.flatnonzero(split == other)[places]
        twin = np.flatnonzero((taken.units == taken.units[later[0]]) & (split == one))[0]
        raise BenchError(
            f"{source}: {len(places):,} images of {other} are of a patient, or are a file, that "
            f"{one} has too, the first {taken.items[later[0]].name}, as {taken.items[twin].name}; "
            'move them into one split, or keep splits that share patients with --group-column ""'
        )


def _lacking(labels: Sequence[str], rows: dict[str, tuple[int, ...]]) -> Iterator[str]:
    """The classes without an image in a split that was given; of train BenchError."""
    for split, counts in rows.items():
        gone = [label for label, count in zip(labels, counts, strict=True) if not count]
        if gone and split == "train":
            there = [label for label in labels if label not in gone]
            raise BenchError(f"{unknown('training image of', gone[0], there)}")
        if gone:
            yield f"there is no {split} image of {', '.join(gone)}"


def _check_no_masks(found: Listing) -> None:
    """Raise BenchError where names pair up as image and mask, and what to do was not said."""
    if masks := masked(found.items):
        raise BenchError(
            f"{len(masks)} names pair up as image and mask ({masks[0]}); leave masks out with "
            '--exclude "*_mask*", or keep all with --exclude ""'
        )


def _taken(found: Listing, recipe: Recipe, told: Told) -> tuple[Taken, Listing]:
    """All images that can be read, at every size, and the listing of them alone."""
    paths = [item.path for item in found.items]
    files = read(paths, recipe.sizes, recipe.fit, not recipe.windows, told)
    each = list(zip(found.items, files, strict=True))
    unreadable = [(i.name, f"unreadable, {r}") for i, r in each if isinstance(r, Unreadable)]
    taken = [(item, file) for item, file in each if isinstance(file, Read)]
    readable = {label for item, _ in taken for label in item.labels}
    if gone := [name for name in found.labels if name not in readable]:
        first = f"; {unreadable[0][0]}: {unreadable[0][1]}" if unreadable else ""
        raise BenchError(f"no readable image of {', '.join(gone[:NAMED])}{first}")
    items, left_out = tuple(item for item, _ in taken), (*found.left_out, *unreadable)
    found = grouped(replace(found, items=items, left_out=left_out), recipe.columns.group)
    images = {s: [file.images[n] for _, file in taken] for n, s in enumerate(recipe.sizes)}
    labels = [[label in item.labels for label in found.labels] for item in items]
    hashes = np.array([file.sha256 for _, file in taken])
    sides = np.array([file.side for _, file in taken])
    return Taken(found.items, images, hashes, np.array(labels, np.uint8), sides, found.apart), found


def _split(
    target: Path, taken: Taken, found: Listing, recipe: Recipe
) -> tuple[Array, tuple[str, ...]]:
    """The split of each image, and notes on it: the saved one, the given one, or a new one."""
    if _beside(target, "csv").is_file():
        return _saved(target, taken, recipe), (f"the splits are those of {target.name}.csv",)
    try:
        return _drawn(taken, found, recipe)
    except splits.TooFew as few:
        mend = f"leave them out with {found.without(few.classes)}, or join classes"
        raise BenchError(f"{few}; {mend}") from None


def _drawn(taken: Taken, found: Listing, recipe: Recipe) -> tuple[Array, tuple[str, ...]]:
    """As `_split`, where none is saved."""
    given = np.array([item.split or "" for item in taken.items])
    if not given[0]:
        drawn = splits.drawn(taken.labels, taken.units, recipe.parts, recipe.seed, found.labels)
        return drawn, ()
    if "val" in given:
        return given, ()
    train, val, _ = recipe.parts
    rest = np.flatnonzero(given == "train")
    held = splits.held_out(
        taken.labels[rest], taken.units[rest], val / (train + val), recipe.seed, found.labels
    )
    given[rest[held]] = "val"
    return given, ("there is no val folder: it is taken from train",)


def _saved(target: Path, taken: Taken, recipe: Recipe) -> Array:
    """The splits in the table beside `target`. Raises BenchError where they are of other images."""
    table, described = _beside(target, "csv"), _beside(target, "yaml")
    with table.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != TABLE:
            raise BenchError(f"{table} is no table of an import; give another --name")
        known = {(row["image"], row["sha256"]): row["split"] for row in reader}
    asked = list(zip((item.name for item in taken.items), taken.hashes.tolist(), strict=True))
    made = plain_yaml.read(described.read_bytes(), str(described)) if described.is_file() else {}
    if set(asked) != set(known) or made.get("import", {}).get("rule") != _rule(taken, recipe):
        raise BenchError(
            f"{table} holds the splits of an earlier import, of other images or by another --split "
            "or --seed; splits are never drawn again: give another --name"
        )
    return np.array([known[one] for one in asked])


def _rule(taken: Taken, recipe: Recipe) -> str:
    """How splits are drawn, in words that two imports have in common."""
    if taken.items[0].split:
        return f"folders, seed {recipe.seed}"
    by = "group" if taken.has_groups and taken.apart else "image"
    shares = ", ".join(f"{part:g}" for part in recipe.parts)
    return f"{shares} of train, val, test; stratified, by {by}, seed {recipe.seed}"


def _written(
    target: Path, taken: Taken, found: Listing, split: Array, recipe: Recipe
) -> Iterator[Path]:
    """Write table, npz files and descriptions; the paths."""
    order = {s: np.flatnonzero(split == s) for s in SPLITS}
    labels = taken.labels if found.multilabel else taken.labels.argmax(1)[:, None]
    for size in recipe.sizes:
        file = npz_of(target, size)
        images, window = _windowed(taken.images[size], split, recipe)
        arrays: dict[str, Array] = {}
        for s, places in order.items():
            arrays[f"{s}_images"] = images[places]
            arrays[f"{s}_labels"] = labels[places].astype(
                np.uint8 if labels.max() < 256 else np.int64
            )
            if taken.has_groups:
                arrays[f"{s}_groups"] = taken.groups[places]
        write_arrays(file, **arrays)
        yield file
        about = _about(taken, found, recipe) | {"size": size, "window": window}
        yield write_text(file.with_suffix(".yaml"), _description(found, about))
    yield write_text(_beside(target, "csv"), _table(taken, order))


def _windowed(images: Sequence[Array], split: Array, recipe: Recipe) -> tuple[Array, str]:
    """uint8 images (N, S, S) or (N, S, S, 3), and what became black and white."""
    window, said = recipe.window or Window(), "none: 8 bits"
    deep = [image.dtype != np.uint8 for image in images]
    if any(deep) and not recipe.window_per_image:
        seen = [i for i, d, s in zip(images, deep, split, strict=True) if d and s == "train"]
        low, high = window.limits(seen or [i for i, d in zip(images, deep, strict=True) if d])
        said = f"{window} of the training images: {low:g} to {high:g}"
        images = [eight_bits(i, low, high) if d else i for i, d in zip(images, deep, strict=True)]
    elif any(deep):
        said = f"{window} of each image"
        images = [
            eight_bits(i, *window.limits([i])) if d else i
            for i, d in zip(images, deep, strict=True)
        ]
    if any(image.ndim == 3 for image in images):
        images = [i if i.ndim == 3 else np.stack([i] * 3, -1) for i in images]
    return np.stack(images), said


def _about(taken: Taken, found: Listing, recipe: Recipe) -> dict[str, Any]:
    left = Counter(reason.split(",")[0] for _, reason in found.left_out)
    return {
        "rule": _rule(taken, recipe),
        "fit": recipe.fit,
        "where": recipe.columns.where,
        "exclude": list(recipe.exclude),
        "left_out": dict(left),
        "licence": "not stated; write the licence of the images here",
    }


def _description(found: Listing, about: dict[str, Any]) -> str:
    kind = Task.MULTILABEL if found.multilabel else Task.MULTICLASS
    task = Task.BINARY if len(found.labels) == 2 and not found.multilabel else kind
    content = {"task": task.value, "labels": list(found.labels), "import": about}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _table(taken: Taken, order: dict[str, Array]) -> str:
    """A row an image, in the order of the npz."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TABLE)
    for split, places in order.items():
        for index, place in enumerate(places):
            item = taken.items[place]
            label = "+".join(item.labels)
            writer.writerow([split, index, item.name, label, item.group or "", taken.hashes[place]])
    return text.getvalue()


def npz_of(target: Path, size: int) -> Path:
    """The file of an import at a size."""
    return target.with_name(f"{target.name}.npz" if size == 28 else f"{target.name}_{size}.npz")


def _beside(target: Path, suffix: str) -> Path:
    return target.with_name(f"{target.name}.{suffix}")


def _by_split(values: Array, split: Array) -> dict[str, Array]:
    return {s: values[split == s] for s in SPLITS}
