"""CutMix: a box of another image, and as much of its target."""

import math

import torch
from pydantic import Field
from torch import Tensor

from methods.method import Trial
from methods.parts.mixing import Mixing


class CutMix(Mixing):
    """Paste the box of image π(i) into image i; the target's weights are the two areas.

    One box a batch: `box` of lam ~ Beta(alpha, alpha) with a uniform centre. Then lam becomes the
    share of the image that was kept, and ỹ = lam y + (1 - lam) y[π], float rows (B, C).
    """

    summary = "a box of another image, and as much of its target"
    reference = "Yun et al. 2019, CutMix, ICCV; github.com/clovaai/CutMix-PyTorch"

    class Params(Mixing.Params):
        """`alpha` shapes the Beta distribution of lam; `prob` is that of mixing a batch at all."""

        prob: float = Field(0.5, ge=0, le=1)

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """`alpha` around the publication's 1.0; `prob` around the official 0.5 (CIFAR) and 1.0
        (ImageNet).
        """
        trial.suggest_float("alpha", 0.2, 2.0, log=True)
        trial.suggest_float("prob", 0.2, 1.0)

    def mix(self, images: Tensor, rows: Tensor, lam: float) -> tuple[Tensor, Tensor]:
        height, width = images.shape[2:]
        centre = int(self.rng.integers(height)), int(self.rng.integers(width))
        down, across = box(height, width, lam, centre)
        partner = self.permutation(images)
        mixed = images.clone()
        mixed[:, :, down, across] = images[partner, :, down, across]
        pasted = (down.stop - down.start) * (across.stop - across.start) / (height * width)
        return mixed, torch.lerp(rows, rows[partner], pasted)


def box(height: int, width: int, lam: float, centre: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a box of sides ⌊H √(1-lam)⌋ and ⌊W √(1-lam)⌋, clipped to the image."""
    ratio = math.sqrt(1 - lam)
    return span(height, int(height * ratio), centre[0]), span(width, int(width * ratio), centre[1])


def span(length: int, side: int, middle: int) -> slice:
    """`side` pixels around `middle`, as far as they lie in 0..length."""
    start = middle - side // 2
    return slice(max(0, start), min(length, start + side))
