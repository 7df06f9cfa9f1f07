"""Properties of MedAugment, online and offline."""

import math

import numpy as np
import pytest
import torch
from test_image_ops import random_images
from tiny import CLASSES, TASKS, batch, check_zero_equals_none, make, targets
from torch import Tensor

from bench.base.errors import BenchError
from bench.base.split import Split
from bench.base.task import Task
from methods import medaugment
from methods.medaugment import COUNTS, KINDS, NONE, PIXEL, SPATIAL, MedAugment, ranges
from methods.method import Workspace
from methods.parts import image_ops as ops
from methods.parts.geometry import warp

FEW, MORE = {3: 1 / 3, 5: 2 / 3}, {3: 0.2, 5: 0.4, 7: 0.4}
KERNELS = {1: FEW, 2: FEW, 3: MORE, 4: MORE, 5: MORE}
"""How often the official code blurs with kernels of which size."""


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path, {})


def split(channels: int = 1, count: int = 30) -> Split:
    pixels = random_images(channels, count, 12).permute(0, 2, 3, 1).numpy()
    return Split(pixels[..., 0] if channels == 1 else pixels, torch.arange(count) % CLASSES)


def medaugment_of(**params: object) -> MedAugment:
    method = make("medaugment", **params)
    assert isinstance(method, MedAugment)
    return method


def all_of(name: str, rows: int) -> Tensor:
    return torch.full((rows,), PIXEL.index(name))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_strength_zero_equals_none(task: Task, channels: int) -> None:
    check_zero_equals_none("medaugment", task)
    images = random_images(channels) / 255
    assert torch.equal(medaugment_of(level=0).augment(images, torch.zeros(6))[0], images)


@pytest.mark.parametrize(
    ("level", "factor", "bits", "sharpen", "noise", "degrees", "shear", "shift"),
    [
        (1, (0.96, 1.04), 7, (0.04, 0.1), (2, 10), 4, 2, 0.02),
        (2, (0.92, 1.08), 6, (0.08, 0.2), (4, 20), 8, 4, 0.04),
        (3, (0.88, 1.12), 5, (0.12, 0.3), (6, 30), 12, 6, 0.06),
        (4, (0.84, 1.16), 4, (0.16, 0.4), (8, 40), 16, 8, 0.08),
        (5, (0.8, 1.2), 4, (0.2, 0.5), (10, 50), 20, 10, 0.1),
    ],
)
def test_table_of_strengths(
    level: int,
    factor: tuple[float, float],
    bits: int,
    sharpen: tuple[float, float],
    noise: tuple[float, float],
    degrees: float,
    shear: float,
    shift: float,
) -> None:
    expected = {
        **dict.fromkeys(("brightness", "contrast", "zoom"), factor),
        "posterize": (bits, bits),
        "sharpen": sharpen,
        "blur": (2, max(KERNELS[level])),
        "noise": noise,
        "rotate": (-degrees, degrees),
        **dict.fromkeys(("shear_x", "shear_y"), (0, shear)),
        **dict.fromkeys(("translate_x", "translate_y"), (0, shift)),
        **dict.fromkeys(("flip_x", "flip_y"), (0, 0)),
    }
    table = ranges(level)
    assert table.keys() == expected.keys() == {*PIXEL, *SPATIAL}
    for name, (low, high) in expected.items():
        assert table[name] == pytest.approx((low, high)), name
        drawn = medaugment_of(level=level).strengths(name, 4000)
        width = high - low
        assert low - 1e-6 <= drawn.min() <= low + 0.01 * width + 1e-6
        assert high - 0.01 * width - 1e-6 <= drawn.max() <= high + 1e-6


@pytest.mark.parametrize("level", range(1, 6))
def test_blur_kernels_have_the_official_law(monkeypatch: pytest.MonkeyPatch, level: int) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr(ops, "gaussian_blur", lambda images, sizes, _: seen.append(sizes) or images)
    medaugment_of(level=level).change(torch.zeros(3000, 1, 28, 28), all_of("blur", 3000))
    sizes, counts = seen[0].unique(return_counts=True)
    shares = dict(zip(sizes.tolist(), (counts / 3000).tolist(), strict=True))
    assert shares == pytest.approx(KERNELS[level], abs=0.03)


@pytest.mark.parametrize(("size", "kernels"), [(28, {3}), (128, {3, 5}), (224, {3, 5, 7})])
def test_scaled_blur(monkeypatch: pytest.MonkeyPatch, size: int, kernels: set[int]) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr(ops, "gaussian_blur", lambda images, sizes, _: seen.append(sizes) or images)
    images = torch.zeros(1, 1, size, size).expand(60, -1, -1, -1)
    medaugment_of(blur_scale=True).change(images, all_of("blur", 60))
    assert set(seen[0].tolist()) == kernels


