"""The report: everything that the records say, as one page."""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import methods
from bench.base.errors import BenchError
from bench.store.measured import Measured, union
from bench.study import Study
from reports.arithmetic import as_table, audit_paper
from reports.claims import judge as claims
from reports.claims.paper import load
from reports.figures import searches as search_figures
from reports.figures import specification, style
from reports.figures.catalogue import FIGURES, Entry
from reports.page import site
from reports.results.results import PHANTOM
from reports.results.view import View
from reports.results.wording import ranges
from reports.tables import readings, tuned
from reports.tables.catalogue import TABLES, of_runs

LEAD = (
    "Augmentation methods under one trainer, paired by seed. Published numbers are claims to test: "
    "they stand apart, under another protocol than ours. Rest on a number, or reach it with the "
    "tab key, for its seeds and interval."
)

MAKE = site.Command("make paper", "All tables, figures, the audit and this page.")


@dataclass(frozen=True)
class Content:
    """What the report is made of: a study for each table."""

    study: Study

    @cached_property
    def studies(self) -> Mapping[int, Study]:
        """By table; records are read once."""
        published = View(published=True)
        return {n: entry.study(self.study, published, False) for n, entry in TABLES.items()}

    @property
    def main(self) -> Study:
        return self.studies[1]

    @cached_property
    def measured(self) -> Measured:
        return union([self.studies[number].measured for number in of_runs()])


def build(content: Content) -> site.Page:
    """The page of all that is in the store; what has no record is named with its command."""
    study = content.main
    cautions = [study.config.caution] if study.config.caution else []
    if any(info.phantom for info in study.measured.grid.datasets):
        cautions.insert(0, PHANTOM)
    return site.Page(
        title="Image augmentation on MedMNIST",
        lead=LEAD,
        summary=summary(study, content.measured),
        cautions=tuple(cautions),
        sections=(
            *_tables(content),
            site.Section("figures", "Figures", items=tuple(_figures(content))),
            _claims(content),
            _readings(content.study),
            of_tuning(content.main),
            _arithmetic(),
            of_methods(study),
            of_protocol(study, content.measured, MAKE),
        ),
    )


def summary(study: Study, measured: Measured) -> site.Pairs:
    """What was run."""
    records = list(measured.records.values())
    seconds = sum(sum(record["cost"]["seconds"].values()) for record in records)
    commits = sorted({str(record["commit"]) for record in records})
    return (
        ("protocol", study.config.name),
        ("datasets", ", ".join(info.name for info in study.measured.grid.datasets)),
        ("backbones", ", ".join(dict.fromkeys(run.cell.backbone for run in measured.grid.runs))),
        ("seeds", ranges(study.measured.seeds)),
        ("runs", f"{len(records):,} done of {len(measured.grid.runs):,} in this report's tables"),
        ("time", f"{seconds / 3600:.1f} hours of one worker"),
        ("commits", ", ".join(commits) or "none"),
    )


def _tables(content: Content) -> Iterator[site.Section]:
    for number, entry in TABLES.items():
        study, view = content.studies[number], View(published=True)
        command = site.Command(study.command)
        if entry.select and not study.measured.records:
            lead = "No run of this table is done. This does them:"
            yield site.Section(f"table{number}", f"Table {number}", lead, (command,))
            continue
        outputs = [*entry.outputs(study, view)]
        if number == 1:
            outputs += entry.outputs(study, View("auc"))
        tables = (output.table for output in outputs)
        yield site.Section(f"table{number}", f"Table {number}", items=(*tables, command))


def _figures(content: Content) -> Iterator[site.Item]:
    for name, entry in FIGURES.items():
        studies = [content.studies[number] for number in entry.tables]
        command = f"python -m bench figure {name}{content.study.options}"
        if not all(study.measured.records for study in studies):
            yield site.Command(command, f"Figure {name}: no run is done yet; this does them.")
            continue
        yield from _drawn(entry, studies, command)


def _drawn(entry: Entry, studies: Sequence[Study], command: str) -> Iterator[site.Item]:
    """The figures with their command, or the reason why there are none."""
    view = View(published=True, calibrated=("none", "ails"))
    try:
        figures = entry.figures(studies, view)
    except BenchError as reason:
        yield site.Command(command, f"{reason}.")
        return
    if not figures:
        yield site.Command(command, "Nothing to draw yet; this makes it.")
        return
    for figure in figures:
        yield site.Figure(style.inline(figure.drawing, figure.name), figure.caption)
    yield site.Command(command)


