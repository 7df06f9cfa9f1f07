"""Stated means, differences and sums, against what the printed parts give."""

from collections.abc import Sequence
from statistics import fmean

from reports.arithmetic.finding import Finding
from reports.published.numbers import Number, Range, decimals
from reports.published.printed import Printed


def mean(numbers: Sequence[Number]) -> Range:
    """Every value that the mean of these numbers has before rounding."""
    ranges = [number.unrounded for number in numbers]
    return Range(fmean(r.low for r in ranges), fmean(r.high for r in ranges))


def agreement(
    check: str, table: str, where: str, what: str, stated: Number, recomputed: Range
) -> Finding:
    """A contradiction if no rounding of the parts and of the stated number makes them agree."""
    digits = decimals(stated.unit)
    values = (
        f"{what} is stated as {stated.value:.{digits}f}; the printed parts give "
        f"{recomputed.middle:.{digits + 1}f} ({recomputed.low:.{digits + 1}f} to "
        f"{recomputed.high:.{digits + 1}f} over every rounding)"
    )
    if stated.unrounded.meets(recomputed):
        return Finding(check, table, where, "consistent", f"{values}: equal within rounding.")
    return Finding(check, table, where, "contradiction", f"{values}: no rounding explains it.")


def stated_means(table: Printed) -> list[Finding]:
    """Columns that are the mean of others, and the last row where it is.

    A mean of which a part is missing cannot be checked and is left out.
    """
    places = [(row, column) for row in table.rows for column in table.columns]
    means: list[tuple[str, str, str, Sequence[str], Sequence[str]]] = [
        *(
            (row, column, f"the mean of {row}", [row], table.averages[column])
            for row, column in places
            if table.averages.get(column)
        ),
        *(
            (row, column, f"the mean of {column}", table.part_rows, [column])
            for row, column in places
            if row == table.mean_row
        ),
    ]
    check = "stated means"
    found = [
        agreement(check, table.name, f"{row}, {column}", what, stated.mean, mean(parts))
        for row, column, what, rows, columns in means
        if (stated := table.entries.get((row, column)))
        and len(parts := table.means(rows, columns)) == len(rows) * len(columns)
    ]
    return _summary(check, table, found)


def stated_differences(table: Printed, first: str, second: str, stated: str) -> list[Finding]:
    """A column that is stated to be `first` minus `second`."""
    check = "stated differences"
    found = [
        agreement(
            check,
            table.name,
            f"{row}, {stated}",
            f"{stated} of {row}",
            table.entries[row, stated].mean,
            table.entries[row, first].mean.unrounded - table.entries[row, second].mean.unrounded,
        )
        for row in table.rows
    ]
    return _summary(check, table, found)


def _summary(check: str, table: Printed, findings: list[Finding]) -> list[Finding]:
    """The contradictions, or one sentence that there are none."""
    wrong = [finding for finding in findings if finding.alarm]
    if wrong or not findings:
        return wrong
    statement = f"{len(findings)} {check} agree with the printed parts within rounding."
    return [Finding(check, table.name, "all", "consistent", statement)]
