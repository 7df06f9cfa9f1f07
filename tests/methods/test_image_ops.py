"""Operations on grey values, and affine maps, against closed forms and torchvision."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as vision

from methods.parts import image_ops as ops
from methods.parts.geometry import affine, rotation, warp


def random_images(channels: int, rows: int = 6, size: int = 28) -> Tensor:
    """uint8 images with a bright blob, noise, and black and white pixels."""
    generator = torch.Generator().manual_seed(4)
    noise = torch.rand(rows, channels, size, size, generator=generator)
    at = torch.linspace(-1, 1, size)
    blob = (1 - at[:, None].square() - at.square()).clamp(0, 1)
    return (255 * (0.2 + 0.6 * blob + 0.4 * (noise - 0.5)).clamp(0, 1)).byte()


def in_levels(images: Tensor) -> Tensor:
    return (images * 255).round().int()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("operation", "oracle"),
    [
        (ops.brightness, vision.adjust_brightness),
        (ops.contrast, vision.adjust_contrast),
        (ops.color, vision.adjust_saturation),
        (ops.sharpness, vision.adjust_sharpness),
    ],
)
def test_blends_with_a_factor_for_each_image(
    operation: ops.Operation, oracle: Callable[[Tensor, float], Tensor], channels: int
) -> None:
    factors = torch.tensor([0.0, 0.2, 0.9, 1.0, 1.3, 1.99])
    images = random_images(channels) / 255
    ours = operation(images, factors)
    theirs = torch.stack([oracle(i, float(f)) for i, f in zip(images, factors, strict=True)])
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    assert torch.equal(ours[3], images[3])


@pytest.mark.parametrize("channels", [1, 3])
def test_posterize_and_solarize_equal_those_on_eight_bits(channels: int) -> None:
    coarse = random_images(channels, rows=9)
    images = coarse.float() / 255
    posterized = ops.posterize(images, torch.arange(9.0))
    solarized = ops.solarize(images, torch.arange(9.0) / 8)
    for i in range(9):
        assert torch.equal(in_levels(posterized[i]), vision.posterize(coarse[i], i).int())
        assert torch.equal(in_levels(solarized[i]), vision.solarize(coarse[i], 255 * i / 8).int())
        assert len(posterized[i].unique()) <= 2**i


@pytest.mark.parametrize("channels", [1, 3])
def test_autocontrast_and_equalize_equal_those_on_eight_bits(channels: int) -> None:
    coarse = random_images(channels)
    coarse[0] = 77
    images, unused = coarse.float() / 255, torch.zeros(6)
    for operation, oracle in (
        (ops.autocontrast, vision.autocontrast),
        (ops.equalize, vision.equalize),
    ):
        changed = in_levels(operation(images, unused))
        assert (changed - oracle(coarse).int()).abs().max() <= 1
        assert torch.equal(changed[0], coarse[0].int())
        assert not torch.equal(changed[1], coarse[1].int())


def test_sharpen_is_its_convolution() -> None:
    images = torch.full((3, 3, 9, 9), 0.3)
    images[:, :, 4, 4] = 0.4
    sharp = ops.sharpen(images, torch.tensor([0.0, 0.1, 1.0]))
    assert torch.equal(sharp[0], images[0])
    torch.testing.assert_close(sharp[1, 0, 4, 4], torch.tensor(0.4 + 0.1 * 8 * 0.1))
    torch.testing.assert_close(sharp[1, 0, 3, 5], torch.tensor(0.3 - 0.1 * 0.1))
    torch.testing.assert_close(sharp[2, :, 3:6, 3:6].sum((1, 2)), torch.full((3,), 1 + 8 * 0.2))


def test_sharpen_and_blur_leave_a_constant_image() -> None:
    images = torch.tensor([0.0, 0.3, 1.0])[:, None, None, None].expand(3, 3, 9, 9)
    torch.testing.assert_close(ops.sharpen(images, torch.tensor([0.2, 0.5, 1.0])), images)
    torch.testing.assert_close(ops.gaussian_blur(images, torch.tensor([3, 5, 7]), 7), images)


def test_blur_has_the_deviation_of_each_kernel() -> None:
    images = random_images(3).float() / 255
    blurred = ops.gaussian_blur(images, torch.tensor([3, 5, 7, 7, 5, 3]), 7)
    for i, (size, sigma) in enumerate([(3, 0.8), (5, 1.1), (7, 1.4)]):
        for row in (i, 5 - i):
            expected = vision.gaussian_blur(images[row], size, sigma)
            torch.testing.assert_close(blurred[row], expected)


def test_noise_has_the_deviation_of_each_image() -> None:
    deviations = torch.tensor([0.0, 0.01, 0.03])
    images = torch.full((3, 3, 64, 64), 0.5)
    noise = ops.add_noise(images, deviations, torch.Generator().manual_seed(0)) - images
    torch.testing.assert_close(noise.flatten(1).std(1), deviations, atol=0, rtol=0.05)
    assert noise.flatten(1).mean(1).abs().max() < 1e-3


def test_each_image_has_the_operation_of_its_number() -> None:
    images = torch.rand(5, 1, 4, 4)
    changed = ops.apply_each(
        images,
        [lambda x, s: x + s[:, None, None, None], lambda x, s: x * s[:, None, None, None]],
        torch.tensor([1, -1, 0, 2, 1]),
        torch.arange(5.0),
    )
    expected = torch.stack([images[0] * 0, images[1], images[2] + 2, images[3], images[4] * 4])
    assert torch.equal(changed, expected)


def test_members_of_a_choice_are_its_rows_in_order() -> None:
    choice = torch.randint(-1, 5, (200,))
    for number, rows in enumerate(ops.members(choice, 4)):
        assert torch.equal(rows, (choice == number).nonzero().squeeze(1))
    assert [len(rows) for rows in ops.members(torch.full((3,), -1), 2)] == [0, 0]


def test_maps_of_whole_pixels_move_them_exactly() -> None:
    images = torch.rand(5, 3, 6, 8)
    one = torch.ones(1)
    matrices = torch.cat(
        [affine(one), affine(one, xx=-1), affine(one, yy=-1), affine(one, x=3), affine(one, y=-2)]
    )
    for mode in ("nearest", "bilinear"):
        warped = warp(images, matrices, mode)
        assert torch.equal(warped[0], images[0])
        torch.testing.assert_close(warped[1], images[1].flip(2), atol=1e-5, rtol=0)
        torch.testing.assert_close(warped[2], images[2].flip(1), atol=1e-5, rtol=0)
        torch.testing.assert_close(warped[3, :, :, 3:], images[3, :, :, :5], atol=1e-5, rtol=0)
        torch.testing.assert_close(warped[4, :, :4], images[4, :, 2:], atol=1e-5, rtol=0)
        assert warped[3, :, :, :3].max() < 1e-5
        assert warped[4, :, 4:].max() < 1e-5


def test_rotation_is_counter_clockwise_and_keeps_lengths() -> None:
    images = torch.rand(2, 1, 7, 7)
    turned = warp(images, rotation(torch.tensor([90.0, 180.0])), "bilinear")
    torch.testing.assert_close(turned[0], images[0].rot90(1, (1, 2)), atol=1e-5, rtol=0)
    torch.testing.assert_close(turned[1], images[1].rot90(2, (1, 2)), atol=1e-5, rtol=0)
    linear = rotation(torch.linspace(-180, 180, 9))[:, :2, :2]
    eye = torch.eye(2).expand(9, 2, 2)
    torch.testing.assert_close(linear @ linear.transpose(1, 2), eye, atol=1e-6, rtol=0)


def test_one_warp_of_a_product_equals_its_maps_in_turn() -> None:
    images = torch.rand(1, 1, 9, 9)
    turn, shift = rotation(torch.tensor([90.0])), affine(torch.ones(1), x=2)
    in_turn = warp(warp(images, turn, "bilinear"), shift, "bilinear")
    torch.testing.assert_close(warp(images, shift @ turn, "bilinear"), in_turn, atol=1e-5, rtol=0)
