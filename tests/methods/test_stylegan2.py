"""Properties of the compact StyleGAN2, its training, and the method."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from tiny import TASKS, check_zero_equals_none
from torch import Tensor, nn

from bench.base.errors import BenchError
from bench.base.split import Split
from bench.base.task import Task
from methods.generative import gan_training
from methods.generative.gan_training import (
    Sampling,
    Training,
    discriminator_loss,
    ema_decay,
    generator_loss,
    lazy_adam,
    path_lengths,
    r1_penalty,
)
from methods.generative.stage import finish
from methods.generative.stylegan2 import (
    BiasedConv,
    Discriminator,
    Generator,
    Linear,
    ModulatedConv,
    blur,
    minibatch_std,
    resolution,
    widths,
)
from methods.method import Setting, Workspace
from methods.stylegan2_ada import StyleGAN2ADA

SMALL = {"channels": (16, 16), "latent": 8, "style": 8, "batch": 8, "kimg": 0.04}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def setting(task: Task = Task.MULTICLASS, channels: int = 1, size: int = 8) -> Setting:
    return Setting(task, 3, channels, size, feature_dim=4, seed=5)


def subset(task: Task = Task.MULTICLASS, channels: int = 1, size: int = 8, n: int = 24) -> Split:
    """Dark, middle and bright images for the three classes; or random findings."""
    rng = np.random.default_rng(0)
    classes = np.arange(n) % 3
    shape = (n, size, size, channels)[: 3 + (channels == 3)]
    level = (40 + 80 * classes).reshape(n, *[1] * (len(shape) - 1))
    pixels = (level + rng.integers(-20, 21, shape)).astype(np.uint8)
    rows = torch.from_numpy(classes)
    if task is Task.MULTILABEL:
        rows = torch.from_numpy(rng.integers(2, size=(n, 3)).astype(np.float32))
    return Split(pixels, rows)


def training(task: Task = Task.MULTICLASS, channels: int = 1, size: int = 8, **p: Any) -> Training:
    params = StyleGAN2ADA.Params(**(SMALL | p))
    return Training(subset(task, channels, size), params, setting(task, channels, size))


def weights(network: nn.Module) -> list[Tensor]:
    return [weight.detach().clone() for weight in network.parameters()]


def equal(ours: list[Tensor], theirs: list[Tensor]) -> bool:
    return all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))


# Layers


def test_frames_are_powers_of_two() -> None:
    sizes = [8, 28, 32, 33, 64, 128, 224]
    assert [resolution(size) for size in sizes] == [8, 32, 32, 64, 64, 128, 256]


def test_maps_beyond_the_list_are_halved() -> None:
    assert widths((256, 256, 256, 128), 32) == (256, 256, 256, 128)
    assert widths((256, 256, 256, 128), 256) == (256, 256, 256, 128, 64, 32, 16)
    assert widths((32, 32, 16, 16), 8) == (32, 32)
    assert widths((16,), 32) == (16, 16, 16, 16)


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_linear_keeps_unit_variance_and_scales_the_step(rate: float) -> None:
    layer, x = Linear(256, 256, bias=1.0, rate=rate), torch.randn(400, 256)
    out = layer(x)
    assert (out - 1).std().item() == pytest.approx(1, abs=0.05)
    out.sum().backward()
    assert layer.bias.grad is not None
    torch.testing.assert_close(layer.bias.grad, torch.full((256,), 400 * rate))


def test_blur_is_the_binomial_filter() -> None:
    image = torch.zeros(1, 2, 7, 7)
    image[0, 1, 3, 3] = 64
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    out = blur(image, pad=3)
    assert not out[0, 0].any()
    torch.testing.assert_close(out[0, 1, 3:7, 3:7], taps[:, None] * taps)
    assert out.sum().item() == pytest.approx(64)


def test_doubling_an_image_is_zero_insertion_and_blur() -> None:
    image = torch.randn(2, 3, 8, 8)
    zeros = torch.zeros(2, 3, 16, 16)
    zeros[..., ::2, ::2] = image
    by_hand = F.pad(blur(zeros, pad=2, gain=4), (0, -1, 0, -1))
    bilinear = F.interpolate(image, scale_factor=2, mode="bilinear")
    inside = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(bilinear[inside], by_hand[inside])


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("inputs", [8, 64])
def test_demodulated_output_has_unit_variance(inputs: int, kernel: int) -> None:
    conv = ModulatedConv(inputs, 64, kernel, 16)
    x, styles = torch.randn(8, inputs, 16, 16), 5 * torch.rand(8, inputs) + 0.1
    inner = conv.styled(x, styles)[..., 1:-1, 1:-1]
    assert inner.var().item() == pytest.approx(1, rel=0.1)


def test_demodulation_undoes_the_scale_of_a_style() -> None:
    conv, plain = ModulatedConv(8, 4, 3, 16), ModulatedConv(8, 4, 3, 16, demodulate=False)
    x, styles = torch.randn(2, 8, 6, 6), torch.randn(2, 8)
    torch.testing.assert_close(conv.styled(x, 7 * styles), conv.styled(x, styles))
    torch.testing.assert_close(plain.styled(x, 7 * styles), 7 * plain.styled(x, styles))


def test_modulation_equals_own_weights_for_each_image() -> None:
    conv = ModulatedConv(8, 4, 3, 16)
    x, w = torch.randn(3, 8, 6, 6), torch.randn(3, 16)
    for i, styles in enumerate(conv.affine(w)):
        own = conv.weight * styles[:, None, None]
        own = own / own.square().sum((1, 2, 3), keepdim=True).sqrt()
        torch.testing.assert_close(conv(x, w)[i], F.conv2d(x[i], own, padding=1))


def test_styles_start_around_one() -> None:
    affine = ModulatedConv(256, 4, 3, 64).affine
    assert affine(torch.zeros(1, 64)).eq(1).all()


def test_up_and_down_change_the_size_by_two() -> None:
    up = ModulatedConv(8, 4, 3, 16, up=True)
    assert up(torch.randn(2, 8, 6, 6), torch.randn(2, 16)).shape == (2, 4, 12, 12)
    for kernel in (1, 3):
        down = BiasedConv(8, 4, kernel, down=True)
        assert down(torch.randn(2, 8, 6, 6)).shape == (2, 4, 3, 3)


def test_minibatch_std_tells_how_much_images_differ() -> None:
    image = torch.randn(1, 3, 4, 4)
    same = minibatch_std(image.expand(8, -1, -1, -1), 4)
    assert same.shape == (8, 4, 4, 4)
    assert torch.equal(same[:, :3], image.expand(8, -1, -1, -1))
    assert same[:, 3].abs().max() < 1e-3
    signs = torch.tensor([1.0, 1, 1, 1, -1, -1, -1, -1])[:, None, None, None]
    apart = minibatch_std(signs * torch.ones(8, 2, 4, 4), 4)
    torch.testing.assert_close(apart[:, 2], torch.ones(8, 4, 4))
    assert minibatch_std(image, 4).shape == (1, 4, 4, 4)


# Networks


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 32, 64])
def test_shapes(channels: int, size: int) -> None:
    maps = widths((16, 16, 16), size)
    generator, discriminator = Generator(3, channels, 8, 8, maps), Discriminator(3, channels, maps)
    images = generator(torch.eye(3))
    assert images.shape == (3, channels, size, size)
    assert discriminator(torch.randn(4, channels, size, size), torch.eye(4, 3)).shape == (4,)


def test_published_sizes() -> None:
    """In millions, by the specification's estimate."""
    sizes = {(256, 256, 256, 128): (4.3, 4.8), (32, 32, 16, 16): (0.05, 0.06)}
    for maps, expected in sizes.items():
        networks = Generator(2, 1, maps[0], maps[0], maps), Discriminator(2, 1, maps)
        for network, millions in zip(networks, expected, strict=True):
            count = sum(weight.numel() for weight in network.parameters()) / 1e6
            assert count == pytest.approx(millions, rel=0.1)


