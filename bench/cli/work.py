"""`bench work`: the body of any scheduler's job. `bench merge`: what several of them made."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.asked import study
from bench.cli.doing import end
from bench.cli.options import results, selecting
from bench.cli.running import device, early, run_timeout, workers

if TYPE_CHECKING:
    from bench.store.merge import Difference


@click.command()
@selecting
@early
@workers
@device
@run_timeout
@click.option("--shard", metavar="I/N", help="do the i-th of n parts only")
@click.option("--requeue", is_flag=True, help="put the SLURM job back if time ends")
def work(shard: str | None, requeue: bool, **options: Any) -> None:
    """Do what is missing, as a scheduler's job.

    Shows no tables. On the signal USR1 or TERM it saves its unfinished runs, leaves them to others
    and exits with 0. It starts no run that would end after the SLURM job.
    """
    from bench.costs import Costs
    from bench.engines.local import Local
    from bench.engines.shard import Shard
    from bench.engines.shift import Shift
    from bench.engines.slurm import own_shard
    from bench.engines.worker import remaining
    from bench.running import How, do, first
    from bench.training import environment

    asked = study(options)
    part = asked.shard(Shard.parse(shard)) if shard else asked
    device = options["device"] or environment.default_device()
    costs = Costs(part.grid, part.store, first(device))
    shift = Shift.of_slurm(costs.seconds)
    how = How(
        options["workers"],
        options["device"],
        options["run_timeout"],
        Local(shift, own_shard()),
        lines=False,
    )
    with shift.listening():
        do(part.grid, part.store, part.data_folder, how)
        part.refresh()
        left = len(remaining(part.store, part.grid.runs))
        if not left or not shift.is_over:
            end(options, part)
        elif requeue and shift.notice != signal.SIGTERM:
            put_back(left)
        else:
            click.echo(f"{left} runs are left; the next job does them")


def put_back(left: int) -> None:
    """Ask SLURM for another turn; after a TERM it gives one of itself."""
    from bench.engines.slurm import requeue

    click.echo(f"{left} runs are left; job {requeue()} is put back into the queue")


@click.command()
@click.argument("others", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="OTHER")
@results
def merge(others: tuple[Path, ...], results: Path) -> None:
    """Merge other results folders into this one.

    A record that both have is kept once. Of a run that two machines made with different bits, the
    first published is used; the other is kept in the folder twins. Damaged records are left out;
    then the exit code is 1.
    """
    from bench.store.merge import differences
    from bench.store.merge import merge as door
    from bench.store.records import Store

    store, damaged = Store(results), []
    for other in others:
        done = door(store, Store(other))
        damaged += done.damaged
        click.echo(
            f"{other}: {len(done.taken)} records are new, {len(done.known)} were here, "
            f"{len(done.twins)} differ from those here, {len(done.damaged)} are damaged"
        )
    for difference in differences(store):
        click.echo(worded(difference))
    for reason in damaged:
        click.secho(f"left out: {reason}", fg="red")
    if damaged:
        sys.exit(1)


def worded(difference: Difference) -> str:
    """`breast mixup resnet18 seed 3: acc 91.0, and 91.7 from /lab/b: 0.4 SDs of seeds apart`."""
    record, sds = difference.record, difference.sds
    place = f"{record['cell']['dataset']} {record['cell']['backbone']} {record['label']}"
    apart = f"{abs(sds):.2g} SDs of its seeds apart" if sds is not None else "of one seed only"
    return (
        f"{place} seed {record['seed']}: {difference.metric} {100 * difference.used:.2f} is used, "
        f"{100 * difference.kept:.2f} is from {difference.origin}: {apart}"
    )
