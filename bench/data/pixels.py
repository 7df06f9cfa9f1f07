"""Images as files hold them, and as they are used: uint8 (N, S, S) or (N, S, S, 3).

What can be read in one way only is read so, and said in a note; the rest is refused, with what to
write that keeps the data.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.base.errors import BenchError
from bench.data import npz
from bench.data.npz import Array, Header

DEPTHS = (8, 10, 12, 14, 16)
"""Bits of whole numbers, as detectors have them."""
WINDOW = "bring all splits to [0, 1] with one range, np.clip((images - low) / (high - low), 0, 1)"


@dataclass(frozen=True)
class Form:
    """How the stored images become those that are used."""

    layout: str = "NSS"
    """The axes: NSS, NSSC or NCSS."""
    channels: int = 1
    """As stored; a fourth is dropped."""
    top: int = 255
    """The stored value that becomes 255."""

    @property
    def used_channels(self) -> int:
        return min(self.channels, 3)

    def shape(self, count: int, size: int) -> tuple[int, ...]:
        """Of so many images as they are used."""
        return (count, size, size, 3) if self.used_channels == 3 else (count, size, size)

    def used(self, stored: Array) -> Array:
        """Images as they are used."""
        pixels = self.arranged(stored)[..., :3] if self.channels > 1 else self.arranged(stored)
        if pixels.dtype != np.uint8:
            scaled = pixels.astype(np.float64) * (255 / self.top)
            pixels = np.rint(scaled).astype(np.uint8)
        return np.ascontiguousarray(pixels)

    def arranged(self, stored: Array) -> Array:
        """With the axes where they are used; one channel has no axis."""
        if self.layout == "NCSS":
            stored = np.moveaxis(stored, 1, -1)
        return stored[..., 0] if self.layout != "NSS" and self.channels == 1 else stored


@dataclass(frozen=True)
class Scan:
    """What the values of a split are."""

    low: float
    high: float
    finite: bool
    opaque: bool
    """Whether a fourth channel is everywhere the same."""


def form_of(
    path: Path, splits: tuple[str, ...], size: int, published: bool = False
) -> tuple[Form, tuple[str, ...]]:
    """How the images of a file are read, and notes on it. Raises BenchError.

    The values of what is `published`, uint8 as everybody has it, are not looked at.
    """
    form, dtype = _laid_out(path, splits, size)
    if published and dtype == np.uint8 and form.channels < 4:
        return form, ()
    arrays = [f"{split}_images" for split in splits]
    scans = [_scan(path, array, form) for array in arrays]
    if not all(scan.opaque for scan in scans):
        raise BenchError(
            f"{path}: the fourth channel (alpha) varies; save the colours alone, images[..., :3], "
            "or blended with a background"
        )
    top = _top(path, dtype, scans)
    notes = [*_of_layout(form), *_of_values(dtype, top, max(scan.high for scan in scans))]
    for array, scan in zip(arrays, scans, strict=True):
        if scan.low == scan.high:
            notes.append(f"every pixel of {array} is {scan.low:g}")
    return replace(form, top=top), tuple(notes)


def _laid_out(
    path: Path, splits: tuple[str, ...], size: int
) -> tuple[Form, "np.dtype[np.generic]"]:
    """The axes and the type, which are those of all splits."""
    heads = {f"{split}_images": npz.header(path, f"{split}_images") for split in splits}
    found = {(*_layout(path, array, head, size), head.dtype) for array, head in heads.items()}
    if len(found) > 1:
        each = ", ".join(f"{head.dtype} {head.shape}" for head in heads.values())
        raise BenchError(
            f"{path}: train, val and test differ in channels, axes or type ({each}); "
            "make them alike"
        )
    layout, channels, dtype = found.pop()
    return Form(layout, channels), dtype


def stored(path: Path, array: str) -> Iterator[Array]:
    """The images of a split as stored, some at a time."""
    head = npz.header(path, array)
    if head.fortran:
        yield npz.read(path, array)
        return
    yield from npz.rows(path, array)


def _layout(path: Path, array: str, head: Header, size: int) -> tuple[str, int]:
    """The axes, and the channels as stored."""
    shape = head.shape
    place = f"{path}: {array}"
    if head.dtype.kind not in "buif":
        raise BenchError(f"{place} is {head.dtype}, no numbers; save the pixels as uint8")
    axes = _axes(shape)
    if axes is None:
        raise BenchError(f"{place} has shape {shape}; {_mend(shape)}")
    layout, channels, height, width = axes
    if shape[0] == 0:
        raise BenchError(f"{place} is empty; every split needs images")
    if height != width:
        raise BenchError(
            f"{place} has shape {shape}, not square; {_padding(layout, height, width)}"
        )
    if height != size:
        raise BenchError(f"{place} is {height} px, not {size}; give --size {height}")
    return layout, channels


def _axes(shape: tuple[int, ...]) -> tuple[str, int, int, int] | None:
    """The layout with channels, height and width; None where it is none of ours."""
    if len(shape) == 3:
        return "NSS", 1, shape[1], shape[2]
    if len(shape) == 4 and shape[3] in (1, 3, 4):
        return "NSSC", shape[3], shape[1], shape[2]
    if len(shape) == 4 and shape[1] in (1, 3, 4):
        return "NCSS", shape[1], shape[2], shape[3]
    return None


def _mend(shape: tuple[int, ...]) -> str:
    if len(shape) == 4:
        middle = shape[1] // 2
        return (
            f"if these are volumes, save a slice of each, images[:, {middle}], or three as colours,"
            f" np.stack([images[:, k] for k in ({middle - 1}, {middle}, {middle + 1})], -1)"
        )
    return "the layout is (N, S, S) or (N, S, S, 3); reshape the images so"


def _padding(layout: str, height: int, width: int) -> str:
    size = max(height, width)
    square = [(0, size - height), (0, size - width)]
    pads = {"NSS": square, "NSSC": [*square, (0, 0)], "NCSS": [(0, 0), *square]}[layout]
    return f"pad them, np.pad(images, {[(0, 0), *pads]}), or crop or resize them"


def _scan(path: Path, array: str, form: Form) -> Scan:
    """Read all of a split once."""
    lows, highs, alphas, finite = [], [], [], True
    for chunk in stored(path, array):
        pixels = form.arranged(chunk)
        if form.channels == 4:
            alphas += [pixels[..., 3].min(), pixels[..., 3].max()]
            pixels = pixels[..., :3]
        finite = finite and (pixels.dtype.kind != "f" or bool(np.isfinite(pixels).all()))
        lows.append(float(pixels.min()))
        highs.append(float(pixels.max()))
    return Scan(min(lows), max(highs), finite, len({float(a) for a in alphas}) <= 1)


def _top(path: Path, dtype: "np.dtype[np.generic]", scans: list[Scan]) -> int:
    """The stored value that is white. Raises BenchError where the values do not tell."""
    low, high = min(scan.low for scan in scans), max(scan.high for scan in scans)
    if dtype.kind == "b":
        return 1
    if not all(scan.finite for scan in scans):
        raise BenchError(f"{path}: images hold NaN or infinity; replace them, then {WINDOW}")
    limit = 255 if dtype.kind == "f" else 2 ** DEPTHS[-1] - 1
    if low < 0 or high > limit:
        raise BenchError(f"{path}: {dtype} images have values from {low:g} to {high:g}; {WINDOW}")
    small = 1 if dtype.kind == "f" else 255
    if dtype != np.uint8 and len({scan.high <= small for scan in scans}) > 1:
        highs = ", ".join(f"{scan.high:g}" for scan in scans)
        raise BenchError(f"{path}: the highest values of train, val and test are {highs}; {WINDOW}")
    if dtype.kind == "f":
        return 1 if high <= 1 else 255
    return next(top for bits in DEPTHS if high <= (top := (1 << bits) - 1))


def _of_layout(form: Form) -> Iterator[str]:
    if form.channels == 4:
        yield "images have a fourth channel (alpha) that is the same everywhere: it is dropped"
    if form.layout == "NCSS":
        yield "images have their channels first: they are put last"
    elif form.layout == "NSSC" and form.channels == 1:
        yield "images have an axis of one channel: they are gray"


def _of_values(dtype: "np.dtype[np.generic]", top: int, high: float) -> Iterator[str]:
    if dtype == np.uint8:
        if 0 < high <= 1:
            yield "no pixel is above 1 of 255: where 1 is white, save images * 255"
    elif dtype.kind == "b":
        yield "images are true or false: they are taken as 255 and 0"
    elif dtype.kind == "f":
        how = "multiplied by 255 and rounded" if top == 1 else "rounded to whole numbers"
        yield f"{dtype} images with values to {high:g}: they are {how}"
    elif top == 255:
        yield f"{dtype} images with values to {high:g}: they are taken as uint8"
    else:
        bits = (top + 1).bit_length() - 1
        yield f"{dtype} images with values to {high:g}: {bits} bits are scaled to 8"
