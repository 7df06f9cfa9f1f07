"""Properties of TrivialAugment."""

import pytest
import torch
from test_image_ops import random_images
from tiny import TASKS, batch, check_zero_equals_none, make, targets

from bench.base.task import Task
from methods import trivialaugment
from methods.trivialaugment import wide_space


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("trivialaugment", task)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [28, 64])
def test_shape_range_and_input_are_kept(channels: int, size: int) -> None:
    images, rows = random_images(channels, 80, size) / 255, torch.arange(80)
    before = images.clone()
    changed, labels = make("trivialaugment").augment(images, rows)
    assert (changed.shape, changed.dtype) == (images.shape, torch.float32)
    assert 0 <= changed.min() <= changed.max() <= 1
    assert torch.equal(images, before)
    assert labels is rows


def test_a_seed_repeats_and_each_image_has_draws_of_its_own() -> None:
    images = (random_images(3, 1) / 255).expand(64, -1, -1, -1)
    first, second = (make("trivialaugment").augment(images, torch.arange(64))[0] for _ in range(2))
    assert torch.equal(first, second)
    assert len(first.flatten(1).unique(dim=0)) > 30


def test_prob_is_the_share_of_changed_images() -> None:
    """Identity, and the weakest bins, leave an image also when it is chosen."""
    images = (random_images(3, 1) / 255).expand(2000, -1, -1, -1)
    shares = []
    for prob in (1.0, 0.5):
        changed, _ = make("trivialaugment", prob=prob).augment(images, targets(TASKS[0], 2000))
        shares.append(float((changed != images).flatten(1).any(1).float().mean()))
    assert 0.75 < shares[0] < 1 - 1 / 14
    assert shares[1] / shares[0] == pytest.approx(0.5, abs=0.04)


def test_all_bins_are_drawn_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        trivialaugment, "transform", lambda images, _, levels, *__: seen.append(levels) or images
    )
    make("trivialaugment").augment(torch.zeros(6200, 1, 4, 4), torch.zeros(6200))
    counts = torch.bincount((seen[0] * 30).round().long(), minlength=31)
    assert len(counts) == 31
    assert counts.min() > 140
    assert counts.max() < 260


@pytest.mark.parametrize(
    ("size", "literal", "pixels"),
    [(28, False, 4), (28, True, 32), (32, False, 32 / 7), (64, False, 32), (224, False, 32)],
)
def test_translation_is_scaled_below_64_pixels(size: int, literal: bool, pixels: float) -> None:
    space = wide_space(size, literal)
    assert space["TranslateX"].last == space["TranslateY"].last == pytest.approx(pixels)


def test_literal_translation_loses_small_images() -> None:
    """At 28 px, 4 of 31 bins of 2 of 14 operations leave the frame: 1.8 %."""
    images = 0.3 + 0.4 * torch.rand(3000, 1, 28, 28)
    for literal, low, high in ((True, 0.01, 0.03), (False, 0.0, 0.0)):
        changed, _ = make("trivialaugment", literal=literal).augment(images, torch.zeros(3000))
        blank = float((changed == 0).flatten(1).all(1).float().mean())
        assert low <= blank <= high


def test_multilabel_rows_stay() -> None:
    images, rows = batch(Task.MULTILABEL)
    assert make("trivialaugment", Task.MULTILABEL).augment(images, rows)[1] is rows
