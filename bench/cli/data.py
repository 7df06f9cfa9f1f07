"""`bench data`: list, verify, export, audit; `import` is in `own`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.base.errors import BenchError
from bench.base.words import visible
from bench.cli import complete, own
from bench.cli.options import data_dir, option_group, single

if TYPE_CHECKING:
    from bench.data.dataset import Dataset

size = click.option(
    "--size", type=int, default=28, metavar="PX", show_default=True, help="size of the images"
)
locating = option_group(
    click.argument("names", nargs=-1, shell_complete=complete.datasets),
    click.option(
        "--datasets",
        metavar="NAMES",
        shell_complete=complete.datasets,
        help="all that are here by default",
    ),
    size,
    data_dir,
)
"""Datasets, by NAMES or by `--datasets`, and where they lie."""


@click.group("data")
def data_commands() -> None:
    """List, import, check and export datasets."""


data_commands.add_command(own.data_import)


def opened(options: dict[str, Any]) -> list[Dataset]:
    from bench.data.dataset import open_datasets
    from bench.grid.notation import split_list

    named = [*options["names"], *split_list(options["datasets"] or "")]
    found = open_datasets(named or None, options["size"], options["data_dir"])
    if not found:
        raise BenchError("no dataset on disk; name a folder with --data-dir or BENCH_DATA")
    return found


@data_commands.command("list")
@size
@data_dir
def data_list(size: int, data_dir: Path | None) -> None:
    """List the datasets on disk, and the phantoms."""
    from rich.table import Table

    from bench.data.catalogue import NAMES, PHANTOMS, SPLITS
    from bench.data.dataset import open_dataset, open_datasets
    from bench.engines.progress import console

    here = {dataset.info.name: dataset.info for dataset in open_datasets(None, size, data_dir)}
    here |= {name: open_dataset(name, size).info for name in PHANTOMS}
    view = Table(box=None, pad_edge=False)
    for column in ("dataset", "task", "classes", "channels", *SPLITS, "md5"):
        view.add_column(column)
    for name in (*NAMES, *PHANTOMS):
        if name not in here:
            view.add_row(name, "not on disk", style="dim")
            continue
        info = here[name]
        about = [info.task.value, info.num_classes, info.channels]
        about += [info.counts[split] for split in SPLITS]
        view.add_row(
            name, *map(str, about), "phantom data" if info.phantom else info.fingerprint[:8]
        )
    console().print(view)


@data_commands.command("verify")
@locating
def data_verify(**options: Any) -> None:
    """Check shapes, labels, counts and md5."""
    from bench.data.verify import checked

    for dataset in opened(options):
        for line in checked(dataset.info):
            click.echo(visible(line))


@data_commands.command("audit")
@locating
def data_audit(**options: Any) -> None:
    """Find duplicates and conflicting labels."""
    from bench.data.audit import audit

    for dataset in opened(options):
        for line in audit(dataset).lines():
            click.echo(line)


@data_commands.command("export")
@click.option(
    "--dataset",
    required=True,
    metavar="NAME",
    callback=single,
    shell_complete=complete.datasets,
    help="as in --datasets, one of them",
)
@size
@click.option(
    "--ratio",
    type=float,
    default=1.0,
    metavar="R",
    show_default=True,
    help="fraction of the training split",
)
@click.option("--seed", type=int, default=0, show_default=True, help="which subset of that size")
@data_dir
@click.argument("path", type=click.Path(path_type=Path))
def data_export(path: Path, **options: Any) -> None:
    """Write a training subset for StyleGAN2-ADA.

    PATH is the zip that StyleGAN2-ADA's own training script reads.
    """
    from bench.study import Study
    from bench.training.execute import training_subset
    from methods.generative.export import export

    study = Study(
        datasets=[options["dataset"]],
        methods="none",
        ratios=options["ratio"],
        seeds=[options["seed"]],
        size=options["size"],
        data_dir=options["data_dir"],
    )
    run = study.grid.runs[0]
    train, identity = training_subset(run, study.open(run))
    export(train, path)
    click.echo(f"wrote {len(train)} images to {path}; subset {identity['subset'][:16]}")
