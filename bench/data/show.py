"""Thumbnails of a dataset, by class and split, as a network is given them."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from bench.base.split import Split, resized
from bench.data.catalogue import SPLITS, Info
from bench.data.dataset import Dataset
from bench.data.npz import Array

SHOWN = 6
"""Images of a class in a split."""
BORDER = 2
"""White pixels around each."""


def show(dataset: Dataset, folder: Path, input_size: int | None = None, seed: int = 0) -> Path:
    """Write a PNG into `folder`: a row a class, a column a split, random images of each.

    Images are resized to `input_size` as a backbone does. Returns the path.
    """
    info = dataset.info
    size = input_size or info.size
    rng = np.random.default_rng(seed)
    sheet = Figure(figsize=(14, 0.8 * info.num_classes + 0.9), layout="constrained")
    sheet.suptitle(f"{info.name}, {size} px" + ", phantom data" * info.phantom)
    axes = sheet.subplots(info.num_classes, len(SPLITS), squeeze=False)
    for column, name in enumerate(SPLITS):
        split = dataset.split(name)
        for label, axis in enumerate(axes[:, column]):
            members = of_class(split, label)
            chosen = np.sort(rng.permutation(members)[:SHOWN])
            axis.imshow(strip(split.images(chosen), size), cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.set_title(f"{name}: {len(members):,}", fontsize=7, pad=2)
    for name, axis in zip(info.labels, axes[:, 0], strict=True):
        axis.set_ylabel(cut(name), rotation=0, ha="right", va="center", fontsize=8)
    path = folder / f"{info.name}-{size}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.savefig(path, dpi=110)
    return path


def of_class(split: Split, label: int) -> Array:
    """Indices of the images of a class, or with a label."""
    targets = split.targets.numpy()
    return np.flatnonzero(targets == label if targets.ndim == 1 else targets[:, label])


def strip(images: Tensor, size: int) -> Array:
    """Images (B, C, H, W) in [0, 1] side by side, (H, W, 3); white where there are fewer."""
    tiles = torch.ones(SHOWN, 3, size, size)
    if len(images):
        tiles[: len(images)] = resized(images, size).clamp(0, 1)
    padded = torch.nn.functional.pad(tiles, [BORDER] * 4, value=1.0)
    return np.asarray(torch.cat(list(padded), 2).permute(1, 2, 0))


def class_name(info: Info, target: Tensor) -> str:
    """The label's name, cut to fit; of multi-label rows all that are present."""
    if target.ndim:
        positive = torch.nonzero(target)[:, 0].tolist()
        return cut(", ".join(info.labels[k] for k in positive) or "none")
    return cut(info.labels[int(target)])


def cut(text: str, longest: int = 18) -> str:
    """Its beginning where it is long."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
