"""MedAugment: few operations from two spaces, pixel and spatial, under one level."""

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor

from bench.base.errors import BenchError
from bench.base.split import Indices, Split
from methods.method import Method, Parameters, Trial, Workspace
from methods.parts import image_ops as ops
from methods.parts.geometry import affine, rotation, warp

COUNTS = ((1, 2), (0, 3), (0, 2), (1, 1), (0, 0))
"""Pixel and spatial operations of the four kinds of branch; the last kind is the original."""
KINDS = 4
NONE = -1
"""The number of no operation; as an index it picks the identity, which stands last."""
Bytes = npt.NDArray[np.uint8]
Number = TypeVar("Number", float, Tensor)
CHUNK = 256
MEMORY = 2 << 30
"""The most bytes that the copies of the offline form may take."""

PIXEL = ("brightness", "contrast", "posterize", "sharpen", "blur", "noise")
SPATIAL: dict[str, Callable[[Tensor, int, int], Tensor]] = {
    "rotate": lambda degrees, *_: rotation(degrees),
    "flip_x": lambda like, *_: affine(like, xx=-1),
    "flip_y": lambda like, *_: affine(like, yy=-1),
    "zoom": lambda factor, *_: affine(factor, xx=factor, yy=factor),
    "shear_x": lambda degrees, *_: affine(degrees, xy=degrees.deg2rad().tan()),
    "shear_y": lambda degrees, *_: affine(degrees, yx=-degrees.deg2rad().tan()),
    "translate_x": lambda part, _, width: affine(part, x=part * width),
    "translate_y": lambda part, height, _: affine(part, y=part * height),
}
"""Matrices of strengths, height and width.

The official code shears along y as along x in an image turned by 90 degrees, hence the minus.
"""


def ranges(level: int) -> dict[str, tuple[float, float]]:
    """Between what the strength of each operation is uniform, at level 0 to 5."""
    factor = (1 - 0.04 * level, 1 + 0.04 * level)
    bits = math.floor(8 - 0.8 * level)
    return {
        "brightness": factor,
        "contrast": factor,
        "posterize": (bits, bits),
        "sharpen": (0.04 * level, 0.1 * level),  # weight of the kernel
        "blur": (2, odd(3 + 0.8 * level)),  # kernel: a whole number from 3 on, made odd
        "noise": (2 * level, 10 * level),  # variance, in squared grey levels
        "rotate": (-4 * level, 4 * level),  # degrees
        "flip_x": (0, 0),
        "flip_y": (0, 0),
        "zoom": factor,
        "shear_x": (0, 2 * level),  # degrees
        "shear_y": (0, 2 * level),
        "translate_x": (0, 0.02 * level),  # parts of the side
        "translate_y": (0, 0.02 * level),
    }


def odd(value: Number) -> Number:
    """The lowest odd number that is not below it."""
    return 1 - (1 - value) // 2 * 2


