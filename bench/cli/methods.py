"""`bench methods`, `bench preview`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bench.base.errors import BenchError
from bench.cli.request import console


@click.group("methods", invoke_without_command=True)
@click.pass_context
def methods_commands(context: click.Context) -> None:
    """The methods, their parameters with defaults, and their publications."""
    from rich.text import Text

    import methods

    if context.invoked_subcommand:
        return
    out = console()
    for name in methods.names():
        method = methods.get(name)
        defaults = ", ".join(f"{k}={v}" for k, v in method.Params().model_dump().items())
        out.print(Text.assemble((name, "bold"), f"  {method.summary}"))
        for line in (defaults, method.reference):
            if line:
                out.print(f"    {line}", style="dim", highlight=False)


@methods_commands.command("check")
@click.argument("method")
def check_method(method: str) -> None:
    """Check that a method, a name or a path to a Python file, holds what every method must."""
    import methods
    from bench.training import conformance

    kind = methods.get(method)
    found = list(conformance.problems(kind))
    for problem in found:
        click.echo(problem, err=True)
    checked = f"{len(conformance.CHECKS)} checks on {len(conformance.CASES)} kinds of dataset"
    click.echo(f"{method}: {checked}, {len(found)} failed")
    if found:
        sys.exit(1)


@click.command()
@click.option("--method", required=True, metavar="NAME", help="as in --methods, one of them")
@click.option("--dataset", required=True, metavar="NAME")
@click.option("--size", type=int, default=28, metavar="PX", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--protocol", default="laptop", metavar="NAME", show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default="results",
    metavar="DIR",
    show_default=True,
)
def preview(**options: Any) -> None:
    """A picture of what a method makes: originals above, its images below."""
    from bench.grid import configs, grid
    from bench.grid.selection import Selection
    from bench.training.preview import draw

    config = configs.load(options["protocol"])
    selection = Selection(
        datasets=(options["dataset"],),
        methods=(options["method"],),
        seeds=(options["seed"],),
        source_size=options["size"],
    )
    runs = grid.expand(
        selection, config.protocol, options["data_dir"], parameters=config.parameters
    ).runs
    if not runs:
        raise BenchError(f"{options['method']} cannot serve {options['dataset']}")
    path = draw(runs[0], options["results"], options["data_dir"])
    console().print(f"wrote {path}", highlight=False, soft_wrap=True)
