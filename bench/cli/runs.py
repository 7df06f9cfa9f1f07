"""`bench run`, `export`, `compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.asked import study, view
from bench.cli.comparisons import print_tests
from bench.cli.doing import do, end
from bench.cli.options import selecting, split, viewing
from bench.cli.printing import (
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
