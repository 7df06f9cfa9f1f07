"""`bench paper`: everything at once."""

from __future__ import annotations

from typing import Any

import click

from bench.base.errors import BenchError
from bench.cli.asked import study
from bench.cli.audit import write_arithmetic_of_paper, write_claims
from bench.cli.doing import do, end
from bench.cli.options import selecting
from bench.cli.printing import print_figures, print_tables
from bench.cli.reports import folder_of
from bench.cli.running import running
from bench.cli.writing import print_written


@click.command()
@selecting
@running
def paper(**options: Any) -> None:
    """Make all tables and figures, and the report."""
    from reports import report
    from reports.figures.catalogue import FIGURES
    from reports.page.report import Content
    from reports.results.view import View
    from reports.tables.catalogue import TABLES

    asked, view = study(options), View()
    content = Content(asked)
    of_figures = {name: entry.studies(asked, view) for name, entry in FIGURES.items()}
    of_tables = [content.studies[n] for n, entry in TABLES.items() if entry.select]
    everything = [*of_tables, *(one for studies in of_figures.values() for one in studies)]
    if not do(everything, options):
        return
    for number, entry in TABLES.items():
        outputs = entry.outputs(content.studies[number], view)
        print_tables(outputs, folder_of(asked, "tables"))
    for name, figure in FIGURES.items():
        try:
            figure.extract(of_figures[name], view.split, options["device"])
            drawn = figure.figures(of_figures[name], view)
        except BenchError as reason:
            click.echo(f"figure {name}: {reason}", err=True)
            continue
        print_figures(drawn, folder_of(asked, "figures"))
    write_arithmetic_of_paper(asked.store.root)
    write_claims(content)
    print_written([report(asked)])
    end(options, *everything)
