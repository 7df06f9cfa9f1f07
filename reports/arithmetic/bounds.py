"""Values that a percentage, or a mean of counts, cannot take."""

import math
import re
from collections.abc import Mapping

from reports.arithmetic.finding import Finding
from reports.arithmetic.printed import EPSILON, Entry, Number, Printed, Range

PERCENTAGE = re.compile("acc|auc", re.IGNORECASE)
OTHER = re.compile(
    r"(?<![a-z])(increase|gain|loss|diff\w*|fdi|kl|sigma|σ|variance|epochs?|rank|time|params?|nll)"
    r"(?![a-z])",
    re.IGNORECASE,
)
"""Quantities with an SD that are no share of images."""


def percentages(table: Printed) -> tuple[str, ...]:
    """The columns of ACC or AUC, if any says so; else all with SDs that do not say otherwise."""
    named = tuple(column for column in table.columns if PERCENTAGE.search(column))
    if named:
        return named
    return tuple(
        column
        for column in table.columns
        if not OTHER.search(f"{table.name} {column}")
        and any((row, column) in table.sds for row in table.rows)
    )


def bounds(table: Printed, n: int) -> list[Finding]:
    """Percentages outside 0 to 100, and SDs above the largest that n of them can have."""
    columns = percentages(table)
    found = []
    for (row, column), entry in table.entries.items():
        if column in columns and (reason := _impossible(entry, n)):
            statement = f"{entry} on {column}: {reason}."
            found.append(
                Finding("bounds", table.name, f"{row}, {column}", "contradiction", statement)
            )
    if found or not columns:
        return found
    statement = f"Every percentage lies within 0 and 100, and no SD is too large for n = {n}."
    return [Finding("bounds", table.name, ", ".join(columns), "consistent", statement)]


def largest_sd(mean: Range, n: int) -> float:
    """The largest SD (n - 1) that n values within 0 and 100 with this mean can have.

    The variance about the mean m is at most m (100 - m) (Bhatia and Davis, 2000).
    """
    nearest = min(max(50.0, mean.low), mean.high)
    return math.sqrt(max(0.0, nearest * (100 - nearest)) * n / (n - 1))


def granularity(table: Printed, n: int, images: Mapping[str, int], parts: int = 1) -> list[Finding]:
    """GRIM (Brown and Heathers, 2017): an accuracy is a count over the images of the test split.

    A mean of n runs is a multiple of 100 / (n · images), and of a `parts`-th of it where a run is
    the mean of so many models. `images` are those of each column that holds accuracies.
    """
    checked = [
        ((row, column), table.entries[row, column].mean)
        for row in table.part_rows
        for column in images
        if (row, column) in table.entries
    ]
    found = []
    for (row, column), mean in checked:
        step = 100 / (n * images[column] * parts)
        if not has_multiple(mean, step):
            statement = (
                f"{mean.value:g} is no mean of {n * parts} accuracies on {images[column]} images: "
                f"their means are multiples of {step:.3g}."
            )
            found.append(
                Finding("granularity", table.name, f"{row}, {column}", "contradiction", statement)
            )
    if found or not checked:
        return found
    blind = {c for (_, c), mean in checked if 100 / (n * images[c] * parts) <= mean.unit}
    statement = (
        f"All {len(checked)} means can be means of {n} accuracies on as many images as the test "
        f"splits have; the digits could not show otherwise in {len(blind)} of "
        f"{len({c for (_, c), _ in checked})} columns."
    )
    return [Finding("granularity", table.name, ", ".join(images), "consistent", statement)]


def has_multiple(number: Number, step: float) -> bool:
    """Whether a multiple of `step` is printed as this number."""
    low, high = number.unrounded.low - EPSILON, number.unrounded.high + EPSILON
    return math.ceil(low / step) * step <= high


def _impossible(entry: Entry, n: int) -> str:
    mean = entry.mean.unrounded
    if mean.high < 0 or mean.low > 100:
        return "a percentage lies between 0 and 100"
    limit = largest_sd(mean, n)
    if entry.sd and entry.sd.unrounded.low > limit + EPSILON:
        return f"{n} values within 0 and 100 with this mean have an SD of at most {limit:.2f}"
    return ""
