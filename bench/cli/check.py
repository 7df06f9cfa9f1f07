"""`bench check`: whether the numbers are what they were."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench.base.errors import BenchError
from bench.cli.documents import rendered, replication
from bench.cli.findings import print_golden, print_reported, print_traces
from bench.cli.options import data_dir

CHECKS = ("traces", "golden", "reported")


@click.command()
@click.argument("what", type=click.Choice([*CHECKS, "external"]), required=False)
@click.option("--full", is_flag=True, help="add golden runs on Breast")
@click.option("--update", is_flag=True, help="write the expected numbers again")
@click.option("--reason", metavar="TEXT", default="", help="say why they change; kept with them")
@data_dir
def check(what: str | None, full: bool, update: bool, reason: str, data_dir: Path | None) -> None:
    """Check that numbers are what they were.

    traces: losses and gradients of all methods on a few batches. golden: a small grid, from data to
    tables. reported: the tables in README, docs and studies, made again from committed records.
    Without a name all three are checked. external prints our baseline beside what others published
    for it. Exits with 1 where anything differs, is missing or not expected.
    """
    if update != bool(reason.strip()):
        raise BenchError("--update and --reason TEXT go together: say why the numbers change")
    if full and what != "golden":
        raise BenchError("--full belongs to `check golden`: name golden")
    if what == "external":
        external()
        return
    asked = {
        "traces": lambda: traces(reason),
        "golden": lambda: golden(full, reason, data_dir),
        "reported": lambda: reported(update),
    }
    good = [asked[name]() for name in ([what] if what else CHECKS)]
    if not all(good) and not update:
        sys.exit(1)


def traces(reason: str) -> bool:
    """Check, or with a reason update; whether all is as expected."""
    from bench.checks import deviation, expected

    verdicts = deviation.update(reason) if reason else deviation.check()
    print_traces(verdicts, explain=not reason)
    return end([v.problem for v in verdicts], expected.path("traces"), reason)


def golden(full: bool, reason: str, data_dir: Path | None) -> bool:
    """Check, or with a reason update; whether all is as expected."""
    from bench.checks import expected, golden

    parts = tuple(golden.GRIDS) if full else ("phantoms",)
    findings = golden.update(parts, reason, data_dir) if reason else golden.check(parts, data_dir)
    print_golden(findings)
    return end([f.problem for f in findings], expected.path("golden"), reason)


def reported(update: bool) -> bool:
    """Check, or update, the tables in documents; whether all are what their records say."""
    from bench.base.version import ROOT
    from bench.cli.writing import print_written
    from bench.data.known import unaware
    from reports import documents

    with TemporaryDirectory() as folder, unaware():

        @functools.cache
        def render(command: str) -> str:
            return rendered(command, Path(folder))

        if update:
            print_written(documents.update(ROOT, render))
        findings = documents.check(ROOT, render)
    print_reported(findings)
    return end([f.problem for f in findings])


def external() -> None:
    """Our baseline beside published numbers, from the committed records."""
    from bench.cli.printing import print_tables

    with TemporaryDirectory() as folder:
        print_tables([replication(Path(folder))])


def end(problems: list[str], path: Path | None = None, reason: str = "") -> bool:
    """Say what came out, against which file, and whether all is well."""
    differ = sum(map(bool, problems))
    click.echo(f"{len(problems)} compared, {differ} differ")
    if path:
        click.echo(f"wrote {path.name}: {reason}" if reason else f"with {path.name}")
    return not differ
