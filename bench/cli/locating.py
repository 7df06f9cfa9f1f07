"""The options that say which datasets a `bench data` command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bench.base.errors import BenchError
from bench.cli import complete
from bench.cli.options import data_dir, option_group

if TYPE_CHECKING:
    from bench.data.dataset import Dataset

size = click.option(
    "--size", type=int, default=28, metavar="PX", show_default=True, help="read images of this size"
)
locating = option_group(
    click.argument("names", nargs=-1, shell_complete=complete.datasets),
    click.option(
        "--datasets",
        metavar="NAMES",
        shell_complete=complete.datasets,
        help="name some; by default all that are here",
    ),
    size,
    data_dir,
)
"""Datasets, by NAMES or by `--datasets`, and where they lie."""


def opened(options: dict[str, Any]) -> list[Dataset]:
    """The datasets that these options name, or all on disk. Raises BenchError for none."""
    from bench.data.dataset import open_datasets
    from bench.grid.notation import split_list

    named = [*options["names"], *split_list(options["datasets"] or "")]
    found = open_datasets(named or None, options["size"], options["data_dir"])
    if not found:
        raise BenchError("no dataset on disk; name a folder with --data-dir or BENCH_DATA")
    return found
