"""fit(): the one training loop."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench import metrics
from bench.backbone import Backbone
from bench.base.split import Split
from bench.grid.cell import Run
from bench.grid.protocol import Protocol
from bench.training import hooks
from bench.training.balance import chances
from bench.training.evaluation import predict
from bench.training.schedule import Schedule
from bench.training.state import UNWATCHED, Training, Watch
from methods.method import Logs, Method, Progress


class DivergedError(Exception):
    """The loss was not finite; `step` counts from 0, `curves` end at the last whole epoch."""

    def __init__(self, step: int, curves: list[dict[str, Any]]) -> None:
        super().__init__(f"diverged at step {step}")
        self.curves = curves


def fit(
    run: Run,
    model: Backbone,
    method: Method,
    train: Split,
    validation: Split,
    watch: Watch = UNWATCHED,
) -> Training:
    """Train and select, on the method's device; the model holds the selected weights at the end.

    Raises DivergedError.
    """
    training = Training.begin(model, method, run.protocol)
    drawn = chances(train.targets, run.protocol)
    schedule, rule = Schedule(len(train), run.protocol, drawn), run.protocol.select
    train, validation = (split.to(method.setting.device) for split in (train, validation))
    torch.manual_seed(run.streams.dropout)
    if watch.resume:
        training.restore(watch.resume)
    for epoch in range(training.epoch, schedule.epochs):
        model.train()
        method.train()
        logs: list[Logs] = []
        for number, indices in schedule.batches(run.streams.order, epoch, train.targets.device):
            for group in training.optimizer.param_groups:
                group["lr"] = schedule.lr(number)
            progress = Progress(number, schedule.steps, epoch, schedule.epochs)
            batch = train.images(indices), train.targets[indices]
            logs.append(step(training, batch, progress, run.protocol))
            watch.on_step(number + 1, schedule.steps)
        last = min(schedule.steps, (epoch + 1) * schedule.per_epoch) - 1
        see_finite(logs, epoch * schedule.per_epoch, training.curves)
        measured = validated(training, validation, rule, last)
        training.curves.append({"lr": schedule.lr(last)} | hooks.means(logs) | measured)
        training.epoch = epoch + 1
        training.select(rule)
        watch.on_epoch(training)
    model.load_state_dict(training.best["model"])
    return training


def step(
    training: Training, batch: tuple[Tensor, Tensor], progress: Progress, protocol: Protocol
) -> Logs:
    """One optimiser step on images and targets; the losses to log."""
    model, method, device = training.model, training.method, training.method.setting.device
    training.images += len(batch[0])
    images, targets = hooks.augment(method, batch[0].to(device), batch[1].to(device))
    kind = torch.device(device).type
    with torch.autocast(kind, torch.bfloat16, enabled=protocol.precision == "bf16"):
        loss, logs = hooks.loss(method, model, images, targets, progress)
    training.optimizer.zero_grad()
    loss.backward()
    if protocol.grad_clip:
        training.optimizer.clip(protocol.grad_clip)
    training.optimizer.step()
    return {"loss": loss.detach(), **logs}


def see_finite(logs: list[Logs], first: int, curves: list[dict[str, Any]]) -> None:
    """Look at the losses of an epoch that began at step `first`, once: a look at each would make
    the host wait for the device. Raises DivergedError.
    """
    finite = torch.stack([torch.as_tensor(log["loss"]) for log in logs]).isfinite()
    if not finite.all():
        raise DivergedError(first + int((~finite).int().argmax()), curves)


def validated(
    training: Training, validation: Split, rule: str, last: int
) -> dict[str, float | None]:
    """On the validation split: what records hold, and the metric that selects, as `val_NAME`.

    Raises DivergedError, of the `last` step, where the network gives no numbers.
    """
    setting = training.method.setting
    scores = predict(training.model, validation, setting.task, setting.device)
    if not np.isfinite(scores).all():
        raise DivergedError(last, training.curves)
    targets = validation.targets.cpu().numpy()
    measured = metrics.all_metrics(scores, targets, setting.task)
    metric = metrics.selecting(rule)
    if metric and metric.name not in measured:
        measured[metric.name] = metric.compute(scores, targets, setting.task)
    return {f"val_{name}": value for name, value in measured.items()}
