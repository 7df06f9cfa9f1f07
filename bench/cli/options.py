"""The options that commands share, and what they mean for the doors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.base.errors import BenchError
from bench.cli import complete

if TYPE_CHECKING:
    pass

Command = Callable[..., None]


def single(context: click.Context, option: click.Parameter, value: str) -> str:
    """A callback of options that take one name, though others take a list."""
    from bench.grid.notation import split_list

    found = split_list(value)
    if len(found) != 1:
        raise BenchError(f"{option.opts[0]} {value!r}: expected one name")
    return found[0]


def option_group(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """A decorator that adds the options in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="read npz files from this folder",
)
results = click.option(
    "--results",
    type=click.Path(path_type=Path),
    default="results",
    metavar="DIR",
    show_default=True,
    help="keep records in this folder",
)
protocol = click.option(
    "--protocol",
    metavar="NAME",
    show_default="laptop",
    shell_complete=complete.protocols,
    help="train by a protocol: a name or a YAML file",
)
selecting = option_group(
    click.option(
        "--study", "part", metavar="DIR", help="take a committed study: studies/NAME/PART"
    ),
    click.option(
        "--datasets",
        metavar="NAMES",
        shell_complete=complete.datasets,
        help="use breast,retina or an npz, folder, CSV",
    ),
    click.option(
        "--methods",
        metavar="NAMES",
        shell_complete=complete.methods,
        help='compare ails,bsda or "ails[alpha=0.5]"',
    ),
    click.option("--backbones", metavar="NAMES", help="train any of timm; a+b combines two"),
    click.option("--ratio", metavar="R", help="train on fractions of the split: 0.2,1"),
    click.option("--seeds", metavar="S", help="run 10 (a count), 0-9 or 3,5,7"),
    click.option("--looks", metavar="N", help="look at 10,20,30 seeds, not only once"),
    click.option(
        "--margin", type=float, metavar="D", help="call differences below 0.01 equivalent"
    ),
    click.option("--size", type=int, metavar="PX", help="read source images of this size"),
    click.option(
        "--input-size", type=int, metavar="PX", help="scale images to this size for the backbone"
    ),
    protocol,
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="change a key of the protocol: lr=1e-3",
    ),
    click.option("--weights", metavar="FILE", help="start from pretrained weights"),
    click.option(
        "--params",
        type=click.Choice(["default", "tuned"]),
        show_default="default",
        help="use defaults, or what `tune` found",
    ),
    data_dir,
    results,
)
"""Which runs, and where they live."""
metric = click.option(
    "--metric",
    default="acc",
    metavar="NAME",
    show_default=True,
    shell_complete=complete.metrics,
    help="compare by this metric",
)
reference = click.option(
    "--reference", metavar="METHOD", help="compare with this method (ails, else first)"
)
viewing = option_group(
    metric,
    reference,
    click.option(
        "--combine",
        type=click.Choice(["mean", "ensemble"]),
        default="mean",
        show_default=True,
        help="average a+b, or their predicted scores",
    ),
    click.option("--published", is_flag=True, help="add the paper's numbers, in their own rows"),
)
"""What to show of the runs."""
split = click.option(
    "--split",
    type=click.Choice(["val", "test"]),
    default="test",
    show_default=True,
    help="show this split's metrics; choose by val",
)
