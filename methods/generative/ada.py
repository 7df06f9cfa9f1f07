"""Adaptive discriminator augmentation: the pipeline, and the controller of its strength p.

Written from Karras et al. 2020, Training Generative Adversarial Networks with Limited Data,
NeurIPS, appendix B. Images are (B, 1 or 3, R, R) in about [-1, 1].
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Draws:
    """One value for each of `count` images, each with its own coin: 0 where it does not fire."""

    count: int
    p: float
    device: torch.device

    def normal(self, std: float, *axes: int) -> Tensor:
        """(*axes, count); the values of an image share its coin."""
        return self._fired(std * torch.randn(*axes, self.count, device=self.device))

    def uniform(self, bound: float, *axes: int) -> Tensor:
        """Between -bound and bound, (*axes, count)."""
        return self._fired((2 * torch.rand(*axes, self.count, device=self.device) - 1) * bound)

    def choice(self, options: int) -> Tensor:
        """One of 0 .. options - 1, (count,)."""
        return self._fired((torch.rand(self.count, device=self.device) * options).floor())

    def _fired(self, values: Tensor) -> Tensor:
        return torch.where(torch.rand(self.count, device=self.device) < self.p, values, 0.0)


@dataclass(frozen=True)
class Pipeline:
    """The operations of `groups`: "b" blit, "g" geometry, "c" colour.

    All geometry of an image is one matrix and one bilinear warp with reflected borders, on a grid
    `supersample` times as dense; all colour is one affine map. Images on which nothing fires are
    returned as they are. The result is twice differentiable in the images.
    """

    groups: str = "bgc"
    supersample: int = 1

    def __call__(self, images: Tensor, p: float) -> Tensor:
        """The images, each operation with probability `p` on each image."""
        if p == 0:
            return images
        draws = Draws(len(images), p, images.device)
        matrix = torch.eye(3, device=images.device).expand(len(images), 3, 3)
        if "b" in self.groups:
            matrix = matrix @ blit(draws, images.shape[-1])
        if "g" in self.groups:
            matrix = matrix @ geometry(draws)
        moved = (matrix != torch.eye(3, device=images.device)).flatten(1).any(1).nonzero()[:, 0]
        if len(moved):
            warped = warp(images[moved], matrix[moved], self.supersample)
            images = images.index_copy(0, moved, warped)
        return recolour(images, *colour(draws, images.shape[1])) if "c" in self.groups else images


def warp(images: Tensor, matrix: Tensor, supersample: int = 1) -> Tensor:
    """Each image resampled where its matrix (B, 3, 3) sends the pixels of the result.

    Coordinates are -1 at the centre of the first pixel and 1 at that of the last.
    """
    from kornia.geometry.transform import homography_warp  # takes a third of a second to import

    dense = images.shape[-1] * supersample
    spread = (dense - 1) / (dense - supersample)
    warped = homography_warp(
        images,
        matrix * matrix.new_tensor([spread, spread, 1.0]),
        (dense, dense),
        padding_mode="reflection",
        align_corners=True,
    )
    return F.avg_pool2d(warped, supersample)


def blit(draws: Draws, size: int) -> Tensor:
    """Flip, quarter turn and shift by whole pixels: matrices (B, 3, 3) for `warp`."""
    flip = 1 - 2 * draws.choice(2)
    turn = rotation(draws.choice(4) * (math.pi / 2))
    pixels = (draws.uniform(0.125, 2) * size).round()
    return scaling(flip, torch.ones_like(flip)) @ turn @ translation(*pixels * 2 / (size - 1))


def geometry(draws: Draws) -> Tensor:
    """Scale, turn, stretch, turn and shift by a fraction: matrices (B, 3, 3) for `warp`.

    The two turns fire with 1 - √(1 - p) each, so that either of them does with p.
    """
    turns = Draws(draws.count, 1 - math.sqrt(1 - draws.p), draws.device)
    before, after = rotation(turns.uniform(math.pi)), rotation(turns.uniform(math.pi))
    scale, stretch = torch.exp2(draws.normal(0.2)), torch.exp2(draws.normal(0.2))
    shift = translation(*2 * draws.normal(0.125, 2))
    return before @ scaling(scale * stretch, scale / stretch) @ after @ shift


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """Matrices (B, 3, 3)."""
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], 1))


def rotation(angle: Tensor) -> Tensor:
    """Matrices (B, 3, 3) of turns about the centre."""
    matrix = scaling(angle.cos(), angle.cos())
    matrix[:, 1, 0], matrix[:, 0, 1] = angle.sin(), -angle.sin()
    return matrix


def translation(x: Tensor, y: Tensor) -> Tensor:
    """Matrices (B, 3, 3)."""
    matrix = scaling(torch.ones_like(x), torch.ones_like(x))
    matrix[:, 0, 2], matrix[:, 1, 2] = x, y
    return matrix


def colour(draws: Draws, channels: int) -> tuple[Tensor, Tensor]:
    """Brightness, contrast, luma flip and, of RGB, hue and saturation: (B, C, C) and (B,).

    The result is matrix · (image + offset). Contrast scales everything; a luma flip reflects along
    the gray axis; hue turns about it, saturation scales at right angles to it.
    """
    offset = draws.normal(0.2)
    contrast = torch.exp2(draws.normal(0.5))
    flip = 1 - 2 * draws.choice(2)
    angle = draws.uniform(math.pi) if channels == 3 else torch.zeros_like(flip)
    saturation = torch.exp2(draws.normal(1.0)) if channels == 3 else torch.ones_like(flip)
    eye = torch.eye(channels, device=flip.device)
    gray = torch.full_like(eye, 1 / channels)
    quarter = (eye.roll(1, 0) - eye.roll(-1, 0)) / math.sqrt(3)
    flat, turned = saturation * angle.cos(), saturation * angle.sin()
    parts = ((flat, eye), (flip - flat, gray), (turned, quarter))
    matrix = sum((weight[:, None, None] * part for weight, part in parts), torch.zeros_like(eye))
    return contrast[:, None, None] * matrix, offset


def recolour(images: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    """matrix · (image + offset) at every pixel."""
    return torch.einsum("bij,bjhw->bihw", matrix, images + offset[:, None, None, None])


class Controller:
    """The strength p of the augmentation, steered by how surely D tells real images.

    With r the mean sign of D's logits on augmented real images since the last change, p moves by
    sign(r - target) · images / (1000 · kimg), and stays in [0, p_max]: at full speed it takes
    `kimg` thousand images from 0 to 1.
    """

    INTERVAL = 4
    """Batches between changes of p."""

    def __init__(self, target: float, kimg: float, p_max: float = 1.0) -> None:
        self.target = target
        self.kimg = kimg
        self.p_max = p_max
        self.p = 0.0
        self._signs: list[Tensor] = []

    def observe(self, logits: Tensor) -> None:
        """D's logits (B,) of one batch of augmented real images."""
        self._signs.append(logits.detach().sign())
        if len(self._signs) == self.INTERVAL:
            signs = torch.cat(self._signs)
            above = float(torch.sign(signs.mean() - self.target))
            moved = self.p + above * len(signs) / (1000 * self.kimg)
            self.p = min(max(moved, 0.0), self.p_max)
            self._signs = []

    def state_dict(self) -> dict[str, Any]:
        return {"p": self.p, "signs": list(self._signs)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.p, self._signs = state["p"], list(state["signs"])
