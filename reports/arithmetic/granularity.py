"""Accuracies are counts over images: their means move in steps, some coarser than a digit."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from reports.arithmetic.finding import Finding
from reports.published.numbers import EPSILON, Entry, Number
from reports.published.printed import Printed

IMAGES = 10_000
"""On more images than this, accuracies are as good as continuous."""
CHANCE = 0.1
"""A lattice counts if means lie on one as coarse by chance with less than this probability."""


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


def has_multiple(number: Number, step: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether a multiple of each `step` is printed as this number."""
    low, high = number.unrounded.low - EPSILON, number.unrounded.high + EPSILON
    return np.ceil(low / np.asarray(step)) * step <= high


def whole(numbers: Sequence[Number]) -> float:
    """What 100 % is among accuracies: 1 where all are fractions with two decimals or more."""
    fractions = all(abs(number.value) <= 1.5 and number.unit <= 0.01 for number in numbers)
    return 1.0 if fractions else 100.0


def lattice(entries: Sequence[Entry], n: int) -> float | None:
    """The step of the coarsest lattice on which these means of n accuracies move.

    None if none is coarser than the digits. How many images there are is not known: it may be any
    number whose lattice holds all means, improbable as that is for means that lie on none. If an
    accuracy varies at all, its SD is √(n - 1) steps or more (one run differs by one image).
    """
    means = [entry.mean for entry in entries]
    top, unit, distinct = whole(means), max(m.unit for m in means), len({m.value for m in means})
    sds = [entry.sd.unrounded.high for entry in entries if entry.sd and entry.sd.value]
    fewest = math.ceil(top * math.sqrt(n - 1) / (n * min(sds))) if sds else 1
    images = np.arange(min(fewest, IMAGES + 1), IMAGES + 1)
    steps = top / (n * images)
    by_chance = images * (unit / steps) ** distinct
    fit = np.all([has_multiple(mean, steps) for mean in means], axis=0) & (by_chance < CHANCE)
    return float(steps[fit][0]) if fit.any() else None
