"""The report: everything that the records say, as one page."""

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bench.base.errors import BenchError
from bench.data.catalogue import NAMES
from bench.store.measured import Measured, union
from bench.study import Study
from reports.arithmetic import as_table, audit_paper
from reports.claims import judge as claims
from reports.claims.paper import Paper, load
from reports.figures import searches as search_figures
from reports.figures import specification
from reports.figures.catalogue import FIGURES, Entry
from reports.page import answered, site
from reports.results.results import PHANTOM
from reports.results.view import View
from reports.results.wording import capital, dataset_titles, ranges
from reports.tables import readings, tuned
from reports.tables.catalogue import TABLES, of_runs
from reports.tables.output import Output
from reports.tables.sweep import CHOSEN
from reports.tables.table import DASH, MISSING, Row

LEAD = (
    "Augmentation methods under one trainer, paired by seed. Numbers that papers print are claims "
    "to test: they stand apart, as they come from another protocol."
)

MAKE = site.Command("make paper", "All tables, figures, the audit and this page.")
FULL = View(published=True, calibrated=("none", "ails"))
"""How figures of the paper are drawn."""
COMMAND = "Command: "
"""How the line of a table's origin begins that a page shows as a command."""


@dataclass(frozen=True)
class Content:
    """What the report is made of: a study for each table."""

    study: Study

    @cached_property
    def begun(self) -> Study:
        """On the datasets of which a run is done; on all where there is none."""
        records = TABLES[1].study(self.study, View(), False).measured.records
        done = list(dict.fromkeys(run.cell.source for run in records))
        asked = dict.fromkeys(run.cell.source for run in self.study.grid.runs)
        return replace(self.study, datasets=done) if done and len(done) < len(asked) else self.study

    @cached_property
    def studies(self) -> Mapping[int, Study]:
        """By table; records are read once."""
        return {n: entry.study(self.begun, self.view(n), False) for n, entry in TABLES.items()}

    def view(self, number: int) -> View:
        """Table 1 compares as the answer does; counts of images are printed once."""
        reference = answered.view_of(self.study).reference if number == 1 else None
        return View(reference=reference, published=number in of_runs())

    @property
    def main(self) -> Study:
        return self.studies[1]

    @cached_property
    def measured(self) -> Measured:
        return union([self.studies[number].measured for number in of_runs()])

    def judged(self, paper: Paper) -> list[claims.Verdict]:
        """What the records say of each claim of a paper."""
        return claims.judge(self.measured, paper, self.study.selection.looks)

    @property
    def left(self) -> Sequence[str]:
        """The datasets without a run."""
        done = {info.name for info in self.main.grid.datasets}
        return [info.name for info in self.study.grid.datasets if info.name not in done]


@dataclass(frozen=True)
class Part:
    """A section, if there is something to show, and the commands of what is not there."""

    section: site.Section | None = None
    undone: tuple[site.Command, ...] = ()


def build(content: Content) -> site.Page:
    """The page of all that is in the store; what has no record is named with its command."""
    study = content.main
    cautions = [study.config.caution] if study.config.caution else []
    if any(info.phantom for info in study.measured.grid.datasets):
        cautions.insert(0, PHANTOM)
    tables = [_table(content, number) for number in of_runs()]  # leave out what does not hold
    answer = answered.section(study)
    parts = [
        *tables,
        _figures(content, answer),
        _claims(content),
        _readings(content.begun),
        of_tuning(content.main),
        *(_table(content, number) for number in TABLES.keys() - of_runs().keys()),
    ]
    return site.Page(
        title=title(study),
        lead=LEAD,
        answer=answer,
        summary=summary(study, content.measured),
        cautions=(*map(capital, cautions), *wrong(study)),
        sections=(
            *sections(parts),
            _arithmetic(),
            of_methods(study),
            of_protocol(study, content.measured, MAKE),
            *undone([_sets(content), *parts]),
        ),
    )


