"""`bench table`, `figure`, `readings`, `report`: what the records say."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.base.errors import BenchError
from bench.cli.request import (
    Command,
    Request,
    command_line,
    console,
    requests,
    running,
    selecting,
    selection_given,
)
from bench.cli.runs import do_missing, end, print_tables, show_plan, study

if TYPE_CHECKING:
    from reports.gallery.picture import Picture
    from reports.page.report import Content
    from reports.results.study import Study
    from reports.tables.output import Output


JOINT = 20
"""Readings that change several switches at random."""


def viewing(command: Command) -> Command:
    """The options that say what to show of the runs."""
    options = [
        click.option("--metric", type=click.Choice(["acc", "auc"]), default="acc"),
        click.option("--reference", metavar="METHOD", help="compare with it; ails by default"),
        click.option(
            "--combine",
            type=click.Choice(["mean", "ensemble"]),
            default="mean",
            show_default=True,
            help="what a+b of backbones is",
        ),
        click.option(
            "--published", is_flag=True, help="add the paper's numbers, in rows of their own"
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def view(options: dict[str, Any]) -> Any:
    from reports.results.study import View

    return View(**{name: options[name] for name in ("metric", "reference", "combine", "published")})


@click.command()
@click.argument("number", type=click.Choice(["1", "2", "3", "4", "5", "6"]))
@selecting
@running
@viewing
def table(number: str, **options: Any) -> None:
    """Do what is missing for a table of the paper, and write it as CSV, LaTeX and Markdown."""
    if number == "3":
        describe_datasets(options)
        return
    module = importlib.import_module(f"reports.tables.table{number}")
    (asked,) = requests(options, [module.select])
    outputs = module.outputs(study(asked), view(options))  # refused before any run, if at all
    if options["dry_run"]:
        show_plan(asked, options)
        return
    if do_missing(asked, options):
        outputs = module.outputs(study(asked), view(options))
    print_tables(outputs, asked.store.root / "tables" / asked.config.slug)
    end(asked)


def describe_datasets(options: dict[str, Any]) -> None:
    """Table 3, which needs no runs."""
    from bench.grid import configs

    slug = configs.load(options["protocol"], options["settings"]).slug
    print_tables([dataset_table(options, command_line())], options["results"] / "tables" / slug)


def dataset_table(options: dict[str, Any], command: str) -> Output:
    """The datasets named, or the paper's."""
    from bench.grid import configs, notation
    from reports.tables import table3

    config = configs.load(options["protocol"], options["settings"])
    named = options["datasets"]
    (built,) = table3.outputs(
        table3.PAPER if named is None else notation.split_list(named),
        options["size"] or config.selection.source_size,
        options["data_dir"],
        command,
        options.get("published", True),
    )
    return built


FIGURES = {"4": "figure4", "5": "figure5"} | {
    name: name for name in ("efficiency", "forest", "ranks", "reliability")
}


@click.command()
@click.argument("name", type=click.Choice(list(FIGURES)))
@selecting
@running
@viewing
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    default="test",
    show_default=True,
    help="whose features figure 5 shows",
)
def figure(name: str, **options: Any) -> None:
    """Do what is missing for a figure, and write it as SVG and PDF, its numbers as CSV."""
    module = importlib.import_module(f"reports.gallery.{FIGURES[name]}")
    asked = requests(options, module.SELECT)
    if name == "5":
        asked = [one_seed(asked[0])]
    if options["dry_run"]:
        for one in asked:
            show_plan(one, options)
        return
    for one in asked:
        do_missing(one, options)
        if name == "5":
            extract_features(one, options)
    pictures = module.pictures([study(one) for one in asked], view(options))
    write_pictures(asked[0], pictures)
    for one in asked:
        end(one)
    if not pictures:
        raise BenchError(f"nothing to draw for figure {name}: `bench status` shows what is missing")


def one_seed(asked: Request) -> Request:
    """Its first seed alone."""
    first = asked.grid.runs[0].seed if asked.grid.runs else 0
    runs = tuple(run for run in asked.grid.runs if run.seed == first)
    return replace(asked, grid=replace(asked.grid, runs=runs))


