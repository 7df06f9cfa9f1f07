"""What commands do that run what is missing: before they show anything, and at their end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from bench.base.words import visible
from bench.cli.plan import print_plan
from bench.cli.running import engine as asked_engine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.engines.engine import Engine
    from bench.grid.cell import Run
    from bench.study import Study


def do(studies: list[Study], options: dict[str, Any]) -> bool:
    """Do what is missing, unless what is done is all that was asked for. Whether there is something
    to show: not where it is handed to SLURM, or where the plan was asked for.
    """
    from bench.looks import until_decided
    from bench.study import run

    engine = asked_engine(options)
    if options.get("done"):
        return True
    if options["dry_run"]:
        show(studies, engine, options)
        return False
    if options["redo_stale"]:
        for one in studies:
            one.redo_stale()
    names = ("workers", "device", "retry_failed", "run_timeout")
    how = {name: options[name] for name in names} | {"engine": engine}
    if not options["until_decided"]:
        run(studies, **how)
        return engine.waits
    for one in studies:
        if options["retry_failed"]:
            one.forget_failures()
        until_decided(one, lambda part: run([part], **how), *compared(options))
    return True


def show(studies: list[Study], engine: Engine, options: dict[str, Any]) -> None:
    """The plan of each study, or what would be submitted to SLURM."""
    from bench.engines.slurm import Slurm
    from bench.running import How
    from bench.study import submitted

    if isinstance(engine, Slurm):
        how = How(options["workers"], options["device"], options["run_timeout"], engine)
        click.echo("\n".join(submitted(studies, how)))
        return
    for one in studies:
        print_plan(one, options["device"], options["workers"])


def compared(options: dict[str, Any]) -> tuple[str, str | None]:
    """The metric and the reference by which comparisons are decided."""
    return options.get("metric", "acc"), options.get("reference")


def end(options: dict[str, Any], *studies: Study) -> None:
    """Name the runs that failed, and count those that are asked for and not there; where there are
    some, exit with code 1.
    """
    from bench.engines.progress import console
    from bench.study import failed

    out = console()
    found = {run: failure for study in studies for run, failure in failed(study)}
    for run, failure in found.items():
        reason = visible(str(failure["reason"]))
        out.print(f"failed: {run}: {reason}", style="red", highlight=False)
    if options.get("done"):
        return
    missing = {run for study in studies for run in lacking(study, options)} - found.keys()
    if missing:
        asked = len({run for study in studies for run in study.grid.runs})
        out.print(
            f"{len(missing)} of {asked} runs are missing; `bench status` shows them", style="red"
        )
    if missing or found:
        sys.exit(1)


def lacking(study: Study, options: dict[str, Any]) -> Iterable[Run]:
    """The runs without a record; of a study that stops at a look, those that are still needed."""
    from bench.looks import needed

    if options.get("until_decided"):
        return needed(study, *compared(options))
    return set(study.grid.runs) - study.measured.records.keys()
