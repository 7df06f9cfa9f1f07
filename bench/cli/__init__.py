"""`python -m bench`: parses, calls a door, prints. Heavy imports stand inside the commands."""

import sys
import warnings
from typing import Any

import click

from bench.base.errors import BenchError, Note
from bench.base.signals import ending_as_ctrl_c
from bench.base.version import __version__
from bench.base.words import short, visible
from bench.cli import (
    audit,
    care,
    check,
    data,
    methods,
    paper,
    plan,
    readings,
    records,
    reports,
    runs,
    status,
    tune,
    work,
)
from bench.cli.examples import add_examples
from bench.cli.typed import refuse_doubles_and_empty

EXIT_CODES = """\b
Exit codes:
  0    all that was asked for is done
  1    some runs failed, or a check found something
  2    the command is wrong, or a file is
  130  stopped by Ctrl-C or SIGTERM; re-running the command resumes it
"""


LONGEST = 1000
"""Characters of an error or a note."""


class Bench(click.Group):
    """A group whose errors are one line and exit code 2, and whose Ctrl-C says how to go on."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """An option without a value, or with two of which one was meant, is an error."""
        name, command, rest = super().resolve_command(ctx, args)
        if command and not ctx.resilient_parsing:
            refuse_doubles_and_empty(command, click.Context(command, ctx, name), rest)
        return name, command, rest

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with ending_as_ctrl_c(), warnings.catch_warnings():
                warnings.simplefilter("always", Note)
                _print_notes()
                return super().invoke(ctx)
        except BenchError as error:
            _end(str(error))
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            _end(f"{place}{error.strerror or error}; see that it can be read and written")
        except MemoryError:
            _end("there is not enough memory; make --size, batch_size or --workers smaller")
        except KeyboardInterrupt:
            click.echo(
                "\nstopped; finished runs are kept. Re-running the same command resumes it.",
                err=True,
            )
            sys.exit(130)


def _end(problem: str) -> None:
    click.echo(f"error: {visible(short(problem, LONGEST))}", err=True)
    sys.exit(2)


def _print_notes() -> None:
    """Notes are printed in one line each, once; other warnings as ever."""
    usual, told = warnings.showwarning, set[str]()

    def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
        if not issubclass(category, Note):
            usual(message, category, *rest, **more)
        elif str(message) not in told:
            told.add(str(message))
            said = visible(short(str(message), LONGEST))
            click.secho(f"note: {said}", fg="yellow", err=True)

    warnings.showwarning = show


@click.group(cls=Bench, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bench")
def main() -> None:
    """Compare augmentation methods on MedMNIST: one trainer, paired seeds, paired tests."""


for command in (
    runs.run,
    plan.plan,
    status.status,
    runs.export,
    runs.compare,
    work.work,
    work.merge,
    records.show,
    records.verify,
    records.pack,
    reports.table,
    reports.figure,
    tune.tune,
    audit.audit,
    check.check,
    readings.readings,
    reports.report,
    paper.paper,
    methods.methods_commands,
    methods.preview,
    data.data_commands,
    care.doctor,
    care.clean,
):
    main.add_command(command)
add_examples(main)
