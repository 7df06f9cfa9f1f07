"""What a report writes: a table as printed, its numbers, and its tests."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.base.files import write_text
from reports.tables.table import Table, to_csv, to_latex, to_markdown

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Output:
    """A table as printed; its numbers, one row a cell; and its tests, where it has some.

    `name` is the stem of its files.
    """

    name: str
    table: Table
    cells: Rows
    tests: Rows = field(default_factory=list)


def write(output: Output, folder: Path) -> list[Path]:
    """Write the table in every format."""
    stem = output.name
    contents = {
        f"{stem}.csv": to_csv(output.table),
        f"{stem}-tidy.csv": to_tidy_csv(output.cells),
        **({f"{stem}-tests.csv": to_tidy_csv(output.tests)} if output.tests else {}),
        f"{stem}.tex": to_latex(output.table),
        f"{stem}.md": to_markdown(output.table),
    }
    return [write_text(folder / name, text) for name, text in contents.items()]


def to_tidy_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Numbers, one row a cell or test; fractions, nothing rounded; an empty field is undefined."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _defined(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _defined(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
