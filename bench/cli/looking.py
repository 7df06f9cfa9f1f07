"""`bench data audit`, `bench data show`: what is in a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.base.errors import BenchError
from bench.base.words import visible
from bench.cli.locating import locating, opened
from bench.cli.options import results
from bench.cli.writing import print_written


@click.command("audit")
@locating
@click.option(
    "--groups",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="read a CSV of split, index and group",
)
@click.option("--group-column", metavar="NAME", help="read groups from this column of it")
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="write every finding to this file",
)
def data_audit(
    groups: Path | None, group_column: str | None, json_file: Path | None, **options: Any
) -> None:
    """Find leaks, duplicates, odd images.

    Runs and tables of the set say from then on what is wrong with it.
    """
    from bench.base.files import write_text
    from bench.data.audit import audited
    from bench.data.leaks import groups_of_csv

    if group_column and not groups:
        raise BenchError("--group-column is of the table that --groups names; name that too")
    datasets = opened(options)
    if len(datasets) > 1 and (groups or json_file):
        raise BenchError("--groups and --json need exactly one dataset: name it")
    for dataset in datasets:
        given = groups_of_csv(groups, group_column, dataset.info.counts) if groups else None
        found = audited(dataset, given)
        for line in found.lines():
            click.echo(visible(line))
        if json_file:
            print_written([write_text(json_file, found.to_json())])


@click.command("show")
@locating
@click.option(
    "--input-size",
    type=click.IntRange(8, 2048),
    metavar="PX",
    help="scale as the backbone will see it",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="draw images by this seed",
)
@results
def data_show(input_size: int | None, seed: int, results: Path, **options: Any) -> None:
    """Draw thumbnails by class and split."""
    from bench.data.show import show

    for dataset in opened(options):
        print_written([show(dataset, results / "thumbnails", input_size, seed)])
