"""What two splits have in common, images or groups such as patients, in the words of tables."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.base.errors import BenchError, unknown
from bench.data import npz
from bench.data.catalogue import SPLITS
from bench.data.listing import GROUPS
from bench.data.npz import Array
from bench.data.splits import shared

OF_GROUPS = "of groups that {} has too"
THE_SAME = "in {} too"
MADE = ("split", "index", "image", "sha256")
"""Columns of the table that an import writes."""
NEARLY = "nearly the same as one in {}"


def in_two(values: Mapping[str, Array], what: str) -> tuple[str, ...]:
    """A sentence for each two splits that share values, of which there is one an image."""
    return tuple(
        said(len(places), len(values[later]), later, what.format(earlier))
        for (earlier, later), places in shared(values).items()
    )


def said(count: int, total: int, split: str, what: str) -> str:
    """`3 of 40 test images are in train too`."""
    return f"{count:,} of {total:,} {split} images {'is' if count == 1 else 'are'} {what}"


def groups_of_npz(path: Path) -> dict[str, Array]:
    """`{split}_groups` of a file, one an image; {} where it has none. Raises BenchError."""
    if not npz.names(path) & {f"{split}_groups" for split in SPLITS}:
        return {}
    groups = {split: _groups(path, f"{split}_groups") for split in SPLITS}
    for split, of_images in groups.items():
        if len(of_images) != npz.header(path, f"{split}_images").shape[0]:
            raise BenchError(f"{path}: {split}_groups has {len(of_images)} rows; save one an image")
    return groups


def _groups(path: Path, name: str) -> Array:
    if name not in npz.names(path):
        raise BenchError(
            f"{path} has groups, but no {name}; save groups of train, val and test, one an image"
        )
    npz.header(path, name, mend="save them as text: groups.astype(str)")
    return npz.read(path, name).ravel()


def files_of_npz(path: Path, size: int) -> dict[tuple[str, str], str]:
    """What an import made each image of, by split and index; {} where none made this file."""
    try:
        rows = _rows(path.with_name(f"{path.stem.removesuffix(f'_{size}')}.csv"), MADE)
    except BenchError:
        return {}
    return {(row["split"], row["index"]): row["image"] for row in rows}


def groups_of_csv(file: Path, column: str | None, counts: Mapping[str, int]) -> dict[str, Array]:
    """The groups in `column` of a CSV that has split and index too, one an image; without one, in
    that which has a usual name.

    An image without a group is one of its own. Raises BenchError where an image has no row.
    """
    column = column or _usual(file)
    rows = _rows(file, ("split", "index", column))
    found = {(row["split"], row["index"]): (row[column] or "").strip() for row in rows}
    missing = [
        f"{split}[{index}]"
        for split, count in counts.items()
        for index in range(count)
        if (split, str(index)) not in found
    ]
    if missing:
        raise BenchError(
            f"{file}: {len(missing):,} images have no row, the first {missing[0]}; "
            "split and index say which image a row is of"
        )
    return {
        split: np.array([found[split, str(index)] or f"{split}[{index}]" for index in range(count)])
        for split, count in counts.items()
    }


def _usual(file: Path) -> str:
    """The one column with a usual name of groups."""
    names = list(next(iter(_rows(file, ())), {}))
    found = [name for name in names if name.lower() in GROUPS]
    if len(found) == 1:
        return found[0]
    raise BenchError(
        f"{file}: which column is the group? name it with --group-column; "
        f"there are {', '.join(names)}"
    )


def _rows(file: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Of a CSV that has these columns."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            names = reader.fieldnames or []
            for column in columns:
                if column not in names:
                    raise unknown(f"column in {file}:", column, names)
            return list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"cannot read {file} ({error}); see that it is a CSV in UTF-8") from None
