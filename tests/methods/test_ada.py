"""Properties of adaptive discriminator augmentation."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from methods.generative.ada import (
    Controller,
    Draws,
    Pipeline,
    blit,
    colour,
    geometry,
    recolour,
    rotation,
    scaling,
    translation,
    warp,
)

MANY = 4000


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def draws(p: float = 1.0, count: int = MANY) -> Draws:
    return Draws(count, p, torch.device("cpu"))


def noise(count: int = 4, channels: int = 3, size: int = 8) -> Tensor:
    return torch.rand(count, channels, size, size) * 2 - 1


def one(matrix: Tensor, count: int = 4) -> Tensor:
    return matrix.expand(count, 3, 3)


# The pipeline


@pytest.mark.parametrize("channels", [1, 3])
def test_p_zero_is_the_identity_bit_for_bit(channels: int) -> None:
    images = noise(channels=channels)
    assert torch.equal(Pipeline()(images, 0.0), images)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_on_which_nothing_fires_keep_their_bits(channels: int) -> None:
    images = noise(2000, channels)
    before = images.clone()
    out = Pipeline()(images, 0.05)
    same = (out == images).flatten(1).all(1).float().mean().item()
    coins = 12 if channels == 3 else 10
    sometimes_idle = 3
    assert 0.95**coins - 0.04 < same < 0.95 ** (coins - sometimes_idle) + 0.04
    assert torch.equal(images, before)


def test_geometry_leaves_flat_images_and_colour_does_not() -> None:
    flat = torch.full((16, 1, 8, 8), 0.3)
    torch.testing.assert_close(Pipeline("bg")(flat, 1.0), flat, atol=1e-5, rtol=0)
    recoloured = Pipeline("c")(flat, 1.0)
    assert torch.equal(recoloured.amin((1, 2, 3)), recoloured.amax((1, 2, 3)))
    assert recoloured.std() > 0.1


def test_both_axes_of_a_shift_share_a_coin() -> None:
    moved = geometry(draws(0.3))[:, :2, 2] != 0
    assert torch.equal(moved[:, 0], moved[:, 1])
    assert moved[:, 0].float().mean().item() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize(("p", "share"), [(1.0, 0.5), (0.4, 0.2)])
def test_half_of_the_fired_flips_flip(p: float, share: float) -> None:
    flipped = torch.linalg.det(blit(draws(p), 32)) < 0
    assert flipped.float().mean().item() == pytest.approx(share, abs=0.03)


def test_quarter_turns_are_uniform() -> None:
    matrix = blit(draws(), 32)
    matrix = scaling(torch.linalg.det(matrix), torch.ones(MANY)) @ matrix
    quarters = (torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0]) / (math.pi / 2)).round() % 4
    counts = torch.bincount(quarters.long(), minlength=4) / MANY
    torch.testing.assert_close(counts, torch.full((4,), 0.25), atol=0.03, rtol=0)


def test_blit_moves_whole_pixels_up_to_an_eighth() -> None:
    images, size = noise(64, 1, 32), 32
    out = Pipeline("b")(images, 1.0)
    known = images.flatten(1).unsqueeze(1)
    nearest = (out.flatten(1)[:8, :, None] - known[:8]).abs().amin(2)
    assert nearest.max() < 1e-4
    shifts = blit(draws(), size)[:, :2, 2] * (size - 1) / 2
    assert shifts.abs().max().item() == pytest.approx(size / 8, abs=1e-3)
    torch.testing.assert_close(shifts, shifts.round(), atol=1e-3, rtol=0)


def test_scales_are_log_normal() -> None:
    matrix = geometry(draws())[:, :2, :2]
    area = torch.log2(torch.linalg.det(matrix)) / 2
    assert area.mean().item() == pytest.approx(0, abs=0.02)
    assert area.std().item() == pytest.approx(0.2, abs=0.02)
    values = torch.linalg.svdvals(matrix)
    stretch = torch.log2(values[:, 0] / values[:, 1]) / 2
    assert stretch.square().mean().sqrt().item() == pytest.approx(0.2, abs=0.02)


def test_either_turn_fires_with_p() -> None:
    matrix = geometry(draws(0.3))[:, :2, :2]
    stretched = torch.linalg.svdvals(matrix)
    plain = stretched[:, 0] / stretched[:, 1] < 1.0001
    turned = matrix[:, 1, 0].abs() > 1e-5
    assert turned[plain].float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_colour_of_gray_is_contrast_flip_and_brightness() -> None:
    matrix, offset = colour(draws(), 1)
    assert matrix.shape == (MANY, 1, 1)
    assert torch.log2(matrix.abs()).std().item() == pytest.approx(0.5, abs=0.03)
    assert (matrix < 0).float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert offset.std().item() == pytest.approx(0.2, abs=0.02)


def test_hue_and_saturation_leave_gray_to_contrast_and_flip() -> None:
    matrix, _ = colour(draws(), 3)
    gray = matrix @ torch.ones(3)
    torch.testing.assert_close(gray, gray[:, :1].expand(-1, 3), atol=1e-5, rtol=1e-5)
    sizes = torch.linalg.svdvals(matrix)
    contrast = gray[:, :1].abs()
    product = sizes.prod(1, keepdim=True) / contrast
    chroma = product.sqrt()
    expected = torch.cat([contrast, chroma, chroma], 1).sort(1, descending=True).values
    torch.testing.assert_close(sizes, expected, atol=1e-4, rtol=1e-3)
    assert torch.log2(chroma / contrast).std().item() == pytest.approx(1.0, abs=0.05)


def test_colours_are_not_clipped() -> None:
    image = torch.ones(1, 3, 2, 2)
    out = recolour(image, 2 * torch.eye(3)[None], torch.tensor([0.5]))
    torch.testing.assert_close(out, 3 * image)


# The warp


def test_warp_by_the_identity() -> None:
    images = noise()
    torch.testing.assert_close(warp(images, one(torch.eye(3))), images, atol=1e-5, rtol=0)


def test_dense_warp_by_the_identity_keeps_a_ramp() -> None:
    ramp = torch.linspace(-1, 1, 8).expand(4, 1, 8, 8)
    out = warp(ramp, one(torch.eye(3)), 2)
    torch.testing.assert_close(out[..., 1:-1], ramp[..., 1:-1], atol=1e-5, rtol=0)


def test_warp_by_known_matrices() -> None:
    images, unit = noise(), torch.ones(4)
    flipped = warp(images, scaling(-unit, unit))
    torch.testing.assert_close(flipped, images.flip(3), atol=1e-4, rtol=0)
    turned = warp(images, rotation(unit * math.pi / 2))
    torch.testing.assert_close(turned, images.rot90(1, (2, 3)), atol=1e-4, rtol=0)
    shifted = warp(images, translation(unit * 2 * 2 / 7, 0 * unit))
    torch.testing.assert_close(shifted[..., :-2], images[..., 2:], atol=1e-4, rtol=0)
    torch.testing.assert_close(shifted[..., -2:], images[..., [6, 5]], atol=1e-4, rtol=0)


def test_the_warp_is_twice_differentiable() -> None:
    images = noise(2, 1, 4).double().requires_grad_()
    matrix = geometry(draws(count=2)).double()
    assert torch.autograd.gradcheck(lambda x: warp(x, matrix), images)
    assert torch.autograd.gradgradcheck(lambda x: warp(x, matrix).square(), images)


@pytest.mark.parametrize(("channels", "supersample"), [(1, 1), (3, 1), (3, 2)])
def test_gradients_reach_the_images_twice(channels: int, supersample: int) -> None:
    images = noise(channels=channels).requires_grad_()
    out = Pipeline("bgc", supersample)(images, 0.8)
    (gradient,) = torch.autograd.grad(out.square().sum(), images, create_graph=True)
    (second,) = torch.autograd.grad(gradient.square().sum(), images)
    for found in (gradient, second):
        assert torch.isfinite(found).all()
        assert (found.flatten(1).abs().sum(1) > 0).all()


# The controller


def controller(**changes: Any) -> Controller:
    return Controller(**({"target": 0.6, "kimg": 500.0} | changes))


def feed(control: Controller, value: float, batch: int = 64, times: int = 4) -> float:
    for _ in range(times):
        control.observe(torch.full((batch,), value))
    return control.p


def test_p_moves_by_the_images_of_four_batches() -> None:
    control = controller()
    assert feed(control, 1.0, times=3) == 0
    assert feed(control, 1.0, times=1) == pytest.approx(64 * 4 / 500_000, rel=1e-12)
    assert feed(control, 1.0) == pytest.approx(2 * 64 * 4 / 500_000, rel=1e-12)
    assert feed(control, -1.0) == pytest.approx(64 * 4 / 500_000, rel=1e-12)


def test_p_stays_in_its_interval() -> None:
    assert feed(controller(), -3.0) == 0
    assert feed(controller(kimg=0.1), 3.0) == 1
    assert feed(controller(kimg=0.1, p_max=0.8), 3.0) == 0.8


def test_a_sure_discriminator_drives_p_to_one_in_kimg() -> None:
    control, batch = controller(), 1000
    assert feed(control, 1.0, batch, 496) < 1
    assert feed(control, 1.0, batch, 4) == pytest.approx(1, abs=1e-9)


def test_the_mean_sign_decides() -> None:
    """Of 20 signs 16 are positive: r is 0.6, which is neither above nor below the target."""
    signs = torch.tensor([5.0] * 4 + [-0.1])
    for target, direction in ((0.6, 0), (0.5, 1), (0.7, -1)):
        control = controller(target=target)
        control.p = 0.5
        for _ in range(4):
            control.observe(signs)
        assert math.copysign(1, control.p - 0.5) * (control.p != 0.5) == direction


def test_the_controller_goes_on_from_its_state() -> None:
    first, second = controller(), controller()
    feed(first, 1.0, times=6)
    second.load_state_dict(first.state_dict())
    assert feed(second, -1.0, times=2) == feed(first, -1.0, times=2)
    assert first.p == pytest.approx(0, abs=1e-12)
