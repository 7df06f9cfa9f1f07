"""Random erasing: a rectangle of some images goes gray, or becomes noise."""

import math
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from methods.method import Method, Parameters, Trial
from methods.parts.boxes import GRAY, box_masks

ATTEMPTS = 10
"""Boxes that are drawn for an image; the first that fits is taken, and none if none does."""


class RandomErasing(Method):
    """Erase one rectangle in an image, with probability `prob`, each image on its own.

    The share of the area is uniform in [min_area, max_area], the aspect (height by width)
    log-uniform in [min_aspect, max_aspect], the place uniform. Erased pixels become 0.5, or, with
    `fill` noise, 0.5 + ½ N(0, 1) for each pixel and channel, unclipped: the 0 and the N(0, 1)
    after normalisation of timm's modes `const` and `pixel`, where the backbone's mean and std are
    0.5, as they are unless it is pretrained.
    """

    summary = "one gray or noisy rectangle in some images"
    reference = "Zhong et al. 2020, Random Erasing Data Augmentation, AAAI; torchvision's defaults"
    zero = {"prob": 0.0}

    class Params(Parameters):
        """Areas are fractions of the image's."""

        prob: float = Field(0.5, ge=0, le=1)
        min_area: float = Field(0.02, gt=0, le=1)
        max_area: float = Field(0.33, gt=0, le=1)
        min_aspect: float = Field(0.3, gt=0)
        max_aspect: float = Field(3.3, gt=0)
        fill: Literal["mean", "noise"] = "mean"

        @model_validator(mode="after")
        def _ordered(self) -> "RandomErasing.Params":
            if self.min_area > self.max_area or self.min_aspect > self.max_aspect:
                raise ValueError("min_area and min_aspect may not exceed max_area and max_aspect")
            return self

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """Around the publication's p 0.5 and largest area; it tries p from 0.1 to 0.9."""
        trial.suggest_float("prob", 0.1, 1.0)
        trial.suggest_float("max_area", 0.1, 0.5)

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        count, _, height, width = images.shape
        chance, y, x = self.uniform(3, count)
        heights, widths = self.sides(count, height, width)
        tops, lefts = (y * (height - heights + 1)).long(), (x * (width - widths + 1)).long()
        heights = torch.where(chance < self.params.prob, heights, 0)
        return torch.where(
            box_masks(tops, lefts, heights, widths, images), self.filling(images), images
        ), targets

    def sides(self, count: int, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Heights and widths (count,) of boxes smaller than the image; 0 where none fits."""
        params = self.params
        share, tilt = self.uniform(2, ATTEMPTS, count)
        areas = (params.min_area + (params.max_area - params.min_area) * share) * height * width
        shortest, longest = math.log(params.min_aspect), math.log(params.max_aspect)
        aspects = (shortest + (longest - shortest) * tilt).exp()
        heights, widths = (areas * aspects).sqrt().round(), (areas / aspects).sqrt().round()
        fits = (heights < height) & (widths < width) & (heights > 0) & (widths > 0)
        first = fits.int().argmax(0, keepdim=True)
        heights, widths = heights * fits, widths * fits
        return heights.gather(0, first)[0].long(), widths.gather(0, first)[0].long()

    def filling(self, images: Tensor) -> Tensor:
        if self.params.fill == "mean":
            return images.new_full((), GRAY)
        noise = torch.randn(images.shape, generator=self.generator, device=images.device)
        return GRAY + noise / 2

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.generator.device)
