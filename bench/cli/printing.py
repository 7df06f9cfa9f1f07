"""How results look in a terminal."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from bench.study import Study
    from reports.figures.figure import Figure
    from reports.tables.output import Output

INDENT = "  "


@dataclass(frozen=True)
class Block:
    """`kind` is a severity or verdict; `command`, where there is one, is printed to be copied."""

    kind: str
    heading: str
    text: str
    command: str = ""


def print_blocks(
    out: Console, title: str, kinds: Sequence[str], blocks: Sequence[Block], notes: Sequence[str]
) -> None:
    """The title with the number of each kind, the blocks, and what the kinds mean."""
    from rich.text import Text

    counts = Counter(block.kind for block in blocks)
    counted = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind])
    out.print(Text.assemble((title, "bold"), f": {counted or 'nothing to say'}"))
    for block in blocks:
        out.print()
        out.print(Text.assemble((block.kind, "bold"), f"  {block.heading}"))
        wrapped = textwrap.fill(block.text, out.width - len(INDENT), break_on_hyphens=False)
        out.print(textwrap.indent(wrapped, INDENT), highlight=False, soft_wrap=True)
        if block.command:
            out.print(INDENT + block.command, style="dim", highlight=False, soft_wrap=True)
    out.print()
    for note in notes:
        out.print(Text(note, "dim"))


def print_plan(study: Study, device: str | None, workers: int | None) -> None:
    """The cells with their runs, done and missing, and how long the missing ones will take."""
    from bench.engines.progress import console, duration
    from bench.training import environment

    print_states(study)
    plan = study.plan(device)
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


def print_states(study: Study) -> None:
    """A row a cell: how many of its runs are done, running, failed and missing."""
    from rich.table import Table

    from bench.engines.progress import console
    from bench.study import STATES

    out = console()
    states = study.states()
    view = Table(box=None, pad_edge=False)
    for name in ("dataset", "ratio", "backbone", "method"):
        view.add_column(name)
    for name in STATES:
        view.add_column(name, justify="right")
    for cell, counts in states.items():
        place = (cell.dataset, f"{cell.ratio:.0%}", cell.backbone, cell.method.label)
        view.add_row(*place, *(str(counts[state] or "–") for state in STATES))
    out.print(view)
    total = sum(states.values(), Counter())
    summary = ", ".join(f"{total[state]} {state}" for state in STATES if total[state])
    out.print(f"{len(study.grid.runs)} runs: {summary}", highlight=False)


def print_tables(tables: Iterable[Output], folder: Path | None = None) -> None:
    """Print tables, and write them first where a folder is named."""
    from bench.engines.progress import console
    from reports.tables.output import write
    from reports.tables.table import to_terminal

    out = console()
    for table in tables:
        paths = write(table, folder) if folder else []
        out.print()
        out.print(to_terminal(table.table))
        print_written(paths)


def print_figures(figures: Iterable[Figure], folder: Path) -> None:
    """Write figures, and print their captions."""
    from bench.engines.progress import console
    from reports.figures.figure import write

    out = console()
    for figure in figures:
        paths = write(figure, folder)
        out.print()
        out.print(figure.caption, highlight=False)
        print_written(paths)


def print_written(paths: Iterable[Path]) -> None:
    from bench.engines.progress import console

    out = console()
    for path in paths:
        out.print(f"wrote {path}", highlight=False, soft_wrap=True)


def end(*studies: Study) -> None:
    """Name the runs that failed; where there are some, exit with code 1."""
    from bench.engines.progress import console
    from bench.study import failed

    out = console()
    found = {run: failure for study in studies for run, failure in failed(study)}
    for run, failure in found.items():
        out.print(f"failed: {run}: {failure['reason']}", style="red", highlight=False)
    if found:
        sys.exit(1)
