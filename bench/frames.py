"""A study as rows: of its cells by state, of its runs by what was measured."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.grid.cell import Cell, Run
from bench.store.measured import Record

if TYPE_CHECKING:
    import pandas as pd

    from bench.training.estimate import Cost

PLACE = ("dataset", "method", "backbone", "ratio", "seed")
"""What tells the runs of a study apart."""
STATES = ("done", "running", "failed", "missing", "damaged")


def cells(states: Mapping[Cell, "Counter[str]"]) -> "pd.DataFrame":
    """A row a cell: its place, and how many of its runs are in each state."""
    import pandas as pd

    columns = ["dataset", "ratio", "backbone", "method", *STATES]
    rows = [
        (cell.dataset, cell.ratio, cell.backbone, cell.method.label, *(counts[s] for s in STATES))
        for cell, counts in states.items()
    ]
    return pd.DataFrame(rows, columns=columns)


def planned(states: Mapping[Cell, "Counter[str]"], costs: "Mapping[Run, Cost]") -> "pd.DataFrame":
    """`cells`, with the sum of seconds and of disk, and the most memory, of runs with a cost."""
    left: dict[Cell, list[Cost]] = {cell: [] for cell in states}
    for one, cost in costs.items():
        left[one.cell].append(cost)
    return cells(states).assign(
        seconds=[sum(cost.seconds for cost in each) for each in left.values()],
        memory=[max((cost.memory for cost in each), default=0.0) for each in left.values()],
        disk=[sum(cost.disk for cost in each) for each in left.values()],
    )


def place(one: Run) -> dict[str, Any]:
    cell = one.cell
    values = cell.dataset, cell.method.label, cell.backbone, cell.ratio, one.seed
    return dict(zip(PLACE, values, strict=True))


def row(one: Run, record: Record) -> dict[str, Any]:
    return {**row_of(record), **place(one)}


def row_of(record: Record) -> dict[str, Any]:
    cell, cost = record["cell"], record["cost"]
    place = cell["dataset"], record["label"], cell["backbone"], cell["ratio"], record["seed"]
    return {
        **dict(zip(PLACE, place, strict=True)),
        "source_size": cell["source_size"],
        "input_size": cell["input_size"],
        **record["metrics"],
        **{k: v for k, v in record["validation"].items() if k.startswith("val_")},
        "selected_epoch": record["selected_epoch"],
        "seconds": sum(cost["seconds"].values()),
        **{name: value for name, value in cost.items() if name != "seconds"},
        "device": record["device"],
        "commit": record["commit"],
        "phantom": record["data"]["phantom"],
        "schema": record["schema"],
        "key": record["key"],
    }
