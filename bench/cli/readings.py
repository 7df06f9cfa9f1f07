"""`bench readings`: a method under every interpretation of its paper."""

from __future__ import annotations

from typing import Any

import click

from bench.base.errors import BenchError
from bench.cli import complete
from bench.cli.asked import study
from bench.cli.doing import do, end
from bench.cli.options import metric, selecting
from bench.cli.printing import print_figures, print_tables
from bench.cli.reports import folder_of
from bench.cli.running import running


@click.command()
@selecting
@running
@click.option(
    "--method",
    default="ails",
    show_default=True,
    shell_complete=complete.methods,
    help="read the publication of it",
)
@click.option(
    "--sample",
    type=click.IntRange(0, 10_000),
    default=20,
    show_default=True,
    help="draw so many joint readings",
)
@metric
@click.option("--reference", default="none", show_default=True, help="compare with this method")
def readings(method: str, sample: int, metric: str, reference: str, **options: Any) -> None:
    """Compare the ways to read a paper.

    Does the conclusion depend on how the paper is interpreted? Each open point is read differently
    by itself, and several at random.
    """
    from reports.figures import specification
    from reports.tables.readings import Readings, output

    if options["methods"] is not None:
        raise BenchError("readings compare one method: use --method in place of --methods")
    reading = Readings(method, sample, metric, reference)
    asked = reading.study(study(options))
    if do([asked], options):
        print_tables([output(asked, reading)], folder_of(asked, "tables"))
        print_figures([specification.figure(asked, reading)], folder_of(asked, "figures"))
        end(options, asked)
