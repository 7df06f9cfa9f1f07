"""`bench run`, `plan`, `status`, `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.asked import study, view
from bench.cli.comparisons import print_tests
from bench.cli.doing import do, end
from bench.cli.options import selecting, split, viewing
from bench.cli.printing import (
    print_plan,
    print_states,
    print_tables,
)
from bench.cli.running import running
from bench.cli.writing import print_written


@click.command()
@selecting
@running
def run(**options: Any) -> None:
    """Do what is missing, and show ACC and AUC."""
    from reports.results.view import View
    from reports.tables.table1 import outputs

    asked = study(options)
    if do([asked], options):
        for metric in ("acc", "auc"):
            print_tables(outputs(asked, View(metric)))
        end(options, asked)


@click.command()
@selecting
@running
def plan(**options: Any) -> None:
    """Show runs done, missing, and the time left."""
    print_plan(study(options), options["device"], options["workers"])


@click.command()
@selecting
def status(**options: Any) -> None:
    """Show runs done, running, failed, missing."""
    from bench.engines.progress import console
    from bench.study import failed

    asked = study(options)
    print_states(asked.status())
    if stale := len(asked.stale()):
        console().print(f"{stale} records were made by other code; --redo-stale makes them anew")
    for run, failure in failed(asked):
        line = f"failed: {run}: {failure['reason']} ({run.key})"
        console().print(line, style="red", highlight=False)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@selecting
@click.option("--everything", is_flag=True, help="write all records of the folder, old ones too")
def export(path: Path, everything: bool, **options: Any) -> None:
    """Write records as CSV or Parquet."""
    print_written([study(options).export(path, everything)])


@click.command()
@selecting
@viewing
@split
def compare(**options: Any) -> None:
    """Compare methods with a reference, by seed."""
    from reports import compare as door
    from reports.results.compare import answers

    names = ("reference", "metric", "combine", "split")
    asked = study(options)
    frame = door(asked, **{name: options[name] for name in names})
    print_tests(frame.to_dict("records"), answers(asked, view(options)))