def test_the_condition_changes_both_networks() -> None:
    generator, discriminator = Generator(3, 1, 8, 8, (16, 16)), Discriminator(3, 1, (16, 16))
    images = torch.randn(4, 1, 8, 8)
    first, second = torch.eye(3)[[0, 0, 0, 0]], torch.eye(3)[[1, 1, 1, 1]]
    assert (discriminator(images, first) - discriminator(images, second)).abs().min() > 1e-4
    made = []
    for condition in (first, second):
        torch.manual_seed(1)
        made.append(generator(condition))
    assert (made[0] - made[1]).abs().mean() > 1e-2


def test_the_discriminator_projects_on_the_condition() -> None:
    discriminator = Discriminator(3, 1, (16, 16))
    condition, images = torch.eye(3)[[0, 1, 2, 0]], torch.randn(4, 1, 8, 8)
    logits = discriminator(images, condition)
    with torch.no_grad():
        discriminator.mapping.layers[1].bias.fill_(-1e9)
    assert discriminator(images, condition).abs().max() > 1e3 * logits.abs().max()


def test_truncation_pulls_to_the_mean_style() -> None:
    generator = Generator(3, 1, 8, 8, (16, 16)).eval()
    condition = torch.eye(3)[[0, 0, 1, 2]]
    spread = [generator(condition, psi).std(0).mean().item() for psi in (0.0, 0.5, 1.0)]
    assert spread[0] == pytest.approx(0, abs=1e-6)
    assert spread[0] < spread[1] < spread[2]


