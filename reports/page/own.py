"""The report of one's own images: the answer first, what is wrong with the data, no paper."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.base.errors import BenchError
from bench.base.files import expanded
from bench.data.catalogue import NAMES
from bench.study import Study
from reports.claims.paper import load
from reports.figures import style
from reports.figures.catalogue import FIGURES
from reports.page import site
from reports.page.report import of_methods, of_protocol, of_tuning, summary
from reports.results.compare import answers
from reports.results.view import View
from reports.tables.catalogue import TABLES, of_runs

METRICS = ("acc", "auc")
DRAWN = ("forest", "confusion", "reliability", "curves")
LEAD = (
    "Which augmentation helps on these images? All methods are trained alike, compared by seed. "
    "Rest on a number, or reach it with the tab key, for its seeds and interval."
)
SOUND = "Nothing is known to be wrong with these images. `bench data audit` looks."


def is_own(study: Study) -> bool:
    """Whether no dataset is one that papers print numbers of, or stands for one."""
    rebuilt, sets = load("ails").stands_for, study.grid.datasets
    return bool(sets) and not any(
        info.phantom or info.name in NAMES or info.name.partition("@")[0] in rebuilt
        for info in sets
    )


def build(study: Study) -> site.Page:
    """The page of a study of one's own images; no path is on it."""
    study = TABLES[1].study(_named_by_file(study))
    names = ", ".join(info.name for info in study.grid.datasets)
    return site.Page(
        title=f"Augmentation on {names}",
        lead=LEAD,
        summary=(("answer", _answer(study)), *summary(study, study.measured)),
        cautions=tuple(filter(None, (study.config.caution, *_wrong(study)))),
        sections=(
            _compared(study),
            _data(study),
            *_further(study),
            site.Section("figures", "Figures", items=tuple(_figures(study))),
            *((of_tuning(study),) if study.searched() else ()),
            of_methods(study),
            of_protocol(
                study,
                study.measured,
                site.Command(f"python -m bench report{study.options}", "This page."),
            ),
        ),
    )


def _named_by_file(study: Study) -> Study:
    """The datasets by their file names, where these lie in one folder, and the folder beside."""
    paths = [expanded(name) for name in study.named.get("datasets", ())]
    folders = {path.parent for path in paths}
    if len(folders) != 1 or folders == {Path()}:
        return study
    return replace(study, datasets=[path.name for path in paths], data_dir=folders.pop())


def _view(study: Study, metric: str) -> View:
    """Against no augmentation, where it was run."""
    labels = {run.cell.method.label for run in study.grid.runs}
    return View(metric, reference="none" if "none" in labels else None)


def _answer(study: Study) -> str:
    """What the comparison says, in a sentence or two."""
    if not study.measured.records:
        return "no run is done yet"
    try:
        found = {m: " ".join(answers(study, _view(study, m))) for m in METRICS}
    except BenchError as reason:
        return str(reason)
    if len(set(found.values())) == 1:
        return next(iter(found.values())) or "nothing to compare yet"
    return " ".join(f"{metric.upper()}: {said}" for metric, said in found.items())


def _compared(study: Study) -> site.Section:
    """Table 1, by both metrics."""
    title, command = "Methods compared", site.Command(study.command)
    if not study.measured.records:
        return site.Section("compared", title, "No run is done. This does them:", (command,))
    outputs = [o for m in METRICS for o in TABLES[1].outputs(study, _view(study, m))]
    return site.Section("compared", title, items=(*(o.table for o in outputs), command))


def _further(study: Study) -> Iterator[site.Section]:
    """The tables of which there are runs that Table 1 has not."""
    for number in set(of_runs()) - {1}:
        found, view = TABLES[number].study(study, View(), False), View()
        if found.measured.records.keys() - study.measured.records.keys():
            tables = (output.table for output in TABLES[number].outputs(found, view))
            command = site.Command(found.command)
            yield site.Section(f"table{number}", f"Table {number}", items=(*tables, command))


def _wrong(study: Study) -> Iterator[str]:
    for info in study.grid.datasets:
        if info.warnings:
            yield f"{info.name}: {'; '.join(info.warnings)}"


def _data(study: Study) -> site.Section:
    """Counts, and what is known to be wrong."""
    (output,) = TABLES[3].outputs(study, View())
    lead = "\n\n".join(f"{said}." for said in _wrong(study)) or SOUND
    return site.Section("data", "The images", lead, (output.table,))


def _figures(study: Study) -> Iterator[site.Item]:
    """Those that can be drawn."""
    view = _view(study, METRICS[0])
    for name in DRAWN if study.measured.records else ():
        entry = FIGURES[name]
        try:
            figures = entry.figures(entry.studies(study, view), view)
        except BenchError:
            continue
        for figure in figures:
            yield site.Figure(style.inline(figure.drawing, figure.name), figure.caption)
