"""Affine maps of images: matrices (B, 3, 3), one for each image, that compose by `@`.

They map a pixel (x, y, 1) of the image to where it goes. Units are pixels, x to the right and y
downwards, from the centre of the image.
"""

import torch
from torch import Tensor

PLACES = {"xx": (0, 0), "xy": (0, 1), "x": (0, 2), "yx": (1, 0), "yy": (1, 1), "y": (1, 2)}


def affine(like: Tensor, **entries: Tensor | float) -> Tensor:
    """As many matrices as `like` (B,) has rows: the identity but for the named entries.

    x' = xx x + xy y + x and y' = yx x + yy y + y.
    """
    matrices = torch.eye(3, device=like.device).repeat(len(like), 1, 1)
    for name, entry in entries.items():
        row, column = PLACES[name]
        matrices[:, row, column] = entry
    return matrices


def rotation(degrees: Tensor) -> Tensor:
    """Counter-clockwise, as seen."""
    cos, sin = degrees.deg2rad().cos(), degrees.deg2rad().sin()
    return affine(degrees, xx=cos, xy=sin, yx=-sin, yy=cos)


def warp(images: Tensor, matrices: Tensor, mode: str) -> Tensor:
    """Each image through its map; outside is black. Identities leave the image as it is.

    `mode` is the interpolation, "bilinear" or "nearest".
    """
    from kornia.geometry.transform import warp_affine  # takes a third of a second to import

    height, width = images.shape[2:]
    x, y = (width - 1) / 2, (height - 1) / 2
    there, back = affine(matrices, x=x, y=y), affine(matrices, x=-x, y=-y)
    pixels = (there @ matrices @ back)[:, :2]
    warped = warp_affine(images, pixels, (height, width), mode=mode)
    moved = (matrices != torch.eye(3, device=images.device)).flatten(1).any(1)
    return torch.where(moved[:, None, None, None], warped, images)
