"""The same row in two publications, digit for digit."""

import math

from reports.arithmetic.constancy import at_least, same_rounding
from reports.arithmetic.finding import Finding
from reports.arithmetic.printed import Entry, Number, Printed

CHECK = "identical rows"
ALPHA = 0.01


def same_row(
    table: Printed, row: str, runs: int, other: Printed, other_row: str, other_runs: int
) -> Finding:
    """Compare a row of `runs` runs with another table's row, in the columns that both have.

    The probability is that of two independent experiments with equal true means and SDs printing
    the same digits, mean and SD, in as many columns; true differences only lower it.
    """
    columns = [
        column
        for column in table.part_columns
        if (row, column) in table.entries and (other_row, column) in other.entries
    ]
    pairs = [(table.entries[row, c], other.entries[other_row, c]) for c in columns]
    equal = [
        column
        for column, (a, b) in zip(columns, pairs, strict=True)
        if _same(a.mean, b.mean) and _same(a.sd, b.sd)
    ]
    sds = sum(_same(a.sd, b.sd) for a, b in pairs)
    each = [_chance(a, b, runs, other_runs) for a, b in pairs]
    p = at_least(len(equal), each)
    differing = "; ".join(
        f"{column} {a} and {b}"
        for column, (a, b) in zip(columns, pairs, strict=True)
        if column not in equal
    )
    return Finding(
        CHECK,
        f"{table.name}, {other.name}",
        f"{row}; {', '.join(columns)}",
        "implausible" if p < ALPHA else "consistent",
        f"Mean and SD are the same digits in {len(equal)} of {len(columns)} shared columns"
        f"{f' (not: {differing})' if differing else ''}, the SD alone in {sds}. Independent "
        f"experiments of {runs} and {other_runs} runs with equal true values print as many equal "
        f"cells with probability {p:.1g} at most.",
        p,
    )


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
