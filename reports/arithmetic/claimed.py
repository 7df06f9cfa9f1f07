"""What the paper's prose says of its tables, against the tables."""

from collections.abc import Sequence
from dataclasses import replace

from reports.arithmetic.finding import Finding, Severity
from reports.arithmetic.p_values import Claim, check
from reports.arithmetic.recomputed import agreement, mean
from reports.arithmetic.statements import Statement
from reports.published.numbers import Range
from reports.published.printed import Printed


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
    severity: Severity = "note" if doubtful else "consistent"
    where = f"{row} against the other {len(others)} rows, {len(table.part_columns)} columns"
    return [*doubtful, Finding("p values", table.name, where, severity, statement)]


def least_loss(full: Printed, scarce: Printed, row: str) -> Finding:
    """Whether one row loses least from its mean in `full` to each column of `scarce`.

    In points, and in percent of that mean; the statement says neither which nor where.
    """
    less, texts = [], []
    for column in scarce.columns:
        points, percent = _losses(full, scarce, column)
        ours, share = points.pop(row), percent.pop(row)
        next_best = min(points, key=lambda other: points[other].middle)
        texts.append(
            f"{column}: {row} {ours.middle:.1f} points ({share.middle:.2f} %), {next_best} "
            f"{points[next_best].middle:.1f} ({percent[next_best].middle:.2f} %)"
        )
        for unit, losses, own in (("points", points, ours), ("percent", percent, share)):
            smaller = [other for other, loss in losses.items() if loss.high < own.low]
            less += [f"{other} ({column}, in {unit})" for other in smaller]
    verdict = f"{', '.join(less)} loses less beyond rounding" if less else "none loses less"
    return Finding(
        "loss with scarce data",
        f"{full.name}, {scarce.name}",
        f"{row}, {', '.join(scarce.columns)}",
        "note" if less else "consistent",
        f"Significantly less deterioration is stated. Lost from the mean of {full.name}, with the "
        f"least of the others: {'; '.join(texts)}. Of the others, {verdict}.",
    )


def _losses(
    full: Printed, scarce: Printed, column: str
) -> tuple[dict[str, Range], dict[str, Range]]:
    """By row, in points and in percent of the mean in `full`, over every rounding."""
    before = {row: mean(full.means([row], full.part_columns)) for row in full.rows}
    after = {row: scarce.entries[row, column].mean.unrounded for row in full.rows}
    points = {row: before[row] - after[row] for row in full.rows}
    percent = {
        row: Range(
            100 * (1 - after[row].high / before[row].low),
            100 * (1 - after[row].low / before[row].high),
        )
        for row in full.rows
    }
    return points, percent
