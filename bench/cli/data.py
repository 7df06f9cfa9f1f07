"""`bench data`: list, verify, export; `import` is in `own`, `audit` and `show` in `looking`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.base.words import visible
from bench.cli import complete, looking, own
from bench.cli.locating import locating, opened, size
from bench.cli.options import data_dir, single


@click.group("data")
def data_commands() -> None:
    """List, import, check and export datasets."""


for command in (own.data_import, looking.data_audit, looking.data_show):
    data_commands.add_command(command)


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


@data_commands.command("export")
@click.option(
    "--dataset",
    required=True,
    metavar="NAME",
    callback=single,
    shell_complete=complete.datasets,
    help="name one dataset, as in --datasets",
)
@size
@click.option(
    "--ratio",
    type=float,
    default=1.0,
    metavar="R",
    show_default=True,
    help="take this fraction of the training split",
)
@click.option("--seed", type=int, default=0, show_default=True, help="draw the subset of this seed")
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
