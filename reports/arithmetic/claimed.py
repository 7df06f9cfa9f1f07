"""What the paper's prose says of its tables, against the tables."""

from collections.abc import Sequence
from dataclasses import replace

from reports.arithmetic.finding import Finding, Severity
from reports.arithmetic.p_values import Claim, check
from reports.arithmetic.printed import Printed, Range
from reports.arithmetic.recomputed import agreement, mean
from reports.arithmetic.statements import Statement


def improvement(table: Printed, row: str, others: Sequence[str], said: Statement) -> Finding:
    """A stated improvement of one row's mean over the mean of several rows, in points.

    The other readings, over each row alone and in percent of the other mean, are named too.
    """
    columns = table.part_columns
    ours = mean(table.means([row], columns))
    theirs = mean(table.means(others, columns))
    alone = {other: mean(table.means([other], columns)).middle for other in others}
    found = agreement(
        "stated differences",
        table.name,
        f"{row}, {', '.join(others)}",
        f"The improvement of the mean of {row} over that of {' and '.join(others)}, in points,",
        said.number,
        ours - theirs,
    )
    singles = ", ".join(f"{ours.middle - m:.2f} over {other}" for other, m in alone.items())
    relative = 100 * (ours.middle / theirs.middle - 1)
    return replace(
        found, statement=f"{found.statement} Other readings: {singles}; {relative:.1f} % of theirs."
    )


def better_than_all(
    table: Printed, row: str, others: Sequence[str], said: Statement, n: int
) -> list[Finding]:
    """A stated p below a value for one row against every other, in every column."""
    claim = Claim.parse(f"<{said.value}")
    assert claim is not None
    found = [
        check(table, row, other, column, claim, n)
        for other in others
        for column in table.part_columns
    ]
    doubtful = [finding for finding in found if finding.severity != "consistent"]
    statement = (
        f"p {claim.text} is stated; {len(found) - len(doubtful)} of {len(found)} comparisons have "
        f"it by Welch's test of the printed digits (n = {n})."
    )
    where = f"{row} against the other {len(others)} rows, {len(table.part_columns)} columns"
    return [*doubtful, Finding("p values", table.name, where, "consistent", statement)]


def least_loss(full: Printed, scarce: Printed, column: str, row: str) -> Finding:
    """Whether one row loses fewest points from its mean in `full` to a column of `scarce`."""
    losses = {
        other: mean(full.means([other], full.part_columns))
        - scarce.entries[other, column].mean.unrounded
        for other in full.rows
    }
    ours = losses.pop(row)
    less = {other: loss for other, loss in losses.items() if loss.high < ours.low}
    severity: Severity = "contradiction" if less else "consistent"
    listed = ", ".join(f"{other} {_points(loss)}" for other, loss in (less or losses).items())
    verdict = "loses less beyond rounding" if less else "lose as much or more"
    return Finding(
        "loss with scarce data",
        f"{full.name}, {scarce.name}",
        f"{row}, {column}",
        severity,
        f"Significantly less deterioration is stated. From the mean of {full.name} to {column}, "
        f"{row} loses {_points(ours)} points; {listed} {verdict}.",
    )


def _points(loss: Range) -> str:
    return f"{loss.middle:.1f}"