def title(study: Study) -> str:
    """What the page is about, by the names of the datasets unless they are MedMNIST's."""
    names = [info.name for info in study.grid.datasets]
    if all(name in NAMES for name in names):
        return "Image augmentation on MedMNIST"
    titles = dataset_titles(study)
    return f"Image augmentation on {', '.join(titles.get(name, name) for name in names)}"


def wrong(study: Study) -> Iterator[str]:
    """What is known to be wrong with each dataset."""
    titles = dataset_titles(study)
    for info in study.grid.datasets:
        if info.warnings:
            yield f"{titles.get(info.name, info.name)}: {'; '.join(info.warnings)}"


def sections(parts: Sequence[Part]) -> list[site.Section]:
    """Those with something to show."""
    return [part.section for part in parts if part.section]


def undone(parts: Sequence[Part]) -> list[site.Section]:
    """One list of all that has no data, folded, each command once."""
    commands = {one.lines: one for part in parts for one in part.undone}
    if not commands:
        return []
    folded = site.Folded(f"{len(commands)} commands", tuple(commands.values()))
    lead = "What this page does not show, as its runs are not done; these commands do them."
    return [site.Section("undone", "Not done yet", lead, (folded,))]


def summary(study: Study, measured: Measured) -> site.Pairs:
    """What was run, and nothing else."""
    runs, records = list(measured.records), list(measured.records.values())
    if not runs:
        return (("runs", "none yet"),)
    seconds = sum(sum(record["cost"]["seconds"].values()) for record in records)
    titles = dataset_titles(study)
    infos = {info.name: info for info in measured.grid.datasets}
    sets = (infos[name] for name in dict.fromkeys(run.cell.dataset for run in runs))
    return (
        ("protocol", study.config.name),
        (
            "datasets (fingerprint)",
            ", ".join(f"{titles.get(i.name, i.name)} ({i.fingerprint[:8]})" for i in sets),
        ),
        ("methods", str(len({run.cell.method for run in runs}))),
        ("backbones", ", ".join(dict.fromkeys(run.cell.backbone for run in runs))),
        ("seeds", ranges(list({run.seed for run in runs}))),
        ("runs", f"{len(runs):,}"),
        ("time", f"{_duration(seconds)} of one worker"),
        ("commits of the code", ", ".join(sorted({str(record["commit"]) for record in records}))),
    )


def _duration(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} hours"
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute" + "s" * (minutes > 1)


def shown(outputs: Iterable[Output]) -> list[site.Item]:
    """The tables with a number of ours, without what the page says elsewhere."""
    return [
        replace(
            output.table,
            answer=() if output.name.startswith("table1") else output.table.answer,
            origin=tuple(o for o in output.table.origin if not o.startswith(COMMAND)),
            notes=tuple(n for n in output.table.notes if not n.startswith(COMMAND)),
        )
        for output in outputs
        if any(map(_measured, output.table.rows))
    ]


def _measured(row: Row) -> bool:
    cells = (cell for cell in row.cells if cell not in ("", DASH, MISSING, CHOSEN))
    return not row.published and any(cells)


def _table(content: Content, number: int) -> Part:
    entry, study, view = TABLES[number], content.studies[number], content.view(number)
    outputs = [*entry.outputs(study, view)] if _has_runs(content, number) else []
    if number == 1 and outputs:
        outputs += entry.outputs(study, replace(view, metric="auc", published=False))
    tables = shown(outputs)
    name = f"Table {number}: {entry.title}"
    if not tables:
        return Part(undone=(site.Command(study.command, f"{name}."),))
    items: tuple[site.Item, ...] = (*tables, site.Command(study.command))
    return Part(site.Section(f"table{number}", name, items=items))


def _has_runs(content: Content, number: int) -> bool:
    """Whether there are runs of a table; of one that is not the first, others than the first's."""
    if number not in of_runs():
        return True
    found, first = content.studies[number].measured.records, content.main.measured.records
    return bool(found if number == 1 else found.keys() - first.keys())


