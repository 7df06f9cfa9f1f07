"""Rows that differ by the same amount in every column: means, and SDs in lockstep.

A step between two rows carries the noise of both, so it can hardly be the same to the digit in
many columns, even where the true step is. Runs that are paired by seed share part of that noise,
and the check grants every pairing correlation up to `CORRELATION`; what only close pairing can give
is a note. Accuracies on few images move in steps coarser than the digits (`lattice`), which is
granted too. A step of zero is no evidence: two methods that do the same give it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from reports.arithmetic.constancy import any_pattern, same_rounding
from reports.arithmetic.finding import SEVERITIES, Finding
from reports.arithmetic.granularity import lattice
from reports.arithmetic.groups import COLUMNS, Block, Values, groups
from reports.published.numbers import Entry, Number, decimals
from reports.published.printed import Printed

CORRELATION = 0.95
"""The closest pairing of two methods' runs that is granted."""
ALPHA = 0.01
"""Level of each check on a table, after Bonferroni over the sets of rows it could have picked."""


@dataclass(frozen=True)
class Quantity:
    """What is compared, which number of a cell it is, and its noise as a share of the SD.

    `noise` is the part that two rows do not share, by the correlation of their runs.
    """

    check: str
    name: str
    of: Callable[[Entry], Number | None]
    noise: Callable[[float], float]


def constant_steps(table: Printed, n: int) -> list[Finding]:
    """Groups of rows whose means differ by constants; a note where the table has no SDs.

    The noise of a mean is SD/√n; two rows with correlation r do not share √(1 - r) of it.
    """

    def noise(correlation: float) -> float:
        return math.sqrt((1 - correlation) / n)

    means = Quantity("constant steps", "means", lambda cell: cell.mean if cell.sd else None, noise)
    return _check(table, n, means) if table.sds else _without_sds(table, n)


def lockstep_sds(table: Printed, n: int) -> list[Finding]:
    """Groups of rows whose SDs differ by constants.

    The noise of an SD is about SD/√(2(n - 1)); two rows do not share √(1 - r²) of it.
    """

    def noise(correlation: float) -> float:
        return math.sqrt((1 - correlation**2) / (2 * (n - 1)))

    return _check(table, n, Quantity("SDs in lockstep", "SDs", lambda cell: cell.sd, noise))


def _check(table: Printed, n: int, quantity: Quantity) -> list[Finding]:
    block = _block(table, n, quantity.of)
    if len(block.rows) < 2 or len(block.columns) < COLUMNS:
        return []
    found = _of_groups(block, lambda group: _judge(table, n, quantity, group, len(block.rows)))
    passed = f"No rows have {quantity.name} that differ by constants beyond chance (n = {n})."
    return found or [Finding(quantity.check, table.name, "all rows", "consistent", passed)]


def _without_sds(table: Printed, n: int) -> list[Finding]:
    def note(group: Block) -> Finding:
        statement = f"{group.sentence('means')} Without SDs nothing can be said of chance."
        return Finding("constant steps", table.name, ", ".join(group.rows), "note", statement)

    return _of_groups(_block(table, n, lambda cell: cell.mean), note)


def _of_groups(block: Block, judge: Callable[[Block], Finding | None]) -> list[Finding]:
    """What is found of groups, the gravest first, then the largest; no row is in two of them."""
    judged = [(group, finding) for group in groups(block) if (finding := judge(group))]
    judged.sort(key=lambda pair: SEVERITIES.index(pair[1].severity))
    found: list[Finding] = []
    known: set[str] = set()
    for group, finding in judged:
        if known.isdisjoint(group.rows):
            found.append(finding)
            known.update(group.rows)
    return found


def _judge(table: Printed, n: int, quantity: Quantity, group: Block, rows: int) -> Finding | None:
    """None if independent runs may well be as constant; a note if only close pairing is."""
    independent = _probability(group, rows, quantity.noise(0))
    paired = _probability(group, rows, quantity.noise(CORRELATION))
    if independent >= ALPHA:
        return None
    return Finding(
        quantity.check,
        table.name,
        ", ".join(group.rows),
        "implausible" if paired < ALPHA else "note",
        f"{group.sentence(quantity.name)} Taking the columns as separate experiments and the "
        f"printed SDs as true (n = {n}), runs paired with any correlation up to {CORRELATION:g} "
        f"give this with probability {paired:.1g} at most, independent runs {independent:.1g}.",
        paired,
    )


def _probability(group: Block, rows: int, noise: float) -> float:
    """A bound over all groups of any size among so many rows; `noise` as a share of the SDs."""
    each = [
        same_rounding(noise * sds, unit) for sds, unit in zip(group.sds.T, group.unit, strict=True)
    ]
    sets = math.comb(rows, len(group.rows)) * (rows - 1)
    return min(1.0, sets * any_pattern(group.matches, each))


def _block(table: Printed, n: int, of: Callable[[Entry], Number | None]) -> Block:
    """The table's rows by its separate experiments.

    The SDs are the smallest that the printed ones can stand for. The step of the means' lattice
    serves for SDs too, which lie closer.
    """
    numbers = {place: number for place, cell in table.entries.items() if (number := of(cell))}
    rows = table.part_rows
    columns = tuple(c for c in table.experiments if any((row, c) in numbers for row in rows))

    def unit(column: str) -> float:
        places = [(row, column) for row in rows if (row, column) in numbers]
        step = lattice([table.entries[place] for place in places], n)
        return max(step or 0, *(numbers[place].unit for place in places))

    def matrix(cells: Mapping[tuple[str, str], float]) -> Values:
        return np.array(
            [[cells.get((row, column), math.nan) for column in columns] for row in rows]
        )

    return Block(
        rows,
        columns,
        matrix({place: number.value for place, number in numbers.items()}),
        matrix({place: max(0.0, sd.unrounded.low) for place, sd in table.sds.items()}),
        np.array([unit(column) for column in columns]),
        max((decimals(number.unit) for number in numbers.values()), default=0),
    )
