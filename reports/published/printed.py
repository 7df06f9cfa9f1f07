"""A printed table, read from CSV; a number keeps the unit of its last digit.

Cells are separated by commas or, where the header has none, by semicolons or tabs. The first column
labels the rows. The other cells are `mean±SD` (also `+/-`), a number, or missing (empty or a dash);
a percent sign and the marks `*†‡` are passed over. A column without any number is one of words, and
so is a column of p values (`p`, `p acc`, `p-value`), whose cells may read `<0.01`. A last column or
row named mean, average or avg, also `mean of 9` or `mean over sets`, is the mean of the others.
"""

import csv
import io
import math
import re
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.base.errors import BenchError

FOLDER = Path(__file__).parent
"""Where the tables of papers are."""
MISSING = ("", "-", "–", "—")
MARKS = " *†‡"
PLUS_MINUS = re.compile(r"±|\+/?[-−]")
NUMBER = re.compile(r"[+-]?(?=\.?\d)(?:\d{1,3}(?:,\d{3})+|\d*)(?:\.(\d+))?")
DIGITS = 15
"""What a float holds of a number."""
MEAN = re.compile(r"(mean|average|avg)\.?( of \d+| over .*)?", re.IGNORECASE)
P_VALUES = re.compile(r"p([ _-].*)?", re.IGNORECASE)
EPSILON = 1e-9
"""What floating-point sums of printed digits may be off by."""


@dataclass(frozen=True)
class Range:
    """All values from `low` to `high`."""

    low: float
    high: float

    def __sub__(self, other: "Range") -> "Range":
        return Range(self.low - other.high, self.high - other.low)

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def meets(self, other: "Range") -> bool:
        """Whether the two have a value in common."""
        return self.low <= other.high + EPSILON and other.low <= self.high + EPSILON


@dataclass(frozen=True)
class Number:
    """A number as printed; `unit` is that of its last digit."""

    value: float
    unit: float

    @classmethod
    def parse(cls, text: str) -> "Number | None":
        """None if the text is no number, or one of more than 15 digits."""
        plain = text.replace("−", "-").strip(MARKS).removesuffix("%").rstrip()
        match = NUMBER.fullmatch(plain)
        if match is None or sum(character.isdigit() for character in plain) > DIGITS:
            return None
        return cls(float(plain.replace(",", "")), 10.0 ** -len(match[1] or ""))

    @property
    def unrounded(self) -> Range:
        """The values that are printed like this."""
        return Range(self.value - self.unit / 2, self.value + self.unit / 2)


@dataclass(frozen=True)
class Entry:
    """A mean and, where one is printed, its SD."""

    mean: Number
    sd: Number | None = None

    @classmethod
    def parse(cls, text: str) -> "Entry | None":
        """None if the text is neither `mean±SD` nor a number."""
        mean, *sd = map(Number.parse, PLUS_MINUS.split(text, maxsplit=1))
        if mean is None or any(number is None or number.value < 0 for number in sd):
            return None
        return cls(mean, *sd)

    def __str__(self) -> str:
        return "±".join(f"{x.value:.{decimals(x.unit)}f}" for x in (self.mean, self.sd) if x)


@dataclass(frozen=True)
class Printed:
    """A table as printed; `entries` and `words` are by row and column, and lack what is missing.

    `headers` are all columns but that of the labels, `columns` those of numbers.
    """

    name: str
    rows: tuple[str, ...]
    headers: tuple[str, ...]
    columns: tuple[str, ...]
    entries: dict[tuple[str, str], Entry]
    words: dict[tuple[str, str], str]

    @property
    def mean_column(self) -> str | None:
        """The last column, if it is the mean of the others."""
        return _mean(self.columns)

    @property
    def mean_row(self) -> str | None:
        """The last row, if it is the mean of the others."""
        return _mean(self.rows)

    @property
    def part_columns(self) -> tuple[str, ...]:
        return tuple(column for column in self.columns if column != self.mean_column)

    @property
    def part_rows(self) -> tuple[str, ...]:
        return tuple(row for row in self.rows if row != self.mean_row)

    @property
    def experiments(self) -> tuple[str, ...]:
        """The part columns; one of those that are equal in every row."""
        cells = {c: tuple(self.entries.get((r, c)) for r in self.part_rows) for c in self.columns}
        first = {cells[column]: column for column in reversed(self.part_columns)}
        return tuple(column for column in self.part_columns if first[cells[column]] == column)

    @property
    def sds(self) -> dict[tuple[str, str], Number]:
        return {place: entry.sd for place, entry in self.entries.items() if entry.sd}

    def means(self, rows: Sequence[str], columns: Sequence[str]) -> list[Number]:
        """The printed means of these rows and columns, as far as they exist."""
        places = ((row, column) for row in rows for column in columns)
        return [self.entries[place].mean for place in places if place in self.entries]


