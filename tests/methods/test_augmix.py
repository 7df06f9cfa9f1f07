"""Properties of AugMix and of its consistency loss."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from test_image_ops import random_images
from tiny import CLASSES, LABELS, LATE, TASKS, batch, check_zero_equals_none, make, model, setting
from torch import Tensor

from bench.base.task import Task
from methods import augmix
from methods.augmix import AugMix, jensen_shannon
from methods.method import task_loss


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("augmix", task)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [28, 64])
def test_shape_range_and_input_are_kept(channels: int, size: int) -> None:
    images, rows = random_images(channels, 40, size) / 255, torch.arange(40)
    before = images.clone()
    changed, labels = make("augmix", severity=10).augment(images, rows)
    assert (changed.shape, changed.dtype) == (images.shape, torch.float32)
    assert 0 <= changed.min() <= changed.max() <= 1
    assert torch.equal(images, before)
    assert labels is rows


def test_a_seed_repeats_and_each_image_has_draws_of_its_own() -> None:
    images = (random_images(3, 1) / 255).expand(32, -1, -1, -1)
    first, second = (make("augmix").augment(images, torch.arange(32))[0] for _ in range(2))
    assert torch.equal(first, second)
    assert len(first.flatten(1).unique(dim=0)) == 32


@pytest.mark.parametrize("alpha", [0.5, 1.0, 4.0])
def test_weights_are_beta_and_dirichlet_for_each_image(
    monkeypatch: pytest.MonkeyPatch, alpha: float
) -> None:
    """Chain k shows pixel k, the original the last pixel: so the mixture shows the weights."""
    count, width = 4000, 4
    eye = torch.eye(width + 1)[:, None, None]
    monkeypatch.setattr(augmix, "transform", lambda *_: eye[:width].repeat_interleave(count, dim=0))
    method = AugMix(AugMix.Params(width=width, depth=1, alpha=alpha), setting())
    mixed, _ = method.augment(eye[width:].repeat(count, 1, 1, 1), torch.zeros(count))
    weights = mixed.flatten(1)
    torch.testing.assert_close(weights.sum(1), torch.ones(count))
    share = 1 - weights[:, -1]
    assert float(share.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(share.var()) == pytest.approx(1 / (4 * (2 * alpha + 1)), abs=0.01)
    parts = weights[:, :width] / share.clamp(min=1e-3)[:, None]
    parts = parts[share > 1e-2]
    np.testing.assert_allclose(parts.mean(0), 1 / 4, atol=0.03)
    np.testing.assert_allclose(parts.var(0), 3 / (16 * (4 * alpha + 1)), atol=0.012)


def test_chains_have_one_to_three_operations_or_a_fixed_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    levels = []

    def add_one(images: Tensor, _: Any, drawn: Tensor, *__: Any) -> Tensor:
        levels.append(drawn)
        return images + 1

    monkeypatch.setattr(augmix, "transform", add_one)
    images = torch.zeros(1000, 1, 2, 2)
    ends = make("augmix", severity=4).chains(images)[:, 0, 0, 0]
    assert len(ends) == 3000
    counts = torch.bincount(ends.long(), minlength=4)
    assert counts[0] == 0
    assert counts[1:].min() > 900
    drawn = (torch.cat(levels) * 9).round().unique()
    assert drawn.tolist() == [0, 1, 2, 3]
    fixed = AugMix(AugMix.Params(width=2, depth=5), setting()).chains(images)
    assert torch.equal(fixed, torch.full((2000, 1, 2, 2), 5.0))
    assert not images.any()


@pytest.mark.parametrize("task", TASKS)
def test_jsd_of_equal_views_is_zero(task: Task) -> None:
    views = torch.randn(1, 8, CLASSES).expand(3, -1, -1)
    assert float(jensen_shannon(views, task)) == pytest.approx(0, abs=1e-6)


def test_jsd_is_at_most_ln_3() -> None:
    apart = 100 * torch.eye(3)[:, None]
    assert float(jensen_shannon(apart, Task.MULTICLASS)) == pytest.approx(math.log(3), abs=1e-6)
    for task in TASKS:
        values = [float(jensen_shannon(50 * torch.randn(3, 4, 5), task)) for _ in range(50)]
        assert min(values) > 0
        assert max(values) <= math.log(3)


def test_jsd_is_the_mean_divergence_from_the_mixture() -> None:
    views = torch.randn(3, 8, CLASSES, dtype=torch.float64)
    chances = views.softmax(-1).numpy()
    expected = np.mean([entropy(p, chances.mean(0), axis=-1) for p in chances])
    assert float(jensen_shannon(views, Task.MULTICLASS)) == pytest.approx(expected)


def test_multilabel_jsd_is_that_of_bernoulli_variables_averaged() -> None:
    views = torch.randn(3, 8, LABELS, dtype=torch.float64)
    positive = views.sigmoid().numpy()
    chances = np.stack([positive, 1 - positive])
    expected = np.mean([entropy(chances[:, v], chances.mean(1), axis=0) for v in range(3)])
    assert float(jensen_shannon(views, Task.MULTILABEL)) == pytest.approx(expected)


@pytest.mark.parametrize("task", TASKS)
def test_consistency_is_added_to_the_loss_of_the_images_alone(task: Task) -> None:
    method, network, (images, rows) = make("augmix", task, jsd=True), model(task), batch(task)
    views, labels = method.augment(images, rows)
    assert len(views) == len(labels) == 36
    assert torch.equal(views[:12], images)
    assert torch.equal(labels, torch.cat([rows] * 3))
    assert not torch.equal(views[12:24], views[24:])
    loss, logs = method.loss(network, views, labels, LATE)
    logits = network(views)
    divergence = jensen_shannon(torch.stack(logits.chunk(3)), task)
    torch.testing.assert_close(loss, task_loss(logits[:12], rows, task) + 12 * divergence)
    assert float(logs["jsd"]) > 0


def test_soft_targets_count_as_hard_ones() -> None:
    images, rows = batch()
    losses = []
    for labels in (rows, make("none").dense(rows)):
        method = make("augmix", jsd=True)
        losses.append(method.loss(model(), *method.augment(images, labels), LATE)[0])
    torch.testing.assert_close(*losses)
