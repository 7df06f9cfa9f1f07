"""`bench table`, `figure`, `report`: what the records say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.base.errors import BenchError
from bench.cli import complete
from bench.cli.asked import study, view
from bench.cli.comparisons import print_tests
from bench.cli.doing import do, end
from bench.cli.options import selecting, split, viewing
from bench.cli.printing import print_figures, print_tables
from bench.cli.running import running
from bench.cli.writing import print_written

if TYPE_CHECKING:
    from bench.study import Study
    from reports.tables.table import Notes


@click.command()
@click.argument("number", shell_complete=complete.tables)
@selecting
@running
@viewing
@split
@click.option("--tests", is_flag=True, help="print the paired tests below")
@click.option(
    "--notes",
    type=click.Choice(["short", "full", "none"]),
    show_default="full; short in LaTeX",
    help="say so much below a table",
)
def table(number: str, tests: bool, notes: Notes | None, **options: Any) -> None:
    """Make a table of the paper, and its runs.

    Written as CSV, LaTeX and Markdown. NUMBER is 1 to 6.
    """
    from reports.tables.catalogue import entry

    made, shown = entry(number), view(options)
    asked = made.study(study(options), shown)
    outputs = made.outputs(asked, shown)  # refused before any run, if at all
    before = asked.measured
    if not made.select or do([asked], options):
        if asked.measured is not before:
            outputs = made.outputs(asked, shown)
        print_tables(outputs, folder_of(asked, "tables"), notes)
        if tests:
            print_tests(row for output in outputs for row in output.tests)
        if made.select:
            end(options, asked)


@click.command()
@click.argument("name", shell_complete=complete.figures)
@selecting
@running
@viewing
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    default="test",
    show_default=True,
    help="draw the features of it in figure 5",
)
def figure(name: str, **options: Any) -> None:
    """Make a figure, or all, and their runs.

    Written as SVG and PDF, its numbers as CSV.
    """
    from reports.figures.catalogue import FIGURES, entry

    asked = study(options)
    if name != "all":
        make_figure(entry(name), asked, options)
        return
    for each in FIGURES.values():
        try:
            make_figure(each, asked, options)
        except BenchError as reason:
            click.echo(f"figure {each.name}: {reason}", err=True)


def make_figure(made: Any, asked: Study, options: dict[str, Any]) -> None:
    """Do what is missing of a figure, and write it."""
    shown = view(options)
    studies = made.studies(asked, shown)
    if not do(studies, options):
        return
    made.extract(studies, shown.split, options["device"])
    figures = made.figures(studies, shown)
    if not figures:
        raise BenchError(
            f"nothing to draw for figure {made.name}: `bench status` shows what is missing"
        )
    print_figures(figures, folder_of(asked, "figures"))
    end(options, *studies)


def folder_of(asked: Study, what: str) -> Path:
    """Where tables or figures of this protocol are written."""
    return asked.store.root / what / asked.config.slug


@click.command()
@selecting
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="write to this file")
def report(out: Path | None, **options: Any) -> None:
    """Write one HTML page of all results."""
    from reports import report as door

    print_written([door(study(options), out)])
