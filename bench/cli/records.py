"""`bench show`: one record."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import results


@click.command()
@click.argument("key")
@results
def show(key: str, results: Path) -> None:
    """Show a record, or why its run failed.

    KEY may be its first digits.
    """
    import json

    from bench.store.records import Store

    store = Store(results)
    full = store.find(key)
    record = store.read(full) if store.done(full) else store.read_failure(full)
    click.echo(json.dumps(record, indent=1, sort_keys=True))
