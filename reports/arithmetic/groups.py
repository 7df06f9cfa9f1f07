"""Rows that differ by the same amounts in most columns."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

COLUMNS = 3
"""The fewest columns in which a step must be the same."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Numbers of some rows in some columns.

    `values` and `sds` are rows by columns, nan where there is none; `unit`, by column, is the step
    in which they move; `digits` are those after the point.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: Values
    sds: Values
    unit: Values
    digits: int

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

    def part(self, rows: list[int], columns: list[int]) -> "Block":
        place = np.ix_(rows, columns)
        return Block(
            tuple(self.rows[row] for row in rows),
            tuple(self.columns[column] for column in columns),
            self.values[place],
            self.sds[place],
            self.unit[columns],
            self.digits,
        )

    def sentence(self, name: str) -> str:
        """Each step, with the columns in which it is another."""
        texts = []
        for position, (first, second) in enumerate(pairwise(self.rows)):
            others = [
                f"{steps[position]:+.{self.digits}f} on {column}"
                for column, steps in zip(self.columns, self.steps, strict=True)
                if steps[position] != self.usual[position]
            ]
            text = f"{second} − {first} {self.usual[position]:+.{self.digits}f}"
            texts.append(f"{text} ({', '.join(others)})" if others else text)
        return (
            f"The {name} differ by the same steps in {self.matches} of {len(self.columns)} "
            f"columns: {'; '.join(texts)}."
        )


def groups(block: Block) -> Iterator[Block]:
    """Groups of rows that may differ by constants, in the columns that all of a group have.

    Pairs are linked whose step is the same in most of their columns, then in ever more; so the
    largest groups come first, and a part of one may come again.
    """
    pairs = list(_pairs(block.values))
    seen = set()
    for exceptions in range(len(block.columns) // 2, -1, -1):
        linked = [(first, second) for first, second, others in pairs if others <= exceptions]
        for rows in _joined(len(block.rows), linked):
            group = _group(block, rows)
            if group and group.rows not in seen:
                seen.add(group.rows)
                yield group


def _pairs(values: Values) -> Iterator[tuple[int, int, int]]:
    """Pairs of rows with one step, not zero, in most shared columns, and in how many another."""
    for first, second in combinations(range(len(values)), 2):
        steps = (values[second] - values[first]).round(6)
        steps = steps[np.isfinite(steps)]
        if len(steps) >= COLUMNS:
            step, times = Counter(steps.tolist()).most_common(1)[0]
            if step != 0 and times >= COLUMNS and times > len(steps) / 2:
                yield first, second, len(steps) - times


def _joined(rows: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Rows that a chain of pairs joins."""
    links = np.zeros((rows, rows), dtype=bool)
    for pair in pairs:
        links[pair] = True
    _, labels = connected_components(links, directed=False)
    joined = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    return [members for members in joined if len(members) > 1]


def _group(block: Block, rows: list[int]) -> Block | None:
    """The rows, of those that usually are equal the first, in the columns that all of them have.

    None if these are too few.
    """
    columns = np.flatnonzero(np.isfinite(block.values[rows]).all(axis=0)).tolist()
    if len(columns) < COLUMNS:
        return None
    offsets = (block.values[np.ix_(rows, columns)] - block.values[rows[0], columns]).round(6)
    usual, _ = Counter(map(tuple, offsets.T)).most_common(1)[0]
    _, distinct = np.unique(usual, return_index=True)
    return block.part([rows[position] for position in sorted(distinct)], columns)
