"""What the runs of a kind take on a device: a few steps and looks, timed on random images."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench import metrics
from bench.backbone import Backbone
from bench.base import process
from bench.base.split import Indices, Split
from bench.base.task import Task
from bench.data.dataset import Info
from bench.grid.cell import Run
from bench.grid.protocol import SMALLEST_BATCH
from bench.training.evaluation import predict
from bench.training.execute import assemble, prepare_process
from bench.training.state import Training
from bench.training.trainer import step as take_step
from methods.method import Method, Progress, Workspace

MOST, STEP_SECONDS, LOOK_SECONDS = 30, 1.0, 0.3
"""So many steps and looks are timed at most, and for so long."""
LOOKED_AT = (32, 256)
"""Images of a small and of a large look."""
GENERATOR_SECONDS = 6.0
"""So long a generator is watched, after its first step."""
DIFFERENT = 64
"""Of the images that a generator learns from."""
LARGEST_TIMED = 256
"""Images of a timed step: larger batches are timed in part."""
LATE = Progress(step=5, steps=10, epoch=5, epochs=10)
"""When methods that start late are at work."""
HARMLESS_LR = 1e-9
"""Of timed steps: a protocol whose rate diverges is found out by its runs."""


@dataclass(frozen=True)
class Rates:
    """Seconds of an image that is trained on, of a look at a split and of each image in it, of
    setting up, and of the method's generator; and bytes of memory at most, without the data.
    """

    step: float
    look: float
    image: float
    setup: float
    generator: float
    memory: int


def measure(run: Run, info: Info, device: str) -> Rates:
    """The rates of a run's kind, in this process.

    Times on a CPU are those of a core of its own, whatever else the machine does meanwhile.
    """
    prepare_process(device)
    clock = clock_of(device)
    began = clock()
    plain = _without_generator(run)
    model, method = assemble(plain, info, device)
    model = method.adapt(model)
    setup = clock() - began
    step = _timed(stepper(plain, info, model, method), clock, STEP_SECONDS) / batch_size(run, info)
    looks = (_look(model, info, count, device) for count in LOOKED_AT)
    small, large = (_timed(look, clock, LOOK_SECONDS) for look in looks)
    image = max(0.0, large - small) / (LOOKED_AT[1] - LOOKED_AT[0])
    look = max(0.0, small - LOOKED_AT[0] * image)
    return Rates(step, look, image, setup, generator(run, info, device), process.peak_memory())


def batch_size(run: Run, info: Info) -> int:
    """No more images than there are, nor than an estimate needs."""
    return min(run.protocol.batch_size, LARGEST_TIMED, max(SMALLEST_BATCH, info.counts["train"]))


def stepper(run: Run, info: Info, model: Backbone, method: Method) -> Callable[[], object]:
    """One optimiser step of a run on a random batch, as a function."""
    size, device = batch_size(run, info), method.setting.device
    protocol = run.protocol.model_copy(update={"lr": HARMLESS_LR})
    training = Training.begin(model.train(), method, protocol)
    images = torch.rand(size, info.channels, info.size, info.size, device=device)
    targets = _targets(info, size).to(device)

    return lambda: take_step(training, (images, targets), LATE, protocol)


def generator(run: Run, info: Info, device: str) -> float:
    """Seconds that the images of a method take before training, from the fraction of the work that
    is done in the first ones; 0 for a method that makes none.
    """
    if not run.cell.method.method.quick:
        return 0.0
    _, method = assemble(run, info, device)
    subset = max(SMALLEST_BATCH, round(info.counts["train"] * run.cell.ratio))
    clock = clock_of(device)
    began, told = clock(), list[tuple[float, float]]()

    def report(fraction: float) -> None:
        told.append((clock(), fraction))
        if told[-1][0] - told[0][0] > GENERATOR_SECONDS:
            raise _EnoughError

    with tempfile.TemporaryDirectory() as folder:
        try:
            method.prepare(_random_split(info, subset), Workspace(Path(folder), {}, report))
        except _EnoughError:
            (first, some), (last, more) = told[0], told[-1]
            return first - began + (last - first) * (1 - some) / (more - some)
    return clock() - began


class _EnoughError(Exception):
    """The generator was watched for long enough."""


def _without_generator(run: Run) -> Run:
    """The run at strength zero where its method generates images first: a step costs the same."""
    kind = run.cell.method.method
    if not kind.quick:
        return run
    params = run.cell.method.params.model_copy(update=kind.zero)
    return replace(run, cell=replace(run.cell, method=replace(run.cell.method, params=params)))


def _look(model: Backbone, info: Info, count: int, device: str) -> Callable[[], object]:
    """An evaluation of so many images."""
    split = _random_split(info, count)
    targets = split.targets.numpy()
    return lambda: metrics.all_metrics(
        predict(model, split.to(device), info.task, device), targets, info.task
    )


def _random_split(info: Info, count: int) -> Split:
    """So many images, of which few are different, so that they take no memory."""
    shape = (info.size, info.size, *([info.channels] if info.channels > 1 else []))
    some = np.random.default_rng(0).integers(256, size=(DIFFERENT, *shape), dtype=np.uint8)
    return Split(_Repeated(some), _targets(info, count))


class _Repeated:
    """Images over and over."""

    def __init__(self, some: NDArray[np.uint8]) -> None:
        self.some = some

    def __getitem__(self, rows: Indices) -> NDArray[np.uint8]:
        return self.some[rows % len(self.some)]


def _targets(info: Info, count: int) -> Tensor:
    """All classes, in turn."""
    if info.task is Task.MULTILABEL:
        rows = torch.arange(count)[:, None] + torch.arange(info.num_classes)
        return (rows % 2).float()
    return torch.arange(count) % info.num_classes


def clock_of(device: str) -> Callable[[], float]:
    """The seconds of this process on a CPU; of a GPU those on the wall, when it has done all."""
    if device == "cpu":
        return time.process_time

    def clock() -> float:
        torch.accelerator.synchronize(device)
        return time.perf_counter()

    return clock


def _timed(action: Callable[[], object], clock: Callable[[], float], enough: float) -> float:
    """The median of some times, after one that is not counted."""
    action()
    times: list[float] = []
    while sum(times) < enough and len(times) < MOST:
        began = clock()
        action()
        times.append(clock() - began)
    return median(times)
