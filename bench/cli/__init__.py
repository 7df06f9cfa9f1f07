"""`python -m bench`: parses, calls, prints. Heavy imports stand inside the commands."""

import sys
from typing import Any

import click

from bench.base.errors import BenchError
from bench.base.version import __version__
from bench.cli import audit, data, methods, paper, reports, runs


class Bench(click.Group):
    """A group whose errors are one line and exit code 2, and whose Ctrl-C says how to go on."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BenchError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo("\nstopped; finished runs are kept: the same command goes on.", err=True)
            sys.exit(130)


@click.group(cls=Bench, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bench")
def main() -> None:
    """Compare augmentation methods on MedMNIST: one trainer, paired seeds, paired tests."""


for command in (
    runs.run,
    runs.plan,
    runs.status,
    runs.show_record,
    reports.table,
    reports.figure,
    audit.audit,
    reports.readings,
    reports.report,
    paper.paper,
    methods.methods_commands,
    methods.preview,
    data.data_commands,
):
    main.add_command(command)
