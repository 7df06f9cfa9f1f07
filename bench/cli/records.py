"""`bench show`, `verify`: one record. `bench pack`: those of a committed study."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bench.cli.options import data_dir, results

MARKS = "▁▂▃▄▅▆▇█"


@click.command()
@click.argument("key")
@results
@click.option("--json", "as_json", is_flag=True, help="print all of it, as it is stored")
def show(key: str, results: Path, as_json: bool) -> None:
    """Show a run, and the command that repeats it.

    KEY may be its first digits.
    """
    import json

    from bench.store.records import Store

    store = Store(results)
    full = store.find(key)
    record = store.read(full) if store.done(full) else store.read_failure(full) or {}
    if as_json:
        click.echo(json.dumps(record, indent=1, sort_keys=True))
    elif "metrics" in record:
        print_record(record, store.root)
    else:
        click.echo(f"run {full} failed: {record['reason']}\n{record.get('traceback', '')}")


def print_record(record: dict[str, Any], results: Path) -> None:
    """A page for people."""
    from datetime import UTC, datetime

    from bench import metrics
    from bench.engines.progress import duration

    cell, cost = record["cell"], record["cost"]
    when = datetime.fromtimestamp(record["started"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    spent = ", ".join(f"{part} {duration(s)}" for part, s in cost["seconds"].items())
    lines = {
        "run": f"{cell['dataset']}, {record['label']}, {cell['backbone']}, "
        f"{cell['ratio']:.0%} of the training split, seed {record['seed']}",
        "data": "phantom data, not MedMNIST"
        if record["data"]["phantom"]
        else f"fingerprint {record['data']['fingerprint'][:12]}",
        "made": f"{when} on {record['device']}, commit {record['commit']}, "
        f"environment {record['environment']}",
        "took": f"{spent}; {cost['images']:,} images, {cost['peak_memory'] / 1e9:.1f} GB at most",
        "selected": f"epoch {record['selected_epoch']} of 0–{len(record['curves']) - 1}",
    }
    for name, text in lines.items():
        click.echo(f"{name:10}{text}")
    for name, metric in metrics.METRICS.items():
        if (value := record["metrics"].get(name)) is not None:
            shown = f"{metric.scale * value:.{metric.decimals}f}"
            click.echo(f"{'':10}{metric.heading:20}{shown:>8}")
    for name in ("loss", "val_auc", "val_acc"):
        values = [epoch[name] for epoch in record["curves"] if epoch.get(name) is not None]
        if len(values) > 1:
            click.echo(f"{name:10}{curve(values)}  {values[0]:.3f} to {values[-1]:.3f}")
    if record["metrics"]:
        click.echo(f"{'again':10}{command(record, results)}")
    else:
        click.echo(f"{'tuning':10}validated only, never tested; `bench verify` runs it again")


def command(record: dict[str, Any], results: Path) -> str:
    """The command that makes the run again, or why there is none."""
    from bench.again import again
    from bench.base.errors import BenchError
    from bench.study import Study

    try:
        return again(record, Study(results=results)).command
    except BenchError as reason:
        return str(reason)


def curve(values: list[float]) -> str:
    """A small line, one mark an epoch."""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(MARKS[round((v - low) / span * (len(MARKS) - 1))] for v in values)


@click.command()
@click.argument("key")
@click.option("--datasets", metavar="FILE", help="give the npz of a run on own data")
@click.option("--methods", metavar="FILE", help="give the file of an own method")
@click.option("--weights", metavar="FILE", help="give its pretrained weights")
@click.option(
    "--device", default="cpu", metavar="NAME", show_default=True, help="run on cpu or cuda"
)
@data_dir
@results
def verify(key: str, device: str, weights: str | None, **where: Any) -> None:
    """Run a record again, and compare every bit.

    KEY may be its first digits. Exits with 1 where anything differs.
    """
    from bench.again import verify as door
    from bench.study import Study

    settings = {"pretrained": weights} if weights else {}
    found = door(key, Study(settings=settings, **where), device)
    click.echo(str(found))
    if not found.identical:
        sys.exit(1)


@click.command()
@click.argument("place", type=click.Path(path_type=Path), metavar="STUDY")
@results
def pack(place: Path, results: Path) -> None:
    """Pack the records of a committed study.

    STUDY is studies/NAME/PART. What is done of it is written as one file, studies/NAME/PART.tar.xz,
    from which `--study` takes it in any clone.
    """
    from bench.cli.writing import print_written
    from bench.committed import part

    found = part(place)
    study = found.study(results=results)
    missing = len(study.grid.runs) - len(study.measured.records)
    print_written([found.pack(study)])
    if missing:
        click.echo(f"{missing} of {len(study.grid.runs)} runs are not done, and not in it")
