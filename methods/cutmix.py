"""CutMix: a box of another image, and as much of its target."""

import math

import torch
from pydantic import Field
from torch import Tensor

from methods.method import Method, Parameters


class CutMix(Method):
    """Paste the box of image π(i) into image i; the target's weights are the two areas.

    One box a batch: `box` of lam ~ Beta(alpha, alpha) with a uniform centre. Then lam becomes the
    share of the image that was kept, and ỹ = lam y + (1 - lam) y[π], float rows (B, C).
    """

    summary = "a box of another image, and as much of its target"
    reference = "Yun et al. 2019, CutMix, ICCV; github.com/clovaai/CutMix-PyTorch"
    zero = {"prob": 0.0}

    class Params(Parameters):
        """`alpha` shapes the Beta distribution of lam; `prob` is that of mixing a batch at all."""

        alpha: float = Field(1.0, gt=0)
        prob: float = Field(0.5, ge=0, le=1)

    params: Params

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if self.rng.random() >= self.params.prob:
            return images, targets
        height, width = images.shape[2:]
        lam = self.rng.beta(self.params.alpha, self.params.alpha)
        centre = int(self.rng.integers(height)), int(self.rng.integers(width))
        rows, columns = box(height, width, lam, centre)
        partner = torch.randperm(len(images), generator=self.generator, device=images.device)
        mixed = images.clone()
        mixed[:, :, rows, columns] = images[partner, :, rows, columns]
        pasted = (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
        labels = self.dense(targets)
        return mixed, torch.lerp(labels, labels[partner], pasted)


def box(height: int, width: int, lam: float, centre: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a box of sides ⌊H √(1-lam)⌋ and ⌊W √(1-lam)⌋, clipped to the image."""
    ratio = math.sqrt(1 - lam)
    return span(height, int(height * ratio), centre[0]), span(width, int(width * ratio), centre[1])


def span(length: int, side: int, middle: int) -> slice:
    """`side` pixels around `middle`, as far as they lie in 0..length."""
    start = middle - side // 2
    return slice(max(0, start), min(length, start + side))
