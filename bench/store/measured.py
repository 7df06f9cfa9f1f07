"""What the finished runs of a grid measured."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench import metrics
from bench.base.errors import BenchError
from bench.grid.cell import Cell, Run
from bench.grid.grid import Grid, merge
from bench.store.records import DamagedError, Store

Record = dict[str, Any]
UNREAD = {"curves", "facts", "protocol"}
"""Parts of a record that are left out for memory."""


@dataclass(frozen=True)
class Measured:
    """The finished runs of a grid and their records, less what is `UNREAD`."""

    grid: Grid
    records: dict[Run, Record]
    store: Store | None = None
    _values: dict[str, dict[Cell, dict[int, float]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def values(self, quantity: str) -> dict[Cell, dict[int, float]]:
        """A quantity such as `metrics.acc` or `validation.fdi` by cell of the grid and seed.

        A metric that a record does not hold is computed from the stored predictions. A seed whose
        run is not done, or where the quantity is undefined, is absent.
        """
        if quantity not in self._values:
            values: dict[Cell, dict[int, float]] = {run.cell: {} for run in self.grid.runs}
            for run, record in self.records.items():
                if (value := self._value(record, quantity)) is not None:
                    values[run.cell][run.seed] = value
            self._values[quantity] = values
        return self._values[quantity]

    def _value(self, record: Record, quantity: str) -> float | None:
        of_metrics, _, name = quantity.partition("metrics.")
        if of_metrics or name in record["metrics"] or self.store is None:
            return look_up(record, quantity)
        return metrics.of_run(name, record, self.store.predictions)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those asked for."""
        return tuple(dict.fromkeys(run.seed for run in self.grid.runs))

    @property
    def ratios(self) -> tuple[float, ...]:
        return tuple(dict.fromkeys(run.cell.ratio for run in self.grid.runs))

    @property
    def phantom(self) -> bool:
        """Whether any of its datasets is a phantom."""
        return any(info.phantom for info in self.grid.datasets)


def load(
    store: Store,
    grid: Grid,
    known: dict[str, Record] | None = None,
    damaged: dict[str, DamagedError] | None = None,
) -> Measured:
    """Read what is done of a grid; `known` are records by key that need not be read again.

    What is `damaged` is left out; what is found to be so joins it. Raises BenchError where the runs
    of one dataset were made on different data.
    """
    known = {} if known is None else known
    damaged = {} if damaged is None else damaged
    records = {}
    done = set(store) if any(run.key not in known for run in grid.runs) else set()
    with _no_collection():
        for run in grid.runs:
            if run.key not in known and run.key in done and run.key not in damaged:
                try:
                    record = store.read(run.key)
                except DamagedError as damage:
                    damaged[run.key] = damage
                    continue
                known[run.key] = {k: v for k, v in record.items() if k not in UNREAD}
            if run.key in known:
                records[run] = known[run.key]
    for info in grid.datasets:
        _check_one_source(
            info.name, [record for run, record in records.items() if run.cell.dataset == info.name]
        )
    return Measured(grid, records, store)


def union(measured: Sequence[Measured]) -> Measured:
    """All runs and records of several grids, each once."""
    return Measured(
        merge(one.grid for one in measured),
        {run: record for one in measured for run, record in one.records.items()},
        measured[0].store,
    )


def look_up(record: Mapping[str, Any], quantity: str) -> float | None:
    """A number of a record by its dotted path; None where there is none."""
    found: Any = record
    for part in quantity.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return None if found is None else float(found)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Records hold no cycles; to look for some, again and again, takes longer than to read."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


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
