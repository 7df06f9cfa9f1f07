"""RandAugment: a few random operations for each image, at one strength."""

import torch
from pydantic import Field
from torch import Tensor

from methods.method import Method, Parameters, Trial
from methods.parts.auto_augment import Space, operation_space, transform

STRONGEST = 30


class RandAugment(Method):
    """Apply `num_ops` operations in a row, drawn with replacement of 14 for each image.

    At most (magnitude 30): shear 0.3, rotation 30 degrees, translation 150/331 of the side, blend
    factors 0.1 to 1.9, four bits of posterize. Interpolation is nearest; outside is black. "Color"
    leaves gray images as they are: 1 of 14 operations is idle there.
    """

    summary = "a few random operations of one strength for each image"
    reference = "Cubuk et al. 2020, RandAugment, CVPR workshops; torchvision's RandAugment"
    zero = {"num_ops": 0}

    class Params(Parameters):
        """N and M of the publication."""

        num_ops: int = Field(2, ge=0)
        magnitude: int = Field(9, ge=0, le=STRONGEST)

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """N and M about as the publication searches them, within torchvision's 30 levels."""
        trial.suggest_int("num_ops", 1, 3)
        trial.suggest_int("magnitude", 3, 15)

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        space = moderate_space(images.shape[2], images.shape[3])
        level = self.params.magnitude / STRONGEST
        levels = torch.full((len(images),), level, device=images.device)
        for _ in range(self.params.num_ops):
            images = transform(images, space, levels, "nearest", self.generator)
        return images, targets


def moderate_space(height: int, width: int) -> Space:
    """RandAugment's space for images of this size."""
    shift = (150 / 331 * width, 150 / 331 * height)
    return operation_space(shear=0.3, shift=shift, degrees=30, blend=0.9, bits=(8, 4))
