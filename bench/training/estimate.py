"""How long the runs of a selection will take, from measured steps."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from statistics import median
from typing import Any

import torch

from bench.base.task import Task
from bench.data.dataset import Info
from bench.grid.cell import Run
from bench.grid.grid import Grid
from bench.grid.protocol import SMALLEST_BATCH
from bench.store.records import Store
from bench.training.execute import assemble, prepare_process
from bench.training.schedule import Schedule
from bench.training.state import Training
from bench.training.trainer import step as take_step
from methods.method import Progress

Kind = tuple[object, ...]
TIMED_STEPS = 3
LARGEST_TIMED = 256
"""Images of a timed step: larger batches are timed in part."""
LATE = Progress(step=5, steps=10, epoch=5, epochs=10)
"""When methods that start late are at work."""
HARMLESS_LR = 1e-9
"""Of timed steps: a protocol whose rate diverges is found out by its runs."""


def seconds(grid: Grid, runs: Iterable[Run], store: Store, device: str) -> dict[Run, float]:
    """Seconds of one worker for each of these runs.

    The time of an image is the median of finished runs with the same backbone, method, sizes and
    precision; where there are none, a few steps on random images are timed. What generators take
    before that is not known, and not in it.
    """
    infos = {info.name: info for info in grid.datasets}
    known = _measured(store)
    found = {}
    for run in runs:
        info = infos[run.cell.dataset]
        place = kind(run.describe())
        if place not in known:
            known[place] = time_image(run, info, device)
        found[run] = images(run, info) * known[place]
    return found


def from_records(grid: Grid, store: Store) -> Callable[[Run], float | None]:
    """What tells the seconds of a run from finished ones of its kind; None where there are none.

    The records are read when first asked.
    """
    infos = {info.name: info for info in grid.datasets}
    known = cache(lambda: _measured(store))

    def of(run: Run) -> float | None:
        rate = known().get(kind(run.describe()))
        return None if rate is None else rate * images(run, infos[run.cell.dataset])

    return of


def kind(described: dict[str, Any]) -> Kind:
    """What the time of an image depends on, of a run's description or a record."""
    cell, protocol = described["cell"], described["protocol"]
    params = json.dumps(cell["params"], sort_keys=True)
    sizes = cell["input_size"], protocol["batch_size"]
    return cell["backbone"], cell["method"], params, *sizes, protocol["precision"]


def images(run: Run, info: Info) -> int:
    """Training images that a run will see."""
    subset = round(info.counts["train"] * run.cell.ratio)
    return Schedule(subset, run.protocol).steps * min(subset, run.protocol.batch_size)


def time_image(run: Run, info: Info, device: str) -> float:
    """Seconds of one training image, from steps on random images."""
    times = list(_step_times(step(run, info, device), TIMED_STEPS))
    return median(times) / _batch(run, info)


def _batch(run: Run, info: Info) -> int:
    """No more images than there are, nor than an estimate needs."""
    return min(run.protocol.batch_size, LARGEST_TIMED, max(SMALLEST_BATCH, info.counts["train"]))


def step(run: Run, info: Info, device: str) -> Callable[[], object]:
    """One optimiser step of a run on a random batch, as a function."""
    prepare_process(device)
    size = _batch(run, info)
    model, method = assemble(_without_generator(run), info, device)
    protocol = run.protocol.model_copy(update={"lr": HARMLESS_LR})
    training = Training.begin(method.adapt(model), method, protocol)
    images = torch.rand(size, info.channels, info.size, info.size, device=device)
    targets = torch.randint(info.num_classes, (size,), device=device)
    if info.task is Task.MULTILABEL:
        targets = torch.randint(2, (size, info.num_classes), device=device).float()
    return lambda: take_step(training, (images, targets), LATE, protocol)


def _without_generator(run: Run) -> Run:
    """The run at strength zero where its method generates images first: a step costs the same."""
    kind = run.cell.method.method
    if not kind.quick:
        return run
    params = run.cell.method.params.model_copy(update=kind.zero)
    return replace(run, cell=replace(run.cell, method=replace(run.cell.method, params=params)))


def _step_times(one_step: Callable[[], object], steps: int) -> Iterator[float]:
    one_step()
    for _ in range(steps):
        start = time.perf_counter()
        one_step()
        yield time.perf_counter() - start


def _measured(store: Store) -> dict[Kind, float]:
    times: dict[Kind, list[float]] = {}
    for record in store.sound():
        cost = record["cost"]
        times.setdefault(kind(record), []).append(sum(cost["seconds"].values()) / cost["images"])
    return {place: median(values) for place, values in times.items()}
