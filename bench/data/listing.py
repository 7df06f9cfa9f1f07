"""Which images a folder or a CSV names: files, labels, groups, and splits where they are given."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.base.errors import BenchError, unknown

if TYPE_CHECKING:
    import pandas as pd

SPLIT_FOLDERS = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
IMAGES = ("image", "filename", "file", "path", "image_id")
LABELS = ("label", "class")
GROUPS = ("group", "patient", "patient_id", "patientid", "lesion_id")
"""Columns that need not be named, in any case; one of each may be there."""
PATIENT = "PatientID"
ATTRIBUTES = (PATIENT, "StudyInstanceUID", "SeriesInstanceUID")
"""Of DICOM files: what images may be grouped by."""
TABLES = (".csv", ".tsv")
NAMED = 3
"""Files that are named of each kind that was left out."""
MASK = re.compile(r"[ _-]?(mask|seg|segmentation|gt|label)s?([ _-]?\d+)?$", re.IGNORECASE)
IN_TWO = "may stand in two splits"
LAYOUTS = (
    "give a folder of class folders, one with train, val and test of them, or a CSV with a column "
    "of files and one of labels"
)


@dataclass(frozen=True)
class Columns:
    """Of a CSV: the columns of `image` files, of `labels` (several: 0 and 1 each) and of the
    `group`; None where they have a name that says it. `where` is an expression of pandas.

    The group may be one of `ATTRIBUTES` too, also of a folder; "" keeps no group in one split.
    """

    image: str | None = None
    labels: tuple[str, ...] = ()
    group: str | None = None
    where: str | None = None


@dataclass(frozen=True)
class Item:
    """One image: its file, how it is called in its source, and what is said of it."""

    path: Path
    name: str
    labels: tuple[str, ...]
    """The class, or the labels that it has."""
    group: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class Listing:
    """What a source names. `multilabel` ones have several label columns, `labels` in order."""

    items: tuple[Item, ...]
    labels: tuple[str, ...]
    multilabel: bool
    left_out: tuple[tuple[str, str], ...]
    """Names, each with the reason."""
    notes: tuple[str, ...] = ()
    columns: Columns = Columns()
    """Of a CSV: those that were read."""
    apart: bool = True
    """Whether a group stays in one split."""

    def without(self, classes: Sequence[str]) -> str:
        """The option that leaves these classes out, as it is typed."""
        if self.multilabel:
            return f"--label-column {','.join(n for n in self.labels if n not in classes)}"
        if not self.columns.labels:
            return " ".join(f'--exclude "{name}"' for name in classes)
        column, where = self.columns.labels[0], self.columns.where
        column = column if column.isidentifier() else f"\\`{column}\\`"
        values = classes if all(map(_is_number, self.labels)) else map(repr, classes)
        chosen = f"{column} not in [{', '.join(values)}]"
        whole = f"({where}) and {chosen}" if where else chosen
        return '--where "' + whole.replace('"', '\\"') + '"'


def listed(source: Path, columns: Columns = Columns(), exclude: Sequence[str] = ()) -> Listing:
    """What a folder or a CSV names, but for what fits a pattern of `exclude`: a path, a name or
    that of a folder. Raises BenchError, also where nothing fits a pattern.
    """
    if source.is_dir():
        if replace(columns, group=None) != Columns():
            raise BenchError(f"{source} is a folder; name the CSV in it to choose columns or rows")
        if columns.group and columns.group not in ATTRIBUTES:
            raise unknown("DICOM attribute", columns.group, ATTRIBUTES)
        found = _of_folder(source, exclude)
    elif source.suffix.lower() in TABLES and source.is_file():
        found = _of_csv(source, columns, exclude)
    else:
        raise _no_source(source)
    for pattern in filter(None, exclude):
        if not any(_fits(name, (pattern,)) for name, _ in found.left_out):
            raise BenchError(
                f"--exclude {pattern!r} fits none of the files, such as {found.items[0].name}"
            )
    return replace(found, apart=columns.group != "")


def by_reason(left: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Names that were left out, by the reason."""
    found: dict[str, list[str]] = {}
    for name, reason in left:
        found.setdefault(reason, []).append(name)
    return {reason: tuple(names) for reason, names in found.items()}


