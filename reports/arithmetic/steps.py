"""Rows that differ by the same amount in every column: means, and SDs in lockstep.

A step between two rows carries the noise of both, so it can hardly be the same to the digit in
many columns, even where the true step is. Runs that are paired by seed share part of that noise,
and the check grants every pairing correlation up to `CORRELATION`; what only close pairing can give
is a note. It looks at steps that are the same in all columns of a pair of rows but one at most. A
step of zero is no evidence: two methods that do the same give it.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from reports.arithmetic.constancy import any_pattern, same_rounding
from reports.arithmetic.finding import Finding
from reports.arithmetic.printed import Number, Printed, decimals

CORRELATION = 0.95
"""The closest pairing of two methods' runs that is granted."""
ALPHA = 0.01
"""Level of each check on a table, after Bonferroni over the sets of rows it could have picked."""
COLUMNS = 3
"""The fewest columns in which a step must be the same."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """What is compared, how to get it from mean and SD, and its noise as a share of the SD.

    `noise` is the part that two rows do not share, by the correlation of their runs.
    """

    check: str
    name: str
    of: Callable[[Number, Number], Number]
    noise: Callable[[float], float]


@dataclass(frozen=True)
class Group:
    """Rows that differ by constants in `matches` columns; `values` are rows by columns.

    `sds` are the smallest that the printed ones can stand for, `unit` is that of the last digit of
    each column.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: Values
    sds: Values
    unit: Values

    @property
    def steps(self) -> list[tuple[float, ...]]:
        """From each row to the next, by column."""
        return [tuple(column) for column in np.diff(self.values, axis=0).round(6).T]

    @property
    def usual(self) -> tuple[float, ...]:
        """The steps that most columns show."""
        return Counter(self.steps).most_common(1)[0][0]

    @property
    def matches(self) -> int:
        return Counter(self.steps)[self.usual]

    def probability(self, rows: int, noise: float) -> float:
        """A bound over all groups of any size among so many rows; `noise` as a share of the SDs."""
        each = [
            same_rounding(noise * sds, unit)
            for sds, unit in zip(self.sds.T, self.unit, strict=True)
        ]
        sets = math.comb(rows, len(self.rows)) * (rows - 1)
        return min(1.0, sets * any_pattern(self.matches, each))

    def sentence(self, name: str) -> str:
        """Each step, with the columns in which it is another."""
        digits = decimals(float(self.unit.min()))
        texts = []
        for position, (first, second) in enumerate(pairwise(self.rows)):
            others = [
                f"{steps[position]:+.{digits}f} on {column}"
                for column, steps in zip(self.columns, self.steps, strict=True)
                if steps[position] != self.usual[position]
            ]
            text = f"{second} − {first} {self.usual[position]:+.{digits}f}"
            texts.append(f"{text} ({', '.join(others)})" if others else text)
        return (
            f"The {name} differ by the same steps in {self.matches} of {len(self.columns)} "
            f"columns: {'; '.join(texts)}."
        )


def constant_steps(table: Printed, n: int) -> list[Finding]:
    """Groups of rows whose means differ by constants.

    The noise of a mean is SD/√n; two rows with correlation r do not share √(1 - r) of it.
    """

    def noise(correlation: float) -> float:
        return math.sqrt((1 - correlation) / n)

    return _check(table, n, Quantity("constant steps", "means", lambda mean, sd: mean, noise))


def lockstep_sds(table: Printed, n: int) -> list[Finding]:
    """Groups of rows whose SDs differ by constants.

    The noise of an SD is about SD/√(2(n - 1)); two rows do not share √(1 - r²) of it.
    """

    def noise(correlation: float) -> float:
        return math.sqrt((1 - correlation**2) / (2 * (n - 1)))

    return _check(table, n, Quantity("SDs in lockstep", "SDs", lambda mean, sd: sd, noise))


def _check(table: Printed, n: int, quantity: Quantity) -> list[Finding]:
    values = _matrix(table, lambda mean, sd: quantity.of(mean, sd).value)
    if len(values) < 2 or np.isfinite(values).any(axis=0).sum() < COLUMNS:
        return []
    groups = (_group(table, quantity, members, values) for members in _linked(values))
    found = [
        finding
        for group in groups
        if group and (finding := _judge(table, n, quantity, group, len(values)))
    ]
    passed = f"No rows have {quantity.name} that differ by constants beyond chance (n = {n})."
    return found or [Finding(quantity.check, table.name, "all rows", "consistent", passed)]


def _judge(table: Printed, n: int, quantity: Quantity, group: Group, rows: int) -> Finding | None:
    """None if independent runs may well be as constant; a note if only close pairing is."""
    independent = group.probability(rows, quantity.noise(0))
    paired = group.probability(rows, quantity.noise(CORRELATION))
    if independent >= ALPHA:
        return None
    return Finding(
        quantity.check,
        table.name,
        ", ".join(group.rows),
        "implausible" if paired < ALPHA else "note",
        f"{group.sentence(quantity.name)} By the printed SDs and n = {n}, runs paired with any "
        f"correlation up to {CORRELATION:g} give this with probability {paired:.1g} at most, "
        f"independent runs {independent:.1g}.",
        paired,
    )


def _matrix(table: Printed, of: Callable[[Number, Number], float]) -> Values:
    """Rows by columns; nan where there is no mean with an SD."""
    cells = [[table.entries.get((r, c)) for c in table.part_columns] for r in table.part_rows]
    return np.array(
        [
            [of(cell.mean, cell.sd) if cell and cell.sd else math.nan for cell in row]
            for row in cells
        ]
    )


def _linked(values: Values) -> list[list[int]]:
    """Rows joined by pairs whose step is the same in all shared columns but one at most."""
    links = np.zeros((len(values), len(values)), dtype=bool)
    for first, second in combinations(range(len(values)), 2):
        steps = (values[second] - values[first]).round(6)
        steps = steps[np.isfinite(steps)]
        if len(steps) >= COLUMNS:
            step, times = Counter(steps.tolist()).most_common(1)[0]
            links[first, second] = step != 0 and times >= max(COLUMNS, len(steps) - 1)
    _, labels = connected_components(links, directed=False)
    groups = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    return [group for group in groups if len(group) > 1]


def _group(table: Printed, quantity: Quantity, rows: list[int], values: Values) -> Group | None:
    """The rows, of those that usually are equal the first, in the columns that all of them have.

    None if these are too few.
    """
    columns = np.flatnonzero(np.isfinite(values[rows]).all(axis=0))
    if len(columns) < COLUMNS:
        return None
    offsets = (values[rows][:, columns] - values[rows[0], columns]).round(6)
    usual, _ = Counter(map(tuple, offsets.T)).most_common(1)[0]
    _, distinct = np.unique(usual, return_index=True)
    rows = [rows[position] for position in sorted(distinct)]
    block = np.ix_(np.array(rows), columns)
    sds = _matrix(table, lambda mean, sd: max(0.0, sd.unrounded.low))
    units = _matrix(table, lambda mean, sd: quantity.of(mean, sd).unit)
    return Group(
        tuple(table.part_rows[row] for row in rows),
        tuple(table.part_columns[column] for column in columns),
        values[block],
        sds[block],
        units[block].max(axis=0),
    )
