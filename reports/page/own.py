"""The report of one's own images: the answer first, what is wrong with the data, no paper."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.base.errors import BenchError
from bench.base.files import expanded
from bench.data.catalogue import NAMES
from bench.study import Study
from reports.claims.paper import load
from reports.figures.catalogue import FIGURES
from reports.page import answered, site
from reports.page.report import (
    Part,
    drawn,
    of_methods,
    of_protocol,
    of_tuning,
    sections,
    shown,
    summary,
    undone,
    wrong,
)
from reports.results.view import View
from reports.results.wording import capital, dataset_titles
from reports.tables.catalogue import TABLES, Entry, of_runs

DRAWN = ("confusion", "reliability", "curves")
LEAD = (
    "Which augmentation helps on these images? All methods are trained alike and compared by seed."
)
SOUND = "Nothing is known to be wrong with these images; bench data audit checks them."


def is_own(study: Study) -> bool:
    """Whether no dataset is one that papers print numbers of, or stands for one."""
    rebuilt, sets = load("ails").stands_for, study.grid.datasets
    return bool(sets) and not any(
        info.phantom or info.name in NAMES or info.name.partition("@")[0] in rebuilt
        for info in sets
    )


def build(study: Study) -> site.Page:
    """The page of a study of one's own images; no path is on it."""
    study = TABLES[1].study(_named_by_file(study), answered.view_of(study))
    names = ", ".join(dataset_titles(study).get(i.name, i.name) for i in study.grid.datasets)
    tuning = [of_tuning(study)] if study.searched() else []
    return site.Page(
        title=f"Augmentation on {names}",
        lead=LEAD,
        answer=answered.section(study),
        summary=summary(study, study.measured),
        cautions=tuple(filter(None, (capital(study.config.caution), *wrong(study)))),
        sections=(
            *_compared(study),
            _data(study),
            *_further(study),
            *_figures(study),
            *sections(tuning),
            of_methods(study),
            of_protocol(
                study,
                study.measured,
                site.Command(f"python -m bench report{study.options}", "This page."),
            ),
            *undone([_runs(study)]),
        ),
    )


def _named_by_file(study: Study) -> Study:
    """The datasets by their file names, where these lie in one folder, and the folder beside."""
    paths = [expanded(name) for name in study.named.get("datasets", ())]
    folders = {path.parent for path in paths}
    if len(folders) != 1 or folders == {Path()}:
        return study
    return replace(study, datasets=[path.name for path in paths], data_dir=folders.pop())


def _compared(study: Study) -> Iterator[site.Section]:
    """Table 1, by both metrics."""
    if study.measured.records:
        view = answered.view_of(study)
        views = (replace(view, metric=metric) for metric in answered.METRICS)
        outputs = (output for one in views for output in TABLES[1].outputs(study, one))
        items: list[site.Item] = [*shown(outputs), site.Command(study.command)]
        yield site.Section("compared", "Methods compared", items=tuple(items))


def _runs(study: Study) -> Part:
    """What does the runs that are missing."""
    missing = len(study.grid.runs) - len(study.measured.records)
    if not missing:
        return Part()
    return Part(undone=(site.Command(study.command, f"{missing:,} runs of the comparison."),))


def _further(study: Study) -> Iterator[site.Section]:
    """The tables of which there are runs that Table 1 has not."""
    for number in set(of_runs()) - {1}:
        entry = TABLES[number]
        found = _with_more(entry, study)
        if found:
            tables = shown(entry.outputs(found, View()))
            items: tuple[site.Item, ...] = (*tables, site.Command(found.command))
            yield site.Section(f"table{number}", f"Table {number}: {entry.title}", items=items)


def _with_more(entry: Entry, study: Study) -> Study | None:
    """The study of a table; None where it has no further runs, or cannot be of so few images."""
    try:
        found = entry.study(study, View(), False)
        return found if found.measured.records.keys() - study.measured.records.keys() else None
    except BenchError:
        return None


def _data(study: Study) -> site.Section:
    """Counts, and what is known to be wrong."""
    (output,) = TABLES[3].outputs(study, View())
    lead = "\n\n".join(f"{said}." for said in wrong(study)) or SOUND
    return site.Section("data", "The images", lead, tuple(shown([output])))


def _figures(study: Study) -> Iterator[site.Section]:
    """Those that can be drawn."""
    items: list[site.Item] = []
    for entry in (FIGURES[name] for name in DRAWN if study.measured.records):
        view = answered.view_of(study)
        found = drawn(entry, entry.studies(study, view), view)
        if found and not isinstance(found, str):
            items += [*found, site.Command(f"python -m bench figure {entry.name}{study.options}")]
    if items:
        yield site.Section("figures", "Figures", items=tuple(items))
