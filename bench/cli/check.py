"""`bench check`: whether the numbers are what they were."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from bench.base.errors import BenchError
from bench.cli.findings import print_golden, print_reported, print_traces
from bench.cli.options import data_dir

if TYPE_CHECKING:
    from reports.tables.output import Output
    from reports.tables.table import Notes, Table

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

        def render(command: str) -> str:
            return rendered(command, Path(folder, quote(command, safe="")))

        if update:
            print_written(documents.update(ROOT, render))
        findings = documents.check(ROOT, render)
    print_reported(findings)
    return end([f.problem for f in findings])


def rendered(command: str, results: Path) -> str:
    """What a command in a document writes as Markdown, from the committed records it names."""
    import shlex

    from bench.cli.audit import audit
    from bench.cli.readings import readings
    from bench.cli.reports import table
    from bench.cli.tune import tune
    from reports.tables.table import to_markdown

    makers = {table: tables, audit: claims, readings: readings_of, tune: comparison}
    name, *words = shlex.split(command)
    if (name, *words) == ("check", "external"):
        return to_markdown(replication(results).table)
    for asked, make in makers.items():
        if asked.name == name:
            options = asked.make_context(name, [*words, "--results", str(results)]).params
            notes: Notes = options.get("notes") or "full"
            return "\n".join(to_markdown(made, notes) for made in make(options))
    names = ", ".join(f"`{asked.name}`" for asked in makers)
    raise BenchError(f"{command!r}: only {names} and `check external` can stand in a document")


def tables(options: dict[str, Any]) -> list[Table]:
    """What `bench table` prints."""
    from bench.cli.asked import study, view
    from reports.tables.catalogue import entry

    made, shown = entry(options["number"]), view(options)
    return [output.table for output in made.outputs(made.study(study(options), shown), shown)]


def claims(options: dict[str, Any]) -> list[Table]:
    """What `bench audit` writes of a paper's claims."""
    from bench.cli.asked import study
    from reports.claims.paper import load
    from reports.page.report import Content
    from reports.tables.claims import build

    paper = load(options["paper"])
    return [build(paper, Content(study(options)).judged(paper))]


def readings_of(options: dict[str, Any]) -> list[Table]:
    """What `bench readings` prints."""
    from bench.cli.asked import study
    from reports.tables.readings import Readings, output

    asked = Readings(*(options[name] for name in ("method", "sample", "metric", "reference")))
    return [output(asked.study(study(options)), asked).table]


def comparison(options: dict[str, Any]) -> list[Table]:
    """What `bench tune` prints when it has searched."""
    from bench.cli.asked import study
    from reports.results.view import View
    from reports.tables.tuned import outputs

    return [output.table for output in outputs(study(options), View())]


def external() -> None:
    """Our baseline beside published numbers, from the committed records."""
    from bench.cli.printing import print_tables

    with TemporaryDirectory() as folder:
        print_tables([replication(Path(folder))])


def replication(results: Path) -> Output:
    from bench.committed import part
    from reports.tables.replication import output

    names = ("fp32", "bf16")
    studies = {name: part(f"studies/medmnist/{name}").study(results=results) for name in names}
    return output(studies)


def end(problems: list[str], path: Path | None = None, reason: str = "") -> bool:
    """Say what came out, against which file, and whether all is well."""
    differ = sum(map(bool, problems))
    click.echo(f"{len(problems)} compared, {differ} differ")
    if path:
        click.echo(f"wrote {path.name}: {reason}" if reason else f"with {path.name}")
    return not differ