def test_the_mean_style_follows_in_training_only() -> None:
    generator = Generator(3, 1, 8, 8, (16, 16))
    generator.eval().style(torch.eye(3))
    assert not generator.mean_style.any()
    w = generator.train().style(torch.eye(3))
    torch.testing.assert_close(generator.mean_style, w.detach().mean(0) * 0.005)


def test_mixed_styles_change_once_at_a_random_layer() -> None:
    generator = Generator(3, 1, 8, 8, (16,) * 4)
    condition = torch.eye(3)[torch.arange(300) % 3]
    assert not generator.mixed_styles(condition, 0.0).diff(dim=1).any()
    changes = generator.mixed_styles(condition, 0.9).diff(dim=1).abs().amax(2) > 0
    assert changes.sum(1).max() == 1
    assert changes.any(1).float().mean().item() == pytest.approx(0.9, abs=0.06)
    assert changes.any(0).all()


def test_noise_starts_without_effect() -> None:
    generator = Generator(3, 1, 8, 8, (16, 16))
    styles = generator.broadcast(generator.style(torch.eye(3)))
    assert torch.equal(generator.synthesis(styles), generator.synthesis(styles))
    with torch.no_grad():
        generator.synthesis.first.strength.fill_(0.1)
    assert not torch.equal(generator.synthesis(styles), generator.synthesis(styles))


# Losses


def test_losses_are_the_non_saturating_ones() -> None:
    real, fake = torch.randn(8), torch.randn(8)
    expected = -F.logsigmoid(fake).mean()
    torch.testing.assert_close(generator_loss(fake), expected)
    expected = F.binary_cross_entropy_with_logits(real, torch.ones(8))
    expected = expected + F.binary_cross_entropy_with_logits(fake, torch.zeros(8))
    torch.testing.assert_close(discriminator_loss(real, fake), expected)


def test_r1_of_a_linear_discriminator() -> None:
    images, w = torch.randn(5, 1, 4, 4, requires_grad=True), torch.randn(16, requires_grad=True)
    penalty = r1_penalty(images.flatten(1) @ w, images, gamma=0.3)
    torch.testing.assert_close(penalty, 0.15 * w.square().sum())
    penalty.backward()
    torch.testing.assert_close(w.grad, 0.3 * w)


def test_path_lengths_of_a_linear_generator() -> None:
    """images = Σ_layers A s: Jᵀ noise is Aᵀ noise in each layer."""
    matrix, styles = torch.randn(16, 6), torch.randn(5, 4, 6, requires_grad=True)
    images, noise = styles.sum(1) @ matrix.T, torch.randn(5, 16)
    expected = (noise @ matrix).norm(dim=1)
    torch.testing.assert_close(path_lengths(images, styles, noise), expected)


def test_half_of_the_average_is_left_after_its_half_life() -> None:
    assert ema_decay(64, 500_000) ** (500_000 / 64) == pytest.approx(0.5)


def test_lazy_regularisation_scales_rate_and_exponents() -> None:
    group = lazy_adam(nn.Linear(1, 1), 0.0025, 16).param_groups[0]
    assert group["lr"] == pytest.approx(0.0025 * 16 / 17)
    assert group["betas"] == (0.0, pytest.approx(0.99 ** (16 / 17)))
    assert lazy_adam(nn.Linear(1, 1), 0.0025, None).param_groups[0]["lr"] == 0.0025


