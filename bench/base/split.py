"""Split: images and targets in memory, or read from disk row by row.

Importing this module imports no torch.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

RESIDENT_BYTES = 512 << 20
"""Sets whose images take more than this are read from disk."""

CHUNK = 256
"""Images read at once."""

Indices = npt.NDArray[np.int64]


class Images(Protocol):
    """uint8 images (N, H, W) or (N, H, W, 3), gathered by index: an array, or rows on a disk."""

    def __getitem__(self, rows: Indices, /) -> npt.NDArray[np.uint8]: ...


class Split:
    """Images and targets: one split of a dataset, or some of it."""

    targets: "Tensor"
    """Class numbers int64 (N,); for multi-label sets float32 (N, L) of 0 and 1."""

    def __init__(self, images: Images, targets: "Tensor", rows: Indices | None = None) -> None:
        """`rows` says which image each target belongs to; in order where it is not given."""
        self.targets = targets
        self._images = images
        self._rows = np.arange(len(targets)) if rows is None else rows

    def __len__(self) -> int:
        return len(self._rows)

    def pixels(self, indices: "Tensor | Indices") -> npt.NDArray[np.uint8]:
        """The images as they are stored, uint8 (B, H, W) or (B, H, W, 3)."""
        return self._images[self._rows[np.asarray(indices)]]

    def each(self) -> Iterator[npt.NDArray[np.uint8]]:
        """One image after another as it is stored, read some at a time."""
        for start in range(0, len(self), CHUNK):
            yield from self.pixels(np.arange(start, min(start + CHUNK, len(self))))

    def images(self, indices: "Tensor | Indices") -> "Tensor":
        """The images, float32 (B, C, H, W) in [0, 1]."""
        import torch

        return as_floats(torch.from_numpy(self.pixels(indices)))

    def subset(self, indices: Indices) -> "Split":
        """These samples, in this order; the images are not copied."""
        return Split(self._images, self.targets[indices], self._rows[indices])

    def to(self, device: str) -> "Split":
        """The same, its images and targets in the memory of that device.

        On a CPU, and where they are read from disk, it stays where it is.
        """
        import torch

        if device == "cpu" or not isinstance(self._images, np.ndarray):
            return self
        pixels = torch.from_numpy(self.pixels(np.arange(len(self)))).to(device)
        return Resident(pixels, self.targets.to(device))


class Resident(Split):
    """A split on a device: indices there give images there, and the host waits for nothing."""

    def __init__(self, pixels: "Tensor", targets: "Tensor") -> None:
        """uint8 (N, H, W) or (N, H, W, 3), with a target each."""
        super().__init__(np.empty(0, np.uint8), targets)
        self._pixels = pixels

    def pixels(self, indices: "Tensor | Indices") -> npt.NDArray[np.uint8]:
        gathered: npt.NDArray[np.uint8] = self._pixels[indices].cpu().numpy()
        return gathered

    def images(self, indices: "Tensor | Indices") -> "Tensor":
        return as_floats(self._pixels[indices])

    def subset(self, indices: Indices) -> "Split":
        return Resident(self._pixels[indices], self.targets[indices])


def as_floats(pixels: "Tensor") -> "Tensor":
    """uint8 (B, H, W) or (B, H, W, 3) as float32 (B, C, H, W) in [0, 1]."""
    pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    return pixels.contiguous().float().div_(255)


def resized(images: "Tensor", size: int) -> "Tensor":
    """Images (B, C, H, W) at `size` pixels, bilinear and antialiased."""
    import torch

    if images.shape[-1] == size:
        return images
    return torch.nn.functional.interpolate(images, (size, size), mode="bilinear", antialias=True)
