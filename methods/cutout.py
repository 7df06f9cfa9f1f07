"""Cutout: a square of each image goes gray."""

import torch
from pydantic import Field
from torch import Tensor

from methods.method import Method, Parameters, Trial
from methods.parts.boxes import GRAY, box_masks


class Cutout(Method):
    """Erase one square of each image; its centre is uniform, it is clipped at the borders.

    The square has the side round(side · H), H the image's height. Erased pixels become 0.5:
    the 0 after normalisation of the publication, where the backbone's mean and std are 0.5, as
    they are unless it is pretrained.
    """

    summary = "one gray square in each image"
    reference = "DeVries and Taylor 2017, Improved Regularization of CNNs with Cutout, 1708.04552"
    zero = {"prob": 0.0}

    class Params(Parameters):
        """`side` is a fraction of the height; `prob` is that of erasing in an image at all."""

        side: float = Field(0.5, gt=0, le=1)
        prob: float = Field(1.0, ge=0, le=1)

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """Around our half of the height and the publication's quarter (8 of 32 px, CIFAR-100)."""
        trial.suggest_float("side", 0.2, 0.6)

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        count, _, height, width = images.shape
        chance, y, x = torch.rand((3, count), generator=self.generator, device=images.device)
        side = max(1, round(self.params.side * height))
        tops, lefts = (y * height).long() - side // 2, (x * width).long() - side // 2
        sides = torch.where(chance < self.params.prob, side, 0)
        return torch.where(box_masks(tops, lefts, sides, sides, images), GRAY, images), targets
