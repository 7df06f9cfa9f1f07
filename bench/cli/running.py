"""How to do what is missing: the options, and the engine that they ask for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bench.base.errors import BenchError
from bench.cli.options import option_group

if TYPE_CHECKING:
    from bench.engines.engine import Engine

workers = click.option(
    "--workers",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="start so many; by default one a core",
)
device = click.option(
    "--device", "--devices", metavar="NAMES", help="use cpu, cuda, mps, or cuda:0,cuda:1"
)
run_timeout = click.option(
    "--run-timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="end a run that takes longer",
)
engines = option_group(
    click.option(
        "--engine",
        type=click.Choice(["local", "ray", "slurm"]),
        default="local",
        show_default=True,
        help="start workers with it",
    ),
    click.option("--ray-address", metavar="HOST:PORT", help="join that Ray cluster"),
    click.option(
        "--gpus-per-worker",
        type=click.FloatRange(min=0),
        metavar="G",
        help="give each Ray worker 0.25 of a GPU",
    ),
    click.option("--sbatch", metavar="OPTIONS", help='add "partition=gpu,time=04:00:00"'),
    click.option(
        "--workers-per-gpu",
        type=click.IntRange(1, 64),
        metavar="K",
        help="do K runs in each SLURM task",
    ),
)
"""What starts the workers."""


def early(command: Callable[..., None]) -> Callable[..., None]:
    """Start the fork server before this process imports what tells which runs are missing, where
    that is known: no run is done yet. Beside a GPU it is of no use, and idle.
    """

    @functools.wraps(command)
    def begun(**options: Any) -> None:
        from bench.engines import forkserver

        here = options.get("engine", "local") == "local" and options.get("device") in (None, "cpu")
        shows = options.get("done") or options.get("dry_run")
        new = not options["part"] and not (options["results"] / "runs").exists()
        if here and new and not shows:
            forkserver.start()
        command(**options)

    return begun


running = option_group(
    early,
    workers,
    device,
    engines,
    run_timeout,
    click.option("--retry-failed", is_flag=True, help="do failed runs again"),
    click.option("--redo-stale", is_flag=True, help="redo runs that other code made"),
    click.option("--until-decided", is_flag=True, help="stop at the look that decides"),
    click.option("--dry-run", is_flag=True, help="show the plan, run nothing"),
    click.option("--done", is_flag=True, help="show what is done, run nothing"),
)
"""How to do what is missing."""
BELONG = {
    "ray_address": "ray",
    "gpus_per_worker": "ray",
    "sbatch": "slurm",
    "workers_per_gpu": "slurm",
}
"""Options that one engine alone has."""


def engine(options: dict[str, Any]) -> Engine:
    """The engine asked for. Raises BenchError where an option belongs to another."""
    from bench.engines.local import Local
    from bench.engines.ray import Ray
    from bench.engines.slurm import Slurm, read_options

    name = options["engine"]
    for option, owner in BELONG.items():
        if options[option] is not None and owner != name:
            raise BenchError(
                f"--{option.replace('_', '-')} belongs to --engine {owner}, not {name}"
            )
    if name == "ray":
        return Ray(options["ray_address"], options["gpus_per_worker"] or 0.0)
    if name == "slurm":
        sbatch = read_options(options["sbatch"] or "")
        return Slurm(sbatch, options["workers_per_gpu"] or 1, options["device"])
    return Local()
