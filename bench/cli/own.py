"""`bench data import`: a dataset of one's own images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.base.words import visible


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--name", required=True, type=click.Path(path_type=Path), help="write NAME.npz")
@click.option(
    "--size",
    "sizes",
    default="28",
    metavar="PX",
    show_default=True,
    help="write these sizes: 28,64,224",
)
@click.option("--image-column", metavar="NAME", help="read file names from this CSV column")
@click.option(
    "--label-column",
    multiple=True,
    metavar="NAMES",
    help="read the class from it, or 0 and 1 of several",
)
@click.option("--group-column", metavar="NAME", help="keep each patient of it in one split")
@click.option(
    "--where", multiple=True, metavar="TEXT", help="""keep rows of a CSV: "view == 'PA'" """
)
@click.option("--exclude", multiple=True, metavar="GLOB", help='leave files out: "*_mask*"')
@click.option(
    "--split",
    default="0.7,0.1,0.2",
    show_default=True,
    help="share images among train, val and test",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="draw the split by this seed",
)
@click.option(
    "--fit",
    type=click.Choice(["crop", "pad", "stretch"]),
    default="crop",
    show_default=True,
    help="make images square by it",
)
@click.option("--window", metavar="LOW,HIGH", help="map 16 bits: p0.5,p99.5 or min,max or a,b")
@click.option("--window-per-image", is_flag=True, help="take the window of each image")
def data_import(source: Path, name: Path, **options: Any) -> None:
    """Make a dataset of a folder or a CSV.

    SOURCE is a folder of class folders, one with train, val and test of them, or a CSV. Images of
    one PatientID of DICOM stay in one split.
    """
    from rich.console import Console

    from bench.data.folder import import_images

    asked = recipe(options)
    with Console().status("") as status:
        made = import_images(
            source, name, asked, lambda read, of: status.update(f"{read:,}/{of:,} images read")
        )
    for line in made.lines():
        click.echo(visible(line))


def recipe(options: dict[str, Any]) -> Any:
    """What the options of `data import` say."""
    from bench.data.folder import Recipe
    from bench.data.listing import Columns
    from bench.data.splits import fractions
    from bench.data.window import Window
    from bench.grid.notation import split_list

    columns = Columns(
        options["image_column"],
        tuple(split_list(",".join(options["label_column"]))),
        options["group_column"],
        all_of(options["where"]),
    )
    return Recipe(
        sizes=tuple(dict.fromkeys(map(whole, split_list(options["sizes"]) or [""]))),
        columns=columns,
        exclude=options["exclude"],
        parts=fractions(options["split"]),
        seed=options["seed"],
        fit=options["fit"],
        window=Window.parse(options["window"]) if options["window"] else None,
        window_per_image=options["window_per_image"],
    )


def all_of(expressions: tuple[str, ...]) -> str | None:
    """One expression that holds where all do."""
    if len(expressions) < 2:
        return next(iter(expressions), None)
    return " and ".join(f"({one})" for one in expressions)


def whole(text: str) -> int:
    """A size in pixels. Raises BenchError."""
    from bench.base.errors import BenchError

    if not text.isdecimal():
        raise BenchError(f"size {text!r}: write whole numbers of pixels, such as 28,64")
    return int(text)
