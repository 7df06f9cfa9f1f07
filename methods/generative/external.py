"""Images that were made elsewhere: read, checked and fitted to the dataset of a run.

Three layouts. A: one folder for each class, named by its number or label. B: images and a
`dataset.json` with {"labels": [["some/image.png", 3], ...]}, or rows of 0 and 1 where the dataset
is multi-label. C: an npz with `images` uint8 (N, H, W[, 3]) and `labels` (N, 1) or (N, L). A and B
are a folder or a zip. Nothing is unpacked to the disk, unpickled or run.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.base.errors import BenchError
from bench.base.split import Split
from bench.base.task import Task
from methods.generative.cache import as_targets
from methods.generative.stylegan2 import resolution
from methods.method import Setting

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP"}
LABELS = "dataset.json"
BROKEN = (
    OSError,
    EOFError,
    TypeError,
    ValueError,
    RuntimeError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
    Image.DecompressionBombError,
)
"""What numpy, zipfile and Pillow raise on files that they cannot read."""
LARGEST_FILE = 64 << 20
"""Bytes that one file of a folder or zip may have, unpacked."""
GRAY_TOLERANCE = 8.0
"""Of 255: how far the channels of an RGB image may lie apart, on average, and it is still gray."""

Pixels = npt.NDArray[np.uint8]
Row = tuple[int, ...]
"""A label as an npz holds it: one class number, or a 0 or 1 for each finding."""
Files = Mapping[str, Callable[[], bytes]]
"""How to read each file, by its path inside a folder or zip."""


@dataclass(frozen=True)
class External:
    """A set in an order of its own content, so that it does not depend on the layout."""

    split: Split
    sha256: str
    warnings: tuple[str, ...]


def read(path: Path, setting: Setting, names: Sequence[str] = (), resize: bool = False) -> External:
    """All images of `path`, as images and targets of a dataset with these label names.

    A image has the dataset's size, or the frame of it that generators work on and is cropped;
    with `resize` any size. Raises BenchError.
    """
    pairs = []
    labelled = _in_npz(path) if path.suffix == ".npz" else _in_files(path, setting, names)
    for where, row, pixels in labelled:
        _check_label(row, setting, where)
        pairs.append((row, _fitted(pixels, setting, resize, where)))
    if not pairs:
        raise BenchError(f"{path} holds no image; see that it is the right path")
    pairs.sort(key=lambda pair: (pair[0], pair[1].tobytes()))
    labels = np.array([row for row, _ in pairs], np.uint8)
    images = np.stack([image for _, image in pairs])
    digest = hashlib.sha256(f"{images.shape} {labels.shape}".encode())
    digest.update(images.tobytes() + labels.tobytes())
    return External(
        Split(images, as_targets(labels)), digest.hexdigest(), _warnings(labels, setting, names)
    )


def _in_files(
    path: Path, setting: Setting, names: Sequence[str]
) -> Iterator[tuple[str, Row, Pixels]]:
    """Layouts A and B: where each image is, its label as it is given, and its pixels."""
    with _files(path) as files:
        images = {name: load for name, load in files.items() if name != LABELS}
        if LABELS in files:
            rows = _listed(path, files[LABELS])
        elif setting.task is Task.MULTILABEL:
            raise BenchError(f"{path}: a class folder has one label only; add a {LABELS}")
        else:
            rows = {name: (_class_number(name, names, path),) for name in images}
        if different := sorted(rows.keys() ^ images.keys()):
            raise BenchError(
                f"{path}: {different[0]} is not both there and listed in {LABELS}; "
                "list there every image"
            )
        for name, row in rows.items():
            yield f"{path}: {name}", row, _decoded(images[name], f"{path}: {name}")


def _in_npz(path: Path) -> Iterator[tuple[str, Row, Pixels]]:
    """Layout C, likewise."""
    with _reading(path), np.load(path, allow_pickle=False) as arrays:
        missing = {"images", "labels"} - set(arrays)
        if missing:
            raise BenchError(f"{path} has no array {min(missing)}; layout C needs it")
        images, labels = arrays["images"], arrays["labels"]
    if images.dtype != np.uint8 or not (images.ndim == 3 or images.shape[3:] == (3,)):
        raise BenchError(
            f"{path}: images are {images.dtype} {images.shape}; expected uint8 (N, H, W) or "
            "(N, H, W, 3)"
        )
    if labels.dtype.kind not in "iu" or labels.ndim != 2 or len(labels) != len(images):
        raise BenchError(
            f"{path}: labels are {labels.dtype} {labels.shape}; expected whole numbers (N, 1) or "
            "(N, L), a row an image"
        )
    for i, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        yield f"{path}: image {i}", tuple(label.tolist()), pixels


@contextmanager
def _reading(where: Path | str) -> Iterator[None]:
    """Turns whatever goes wrong with a file into a BenchError."""
    try:
        yield
    except BROKEN as error:
        raise BenchError(f"{where} cannot be read ({error}); make it again") from None


@contextmanager
def _files(path: Path) -> Iterator[Files]:
    """The files of a folder or zip, without hidden ones. Raises BenchError for any but images."""
    if path.is_dir():
        yield _checked(path, _in_folder(path))
    elif zipfile.is_zipfile(path):
        with _reading(path), zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if large := [entry for entry in entries if entry.file_size > LARGEST_FILE]:
                raise BenchError(f"{path}: {large[0].filename} is too large for an image")
            yield _checked(path, [(e.filename, partial(archive.read, e)) for e in entries])
    else:
        raise BenchError(f"{path} is no folder, zip or npz; give the path of one")


def _in_folder(root: Path) -> list[tuple[str, Callable[[], bytes]]]:
    """Raises BenchError for a link to somewhere else."""
    found = sorted(file for file in root.rglob("*") if not file.is_dir())
    for file in found:
        if not file.resolve().is_relative_to(root.resolve()):
            raise BenchError(f"{file} leads out of {root}; copy the file there")
    return [(file.relative_to(root).as_posix(), file.read_bytes) for file in found]


def _checked(path: Path, files: Sequence[tuple[str, Callable[[], bytes]]]) -> Files:
    """By name; names that lead elsewhere and files that are no images are refused."""
    kept: dict[str, Callable[[], bytes]] = {}
    for name, load in files:
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or "\\" in name or ":" in name:
            raise BenchError(f"{path}: {name!r} leads out of it; make it anew without that file")
        if parts[0] == "__MACOSX" or any(part.startswith(".") for part in parts):
            continue
        if name != LABELS and PurePosixPath(name).suffix.lower() not in FORMATS:
            raise BenchError(
                f"{path}: {name} is no image ({', '.join(FORMATS)}), and nothing else is read; "
                "take it out"
            )
        if name in kept:
            raise BenchError(f"{path}: {name} is there twice; make it anew with it once")
        kept[name] = load
    return kept


def _listed(path: Path, load: Callable[[], bytes]) -> dict[str, Row]:
    """The labels of layout B by the name of the file."""
    with _reading(path):
        document = load()
    try:
        pairs = [(name, label) for name, label in json.loads(document)["labels"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BenchError(
            f'{path}: {LABELS} is not {{"labels": [["image.png", 3], ...]}}; write it so'
        ) from None
    rows = {str(name): tuple(row if isinstance(row, list) else [row]) for name, row in pairs}
    if len(rows) < len(pairs):
        raise BenchError(f"{path}: {LABELS} lists an image twice; list each once")
    return rows


def _class_number(name: str, names: Sequence[str], path: Path) -> int:
    """Of the folder that an image lies in."""
    folder, _, rest = name.partition("/")
    known = {label.casefold(): number for number, label in enumerate(names)}
    if rest and "/" not in rest:
        if folder.isdecimal():
            return int(folder)
        if folder.casefold() in known:
            return known[folder.casefold()]
    labels = f" or a label ({', '.join(names)})" if names else ""
    raise BenchError(
        f"{path}: {name} is not in a folder named by a class number{labels}; "
        f"make such folders, or a {LABELS}"
    )


def _check_label(row: Row, setting: Setting, where: str) -> None:
    several = setting.task is Task.MULTILABEL
    width, top = (setting.num_classes, 1) if several else (1, setting.num_classes - 1)
    expected = f"{width} of 0 and 1" if several else f"one number of 0 to {top}"
    whole = all(value in range(top + 1) for value in row)
    if len(row) != width or not whole:
        raise BenchError(f"{where} has the label {list(row)}; expected {expected}")


def _decoded(load: Callable[[], bytes], where: str) -> Pixels:
    """The pixels of an image file, (H, W) or (H, W, 3)."""
    formats = sorted(set(FORMATS.values()))
    with _reading(where), Image.open(io.BytesIO(load()), formats=formats) as image:
        if image.mode not in ("L", "RGB"):
            raise BenchError(f"{where} is {image.mode}; save it as 8-bit gray or RGB")
        return np.asarray(image)


def _fitted(pixels: Pixels, setting: Setting, resize: bool, where: str) -> Pixels:
    """Of the dataset's size and channels."""
    size, frame = setting.image_size, resolution(setting.image_size)
    if pixels.shape[:2] == (frame, frame):
        corner = (frame - size) // 2
        pixels = pixels[corner : corner + size, corner : corner + size]
    elif pixels.shape[:2] != (size, size):
        if not resize:
            height, width = pixels.shape[:2]
            raise BenchError(
                f"{where} has {width}x{height} px; expected {size}x{size}, or {frame}x{frame} "
                "to crop, or resize=true"
            )
        image = Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR)
        pixels = np.asarray(image)
    if setting.channels == 3:
        return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, 2)
    return pixels if pixels.ndim == 2 else _gray(pixels, where)


def _gray(pixels: Pixels, where: str) -> Pixels:
    """The mean of channels that are about the same, as generators trained on gray images make."""
    apart = np.ptp(pixels, axis=2).mean()
    if apart > GRAY_TOLERANCE:
        raise BenchError(f"{where} is coloured, and the dataset is gray; save it as gray")
    gray: Pixels = pixels.mean(2).round().astype(np.uint8)
    return gray


def _warnings(
    labels: npt.NDArray[np.uint8], setting: Setting, names: Sequence[str]
) -> tuple[str, ...]:
    """The classes, or findings, of which there is no image."""
    if setting.task is Task.MULTILABEL:
        there = set(np.flatnonzero(labels.any(0)).tolist())
    else:
        there = set(labels[:, 0].tolist())
    absent = [number for number in range(setting.num_classes) if number not in there]
    return tuple(f"no image of class {names[i] if names else i}" for i in absent)
