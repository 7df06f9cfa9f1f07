"""Masks of rectangles, one for each image of a batch."""

import torch
from torch import Tensor

GRAY = 0.5
"""The value that a mean and std of 0.5 normalise to 0: what erased pixels become."""


def box_masks(tops: Tensor, lefts: Tensor, heights: Tensor, widths: Tensor, like: Tensor) -> Tensor:
    """Masks (B, 1, H, W), true in image i's box, as far as it lies in the image.

    Corners and sides are whole numbers of pixels, (B,); `like` are the images (B, C, H, W).
    """
    rows = _spans(tops, heights, like.shape[2])
    columns = _spans(lefts, widths, like.shape[3])
    return rows[:, None, :, None] & columns[:, None, None, :]


def _spans(starts: Tensor, lengths: Tensor, size: int) -> Tensor:
    """(B, size), true for the `lengths` pixels from `starts` on."""
    pixels = torch.arange(size, device=starts.device)
    return (pixels >= starts[:, None]) & (pixels < (starts + lengths)[:, None])
