"""Counts of images, modalities and epochs: exact numbers."""

from bench.data.catalogue import medmnist_entry
from reports.arithmetic.finding import Finding, Severity
from reports.arithmetic.statements import Statement
from reports.published.printed import Printed

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def total(table: Printed, said: Statement) -> Finding:
    """The sum of all counts of images."""
    counted = sum(number.value for number in table.means(table.rows, table.columns))
    return _equal(table, "all sets and splits", "images", said, counted, said.number.value)


def modalities(table: Printed, column: str, said: Statement) -> Finding:
    """How many different words a column holds; the statement's number is a word too."""
    counted = len({table.words[row, column] for row in table.rows})
    return _equal(table, column, "modalities", said, counted, WORDS.index(said.value))


def sizes(table: Printed) -> Finding:
    """The counts of each split, against what the medmnist package says of them."""
    wrong = [
        f"{row} {split}: {table.entries[row, split].mean.value:.0f} printed, {count} there"
        for row in table.rows
        for split, count in medmnist_entry(row)["n_samples"].items()
        if table.entries[row, split].mean.value != count
    ]
    severity: Severity = "contradiction" if wrong else "consistent"
    statement = "; ".join(wrong) or f"All {len(table.entries)} counts are those of medmnist's INFO."
    return Finding("counts", table.name, "all sets and splits", severity, statement)


def convergence(table: Printed, before: str, after: str, said: Statement) -> Finding:
    """By how many percent epochs fall, against a stated range such as 17-23."""
    first, second = table.means(table.rows, [before]), table.means(table.rows, [after])
    falls = [100 * (1 - b.value / a.value) for a, b in zip(first, second, strict=True)]
    low, high = map(float, said.value.split("-"))
    inside = all(low <= fall <= high for fall in falls)
    listed = ", ".join(f"{row} {fall:.1f}" for row, fall in zip(table.rows, falls, strict=True))
    return Finding(
        "convergence",
        table.name,
        f"{before}, {after}",
        "consistent" if inside else "contradiction",
        f"Epochs to convergence fall by {min(falls):.1f} to {max(falls):.1f} % ({listed}); "
        f"{said.value} % is stated.",
    )


def _equal(
    table: Printed, where: str, what: str, said: Statement, counted: float, stated: float
) -> Finding:
    severity: Severity = "consistent" if counted == stated else "contradiction"
    statement = f"Stated: {said.value} {what}; the table holds {counted:,.0f}."
    return Finding("counts", table.name, where, severity, statement)
