"""How results look in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.base.words import visible
from bench.cli.writing import print_written, written

if TYPE_CHECKING:
    import pandas as pd

    from bench.study import Study
    from reports.figures.figure import Figure
    from reports.tables.output import Output
    from reports.tables.table import Notes


def print_plan(study: Study, device: str | None, workers: int | None) -> None:
    """The cells with their runs, done and missing, and how long the missing ones will take."""
    from bench.engines.progress import console, duration
    from bench.looks import foreseen
    from bench.training import environment

    plan = study.plan(device)
    print_states(plan)
    if study.selection.looks:
        console().print(foreseen(study), highlight=False)
    missing = int(plan["missing"].sum())
    if not missing:
        return
    out = console()
    device = device or environment.default_device()
    size = max(run.cell.input_size for run in study.grid.runs)
    workers = min(workers or environment.default_workers(device, size), missing)
    seconds = plan["seconds"].sum() / workers
    out.print(f"about {duration(seconds)} with --workers {workers} on {device}", highlight=False)
    if any(run.cell.method.method.quick for run in study.grid.runs):
        out.print("training generators takes additional time")


def print_states(cells: pd.DataFrame) -> None:
    """`Study.status` or `Study.plan`: a row a cell, and the sum of its states below."""
    from rich.table import Table

    from bench.engines.progress import console
    from bench.frames import STATES

    out = console()
    view = Table(box=None, pad_edge=False)
    for name in ("dataset", "ratio", "backbone", "method"):
        view.add_column(name)
    states = [name for name in STATES if name != "damaged" or cells[name].any()]
    for name in states:
        view.add_column(name, justify="right")
    for cell in cells.to_dict("records"):
        place = (cell["dataset"], f"{cell['ratio']:.0%}", cell["backbone"], cell["method"])
        view.add_row(*place, *(str(cell[state] or "–") for state in states))
    out.print(view)
    total = {state: int(cells[state].sum()) for state in states}
    summary = ", ".join(f"{count} {state}" for state, count in total.items() if count)
    out.print(f"{sum(total.values())} runs: {summary}", highlight=False)


def print_tables(
    tables: Iterable[Output], folder: Path | None = None, notes: Notes | None = None
) -> None:
    """Print tables, and write them first where a folder is named.

    Notes are in full, and short in LaTeX, unless it is said how many.
    """
    from bench.engines.progress import console
    from reports.tables.output import write
    from reports.tables.terminal import Terminal

    made = [
        (table, written(partial(write, table, much=notes or "short"), folder)) for table in tables
    ]
    out = console()
    for table, paths in made:
        out.print()
        out.print(Terminal(table.table, notes or "full"))
        print_written(paths)


def print_figures(figures: Iterable[Figure], folder: Path) -> None:
    """Write figures, and print their captions."""
    from bench.engines.progress import console
    from reports.figures.figure import write

    made = [(figure, written(partial(write, figure), folder)) for figure in figures]
    out = console()
    for figure, paths in made:
        out.print()
        out.print(visible(figure.caption), highlight=False)
        print_written(paths)
