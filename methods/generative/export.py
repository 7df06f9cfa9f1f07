"""A training subset as the official StyleGAN2-ADA training script reads it (with --cond=1)."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bench.base.files import explained, writing
from bench.base.split import Split
from methods.generative.pixels import framed, unframed
from methods.generative.stylegan2 import resolution

BATCH = 1024


def export(train: Split, path: Path) -> Path:
    """Write a zip of RGB PNG files and `dataset.json`; the same bytes for the same subset.

    Images are framed to a power of two (28 to 32 px, mirrored at the border); gray ones are
    repeated in three channels, as that script saves RGB only. Labels are class numbers, or rows of
    0 and 1 for multi-label sets. Raises StoreError where the file cannot be written.
    """
    labels: list[tuple[str, int | list[int]]] = []
    with explained(path.parent), writing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for rows in torch.arange(len(train)).split(BATCH):
            for row, pixels in zip(rows.tolist(), frames(train, rows), strict=True):
                name = f"{row // 1000:05d}/img{row:08d}.png"
                _add(archive, name, _png(pixels))
                labels.append((name, train.targets[row].long().tolist()))
        _add(archive, "dataset.json", json.dumps({"labels": labels}).encode())
    return path


def frames(train: Split, rows: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Images as the script wants them, uint8 (B, R, R, 3)."""
    images = train.images(rows)
    size = resolution(images.shape[-1])
    return unframed(framed(images, size).expand(-1, 3, -1, -1), size)


def _png(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=False, compress_level=6)
    return file.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Stored, with no time and no system of its own."""
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
