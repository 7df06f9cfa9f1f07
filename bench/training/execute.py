"""execute(run): where data, method, backbone and trainer meet."""

import hashlib
import inspect
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench import backbone, metrics
from bench.base import process, version
from bench.base.errors import BenchError
from bench.base.split import Split
from bench.data.dataset import Dataset, Info, open_dataset, subset_indices
from bench.grid.cell import Run
from bench.training import environment, hooks
from bench.training.balance import class_weights
from bench.training.evaluation import predict
from bench.training.state import UNWATCHED, Training, Watch, weights
from bench.training.trainer import fit
from methods.method import Method, Setting, Workspace

PARTS = 1000
"""Into how many parts the progress of preparation is cut."""
CONVERGED = 0.95
"""Epochs to convergence: the first with this fraction of the highest validation ACC."""


@dataclass(frozen=True)
class Outcome:
    """What a finished run leaves: its record, and its test probabilities (N, C) with targets.

    A tuning run leaves no metrics of the test split, and no rows.
    """

    record: dict[str, Any]
    scores: NDArray[np.float32]
    targets: NDArray[np.generic]


def prepare_process(device: str) -> None:
    """One thread and deterministic kernels: the same key gives the same bits on one machine.

    On a GPU fp32 is fp32: convolutions take no TensorFloat-32.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    if device == "cpu":
        torch.set_num_threads(1)


@dataclass(frozen=True)
class Learned:
    """A trained run: the model holds the selected weights; `train` is what it was trained on."""

    model: backbone.Backbone
    method: Method
    training: Training
    train: Split
    extra_parameters: int


def execute(
    run: Run,
    *,
    data_dir: Path | None = None,
    device: str = "cpu",
    dataset: Dataset | None = None,
    workshop: Path = Path("results/generated"),
    watch: Watch = UNWATCHED,
) -> Outcome:
    """Train, select and evaluate one run; the test split is opened once, after selection, and for a
    tuning run not at all.

    `dataset` saves opening it again; `workshop` is where methods keep what they generate. Raises
    `trainer.DivergedError` where the loss is not finite, and `methods.method.NotYetError`.
    """
    started, clock = time.time(), Clock()
    dataset = dataset or open_dataset(run.cell.source, run.cell.source_size, data_dir)
    info = dataset.info
    if info.fingerprint != run.cell.data:
        raise BenchError(f"{info.name} has changed since the run was planned; start again")
    learned = learn(run, dataset, clock, device, workshop, watch)
    scores, targets, measured = (
        untested(info) if run.tunes else tested(learned.model, dataset, device)
    )
    clock.lap("test")
    record = run.describe() | {
        "key": run.key,
        "label": run.cell.method.written,
        "data": provenance(info, len(learned.train)),
        "metrics": measured,
        "facts": hooks.facts(learned.method),
        **course(learned.training),
        "cost": cost(learned, clock),
        **surroundings(run, device),
        "started": round(started, 3),
        "ended": round(time.time(), 3),
    }
    return Outcome(record, scores, targets)


def tested(
    model: backbone.Backbone, dataset: Dataset, device: str
) -> tuple[NDArray[np.float32], NDArray[np.generic], dict[str, float | None]]:
    """Probabilities and targets of the test split, and its metrics."""
    test, task = dataset.split("test"), dataset.info.task
    scores, targets = predict(model, test, task, device), test.targets.numpy()
    return scores, targets, metrics.all_metrics(scores, targets, task)


def untested(
    info: Info,
) -> tuple[NDArray[np.float32], NDArray[np.generic], dict[str, float | None]]:
    """The same of no image."""
    return np.empty((0, info.num_classes), np.float32), np.empty(0, np.int64), {}


def learn(
    run: Run,
    dataset: Dataset,
    clock: "Clock",
    device: str,
    workshop: Path,
    watch: Watch = UNWATCHED,
) -> Learned:
    """All of a run up to its evaluation, without a look at the test split; as `execute`."""
    train, identity = training_subset(run, dataset)
    validation = dataset.split("val")
    clock.lap("data")

    model, method = assemble(run, dataset.info, device, train.targets)
    own = sum(weight.numel() for weight in weights(model))
    workspace = Workspace(
        workshop, identity, lambda done: watch.on_step(round(done * PARTS), PARTS)
    )
    train = hooks.prepare(method, train, workspace)
    model = hooks.adapt(method, model)
    extra = sum(weight.numel() for weight in weights(model, method)) - own
    clock.lap("prepare")

    training = fit(run, model, method, train, validation, watch)
    clock.lap("train")
    return Learned(training.model, method, training, train, extra)


def provenance(info: Info, subset: int) -> dict[str, Any]:
    """Which data a run saw."""
    return {
        "fingerprint": info.fingerprint,
        "phantom": info.phantom,
        "counts": info.counts | {"subset": subset},
        "warnings": list(info.warnings),
    }


def cost(learned: Learned, clock: "Clock") -> dict[str, Any]:
    """What a run took."""
    training = learned.training
    return {
        "seconds": clock.laps,
        "images": training.images,
        "backbone_passes": learned.model.images_seen / training.images,
        "extra_parameters": learned.extra_parameters,
        "peak_memory": process.peak_memory(),
    }


def course(training: Training) -> dict[str, Any]:
    """How training went, and which epoch was selected."""
    selected = training.best["epoch"]
    accuracy = [epoch["val_acc"] for epoch in training.curves]
    return {
        "validation": training.curves[selected],
        "selected_epoch": selected,
        "epochs_to_convergence": epochs_to_convergence(accuracy),
        "curves": training.curves,
    }


def surroundings(run: Run, device: str) -> dict[str, Any]:
    """Where a run was made."""
    return {
        "device": device,
        "threads": torch.get_num_threads(),
        "commit": version.commit(),
        "code": code(run.cell.method.method),
        "environment": environment.environment_hash(),
    }


def code(method: type[Method]) -> dict[str, str]:
    """Digests of the code that runs of a method are made by: what trains, and the method."""
    each = (method, *method.parts.values())
    kinds = {kind for one in each for kind in one.__mro__ if issubclass(kind, Method)}
    files = sorted({Path(inspect.getfile(kind)) for kind in kinds})
    bench, methods = version.ROOT / "bench", version.ROOT / "methods"
    return {
        "training": version.digest_of(bench / "training", bench / "backbone"),
        "method": version.digest_of(methods / "parts", methods / "generative", *files),
    }


def training_subset(run: Run, dataset: Dataset) -> tuple[Split, dict[str, Any]]:
    """The images that a run trains on, and what tells them from all others."""
    train = dataset.split("train")
    indices = subset_indices(train.targets, run.cell.ratio, run.streams.subset)
    return train.subset(indices), {
        "dataset": dataset.info.name,
        "fingerprint": dataset.info.fingerprint,
        "size": dataset.info.size,
        "subset": hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest(),
    }


def assemble(
    run: Run, info: Info, device: str, targets: torch.Tensor | None = None
) -> tuple[backbone.Backbone, Method]:
    """The backbone and the method of a run, before `prepare` and `adapt`.

    Classes weigh what they do by these training `targets`; without any, all the same.
    """
    cell, streams = run.cell, run.streams
    model = backbone.build(
        cell.backbone_source,
        info.num_classes,
        info.channels,
        cell.input_size,
        seed=streams.init,
        pretrained=run.protocol.pretrained,
        rgb=run.protocol.rgb,
    ).to(device)
    setting = Setting(
        task=info.task,
        num_classes=info.num_classes,
        channels=info.channels,
        image_size=info.size,
        feature_dim=model.feature_dim,
        seed=streams.augment,
        device=device,
        weights=None
        if targets is None
        else class_weights(targets, info.task, info.num_classes, run.protocol),
        label_smoothing=run.protocol.label_smoothing,
    )
    torch.manual_seed(streams.augment)
    return model, cell.method.method(cell.method.params, setting).to(device)


def epochs_to_convergence(accuracy: list[float]) -> int:
    """The number of epochs until 95 % of the highest value is first reached."""
    return next(i for i, a in enumerate(accuracy, 1) if a >= CONVERGED * max(accuracy))


class Clock:
    """Seconds of each stage of a run."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = round(now - self._last, 3)
        self._last = now
