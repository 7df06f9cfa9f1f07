"""`bench work`: the body of any scheduler's job. `bench merge`: what several of them made."""

from __future__ import annotations

import signal
from typing import Any

import click

from bench.cli.asked import study
from bench.cli.doing import end
from bench.cli.options import selecting
from bench.cli.running import device, run_timeout, workers


@click.command()
@selecting
@workers
@device
@run_timeout
@click.option("--shard", metavar="I/N", help="do the i-th of n parts only")
@click.option("--requeue", is_flag=True, help="put the SLURM job back if time ends")
def work(shard: str | None, requeue: bool, **options: Any) -> None:
    """Do what is missing, as a scheduler's job.

    Shows no tables. Told to leave by USR1 or TERM, it saves what it has at hand, gives it back and
    exits with 0. It begins no run that would end after the SLURM job.
    """
    from bench.engines.local import Local
    from bench.engines.shard import Shard
    from bench.engines.shift import Shift
    from bench.engines.slurm import own_shard
    from bench.engines.worker import remaining
    from bench.study import run
    from bench.training.estimate import from_records

    asked = study(options)
    part = asked.shard(Shard.parse(shard)) if shard else asked
    shift = Shift.of_slurm(from_records(part.grid, part.store))
    how = {name: options[name] for name in ("workers", "device", "run_timeout")}
    with shift.listening():
        run([part], **how, engine=Local(shift, own_shard()))
        left = len(remaining(part.store, part.grid.runs))
        if not left or not shift.is_over:
            end(options, part)
        elif requeue and shift.notice != signal.SIGTERM:
            put_back(left)
        else:
            click.echo(f"{left} runs are left to whoever comes next")


def put_back(left: int) -> None:
    """Ask SLURM for another turn; after a TERM it gives one of itself."""
    from bench.engines.slurm import requeue

    click.echo(f"{left} runs are left; job {requeue()} is put back into the queue")
