"""The same row in two tables, digit for digit."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product

from reports.arithmetic.constancy import at_least, same_rounding
from reports.arithmetic.finding import Finding
from reports.arithmetic.groups import COLUMNS
from reports.published.numbers import Entry, Number
from reports.published.printed import Printed

CHECK = "identical rows"
ALPHA = 0.01
"""Level after Bonferroni over the pairs of rows that were compared."""


def same_row(
    table: Printed,
    row: str,
    runs: int,
    other: Printed,
    other_row: str,
    other_runs: int,
    pairs: int = 1,
) -> Finding:
    """Compare a row of `runs` runs with another table's row, in the columns that both have.

    The probability is that of two independent experiments with equal true means and SDs printing
    the same digits, mean and SD, in as many columns; true differences only lower it. The printed
    SDs are taken as true.
    """
    columns = _shared(table, row, other, other_row)
    cells = [(table.entries[row, c], other.entries[other_row, c]) for c in columns]
    equal = [
        column
        for column, (a, b) in zip(columns, cells, strict=True)
        if _same(a.mean, b.mean) and _same(a.sd, b.sd)
    ]
    sds = sum(_same(a.sd, b.sd) for a, b in cells)
    p = at_least(len(equal), [_chance(a, b, runs, other_runs) for a, b in cells])
    differing = "; ".join(
        f"{column} {a} and {b}"
        for column, (a, b) in zip(columns, cells, strict=True)
        if column not in equal
    )
    return Finding(
        CHECK,
        f"{table.name}, {other.name}",
        f"{' and '.join(dict.fromkeys((row, other_row)))}; {', '.join(columns)}",
        "implausible" if pairs * p < ALPHA else "consistent",
        f"Mean and SD are the same digits in {len(equal)} of {len(columns)} shared columns"
        f"{f' (not: {differing})' if differing else ''}, the SD alone in {sds}. Independent "
        f"experiments of {runs} and {other_runs} runs with equal true values print as many equal "
        f"cells with a probability of about {p:.1g}.",
        p,
    )


def same_rows(tables: Sequence[Printed], n: int) -> list[Finding]:
    """Rows of different tables, of n runs each, that are the same beyond chance, or that none is.

    Compared are those with three shared columns or more. It is a note: the same runs may have been
    printed twice, which nothing here says.
    """
    pairs = [
        (one, row, other, other_row)
        for one, other in combinations(tables, 2)
        for row, other_row in product(one.part_rows, other.part_rows)
        if len(_shared(one, row, other, other_row)) >= COLUMNS
    ]
    found = [
        same_row(one, row, n, other, other_row, n, len(pairs))
        for one, row, other, other_row in pairs
    ]
    same = [
        replace(
            finding,
            severity="note",
            statement=f"{finding.statement} The same runs, printed twice, always do.",
        )
        for finding in found
        if finding.alarm
    ]
    if same or not pairs:
        return same
    statement = f"None of {len(pairs)} pairs of rows of different tables is the same beyond chance."
    names = ", ".join(table.name for table in tables)
    return [Finding(CHECK, names, "all rows", "consistent", statement)]


def _shared(table: Printed, row: str, other: Printed, other_row: str) -> list[str]:
    """Separate experiments with an SD in both rows."""
    return [c for c in table.experiments if (row, c) in table.sds and (other_row, c) in other.sds]


def _same(a: Number | None, b: Number | None) -> bool:
    return a is not None and b is not None and math.isclose(a.value, b.value, abs_tol=1e-9)


def _chance(a: Entry, b: Entry, runs: int, other_runs: int) -> float:
    """The probability that mean and SD of one cell are equal; 1 where an SD is not printed."""
    if a.sd is None or b.sd is None:
        return 1.0
    means = [a.sd.value / math.sqrt(runs), b.sd.value / math.sqrt(other_runs)]
    sds = [a.sd.value / math.sqrt(2 * (runs - 1)), b.sd.value / math.sqrt(2 * (other_runs - 1))]
    return same_rounding(means, max(a.mean.unit, b.mean.unit)) * same_rounding(
        sds, max(a.sd.unit, b.sd.unit)
    )
