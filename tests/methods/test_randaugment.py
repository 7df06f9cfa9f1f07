"""Properties of RandAugment."""

import pytest
import torch
from pydantic import ValidationError
from test_image_ops import random_images
from tiny import TASKS, batch, check_zero_equals_none, make

from bench.base.task import Task
from methods import randaugment
from methods.randaugment import moderate_space


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("randaugment", task)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [28, 64])
@pytest.mark.parametrize("magnitude", [0, 30])
def test_shape_range_and_input_are_kept(channels: int, size: int, magnitude: int) -> None:
    images, rows = random_images(channels, 60, size) / 255, torch.arange(60)
    before = images.clone()
    changed, labels = make("randaugment", magnitude=magnitude).augment(images, rows)
    assert (changed.shape, changed.dtype) == (images.shape, torch.float32)
    assert 0 <= changed.min() <= changed.max() <= 1
    assert torch.equal(images, before)
    assert labels is rows


def test_a_seed_repeats_and_each_image_has_draws_of_its_own() -> None:
    images = (random_images(3, 1) / 255).expand(64, -1, -1, -1)
    first, second = (make("randaugment").augment(images, torch.arange(64))[0] for _ in range(2))
    assert torch.equal(first, second)
    assert len(first.flatten(1).unique(dim=0)) > 30


def test_operations_follow_one_another_at_one_level(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def add_one(images: torch.Tensor, _: object, levels: torch.Tensor, *__: object) -> torch.Tensor:
        seen.append(levels)
        return images + 1

    monkeypatch.setattr(randaugment, "transform", add_one)
    images = torch.zeros(5, 1, 4, 4)
    changed, _ = make("randaugment", num_ops=3, magnitude=12).augment(images, torch.zeros(5))
    assert torch.equal(changed, images + 3)
    assert torch.equal(torch.stack(seen), torch.full((3, 5), 0.4))


def test_translation_is_a_part_of_each_side() -> None:
    space = moderate_space(height=331, width=662)
    assert space["TranslateX"].last == pytest.approx(300)
    assert space["TranslateY"].last == pytest.approx(150)


def test_multilabel_rows_stay() -> None:
    images, rows = batch(Task.MULTILABEL)
    assert make("randaugment", Task.MULTILABEL).augment(images, rows)[1] is rows


def test_parameters_are_checked() -> None:
    for wrong in ({"magnitude": 31}, {"num_ops": -1}):
        with pytest.raises(ValidationError):
            make("randaugment", **wrong)