def _claims(content: Content) -> site.Section:
    paper = load("ails")
    return site.Section(
        "claims",
        "The paper's claims",
        "\n\n".join(claims.RULES),
        tuple(
            site.Claim(
                v.claim.text, v.verdict, v.reason, v.claim.where, v.command(content.study, paper)
            )
            for v in claims.judge(content.measured, paper, content.study.selection.looks)
        ),
    )


def _readings(main: Study) -> site.Section:
    title = "Readings of the paper"
    asked = readings.Readings("ails")
    study = asked.study(main)
    command = site.Command(study.command)
    if not any(run.cell.method.label != run.cell.method.name for run in study.measured.records):
        lead = "No reading but the default is run. This runs them all:"
        return site.Section("readings", title, lead, (command,))
    try:
        output = readings.output(study, asked)
        curve = specification.figure(study, asked)
    except BenchError as reason:
        return site.Section("readings", title, f"{reason}.", (command,))
    figure = site.Figure(style.inline(curve.drawing, curve.name), curve.caption)
    lead = (
        "The paper leaves points open. Does the difference to no augmentation hang on how they are "
        "read? Each is read otherwise by itself, and several at random."
    )
    return site.Section("readings", title, lead, (figure, output.table, command))


def of_tuning(main: Study) -> site.Section:
    """Default against tuned parameters, and what each search tried."""
    title = "Tuning"
    searches = main.searched()
    names = tuple(dict.fromkeys(search.cell.method.source for search in searches))
    study = replace(main, params="default").about(
        lambda s: s.model_copy(update={"methods": names or s.methods}), "tune", named_last=False
    )
    command = site.Command(study.command)
    if not searches:
        lead = "Nothing was tuned. This searches each method's parameters with one budget:"
        return site.Section("tuning", title, lead, (command,))
    items: list[site.Item] = []
    try:
        items += [output.table for output in tuned.outputs(study, View())]
    except BenchError as reason:
        items.append(site.Command(command.lines, f"{reason}."))
    for search in searches:
        for figure in search_figures.figures(search):
            items.append(site.Figure(style.inline(figure.drawing, figure.name), figure.caption))
    lead = (
        "Parameters are searched on the validation split, with seeds that no table uses, from the "
        "defaults on. The comparison is on the seeds of this report."
    )
    return site.Section("tuning", title, lead, (*items, command))


def _arithmetic() -> site.Section:
    table = as_table(audit_paper(), "What arithmetic says of the published numbers")
    lead = "No record is needed for this: it is about printed digits alone."
    command = site.Command("python -m bench audit")
    return site.Section("arithmetic", "Arithmetic of the published tables", lead, (table, command))


def of_methods(study: Study) -> site.Section:
    """What each method of the study does."""
    choices = {run.cell.method.written: run.cell.method for run in study.measured.grid.runs}
    items = []
    for label, choice in choices.items():
        kind = choice.method
        items.append(
            site.Method(
                label,
                kind.summary,
                inspect.getdoc(kind) or "",
                tuple((key, str(value)) for key, value in choice.params.model_dump().items()),
                kind.reference,
            )
        )
    return site.Section("methods", "Methods", f"{len(methods.names())} exist.", tuple(items))


def of_protocol(study: Study, measured: Measured, command: site.Command) -> site.Section:
    """How runs were trained, and where; `command` makes the page."""
    protocol = study.config.protocol.model_dump(mode="json")
    items: list[site.Item] = [
        site.Facts(f"Protocol {study.config.name}", tuple((k, str(v)) for k, v in protocol.items()))
    ]
    environments = sorted({str(r["environment"]) for r in measured.records.values()})
    for name in environments:
        path = study.store.root / "env" / f"{name}.json"
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            pairs = tuple((key, _words(value)) for key, value in found.items())
            items.append(site.Facts(f"Environment {name}", pairs))
    items.append(command)
    return site.Section("protocol", "Protocol and environment", study.config.about, tuple(items))


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
