"""`bench tune`: search the parameters of methods, each with the same budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.base.errors import BenchError
from bench.cli import complete
from bench.cli.asked import study
from bench.cli.doing import end
from bench.cli.options import selecting
from bench.cli.printing import print_tables
from bench.cli.reports import folder_of
from bench.cli.running import early, workers
from bench.cli.writing import print_written


@click.command()
@selecting
@early
@click.option(
    "--trials", type=int, default=32, show_default=True, help="give every method so many trials"
)
@click.option(
    "--tune-seeds",
    default="3",
    metavar="S",
    show_default=True,
    help="run each trial with these seeds",
)
@click.option("--with", "shared", metavar="NAMES", help="tune lr,weight_decay too")
@click.option(
    "--metric",
    metavar="NAME",
    shell_complete=complete.metrics,
    help="tune for it (else what selects epochs)",
)
@workers
@click.option("--device", metavar="NAME", help="use cpu, cuda or mps")
@click.option("--export", type=click.Path(path_type=Path), metavar="FILE", help="write trials only")
def tune(trials: int, export: Path | None, **options: Any) -> None:
    """Tune methods, with the same budget for each.

    Searches on the validation split; then the defaults and what was found are run and compared on
    the seeds of reports. With --export nothing is run: the trials so far are written as a journal,
    which optuna-dashboard opens.
    """
    from bench.grid.notation import split_list
    from bench.study import run
    from reports import tuned

    asked = study(options)
    if export:
        print_written([asked.export_searches(export)])
        return
    shared = split_list(options["shared"] or "")
    if options["shared"] is not None and not shared:
        raise BenchError("--with is empty; name lr or weight_decay")
    goal = {"tune_seeds": options["tune_seeds"], "shared": shared, "metric": options["metric"]}
    workers, device = options["workers"], options["device"]
    print_failed(asked.tune(trials, **goal, workers=workers, device=device))
    run([asked, asked.tuned], workers, device)
    print_tables(tuned(asked), folder_of(asked.tuned, "tables"))
    end(options, asked, asked.tuned)


def print_failed(trials: Any) -> None:
    """A line for each trial that failed."""
    for trial in trials[trials["value"].isna()].to_dict("records"):
        where = f"{trial['method']} on {trial['dataset']}, {trial['backbone']}"
        click.secho(f"failed: trial {trial['trial']} of {where}: {trial['reason']}", fg="red")
