"""`bench data`: list, verify, export, audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.base.errors import BenchError
from bench.cli.request import Command, console


@click.group("data")
def data_commands() -> None:
    """List, verify and audit the datasets."""


def locating(command: Command) -> Command:
    options = [
        click.option("--datasets", metavar="NAMES", help="all that are here by default"),
        click.option("--size", type=int, default=28, metavar="PX", show_default=True),
        click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def opened(options: dict[str, Any]) -> list[Any]:
    """The datasets that were named, or all MedMNIST sets that are on disk."""
    from bench.data import dataset as data
    from bench.grid import notation

    size, folder = options["size"], options["data_dir"]
    if options["datasets"] is not None:
        names = notation.split_list(options["datasets"])
        return [data.open_dataset(name, size, folder) for name in names]
    found = []
    for name in data.NAMES:
        try:
            found.append(data.open_dataset(name, size, folder, download=False))
        except data.MissingData:
            continue
    return found


@data_commands.command("list")
@locating
def data_list(**options: Any) -> None:
    """The datasets that are on disk, and the phantoms."""
    from rich.table import Table

    from bench.data import dataset as data

    here = {dataset.info.name: dataset.info for dataset in opened(options)}
    names = list(here) if options["datasets"] is not None else [*data.NAMES, *data.PHANTOMS]
    view = Table(box=None, pad_edge=False)
    for column in ("dataset", "task", "classes", "channels", "train", "val", "test", "md5"):
        view.add_column(column)
    for name in names:
        info = here.get(name)
        if info is None and name in data.PHANTOMS:
            info = data.open_dataset(name, options["size"]).info
        if info is None:
            view.add_row(name, "not on disk", style="dim")
            continue
        counts = [str(info.counts[split]) for split in ("train", "val", "test")]
        origin = "phantom data" if info.phantom else info.fingerprint[:8]
        view.add_row(
            name, info.task.value, str(info.num_classes), str(info.channels), *counts, origin
        )
    console().print(view)


@data_commands.command("verify")
@locating
def data_verify(**options: Any) -> None:
    """Check shapes, labels, counts and md5 of datasets."""
    datasets = opened(options)
    if not datasets:
        raise BenchError("no dataset on disk; name a folder with --data-dir or BENCH_DATA")
    for dataset in datasets:
        warnings = "; ".join(dataset.info.warnings)
        click.echo(f"{dataset.info.name}: {'warning: ' + warnings if warnings else 'as published'}")


@data_commands.command("export")
@click.option("--dataset", required=True, metavar="NAME")
@click.option("--size", type=int, default=28, metavar="PX", show_default=True)
@click.option("--ratio", type=float, default=1.0, metavar="R", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("path", type=click.Path(path_type=Path))
def data_export(path: Path, **options: Any) -> None:
    """Write a run's training subset as the zip that StyleGAN2-ADA's own training script reads."""
    from bench.data.dataset import open_dataset
    from bench.grid import configs, grid
    from bench.grid.selection import Selection
    from bench.training.execute import training_subset
    from methods.generative.export import export

    selection = Selection(
        datasets=(options["dataset"],),
        ratios=(options["ratio"],),
        seeds=(options["seed"],),
        source_size=options["size"],
        input_size=224,
    )
    config = configs.load("laptop")
    (run,) = grid.expand(selection, config.protocol, options["data_dir"]).runs
    dataset = open_dataset(run.cell.source, run.cell.source_size, options["data_dir"])
    train, identity = training_subset(run, dataset)
    export(train, path)
    click.echo(f"wrote {len(train)} pictures to {path}; subset {identity['subset'][:16]}")


@data_commands.command("audit")
@locating
def data_audit(**options: Any) -> None:
    """Exact duplicates within and across splits, conflicting labels, class counts."""
    from bench.data.audit import audit

    datasets = opened(options)
    if not datasets:
        raise BenchError("no dataset on disk; name a folder with --data-dir or BENCH_DATA")
    for dataset in datasets:
        for line in audit(dataset).lines():
            click.echo(line)
