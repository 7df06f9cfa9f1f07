"""How a split is scored, which split is scored when, and which epoch that selects."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import make

from bench import backbone, metrics
from bench.base.split import Split
from bench.base.task import Task
from bench.data.dataset import open_dataset
from bench.grid.cell import Run
from bench.grid.protocol import Protocol
from bench.training import execute
from bench.training.evaluation import predict
from bench.training.state import Training
from bench.training.trainer import validated


def network() -> backbone.Backbone:
    """Of 0.2 M parameters, with BatchNorm that has seen data, in training mode."""
    model = backbone.build("test_byobnet", 3, 1, 28, seed=0)
    model(torch.rand(64, 1, 28, 28))
    return model


def split(images: int = 40) -> Split:
    pixels = np.random.default_rng(0).integers(0, 256, (images, 28, 28), dtype=np.uint8)
    return Split(pixels, torch.arange(images) % 3)


def test_scoring_leaves_every_weight_and_running_statistic_alone() -> None:
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    predict(model, split(), Task.MULTICLASS)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_an_images_score_depends_on_no_other_image() -> None:
    model, images = network(), split()
    together = predict(model, images, Task.MULTICLASS)
    for rows in (np.arange(5), np.array([7])):
        alone = predict(model.train(), images.subset(rows), Task.MULTICLASS)
        np.testing.assert_allclose(alone, together[rows], atol=1e-6)


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.MULTILABEL])
def test_scores_are_probabilities_of_the_task(task: Task) -> None:
    model, images = network(), split()
    logits = model.eval()(images.images(torch.arange(40))).detach().double()
    expected = 1 / (1 + (-logits).exp())
    if task is Task.MULTICLASS:
        expected = logits.exp() / logits.exp().sum(1, keepdim=True)
    np.testing.assert_allclose(predict(model, images, task), expected, atol=1e-6)


def test_a_curve_ends_at_the_metrics_of_the_validation_split(
    make_run: Callable[..., Run], tmp_path: Path
) -> None:
    """Computed apart, from the weights that are left; those of the training split differ."""
    run = make_run(protocol=Protocol(epochs=2, batch_size=64, select="last"))
    dataset = open_dataset("phantom-binary", 28)
    learned = execute.learn(run, dataset, execute.Clock(), "cpu", tmp_path)

    def measured(name: str) -> dict[str, Any]:
        part, task = dataset.split(name), dataset.info.task
        scores = predict(learned.model, part, task)
        of = metrics.all_metrics(scores, part.targets.numpy(), task)
        return {f"val_{name}": value for name, value in of.items()}

    last = learned.training.curves[-1]
    found = {name: value for name, value in last.items() if name.startswith("val_")}
    assert found == measured("val")
    assert found != measured("train")


def trained(values: list[float], rule: str) -> Training:
    """After epochs with these values of the selecting metric; epoch i leaves the weights at i."""
    model = network()
    training = Training.begin(model, make("none"), Protocol(epochs=len(values)))
    for epoch, value in enumerate(values):
        with torch.no_grad():
            for weight in model.parameters():
                weight.fill_(float(epoch))
        training.curves.append({"val_auc": value, "val_nll": value})
        training.epoch = epoch + 1
        training.select(rule)
    return training


@pytest.mark.parametrize(
    ("rule", "values", "chosen"),
    [
        ("val_auc", [0.7, 0.9, 0.9, 0.8, 0.9], 1),
        ("val_loss", [0.7, 0.5, 0.6, 0.5, 0.9], 1),
        ("val_auc", [0.5, 0.5, 0.5], 0),
        ("last", [0.9, 0.9, 0.9], 2),
    ],
)
def test_of_equal_epochs_the_earliest_is_kept(rule: str, values: list[float], chosen: int) -> None:
    best = trained(values, rule).best
    assert best["epoch"] == chosen
    name = next(name for name, _ in network().named_parameters())
    assert (best["model"][name] == chosen).all()


def test_validation_measures_the_split_it_is_given() -> None:
    training = Training.begin(network(), make("none"), Protocol(epochs=1))
    images = split()
    best = predict(training.model, images, Task.MULTICLASS).argmax(1)
    right = Split(images.pixels(np.arange(40)), torch.from_numpy(best))
    wrong = Split(images.pixels(np.arange(40)), (right.targets + 1) % 3)
    assert validated(training, right, "val_acc", 0)["val_acc"] == 1
    assert validated(training, wrong, "val_acc", 0)["val_acc"] == 0
