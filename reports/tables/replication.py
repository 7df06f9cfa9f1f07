"""Our baseline beside what MedMNIST and others published for the same network and protocol."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bench.base.errors import BenchError
from bench.stats.paired import Summary, summarise
from bench.study import Study
from reports.published.printed import FOLDER
from reports.tables.output import Output
from reports.tables.table import DASH, Cell, Row, Table

METRICS = {"auc": ("AUC", 0.02), "acc": ("ACC", 0.03)}
"""Title, and the least tolerance: what AIscend's replication allows itself."""
SIGMAS = 3.0


@dataclass(frozen=True)
class Source:
    """What somebody published: means over `n` runs and, where they are known, their SDs."""

    name: str
    dataset: str
    network: str
    n: int
    mean: Mapping[str, float]
    sd: Mapping[str, float | None]


@cache
def sources() -> tuple[Source, ...]:
    """All that `replications.csv` holds."""
    text = (FOLDER / "replications.csv").read_text(encoding="utf-8")
    return tuple(
        Source(
            row["source"],
            row["dataset"],
            row["network"],
            int(row["n"]),
            {metric: float(row[metric]) for metric in METRICS},
            {metric: float(sd) if (sd := row[f"{metric}_sd"]) else None for metric in METRICS},
        )
        for row in csv.DictReader(text.splitlines())
    )


def tolerance(metric: str, ours: Summary) -> float:
    """How far a published mean may be from ours: 3 SD / √n of our runs, at least 0.02 of AUC and
    0.03 of ACC.
    """
    _, least = METRICS[metric]
    return max(least, SIGMAS * ours.sd / math.sqrt(ours.n))


def output(parts: Mapping[str, Study]) -> Output:
    """A row a source and a pair of columns a part; each part is one baseline on one dataset.

    Raises BenchError where a part has fewer than two runs, or nobody published its cell.
    """
    ours = {name: _summaries(study) for name, study in parts.items()}
    (dataset, network), *others = {_cell(study) for study in parts.values()}
    found = [s for s in sources() if (s.dataset, s.network) == (dataset, network)]
    if others or not found:
        raise BenchError(f"nothing was published that {dataset} with {network} compares with")
    cells = [_compared(source, name, m, s) for source in found for name, m, s in _each(ours)]
    blank = (DASH,) * (len(cells) // len(found))
    rows = [
        Row(f"ours, {name}", (str(of["auc"].n), *(Cell(s.mean, s.sd) for s in of.values()), *blank))
        for name, of in ours.items()
    ]
    for source in found:
        printed = (Cell(source.mean[metric], source.sd[metric]) for metric in METRICS)
        compared = (_shown(cell) for cell in cells if cell["source"] == source.name)
        rows.append(Row(source.name, (str(source.n), *printed, *compared)))
    titles = [title for title, _ in METRICS.values()]
    table = Table(
        title=f"{dataset}, {network}, without augmentation: ours and published",
        columns=(
            "source",
            "runs",
            *(f"{title} (%)" for title in titles),
            *(f"{title}, {name} minus it" for name in parts for title in titles),
        ),
        rows=tuple(rows),
        notes=(
            "Mean ± SD over runs; differences in points, in brackets what is allowed: 3 SD / √n of "
            "our runs, at least 2 points of AUC and 3 of ACC. ! marks a difference beyond it.",
            *(f"{name}: {study.command}." for name, study in parts.items()),
        ),
        label="tab:replication",
    )
    return Output("replication", table, cells)


def _cell(study: Study) -> tuple[str, str]:
    cell = study.grid.runs[0].cell
    return cell.dataset, cell.backbone


def _summaries(study: Study) -> dict[str, Summary]:
    """Ours, by metric."""
    values = {m: list(study.measured.values(f"metrics.{m}").values()) for m in METRICS}
    if any(len(cells) != 1 or len(cells[0]) < 2 for cells in values.values()):
        raise BenchError(
            f"fewer than two runs are done, or several cells asked for: {study.command}"
        )
    return {metric: summarise(cells[0].values()) for metric, cells in values.items()}


def _each(ours: Mapping[str, Mapping[str, Summary]]) -> Iterator[tuple[str, str, Summary]]:
    return ((part, metric, of[metric]) for part, of in ours.items() for metric in METRICS)


def _compared(source: Source, part: str, metric: str, ours: Summary) -> dict[str, Any]:
    difference, allowed = ours.mean - source.mean[metric], tolerance(metric, ours)
    return {
        "source": source.name,
        "part": part,
        "metric": metric,
        "n": ours.n,
        "mean": ours.mean,
        "sd": ours.sd,
        "published": source.mean[metric],
        "difference": difference,
        "allowed": allowed,
        "within": abs(difference) <= allowed,
    }


def _shown(cell: Mapping[str, Any]) -> str:
    text = f"{100 * cell['difference']:+.1f} (±{100 * cell['allowed']:.1f})"
    return text.replace("-", "−") + " !" * (not cell["within"])
