"""`python -m bench`: parses, calls a door, prints. Heavy imports stand inside the commands."""

import sys
import warnings
from typing import Any

import click

from bench.base.errors import BenchError, Note
from bench.base.version import __version__
from bench.cli import audit, care, check, data, methods, paper, records, reports, runs, tune


class Bench(click.Group):
    """A group whose errors are one line and exit code 2, and whose Ctrl-C says how to go on."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", Note)
                _print_notes()
                return super().invoke(ctx)
        except BenchError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo(
                "\nstopped; finished runs are kept. Re-running the same command resumes it.",
                err=True,
            )
            sys.exit(130)


def _print_notes() -> None:
    """Notes are printed in one line each, once; other warnings as ever."""
    usual, told = warnings.showwarning, set[str]()

    def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
        if not issubclass(category, Note):
            usual(message, category, *rest, **more)
        elif str(message) not in told:
            told.add(str(message))
            click.secho(f"note: {message}", fg="yellow", err=True)

    warnings.showwarning = show


@click.group(cls=Bench, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bench")
def main() -> None:
    """Compare augmentation methods on MedMNIST: one trainer, paired seeds, paired tests."""


for command in (
    runs.run,
    runs.plan,
    runs.status,
    runs.export,
    runs.compare,
    records.show,
    records.verify,
    records.pack,
    reports.table,
    reports.figure,
    tune.tune,
    audit.audit,
    check.check,
    reports.readings,
    reports.report,
    paper.paper,
    methods.methods_commands,
    methods.preview,
    data.data_commands,
    care.doctor,
    care.clean,
):
    main.add_command(command)