# Training


def test_each_loss_moves_its_own_network() -> None:
    stage = training()
    real, condition = stage.drawn()
    before = weights(stage.generator), weights(stage.discriminator)
    stage.train_generator(condition)
    assert not equal(weights(stage.generator), before[0])
    assert equal(weights(stage.discriminator), before[1])
    moved = weights(stage.generator)
    stage.train_discriminator(real, condition)
    stage.regularise_discriminator(real, condition)
    assert equal(weights(stage.generator), moved)
    assert not equal(weights(stage.discriminator), before[1])


def test_regularisations_come_when_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    for size, gamma, expected in ((8, 0.01, (3, 0)), (8, 0.0, (0, 0)), (64, 0.01, (3, 9))):
        stage, calls = training(size=size, gamma=gamma), {"r1": 0, "path": 0}

        def count(name: str, calls: dict[str, int] = calls) -> Any:
            return lambda *_: calls.update({name: calls[name] + 1})

        monkeypatch.setattr(stage, "regularise_discriminator", count("r1"))
        monkeypatch.setattr(stage, "regularise_generator", count("path"))
        for name in ("train_generator", "train_discriminator"):
            monkeypatch.setattr(stage, name, lambda *_: None)
        for _ in range(33):
            stage.advance()
        assert (calls["r1"], calls["path"]) == expected


def test_path_regularisation_moves_the_generator_alone() -> None:
    stage = training(size=64)
    before = weights(stage.generator), weights(stage.discriminator)
    stage.regularise_generator(torch.eye(3))
    assert not equal(weights(stage.generator.synthesis), before[0][6:])
    assert equal(weights(stage.discriminator), before[1])
    assert stage.path_mean > 0


def test_the_average_is_another_generator_and_is_what_samples() -> None:
    stage = training()
    for _ in range(12):
        stage.advance()
    assert not equal(weights(stage.average), weights(stage.generator))
    assert torch.equal(stage.average.mean_style, stage.generator.mean_style)
    assert not stage.average.training


def test_the_average_has_the_half_life_of_the_images_seen() -> None:
    stage = training(ema_kimg=1e6)
    ours, theirs = weights(stage.average), weights(stage.generator)
    with torch.no_grad():
        for weight in stage.generator.parameters():
            weight.add_(1)
    stage.done = 100
    stage.update_average()
    decay = 0.5 ** (8 / (0.05 * 100 * 8))
    for before, now, new in zip(ours, weights(stage.average), theirs, strict=True):
        torch.testing.assert_close(now, decay * before + (1 - decay) * (new + 1))


def test_augmentation_reaches_all_that_d_sees() -> None:
    stage, seen = training(), []

    def pipeline(images: Tensor, p: float) -> Tensor:
        seen.append((images, images.requires_grad))
        return images * 1

    stage.pipeline = pipeline  # type: ignore[assignment]
    stage.controller.p = 0.5
    stage.advance()
    assert [gradient for _, gradient in seen] == [True, False, False, True]
    assert torch.equal(seen[1][0], seen[3][0])


def test_a_diverged_training_is_said_to_be_so() -> None:
    stage = training()
    with torch.no_grad():
        stage.discriminator.output.bias.fill_(math.nan)
    real, condition = stage.drawn()
    with pytest.raises(BenchError, match="diverged after 0 images"):
        stage.train_discriminator(real, condition)


