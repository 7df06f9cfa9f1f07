"""`bench methods`, `bench preview`."""

from __future__ import annotations

import sys
from typing import Any

import click

from bench.cli import complete
from bench.cli.accepting import accepted, schemas_of, written
from bench.cli.locating import size
from bench.cli.options import data_dir, protocol, results, single
from bench.cli.writing import print_written


class OneOrCommand(click.Group):
    """A group whose unknown subcommand is the name of a method: `bench methods mixup`."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


@click.group("methods", cls=OneOrCommand, invoke_without_command=True)
@click.pass_context
def methods_commands(context: click.Context) -> None:
    """List methods, or show one: `methods mixup`."""
    from rich.table import Table

    import methods
    from bench.engines.progress import console

    if context.invoked_subcommand:
        return
    view = Table(box=None, pad_edge=False, show_header=False)
    for name in methods.names():
        view.add_row(name, methods.get(name).summary)
    console().print(view, highlight=False)


@methods_commands.command("show")
@click.argument("name", shell_complete=complete.methods)
def show_method(name: str) -> None:
    """Show a method's parameters and formula."""
    import inspect

    from rich.table import Table
    from rich.text import Text

    from bench.engines.progress import console
    from bench.grid import choice

    method, out = choice.usable(name).value, console()
    out.print(Text.assemble((name, "bold"), f"  {method.summary}"))
    out.print(f"\n{inspect.getdoc(method)}\n", highlight=False)
    view = Table(box=None, pad_edge=False)
    for column in ("parameter", "default", "accepted"):
        view.add_column(column)
    schemas = schemas_of(method.Params)
    for key, value in method.Params().model_dump().items():
        view.add_row(key, written(value), accepted(schemas.get(key, {})))
    if view.row_count:
        out.print(view)
    out.print(f"\n{inspect.getdoc(method.Params)}", highlight=False)
    zero = ", ".join(f"{key}={written(value)}" for key, value in method.zero.items())
    out.print(f"\nequals none with: {zero or 'any parameters'}; version {method.version}")
    out.print(method.reference, style="dim", highlight=False)


@methods_commands.command("check")
@click.argument("method", shell_complete=complete.methods)
@click.option("--backbone", metavar="NAME", help="check with this network")
def check_method(method: str, backbone: str | None) -> None:
    """Check what every method must hold.

    METHOD is a name, or a path to a Python file.
    """
    from bench.grid import choice
    from bench.training import conformance

    cases = conformance.cases(backbone or conformance.BACKBONE)
    found = conformance.problems(choice.usable(method).value, cases)
    for problem in found:
        click.echo(str(problem), err=True)
    checked = f"{len(conformance.CHECKS)} checks on {len(cases)} kinds of dataset"
    click.echo(f"{method}: {checked}, {len(found)} problems")
    if found:
        sys.exit(1)


@click.command()
@click.option(
    "--method",
    required=True,
    metavar="NAME",
    callback=single,
    shell_complete=complete.methods,
    help="draw one method, as in --methods",
)
@click.option(
    "--dataset",
    required=True,
    metavar="NAME",
    callback=single,
    shell_complete=complete.datasets,
    help="draw on one dataset, as in --datasets",
)
@size
@click.option("--seed", type=int, default=0, show_default=True, help="seed the method")
@protocol
@data_dir
@results
def preview(**options: Any) -> None:
    """Draw what a method makes of training images.

    Originals above, the method's images below.
    """
    from bench.study import Study

    study = Study(
        datasets=[options["dataset"]],
        methods=[options["method"]],
        seeds=[options["seed"]],
        size=options["size"],
        protocol=options["protocol"] or "laptop",
        data_dir=options["data_dir"],
        results=options["results"],
    )
    print_written([study.preview()])
