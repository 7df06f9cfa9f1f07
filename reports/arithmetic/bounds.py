"""Values that a percentage cannot take."""

import math
from collections.abc import Sequence

from reports.arithmetic.finding import Finding
from reports.arithmetic.granularity import whole
from reports.published.numbers import EPSILON, Entry, Range
from reports.published.printed import Printed
from reports.published.quantities import OTHER, PERCENTAGE

CHECK = "bounds"


def bounds(table: Printed, n: int) -> list[Finding]:
    """Percentages outside 0 to 100, and SDs above the largest that n of them can have.

    Columns of ACC or AUC are examined, as fractions where all their values are such. If the table
    names none, columns with SDs that say nothing else may be percentages: what these cannot take is
    a note.
    """
    named = [c for c in table.columns if PERCENTAGE.search(c) and not OTHER.search(c)]
    columns = named or _supposed(table)
    found = _contradictions(table, columns, n) if named else _note(table, columns, n)
    if found or not columns:
        return found
    statement = f"Every percentage lies within 0 and 100, and no SD is too large for n = {n}."
    return [Finding(CHECK, table.name, ", ".join(columns), "consistent", statement)]


def largest_sd(mean: Range, n: int, top: float = 100.0) -> float:
    """The largest SD (n - 1) that n values within 0 and `top` with this mean can have.

    The variance about the mean m is at most m (top - m) (Bhatia and Davis, 2000).
    """
    nearest = min(max(top / 2, mean.low), mean.high)
    return math.sqrt(max(0.0, nearest * (top - nearest)) * n / (n - 1))


def _supposed(table: Printed) -> list[str]:
    """Columns with SDs of which neither their name nor the table's says something else."""
    return [
        column
        for column in table.columns
        if not OTHER.search(f"{table.name} {column}")
        and any((row, column) in table.sds for row in table.rows)
    ]


def _contradictions(table: Printed, columns: Sequence[str], n: int) -> list[Finding]:
    found = []
    for column in columns:
        top = whole(table.means(table.rows, [column]))
        kind = "a percentage" if top == 100 else "a fraction"
        for row, reason in _impossible(table, column, n, top):
            where, entry = f"{row}, {column}", table.entries[row, column]
            statement = f"{entry} on {column} is {kind}, but {reason}."
            found.append(Finding(CHECK, table.name, where, "contradiction", statement))
    return found


def _note(table: Printed, columns: Sequence[str], n: int) -> list[Finding]:
    """One for all cells that can be no percentages, naming the first."""
    cells = [
        (row, column, reason)
        for column in columns
        for row, reason in _impossible(table, column, n, 100)
    ]
    if not cells:
        return []
    row, column, reason = cells[0]
    more = f" So it is with {len(cells)} cells." if len(cells) > 1 else ""
    statement = (
        f"{table.entries[row, column]} on {column}: if this is a percentage, {reason}.{more}"
    )
    return [Finding(CHECK, table.name, f"{row}, {column}", "note", statement)]


def _impossible(table: Printed, column: str, n: int, top: float) -> list[tuple[str, str]]:
    """Rows whose entry no n values within 0 and `top` give, and why."""
    return [
        (row, reason)
        for row in table.rows
        if (row, column) in table.entries
        and (reason := _reason(table.entries[row, column], n, top))
    ]


def _reason(entry: Entry, n: int, top: float) -> str:
    mean = entry.mean.unrounded
    if mean.high < 0 or mean.low > top:
        return f"it lies outside 0 to {top:g}"
    limit = largest_sd(mean, n, top)
    if entry.sd and entry.sd.unrounded.low > limit + EPSILON:
        return f"{n} values within 0 and {top:g} with this mean have an SD of at most {limit:.3g}"
    return ""
