"""Properties of FMix."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy import ndimage
from tiny import LABELS, TASKS, batch, check_zero_equals_none, make

from bench.base.task import Task
from methods.fmix import highest, low_frequency_noise


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("fmix", task)


def test_prob_is_the_share_of_mixed_batches() -> None:
    images, rows = batch()
    mixed, labels = make("fmix", prob=0.0).augment(images, rows)
    assert mixed is images
    assert labels is rows
    method = make("fmix", prob=0.3)
    often = sum(method.augment(images, rows)[0] is not images for _ in range(1000)) / 1000
    assert often == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("shape", [(2, 2), (27, 27), (28, 28), (9, 20), (64, 33)])
def test_mask_has_the_share_of_lam_up_to_half_a_pixel(shape: tuple[int, int]) -> None:
    noise = low_frequency_noise(*shape, 3.0, torch.Generator().manual_seed(0))
    assert noise.shape == shape
    for lam in torch.linspace(0, 1, 41).tolist():
        mask = highest(noise, lam)
        assert mask.shape == shape
        assert abs(float(mask.float().mean()) - lam) <= 0.5 / noise.numel() + 1e-6
        if 0 < int(mask.sum()) < noise.numel():
            assert noise[mask].min() >= noise[~mask].max()
    assert not highest(noise, 0.0).any()
    assert highest(noise, 1.0).all()


@pytest.mark.parametrize("shape", [(27, 27), (28, 28), (12, 20)])
def test_noise_has_the_spectrum_of_the_formula(shape: tuple[int, int]) -> None:
    """A complex normal number has mean square 2; columns 0 and Nyquist are made Hermitian."""
    height, width = shape
    generator = torch.Generator().manual_seed(0)
    power = torch.stack(
        [
            torch.fft.rfft2(low_frequency_noise(height, width, 1.5, generator)).abs().square()
            for _ in range(2000)
        ]
    ).mean(0)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    expected = torch.tensor(2 / np.maximum(frequency, 1 / max(shape)) ** 3).float()
    inner = slice(1, (width - 1) // 2)
    torch.testing.assert_close(power[:, inner], expected[:, inner], rtol=0.15, atol=0)


def test_more_decay_makes_fewer_regions() -> None:
    def regions(decay: float) -> float:
        generator = torch.Generator().manual_seed(0)
        masks = [
            highest(low_frequency_noise(28, 28, decay, generator), 0.5).numpy() for _ in range(100)
        ]
        return float(np.mean([ndimage.label(mask)[1] for mask in masks]))

    assert regions(0.0) > 2 * regions(1.5) > 4 * regions(3.0)


@pytest.mark.parametrize("shape", [(27, 27), (28, 28), (9, 20)])
def test_label_weights_are_the_pixel_shares_exactly(shape: tuple[int, int]) -> None:
    """Image i is constant i, so that each pixel tells where it came from."""
    images = torch.arange(3.0)[:, None, None, None].expand(3, 2, *shape)
    method = make("fmix")
    for _ in range(50):
        mixed, soft = method.augment(images, torch.tensor([0, 1, 2]))
        assert torch.equal(mixed[:, 0], mixed[:, 1]), "all channels share the mask"
        for i in range(3):
            counts = torch.bincount(mixed[i, 0].flatten().long(), minlength=3)
            torch.testing.assert_close(soft[i], counts / counts.sum(), rtol=0, atol=1e-6)


def test_one_mask_and_one_partner_a_image() -> None:
    images = torch.rand(6, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    method = make("fmix")
    for _ in range(20):
        changed = method.augment(images, torch.arange(6) % 3)[0] != images
        moved = changed.flatten(1).any(1)
        if moved.any():
            mask = changed[moved][0, 0]
            assert torch.equal(changed[moved], mask.expand_as(changed[moved]))


def test_lam_has_the_moments_of_its_beta_distribution() -> None:
    """Mean ½, variance 1/(4(2a + 1)); read off the label of pairs that were exchanged."""
    method, lams = make("fmix", alpha=2.0), []
    while len(lams) < 1000:
        _, soft = method.augment(torch.zeros(2, 1, 16, 16), torch.tensor([0, 1]))
        if float(soft[0, 0]) < 1:
            lams.append(float(soft[0, 0]))
    assert np.mean(lams) == pytest.approx(0.5, abs=0.03)
    assert np.var(lams) == pytest.approx(1 / 20, abs=0.008)


@pytest.mark.parametrize("task", TASKS)
def test_input_is_not_modified_and_one_image_is_itself(task: Task) -> None:
    images, rows = batch(task)
    before = images.clone(), rows.clone()
    method = make("fmix", task)
    _, soft = method.augment(images, rows)
    assert torch.equal(images, before[0])
    assert torch.equal(rows, before[1])
    assert soft.shape == (12, LABELS if task is Task.MULTILABEL else 3)
    torch.testing.assert_close(soft.sum(0), method.dense(rows).sum(0))
    if task is Task.MULTICLASS:
        torch.testing.assert_close(soft.sum(1), torch.ones(12))
    mixed, soft = method.augment(images[:1], rows[:1])
    assert torch.equal(mixed, images[:1])
    assert torch.equal(soft, method.dense(rows[:1]))


def test_parameters_are_checked() -> None:
    for wrong in ({"alpha": 0.0}, {"prob": 1.1}, {"decay": -1.0}):
        with pytest.raises(ValidationError):
            make("fmix", **wrong)
