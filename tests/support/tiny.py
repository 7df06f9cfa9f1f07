"""A tiny classifier and batches, for tests of methods."""

from typing import Any

import torch
from torch import Tensor, nn

import methods
from bench.base.task import Task
from methods.method import Logs, Method, Progress, Setting

WIDTH, CLASSES, LABELS = 16, 3, 14
TASKS = [Task.MULTICLASS, Task.MULTILABEL]
LATE = Progress(step=50, steps=100, epoch=5, epochs=10)


class Tiny(nn.Module):
    """A convolution with BatchNorm, its mean as features, a linear head."""

    def __init__(self, classes: int = CLASSES, width: int = WIDTH) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.ReLU())
        self.linear = nn.Linear(width, classes)

    def features(self, images: Tensor) -> Tensor:
        return self.stem(images).mean((2, 3))

    def head(self, features: Tensor) -> Tensor:
        return self.linear(features)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


class Features(nn.Module):
    """Images are features already, (B, d); a linear head."""

    def __init__(self, width: int, classes: int = CLASSES) -> None:
        super().__init__()
        self.linear = nn.Linear(width, classes)

    def features(self, images: Tensor) -> Tensor:
        return images

    def head(self, features: Tensor) -> Tensor:
        return self.linear(features)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(images)


def setting(task: Task = Task.MULTICLASS, width: int = WIDTH, seed: int = 0) -> Setting:
    classes = LABELS if task is Task.MULTILABEL else CLASSES
    return Setting(task, classes, channels=1, image_size=8, feature_dim=width, seed=seed)


def make(name: str, task: Task = Task.MULTICLASS, width: int = WIDTH, **params: Any) -> Method:
    """A method with weights from a fixed seed."""
    kind = methods.get(name)
    torch.manual_seed(1)
    return kind(kind.Params(**params), setting(task, width))


def model(task: Task = Task.MULTICLASS) -> Tiny:
    torch.manual_seed(0)
    return Tiny(LABELS if task is Task.MULTILABEL else CLASSES)


def targets(task: Task, rows: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    if task is Task.MULTILABEL:
        return (torch.rand(rows, LABELS, generator=generator) < 0.2).float()
    return torch.randint(CLASSES, (rows,), generator=generator)


def batch(task: Task = Task.MULTICLASS, rows: int = 12) -> tuple[Tensor, Tensor]:
    images = torch.rand(rows, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    return images, targets(task, rows)


def train(method: Method, task: Task, steps: int = 3) -> list[Tensor]:
    """Losses, gradients and weights of the backbone over a few steps."""
    network = model(task)
    optimizer = torch.optim.AdamW([*network.parameters(), *method.parameters()], lr=0.01)
    seen: list[Tensor] = []
    for step in range(steps):
        images, rows = method.augment(*batch(task))
        loss, _ = method.loss(network, images, rows, Progress(step, steps, step, steps))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.detach())
        for weight in network.parameters():
            assert weight.grad is not None
            seen += [weight.grad.clone(), weight.detach().clone()]
    return seen


def check_zero_equals_none(name: str, task: Task) -> None:
    """At strength zero every loss, gradient and weight has the bits of training without it."""
    zero = make(name, task, **methods.get(name).zero)
    plain = make("none", task)
    for ours, theirs in zip(train(zero, task), train(plain, task), strict=True):
        assert torch.equal(ours, theirs)


def loss(method: Method, task: Task, rows: int = 12, at: Progress = LATE) -> tuple[Tensor, Logs]:
    """The loss of one batch, after its backward pass."""
    images, labels = batch(task, rows)
    value, logs = method.loss(model(task), images, labels, at)
    value.backward()
    return value, logs
