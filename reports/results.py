"""What the finished runs of a grid measured, by method, dataset and seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from bench.errors import BenchError
from bench.evaluation import metrics
from bench.grid import Grid, Run, parts
from bench.store import Store
from bench.task import Task

Combine = Literal["mean", "ensemble"]
Record = dict[str, Any]
PHANTOM = "phantom data, not MedMNIST"


@dataclass(frozen=True)
class Results:
    """One backbone (or combination) and one ratio: the methods and datasets of a table.

    `values` holds a metric, as a fraction, by (method label, dataset) and seed; a run that is not
    done, or whose metric is undefined, is absent. `records` are those of all runs that are done.
    """

    backbone: str
    ratio: float
    methods: tuple[str, ...]
    datasets: tuple[str, ...]
    seeds: tuple[int, ...]
    values: dict[tuple[str, str], dict[int, float]]
    records: tuple[Record, ...]

    def complete(self, method: str, dataset: str) -> bool:
        """Whether every seed that was asked for has a value."""
        return set(self.seeds) <= self.values[method, dataset].keys()

    @property
    def phantom(self) -> bool:
        return any(dataset.startswith("phantom-") for dataset in self.datasets)


def collect(
    store: Store, grid: Grid, backbone: str, ratio: float, metric: str, combine: Combine = "mean"
) -> Results:
    """Read the records of one backbone and ratio of a grid.

    A combination `a+b` has, at each seed, the mean of its backbones' metrics, or the metric of the
    mean of their stored test probabilities (`ensemble`). Raises BenchError where the runs of one
    dataset were made on different data.
    """
    runs = [r for r in grid.runs if r.cell.backbone in parts(backbone) and r.cell.ratio == ratio]
    records = {run: store.read(run.key) for run in runs if store.done(run.key)}
    for info in grid.datasets:
        _check_one_source(
            info.name, {r: rec for r, rec in records.items() if r.cell.dataset == info.name}
        )
    members: dict[tuple[str, str], dict[int, list[Run]]] = {}
    for run in runs:
        place = run.cell.method.label, run.cell.dataset
        members.setdefault(place, {}).setdefault(run.seed, []).append(run)
    values = {
        place: {
            seed: value
            for seed, together in by_seed.items()
            if all(run in records for run in together)
            and (value := _value(store, [records[r] for r in together], metric, combine))
            is not None
        }
        for place, by_seed in members.items()
    }
    methods = dict.fromkeys(method for method, _ in members)
    datasets = dict.fromkeys(dataset for _, dataset in members)
    return Results(
        backbone=backbone,
        ratio=ratio,
        methods=tuple(methods),
        datasets=tuple(datasets),
        seeds=tuple(dict.fromkeys(run.seed for run in runs)),
        values={(m, d): values.get((m, d), {}) for m in methods for d in datasets},
        records=tuple(records.values()),
    )


def _value(store: Store, records: Sequence[Record], metric: str, combine: Combine) -> float | None:
    if combine == "ensemble" and len(records) > 1:
        return _ensemble(store, records, metric)
    found = [record["metrics"][metric] for record in records]
    return None if None in found else float(np.mean(found))


def _ensemble(store: Store, records: Sequence[Record], metric: str) -> float | None:
    predictions = [store.predictions(str(record["key"])) for record in records]
    scores = np.mean([scores for scores, _ in predictions], axis=0)
    task = Task(records[0]["cell"]["task"])
    return metrics(scores, torch.from_numpy(predictions[0][1]), task)[metric]


def _check_one_source(dataset: str, records: dict[Run, Record]) -> None:
    sources: dict[str, int] = {}
    for record in records.values():
        fingerprint = str(record["data"]["fingerprint"])
        sources[fingerprint] = sources.get(fingerprint, 0) + 1
    if len(sources) > 1:
        found = ", ".join(f"{count} runs of {name[:8]}" for name, count in sources.items())
        raise BenchError(
            f"the records of {dataset} were made on different data ({found}); "
            "name another folder with --results, or delete the records of one of them"
        )
