"""`python -m bench`: parses, calls, prints. Heavy imports stand inside the commands."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.errors import BenchError

if TYPE_CHECKING:
    from rich.console import Console

    from bench.grid import Grid, Run
    from bench.protocol import Config
    from bench.store import Store

Command = Callable[..., None]
LOCAL_OPTIONS = ("--data-dir", "--results", "--workers", "--device")
"""Options that decide nothing of a result: they are left out of the footnotes of tables."""


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
def main() -> None:
    """Compare augmentation methods on MedMNIST: one trainer, paired seeds, paired tests."""


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

    @property
    def groups(self) -> list[tuple[str, float]]:
        """A table for each backbone or combination and each ratio."""
        ratios = dict.fromkeys(run.cell.ratio for run in self.grid.runs)
        return [(backbone, ratio) for backbone in self.backbones for ratio in ratios]


def request(options: dict[str, Any]) -> Request:
    """Read the options that `selecting` added; names are checked, data are found."""
    from bench import grid, protocol
    from bench.store import Store
    from bench.validation import validated

    config = protocol.load(options["protocol"], options["settings"])
    given = {
        name: tuple(grid.split_list(options[name]))
        for name in ("datasets", "methods", "backbones")
        if options[name] is not None
    }
    changes: dict[str, Any] = dict(given)
    if options["ratio"] is not None:
        changes["ratios"] = grid.numbers(options["ratio"], "ratio")
    if options["seeds"] is not None:
        changes["seeds"] = grid.seeds(options["seeds"])
    if options["size"] is not None:
        changes["source_size"] = options["size"]
    if options["input_size"] is not None:
        changes["input_size"] = options["input_size"]
    values = config.selection.model_dump() | changes
    selection = validated(protocol.Selection, values, "option")
    for name in ("datasets", "methods", "backbones"):
        if not values[name]:
            raise BenchError(f"--{name} is empty; name at least one")
    expanded = grid.expand(
        selection,
        config.protocol,
        options["data_dir"],
        phantoms_allowed="datasets" not in given,
        parameters=config.parameters,
    )
    say = console(stderr=True)
    for note in expanded.notes:
        say.print(f"note: {note}", style="yellow", highlight=False)
    return Request(
        config, expanded, Store(options["results"]), options["data_dir"], selection.backbones
    )


def console(stderr: bool = False) -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else 120
    return Console(stderr=stderr, width=width, soft_wrap=False)


def do_missing(asked: Request, options: dict[str, Any]) -> None:
    """Run what has no record yet; failed runs stay failed unless `--retry-failed`."""
    from bench import engines, environment
    from bench.progress import GridProgress

    asked.store.check_writable()
    if options["retry_failed"]:
        for run in asked.grid.runs:
            asked.store.forget_failure(run.key)
    missing = engines.remaining(asked.store, asked.grid.runs)
    if not missing:
        return
    workers = min(options["workers"] or environment.default_workers(), len(missing))
    device = options["device"] or environment.default_device()
    environment.check_device(device)
    job = engines.Job(tuple(missing), asked.store.root, asked.data_dir, device)
    out = console()
    out.print(
        f"{len(missing)} runs to do, {workers} at a time on {device}, into {asked.store.root}",
        highlight=False,
    )
    with GridProgress(asked.store, missing, out) as progress:
        engines.local(job, workers, progress)
        progress(0.0)


@main.command()
@selecting
@running
def run(**options: Any) -> None:
    """Do the runs of a selection that are not done, and show their ACC and AUC."""
    asked = request(options)
    if options["dry_run"]:
        show_plan(asked, options)
        return
    do_missing(asked, options)
    show_tables(asked, ("acc", "auc"), {})


@main.command()
@click.argument("number", type=click.Choice(["1"]))
@selecting
@running
@click.option("--metric", type=click.Choice(["acc", "auc"]), default="acc", show_default=True)
@click.option("--reference", metavar="METHOD", help="compare with it; ails by default")
@click.option(
    "--combine",
    type=click.Choice(["mean", "ensemble"]),
    default="mean",
    show_default=True,
    help="what a+b of backbones is",
)
@click.option("--published", is_flag=True, help="add the paper's numbers, in rows of their own")
def table(number: str, **options: Any) -> None:
    """Do what is missing for a table of the paper, and write it as CSV, LaTeX and Markdown."""
    asked = request(options)
    if options["dry_run"]:
        show_plan(asked, options)
        return
    do_missing(asked, options)
    show_tables(asked, (options["metric"],), options, write=True)


def show_tables(
    asked: Request, metrics: tuple[str, ...], options: dict[str, Any], write: bool = False
) -> None:
    from reports import provenance, results, table1
    from reports.table import to_terminal

    out = console()
    for backbone, ratio in asked.groups:
        for metric in metrics:
            found = results.collect(
                asked.store, asked.grid, backbone, ratio, metric, options.get("combine", "mean")
            )
            notes = provenance.footnotes(asked.config, asked.grid, found, command_line())
            built = table1.build(
                found, metric, options.get("reference"), notes, options.get("published", False)
            )
            out.print()
            out.print(to_terminal(built.table))
            if write:
                several = [backbone, f"{ratio:g}"] if len(asked.groups) > 1 else []
                folder = asked.store.root / "tables" / asked.config.slug
                for path in table1.write(built, folder, ["table1", metric, *several]):
                    out.print(f"wrote {path}", highlight=False, soft_wrap=True)
    failed = failures(asked)
    for run, failure in failed:
        out.print(f"failed: {run}: {failure['reason']}", style="red", highlight=False)
    if failed:
        sys.exit(1)


def failures(asked: Request) -> list[tuple[Run, dict[str, Any]]]:
    """The runs of a request that failed, with what they left."""
    return [
        (run, failure)
        for run in asked.grid.runs
        if not asked.store.done(run.key) and (failure := asked.store.read_failure(run.key))
    ]


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


@main.command()
@selecting
@running
def plan(**options: Any) -> None:
    """Runs, those done and missing, and the time that the missing ones will take."""
    show_plan(request(options), options)


def show_plan(asked: Request, options: dict[str, Any]) -> None:
    from bench import engines, environment, estimate
    from bench.progress import duration

    out = console()
    show_counts(asked, out)
    missing = engines.remaining(asked.store, asked.grid.runs)
    if not missing:
        return
    device = options["device"] or environment.default_device()
    workers = min(options["workers"] or environment.default_workers(), len(missing))
    seconds = estimate.seconds(asked.grid, missing, asked.store, device) / workers
    out.print(f"about {duration(seconds)} with --workers {workers} on {device}", highlight=False)
    if any(run.cell.method.method.quick for run in missing):
        out.print("the training of generators comes on top")


@main.command()
@selecting
def status(**options: Any) -> None:
    """What of a selection is done, running, failed or missing."""
    asked = request(options)
    out = console()
    show_counts(asked, out)
    for run, failure in failures(asked):
        out.print(f"failed: {run}: {failure['reason']} ({run.key})", style="red", highlight=False)


def show_counts(asked: Request, out: Console) -> None:
    from collections import Counter

    from rich.table import Table

    states: dict[tuple[str, str, str, str], Counter[str]] = {}
    for run in asked.grid.runs:
        cell = run.cell
        place = (cell.dataset, f"{cell.ratio:.0%}", cell.backbone, cell.method.label)
        states.setdefault(place, Counter())[state(asked.store, run.key)] += 1
    kinds = ("done", "running", "failed", "missing")
    total: Counter[str] = sum(states.values(), Counter())
    view = Table(box=None, pad_edge=False)
    for name in ("dataset", "ratio", "backbone", "method"):
        view.add_column(name)
    for name in kinds:
        view.add_column(name, justify="right")
    for place, counts in states.items():
        view.add_row(*place, *(str(counts[kind] or "–") for kind in kinds))
    out.print(view)
    summary = ", ".join(f"{total[kind]} {kind}" for kind in kinds if total[kind])
    out.print(f"{len(asked.grid.runs)} runs: {summary}", highlight=False)


def state(store: Store, key: str) -> str:
    if store.done(key):
        return "done"
    if store.failure_path(key).exists():
        return "failed"
    return "running" if store.leased(key) else "missing"


@main.command()
@click.argument("key")
@click.option("--results", type=click.Path(path_type=Path), default="results", metavar="DIR")
def show(key: str, results: Path) -> None:
    """The record of a run, or why it failed; the first digits of its key are enough."""
    import json

    from bench.store import Store

    store = Store(results)
    full = store.find(key)
    record = store.read(full) if store.done(full) else store.read_failure(full)
    click.echo(json.dumps(record, indent=1, sort_keys=True))


@main.group("methods", invoke_without_command=True)
@click.pass_context
def methods_commands(context: click.Context) -> None:
    """The methods, their parameters with defaults, and their publications."""
    import methods

    if context.invoked_subcommand:
        return
    out = console()
    for name in methods.names():
        method = methods.get(name)
        defaults = ", ".join(f"{k}={v}" for k, v in method.Params().model_dump().items())
        out.print(f"[bold]{name}[/bold]  {method.summary}", highlight=False)
        for line in (defaults, method.reference):
            if line:
                out.print(f"    {line}", style="dim", highlight=False, markup=False)


@methods_commands.command("check")
@click.argument("method")
def check_method(method: str) -> None:
    """Check that a method, a name or a path to a Python file, holds what every method must."""
    import methods
    from bench import conformance

    kind = methods.get(method)
    found = list(conformance.problems(kind))
    for problem in found:
        click.echo(problem, err=True)
    checked = f"{len(conformance.CHECKS)} checks on {len(conformance.CASES)} kinds of dataset"
    click.echo(f"{method}: {checked}, {len(found)} failed")
    if found:
        sys.exit(1)


@main.command()
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
    from bench import grid, protocol
    from bench.preview import draw

    config = protocol.load(options["protocol"])
    selection = protocol.Selection(
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


@main.group("data", cls=click.Group)
def data_commands() -> None:
    """List, verify and audit the datasets."""


def locating(command: Command) -> Command:
    options = [
        click.option("--datasets", metavar="NAMES", help="all that are here by default"),
        click.option("--size", type=int, default=28, metavar="PX", show_default=True),
        click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def opened(options: dict[str, Any]) -> list[Any]:
    """The datasets that were named, or all MedMNIST sets that are on disk."""
    from bench import data, grid

    size, folder = options["size"], options["data_dir"]
    if options["datasets"] is not None:
        names = grid.split_list(options["datasets"])
        return [data.open_dataset(name, size, folder) for name in names]
    found = []
    for name in data.NAMES:
        try:
            found.append(data.open_dataset(name, size, folder, download=False))
        except data.MissingData:
            continue
    return found


@data_commands.command("list")
@locating
def data_list(**options: Any) -> None:
    """The datasets that are on disk, and the phantoms."""
    from rich.table import Table

    from bench import data

    here = {dataset.info.name: dataset.info for dataset in opened(options)}
    names = list(here) if options["datasets"] is not None else [*data.NAMES, *data.PHANTOMS]
    view = Table(box=None, pad_edge=False)
    for column in ("dataset", "task", "classes", "channels", "train", "val", "test", "md5"):
        view.add_column(column)
    for name in names:
        info = here.get(name)
        if info is None and name in data.PHANTOMS:
            info = data.open_dataset(name, options["size"]).info
        if info is None:
            view.add_row(name, "not on disk", style="dim")
            continue
        counts = [str(info.counts[split]) for split in ("train", "val", "test")]
        origin = "phantom data" if info.phantom else info.fingerprint[:8]
        view.add_row(
            name, info.task.value, str(info.num_classes), str(info.channels), *counts, origin
        )
    console().print(view)


@data_commands.command("verify")
@locating
def data_verify(**options: Any) -> None:
    """Check shapes, labels, counts and md5 of datasets."""
    datasets = opened(options)
    if not datasets:
        raise BenchError("no dataset on disk; name a folder with --data-dir or BENCH_DATA")
    for dataset in datasets:
        warnings = "; ".join(dataset.info.warnings)
        click.echo(f"{dataset.info.name}: {'warning: ' + warnings if warnings else 'as published'}")


@data_commands.command("export")
@click.option("--dataset", required=True, metavar="NAME")
@click.option("--size", type=int, default=28, metavar="PX", show_default=True)
@click.option("--ratio", type=float, default=1.0, metavar="R", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("path", type=click.Path(path_type=Path))
def data_export(path: Path, **options: Any) -> None:
    """Write a run's training subset as the zip that StyleGAN2-ADA's own training script reads."""
    from bench import grid, protocol
    from bench.data import open_dataset
    from bench.execute import training_subset
    from methods.generative.export import export

    selection = protocol.Selection(
        datasets=(options["dataset"],),
        ratios=(options["ratio"],),
        seeds=(options["seed"],),
        source_size=options["size"],
        input_size=224,
    )
    config = protocol.load("laptop")
    (run,) = grid.expand(selection, config.protocol, options["data_dir"]).runs
    dataset = open_dataset(run.cell.source, run.cell.source_size, options["data_dir"])
    train, identity = training_subset(run, dataset)
    export(train, path)
    click.echo(f"wrote {len(train)} pictures to {path}; subset {identity['subset'][:16]}")


@data_commands.command("audit")
@locating
def data_audit(**options: Any) -> None:
    """Exact duplicates within and across splits, conflicting labels, class counts."""
    from bench.data_audit import audit

    datasets = opened(options)
    if not datasets:
        raise BenchError("no dataset on disk; name a folder with --data-dir or BENCH_DATA")
    for dataset in datasets:
        for line in audit(dataset).lines():
            click.echo(line)
