"""Between images and what generators work on: another range, a larger frame, labels as rows."""

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor


def framed(images: Tensor, size: int) -> Tensor:
    """Images (B, C, H, W) in [0, 1] as (B, C, size, size) in [-1, 1], mirrored at the border."""
    height, width = images.shape[-2:]
    top, left = (size - height) // 2, (size - width) // 2
    border = (left, size - width - left, top, size - height - top)
    return F.pad(images, border, mode="reflect") * 2 - 1


def unframed(frames: Tensor, size: int) -> npt.NDArray[np.uint8]:
    """The other way, cropped to `size`: uint8 (B, size, size), or (B, size, size, 3)."""
    corner = (frames.shape[-1] - size) // 2
    images = frames[..., corner : corner + size, corner : corner + size]
    pixels = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu()
    return (pixels[:, 0] if pixels.shape[1] == 1 else pixels.permute(0, 2, 3, 1)).numpy()


def condition_rows(targets: Tensor, classes: int) -> Tensor:
    """What a generator is told: one-hot rows (B, classes) of class numbers (B,).

    Rows (B, L) of a multi-label set get a "no finding" flag, (B, L + 1), so that none is zero.
    """
    if targets.ndim == 1:
        return F.one_hot(targets, classes).float()
    return torch.cat([targets.float(), (targets.sum(1, keepdim=True) == 0).float()], 1)
