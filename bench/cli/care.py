"""`bench doctor`, `bench clean`: the results folder itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.base.errors import BenchError
from bench.cli.options import results

if TYPE_CHECKING:
    from bench.store.records import Store


@click.command()
@results
@click.option("--fix", is_flag=True, help="fix what is found")
@click.option(
    "--fs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="test a shared file system instead",
)
def doctor(results: Path, fix: bool, folder: Path | None) -> None:
    """Find damage in the results, and fix it.

    Damaged files are moved into the folder stale; no record is deleted. Exits with 1 where
    something is wrong and not fixed.
    """
    if folder:
        test_file_system(folder)
        return
    from bench.store.doctor import examine

    store = opened(results)
    found = 0
    for finding in examine(store):
        found += 1
        if fix:
            finding.mend()
        click.echo(f"{finding}" if fix else f"{finding} with --fix")
    records = sum(1 for _ in store)
    click.echo(f"{records} records, {found} findings{', fixed' * bool(fix and found)}")
    if found and not fix:
        sys.exit(1)


def opened(results: Path) -> Store:
    """The store of a folder that is there. Raises BenchError."""
    from bench.store.records import Store

    if not results.is_dir():
        raise BenchError(f"{results} is no results folder; name one with --results")
    return Store(results)


def test_file_system(folder: Path) -> None:
    """Say of each thing that the store needs whether the folder has it."""
    from bench.base.files import explained
    from bench.store.filesystem import tests

    lacks = 0
    with explained(folder):
        for wanted, lack in tests(folder):
            lacks += bool(lack)
            click.echo(f"{'no ' if lack else 'yes'}  {wanted}{': ' * bool(lack)}{lack}")
    if lacks:
        sys.exit(1)


@click.command()
@results
@click.option("--yes", is_flag=True, help="free it without asking")
def clean(results: Path, yes: bool) -> None:
    """Show what takes space, and free some of it.

    Records, predictions and what reads them are kept; the rest can be made again.
    """
    from bench.store.space import KEPT, parts, remove, size_of

    store = opened(results)
    for part in parts(store):
        click.echo(f"{part.bytes / 1e6:10.1f} MB  {part.name:12}{part.about}")
    for part in parts(store):
        if part.name in KEPT or not part.bytes:
            continue
        if yes or click.confirm(f"remove {part.name} ({part.bytes / 1e6:.1f} MB)?"):
            remove(part)
            click.echo(f"removed {part.name}")
    click.echo(f"{size_of(store.root) / 1e6:.1f} MB are left")
