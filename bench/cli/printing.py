"""How results look in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.base.words import visible
from bench.cli.writing import print_written, written

if TYPE_CHECKING:
    import pandas as pd

    from bench.study import Study
    from reports.figures.figure import Figure
    from reports.tables.output import Output


def do(studies: list[Study], options: dict[str, Any]) -> bool:
    """Do what is missing, or show the plan where that is all that was asked for: then False."""
    from bench.study import run

    if options["dry_run"]:
        for one in studies:
            print_plan(one, options["device"], options["workers"])
        return False
    if options["redo_stale"]:
        for one in studies:
            one.redo_stale()
    run(studies, options["workers"], options["device"], options["retry_failed"])
    return True


def print_plan(study: Study, device: str | None, workers: int | None) -> None:
    """The cells with their runs, done and missing, and how long the missing ones will take."""
    from bench.engines.progress import console, duration
    from bench.training import environment

    plan = study.plan(device)
    print_states(plan)
    missing = int(plan["missing"].sum())
    if not missing:
        return
    out = console()
    device = device or environment.default_device()
    workers = min(workers or environment.default_workers(), missing)
    seconds = plan["seconds"].sum() / workers
    out.print(f"about {duration(seconds)} with --workers {workers} on {device}", highlight=False)
    if any(run.cell.method.method.quick for run in study.grid.runs):
        out.print("the training of generators comes on top")


def print_states(cells: pd.DataFrame) -> None:
    """`Study.status` or `Study.plan`: a row a cell, and the sum of its states below."""
    from rich.table import Table

    from bench.engines.progress import console
    from bench.study import STATES

    out = console()
    view = Table(box=None, pad_edge=False)
    for name in ("dataset", "ratio", "backbone", "method"):
        view.add_column(name)
    for name in STATES:
        view.add_column(name, justify="right")
    for cell in cells.to_dict("records"):
        place = (cell["dataset"], f"{cell['ratio']:.0%}", cell["backbone"], cell["method"])
        view.add_row(*place, *(str(cell[state] or "–") for state in STATES))
    out.print(view)
    total = {state: int(cells[state].sum()) for state in STATES}
    summary = ", ".join(f"{count} {state}" for state, count in total.items() if count)
    out.print(f"{sum(total.values())} runs: {summary}", highlight=False)


def print_tables(tables: Iterable[Output], folder: Path | None = None) -> None:
    """Print tables, and write them first where a folder is named."""
    from bench.engines.progress import console
    from reports.tables.output import write
    from reports.tables.table import to_terminal

    made = [(table, written(partial(write, table), folder)) for table in tables]
    out = console()
    for table, paths in made:
        out.print()
        out.print(to_terminal(table.table))
        print_written(paths)


def print_tests(rows: Iterable[Mapping[Any, Any]]) -> None:
    """Paired differences with their intervals and p values, a line each."""
    from rich.table import Table

    from bench import metrics
    from bench.engines.progress import console

    view = Table(box=None, pad_edge=False)
    rows = list(rows)
    columns = ["dataset", "comparison", "metric", "n", "difference", "95 %", "p", "Holm"]
    for name in [*columns, *(["verdict"] if any("verdict" in row for row in rows) else [])]:
        view.add_column(name, justify="right" if name in columns[3:] else "left")
    for row in rows:
        metric = metrics.METRICS.get(row["metric"].removeprefix("val_"))
        scale, digits = (metric.scale, metric.decimals + 1) if metric else (1, 3)
        numbers = [f"{scale * row[name]:z.{digits}f}" for name in ("difference", "low", "high")]
        view.add_row(
            row["dataset"],
            f"{row['method']} − {row['reference']}",
            row["metric"],
            str(row["n"]),
            numbers[0],
            f"{numbers[1]} to {numbers[2]}",
            f"{row['p']:.3g}",
            f"{row['p_holm']:.3g}",
            *([row["verdict"]] if "verdict" in row else []),
        )
    console().print(view)


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


def end(*studies: Study) -> None:
    """Name the runs that failed; where there are some, exit with code 1."""
    from bench.engines.progress import console
    from bench.study import failed

    out = console()
    found = {run: failure for study in studies for run, failure in failed(study)}
    for run, failure in found.items():
        reason = visible(str(failure["reason"]))
        out.print(f"failed: {run}: {reason}", style="red", highlight=False)
    if found:
        sys.exit(1)
