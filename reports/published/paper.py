"""The numbers that the paper prints: claims to test, never targets."""

import csv
from pathlib import Path

from bench.base.errors import BenchError
from bench.grid.notation import method_name
from reports.tables.table import Cell

NOTE = "Published: as the paper prints it, over its own datasets, backbones and protocol."
FOLDER = Path(__file__).parent


def published(number: int) -> dict[str, dict[str, Cell | str]]:
    """Table `number` (1-6): a dict by row (its first column) of dicts by column.

    `mean±SD`, printed in percent, becomes a Cell of fractions; anything else stays as printed.
    """
    with (FOLDER / f"table{number}.csv").open(encoding="utf-8", newline="") as file:
        (_, *columns), *rows = csv.reader(file)
    return {row: dict(zip(columns, map(_cell, cells), strict=True)) for row, *cells in rows}


def claimed(number: int, metric: str) -> dict[str, dict[str, Cell | str]]:
    """`published(number)`, which prints accuracies. Raises BenchError for another metric."""
    if metric != "acc":
        raise BenchError(
            f"the paper's Table {number} prints ACC only; leave --published or --metric out"
        )
    return published(number)


def row_name(method: str) -> str:
    """The paper's row of a method, whatever its parameters."""
    return method_name(method).replace("_", "-")


def _cell(text: str) -> Cell | str:
    mean, separator, sd = text.partition("±")
    return Cell(float(mean) / 100, float(sd) / 100) if separator else text
