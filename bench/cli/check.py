"""`bench check`: whether the numbers are what they were."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.base.errors import BenchError
from bench.cli.options import data_dir

if TYPE_CHECKING:
    from bench.checks.deviation import Verdict
    from bench.checks.golden import Finding


@click.command()
@click.argument("what", type=click.Choice(["traces", "golden"]))
@click.option("--full", is_flag=True, help="golden: on Breast too")
@click.option("--update", is_flag=True, help="write what is expected anew")
@click.option("--reason", metavar="TEXT", default="", help="why it changes; kept with it")
@data_dir
def check(what: str, full: bool, update: bool, reason: str, data_dir: Path | None) -> None:
    """Check that numbers are what they were.

    traces: losses and gradients of all methods on a few batches. golden: a small grid, through the
    whole road. Exits with 1 where anything differs, is missing or not expected.
    """
    if update != bool(reason.strip()):
        raise BenchError("--update and --reason TEXT go together: say why the numbers change")
    if full and what == "traces":
        raise BenchError("--full is of golden: traces need no data")
    good = traces(reason) if what == "traces" else golden(full, reason, data_dir)
    if not good and not update:
        sys.exit(1)


def traces(reason: str) -> bool:
    """Check, or with a reason update; whether all is as expected."""
    from bench.checks import deviation, expected

    verdicts = deviation.update(reason) if reason else deviation.check()
    print_traces(verdicts, explain=not reason)
    return end(expected.path("traces"), [v.problem for v in verdicts], reason)


def golden(full: bool, reason: str, data_dir: Path | None) -> bool:
    """Check, or with a reason update; whether all is as expected."""
    from bench.checks import expected, golden

    parts = tuple(golden.GRIDS) if full else ("phantoms",)
    findings = golden.update(parts, reason, data_dir) if reason else golden.check(parts, data_dir)
    print_golden(findings)
    return end(expected.path("golden"), [f.problem for f in findings], reason)


def print_traces(verdicts: list[Verdict], explain: bool) -> None:
    """A row a method and phantom: mean losses, and for both parts the deviation and its limit.

    Below it what is wrong, a line each, if it is to be explained.
    """
    from rich.table import Table

    from bench.engines.progress import console

    view = Table(box=None, pad_edge=False)
    for name in ("method", "phantom"):
        view.add_column(name)
    numbers = ("expected", "found", "equal weights", "allowed", "three steps", "allowed")
    for name in numbers:
        view.add_column(name, justify="right")
    view.add_column("verdict")
    for v in verdicts:
        losses = (shown(loss, ".6g") for loss in v.losses)
        parts = (shown(d.get(p), ".1e") for p in ("batches", "steps") for d in (v.worst, v.allowed))
        phantom = v.phantom.removeprefix("phantom-")
        view.add_row(v.method, phantom, *losses, *parts, word(v))
    out = console()
    out.print(view)
    for v in verdicts:
        if v.problem and explain:
            out.print(f"{v.method} on {v.phantom}: {v.problem}", style="red", highlight=False)


def word(verdict: Verdict) -> str:
    """The verdict in a word."""
    old, new = verdict.losses
    if old is None or new is None:
        return "extra" if old is None else "missing"
    return "differs" if verdict.problem else "same"


def print_golden(findings: list[Finding]) -> None:
    """A row a cell and metric: means over seeds, how far they may be apart, the verdict."""
    from rich.table import Table

    from bench.engines.progress import console

    view = Table(box=None, pad_edge=False)
    for name in ("dataset", "method", "metric"):
        view.add_column(name)
    for name in ("expected", "found", "allowed"):
        view.add_column(name, justify="right")
    view.add_column("verdict")
    for f in findings:
        means = (shown(mean, ".4f") for mean in (f.old, f.new))
        allowed = f"±{f.allowed:.4f}" if f.allowed else "every bit"
        view.add_row(f.dataset, f.method, f.metric, *means, allowed, f.problem or "same")
    console().print(view)


def shown(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def end(path: Path, problems: list[str], reason: str) -> bool:
    """Say what came out, and whether all is well."""
    differ = sum(map(bool, problems))
    click.echo(f"{len(problems)} compared, {differ} differ")
    click.echo(f"wrote {path.name}: {reason}" if reason else f"with {path.name}")
    return not differ