@pytest.mark.parametrize("task", TASKS)
def test_a_killed_training_goes_on_to_the_same_bits(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("methods.generative.stage.CHECKPOINT_SECONDS", 0.0)

    def run(folder: str, die_after: float = 2.0) -> tuple[Training, Tensor]:
        def report(done: float) -> None:
            if done > die_after:
                raise KeyboardInterrupt

        stage, _ = finish(
            lambda: training(task, kimg=0.1, ada_target=-1, ada_kimg=0.1),
            tmp_path / folder,
            3,
            report,
        )
        targets = stage.train.targets[:10]
        sampled, _ = finish(
            lambda: Sampling(stage.average, targets, stage.params, stage.setting),
            tmp_path / f"{folder}-images",
            4,
            report,
        )
        return stage, sampled.pixels

    whole, pixels = run("whole")
    for die_after in (0.3, 0.9):
        with pytest.raises(KeyboardInterrupt):
            run("killed", die_after)
    resumed, again = run("killed")
    assert whole.controller.p > 0
    assert whole.controller.p == resumed.controller.p
    for name in ("generator", "discriminator", "average"):
        assert equal(weights(getattr(whole, name)), weights(getattr(resumed, name)))
    assert torch.equal(pixels, again)


@pytest.mark.slow
def test_images_follow_their_label() -> None:
    """Classes are dark, middle and bright: after a short training so are their images."""
    stage = training(kimg=2.4, batch=16, pipeline="", lr=0.005)
    while stage.done < stage.total:
        stage.advance()
    targets = torch.arange(60) % 3
    sampled = Sampling(stage.average, targets, stage.params, stage.setting)
    while sampled.done < sampled.total:
        sampled.advance()
    brightness = sampled.pixels.float().mean((1, 2))
    means = [brightness[targets == label].mean().item() for label in range(3)]
    assert means[0] + 30 < means[1] < means[2] - 30


# The method


def method(task: Task = Task.MULTICLASS, channels: int = 1, **params: Any) -> StyleGAN2ADA:
    return StyleGAN2ADA(StyleGAN2ADA.Params(**(SMALL | params)), setting(task, channels))


def made(built: StyleGAN2ADA, folder: Path, seed: int = 1) -> tuple[Split, dict[str, Any]]:
    s = built.setting
    return built.make(subset(s.task, s.channels), folder, seed, lambda done: None)


@pytest.mark.parametrize("task", TASKS)
def test_strength_zero_equals_none(task: Task) -> None:
    check_zero_equals_none("stylegan2_ada", task)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_made_images_are_images_of_the_subset_labels(
    task: Task, channels: int, tmp_path: Path
) -> None:
    built, reported = method(task, channels, images=10), [0.0]
    train = subset(task, channels)
    split, facts = built.make(train, tmp_path, 1, reported.append)
    pixels = split.pixels(np.arange(10))
    assert pixels.shape == (10, 8, 8, 3)[: 3 + (channels == 3)]
    assert pixels.dtype == np.uint8
    assert all(row in train.targets.tolist() for row in split.targets.tolist())
    assert reported == sorted(reported)
    assert reported[-1] == pytest.approx(1)
    assert facts["ada"]["kimg"] == 0.02
    assert set(facts["seconds"]) == {"training", "sampling"}


def test_the_seed_decides_the_images(tmp_path: Path) -> None:
    first, again, other = (
        made(method(), tmp_path / name, seed)[0].pixels(np.arange(24))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_prepare_leaves_the_global_generator_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("methods.generative.quality.JUDGE_STEPS", 1)
    built, state = method(), torch.get_rng_state()
    train = subset()
    assert built.prepare(train, Workspace(tmp_path, {"subset": "a"})) is train
    assert torch.equal(state, torch.get_rng_state())
    assert len(built.pool) == len(train)


def test_settings_are_part_of_the_recipe() -> None:
    recipes = [method(**change).recipe() for change in ({}, {"gamma": 0.1}, {"p_max": 0.8})]
    assert len({str(recipe) for recipe in recipes}) == 3
    assert method(share=0.1).recipe() == recipes[0]


def test_the_speed_of_p_follows_short_trainings() -> None:
    speeds = [StyleGAN2ADA.Params(kimg=kimg).ada_speed for kimg in (1, 1000, 5000)]
    assert speeds == [0.5, 500, 500]
    assert StyleGAN2ADA.Params(ada_kimg=3).ada_speed == 3


def test_parameters_are_checked() -> None:
    wrong: list[dict[str, Any]] = [
        {"batch": 6},
        {"channels": ()},
        {"channels": (16, 0)},
        {"p_max": 1.2},
        {"pipeline": "x"},
        {"truncation": 1.5},
        {"kimg": 0},
    ]
    for change in wrong:
        with pytest.raises(ValidationError):
            StyleGAN2ADA.Params(**change)
    assert StyleGAN2ADA.Params(batch=2).batch == 2


def test_float32_everywhere() -> None:
    stage = training(task=Task.MULTILABEL, channels=3)
    stage.advance()
    state = [*stage.generator.state_dict().values(), *stage.discriminator.state_dict().values()]
    assert {tensor.dtype for tensor in state} == {torch.float32}
    assert gan_training.SMALLEST_REGULARISED == 64
