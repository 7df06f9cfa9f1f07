"""What a report writes: a table as printed, its numbers, and its tests."""

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from bench.base.errors import Note
from bench.base.files import write_text
from reports.results.tidy import Rows, to_tidy_csv
from reports.tables.table import Notes, Table, to_csv, to_latex, to_markdown

COMMAND = re.compile(r"^Command: (.*?)(?:; commit .*|\.)$", re.MULTILINE)


@dataclass(frozen=True)
class Output:
    """A table as printed; its numbers, one row a cell; and its tests, where it has some.

    `name` is the stem of its files.
    """

    name: str
    table: Table
    cells: Rows
    tests: Rows = field(default_factory=list)


def write(output: Output, folder: Path, much: Notes = "short") -> list[Path]:
    """Write the table in every format, LaTeX with so many notes; tests that an earlier table of the
    name had, and this one has not, are removed.
    """
    stem = output.name
    contents = {
        f"{stem}.csv": to_csv(output.table),
        f"{stem}-tidy.csv": to_tidy_csv(output.cells),
        **({f"{stem}-tests.csv": to_tidy_csv(output.tests)} if output.tests else {}),
        f"{stem}.tex": to_latex(output.table, much),
        f"{stem}.md": to_markdown(output.table),
    }
    _tell_of_another(folder / f"{stem}.md", contents[f"{stem}.md"])
    paths = [write_text(folder / name, text) for name, text in contents.items()]
    if not output.tests:
        (folder / f"{stem}-tests.csv").unlink(missing_ok=True)
    return paths


def _tell_of_another(path: Path, text: str) -> None:
    """Warn where the table that is written over came from another command."""
    if not path.exists():
        return
    before, now = (COMMAND.search(page) for page in (path.read_text("utf-8"), text))
    if before and now and before[1] != now[1]:
        command = before[1].replace("\\", "")
        warnings.warn(f"{path.name} of another command is replaced: {command}", Note, stacklevel=3)