def write_pictures(asked: Request, pictures: list[Picture]) -> None:
    from reports.gallery.picture import write

    out = console()
    for picture in pictures:
        out.print()
        out.print(picture.caption, highlight=False)
        for path in write(picture, asked.store.root / "figures" / asked.config.slug):
            out.print(f"wrote {path}", highlight=False, soft_wrap=True)


def extract_features(asked: Request, options: dict[str, Any]) -> None:
    """Train again, to the same bits, the runs whose features are not in the store."""
    from bench.training import environment
    from bench.training.features import features

    device = options["device"] or environment.default_device()
    out = console()
    for run in asked.grid.runs:
        if asked.store.done(run.key):
            if not asked.store.features_path(run.key, options["split"]).exists():
                out.print(f"features of {run}: trained again to the same bits", highlight=False)
            features(run, options["split"], asked.store, asked.data_dir, device)


def everything(options: dict[str, Any]) -> Content:
    """What is measured for all tables; nothing is run."""
    from bench import backbone
    from reports.page.report import TABLES, Content
    from reports.results.records import Record, load
    from reports.results.study import Study

    asked = requests(options, [module.select for module in TABLES.values()], to_run=False)
    known: dict[str, Record] = {}
    given = selection_given(options)
    studies = {}
    for number, one in zip(TABLES, asked, strict=True):
        measured = load(one.store, one.grid, known)
        seen = {run.cell.backbone for run in measured.records}
        for run in one.grid.runs:
            if run.cell.backbone not in seen:
                backbone.check(run.cell.backbone_source, run.cell.input_size)
        command = f"python -m bench table {number}{given}"
        studies[number] = Study(one.config, measured, one.store, one.backbones, command)
    datasets = dataset_table(options, f"python -m bench table 3{given}")
    return Content(studies, datasets, asked[0].store, given)


@click.command()
@selecting
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="report.html")
def report(out: Path | None, **options: Any) -> None:
    """Write one HTML file of all that the records say; nothing is run."""
    write_report(everything(options), options, out)


def write_report(content: Content, options: dict[str, Any], out: Path | None = None) -> None:
    from bench.base.files import write_text
    from reports.page import report as page
    from reports.page import site

    path = out or content.store.root / f"report-{content.main.config.slug}.html"
    write_text(path, site.render(page.build(content, readings_measured(options))))
    console().print(f"wrote {path}", highlight=False, soft_wrap=True)


def readings_measured(options: dict[str, Any]) -> Study:
    """What is measured of the readings of AILS; nothing is run."""
    selection = options | {"methods": None}
    asked = request_of_readings(selection, to_run=False)
    command = f"python -m bench readings --method ails{selection_given(selection)}"
    return replace(study(asked), command=command)


@click.command()
@selecting
@running
@click.option("--method", default="ails", show_default=True, help="whose publication is read")
@click.option("--sample", type=int, default=JOINT, show_default=True, help="joint readings")
@click.option("--metric", type=click.Choice(["acc", "auc"]), default="acc", show_default=True)
@click.option("--reference", default="none", show_default=True, help="the baseline")
def readings(method: str, sample: int, metric: str, reference: str, **options: Any) -> None:
    """Does a conclusion hang on how a publication is read? Every reading, one changed at a time."""
    from reports.gallery.readings import picture
    from reports.tables import readings as reading

    if options["methods"] is not None:
        raise BenchError("readings are of one method: leave --methods, name it by --method")
    asked = request_of_readings(options, method, sample, reference)
    if options["dry_run"]:
        show_plan(asked, options)
        return
    do_missing(asked, options)
    measured = study(asked)
    built = reading.output(measured, method, metric, reference)
    print_tables([built], asked.store.root / "tables" / asked.config.slug)
    write_pictures(asked, [picture(measured, built, method, metric, reference)])
    end(asked)


def request_of_readings(
    options: dict[str, Any],
    method: str = "ails",
    sample: int = JOINT,
    reference: str = "none",
    to_run: bool = True,
) -> Request:
    """The readings that matter to the datasets, and the baseline."""
    from bench.grid.readings import labels

    (plain,) = requests(options, [lambda selection: selection], to_run)
    tasks = {info.task for info in plain.grid.datasets}
    chosen = (*labels(method, sample, tasks), reference)
    (asked,) = requests(
        options, [lambda selection: selection.model_copy(update={"methods": chosen})], to_run
    )
    return asked