def test_at_level_5_each_operation_fires_and_none_is_repeated() -> None:
    kinds = torch.arange(len(COUNTS)).repeat(400)
    pixel, spatial = medaugment_of().draw(kinds)
    counts = torch.tensor(COUNTS)[kinds]
    assert torch.equal((pixel != NONE).long(), counts[:, 0])
    assert torch.equal((spatial != NONE).sum(1), counts[:, 1])
    selected = (pixel != NONE) + (spatial != NONE).sum(1)
    assert set(selected[kinds < KINDS].tolist()) == {2, 3}
    for row in spatial.tolist():
        fired = [number for number in row if number != NONE]
        assert len(set(fired)) == len(fired)


def test_operations_of_a_space_are_drawn_alike_at_each_place() -> None:
    pixel, spatial = medaugment_of().draw(torch.tensor([0, 1]).repeat(4000))
    shares = torch.bincount(pixel[::2], minlength=6) / 4000
    np.testing.assert_allclose(shares, 1 / 6, atol=0.03)
    for place in range(3):
        shares = torch.bincount(spatial[1::2, place], minlength=8) / 4000
        np.testing.assert_allclose(shares, 1 / 8, atol=0.03)


@pytest.mark.parametrize("level", range(6))
def test_an_operation_fires_with_a_fifth_of_the_level(level: int) -> None:
    pixel, spatial = medaugment_of(level=level).draw(torch.tensor([0, 1]).repeat(2000))
    assert float((pixel[::2] != NONE).float().mean()) == pytest.approx(0.2 * level, abs=0.04)
    assert float((spatial[1::2] != NONE).float().mean()) == pytest.approx(0.2 * level, abs=0.04)


def test_one_round_of_four_branches_has_each_kind_once() -> None:
    rounds = medaugment_of().round(200)
    assert torch.equal(rounds.sort(0).values, torch.arange(4)[:, None].expand(4, 200))
    assert len(rounds.T.unique(dim=0)) == 24
    others = medaugment_of(branches=6).round(200)
    assert others.shape == (6, 200)
    assert set(others.flatten().tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [28, 64])
@pytest.mark.parametrize("level", [1, 5])
def test_shape_range_and_input_are_kept(channels: int, size: int, level: int) -> None:
    images, rows = random_images(channels, 60, size) / 255, torch.arange(60)
    before = images.clone()
    changed, labels = medaugment_of(level=level).augment(images, rows)
    assert (changed.shape, changed.dtype) == (images.shape, torch.float32)
    assert 0 <= changed.min() <= changed.max() <= 1
    assert torch.equal(images, before)
    assert labels is rows


def test_a_seed_repeats_and_each_image_has_draws_of_its_own() -> None:
    images = (random_images(3, 1) / 255).expand(64, -1, -1, -1)
    first, second = (medaugment_of().augment(images, torch.arange(64))[0] for _ in range(2))
    assert torch.equal(first, second)
    assert len(first.flatten(1).unique(dim=0)) > 35


@pytest.mark.parametrize(
    ("params", "share"),
    [({}, 0.2), ({"branches": 1}, 0.5), ({"keep_original": 0.7}, 0.7), ({"keep_original": 0.0}, 0)],
)
def test_share_of_originals(params: dict[str, float], share: float) -> None:
    images = torch.rand(2000, 1, 8, 8)
    changed, _ = medaugment_of(**params).augment(images, targets(Task.MULTICLASS, 2000))
    same = (changed == images).flatten(1).all(1).float().mean()
    assert float(same) == pytest.approx(share, abs=0.03)


def test_posterize_at_level_5_leaves_at_most_16_grey_values() -> None:
    images = random_images(1) / 255
    changed = medaugment_of().change(images, all_of("posterize", 6))
    assert all(8 < len(image.unique()) <= 16 for image in changed)


def test_noise_at_level_5_has_deviations_from_3_to_7_grey_levels() -> None:
    images = torch.full((40, 1, 64, 64), 0.5)
    noise = medaugment_of().change(images, all_of("noise", 40)) - images
    deviations = 255 * noise.flatten(1).std(1)
    assert 0.95 * 10**0.5 < deviations.min() < 4
    assert 6.3 < deviations.max() < 1.05 * 50**0.5


def test_sharpen_leaves_a_constant_image() -> None:
    images = torch.full((20, 3, 9, 9), 0.37)
    torch.testing.assert_close(medaugment_of().change(images, all_of("sharpen", 20)), images)


