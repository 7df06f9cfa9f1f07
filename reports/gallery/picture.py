"""What every figure is made into, and what they share."""

from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from bench.grid import Run
from bench.store import write_text
from reports.figures import style
from reports.output import Rows, to_tidy_csv
from reports.results import PHANTOM, Results
from reports.stats import summarise
from reports.study import Study, View


@dataclass(frozen=True)
class Picture:
    """A figure, the stem of its files, what it shows, the numbers behind it, and their tests."""

    name: str
    figure: Figure
    caption: str
    rows: Rows
    tests: Rows = field(default_factory=list)


def write(picture: Picture, folder: Path) -> list[Path]:
    """SVG, PDF and CSV."""
    written = style.save(picture.figure, folder, picture.name)
    written.append(write_text(folder / f"{picture.name}.csv", to_tidy_csv(picture.rows)))
    if picture.tests:
        path = folder / f"{picture.name}-tests.csv"
        written.append(write_text(path, to_tidy_csv(picture.tests)))
    return written


def runs_of(study: Study, results: Results, dataset: str) -> dict[str, dict[int, Run]]:
    """The finished runs of one dataset, by method and seed."""
    found: dict[str, dict[int, Run]] = {}
    for run in study.measured.records:
        cell = run.cell
        if (cell.dataset, cell.backbone, cell.ratio) == (dataset, results.backbone, results.ratio):
            found.setdefault(cell.method.label, {})[run.seed] = run
    return found


def complete(results: Results, method: str) -> bool:
    """Whether every dataset has every seed."""
    return all(results.complete(method, dataset) for dataset in results.datasets)


def mean_and_interval(results: Results, method: str) -> tuple[float, float, float]:
    """Of the mean over datasets: mean, and 95 % interval over seeds."""
    summary = summarise(results.means(method).values())
    return summary.mean, summary.low, summary.high


def stem(study: Study, name: str, view: View, backbone: str, ratio: float) -> list[str]:
    """A file name that tells backbones and ratios apart where there are several."""
    stem = [name, view.metric, *study.suffix(backbone)]
    return [*stem, f"{ratio:g}"] if len(study.ratios) > 1 else stem


def note(study: Study) -> str:
    """What a figure says of phantom data."""
    return PHANTOM if any(info.phantom for info in study.measured.grid.datasets) else ""


def over(study: Study) -> str:
    """The datasets in words."""
    names = ", ".join(info.name for info in study.measured.grid.datasets)
    return f"mean over {names}" if "," in names else f"on {names}"