def decimals(unit: float) -> int:
    """The digits after the point of a number with this unit."""
    return max(0, round(-math.log10(unit)))


def read(path: Path) -> Printed:
    """Read a table; BenchError if the file is not one."""
    try:
        return parse(path.read_text(encoding="utf-8-sig"), path.name)
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}; name a CSV file") from None
    except UnicodeDecodeError:
        raise BenchError(f"{path}: not UTF-8 text; save it as CSV in UTF-8") from None


def parse(text: str, name: str) -> Printed:
    """A table from the text of a CSV file; `name` is the file's, for errors."""
    (_, *headers), *rows = _lines(text, name)
    labels = [row[0] for row in rows]
    _check_names(name, "column", headers)
    _check_names(name, "row", labels)
    for label, *cells in rows:
        if len(cells) != len(headers):
            raise BenchError(
                f"{name}, row {label!r}: {1 + len(cells)} cells, but the header has "
                f"{1 + len(headers)}; add or remove cells, and quote one that contains a comma"
            )
    texts = {
        (label, header): cell
        for label, *cells in rows
        for header, cell in zip(headers, cells, strict=True)
        if cell not in MISSING
    }
    columns = tuple(header for header in headers if _is_numeric(header, texts))
    if not columns:
        raise BenchError(f"{name}: no column holds a number; write cells as 87.3±0.8 or 87.3")
    return Printed(
        Path(name).stem,
        tuple(labels),
        tuple(headers),
        columns,
        {place: _entry(name, *place, cell) for place, cell in texts.items() if place[1] in columns},
        {place: cell for place, cell in texts.items() if place[1] not in columns},
    )


def _lines(text: str, name: str) -> list[list[str]]:
    """The header and the rows, empty ones left out; white space in a cell becomes single spaces."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((mark for mark in ",;\t" if mark in header), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = [[" ".join(cell.split()) for cell in line] for line in reader if any(line)]
    except csv.Error as error:
        raise BenchError(
            f"{name}, line {reader.line_num}: {error}; shorten the cell, or close its quote"
        ) from None
    if len(lines) < 2:
        raise BenchError(f"{name}: no table; a header and at least one row are wanted")
    return lines


def _check_names(name: str, kind: str, names: Sequence[str]) -> None:
    for label in names:
        if names.count(label) > 1:
            raise BenchError(
                f"{name}: {kind} {label!r} stands {names.count(label)} times; one row a method, "
                f"one column a dataset is wanted, each {kind} with a name of its own"
            )


def _is_numeric(column: str, texts: dict[tuple[str, str], str]) -> bool:
    cells = [cell for (_, header), cell in texts.items() if header == column]
    if any("±" in cell for cell in cells):
        return True
    return any(map(Entry.parse, cells)) and not P_VALUES.fullmatch(column)


def _entry(name: str, row: str, column: str, cell: str) -> Entry:
    entry = Entry.parse(cell)
    if entry is None:
        raise BenchError(
            f"{name}, row {row!r}, column {column!r}: {reprlib.repr(cell)} is no number; "
            f"write 87.3±0.8 or 87.3 with at most {DIGITS} digits, or leave it empty"
        )
    return entry


def _mean(names: Sequence[str]) -> str | None:
    return names[-1] if len(names) > 2 and MEAN.fullmatch(names[-1]) else None
