"""`bench audit`: what arithmetic says of printed tables, and the records of the paper's claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.blocks import Block, print_blocks
from bench.cli.options import selecting, study
from bench.cli.writing import print_written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.arithmetic import Finding
    from reports.page.report import Content
    from reports.results.tidy import Rows


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--runs", type=click.IntRange(2, 10_000), default=10, show_default=True, help="a cell of FILES"
)
@selecting
def audit(files: tuple[Path, ...], runs: int, **options: Any) -> None:
    """Check printed tables and a paper's claims.

    FILES are tables as CSV, a row a method, cells in percent as mean±SD; without any the paper's
    are examined, and its claims.
    """
    from reports import arithmetic
    from reports.page.report import Content

    if files:
        name = "-".join(file.stem for file in files)
        path = options["results"] / "audit" / f"{name}.csv"
        write_arithmetic(arithmetic.audit_tables(files, runs), path)
        return
    content = Content(study(options))
    _ = content.measured  # refused before anything is printed, if at all
    write_arithmetic_of_paper(options["results"])
    write_claims(content)


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


def write_claims(content: Content) -> None:
    """What the records say of the paper's claims."""
    from typing import get_args

    from bench.engines.progress import console
    from reports.claims import judge as claims
    from reports.claims.findings import Outcome
    from reports.results.results import PHANTOM

    out = console()
    verdicts = claims.judge(content.measured)
    blocks = [
        Block(v.verdict, f"“{v.claim.text}” ({v.claim.where})", v.reason, v.command)
        for v in verdicts
    ]
    phantom = [PHANTOM] if any(v.phantom for v in verdicts) else []
    out.print()
    print_blocks(
        out, "Claims of the AILS paper", get_args(Outcome), blocks, [*phantom, *claims.RULES]
    )
    folder = content.study.store.root / "audit" / content.main.config.slug
    write_rows(folder / "claims.csv", claims.to_rows(verdicts))
    write_rows(folder / "claims-tests.csv", claims.to_tests(verdicts))


def write_rows(path: Path, rows: Rows) -> None:
    from bench.base.files import write_text
    from reports.results.tidy import to_tidy_csv

    print_written([write_text(path, to_tidy_csv(rows))])
