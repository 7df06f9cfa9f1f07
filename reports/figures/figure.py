"""A figure: its drawing, caption and numbers; and what those who make one share."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from matplotlib.figure import Figure as MplFigure
from numpy.typing import NDArray

from bench.base.files import write_text
from bench.data.catalogue import Info
from bench.grid.cell import Run
from bench.grid.notation import parts
from bench.metrics import Metric
from bench.study import Study
from reports.figures import style
from reports.results.results import PHANTOM, Results, collect
from reports.results.tidy import Rows, to_tidy_csv
from reports.results.view import View
from reports.results.wording import dataset_titles, method_titles
from reports.tables.table import Table
from reports.tables.table import titled as title

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Curve = Sequence[dict[str, Any]]
"""What is recorded of a run, epoch after epoch."""


@dataclass(frozen=True)
class Figure:
    """The stem of its files, what is drawn, what it shows, the numbers behind it, their tests.

    `narrow` shows the same in one column, where the drawing is too wide for a phone; `numbers` is
    what is shown as a table, for those who cannot see it.
    """

    name: str
    drawing: MplFigure
    caption: str
    rows: Rows
    tests: Rows = field(default_factory=list)
    narrow: MplFigure | None = None
    numbers: Table | None = None


def write(figure: Figure, folder: Path) -> list[Path]:
    """SVG, PDF and CSV."""
    written = style.save(figure.drawing, folder, figure.name)
    if figure.narrow:
        written += style.save(figure.narrow, folder, f"{figure.name}-narrow")
    written.append(write_text(folder / f"{figure.name}.csv", to_tidy_csv(figure.rows)))
    if figure.tests:
        path = folder / f"{figure.name}-tests.csv"
        written.append(write_text(path, to_tidy_csv(figure.tests)))
    return written


def places(study: Study) -> list[tuple[str, float]]:
    """Each backbone (or combination) and ratio of the study."""
    backbones, ratios = study.backbone_labels, study.measured.ratios
    return [(backbone, ratio) for backbone in backbones for ratio in ratios]


def by_dataset(study: Study, quantity: str) -> Iterator[Results]:
    """A quantity on each dataset alone, for each backbone and ratio; a combination has no runs."""
    for backbone, ratio in places(study):
        if len(parts(backbone)) == 1:
            results = collect(study, backbone, ratio, quantity)
            for dataset in results.datasets:
                yield replace(results, datasets=(dataset,))


def chosen(results: Results, view: View) -> Results:
    """Those of the methods that the view is about."""
    names = view.calibrated or results.methods
    return replace(results, methods=tuple(m for m in results.methods if m in names))


def info_of(study: Study, dataset: str) -> Info:
    """What is known of a dataset of the study."""
    return next(info for info in study.measured.grid.datasets if info.name == dataset)


def in_percent(metric: Metric) -> str:
    """What follows the title of a metric on an axis: ` (%)` where it is printed in percent."""
    return " (%)" if metric.scale == 100 else ""


def runs_of(study: Study, results: Results, dataset: str) -> dict[str, dict[int, Run]]:
    """The runs of one dataset that the results show, by method and seed: none beyond a look."""
    found: dict[str, dict[int, Run]] = {}
    for run in study.measured.records:
        cell, label = run.cell, run.cell.method.label
        here = (cell.dataset, cell.backbone, cell.ratio)
        shown = results.values.get((label, dataset), {})
        if here == (dataset, results.backbone, results.ratio) and run.seed in shown:
            found.setdefault(label, {})[run.seed] = run
    return found


def curves_of(study: Study, runs: Iterable[Run]) -> list[Curve]:
    """What the record of each run holds, epoch after epoch."""
    return [study.store.read(run.key)["curves"] for run in runs]


def by_epoch(curves: Sequence[Curve], quantities: Iterable[str]) -> dict[str, NDArray[np.float64]]:
    """Each of these quantities by run and epoch (S, E); nan is undefined."""
    return {
        quantity: np.array([[epoch[quantity] for epoch in run] for run in curves], dtype=float)
        for quantity in quantities
    }


def gaps(results: Results) -> list[str]:
    """`mixup on breast, retina (12 of 20 runs)` for each method that lacks seeds."""
    found = []
    for method in results.methods:
        lacking = [d for d in results.datasets if not results.complete(method, d)]
        if lacking:
            done = sum(len(results.values[method, dataset]) for dataset in lacking)
            asked = len(lacking) * len(results.seeds)
            found.append(f"{method} on {', '.join(lacking)} ({done} of {asked} runs)")
    return found


def left_out(what: str, gaps: Sequence[str]) -> str:
    """A sentence on what a figure does not show, to end its caption; none where that is nothing."""
    return f" {what}: {'; '.join(gaps)}." if gaps else ""


def under(backbone: str, ratio: float) -> str:
    """What was trained, for a caption: the backbone, and the part of the training split."""
    return backbone if ratio == 1 else f"{backbone}, {ratio:.0%} of the training split"


def note(study: Study, *words: str) -> str:
    """What stands below a figure: the words, and whether the data are phantom."""
    return "; ".join([*words, *([PHANTOM] if study.measured.phantom else [])])


def sample_size(results: Results) -> str:
    """`n = 10 seeds`: what a mean and its interval are over."""
    return f"n = {results.over_seeds}"


Drawn = TypeVar("Drawn", bound="DataclassInstance")


def titled(study: Study, drawn: Sequence[Drawn]) -> list[Drawn]:
    """What is drawn of methods and datasets, by their names for print."""
    methods, datasets = method_titles(study), dataset_titles(study)

    def named(one: Any) -> Any:
        names = {"method": title(one.method, methods)}
        if hasattr(one, "dataset"):
            names["dataset"] = title(one.dataset, datasets)
        return replace(one, **names)

    return [named(one) for one in drawn]
