"""Properties of CutMix."""

import math

import numpy as np
import pytest
import torch
from tiny import LABELS, TASKS, batch, check_zero_equals_none, make

from bench.base.task import Task
from methods.cutmix import box


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("cutmix", task)


def test_prob_zero_returns_the_same_objects() -> None:
    images, rows = batch()
    mixed, labels = make("cutmix", prob=0.0).augment(images, rows)
    assert mixed is images
    assert labels is rows


@pytest.mark.parametrize("shape", [(28, 28), (9, 20)])
def test_label_weights_are_the_areas_exactly(shape: tuple[int, int]) -> None:
    """Image i is constant i, so that each pixel tells where it came from."""
    rows = torch.tensor([0, 1, 2])
    images = torch.arange(3.0)[:, None, None, None].expand(3, 2, *shape)
    method = make("cutmix", prob=1.0)
    for _ in range(50):
        mixed, soft = method.augment(images, rows)
        for i in range(3):
            counts = torch.bincount(mixed[i, 0].flatten().long(), minlength=3)
            torch.testing.assert_close(soft[i], counts / math.prod(shape), rtol=0, atol=1e-7)


def test_one_box_of_a_partner_for_all_channels_and_images() -> None:
    images = torch.rand(6, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    method = make("cutmix", prob=1.0)
    for _ in range(30):
        mixed, _ = method.augment(images, torch.arange(6) % 3)
        changed = mixed != images
        assert torch.equal(changed.all(1), changed.any(1)), "all channels share the box"
        moved = changed.flatten(1).any(1)
        if not moved.any():
            continue
        mask = changed[moved][0, 0]
        assert torch.equal(changed[moved], mask.expand_as(changed[moved])), "one box a batch"
        rows, columns = mask.any(1), mask.any(0)
        assert torch.equal(mask, rows[:, None] & columns[None]), "a rectangle"
        assert len(rows.nonzero()) == rows.nonzero().max() - rows.nonzero().min() + 1
        for image, whole in zip(mixed[moved], changed[moved], strict=True):
            sources = [torch.equal(image[whole], other[whole]) for other in images]
            assert sum(sources) == 1, "the box is one other image's"


def test_box_has_the_sides_of_its_area_and_is_clipped() -> None:
    assert box(20, 40, 0.75, (10, 20)) == (slice(5, 15), slice(10, 30))
    assert box(20, 40, 0.75, (0, 39)) == (slice(0, 5), slice(29, 40))
    assert box(20, 40, 0.0, (10, 20)) == (slice(0, 20), slice(0, 40))
    rows, columns = box(20, 40, 1.0, (10, 20))
    assert rows.start == rows.stop
    assert columns.start == columns.stop


def test_mean_kept_area_at_28_pixels() -> None:
    """The mean over all centres and a fine grid of lam ~ U(0, 1) is an oracle for the draws."""
    kept = np.mean(
        [
            np.mean([length(rows) for rows in clipped]) ** 2
            for lam in (np.arange(400) + 0.5) / 400
            for clipped in [[box(28, 28, lam, (c, 0))[0] for c in range(28)]]
        ]
    )
    method = make("cutmix", prob=1.0)
    images, rows = torch.zeros(2, 1, 28, 28), torch.tensor([0, 1])
    weights = [float(method.augment(images, rows)[1][0, 0]) for _ in range(6000)]
    swapped = [weight for weight in weights if weight < 1]
    assert 1 - kept / 28**2 == pytest.approx(0.70, abs=0.01)
    own = sum(swapped) / len(swapped)
    nothing = np.mean([int(28 * math.sqrt(1 - lam)) == 0 for lam in (np.arange(10000) + 0.5) / 1e4])
    assert own == pytest.approx(1 - kept / 28**2 / (1 - nothing), abs=0.015)


def length(span: slice) -> int:
    return int(span.stop - span.start)


@pytest.mark.parametrize("task", TASKS)
def test_input_is_not_modified_and_one_image_is_itself(task: Task) -> None:
    images, rows = batch(task)
    before = images.clone(), rows.clone()
    method = make("cutmix", task, prob=1.0)
    for _ in range(5):
        _, soft = method.augment(images, rows)
        assert soft.shape == (12, LABELS if task is Task.MULTILABEL else 3)
        if task is Task.MULTICLASS:
            torch.testing.assert_close(soft.sum(1), torch.ones(12))
    assert torch.equal(images, before[0])
    assert torch.equal(rows, before[1])
    mixed, soft = method.augment(images[:1], rows[:1])
    assert torch.equal(mixed, images[:1])
    assert torch.equal(soft, method.dense(rows[:1]))
