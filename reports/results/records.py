"""What the finished runs of a grid measured, by method, dataset and seed."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

import numpy as np

from bench import metrics
from bench.base.errors import BenchError
from bench.base.task import Task
from bench.grid.cell import Cell, Run
from bench.grid.grid import Grid, merge
from bench.grid.notation import parts
from bench.store.records import Store

Combine = Literal["mean", "ensemble"]
Record = dict[str, Any]
PHANTOM = "phantom data, not MedMNIST"
UNREAD = {"curves", "facts", "protocol"}
"""Parts of a record that no report uses, left out for memory."""


@dataclass(frozen=True)
class Measured:
    """The finished runs of a grid and their records, less what is `UNREAD`."""

    grid: Grid
    records: dict[Run, Record]

    def values(self, quantity: str) -> dict[Cell, dict[int, float]]:
        """A quantity such as `metrics.acc` or `validation.fdi` by cell of the grid and seed.

        A seed whose run is not done, or where the quantity is undefined, is absent.
        """
        values: dict[Cell, dict[int, float]] = {run.cell: {} for run in self.grid.runs}
        for run, record in self.records.items():
            if (value := look_up(record, quantity)) is not None:
                values[run.cell][run.seed] = value
        return values

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those asked for."""
        return tuple(dict.fromkeys(run.seed for run in self.grid.runs))


def load(store: Store, grid: Grid, known: dict[str, Record] | None = None) -> Measured:
    """Read what is done of a grid; `known` are records by key that need not be read again.

    Raises BenchError where the runs of one dataset were made on different data.
    """
    known = {} if known is None else known
    records = {}
    done = set(store) if any(run.key not in known for run in grid.runs) else set()
    with _no_collection():
        for run in grid.runs:
            if run.key not in known and run.key in done:
                record = store.read(run.key)
                known[run.key] = {k: v for k, v in record.items() if k not in UNREAD}
            if run.key in known:
                records[run] = known[run.key]
    for info in grid.datasets:
        _check_one_source(
            info.name, [record for run, record in records.items() if run.cell.dataset == info.name]
        )
    return Measured(grid, records)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Records hold no cycles; to look for some, again and again, takes longer than to read."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def union(measured: Sequence[Measured]) -> Measured:
    """All runs and records of several grids, each once."""
    return Measured(
        merge(one.grid for one in measured),
        {run: record for one in measured for run, record in one.records.items()},
    )


def seed_means(columns: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """The mean over columns at each seed that has them all."""
    shared = set.intersection(*map(set, columns))
    return {seed: fmean(column[seed] for column in columns) for seed in sorted(shared)}


def complete(values: Mapping[int, float], seeds: Sequence[int]) -> bool:
    """Whether every seed that was asked for has a value; what has not is a dash, and no test."""
    return set(seeds) <= values.keys()


def over(datasets: Sequence[str]) -> str:
    """`on breast`, or `mean over breast, retina`."""
    return f"{'mean over' if len(datasets) > 1 else 'on'} {', '.join(datasets)}"


def look_up(record: Record, quantity: str) -> float | None:
    """A number of a record by its dotted path; None where there is none."""
    found: Any = record
    for part in quantity.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return None if found is None else float(found)


@dataclass(frozen=True)
class Results:
    """A quantity under one backbone (or combination) and ratio, for methods and datasets.

    `values` holds it (metrics as fractions) by (method label, dataset) and seed; a run that is not
    done, or where it is undefined, is absent.
    """

    quantity: str
    backbone: str
    ratio: float
    methods: tuple[str, ...]
    datasets: tuple[str, ...]
    seeds: tuple[int, ...]
    values: dict[tuple[str, str], dict[int, float]]

    @property
    def name(self) -> str:
        """The quantity without its path: `acc`."""
        return self.quantity.rpartition(".")[2]

    def means(self, method: str) -> dict[int, float]:
        """The mean over all datasets at each seed that has them all."""
        return seed_means([self.values[method, dataset] for dataset in self.datasets])

    def complete(self, method: str, dataset: str) -> bool:
        """Whether every seed that was asked for has a value."""
        return complete(self.values[method, dataset], self.seeds)

    @property
    def over(self) -> str:
        """The datasets in words."""
        return over(self.datasets)

    @property
    def phantom(self) -> bool:
        return any(dataset.startswith("phantom-") for dataset in self.datasets)


def collect(
    measured: Measured,
    store: Store,
    backbone: str,
    ratio: float,
    quantity: str = "metrics.acc",
    combine: Combine = "mean",
) -> Results:
    """A quantity of the records of one backbone and ratio.

    A combination `a+b` has, at each seed, the mean over its backbones, or (`ensemble`, for metrics)
    the metric of the mean of their stored test probabilities.
    """
    runs = [
        run
        for run in measured.grid.runs
        if run.cell.backbone in parts(backbone) and run.cell.ratio == ratio
    ]
    records = {run: measured.records[run] for run in runs if run in measured.records}
    members: dict[tuple[str, str], dict[int, list[Run]]] = {}
    for run in runs:
        place = run.cell.method.label, run.cell.dataset
        members.setdefault(place, {}).setdefault(run.seed, []).append(run)
    values = {
        place: {
            seed: value
            for seed, together in by_seed.items()
            if all(run in records for run in together)
            and (value := _value(store, [records[r] for r in together], quantity, combine))
            is not None
        }
        for place, by_seed in members.items()
    }
    methods = dict.fromkeys(method for method, _ in members)
    datasets = dict.fromkeys(dataset for _, dataset in members)
    return Results(
        quantity=quantity,
        backbone=backbone,
        ratio=ratio,
        methods=tuple(methods),
        datasets=tuple(datasets),
        seeds=tuple(dict.fromkeys(run.seed for run in runs)),
        values={(m, d): values.get((m, d), {}) for m in methods for d in datasets},
    )


def _value(
    store: Store, records: Sequence[Record], quantity: str, combine: Combine
) -> float | None:
    if combine == "ensemble" and len(records) > 1:
        return _ensemble(store, records, quantity.removeprefix("metrics."))
    found = [value for record in records if (value := look_up(record, quantity)) is not None]
    return fmean(found) if len(found) == len(records) else None


def _ensemble(store: Store, records: Sequence[Record], metric: str) -> float | None:
    predictions = [store.predictions(str(record["key"])) for record in records]
    scores = np.mean([scores for scores, _ in predictions], axis=0)
    task = Task(records[0]["cell"]["task"])
    return metrics.compute(metric, scores, predictions[0][1], task)


def _check_one_source(dataset: str, records: list[Record]) -> None:
    sources: dict[str, int] = {}
    for record in records:
        fingerprint = str(record["data"]["fingerprint"])
        sources[fingerprint] = sources.get(fingerprint, 0) + 1
    if len(sources) > 1:
        found = ", ".join(f"{count} runs of {name[:8]}" for name, count in sources.items())
        raise BenchError(
            f"the records of {dataset} were made on different data ({found}); "
            "name another folder with --results, or delete the records of one of them"
        )
