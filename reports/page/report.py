"""The report: everything that the records say, as one page."""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import methods
from bench.base.errors import BenchError
from bench.store.records import Store
from reports.arithmetic import as_table, audit_paper
from reports.claims import judge as claims
from reports.figures import style
from reports.gallery import efficiency, figure4, figure5, forest, ranks, reliability
from reports.gallery.picture import Picture
from reports.gallery.readings import picture as reading_curve
from reports.page import site
from reports.results.records import PHANTOM, Measured, union
from reports.results.study import Study, View, ranges
from reports.tables import readings, table1, table2, table4, table5, table6
from reports.tables.output import Output

TABLES: Mapping[int, ModuleType] = {1: table1, 2: table2, 4: table4, 5: table5, 6: table6}
"""Those that are made of records."""
FIGURES: Mapping[str, tuple[ModuleType, tuple[int, ...]]] = {
    "4": (figure4, (5, 6)),
    "5": (figure5, (1,)),
    "forest": (forest, (1,)),
    "ranks": (ranks, (1,)),
    "efficiency": (efficiency, (4,)),
    "reliability": (reliability, (1,)),
}
"""Each with the tables whose cells it needs."""
LEAD = (
    "Augmentation methods under one trainer, paired by seed. Published numbers are claims to test: "
    "they stand apart, under another protocol than ours. Rest on a number, or reach it with the "
    "tab key, for its seeds and interval."
)


@dataclass(frozen=True)
class Content:
    """What the report is made of: a study for each table of records, and Table 3."""

    studies: Mapping[int, Study]
    datasets: Output
    store: Store
    options: str
    """The selection as given at the command line, to be repeated in commands."""

    @property
    def main(self) -> Study:
        return self.studies[1]

    @cached_property
    def measured(self) -> Measured:
        return union([study.measured for study in self.studies.values()])


def build(content: Content, of_readings: Study) -> site.Page:
    """The page of all that is in the store; what has no record is named with its command.

    `of_readings` is the study of the readings of AILS.
    """
    study = content.main
    cautions = [study.config.caution] if study.config.caution else []
    if any(info.phantom for info in study.measured.grid.datasets):
        cautions.insert(0, PHANTOM)
    return site.Page(
        title="Image augmentation on MedMNIST",
        lead=LEAD,
        summary=_summary(content),
        cautions=tuple(cautions),
        sections=(
            *_tables(content),
            site.Section("figures", "Figures", items=tuple(_figures(content))),
            _claims(content),
            _readings(of_readings),
            _arithmetic(),
            _methods(study),
            _protocol(content),
        ),
    )


def _summary(content: Content) -> site.Pairs:
    study, measured = content.main, content.measured
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
    for number in range(1, 7):
        command = site.Command(f"python -m bench table {number}{content.options}")
        if number == 3:
            yield site.Section("table3", "Table 3", items=(content.datasets.table, command))
            continue
        study = content.studies[number]
        if not study.measured.records:
            lead = "No run of this table is done. This does them:"
            yield site.Section(f"table{number}", f"Table {number}", lead, (command,))
            continue
        outputs = TABLES[number].outputs(study, View(published=True))
        if number == 1:
            outputs += table1.outputs(study, View("auc"))
        tables = (output.table for output in outputs)
        yield site.Section(f"table{number}", f"Table {number}", items=(*tables, command))


def _figures(content: Content) -> Iterator[site.Item]:
    for name, (module, tables) in FIGURES.items():
        studies = [content.studies[number] for number in tables]
        command = f"python -m bench figure {name}{content.options}"
        if not all(study.measured.records for study in studies):
            yield site.Command(command, f"Figure {name}: no run is done yet; this does them.")
            continue
        yield from _drawn(module, studies, command)


def _drawn(module: ModuleType, studies: Sequence[Study], command: str) -> Iterator[site.Item]:
    """The pictures with their command, or the reason why there are none."""
    view = View(published=True, calibrated=("none", "ails"))
    try:
        pictures: list[Picture] = module.pictures(studies, view)
    except BenchError as reason:
        yield site.Command(command, f"{reason}.")
        return
    if not pictures:
        yield site.Command(command, "Nothing to draw yet; this makes it.")
        return
    for picture in pictures:
        yield site.Figure(style.inline(picture.figure, picture.name), picture.caption)
    yield site.Command(command)


def _claims(content: Content) -> site.Section:
    return site.Section(
        "claims",
        "The paper's claims",
        "\n\n".join(claims.RULES),
        tuple(
            site.Claim(v.claim.text, v.verdict, v.reason, v.claim.where, v.command)
            for v in claims.judge(content.measured)
        ),
    )


def _readings(study: Study) -> site.Section:
    title = "Readings of the paper"
    command = site.Command(study.command)
    if not any(run.cell.method.label.startswith("ails[") for run in study.measured.records):
        lead = "No reading but the default is run. This runs them all:"
        return site.Section("readings", title, lead, (command,))
    try:
        output = readings.output(study, "ails", "acc", "none")
        picture = reading_curve(study, output, "ails", "acc", "none")
    except BenchError as reason:
        return site.Section("readings", title, f"{reason}.", (command,))
    figure = site.Figure(style.inline(picture.figure, picture.name), picture.caption)
    lead = (
        "The paper leaves points open. Does the difference to no augmentation hang on how they are "
        "read? Each is read otherwise by itself, and several at random."
    )
    return site.Section("readings", title, lead, (figure, output.table, command))


def _arithmetic() -> site.Section:
    table = as_table(audit_paper(), "What arithmetic says of the published numbers")
    lead = "No record is needed for this: it is about printed digits alone."
    command = site.Command("python -m bench audit")
    return site.Section("arithmetic", "Arithmetic of the published tables", lead, (table, command))


def _methods(study: Study) -> site.Section:
    choices = {run.cell.method.label: run.cell.method for run in study.measured.grid.runs}
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


def _protocol(content: Content) -> site.Section:
    study = content.main
    protocol = study.config.protocol.model_dump(mode="json")
    items: list[site.Item] = [
        site.Facts(f"Protocol {study.config.name}", tuple((k, str(v)) for k, v in protocol.items()))
    ]
    environments = sorted({str(r["environment"]) for r in content.measured.records.values()})
    for name in environments:
        path = content.store.root / "env" / f"{name}.json"
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            pairs = tuple((key, _words(value)) for key, value in found.items())
            items.append(site.Facts(f"Environment {name}", pairs))
    items.append(site.Command("make paper", "All tables, figures, the audit and this page."))
    return site.Section("protocol", "Protocol and environment", study.config.about, tuple(items))


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