def left_out_lines(left: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """How many images were not taken, by reason, and the names of some."""
    for reason, names in left.items():
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        yield f"left out, {reason}: {len(names):,} ({', '.join(names[:NAMED])}{more})"


def _no_source(source: Path) -> BenchError:
    if not source.exists():
        return BenchError(f"no file or folder {source}; correct the path of the images")
    if source.suffix.lower() == ".npz":
        return BenchError(
            f"{source} needs no import: --datasets {source} takes it, and "
            f"bench data verify {source} says how it is read"
        )
    return BenchError(f"{source} is no folder and no CSV; {LAYOUTS}")


def masked(items: Sequence[Item]) -> list[str]:
    """Names that are those of another image and a word for a mask: `a_mask.png` beside `a.png`."""
    stems = {str(Path(item.name).with_suffix("")) for item in items}
    return [
        item.name
        for item in items
        if (bare := MASK.sub("", stem := str(Path(item.name).with_suffix("")))) != stem
        and bare in stems
    ]


def _of_folder(source: Path, exclude: Sequence[str]) -> Listing:
    folders = {f.name: f for f in _folders(source)}
    given = {
        folder: SPLIT_FOLDERS[n.lower()]
        for n, folder in folders.items()
        if n.lower() in SPLIT_FOLDERS
    }
    whole = dict.fromkeys(folders.values(), None)
    if given and len(given) < len(folders):
        stray = next(name for name, folder in folders.items() if folder not in given)
        raise BenchError(f"{source} has split folders and {stray!r}; move it away, or the splits")
    if given and not {"train", "test"} <= set(given.values()):
        raise BenchError(
            f"{source} has no {' and '.join(sorted({'train', 'test'} - set(given.values())))} "
            "folder; train and test are needed, val is taken from train without one"
        )
    classes = (
        [(folder, split) for root, split in given.items() for folder in _folders(root)]
        if given
        else list(whole.items())
    )
    items: list[Item] = []
    left: list[tuple[str, str]] = []
    for folder, split in classes:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(source).as_posix()
            if _fits(name, exclude):
                left.append((name, "excluded"))
            elif not path.name.startswith("."):
                items.append(Item(path, name, (folder.name,), split=split))
    loose = sorted(p.name for p in source.iterdir() if p.is_file())
    tables = [name for name in loose if Path(name).suffix.lower() in TABLES]
    if tables and len({item.labels for item in items}) < 2:
        raise BenchError(
            f"{source} has no two class folders, but {', '.join(tables)}; name that as the source"
        )
    left += [(name, "in no class folder") for name in loose]
    said = f"no patients are known: images of one {IN_TWO}; a CSV can name them"
    return _complete(source, items, left, (), (said,))


def _folders(parent: Path) -> list[Path]:
    return sorted(p for p in parent.iterdir() if p.is_dir() and not p.name.startswith("."))


def _of_csv(source: Path, columns: Columns, exclude: Sequence[str]) -> Listing:
    frame = _frame(source)
    image = _column(source, frame, "image", columns.image, IMAGES)
    labels = columns.labels or (_column(source, frame, "label", None, LABELS),)
    for label in labels:
        _column(source, frame, "label", label, LABELS)
    group, apart = _group(source, frame, columns.group), columns.group != ""
    chosen = frame if columns.where is None else _where(frame, columns.where)
    left = [(name, "not chosen by --where") for name in frame[image].drop(chosen.index)]
    items, files = [], _files(source.parent)
    for row in chosen.to_dict("records"):
        name, words = str(row[image]), _words(source, row, labels)
        found, of = _find(files, name), row[group].strip() if group else ""
        if _fits(name, exclude):
            left.append((name, "excluded"))
        elif words is None:
            left.append((name, "without label"))
        elif group and apart and not of:
            left.append((name, f"without {group}"))
        elif found is None:
            left.append((name, "no such file"))
        else:
            items.append(Item(found, name, words, of or None))
    said = f"images of one {group} {'stay in one split' if apart else IN_TWO}"
    if not group:
        said = f"no group column: images of one patient {IN_TWO}"
    whole = _complete(source, items, left, labels if len(labels) > 1 else (), (said,))
    return replace(whole, columns=replace(columns, image=image, labels=labels, group=group or None))


def _complete(
    source: Path,
    items: Sequence[Item],
    left: Sequence[tuple[str, str]],
    labels: Sequence[str],
    notes: Sequence[str],
) -> Listing:
    words = {label for item in items for label in item.labels}
    occurring = tuple(sorted(words, key=float if all(map(_is_number, words)) else None))
    if len(labels or occurring) < 2:
        found = "; ".join((", ".join(occurring) or "none", *left_out_lines(by_reason(left))))
        raise BenchError(f"{source}: two classes or more are needed, found {found}; {LAYOUTS}")
    return Listing(
        tuple(items), tuple(labels) or occurring, bool(labels), tuple(left), tuple(notes)
    )


def _frame(source: Path) -> "pd.DataFrame":
    """The table as text; an empty cell is an empty text."""
    import pandas as pd

    try:
        return pd.read_csv(source, sep=_separator(source), dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise BenchError(
            f"{source} is no CSV in UTF-8 ({' '.join(str(error).split())[:80]})"
        ) from None


def _separator(source: Path) -> str:
    """A tab, a comma or, where the first line has no comma, the semicolon of some spreadsheets."""
    if source.suffix.lower() == ".tsv":
        return "\t"
    with source.open(encoding="utf-8") as file:
        names = file.readline()
    return ";" if ";" in names and "," not in names else ","


def _where(frame: "pd.DataFrame", expression: str) -> "pd.DataFrame":
    """The rows of an expression; columns of numbers alone are numbers in it."""
    typed = frame.replace("", None).apply(_numbers)
    try:
        rows = typed.query(expression, engine="python").index
    except Exception as error:  # whatever pandas makes of a user's expression
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise BenchError(
            f"--where {expression!r}: {reason}; write it as pandas does, \"view == 'PA'\", of "
            f"{', '.join(frame.columns)}"
        ) from None
    if not len(rows):
        raise BenchError(f"--where {expression!r}: no row fits; look at the values in the CSV")
    return frame.loc[rows]


def _numbers(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """A column of numbers alone as numbers; another as it is."""
    import pandas as pd

    read = pd.to_numeric(column, errors="coerce")
    return read if read.notna().equals(column.notna()) else column


def _column(
    source: Path,
    frame: "pd.DataFrame",
    what: str,
    said: str | None,
    usual: Sequence[str],
    optional: bool = False,
) -> str:
    """The column that was said, else the one with a usual name; "" where none is and none must."""
    if said is not None:
        if said not in frame.columns:
            raise unknown(f"column in {source.name}:", said, frame.columns)
        return said
    found = [column for column in frame.columns if column.lower() in usual]
    if len(found) == 1 or (optional and not found):
        return found[0] if found else ""
    raise BenchError(
        f"{source}: which column is the {what}? name it with --{what}-column; "
        f"there are {', '.join(frame.columns)}"
    )


def _group(source: Path, frame: "pd.DataFrame", said: str | None) -> str:
    """The column of groups; "" where there is none, or where the files themselves name it."""
    if said in ATTRIBUTES and said not in frame.columns:
        return ""
    return _column(source, frame, "group", said or None, GROUPS, optional=True)


def _words(source: Path, row: Mapping[Any, str], labels: Sequence[str]) -> tuple[str, ...] | None:
    """The class, or those of the labels that are 1; None where a cell is empty."""
    cells = [row[label].strip() for label in labels]
    if not all(cells):
        return None
    if len(labels) == 1:
        return (cells[0],)
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        numbers = [-1.0]
    if not set(numbers) <= {0.0, 1.0}:
        raise BenchError(f"{source}: several label columns hold 0 and 1, not {', '.join(cells)}")
    return tuple(label for label, number in zip(labels, numbers, strict=True) if number)


def _files(folder: Path) -> dict[str, list[Path]]:
    """All files below a folder, by their relative path, their name, and both without suffix."""
    found: dict[str, list[Path]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        place = path.relative_to(folder)
        keys = (place, place.with_suffix(""), Path(place.name), Path(place.stem))
        for key in dict.fromkeys(k.as_posix() for k in keys):
            found.setdefault(key, []).append(path)
    return found


def _find(files: dict[str, list[Path]], name: str) -> Path | None:
    found = files.get(Path(name).as_posix()) or files.get(name.replace("\\", "/"), [])
    exact = [path for path in found if path.as_posix().endswith(f"/{name}")]
    if len(exact or found) > 1:
        raise BenchError(f"{name!r} may be {found[0]} or {found[1]}; write its path in the CSV")
    if found:
        return (exact or found)[0]
    return Path(name) if Path(name).is_absolute() and Path(name).is_file() else None


def _fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern is that of the path, or of a folder or file in it."""
    return any(fnmatch(part, p) for p in patterns for part in (name, *Path(name).parts))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