class MedAugment(Method):
    """Branches of two or three operations, at most one of them on grey values.

    A branch has (1,2), (0,3), (0,2) or (1,1) pixel and spatial operations, drawn without
    replacement, in random order; each fires with probability 0.2 `level`. The spatial ones are
    composed to one bilinear warp, outside black; the pixel one comes before or after it, with
    equal chance.
    Online: each time an image is shown it is the original with probability `keep_original`, else
    a branch of any kind. Offline, as the official code: before training each image gets
    `branches` copies in 8 bits (four are one of each kind; else kinds are drawn), and each time it
    is shown it is one of these versions. The official epoch has all versions, thus five times the
    steps; here a step shows as many images and an epoch has as many steps as without.
    As there, a blur's kernel is a whole number from 3 on, one more where it is even: at levels 3 to
    5 those of 3, 5 and 7 come as 1 : 2 : 2, below those of 3 and 5 as 1 : 2.
    Flips exchange left and right by design: the side of the heart in chest images too.
    """

    summary = "few pixel and spatial operations, under one level"
    reference = "Liu et al. 2023, MedAugment, 2306.17466; its official code is the authority"
    version = 2
    zero = {"level": 0}

    class Params(Parameters):
        """Defaults of the official code, but for `offline`."""

        level: int = Field(5, ge=0, le=5)
        branches: int = Field(4, ge=1)
        """Versions of an image beside the original."""
        keep_original: float | None = Field(None, ge=0, le=1)
        """The probability of the original; not given, that of every version, 1/(branches + 1)."""
        offline: bool = False
        blur_scale: bool = False
        """Blur kernels of size/224 times the pixels, at least 3."""

    params: Params

    @classmethod
    def space(cls, trial: Trial) -> None:
        """The publication's five levels; the original kept as often as every version (our default),
        never, or half the time.
        """
        trial.suggest_int("level", 1, 5)
        trial.suggest_categorical("keep_original", (None, 0.0, 0.5))

    def prepare(self, train: Split, workspace: Workspace) -> Split:
        if not self.params.offline:
            return train
        copies = self.copies(train, workspace.report)
        return Split(Versions(train, copies, self.keep, self.rng), train.targets)

    def augment(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if self.params.offline:
            return images, targets
        kinds = self.integers(KINDS, len(images))
        kept = self.uniform(len(images)) < self.keep
        return self.branch(images, torch.where(kept, KINDS, kinds)), targets

    @property
    def keep(self) -> float:
        """The probability that an image is shown as it is."""
        keep = self.params.keep_original
        return 1 / (self.params.branches + 1) if keep is None else keep

    def branch(self, images: Tensor, kinds: Tensor) -> Tensor:
        """Each image after a branch of the kind number kinds[i] of `COUNTS`."""
        pixel, spatial = self.draw(kinds)
        early = self.uniform(len(images)) < 0.5
        images = self.change(images, torch.where(early, pixel, NONE))
        images = warp(images, self.maps(spatial, *images.shape[2:]), "bilinear")
        return self.change(images, torch.where(early, NONE, pixel))

    def draw(self, kinds: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers of the operations that fire: pixel (B,), and spatial (B, 3) in order; or NONE."""
        count = len(kinds)
        counts = torch.tensor(COUNTS).to(kinds.device, non_blocking=True)
        pixels, spatials = counts[kinds].split(1, dim=1)
        fires = self.uniform(count, 4) < 0.2 * self.params.level
        pixel = self.integers(len(PIXEL), count)
        spatial = self.uniform(count, len(SPATIAL)).argsort(1)[:, :3]
        places = torch.arange(3, device=kinds.device)
        return (
            torch.where(fires[:, 3] & (pixels[:, 0] > 0), pixel, NONE),
            torch.where(fires[:, :3] & (places < spatials), spatial, NONE),
        )

    def change(self, images: Tensor, pixel: Tensor) -> Tensor:
        """Each image after pixel operation number pixel[i]."""
        drawn = torch.stack([self.strengths(name, len(pixel)) for name in PIXEL])
        strengths = drawn[pixel, torch.arange(len(pixel), device=pixel.device)]
        grey = (ops.brightness, ops.contrast, ops.posterize, ops.sharpen, self.blur, self.noise)
        return ops.apply_each(images, grey, pixel, strengths)

    def blur(self, images: Tensor, strengths: Tensor) -> Tensor:
        scale = images.shape[-1] / 224 if self.params.blur_scale else 1.0
        largest = odd(scale * ranges(self.params.level)["blur"][1])
        sizes = odd(scale * odd(strengths.double())).clamp(min=3).long()
        return ops.gaussian_blur(images, sizes, max(3, int(largest)))

    def noise(self, images: Tensor, variances: Tensor) -> Tensor:
        return ops.add_noise(images, variances.sqrt() / 255, self.generator)

    def maps(self, spatial: Tensor, height: int, width: int) -> Tensor:
        """One matrix for each image: its spatial operations, one after the other."""
        count = len(spatial)
        each = [to_map(self.strengths(n, count), height, width) for n, to_map in SPATIAL.items()]
        table = torch.stack([*each, torch.eye(3, device=spatial.device).expand_as(each[0])])
        picked = table[spatial.T, torch.arange(count, device=spatial.device)]
        return picked[2] @ picked[1] @ picked[0]

    def strengths(self, name: str, count: int) -> Tensor:
        """Strengths (count,) of the operation of that name."""
        low, high = ranges(self.params.level)[name]
        return low + (high - low) * self.uniform(count)

    def copies(self, train: Split, report: Callable[[float], None]) -> Bytes:
        """What the branches make of each image, (branches, N, H, W) or (branches, N, H, W, 3)."""
        shape = (self.params.branches, len(train), *train.pixels(np.arange(1)).shape[1:])
        if math.prod(shape) > MEMORY:
            raise BenchError(
                f"medaugment: {shape[0]} copies of {shape[1]} images take "
                f"{math.prod(shape) / 2**30:.1f} GiB of at most {MEMORY >> 30}; set offline=false"
            )
        copies = np.empty(shape, np.uint8)
        for rows in np.array_split(np.arange(len(train)), math.ceil(len(train) / CHUNK)):
            images = train.images(rows).to(self.setting.device)
            for copy, kinds in zip(copies, self.round(len(rows)), strict=True):
                levels = ops.gray_levels(self.branch(images, kinds)).byte()
                copy[rows] = levels.permute(0, 2, 3, 1).cpu().numpy().reshape(-1, *shape[2:])
            report((int(rows[-1]) + 1) / len(train))
        return copies

    def round(self, count: int) -> Tensor:
        """Kinds (branches, count) of the branches of each image: with four, one of each kind."""
        if self.params.branches == KINDS:
            return self.uniform(count, KINDS).argsort(1).T
        return self.integers(KINDS, self.params.branches, count)

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.generator.device)

    def integers(self, end: int, *shape: int) -> Tensor:
        """Uniform from 0 to below `end`."""
        device = self.generator.device
        return torch.randint(end, shape, generator=self.generator, device=device)


class Versions:
    """Images that, each time they are gathered, are the original or one of its copies."""

    def __init__(
        self, originals: Split, copies: Bytes, keep: float, rng: np.random.Generator
    ) -> None:
        self.originals = originals
        self.copies = copies
        self.keep = keep
        self.rng = rng

    def __getitem__(self, rows: Indices) -> Bytes:
        images = self.originals.pixels(rows).copy()
        copied = self.rng.random(len(rows)) >= self.keep
        version = self.rng.integers(len(self.copies), size=len(rows))
        images[copied] = self.copies[version, rows][copied]
        return images
