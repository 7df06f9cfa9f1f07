"""The points of a curve: from results, and from cells that the paper prints."""

import math
from collections.abc import Iterable, Mapping

from bench.stats.paired import summarise
from reports.figures.points import Point, Published
from reports.results.results import Results
from reports.tables.table import Cell


def measured(places: Iterable[tuple[float, Results, str]]) -> list[Point]:
    """Of a value, results and a method: the mean over datasets, with its interval over seeds.

    None where a dataset lacks a seed.
    """
    return [
        Point(value, summary.mean, summary.low, summary.high)
        for value, results, method in places
        if all(results.complete(method, dataset) for dataset in results.datasets)
        for summary in [summarise(results.means(method).values())]
    ]


def printed(cells: Mapping[float, Cell | str | None]) -> list[Published]:
    """By value what is a number."""
    return [
        Published(value, cell.mean, math.nan if cell.sd is None else cell.sd)
        for value, cell in cells.items()
        if isinstance(cell, Cell) and cell.mean is not None
    ]