def _sets(content: Content) -> Part:
    """The datasets of which no run is done."""
    command = TABLES[1].study(content.study, content.view(1), False).command
    if not content.left:
        return Part()
    titles = dataset_titles(content.study)
    names = ", ".join(titles.get(name, name) for name in content.left)
    return Part(undone=(site.Command(command, f"Table 1 with all sets; not begun: {names}."),))


def _figures(content: Content, answer: site.Section) -> Part:
    """All but the forest, where it stands with the answer."""
    items: list[site.Item] = []
    lacking: list[site.Command] = []
    shown_above = any(isinstance(item, site.Figure) for item in answer.items)
    for name, entry in FIGURES.items():
        if name == "forest" and shown_above:
            continue
        studies = [content.studies[number] for number in entry.tables]
        command = f"python -m bench figure {name}{content.begun.options}"
        there = any(_has_runs(content, number) for number in entry.tables)
        found = drawn(entry, studies, FULL) if there else []
        about = f"Figure {name}: {entry.title}"
        if isinstance(found, str):
            lacking.append(site.Command(command, f"{about}. {found}."))
        elif not found:
            lacking.append(site.Command(command, f"{about}."))
        else:
            items += [*found, site.Command(command)]
    section = site.Section("figures", "Figures", items=tuple(items)) if items else None
    return Part(section, tuple(lacking))


def drawn(entry: Entry, studies: Sequence[Study], view: View) -> list[site.Figure] | str:
    """The figures that show a measured number, or the reason why there are none."""
    try:
        figures = entry.figures(studies, view)
    except BenchError as reason:
        return str(reason)
    return [site.Figure.of(figure) for figure in figures if figure.rows]


def _claims(content: Content) -> Part:
    """Those that records speak of; the others folded, and what makes their records."""
    paper = load("ails")
    judged = content.judged(paper)
    told = [_claim(v) for v in judged if v.verdict != "not tested"]
    untested = [_claim(v) for v in judged if v.verdict == "not tested"]
    lacking = _lacking(content.begun, paper, [v for v in judged if v.lacks_records])
    if not told and not content.measured.records:
        return Part(undone=lacking)
    folded = [site.Folded(f"{len(untested)} claims are not tested", tuple(untested))]
    items: tuple[site.Item, ...] = (*told, *(folded if untested else []))
    lead = "\n\n".join(claims.RULES)
    return Part(site.Section("claims", "The paper's claims", lead, items), lacking)


def _lacking(
    study: Study, paper: Paper, untested: Sequence[claims.Verdict]
) -> tuple[site.Command, ...]:
    """The commands of missing records, and where in the paper the claims are that need them."""
    commands: dict[tuple[str, ...], str] = {}
    places: dict[tuple[str, ...], dict[str, None]] = {}
    for verdict in untested:
        if command := verdict.command(study, paper):
            what = tuple(sorted(re.split("[ ,]", command)))  # whatever the order of its methods
            commands.setdefault(what, command)
            places.setdefault(what, {})[verdict.claim.where] = None
    return tuple(
        site.Command(command, f"The paper's claims in {'; '.join(places[what])}.")
        for what, command in commands.items()
    )


def _claim(found: claims.Verdict) -> site.Claim:
    return site.Claim(found.claim.text, found.verdict, found.reason, found.claim.where)


def _readings(main: Study) -> Part:
    name = "Readings of the paper"
    asked = readings.Readings("ails")
    study = asked.study(main)
    command = site.Command(study.command)
    lacking = replace(command, note=f"{name}: all ways to read what it leaves open.")
    if not any(run.cell.method.label != run.cell.method.name for run in study.measured.records):
        return Part(undone=(lacking,))
    try:
        output = readings.output(study, asked)
        curve = specification.figure(study, asked)
    except BenchError as reason:
        return Part(undone=(replace(lacking, note=f"{name}. {reason}."),))
    figure = site.Figure.of(curve)
    lead = (
        "The paper leaves points open. Does the difference to no augmentation depend on how they "
        "are read? Each is read otherwise by itself, and several at random. A1, A2, … number the "
        "open points."
    )
    items: tuple[site.Item, ...] = (figure, *shown([output]), command)
    return Part(site.Section("readings", name, lead, items))


