"""Basic: flips, rotation, zoom and a shifted crop, the usual medical pipeline."""

import torch
from pydantic import Field
from torch import Tensor

from methods.method import Method, Parameters, Trial
from methods.parts.geometry import affine, rotation, warp


class Basic(Method):
    """Flip, rotate, zoom and shift each image, each of these with probability `prob`.

    Rotation is uniform in ±degrees, the zoom's factor in 1 ± zoom, and the shift along each axis,
    which is a random crop of the image with a border, in ±shift of the side. The three are one
    bilinear warp; outside is black. A flip exchanges left and right, the side of the heart too.
    """

    summary = "flips, rotation, zoom and a shifted crop"
    reference = (
        "MONAI's MedNIST tutorial: flip, rotation by 15 degrees, zoom 0.9 to 1.1, each with "
        "probability 0.5; the crop is of He et al. 2016, ResNet, CVPR: 4 of 32 px"
    )
    zero = {"prob": 0.0}

    class Params(Parameters):
        """Strengths of the tutorial, and of He et al. for `shift`."""

        prob: float = Field(0.5, ge=0, le=1)
        vertical: bool = False
        """Flip upside down too, for images without an up, such as cells and skin."""
        degrees: float = Field(15.0, ge=0, le=180)
        zoom: float = Field(0.1, ge=0, lt=1)
        shift: float = Field(0.125, ge=0, le=0.5)

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """`prob` and `zoom` around their defaults; `degrees` to all angles, as for skin (Esteva et
        al. 2017, Nature).
        """
        trial.suggest_float("prob", 0.2, 1.0)
        trial.suggest_float("degrees", 5.0, 180.0, log=True)
        trial.suggest_float("zoom", 0.03, 0.3)

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        images = self.flipped(images, 3)
        if self.params.vertical:
            images = self.flipped(images, 2)
        return warp(images, self.maps(*images[:, 0].shape), "bilinear"), targets

    def flipped(self, images: Tensor, axis: int) -> Tensor:
        """Some images turned over along an axis."""
        return torch.where(self.chosen(len(images))[:, None, None, None], images.flip(axis), images)

    def maps(self, count: int, height: int, width: int) -> Tensor:
        """One matrix for each image: rotation, zoom and shift, as far as they are drawn."""
        p = self.params
        degrees, factor = self.drawn(count, p.degrees), 1 + self.drawn(count, p.zoom)
        across, down = torch.where(self.chosen(count), self.uniform(2, count) * p.shift, 0)
        zoomed = affine(factor, xx=factor, yy=factor, x=across * width, y=down * height)
        return zoomed @ rotation(degrees)

    def drawn(self, count: int, strength: float) -> Tensor:
        """Uniform in ±strength where it is chosen, else 0 (count,)."""
        return torch.where(self.chosen(count), self.uniform(count) * strength, 0)

    def chosen(self, count: int) -> Tensor:
        """True with probability `prob` (count,)."""
        return torch.rand(count, generator=self.generator, device=self.generator.device) < (
            self.params.prob
        )

    def uniform(self, *shape: int) -> Tensor:
        """From -1 to 1."""
        return 2 * torch.rand(shape, generator=self.generator, device=self.generator.device) - 1
