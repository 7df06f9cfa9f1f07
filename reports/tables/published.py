"""The numbers that the paper prints: claims to test, never targets."""

from bench.base.errors import BenchError
from bench.grid.notation import method_name
from reports.published.printed import FOLDER, Printed, read
from reports.tables.table import Cell

NOTE = "Published: as the paper prints it, over its own datasets, backbones and protocol."


def published(number: int) -> dict[str, dict[str, Cell | str]]:
    """Table `number` (1-6): a dict by row (its first column) of dicts by column.

    `mean±SD`, printed in percent, becomes a Cell of fractions; anything else stays as printed.
    """
    printed = read(FOLDER / f"table{number}.csv")
    return {r: {c: _cell(printed, (r, c)) for c in printed.headers} for r in printed.rows}


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


def _cell(printed: Printed, place: tuple[str, str]) -> Cell | str:
    entry = printed.entries.get(place)
    if entry is None:
        return printed.words.get(place, "")
    return Cell(entry.mean.value / 100, entry.sd.value / 100) if entry.sd else str(entry)
