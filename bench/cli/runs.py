"""`bench run`, `plan`, `status`, `show`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.request import Request, command_line, console, request, running, selecting

if TYPE_CHECKING:
    from rich.console import Console

    from bench.grid.cell import Run
    from bench.store.records import Store
    from reports.results.study import Study
    from reports.tables.output import Output


@click.command()
@selecting
@running
def run(**options: Any) -> None:
    """Do the runs of a selection that are not done, and show their ACC and AUC."""
    from reports.results.study import View
    from reports.tables import table1

    asked = request(options)
    if options["dry_run"]:
        show_plan(asked, options)
        return
    do_missing(asked, options)
    measured = study(asked)
    for metric in ("acc", "auc"):
        print_tables(table1.outputs(measured, View(metric)))
    end(asked)


@click.command()
@selecting
@running
def plan(**options: Any) -> None:
    """Runs, those done and missing, and the time that the missing ones will take."""
    show_plan(request(options), options)


def show_plan(asked: Request, options: dict[str, Any]) -> None:
    from bench.engines import local as engines
    from bench.engines.progress import duration
    from bench.training import environment, estimate

    out = console()
    show_counts(asked, out)
    missing = engines.remaining(asked.store, asked.grid.runs)
    if not missing:
        return
    device = options["device"] or environment.default_device()
    workers = min(options["workers"] or environment.default_workers(), len(missing))
    seconds = estimate.seconds(asked.grid, missing, asked.store, device) / workers
    out.print(f"about {duration(seconds)} with --workers {workers} on {device}", highlight=False)
    if any(run.cell.method.method.quick for run in missing):
        out.print("the training of generators comes on top")


@click.command()
@selecting
def status(**options: Any) -> None:
    """What of a selection is done, running, failed or missing."""
    asked = request(options)
    out = console()
    show_counts(asked, out)
    for run, failure in failures(asked):
        out.print(f"failed: {run}: {failure['reason']} ({run.key})", style="red", highlight=False)


def show_counts(asked: Request, out: Console) -> None:
    from collections import Counter

    from rich.table import Table

    states: dict[tuple[str, str, str, str], Counter[str]] = {}
    for run in asked.grid.runs:
        cell = run.cell
        place = (cell.dataset, f"{cell.ratio:.0%}", cell.backbone, cell.method.label)
        states.setdefault(place, Counter())[state(asked.store, run.key)] += 1
    kinds = ("done", "running", "failed", "missing")
    total: Counter[str] = sum(states.values(), Counter())
    view = Table(box=None, pad_edge=False)
    for name in ("dataset", "ratio", "backbone", "method"):
        view.add_column(name)
    for name in kinds:
        view.add_column(name, justify="right")
    for place, counts in states.items():
        view.add_row(*place, *(str(counts[kind] or "–") for kind in kinds))
    out.print(view)
    summary = ", ".join(f"{total[kind]} {kind}" for kind in kinds if total[kind])
    out.print(f"{len(asked.grid.runs)} runs: {summary}", highlight=False)


def state(store: Store, key: str) -> str:
    if store.done(key):
        return "done"
    if store.failure_path(key).exists():
        return "failed"
    return "running" if store.leased(key) else "missing"


@click.command("show")
@click.argument("key")
@click.option("--results", type=click.Path(path_type=Path), default="results", metavar="DIR")
def show_record(key: str, results: Path) -> None:
    """The record of a run, or why it failed; the first digits of its key are enough."""
    import json

    from bench.store.records import Store

    store = Store(results)
    full = store.find(key)
    record = store.read(full) if store.done(full) else store.read_failure(full)
    click.echo(json.dumps(record, indent=1, sort_keys=True))


def do_missing(asked: Request, options: dict[str, Any]) -> bool:
    """Run what has no record yet; failed runs stay failed unless `--retry-failed`.

    Returns whether there was something to do.
    """
    from bench.engines import local as engines
    from bench.engines.progress import GridProgress
    from bench.training import environment

    asked.store.check_writable()
    if options["retry_failed"]:
        for run in asked.grid.runs:
            asked.store.forget_failure(run.key)
    missing = engines.remaining(asked.store, asked.grid.runs)
    if not missing:
        return False
    workers = min(options["workers"] or environment.default_workers(), len(missing))
    device = options["device"] or environment.default_device()
    environment.check_device(device)
    job = engines.Job(tuple(missing), asked.store.root, asked.data_dir, device)
    out = console()
    out.print(
        f"{len(missing)} runs to do, {workers} at a time on {device}, into {asked.store.root}",
        highlight=False,
    )
    with GridProgress(asked.store, missing, out) as progress:
        engines.local(job, workers, progress)
        progress(0.0)
    return True


def failures(asked: Request) -> list[tuple[Run, dict[str, Any]]]:
    """The runs of a request that failed, with what they left."""
    return [
        (run, failure)
        for run in asked.grid.runs
        if not asked.store.done(run.key) and (failure := asked.store.read_failure(run.key))
    ]


def study(asked: Request) -> Study:
    """What is measured of a request."""
    from reports.results.records import load
    from reports.results.study import Study

    measured = load(asked.store, asked.grid)
    return Study(asked.config, measured, asked.store, asked.backbones, command_line())


def print_tables(outputs: Iterable[Output], folder: Path | None = None) -> None:
    """Print tables, and write them where a folder is named."""
    from reports.tables.output import write
    from reports.tables.table import to_terminal

    out = console()
    for output in outputs:
        out.print()
        out.print(to_terminal(output.table))
        if folder:
            for path in write(output, folder):
                out.print(f"wrote {path}", highlight=False, soft_wrap=True)


def end(asked: Request) -> None:
    """Name the runs that failed; where there are some, exit with code 1."""
    out = console()
    failed = failures(asked)
    for run, failure in failed:
        out.print(f"failed: {run}: {failure['reason']}", style="red", highlight=False)
    if failed:
        sys.exit(1)
