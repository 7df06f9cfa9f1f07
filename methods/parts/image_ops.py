"""Operations on the grey values of a batch of images, each with its own strength.

Images are float (B, C, H, W) in [0, 1], gray or RGB; strengths are (B,). Results are new tensors.
Where an operation is defined on grey levels, those are the 256 of 8-bit images.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Operation = Callable[[Tensor, Tensor], Tensor]
"""Images and strengths to images."""


def vision() -> Any:
    """torchvision's functions; their import takes seconds, and reports do without."""
    from torchvision.transforms.v2 import functional  # type: ignore[import-untyped]

    return functional


def apply_each(
    images: Tensor, operations: Iterable[Operation], choice: Tensor, strengths: Tensor
) -> Tensor:
    """Image i after operation number choice[i]; unchanged where there is none of that number."""
    changed, operations = images.clone(), list(operations)
    for operation, rows in zip(operations, members(choice, len(operations)), strict=True):
        if len(rows):
            changed[rows] = operation(images[rows], strengths[rows])
    return changed


def members(choice: Tensor, count: int) -> list[Tensor]:
    """The rows of each number below `count`, in order; the host waits for the device once."""
    numbers, rows = choice.sort(stable=True)
    bounds = torch.searchsorted(numbers, torch.arange(count + 1, device=choice.device)).tolist()
    return [rows[first:last] for first, last in pairwise(bounds)]


def brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with black: factor 0 is black, 1 the image itself, more is brighter."""
    return _blend(torch.zeros_like(images), images, factors)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with the mean of the gray image."""
    mean = vision().rgb_to_grayscale(images).mean((1, 2, 3), keepdim=True)
    return _blend(mean, images, factors)


def color(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with the gray image; what is gray already stays as it is."""
    return _blend(vision().rgb_to_grayscale(images), images, factors)


def sharpness(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with a smooth image (3x3 mean, the centre counted five times); the border stays."""
    return _blend(vision().adjust_sharpness(images, 0.0), images, factors)


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Keep the highest `bits` (0 to 8, rounded) of each grey level."""
    shift = 8 - _column(bits).round().int()
    return (gray_levels(images) >> shift << shift) / 255


def solarize(images: Tensor, thresholds: Tensor) -> Tensor:
    """Invert what is at or above the threshold, in [0, 1]."""
    return torch.where(gray_levels(images) >= 255 * _column(thresholds), 1 - images, images)


def autocontrast(images: Tensor, _: Tensor) -> Tensor:
    """Stretch each channel to the whole of [0, 1]."""
    return torch.as_tensor(vision().autocontrast(images))


def equalize(images: Tensor, _: Tensor) -> Tensor:
    """Equalise the histogram of each channel, as Pillow does."""
    return torch.as_tensor(vision().equalize(images))


def sharpen(images: Tensor, weights: Tensor) -> Tensor:
    """Blend with the 3x3 convolution of 9 in the centre and -1 around it; borders are mirrored."""
    kernel = torch.full((1, 1, 3, 3), -1.0, device=images.device)
    kernel[..., 1, 1] = 9.0
    padded = F.pad(images, (1, 1, 1, 1), mode="reflect").flatten(0, 1).unsqueeze(1)
    return _blend(images, F.conv2d(padded, kernel).view_as(images), weights)


def gaussian_blur(images: Tensor, sizes: Tensor, largest: int) -> Tensor:
    """Blur with kernels of `sizes` k (odd, 3 to `largest`) and σ = 0.3((k - 1)/2 - 1) + 0.8."""

    def blur(images: Tensor, _: Tensor, kernel: int) -> Tensor:
        sigma = 0.3 * ((kernel - 1) / 2 - 1) + 0.8
        return torch.as_tensor(vision().gaussian_blur(images, kernel, sigma))

    kernels = range(3, largest + 1, 2)
    blurs = [partial(blur, kernel=kernel) for kernel in kernels]
    return apply_each(images, blurs, (sizes - kernels.start) // kernels.step, sizes)


def add_noise(images: Tensor, deviations: Tensor, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise of these standard deviations, independent in each value; clipped."""
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    return (images + _column(deviations) * noise).clamp(0, 1)


def gray_levels(images: Tensor) -> Tensor:
    """The nearest of the grey levels 0 to 255, int32."""
    return (images * 255).round().int()


def _blend(start: Tensor, end: Tensor, weights: Tensor) -> Tensor:
    """start + weight (end - start), clipped; exactly `end` at weight 1."""
    return torch.lerp(start.expand_as(end), end, _column(weights)).clamp(0, 1)


def _column(strengths: Tensor) -> Tensor:
    return strengths[:, None, None, None]
