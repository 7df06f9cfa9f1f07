"""What the options of a command ask for."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.base.errors import BenchError

if TYPE_CHECKING:
    from rich.console import Console

    from bench.grid.configs import Config
    from bench.grid.grid import Grid
    from bench.grid.selection import Selection
    from bench.store.records import Store

Command = Callable[..., None]
Select = Callable[["Selection"], "Selection"]
LOCAL_OPTIONS = ("--data-dir", "--results", "--workers", "--device")
"""Options that decide nothing of a result: they are left out of the footnotes of tables."""


def selecting(command: Command) -> Command:
    """The options that say which runs, and where they live."""
    options = [
        click.option("--datasets", metavar="NAMES", help="breast,retina or a path to an npz"),
        click.option("--methods", metavar="NAMES", help='ails,bsda or "ails[alpha=0.5]"'),
        click.option("--backbones", metavar="NAMES", help="any of timm; a+b is a combination"),
        click.option("--ratio", metavar="R", help="fractions of the training split: 0.2,1"),
        click.option("--seeds", metavar="S", help="10 (a count), 0-9 or 3,5,7"),
        click.option("--size", type=int, metavar="PX", help="size of the source images"),
        click.option("--input-size", type=int, metavar="PX", help="what the backbone is given"),
        click.option("--protocol", default="laptop", metavar="NAME", show_default=True),
        click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="lr=1e-3"),
        click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR"),
        click.option(
            "--results",
            type=click.Path(path_type=Path),
            default="results",
            metavar="DIR",
            show_default=True,
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def running(command: Command) -> Command:
    """The options that say how to do what is missing."""
    options = [
        click.option("--workers", type=click.IntRange(min=1), metavar="N", help="one a core"),
        click.option("--device", metavar="NAME", help="cpu or cuda; what there is by default"),
        click.option("--retry-failed", is_flag=True, help="do failed runs again"),
        click.option("--dry-run", is_flag=True, help="show the plan, run nothing"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Request:
    """What the options ask for."""

    config: Config
    grid: Grid
    store: Store
    data_dir: Path | None
    backbones: tuple[str, ...]


def request(options: dict[str, Any]) -> Request:
    """What the options that `selecting` added ask for; names are checked, data are found."""
    (asked,) = requests(options, [lambda selection: selection])
    return asked


def requests(
    options: dict[str, Any], selects: Sequence[Select], to_run: bool = True
) -> list[Request]:
    """One for each function that turns a selection into that of a table or figure.

    Of one alone, what an option names goes before what the table is about; of several, each table
    keeps what it is about. `to_run` as in `bench.grid.cell.expand`.
    """
    last = len(selects) == 1
    asked = [_request(options, select, last, to_run) for select in selects]
    tell(note for one in asked for note in one.grid.notes)
    return asked


def tell(notes: Iterable[str]) -> None:
    """Print notes that this command has not printed yet."""
    told = click.get_current_context().meta.setdefault("bench.notes", set())
    say = console(stderr=True)
    for note in notes:
        if note not in told:
            say.print(f"note: {note}", style="yellow", highlight=False)
            told.add(note)


def _request(options: dict[str, Any], select: Select, named_last: bool, to_run: bool) -> Request:
    from bench.base.validation import validated
    from bench.grid import configs, grid
    from bench.grid.selection import Selection
    from bench.store.records import Store

    config = configs.load(options["protocol"], options["settings"])
    named = _named(options)
    values = config.selection.model_dump() | named
    selection = select(validated(Selection, values, "option"))
    if named_last:
        selection = selection.model_copy(update=named)
    expanded = grid.expand(
        selection,
        config.protocol,
        options["data_dir"],
        phantoms_allowed="datasets" not in named,
        parameters=config.parameters,
        to_run=to_run,
    )
    backbones = tuple(map(grid.backbone_label, selection.backbones))
    return Request(config, expanded, Store(options["results"]), options["data_dir"], backbones)


def _named(options: dict[str, Any]) -> dict[str, Any]:
    """The parts of the selection that options name."""
    from bench.grid import notation

    named: dict[str, Any] = {}
    for name in ("datasets", "methods", "backbones"):
        if options[name] is not None:
            named[name] = tuple(notation.split_list(options[name]))
            if not named[name]:
                raise BenchError(f"--{name} is empty; name at least one")
    if options["ratio"] is not None:
        named["ratios"] = notation.numbers(options["ratio"], "ratio")
    if options["seeds"] is not None:
        named["seeds"] = notation.seeds(options["seeds"])
    if options["size"] is not None:
        named["source_size"] = options["size"]
    if options["input_size"] is not None:
        named["input_size"] = options["input_size"]
    return named


def console(stderr: bool = False) -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else 120
    return Console(stderr=stderr, width=width, soft_wrap=False, markup=False)


def selection_given(options: dict[str, Any]) -> str:
    """The options that decide a result, as at a command line, after a blank."""
    names = ("datasets", "methods", "backbones", "ratio", "seeds", "size", "input_size")
    given = [(f"--{name.replace('_', '-')}", options[name]) for name in names]
    given += [("--set", text) for text in options["settings"]]
    if options["protocol"] != "laptop":
        given.insert(0, ("--protocol", options["protocol"]))
    return "".join(
        f" {flag} {shlex.quote(str(value))}" for flag, value in given if value is not None
    )


def command_line() -> str:
    """The command as given, without the options that decide nothing of a result."""
    kept: list[str] = []
    words = iter(sys.argv[1:])
    for word in words:
        if word in LOCAL_OPTIONS:
            next(words, None)
        elif word.partition("=")[0] not in (*LOCAL_OPTIONS, "--retry-failed"):
            kept.append(word)
    return shlex.join(["python", "-m", "bench", *kept])
