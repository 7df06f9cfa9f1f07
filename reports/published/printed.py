"""A printed table: what its cells say, each number with the unit of its last digit.

The first column labels the rows, also the next ones where the first is not enough. A cell is a mean
with its SD, an interval or nothing beside it (`numbers.Entry`), missing (empty, a dash, N/A), or
not read. A column without any number is one of words, and so is a column of p values (`p`,
`p acc`, `p-value`), whose cells may read `<0.01`. A column named mean, average, avg or overall is
the mean of those of its kind, and so is such a last row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.base.errors import BenchError, unknown
from reports.published.numbers import Entry, Number
from reports.published.quantities import MEAN, OTHER, P_VALUES, metric
from reports.published.sheets import Decimal, Line, Sheet, of_text, sheets

FOLDER = Path(__file__).parent
"""Where the tables of papers are."""
MISSING = ("", "-", "–", "—", "--", "n/a", "na", "nan")
MOST_HEADINGS = 3

Place = tuple[str, str]


@dataclass(frozen=True)
class Printed:
    """A table as printed; `entries` and `words` are by row and column, and lack what is missing.

    `headers` are all columns but that of the labels, `columns` those of numbers; `averages` names
    the parts of each column that is a mean; `unread` is what could not be read, in columns of
    numbers or beside them; `format` is that of the file.
    """

    name: str
    rows: tuple[str, ...]
    headers: tuple[str, ...]
    columns: tuple[str, ...]
    entries: dict[Place, Entry]
    words: dict[Place, str]
    averages: dict[str, tuple[str, ...]]
    unread: dict[Place, str]
    format: str

    @property
    def mean_column(self) -> str | None:
        """The first column that is the mean of others."""
        return next(iter(self.averages), None)

    @property
    def mean_row(self) -> str | None:
        """The last row, if it is the mean of the others."""
        named = len(self.rows) > 2 and MEAN.fullmatch(self.rows[-1])
        return self.rows[-1] if named else None

    @property
    def part_columns(self) -> tuple[str, ...]:
        return tuple(column for column in self.columns if column not in self.averages)

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
    def sds(self) -> dict[Place, Number]:
        return {place: entry.sd for place, entry in self.entries.items() if entry.sd}

    def means(self, rows: Sequence[str], columns: Sequence[str]) -> list[Number]:
        """The printed means of these rows and columns, as far as they exist."""
        places = ((row, column) for row in rows for column in columns)
        return [self.entries[place].mean for place in places if place in self.entries]


def read(path: Path) -> Printed:
    """The one table of a file; BenchError if it has none or several."""
    (found,) = read_all(path)
    return found


def read_all(
    path: Path, decimal: Decimal | None = None, mean_column: str | None = None
) -> list[Printed]:
    """All tables of a file: CSV in UTF-8, UTF-16 or cp1252, Markdown, or LaTeX.

    `decimal` is the mark before fractions, `mean_column` the name of the column of means, where
    the table does not tell. Raises BenchError where there is no table, or the name is unknown.
    """
    found = [printed(sheet, mean_column) for sheet in sheets(path, decimal)]
    names = [header for table in found for header in table.headers]
    if mean_column is not None and mean_column not in names:
        raise unknown(f"column of {path.name}", mean_column, names)
    return found


def parse(text: str, name: str) -> Printed:
    """As `read`, of a file's text; `name` is the file's, for errors."""
    (sheet,) = of_text(text, name)
    return printed(sheet)


def printed(sheet: Sheet, mean_column: str | None = None) -> Printed:
    """What the cells of a sheet say."""
    if len(sheet.lines) < 2:
        raise BenchError(f"{sheet.file}: no table; a header and at least one row are expected")
    headings, rows = _headings(_even(sheet))
    width = _labels(rows)
    labels = [" ".join(filter(None, row[:width])) for row in rows]
    headers = _joined(headings)[width:]
    _check_names(sheet.file, "column", headers)
    _check_names(sheet.file, "row", labels)
    texts = {
        (label, header): cell
        for label, row in zip(labels, rows, strict=True)
        for header, cell in zip(headers, row[width:], strict=True)
        if cell.lower() not in MISSING
    }
    entries = {place: entry for place, cell in texts.items() if (entry := Entry.parse(cell))}
    numeric = {c for (_, c), entry in entries.items() if entry.sd or not P_VALUES.fullmatch(c)}
    columns = tuple(header for header in headers if header in numeric)
    if not columns:
        raise BenchError(f"{sheet.file}: no column holds a number; write cells as 87.3±0.8 or 87.3")
    entries = {place: entry for place, entry in entries.items() if place[1] in columns}
    words = {place: cell for place, cell in texts.items() if place[1] not in columns}
    return Printed(
        sheet.name,
        tuple(labels),
        tuple(headers),
        columns,
        entries,
        words,
        _averages(columns, entries, mean_column),
        {place: cell for place, cell in texts.items() if _is_unread(place, cell, columns, entries)},
        sheet.format,
    )


def _even(sheet: Sheet) -> list[Line]:
    """Lines of one length; a CSV file says where they are not, others leave cells out."""
    width = max(map(len, sheet.lines[:MOST_HEADINGS]))
    for line in sheet.lines:
        if sheet.format.startswith("CSV") and len(line) != len(sheet.lines[0]):
            raise BenchError(
                f"{sheet.file}, row {line[0]!r}: {len(line)} cells, but the header has "
                f"{len(sheet.lines[0])}; add or remove cells, and quote one that contains a comma"
            )
    return [(line + [""] * width)[:width] for line in sheet.lines]


def _headings(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """The first line, and those below it that go on with it: words alone under a cell that spans
    several, or without a label.
    """
    count = 1
    while count < min(MOST_HEADINGS, len(lines) - 1) and _goes_on(lines[count - 1], lines[count]):
        count += 1
    rows = [line for line in lines[count:] if any(line[1:])] or lines[count:]
    return lines[:count], rows


def _goes_on(above: Line, line: Line) -> bool:
    words = [cell for cell in line[1:] if cell.lower() not in MISSING]
    spans = "" in above[1:] or not line[0]
    return spans and bool(words) and not any(map(Entry.parse, words))


def _joined(headings: list[Line]) -> list[str]:
    """Each column's headings in one; a cell that spans several columns stands for all of them."""
    *upper, last = headings
    filled = []
    for line in upper:
        carried = [line[0]]
        for cell in line[1:]:
            carried.append(cell or carried[-1])
        filled.append([line[0], *carried[1:]])
    return [
        " ".join(dict.fromkeys(filter(None, column))) for column in zip(*filled, last, strict=True)
    ]


