"""The operations that TrivialAugment, RandAugment and AugMix share, against torchvision's."""

import pytest
import torch
from test_image_ops import in_levels, random_images
from torch import Tensor
from torchvision.transforms import v2

from methods.augmix import mixed_space
from methods.parts.auto_augment import MAPS, Range, Space, apply, strengths, transform
from methods.randaugment import moderate_space
from methods.trivialaugment import wide_space

SIZE = 28
BINS = {"trivial": 31, "rand": 31, "augmix": 10}
SPACES = {
    "trivial": (wide_space(SIZE, literal=True), v2.TrivialAugmentWide._AUGMENTATION_SPACE),
    "rand": (moderate_space(SIZE, SIZE), v2.RandAugment._AUGMENTATION_SPACE),
    "augmix": (mixed_space(SIZE, SIZE, all_ops=True), v2.AugMix._AUGMENTATION_SPACE),
}
STRENGTHS = {
    **dict.fromkeys(("ShearX", "ShearY"), (-0.8, -0.13, 0.0, 0.27)),
    **dict.fromkeys(("TranslateX", "TranslateY"), (-7.9, -1.0, 0.9, 12.3)),
    "Rotate": (-133.0, -17.0, 5.0, 71.0),
    **dict.fromkeys(("Brightness", "Color", "Contrast", "Sharpness"), (-0.9, -0.1, 0.3, 0.99)),
    "Posterize": (8.0, 5.0, 3.0, 0.0),
    "Solarize": (1.0, 0.71, 0.33, 0.0),
    **dict.fromkeys(("Identity", "AutoContrast", "Equalize"), (0.0, 0.0, 0.0, 0.0)),
}


def torchvision_result(coarse: Tensor, name: str, strength: float, mode: str) -> Tensor:
    policy = v2.TrivialAugmentWide()
    interpolation = v2.InterpolationMode(mode)
    return policy._apply_image_or_video_transform(
        coarse, name, strength, interpolation, policy._fill
    )


def only(space: Space, *names: str) -> Space:
    return {name: space[name] for name in names}


@pytest.mark.parametrize("kind", SPACES)
def test_a_space_has_torchvisions_operations_and_strengths(kind: str) -> None:
    ours, theirs = SPACES[kind]
    assert set(ours) == set(theirs)
    bins = BINS[kind]
    for number, name in enumerate(ours):
        magnitudes, signed = theirs[name]
        expected = magnitudes(bins, SIZE, SIZE)
        assert ours[name].signed == signed
        choice = torch.full((bins,), number)
        levels, signs = torch.arange(bins) / (bins - 1), torch.ones(bins)
        drawn = strengths(ours, choice, levels, signs)
        if name == "Posterize":
            drawn = drawn.round()
        expected = torch.zeros(bins) if expected is None else expected.float()
        torch.testing.assert_close(drawn, expected, atol=1e-5, rtol=1e-6)
        other = strengths(ours, choice, levels, -signs)
        assert torch.equal(other, -strengths(ours, choice, levels, signs)) == (
            signed or not expected.any()
        )


def test_augmix_without_all_ops_is_torchvisions_partial_space() -> None:
    assert set(mixed_space(SIZE, SIZE, all_ops=False)) == set(v2.AugMix._PARTIAL_AUGMENTATION_SPACE)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", STRENGTHS)
def test_an_operation_equals_torchvisions_within_one_grey_level(name: str, channels: int) -> None:
    """Within two for "Color", where torchvision truncates twice: the gray, and the blend."""
    coarse, values = random_images(channels, rows=4), STRENGTHS[name]
    changed = apply(coarse / 255, [name], torch.zeros(4), torch.tensor(values), "bilinear")
    tolerance = 2 if name == "Color" else 1
    for i, strength in enumerate(values):
        expected = torchvision_result(coarse[i], name, strength, "bilinear").int()
        assert (in_levels(changed[i]) - expected).abs().max() <= tolerance, strength


@pytest.mark.parametrize("name", MAPS)
def test_nearest_pixels_are_torchvisions(name: str) -> None:
    """But for those that lie just between two pixels."""
    coarse, values = random_images(1, rows=4), STRENGTHS[name]
    changed = apply(coarse / 255, [name], torch.zeros(4), torch.tensor(values), "nearest")
    for i, strength in enumerate(values):
        expected = torchvision_result(coarse[i], name, strength, "nearest").int()
        assert (in_levels(changed[i]) == expected).float().mean() > 0.99, strength


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_signed_operations_of_strength_zero_are_the_identity(mode: str) -> None:
    images, space = torch.rand(40, 3, 9, 9), SPACES["rand"][0]
    signed = [name for name, entry in space.items() if entry.signed]
    generator = torch.Generator().manual_seed(0)
    changed = transform(images, only(space, *signed), torch.zeros(40), mode, generator)
    assert len(signed) == 9
    assert torch.equal(changed, images)


def test_color_leaves_gray_images() -> None:
    images = torch.rand(4, 1, 9, 9)
    changed = apply(
        images, ["Color"], torch.zeros(4), torch.tensor([-0.9, 0.1, 0.5, 0.9]), "nearest"
    )
    torch.testing.assert_close(changed, images)


def test_operations_and_signs_are_drawn_uniformly_for_each_image() -> None:
    images = torch.zeros(3000, 1, 1, 5)
    images[..., 2] = 0.5
    space = {
        "Identity": Range(),
        "TranslateX": Range(last=1, signed=True),
        "Brightness": Range(last=1, signed=False),
    }
    generator = torch.Generator().manual_seed(0)
    changed = transform(images, space, torch.ones(3000), "nearest", generator)
    peak, place = changed.flatten(1).max(1)
    shares = [
        ((peak == 0.5) & (place == 2)).float().mean(),
        ((peak == 0.5) & (place != 2)).float().mean(),
        (peak == 1).float().mean(),
    ]
    assert [float(share) for share in shares] == pytest.approx([1 / 3] * 3, abs=0.03)
    moved = place[place != 2]
    assert float((moved == 1).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert set(moved.tolist()) == {1, 3}
