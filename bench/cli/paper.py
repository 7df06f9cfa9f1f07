"""`bench paper`: everything at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from bench.base.errors import BenchError
from bench.cli.audit import write_arithmetic_of_paper, write_claims
from bench.cli.reports import everything, extract_features, write_pictures, write_report
from bench.cli.request import console, requests, running, selecting
from bench.cli.runs import do_missing, end, print_tables, show_plan


@click.command()
@selecting
@running
def paper(**options: Any) -> None:
    """Do what is missing for all tables and figures, and write them, the audit and the report."""
    from bench.grid.grid import merge
    from reports.gallery import figure5
    from reports.page.report import FIGURES, TABLES
    from reports.results.study import View

    selects = [*(module.select for module in TABLES.values()), figure5.select]
    *of_tables, of_features = requests(options, selects)
    asked = replace(of_features, grid=merge(one.grid for one in (*of_tables, of_features)))
    if options["dry_run"]:
        show_plan(asked, options)
        return
    do_missing(asked, options)
    extract_features(of_features, options | {"split": "test"})
    content = everything(options)
    out = console()
    folder = asked.store.root / "tables" / asked.config.slug
    for number, of_table in content.studies.items():
        print_tables(TABLES[number].outputs(of_table, View()), folder)
    print_tables([content.datasets], folder)
    for name, (module, numbers) in FIGURES.items():
        try:
            pictures = module.pictures([content.studies[n] for n in numbers], View())
        except BenchError as reason:
            out.print(f"figure {name}: {reason}", style="yellow", highlight=False)
            continue
        write_pictures(asked, pictures)
    write_arithmetic_of_paper(content.store.root)
    write_claims(content)
    write_report(content, options)
    end(asked)
