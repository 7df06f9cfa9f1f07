"""What a printed table was taken for: so that nobody takes for checked what was not read."""

from collections import Counter
from collections.abc import Iterator

from reports.arithmetic.finding import Finding
from reports.arithmetic.granularity import whole
from reports.published.printed import Printed
from reports.published.quantities import P_VALUES

CHECK = "what was read"
SHOWN = 6
"""The cells that are named one by one."""


def what_was_read(table: Printed) -> list[Finding]:
    """Every column and what it was read as; then the cells that were not read."""
    as_what = [
        Finding(CHECK, table.name, ", ".join(columns), "note", said)
        for said, columns in _read(table)
    ]
    return [*as_what, *_unread(table)]


def _read(table: Printed) -> Iterator[tuple[str, list[str]]]:
    """Columns that were read alike, and as what."""
    groups: dict[str, list[str]] = {}
    for column in table.headers:
        groups.setdefault(_said(table, column), []).append(column)
    rows = f"{table.format}, {len(table.rows)} rows"
    for said, columns in groups.items():
        yield f"{rows}: read as {said}.", columns


def _said(table: Printed, column: str) -> str:
    if column not in table.columns:
        return "p values" if P_VALUES.fullmatch(column) else "words, not checked"
    forms = Counter(e.form for (_, name), e in table.entries.items() if name == column)
    scale = "fractions" if whole(table.means(table.rows, [column])) == 1 else "plain or percent"
    said = f"{' and '.join(forms)}, {scale}"
    if column not in table.averages:
        return said
    parts = table.averages[column]
    if parts:
        return f"{said}, the mean of {', '.join(parts)}"
    return f"{said}, a mean; of which columns cannot be told, so it is not checked (--mean-column)"


def _unread(table: Printed) -> list[Finding]:
    if not table.unread:
        return []
    named = [f"{text!r} ({row}, {column})" for (row, column), text in table.unread.items()]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    statement = f"Not read, and so not checked: {'; '.join(named[:SHOWN])}{more}."
    columns = dict.fromkeys(column for _, column in table.unread)
    return [Finding(CHECK, table.name, ", ".join(columns), "note", statement)]
