"""`bench plan`: what is done and missing, and what the missing runs will cost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from bench.base.errors import BenchError
from bench.cli.asked import study
from bench.cli.options import metric, reference, selecting
from bench.cli.printing import print_states
from bench.cli.running import running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.grid.cell import Run
    from bench.study import Study
    from bench.training.estimate import Cost


@click.command()
@selecting
@running
@metric
@click.option("--paper", is_flag=True, help="count all tables and figures")
@reference
@click.option(
    "--detect",
    type=click.FloatRange(min=0, min_open=True),
    metavar="POINTS",
    help="tell how many seeds show such a difference",
)
def plan(detect: float | None, paper: bool, **options: Any) -> None:
    """Show runs done, missing, and what they cost.

    A kind of run that was never made on this device is timed for some seconds; what was measured
    is kept in the results folder.
    """
    from bench.engines.progress import console

    if detect is None and (options["reference"] or options["metric"] != "acc"):
        raise BenchError("--metric and --reference are for --detect POINTS; give that too")
    asked = study(options)
    seeds = detecting(asked, detect, options["metric"], options["reference"]) if detect else []
    if paper:
        print_paper(asked, options["device"], options["workers"])
    else:
        print_plan(asked, options["device"], options["workers"])
    for line in seeds:
        console().print(line, highlight=False)


def print_plan(study: Study, device: str | None, workers: int | None) -> None:
    """The cells with their runs, done and missing, and what the missing ones will take."""
    from bench.engines.progress import console
    from bench.looks import foreseen

    costs = study.costs(device)
    print_states(study.status())
    if study.selection.looks:
        console().print(foreseen(study), highlight=False)
    print_costs(costs, device, workers)


def print_paper(study: Study, device: str | None, workers: int | None) -> None:
    """A line each table and figure; a run that several share is counted once in the total."""
    from rich.table import Table

    from bench.engines.progress import console, duration
    from bench.study import costs
    from reports.figures.catalogue import FIGURES
    from reports.results.view import View
    from reports.tables.catalogue import of_runs

    parts = {f"table {number}": [entry.study(study)] for number, entry in of_runs().items()}
    parts |= {f"figure {n}": e.studies(study, View()) for n, e in FIGURES.items()}
    parts["in total"] = whole = [one for studies in parts.values() for one in studies]
    cost, settled = costs(whole, device), set(study.store)
    view = Table(box=None, pad_edge=False)
    view.add_column("")
    for heading in ("runs", "done", "missing", "one worker"):
        view.add_column(heading, justify="right")
    for name, studies in parts.items():
        runs = dict.fromkeys(run for one in studies for run in one.grid.runs)
        done, left = sum(run.key in settled for run in runs), cost(runs)
        spent = duration(sum(each.seconds for each in left.values()))
        view.add_row(name, f"{len(runs):,}", f"{done:,}", f"{len(left):,}", spent)
    console().print(view)
    print_costs(left, device, workers)


def print_costs(costs: Mapping[Run, Cost], device: str | None, workers: int | None) -> None:
    """Time, memory and disk of what is missing, with so many workers."""
    from bench.base import process
    from bench.costs import finish
    from bench.engines.progress import console, duration
    from bench.training import environment

    if not costs:
        return
    device = device or environment.default_device()
    size = max(run.cell.input_size for run in costs)
    workers = min(workers or environment.default_workers(device, size), len(costs))
    seconds = finish((cost.seconds for cost in costs.values()), workers)
    end = time.strftime("%a %d %b, %H:%M", time.localtime(time.time() + seconds))
    memory = max(cost.memory for cost in costs.values())
    own = device == "cpu" and workers > process.cores()
    where = f"{device}, if each has a core of its own" if own else device
    disk = sum(cost.disk for cost in costs.values())
    for line in (
        f"about {duration(seconds)} with --workers {workers} on {where}: until {end}",
        f"{duration(sum(cost.seconds for cost in costs.values()))} of one worker; "
        f"{memory / 1e9:.1f} GB of memory each, {workers * memory / 1e9:.1f} GB in all; "
        f"{max(0.1, disk / 1e6):,.1f} MB of disk",
    ):
        console().print(line, highlight=False)


def detecting(study: Study, points: float, metric: str, reference: str | None) -> list[str]:
    """How many seeds show a difference of so many points, given the SDs so far."""
    from bench import metrics
    from bench.looks import seeds_to_detect

    found = seeds_to_detect(study, points / metrics.get(metric).scale, metric, reference)
    asked, lines = len(study.selection.seeds), []
    for row in found.to_dict("records"):
        where = f"{row['dataset']}, {row['backbone']}, {row['ratio']:.0%}"
        if row["seeds"] is None:
            said = "two finished seeds of two methods are needed first"
        else:
            sd = metrics.get(metric).scale * row["sd"]
            said = (
                f"{row['seeds']:,} seeds show {points:g} point{'s' * (points != 1)} of {metric} "
                f"({asked} are asked for); the SD of paired differences is {sd:.2f}"
            )
        lines.append(f"{where}: {said}")
    return lines
