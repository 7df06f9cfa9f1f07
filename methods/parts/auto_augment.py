"""The operations that TrivialAugment, RandAugment and AugMix share, as torchvision has them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from methods.parts import image_ops as ops
from methods.parts.geometry import affine, rotation, warp


@dataclass(frozen=True)
class Range:
    """Strength at level 0 and at level 1; of either sign, with equal chance, if `signed`."""

    first: float = 0.0
    last: float = 0.0
    signed: bool = False


Space = dict[str, Range]
"""Names of operations, drawn with equal chance, and how strong they are."""

BLENDS: dict[str, ops.Operation] = {
    "Brightness": ops.brightness,
    "Color": ops.color,
    "Contrast": ops.contrast,
    "Sharpness": ops.sharpness,
}
LEVELS: dict[str, ops.Operation] = {
    "Identity": lambda images, _: images,
    "Posterize": ops.posterize,
    "Solarize": ops.solarize,
    "AutoContrast": ops.autocontrast,
    "Equalize": ops.equalize,
}
MAPS: dict[str, Callable[[Tensor, int, int], Tensor]] = {
    "ShearX": lambda shear, height, _: affine(shear, xy=-shear, x=-shear * height / 2),
    "ShearY": lambda shear, _, width: affine(shear, yx=-shear, y=-shear * width / 2),
    "TranslateX": lambda pixels, *_: affine(pixels, x=pixels.trunc()),
    "TranslateY": lambda pixels, *_: affine(pixels, y=pixels.trunc()),
    "Rotate": lambda degrees, *_: rotation(degrees),
}
"""Matrices of strengths, height and width; a shear leaves the upper left corner where it is."""


def operation_space(
    shear: float, shift: tuple[float, float], degrees: float, blend: float, bits: tuple[int, int]
) -> Space:
    """The 14 operations at these greatest strengths.

    `shift`: pixels along x and y; `blend`: what the factor of a blend differs from 1; `bits`: what
    posterize keeps at level 0 and at level 1.
    """
    return {
        "Identity": Range(),
        "ShearX": Range(last=shear, signed=True),
        "ShearY": Range(last=shear, signed=True),
        "TranslateX": Range(last=shift[0], signed=True),
        "TranslateY": Range(last=shift[1], signed=True),
        "Rotate": Range(last=degrees, signed=True),
        **{name: Range(last=blend, signed=True) for name in BLENDS},
        "Posterize": Range(*bits),
        "Solarize": Range(1, 0),
        "AutoContrast": Range(),
        "Equalize": Range(),
    }


def transform(
    images: Tensor, space: Space, levels: Tensor, mode: str, generator: torch.Generator
) -> Tensor:
    """Each image after an operation of its own, at its level (B,) in [0, 1].

    `mode` is the interpolation of the geometric operations; outside is black.
    """
    shape, device = levels.shape, images.device
    choice = torch.randint(len(space), shape, generator=generator, device=device)
    signs = 2 * torch.randint(2, shape, generator=generator, device=device) - 1
    return apply(images, space, choice, strengths(space, choice, levels, signs), mode)


def strengths(space: Space, choice: Tensor, levels: Tensor, signs: Tensor) -> Tensor:
    """Strengths (B,) of the operations number `choice`, at these levels and signs."""
    table = [(entry.first, entry.last, entry.signed) for entry in space.values()]
    ranges = torch.tensor(table).to(levels.device, non_blocking=True)
    first, last, signed = ranges[choice].T
    return torch.lerp(first, last, levels) * torch.where(signed > 0, signs, 1)


def apply(
    images: Tensor, names: Iterable[str], choice: Tensor, strengths: Tensor, mode: str
) -> Tensor:
    """Each image after operation number choice[i] of `names`, at strengths[i]."""
    return ops.apply_each(images, [_operation(n, mode) for n in names], choice, strengths)


def _operation(name: str, mode: str) -> ops.Operation:
    """The operation of that name; a blend of strength s has the factor 1 + s."""
    if name in BLENDS:
        return lambda images, strengths: BLENDS[name](images, 1 + strengths)
    if name in MAPS:
        return lambda images, strengths: warp(
            images, MAPS[name](strengths, *images.shape[2:]), mode
        )
    return LEVELS[name]
