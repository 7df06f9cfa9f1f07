"""Traces: what every method computes of a few batches, on every task that it serves.

Between processors, losses and gradient norms at equal weights differ by rounding alone; AdamW
amplifies that to percents within twenty steps. So a trace stays at the initial weights while
progress goes from the first step of a schedule to the last, and takes three real steps after.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

import methods
from bench.backbone import Backbone
from bench.base.split import Split
from bench.data.catalogue import PHANTOMS
from bench.data.dataset import Dataset, open_dataset
from bench.grid import configs, grid
from bench.grid.cell import Run
from bench.grid.selection import Selection
from bench.training.execute import assemble, prepare_process, training_subset
from bench.training.schedule import Schedule
from bench.training.state import weights
from bench.training.trainer import fit
from methods.generative.method import GenerativeMethod
from methods.method import Method, Progress, Workspace

Series = dict[str, list[float]]
Trace = dict[str, Series]
"""`batches`: at equal weights, a number a batch. `steps`: what three steps of the trainer gave."""
Traces = dict[str, dict[str, Trace]]
"""By method and phantom."""
PARTS = ("batches", "steps")

NETWORK = "test_efficientnet"
"""timm's smallest with BatchNorm and without ReLU, at whose kink rounding can move a gradient by
a thousand times its own size."""
BATCHES, STEPS = 20, 3
RATIO, BATCH_SIZE = 0.8, 16
"""Of a phantom's 400 training images 320 are an epoch of 20 batches."""
SETTINGS = {"batch_size": BATCH_SIZE, "select": "last"}
"""What is changed in the protocol `laptop`, beside its length."""


def record(names: Iterable[str] | None = None, device: str = "cpu") -> Traces:
    """The traces of these methods, or of all, with their default parameters."""
    prepare_process(device)
    found: Traces = {}
    for run in runs(tuple(names or methods.names())):
        by_phantom = found.setdefault(run.cell.method.name, {})
        by_phantom[run.cell.dataset] = trace(run, device)
    return found


def runs(names: tuple[str, ...]) -> tuple[Run, ...]:
    """A run of three steps for each method and each phantom that it serves."""
    selection = Selection(
        datasets=PHANTOMS, methods=names, backbones=(NETWORK,), ratios=(RATIO,), seeds=(0,)
    )
    return grid.expand(selection, configs.load("laptop", SETTINGS | {"steps": STEPS}).protocol).runs


def trace(run: Run, device: str = "cpu") -> Trace:
    """Both parts, each from the beginning of the run."""
    dataset = open_dataset(run.cell.source, run.cell.source_size)
    return {
        "batches": at_equal_weights(run, dataset, device),
        "steps": real_steps(run, dataset, device),
    }


def ready(run: Run, dataset: Dataset, device: str = "cpu") -> tuple[Backbone, Method, Split]:
    """A run before its first step.

    No generator is trained: the training subset stands in for its images, so that what is traced of
    it is how it mixes them into batches.
    """
    train, identity = training_subset(run, dataset)
    model, method = assemble(run, dataset.info, device)
    if isinstance(method, GenerativeMethod):
        method.pool = train.to(device)
    else:
        train = method.prepare(train, Workspace(Path(), identity))
    torch.manual_seed(run.streams.dropout)
    return method.adapt(model).train(), method.train(), train


def at_equal_weights(run: Run, dataset: Dataset, device: str = "cpu") -> Series:
    """Of each batch of an epoch the loss, and the norms of its gradient in the backbone and, where
    the method has parameters, in the method.
    """
    model, method, train = ready(run, dataset, device)
    train = train.to(device)
    protocol = run.protocol.model_copy(update={"steps": BATCHES})
    series: Series = {}
    for i, indices in Schedule(len(train), protocol).batches(run.streams.order, 0, device):
        images, targets = method.augment(train.images(indices), train.targets[indices])
        loss, _ = method.loss(model, images, targets, Progress(i, BATCHES, i, BATCHES))
        model.zero_grad()
        method.zero_grad()
        loss.backward()
        series.setdefault("loss", []).append(loss.item())
        series.setdefault("gradient", []).append(gradient_norm(model))
        if weights(method):
            series.setdefault("gradient of the method", []).append(gradient_norm(method))
    return series


def real_steps(run: Run, dataset: Dataset, device: str = "cpu") -> Series:
    """Of three steps of the trainer the mean loss, the last learning rate, and how far they moved
    all weights.
    """
    model, method, train = ready(run, dataset, device)
    before = vector(model, method)
    (epoch,) = fit(run, model, method, train, dataset.split("val")).curves
    moved = torch.linalg.vector_norm(vector(model, method) - before)
    return {"loss": [epoch["loss"]], "lr": [epoch["lr"]], "distance": [moved.item()]}


def vector(*modules: nn.Module) -> Tensor:
    """A copy of all weights, (n,)."""
    return torch.cat([weight.detach().flatten() for weight in weights(*modules)])


def gradient_norm(module: nn.Module) -> float:
    """Over all weights of a module; those without a gradient count as 0."""
    gradients = (weight.grad for weight in weights(module))
    return nn.utils.get_total_norm([g for g in gradients if g is not None]).item()