def test_spatial_operations_are_composed_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The strongest of each: 20 degrees, 1.2 times, 10 degrees of shear, a tenth of the side."""
    monkeypatch.setattr(
        MedAugment,
        "strengths",
        lambda self, name, count: torch.full((count,), float(ranges(self.params.level)[name][1])),
    )
    number = {name: place for place, name in enumerate(SPATIAL)}
    spatial = torch.tensor(
        [
            [number["translate_x"], number["flip_x"], NONE],
            [number["flip_x"], number["translate_x"], NONE],
            [number["zoom"], NONE, number["translate_y"]],
            [number["shear_x"], NONE, NONE],
            [number["shear_y"], NONE, NONE],
            [NONE, NONE, NONE],
        ]
    )
    maps = medaugment_of().maps(spatial, height=40, width=20)
    point = torch.tensor([3.0, 5.0, 1.0])
    expected = [
        [-5.0, 5.0],
        [-1.0, 5.0],
        [3.6, 10.0],
        [3 + 5 * math.tan(math.pi / 18), 5.0],
        [3.0, 5 - 3 * math.tan(math.pi / 18)],
        [3.0, 5.0],
    ]
    torch.testing.assert_close((maps @ point)[:, :2], torch.tensor(expected))


def test_shears_lean_as_the_official_ones() -> None:
    """Along x the lower half goes right, by the tangent; along y the right half goes up."""
    degrees = torch.tensor([10.0])
    bar = torch.zeros(1, 1, 29, 29)
    bar[..., 14, :] = 1
    upright = warp(bar.mT, SPATIAL["shear_x"](degrees, 29, 29), "bilinear")[0, 0]
    lying = warp(bar, SPATIAL["shear_y"](degrees, 29, 29), "bilinear")[0, 0]
    place, far = torch.arange(29.0), 10 * math.tan(math.pi / 18)
    for line, shift in ((upright, far), (lying.mT, -far)):
        for row, expected in ((4, 14 - shift), (14, 14.0), (24, 14 + shift)):
            assert float(line[row] @ place / line[row].sum()) == pytest.approx(expected, abs=0.02)


def test_spatial_operations_are_one_warp(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(medaugment, "warp", lambda *args: calls.append(args) or warp(*args))
    medaugment_of().augment(*batch(rows=40))
    assert len(calls) == 1


def test_the_pixel_operation_comes_before_or_after_the_warp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    method, choices = medaugment_of(), []
    change = method.change
    monkeypatch.setattr(
        method, "change", lambda x, pixel: choices.append(pixel) or change(x, pixel)
    )
    method.branch(torch.rand(1000, 1, 8, 8), torch.zeros(1000, dtype=torch.int64))
    before, after = (pixel != NONE for pixel in choices)
    assert torch.equal(before, ~after)
    assert float(before.float().mean()) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("channels", [1, 3])
def test_offline_shows_the_original_or_one_of_four_copies(
    channels: int, workspace: Workspace
) -> None:
    train = split(channels)
    method = medaugment_of(offline=True)
    prepared = method.prepare(train, workspace)
    everything = np.arange(30)
    assert len(prepared) == len(train)
    assert torch.equal(prepared.targets, train.targets)
    draws = np.stack([prepared.pixels(everything) for _ in range(300)])
    assert (draws.dtype, draws.shape[1:]) == (np.uint8, train.pixels(everything).shape)
    originals = train.pixels(everything)
    for i in range(30):
        versions = np.unique(draws[:, i], axis=0)
        assert 3 <= len(versions) <= 5
        assert (versions == originals[i]).reshape(len(versions), -1).all(1).any()
    same = (draws == originals).reshape(300, 30, -1).all(2).mean()
    assert same == pytest.approx(0.2, abs=0.06)
    images, rows = prepared.images(everything), prepared.targets
    shown, labels = method.augment(images, rows)
    assert shown is images
    assert labels is rows


def test_offline_copies_at_level_0_are_their_own_images(workspace: Workspace) -> None:
    pixels = np.repeat(np.arange(30, dtype=np.uint8)[:, None, None] * 8, 12, 1).repeat(12, 2)
    train = Split(pixels, torch.zeros(30, dtype=torch.int64))
    prepared = medaugment_of(offline=True, level=0, keep_original=0.0).prepare(train, workspace)
    order = np.random.default_rng(0).permutation(30)
    assert np.array_equal(prepared.pixels(order), pixels[order])


def test_a_prepared_split_can_be_made_again_and_resumed(workspace: Workspace) -> None:
    first, second = medaugment_of(offline=True), medaugment_of(offline=True)
    one, two = (method.prepare(split(), workspace) for method in (first, second))
    rows = np.arange(30)
    for _ in range(3):
        one.pixels(rows)
    second.load_state_dict(first.state_dict())
    assert np.array_equal(one.pixels(rows), two.pixels(rows))


def test_offline_reports_its_progress(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    fractions: list[float] = []
    monkeypatch.setattr(medaugment, "CHUNK", 10)
    medaugment_of(offline=True).prepare(split(), Workspace(tmp_path, {}, fractions.append))
    assert fractions == pytest.approx([1 / 3, 2 / 3, 1])


def test_copies_beyond_memory_are_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(medaugment, "MEMORY", 1000)
    with pytest.raises(BenchError, match=r"4 copies of 30 images .* offline=false"):
        medaugment_of(offline=True).prepare(split(), workspace)


def test_online_leaves_the_training_subset(workspace: Workspace) -> None:
    train = split()
    assert medaugment_of().prepare(train, workspace) is train
