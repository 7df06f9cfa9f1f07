"""What a command in a document writes: tables, and verdicts on claims."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bench.base.errors import BenchError
from bench.cli.asked import study, view
from bench.cli.audit import audit
from bench.cli.readings import readings
from bench.cli.reports import table
from bench.cli.tune import tune

if TYPE_CHECKING:
    from pathlib import Path

    from reports.tables.output import Output
    from reports.tables.table import Notes, Table


def rendered(command: str, results: Path) -> str:
    """What a command in a document writes as Markdown, from the committed records it names.

    Commands of one part share what is unpacked of it into a folder of `results`; no other does.
    """
    from reports.tables.table import to_markdown

    makers = {table: tables, audit: claims, readings: readings_of, tune: comparison}
    name, *words = shlex.split(command)
    if (name, *words) == ("check", "external"):
        return to_markdown(replication(results).table)
    for asked, make in makers.items():
        if asked.name == name:
            options = asked.make_context(name, words).params
            options["results"] = results / quote(options["part"] or "", safe="")
            notes: Notes = options.get("notes") or "full"
            return "\n".join(to_markdown(made, notes) for made in make(options))
    names = ", ".join(f"`{asked.name}`" for asked in makers)
    raise BenchError(f"{command!r}: only {names} and `check external` can stand in a document")


def tables(options: dict[str, Any]) -> list[Table]:
    """What `bench table` prints."""
    from reports.tables.catalogue import entry

    made, shown = entry(options["number"]), view(options)
    return [output.table for output in made.outputs(made.study(study(options), shown), shown)]


def claims(options: dict[str, Any]) -> list[Table]:
    """What `bench audit` writes of a paper's claims."""
    from reports.claims.paper import load
    from reports.claims.table import build
    from reports.page.report import Content

    paper = load(options["paper"])
    return [build(paper, Content(study(options)).judged(paper))]


def readings_of(options: dict[str, Any]) -> list[Table]:
    """What `bench readings` prints."""
    from reports.tables.readings import Readings, output

    asked = Readings(*(options[name] for name in ("method", "sample", "metric", "reference")))
    return [output(asked.study(study(options)), asked).table]


def comparison(options: dict[str, Any]) -> list[Table]:
    """What `bench tune` prints when it has searched."""
    from reports.results.view import View
    from reports.tables.tuned import outputs

    return [output.table for output in outputs(study(options), View())]


def replication(results: Path) -> Output:
    from bench.committed import part
    from reports.tables.replication import output

    names = ("fp32", "bf16")
    studies = {name: part(f"studies/medmnist/{name}").study(results=results) for name in names}
    return output(studies)
