"""Properties of random erasing."""

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from tiny import TASKS, batch, check_zero_equals_none, make
from torch import Tensor

from bench.base.task import Task


def boxes(shape: tuple[int, ...] = (4000, 1, 28, 28), **params: Any) -> Tensor:
    """Masks (B, H, W) of what was erased in images of ones."""
    method = make("random_erasing", **({"prob": 1.0} | params))
    changed, _ = method.augment(torch.ones(shape), torch.zeros(shape[0]))
    assert ((changed == 1) | (changed == 0.5)).all()
    assert torch.equal(changed, changed[:, :1].expand_as(changed)), "all channels share the box"
    return changed[:, 0] == 0.5


def sides(masks: Tensor) -> tuple[Tensor, Tensor]:
    heights, widths = masks.any(2).sum(1), masks.any(1).sum(1)
    assert torch.equal(masks.sum((1, 2)), heights * widths), "a rectangle"
    return heights, widths


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("random_erasing", task)


@pytest.mark.parametrize("shape", [(4000, 1, 28, 28), (1000, 3, 20, 50)])
@pytest.mark.parametrize("highest", [0.33, 0.5])
def test_area_and_aspect_lie_in_their_ranges(shape: tuple[int, ...], highest: float) -> None:
    """Up to the rounding of each side by half a pixel."""
    heights, widths = sides(boxes(shape, max_area=highest))
    pixels = shape[2] * shape[3]
    assert ((heights + 0.5) * (widths + 0.5) >= 0.02 * pixels).all()
    assert ((heights - 0.5) * (widths - 0.5) <= highest * pixels).all()
    assert ((heights + 0.5) / (widths - 0.5) >= 0.3).all()
    assert ((heights - 0.5) / (widths + 0.5) <= 3.3).all()
    assert (heights < shape[2]).all()
    assert (widths < shape[3]).all()


def test_area_is_uniform_and_aspect_log_uniform() -> None:
    """At 224 px, where rounding is small, and with areas at which each aspect fits."""
    heights, widths = make("random_erasing", max_area=0.28).sides(20000, 224, 224)
    share = (heights * widths).double() / 224**2
    tilt = (heights / widths).double().log()
    low, high = torch.tensor([0.3, 3.3]).double().log()
    assert float(share.mean()) == pytest.approx(0.15, abs=0.003)
    assert float(share.std()) == pytest.approx(0.26 / 12**0.5, abs=0.002)
    assert float(tilt.mean()) == pytest.approx(float((low + high) / 2), abs=0.02)
    assert float(tilt.std()) == pytest.approx(float((high - low) / 12**0.5), abs=0.02)


def test_place_is_uniform_and_reaches_all_borders() -> None:
    masks = boxes((6000, 1, 28, 28))
    for lines in (masks.any(2), masks.any(1)):
        starts, free = lines.int().argmax(1), 28 - lines.sum(1)
        assert ((starts >= 0) & (starts <= free)).all()
        assert (starts == 0).any()
        assert (starts == free).any()
        assert float((starts / free).mean()) == pytest.approx(0.5, abs=0.02)


def test_a_box_that_never_fits_erases_nothing() -> None:
    assert not boxes(min_area=1.0, max_area=1.0).any()


def test_boxes_differ_between_images_and_prob_is_their_share() -> None:
    assert len(boxes((64, 1, 28, 28)).flatten(1).unique(dim=0)) > 60
    assert boxes().any((1, 2)).all()
    assert not boxes(prob=0.0).any()
    half = boxes(prob=0.5).any((1, 2)).float().mean()
    assert float(half) == pytest.approx(0.5, abs=0.03)


def test_noise_is_standard_normal_after_normalisation() -> None:
    images, rows = torch.full((200, 3, 28, 28), 7.0), torch.zeros(200)
    changed, _ = make("random_erasing", prob=1.0, fill="noise").augment(images, rows)
    inside = changed[changed != 7]
    normalised = (inside - 0.5) / 0.5
    assert float(normalised.mean()) == pytest.approx(0, abs=0.02)
    assert float(normalised.std()) == pytest.approx(1, abs=0.02)
    assert len(inside.unique()) > 0.9 * len(inside), "each pixel and channel has its own"


@pytest.mark.parametrize("fill", ["mean", "noise"])
@pytest.mark.parametrize("task", TASKS)
def test_the_rest_of_the_images_and_the_targets_stay(task: Task, fill: str) -> None:
    images, rows = batch(task)
    before = images.clone()
    changed, targets = make("random_erasing", task, prob=1.0, fill=fill).augment(images, rows)
    assert torch.equal(images, before)
    assert targets is rows
    assert changed.dtype == images.dtype
    _ = sides((changed != images)[:, 0])


def test_parameters_are_checked() -> None:
    for wrong in ({"min_area": 0.4}, {"min_aspect": 4.0}, {"prob": 1.1}, {"fill": "black"}):
        with pytest.raises(ValidationError):
            make("random_erasing", **wrong)
