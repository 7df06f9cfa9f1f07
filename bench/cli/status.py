"""`bench status`: how a study stands, from any machine that sees its results folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from bench.base.words import visible
from bench.cli.asked import study
from bench.cli.options import selecting
from bench.cli.printing import print_states

if TYPE_CHECKING:
    from bench.study import Study

LOOK_SECONDS, LINE_SECONDS = 5.0, 60.0
"""Between two looks, in a terminal and elsewhere."""


@click.command()
@selecting
@click.option("--watch", is_flag=True, help="look again until all is done")
def status(watch: bool, **options: Any) -> None:
    """Show runs done, running, failed, missing."""
    from bench.engines.progress import console

    asked, out = study(options), console()
    while True:
        if watch and out.is_terminal:
            out.clear()
        ahead = print_status(asked)
        if not (watch and ahead):
            return
        time.sleep(LOOK_SECONDS if out.is_terminal else LINE_SECONDS)
        asked.refresh()


def print_status(asked: Study) -> int:
    """Show how a study stands; returns how many of its runs are running or missing."""
    from bench.engines.progress import console
    from bench.study import failed

    out, cells = console(), asked.status()
    print_states(cells)
    if stale := len(asked.stale()):
        out.print(f"{stale} records were made by other code; --redo-stale makes them again")
    for run, failure in failed(asked):
        line = f"failed: {run}: {visible(str(failure['reason']))} ({run.key})"
        out.print(line, style="red", highlight=False)
    for row in asked.running().to_dict("records"):
        place = f"{row['dataset']} {row['backbone']} {row['method']} seed {row['seed']}"
        since = time.strftime("%H:%M:%S", time.localtime(row["since"]))
        out.print(f"running: {place}, on {row['host']} since {since}", highlight=False)
    ahead = int(cells["running"].sum() + cells["missing"].sum())
    if ahead:
        out.print(left(asked), highlight=False)
    return ahead


def left(asked: Study) -> str:
    """How long what is not done will take those who are at work."""
    from bench.engines.progress import duration

    seconds, workers = asked.seconds_left()
    if not workers:
        return "nobody is at work"
    if seconds is None:
        return f"{workers} at a time; how long it takes is not known yet (`bench plan` times it)"
    return f"about {duration(seconds)} left, {workers} at a time"
