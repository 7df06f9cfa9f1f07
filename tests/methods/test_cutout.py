"""Properties of Cutout."""

import pytest
import torch
from pydantic import ValidationError
from tiny import TASKS, batch, check_zero_equals_none, make
from torch import Tensor

from bench.base.task import Task


def erased(masked: Tensor) -> Tensor:
    """Masks (B, H, W) of what was erased in images of ones."""
    assert ((masked == 1) | (masked == 0.5)).all()
    assert torch.equal(masked, masked[:, :1].expand_as(masked)), "all channels share the square"
    return masked[:, 0] == 0.5


def squares(shape: tuple[int, ...] = (4000, 1, 28, 28), **params: float) -> Tensor:
    return erased(make("cutout", **params).augment(torch.ones(shape), torch.zeros(shape[0]))[0])


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("cutout", task)


@pytest.mark.parametrize(("size", "side"), [(27, 14), (28, 14), (64, 32), (224, 112)])
def test_side_is_half_of_the_height(size: int, side: int) -> None:
    masks = squares((64, 3, size, size))
    heights, widths = masks.any(2).sum(1), masks.any(1).sum(1)
    assert heights.max() == side
    assert widths.max() == side
    assert torch.equal(masks.sum((1, 2)), heights * widths), "a rectangle"
    assert heights.min() >= side // 2
    assert widths.min() >= side // 2


def test_area_is_whole_unless_a_border_clips_it() -> None:
    masks = squares(side=0.2)
    inner = ~(masks[:, [0, -1]].any((1, 2)) | masks[:, :, [0, -1]].any((1, 2)))
    areas = masks.sum((1, 2))
    assert (areas[inner] == 6 * 6).all()
    assert areas.max() == 6 * 6
    assert areas.min() >= 3 * 3


def test_each_pixel_is_erased_as_often_as_a_uniform_centre_tells() -> None:
    covered = torch.zeros(28)
    for centre in range(28):
        covered[max(0, centre - 7) : centre + 7] += 1 / 28
    often = squares((20000, 1, 28, 28)).float().mean(0)
    torch.testing.assert_close(often, covered[:, None] * covered, rtol=0, atol=0.02)


def test_squares_differ_between_images() -> None:
    assert len(squares((64, 1, 28, 28)).flatten(1).unique(dim=0)) > 40


def test_tiny_squares_have_a_pixel() -> None:
    assert (squares((50, 1, 28, 28), side=0.001).sum((1, 2)) == 1).all()


def test_prob_is_the_share_of_changed_images() -> None:
    changed = squares(prob=0.3).any((1, 2)).float().mean()
    assert float(changed) == pytest.approx(0.3, abs=0.03)
    assert not squares(prob=0.0).any()


@pytest.mark.parametrize("task", TASKS)
def test_the_rest_of_the_images_and_the_targets_stay(task: Task) -> None:
    images, rows = batch(task)
    before = images.clone()
    changed, targets = make("cutout", task).augment(images, rows)
    assert torch.equal(images, before)
    assert targets is rows
    assert changed.dtype == images.dtype
    assert torch.equal(changed[changed != 0.5], images[changed != 0.5])


def test_parameters_are_checked() -> None:
    for wrong in ({"side": 0.0}, {"side": 1.1}, {"prob": -0.1}):
        with pytest.raises(ValidationError):
            make("cutout", **wrong)
