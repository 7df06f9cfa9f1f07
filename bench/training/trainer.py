"""fit(): the one training loop."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench import metrics
from bench.backbone import Backbone
from bench.base.errors import BenchError
from bench.base.split import Split
from bench.base.streams import Streams, stream
from bench.base.task import Task
from bench.grid.protocol import Protocol
from bench.training.evaluation import predict
from methods.method import Method, Progress

SMALLEST_BATCH = 4
"""A last batch below this is dropped: BatchNorm fails on one image, mixing needs pairs."""


class DivergedError(Exception):
    """The loss was not finite; `step` counts from 0, `curves` end at the last whole epoch."""

    def __init__(self, step: int, curves: list[dict[str, Any]]) -> None:
        super().__init__(f"diverged at step {step}")
        self.curves = curves


@dataclass
class Training:
    """All that changes while a run trains: what a checkpoint holds."""

    model: Backbone
    method: Method
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    images: int = 0
    curves: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "method": self.method.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all(),
            "images_seen": self.model.images_seen,
            "counts": (self.epoch, self.images),
            "curves": self.curves,
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.method.load_state_dict(state["method"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        torch.cuda.set_rng_state_all(state["random_cuda"])
        self.model.images_seen = state["images_seen"]
        self.epoch, self.images = state["counts"]
        self.curves, self.best = state["curves"], state["best"]


def fit(
    model: Backbone,
    method: Method,
    train: Split,
    validation: Split,
    protocol: Protocol,
    streams: Streams,
    device: str = "cpu",
    resume: dict[str, Any] | None = None,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
    on_epoch: Callable[[Training], None] = lambda training: None,
) -> Training:
    """Train and select; the model holds the selected weights at the end.

    `on_step(step, steps)` is told of progress; `on_epoch(training)` may save `training.state()`,
    which, given as `resume`, makes the run go on to the same bits. Raises DivergedError.
    """
    weights = [*model.parameters(), *method.parameters()]
    training = Training(model, method, _optimizer(weights, protocol))
    schedule = Schedule(len(train), protocol)
    torch.manual_seed(streams.dropout)
    if resume:
        training.restore(resume)
    for epoch in range(training.epoch, schedule.epochs):
        model.train()
        method.train()
        logs: list[dict[str, float | Tensor]] = []
        for step, indices in schedule.batches(streams.order, epoch):
            for group in training.optimizer.param_groups:
                group["lr"] = schedule.lr(step)
            targets = train.targets[indices].to(device)
            images, targets = method.augment(train.images(indices).to(device), targets)
            progress = Progress(step, schedule.steps, epoch, schedule.epochs)
            with torch.autocast(device, torch.bfloat16, enabled=protocol.precision == "bf16"):
                loss, log = method.loss(model, images, targets, progress)
            if not torch.isfinite(loss):
                raise DivergedError(step, training.curves)
            training.optimizer.zero_grad()
            loss.backward()
            if protocol.grad_clip:
                nn.utils.clip_grad_norm_(weights, protocol.grad_clip)
            training.optimizer.step()
            training.images += len(indices)
            logs.append({"loss": loss.detach(), **log})
            on_step(step + 1, schedule.steps)
        measured = _measured(model, validation, method.setting.task, protocol.select, device)
        lr = schedule.lr(min(schedule.steps, (epoch + 1) * schedule.per_epoch) - 1)
        training.curves.append({"lr": lr} | _means(logs) | measured)
        training.epoch = epoch + 1
        _select(training, protocol.select, method.setting.task)
        on_epoch(training)
    model.load_state_dict(training.best["model"])
    return training


class Schedule:
    """Steps, epochs, batches and learning rate of a run."""

    def __init__(self, images: int, protocol: Protocol) -> None:
        whole, rest = divmod(images, protocol.batch_size)
        self.images = images
        self.protocol = protocol
        self.per_epoch = whole + (rest >= SMALLEST_BATCH)
        if not self.per_epoch:
            raise BenchError(f"{images} training images: at least {SMALLEST_BATCH} are wanted")
        self.steps = protocol.steps or (protocol.epochs or 0) * self.per_epoch
        self.epochs = math.ceil(self.steps / self.per_epoch)

    def batches(self, seed: int, epoch: int) -> Iterator[tuple[int, Tensor]]:
        """The steps of an epoch with the indices of their images; depends on these two alone."""
        order = np.random.default_rng(stream(seed, epoch)).permutation(self.images)
        first = epoch * self.per_epoch
        batches = torch.from_numpy(order).split(self.protocol.batch_size)[: self.per_epoch]
        yield from enumerate(batches[: self.steps - first], first)

    def lr(self, step: int) -> float:
        """Linear warm-up (its last step has the full rate), then the protocol's schedule."""
        protocol = self.protocol
        warmup = round(protocol.warmup_epochs * self.per_epoch)
        if step < warmup:
            return protocol.lr * (step + 1) / warmup
        if protocol.schedule == "cosine":
            fraction = (step - warmup) / max(1, self.steps - warmup)
            return protocol.lr * 0.5 * (1 + math.cos(math.pi * fraction))
        passed = sum(step >= milestone * self.per_epoch for milestone in protocol.milestones)
        return protocol.lr * float(protocol.gamma**passed)


def _optimizer(weights: list[nn.Parameter], protocol: Protocol) -> torch.optim.Optimizer:
    options: dict[str, Any] = {
        "lr": protocol.lr,
        "weight_decay": protocol.weight_decay,
        "fused": True,
    }
    if protocol.optimizer == "sgd":
        return torch.optim.SGD(weights, momentum=0.9, nesterov=True, **options)
    kind = torch.optim.AdamW if protocol.optimizer == "adamw" else torch.optim.Adam
    return kind(weights, **options)


def _measured(
    model: Backbone, validation: Split, task: Task, rule: str, device: str
) -> dict[str, float | None]:
    """Of the validation split: what records hold, and the metric that selects."""
    scores, targets = predict(model, validation, task, device), validation.targets.numpy()
    measured = metrics.all_metrics(scores, targets, task)
    metric = metrics.selecting(rule)
    if metric and metric.name not in measured:
        measured[metric.name] = metric.compute(scores, targets, task)
    return {f"val_{name}": value for name, value in measured.items()}


def _select(training: Training, rule: str, task: Task) -> None:
    """Keep the weights of the best epoch; of equals the earliest, under `last` the last."""
    value = _worth(training, rule, task)
    if not training.best or value > training.best["value"]:
        model = copy.deepcopy(training.model.state_dict())
        training.best = {"value": value, "epoch": training.epoch - 1, "model": model}


def _worth(training: Training, rule: str, task: Task) -> float:
    """What the selected epoch has the most of: the metric, or minus it where lower is better."""
    metric = metrics.selecting(rule)
    if metric is None:
        return training.epoch
    value: float | None = training.curves[-1][f"val_{metric.name}"]
    if value is None:
        raise BenchError(
            f"the validation split cannot select: {metric.missing(task)}; --set select=val_loss"
        )
    return value if metric.higher_is_better else -value


def _means(logs: list[dict[str, float | Tensor]]) -> dict[str, float]:
    """The mean of each logged quantity over the steps of an epoch."""
    return {name: float(np.mean([float(log[name]) for log in logs])) for name in logs[0]}
