"""TrivialAugment: one operation for each image, at any strength."""

import torch
from pydantic import Field
from torch import Tensor

from methods.method import Method, Parameters
from methods.parts.auto_augment import Space, operation_space, transform

BINS = 31
SHIFT = 32
"""The greatest translation in pixels, made for images of ImageNet's size."""
SMALL = 64
"""Below this height the greatest translation is the same part of the image as it is at 224."""


class TrivialAugment(Method):
    """Apply one of 14 operations, at one of 31 strengths, both uniform for each image.

    The wide space: at most shear 0.99, rotation 135 degrees, blend factors 0.01 to 1.99, two bits
    of posterize. Interpolation is nearest; outside is black. "Color" leaves gray images as they
    are: 1 of 14 operations is idle there.
    """

    summary = "one random operation of random strength for each image"
    reference = "Müller and Hutter 2021, TrivialAugment, ICCV; torchvision's TrivialAugmentWide"
    zero = {"prob": 0.0}

    class Params(Parameters):
        """`prob` is that of changing an image at all; the publication has 1."""

        prob: float = Field(1.0, ge=0, le=1)
        literal: bool = False
        """Translate by up to 32 pixels at every size; at 28 px some images leave the frame."""

    params: Params

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        shape, device = (len(images),), images.device
        levels = torch.randint(BINS, shape, generator=self.generator, device=device) / (BINS - 1)
        space = wide_space(images.shape[2], self.params.literal)
        changed = transform(images, space, levels, "nearest", self.generator)
        chosen = torch.rand(shape, generator=self.generator, device=device) < self.params.prob
        return torch.where(chosen[:, None, None, None], changed, images), targets


def wide_space(height: int, literal: bool) -> Space:
    """The wide space for images of this height."""
    shift = SHIFT if literal or height >= SMALL else SHIFT * height / 224
    return operation_space(shear=0.99, shift=(shift, shift), degrees=135, blend=0.99, bits=(8, 2))
