"""What a parameter may do to a quantity: trends that an objective forbids, and swings."""

import math
from itertools import pairwise

from reports.arithmetic.finding import Finding, Severity
from reports.published.numbers import Range
from reports.published.printed import Printed


def penalised_term(table: Printed, column: str, loss: str) -> Finding:
    """A term with weight w (the row labels, rising) in a loss that is minimised, in both readings.

    At the minimum of f + w · term, the term cannot rise with w: adding up f₁ + w₁t₁ ≤ f₂ + w₁t₂ and
    f₂ + w₂t₂ ≤ f₁ + w₂t₁ gives (w₂ - w₁)(t₂ - t₁) ≤ 0. If the column is w · term, column / w falls.
    Training need not end in a minimum, so what neither reading allows is implausible at most.
    """
    rows = [row for row in table.rows if (row, column) in table.entries]
    printed = {float(row): table.entries[row, column].mean for row in rows}
    values = [number.unrounded for number in printed.values()]
    shares = [Range(v.low / w, v.high / w) for w, v in zip(printed, values, strict=True)]
    rising = sum(a.high < b.low for a, b in pairwise(values))
    falling = sum(a.low > b.high for a, b in pairwise(shares))
    steps = len(rows) - 1
    listed = ", ".join(f"{number.value:g}" for number in printed.values())
    divided = ", ".join(f"{number.value / w:.3f}" for w, number in printed.items())
    other_reading: Severity = "note" if falling == steps else "implausible"
    return Finding(
        "trends",
        table.name,
        f"{column}, {rows[0]} to {rows[-1]}",
        other_reading if rising else "consistent",
        f"The {column} {listed} rises at {rising} of {steps} steps, beyond rounding: read as the "
        f"unweighted term at an exact minimum of {loss} it cannot rise with its weight; read as "
        f"weight times term, the term is {divided} and falls at {falling} of {steps} steps, as a "
        "minimum wants.",
    )


def swings(table: Printed, columns: tuple[str, ...], n: int, chosen: str) -> list[Finding]:
    """How far the chosen row (named by a word in column `chosen`) stands above both neighbours."""
    position = next(i for i, row in enumerate(table.rows) if (row, chosen) in table.words)
    row = table.rows[position]
    neighbours = [table.rows[i] for i in (position - 1, position + 1) if 0 <= i < len(table.rows)]
    found = []
    for column in columns:
        entry = table.entries[row, column]
        gaps = [entry.mean.value - table.entries[near, column].mean.value for near in neighbours]
        errors = [
            math.hypot(table.sds[row, column].value, table.sds[near, column].value) / math.sqrt(n)
            for near in neighbours
        ]
        above = " and ".join(
            f"{gap:.2f} points ({gap / error:.1f} standard errors) above {near}"
            for gap, error, near in zip(gaps, errors, neighbours, strict=True)
        )
        statement = f"{column} at {row}, the value selected, stands {above} (n = {n})."
        found.append(Finding("swings", table.name, f"{row}, {column}", "note", statement))
    return found
