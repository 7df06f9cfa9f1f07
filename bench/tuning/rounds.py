"""Rounds: a batch of trials of every search, until each has had as many."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench import metrics
from bench.base.errors import BenchError, Note
from bench.engines.progress import console
from bench.grid import notation
from bench.grid.cell import TUNING_SEEDS, Run
from bench.grid.grid import Grid
from bench.grid.protocol import Protocol
from bench.store.records import Store
from bench.tuning.point import Point
from bench.tuning.search import Objective, Search, read, restore
from bench.tuning.tuned import Shelf

if TYPE_CHECKING:
    import pandas as pd

Do = Callable[[Sequence[Run]], None]
"""Does runs, as many at a time as there are workers."""
Searches = Mapping[Path, Search]
"""By the file of each."""


def objective(
    metric: str | None, seeds: int | str | Sequence[int], protocol: Protocol
) -> Objective:
    """`metric`, else that which selects epochs, else AUC; over so many seeds, or these.

    Raises BenchError for a seed that reports may use, and a metric that validation does not keep.
    """
    selecting = metrics.selecting(protocol.select)
    named = metrics.get(metric).name if metric else selecting.name if selecting else "auc"
    kept = {*metrics.RECORDED, *([selecting.name] if selecting else [])}
    if named not in kept:
        held = ", ".join(sorted(kept))
        raise BenchError(f"{named} is not recorded on the validation split; tune for {held}")
    chosen = notation.seeds(seeds)
    if isinstance(seeds, int) or str(seeds).isdigit():
        chosen = tuple(TUNING_SEEDS + seed for seed in chosen)
    if min(chosen) < TUNING_SEEDS:
        raise BenchError(
            f"seed {min(chosen)} belongs to reports; tune on seeds from {TUNING_SEEDS} on, "
            f"or write a count, which starts there"
        )
    return Objective(named, chosen)


def searches(grid: Grid, objective: Objective, shared: Sequence[str], shelf: Shelf) -> Searches:
    """A search for each cell of a grid, with the trials that it has had.

    A method with nothing to tune is named in a note; so are trials that were set aside. Raises
    BenchError where no method has anything to tune, and for parameters in brackets.
    """
    if not grid.runs:
        raise BenchError("; ".join(grid.notes))
    found: dict[Path, Search] = {}
    idle = []
    for run in {run.cell: run for run in grid.runs}.values():
        if run.cell.method.given:
            raise BenchError(
                f"{run.cell.method.label}: tuning starts from the defaults; leave the brackets out"
            )
        search = Search(run.cell, run.protocol, objective, tuple(shared))
        if search.space:
            found[shelf.search_path(run.cell)] = search
        else:
            idle.append(run.cell.method.label)
    if idle:
        said = f"{', '.join(dict.fromkeys(idle))}: nothing to tune without --with lr,weight_decay"
        if not found:
            raise BenchError(said)
        warnings.warn(said, Note, stacklevel=2)
    for path, search in found.items():
        if said := restore(search, path):
            warnings.warn(said, Note, stacklevel=2)
    return found


def searched(grid: Grid, shelf: Shelf) -> list[Search]:
    """The searches that there are of the cells of a grid; of what changed since there is none."""
    protocols = {run.cell: run.protocol for run in grid.runs}
    found = (read(shelf.search_path(cell), cell, p) for cell, p in protocols.items())
    return [search for search in found if search]


def rounds(searches: Searches, trials: int, store: Store, do: Do) -> None:
    """Give every search so many trials; after each round it is written to its file."""
    while batches := {
        path: points for path, search in searches.items() if (points := search.propose(trials))
    }:
        console().print(_announced(searches, batches, trials), highlight=False)
        do([r for path, points in batches.items() for p in points for r in searches[path].runs(p)])
        for path, points in batches.items():
            for point in points:
                searches[path].end(point, store)
            searches[path].write(path)


def _announced(searches: Searches, batches: Mapping[Path, Sequence[Point]], trials: int) -> str:
    """`trials 4–7 of 32: mixup on breast, resnet18; …`."""
    numbers: dict[str, list[str]] = {}
    for path, points in batches.items():
        first = len(searches[path].trials)
        span = f"{first}–{first + len(points) - 1}" if len(points) > 1 else str(first)
        numbers.setdefault(span, []).append(searches[path].name)
    return "\n".join(f"trials {s} of {trials}: {'; '.join(n)}" for s, n in numbers.items())


def trials_frame(searches: Searches, trials: int) -> "pd.DataFrame":
    """A row a trial: where, its `parameters`, its `value` (nan where it failed, and `reason`), and
    the training images and seconds that it took.
    """
    import pandas as pd

    rows = [
        {
            "dataset": search.cell.dataset,
            "method": search.cell.method.label,
            "backbone": search.cell.backbone,
            "ratio": search.cell.ratio,
            "trial": trial.number,
            "value": trial.value,
            "parameters": trial.params,
            "reason": trial.reason,
            "images": trial.images,
            "seconds": trial.seconds,
        }
        for search in searches.values()
        for trial in search.trials[:trials]
    ]
    return pd.DataFrame(rows)
