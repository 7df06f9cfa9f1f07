"""What every figure is made into, and what they share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from bench.base.files import write_text
from bench.grid.cell import Run
from bench.study import Study
from reports.figures import style
from reports.results.results import PHANTOM, Results
from reports.results.tidy import Rows, to_tidy_csv


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
    phantom = any(info.phantom for info in study.measured.grid.datasets)
    return "; ".join([*words, *([PHANTOM] if phantom else [])])


def sample_size(study: Study) -> str:
    """`n = 10 seeds`: what a mean and its interval are over."""
    seeds = len(study.measured.seeds)
    return f"n = {seeds} {'seed' if seeds == 1 else 'seeds'}"