def of_tuning(main: Study) -> Part:
    """Default against tuned parameters, and what each search tried."""
    name = "Tuning"
    searches = main.searched()
    names = tuple(dict.fromkeys(search.cell.method.source for search in searches))
    study = replace(main, params="default").about(
        lambda s: s.model_copy(update={"methods": names or s.methods}), "tune", named_last=False
    )
    command = site.Command(study.command)
    if not searches:
        note = "Tuning: searches each method's parameters with one budget."
        return Part(undone=(replace(command, note=note),))
    items: list[site.Item] = []
    try:
        items += shown(tuned.outputs(study, View()))
    except BenchError as reason:
        items.append(site.Command(command.lines, f"{reason}."))
    for search in searches:
        for figure in search_figures.figures(search):
            items.append(site.Figure.of(figure))
    lead = (
        "Parameters are searched on the validation split, with seeds that no table uses, from the "
        "defaults on. The comparison is on the seeds of this report."
    )
    return Part(site.Section("tuning", name, lead, (*items, command)))


def _arithmetic() -> site.Section:
    found = audit_paper()
    passed = [one for one in found if one.severity == "consistent"]
    other = [one for one in found if one.severity != "consistent"]
    title = "What arithmetic says of the published numbers"
    folded = site.Folded(f"{len(passed)} checks passed", (as_table(passed, "Checks passed"),))
    lead = "No record is needed for this: it is about printed digits alone."
    items = as_table(other, title), folded, site.Command("python -m bench audit")
    return site.Section("arithmetic", "Arithmetic of the published tables", lead, items)


def of_methods(study: Study) -> site.Section:
    """What each method of the study does."""
    choices = {run.cell.method.written: run.cell.method for run in study.measured.grid.runs}
    items = []
    for label, choice in choices.items():
        kind = choice.method
        items.append(
            site.Method(
                label.replace(choice.name, kind.title or choice.name, 1),
                kind.summary,
                inspect.getdoc(kind) or "",
                tuple((key, _words(value)) for key, value in choice.params.model_dump().items()),
                kind.reference,
            )
        )
    return site.Section("methods", "Methods", "", tuple(items))


def of_protocol(study: Study, measured: Measured, command: site.Command) -> site.Section:
    """How runs were trained, and where; `command` makes the page."""
    protocol = study.config.protocol.model_dump(mode="json")
    items: list[site.Item] = [
        site.Facts(
            f"Protocol {study.config.name}", tuple((k, _words(v)) for k, v in protocol.items())
        )
    ]
    environments = sorted({str(r["environment"]) for r in measured.records.values()})
    for name in environments:
        path = study.store.root / "env" / f"{name}.json"
        if path.exists():
            items += _environment(name, json.loads(path.read_text(encoding="utf-8")))
    items.append(command)
    return site.Section("protocol", "Protocol and environment", study.config.about, tuple(items))


def _environment(name: str, found: Mapping[str, object]) -> Iterator[site.Item]:
    """The computer; the versions of all packages folded."""
    facts = {key: _words(value) for key, value in found.items()}
    packages = facts.pop("packages", "")
    yield site.Facts(f"Computer (environment {name} of the records)", tuple(facts.items()))
    if packages:
        versions = site.Facts("Versions", tuple(pair(one) for one in packages.split(", ")))
        yield site.Folded("All packages", (versions,))


def pair(text: str) -> tuple[str, str]:
    """`torch 2.11` as name and version."""
    name, _, version = text.partition(" ")
    return name, version


def _words(value: object) -> str:
    """As `--set` takes it, with six digits and without brackets; a dash for what is not set."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value)) or DASH
    if value is None or isinstance(value, bool):
        return {None: DASH, True: "true", False: "false"}[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value)
