"""`bench audit`: what arithmetic says of printed tables, and the records of the paper's claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bench.base.errors import BenchError
from bench.cli.asked import study
from bench.cli.blocks import Block, print_blocks
from bench.cli.options import option_group, selecting
from bench.cli.writing import print_written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.arithmetic import Finding, Known
    from reports.page.report import Content
    from reports.results.tidy import Rows


about_tables = option_group(
    click.option(
        "--runs", type=click.IntRange(2, 10_000), metavar="N", help="say how many runs a mean is of"
    ),
    click.option("--images", metavar="NAME=N", help="give a column's test images: breast=156"),
    click.option("--decimal", type=click.Choice([",", "."]), help="read it as the decimal point"),
    click.option("--mean-column", metavar="NAME", help="name the column of means"),
)
"""What FILES do not say."""
OF_TABLES = ("runs", "images", "decimal", "mean_column")


def known(options: dict[str, Any]) -> Known:
    """What the options of `about_tables` say."""
    from bench.grid import notation
    from reports.arithmetic import Known

    images = notation.counts(options["images"] or "")
    return Known(options["runs"], images, options["decimal"], options["mean_column"])


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@about_tables
@click.option(
    "--paper",
    default="ails",
    show_default=True,
    metavar="NAME",
    help="judge the claims of it: a name or a YAML file",
)
@selecting
def audit(files: tuple[Path, ...], paper: str, **options: Any) -> None:
    """Check printed tables and a paper's claims.

    FILES hold tables as CSV, Markdown or LaTeX, with a row for each method; how they were read is
    printed first. Without FILES the tables of the AILS paper and the claims of --paper are checked.
    """
    from reports import arithmetic
    from reports.claims.paper import load
    from reports.page.report import Content

    _refuse_ignored(files)
    if files:
        name = "-".join(file.stem for file in files)
        path = options["results"] / "audit" / f"{name}.csv"
        write_arithmetic(arithmetic.audit_tables(files, known(options)), path)
        return
    content = Content(study(options))
    _ = load(paper), content.measured  # refused before anything is printed, if at all
    write_arithmetic_of_paper(options["results"])
    write_claims(content, paper)


def _refuse_ignored(files: tuple[Path, ...]) -> None:
    """Raises BenchError for an option that says nothing of FILES, or of no files."""
    context = click.get_current_context()
    for option in context.command.params:
        name = str(option.name)
        written = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if written and not files and name in OF_TABLES:
            raise BenchError(f"{option.opts[0]} is of printed tables; name their FILES")
        if written and files and name not in {"files", "results", *OF_TABLES}:
            raise BenchError(f"{option.opts[0]} is of a paper's claims; FILES are audited alone")


def write_arithmetic_of_paper(results: Path) -> None:
    from reports import arithmetic

    write_arithmetic(arithmetic.audit_paper(), results / "audit" / "arithmetic.csv")


def write_arithmetic(findings: Sequence[Finding], path: Path) -> None:
    """What was found in printed tables; checks that passed are named in one line."""
    from bench.engines.progress import console
    from reports import arithmetic

    out = console()
    passed = [f for f in findings if f.severity == "consistent"]
    blocks = [
        Block(f.severity, f"{f.check} · {f.table} · {f.where}", f.statement)
        for f in arithmetic.ordered(findings)
        if f.severity != "consistent"
    ]
    tables: dict[str, list[str]] = {}
    for finding in passed:
        tables.setdefault(finding.check, []).append(finding.table)
    checks = "; ".join(f"{check} ({', '.join(dict.fromkeys(t))})" for check, t in tables.items())
    notes = [f"Passed: {checks}.", arithmetic.LEGEND] if passed else [arithmetic.LEGEND]
    print_blocks(out, "Arithmetic", arithmetic.SEVERITIES, blocks, notes)
    write_rows(path, arithmetic.as_rows(findings))


def write_claims(content: Content, name: str = "ails") -> None:
    """What the records say of a paper's claims."""
    from typing import get_args

    from bench.base.files import write_text
    from bench.engines.progress import console
    from reports.claims import judge as claims
    from reports.claims.findings import Outcome
    from reports.claims.paper import load
    from reports.claims.table import build
    from reports.tables.table import to_markdown

    out, paper, study = console(), load(name), content.study
    verdicts = content.judged(paper)
    blocks = [
        Block(v.verdict, f"“{v.claim.text}” ({v.claim.where})", v.reason, v.command(study, paper))
        for v in verdicts
    ]
    out.print()
    print_blocks(out, f"Claims of {paper.title}", get_args(Outcome), blocks, claims.RULES)
    folder = content.study.store.root / "audit" / content.main.config.slug
    write_rows(folder / "claims.csv", claims.to_rows(verdicts))
    write_rows(folder / "claims-tests.csv", claims.to_tests(verdicts))
    print_written([write_text(folder / "claims.md", to_markdown(build(paper, verdicts)))])


def write_rows(path: Path, rows: Rows) -> None:
    from bench.base.files import write_text
    from reports.results.tidy import to_tidy_csv

    print_written([write_text(path, to_tidy_csv(rows))])