def _labels(rows: list[Line]) -> int:
    """How many leading columns label the rows: more than one where the first alone is not unique.

    A blank label stands for the one above it.
    """
    width, columns = 1, len(rows[0])
    while width < columns - 1 and _repeated(rows, width) and _is_words(rows, width):
        width += 1
    if width > 1:
        for above, row in pairwise(rows):
            for column in range(width - 1):
                row[column] = row[column] or above[column]
    return width


def _repeated(rows: list[Line], width: int) -> bool:
    labels = [tuple(row[:width]) for row in rows]
    return len(set(labels)) < len(labels) or any(not label[-1] for label in labels)


def _is_words(rows: list[Line], column: int) -> bool:
    cells = [row[column] for row in rows if row[column].lower() not in MISSING]
    return bool(cells) and not any(map(Entry.parse, cells))


def _check_names(name: str, kind: str, names: Sequence[str]) -> None:
    for label in names:
        if names.count(label) > 1:
            raise BenchError(
                f"{name}: {kind} {label!r} stands {names.count(label)} times; expected one row a "
                f"method and one column a dataset, each {kind} with a name of its own"
            )


def _is_unread(
    place: Place, cell: str, columns: Sequence[str], entries: dict[Place, Entry]
) -> bool:
    """Whether a cell is no number where numbers stand, or has digits where none was read."""
    if place[1] in columns:
        return place not in entries
    return not P_VALUES.fullmatch(place[1]) and cell.lstrip("(±+-−<").replace(".", "")[:1].isdigit()


def _averages(
    columns: Sequence[str], entries: dict[Place, Entry], named: str | None
) -> dict[str, tuple[str, ...]]:
    """The columns that are a mean, each with its parts: two or more of one metric and one scale;
    none where it cannot be told which.
    """
    means = [named] if named else [column for column in columns if MEAN.fullmatch(column)]
    others = [c for c in columns if c not in means and not OTHER.search(c)]
    found = {}
    for mean in means:
        fraction = _is_fraction(mean, entries)
        alike = [c for c in _of_metric(mean, others) if _is_fraction(c, entries) == fraction]
        found[mean] = tuple(alike) if len(alike) > 1 else ()
    return found


def _of_metric(mean: str, columns: Sequence[str]) -> list[str]:
    """Those of the mean's metric; where it names none, all if they are of one."""
    kinds = {column: metric(column) for column in columns}
    own = metric(mean)
    if own is None:
        return list(columns) if len(set(kinds.values())) == 1 else []
    same = [column for column, kind in kinds.items() if kind == own]
    return same or [column for column, kind in kinds.items() if kind is None]


def _is_fraction(column: str, entries: dict[Place, Entry]) -> bool:
    """Whether all its numbers, three or more, are fractions of 1 with two decimals or more."""
    means = [entry.mean for (_, name), entry in entries.items() if name == column]
    return len(means) > 2 and all(
        abs(number.value) <= 1.5 and number.unit <= 0.01 for number in means
    )
