"""Properties of Mixup."""

import pytest
import torch
from pydantic import ValidationError
from tiny import CLASSES, LABELS, TASKS, batch, check_zero_equals_none, make, targets

from bench.base.task import Task
from methods.method import task_loss


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("mixup", task)


def test_prob_zero_returns_the_same_objects() -> None:
    images, rows = batch()
    mixed, labels = make("mixup", prob=0.0).augment(images, rows)
    assert mixed is images
    assert labels is rows


def test_prob_is_the_share_of_mixed_batches() -> None:
    method, (images, rows) = make("mixup", prob=0.3), batch()
    mixed = sum(method.augment(images, rows)[0] is not images for _ in range(2000))
    assert mixed / 2000 == pytest.approx(0.3, abs=0.04)


def test_pixels_of_constant_images_equal_label_weights() -> None:
    labels = torch.tensor([0, 1])
    images = labels.float()[:, None, None, None].expand(2, 3, 5, 5)
    method = make("mixup", alpha=1.0)
    for _ in range(20):
        mixed, soft = method.augment(images, labels)
        torch.testing.assert_close(mixed, soft[:, 1, None, None, None].expand_as(mixed))


def test_one_lam_a_batch_mixes_a_image_with_one_other() -> None:
    images, rows = torch.eye(7).reshape(7, 1, 1, 7), torch.arange(7) % CLASSES
    mixed, _ = make("mixup", alpha=1.0).augment(images, rows)
    weights = mixed.reshape(7, 7)
    torch.testing.assert_close(weights.sum(0), torch.ones(7))
    torch.testing.assert_close(weights.sum(1), torch.ones(7))
    own = weights.diagonal()
    lam = own[own < 1]
    assert len(lam) >= 2
    torch.testing.assert_close(lam, lam[:1].expand_as(lam))
    assert ((weights > 0).sum(1) <= 2).all()


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_lam_has_the_moments_of_its_beta_distribution(alpha: float) -> None:
    """Mean ½, variance 1/(4(2a + 1)); read off a white image that was mixed with a black one."""
    method, rows = make("mixup", alpha=alpha), torch.tensor([0, 1])
    images = torch.tensor([0.0, 1.0], dtype=torch.float64)[:, None, None, None]
    values = torch.stack([method.augment(images, rows)[0][1, 0, 0, 0] for _ in range(8000)])
    lam = values[values < 1]
    assert lam.min() >= 0
    assert float(lam.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(lam.var()) == pytest.approx(1 / (4 * (2 * alpha + 1)), abs=0.005)


@pytest.mark.parametrize("task", TASKS)
def test_labels_are_mixed_as_the_loss_would_be(task: Task) -> None:
    """Two-term loss equals soft-target loss; lam and partners are read off one-hot images."""
    rows = targets(task, 6)
    images = torch.eye(6).reshape(6, 1, 1, 6)
    method = make("mixup", task, alpha=1.0)
    mixed, soft = method.augment(images, rows)
    weights = mixed.reshape(6, 6)
    logits = torch.randn(6, soft.shape[1])
    two_terms = sum(
        weights[i, j] * task_loss(logits[i : i + 1], rows[j : j + 1], task)
        for i in range(6)
        for j in range(6)
    )
    torch.testing.assert_close(task_loss(logits, soft, task), two_terms / 6)


def test_rows_sum_to_one_and_the_label_mass_stays() -> None:
    images, rows = batch(rows=32)
    method = make("mixup")
    for _ in range(20):
        _, soft = method.augment(images, rows)
        torch.testing.assert_close(soft.sum(1), torch.ones(32))
        mass = torch.bincount(rows, minlength=CLASSES).float()
        torch.testing.assert_close(soft.sum(0), mass)


def test_multilabel_rows_stay_in_the_unit_interval() -> None:
    images, rows = batch(Task.MULTILABEL)
    _, soft = make("mixup", Task.MULTILABEL).augment(images, rows)
    assert soft.shape == (12, LABELS)
    assert soft.min() >= 0
    assert soft.max() <= 1
    torch.testing.assert_close(soft.sum(0), rows.sum(0))


@pytest.mark.parametrize("task", TASKS)
def test_input_is_not_modified_and_one_image_is_itself(task: Task) -> None:
    images, rows = batch(task)
    before = images.clone(), rows.clone()
    method = make("mixup", task)
    method.augment(images, rows)
    assert torch.equal(images, before[0])
    assert torch.equal(rows, before[1])
    mixed, soft = method.augment(images[:1], rows[:1])
    assert torch.equal(mixed, images[:1])
    assert torch.equal(soft, method.dense(rows[:1]))


def test_parameters_are_checked() -> None:
    for wrong in ({"alpha": 0.0}, {"prob": 1.1}):
        with pytest.raises(ValidationError):
            make("mixup", **wrong)
