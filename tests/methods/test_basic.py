"""Properties of the basic pipeline."""

import pytest
import torch
from tiny import TASKS, check_zero_equals_none, make, targets

from bench.base.task import Task
from methods.basic import Basic


def basic(**params: object) -> Basic:
    method = make("basic", **params)
    assert isinstance(method, Basic)
    return method


def augmented(images: torch.Tensor, **params: object) -> torch.Tensor:
    return basic(**params).augment(images, targets(Task.MULTICLASS, len(images)))[0]


@pytest.mark.parametrize("task", TASKS)
def test_without_chance_nothing_changes(task: Task) -> None:
    check_zero_equals_none("basic", task)


def test_flips_alone_turn_half_of_the_images_over_bit_for_bit() -> None:
    images = torch.rand(400, 1, 8, 8)
    found = augmented(images, degrees=0, zoom=0, shift=0)
    turned = (found == images.flip(3)).flatten(1).all(1)
    kept = (found == images).flatten(1).all(1)
    assert (turned ^ kept).all() and 150 < turned.sum() < 250


def test_upside_down_only_where_it_is_asked_for() -> None:
    images = torch.rand(100, 1, 8, 8)
    found = augmented(images, degrees=0, zoom=0, shift=0, vertical=True, prob=1.0)
    assert torch.equal(found, images.flip(3).flip(2))


def test_maps_stay_within_their_strengths() -> None:
    maps = basic(prob=1.0).maps(2000, 32, 32)
    scale = maps[:, :2, :2].det().sqrt()
    angle = torch.atan2(maps[:, 0, 1], maps[:, 0, 0]).rad2deg()
    for values, limit in ((scale - 1, 0.1), (angle, 15), (maps[:, 0, 2], 4), (maps[:, 1, 2], 4)):
        assert 0.95 * limit < values.abs().max() <= limit * 1.001
        assert abs(values.mean()) < 0.1 * limit


def test_half_of_the_rotations_fire() -> None:
    maps = basic(zoom=0, shift=0).maps(1000, 8, 8)
    assert 400 < (maps[:, 0, 1] != 0).sum() < 600
