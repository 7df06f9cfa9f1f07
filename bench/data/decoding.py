"""Image files as arrays: PNG, JPEG, TIFF, BMP and WebP by content, DICOM through pydicom.

Up to 8 bits a channel an image is uint8; deeper ones are float32 in the file's own units, until a
window (`bench.data.window`) brings them to 8 bits.
"""

from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.base.errors import BenchError
from bench.data.npz import Array
from bench.data.window import eight_bits

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

Fit = Literal["crop", "pad", "stretch"]
FITS: tuple[Fit, ...] = ("crop", "pad", "stretch")
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
DICOM_AT, DICOM_MARK = 128, b"DICM"
DEEP = ("I", "F")
"""Modes of Pillow with more than 8 bits, beside those of 16."""
HIDDEN = ("RGBA", "LA", "PA")
"""Modes of Pillow with an alpha channel."""


class Unreadable(Exception):  # noqa: N818
    """Why a file is no image that can be taken, in a few words."""


def decoded(path: Path, own_window: bool = True) -> Array:
    """The image of a file: (H, W), or (H, W, 3) where it has colour.

    An RGB image whose channels are equal is gray. What an alpha channel hides is black, and the
    EXIF orientation is followed. A DICOM file that has a window is seen through it (its first) if
    `own_window`, and is then uint8. Raises Unreadable.
    """
    try:
        if is_dicom(path):
            return _of_dicom(path, own_window)
        with Image.open(path, formats=FORMATS) as image:
            return _of_pillow(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unreadable(_reason(error)) from None


def is_dicom(path: Path) -> bool:
    """Whether its preamble says so."""
    with path.open("rb") as file:
        return file.read(DICOM_AT + len(DICOM_MARK))[DICOM_AT:] == DICOM_MARK


def fitted(image: Array, size: int, fit: Fit) -> Array:
    """The image at `size` × `size` pixels, by PIL's bilinear filter with antialiasing.

    `crop` takes the centre square, as MedMNIST does, `pad` adds black borders (of deep images: of
    their lowest value), and `stretch` changes the aspect.
    """
    square = _cropped(image) if fit == "crop" else _padded(image) if fit == "pad" else image
    if square.ndim == 3 and square.dtype != np.uint8:
        return np.stack([fitted(channel, size, fit) for channel in np.moveaxis(square, -1, 0)], -1)
    shrunk = Image.fromarray(square).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(shrunk)


def _cropped(image: Array) -> Array:
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = round((height - side) / 2), round((width - side) / 2)
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def _padded(image: Array) -> Array:
    height, width = image.shape[:2]
    side = max(height, width)
    spare = [((side - n) // 2, side - n - (side - n) // 2) for n in (height, width)]
    around = [*spare, (0, 0)][: image.ndim]
    black = 0 if image.dtype == np.uint8 else image.min()
    return np.pad(image, around, constant_values=black)


def _of_pillow(image: Image.Image) -> Array:
    if getattr(image, "n_frames", 1) > 1:
        raise Unreadable(f"{getattr(image, 'n_frames', 1)} frames; save one of them")
    upright = ImageOps.exif_transpose(image)
    if upright.mode in DEEP or upright.mode.startswith("I;16"):
        return _finite(np.asarray(upright, np.float32))
    if upright.mode in ("1", "L"):
        return np.asarray(upright.convert("L"))
    if upright.mode in HIDDEN or "transparency" in upright.info:
        seen = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", seen.size, (0, 0, 0, 255)), seen)
    return _colourless(np.asarray(upright.convert("RGB")))


def _of_dicom(path: Path, own_window: bool) -> Array:
    pydicom = library()
    try:
        file = pydicom.dcmread(path)
        if "PixelData" not in file:
            raise Unreadable("it holds no image")
        if int(file.get("NumberOfFrames") or 1) > 1:
            raise Unreadable(f"{file.NumberOfFrames} frames; save one of them")
        if file.SamplesPerPixel > 1:
            return _coloured(file)
        if file.PhotometricInterpretation == "PALETTE COLOR":
            return _of_palette(file)
        return _windowed(file) if own_window and "WindowCenter" in file else _rescaled(file)
    except (AttributeError, KeyError, NotImplementedError, RuntimeError, TypeError) as error:
        raise Unreadable(_reason(error)) from None


def _coloured(file: "FileDataset") -> Array:
    """RGB, to which pydicom turns YBR by itself; float32 beyond 8 bits."""
    pixels = file.pixel_array
    return _colourless(pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32))


def _of_palette(file: "FileDataset") -> Array:
    """The colours of a lookup table; one of 16 bits fills them, so that the upper 8 are taken."""
    from pydicom.pixels import apply_color_lut

    colours = apply_color_lut(file.pixel_array, file)
    return _colourless(colours if colours.dtype == np.uint8 else (colours >> 8).astype(np.uint8))


def _windowed(file: "FileDataset") -> Array:
    """Through the first window of the file, in 8 bits, white on black."""
    from pydicom.pixels import apply_modality_lut

    centre, width = (float(np.ravel(file[key].value)[0]) for key in ("WindowCenter", "WindowWidth"))
    half = max(width - 1, 1) / 2
    shown = eight_bits(
        apply_modality_lut(file.pixel_array, file), centre - 0.5 - half, centre - 0.5 + half
    )
    return 255 - shown if file.PhotometricInterpretation == "MONOCHROME1" else shown


def _rescaled(file: "FileDataset") -> Array:
    """In units of the modality, float32; MONOCHROME1 is turned over within its stored bits."""
    from pydicom.pixels import apply_modality_lut

    pixels = file.pixel_array
    if file.PhotometricInterpretation == "MONOCHROME1":
        pixels = (-1 if file.PixelRepresentation else 2**file.BitsStored - 1) - pixels.astype(int)
    return _finite(np.asarray(apply_modality_lut(pixels, file), np.float32))


def library() -> Any:
    """pydicom. Raises BenchError where it is not installed."""
    try:
        import pydicom
    except ImportError:
        raise BenchError("DICOM needs pydicom: pip install 'medaug-bench[dicom]'") from None
    return pydicom


def _finite(values: Array) -> Array:
    if not np.isfinite(values).all():
        raise Unreadable("it holds NaN or infinity")
    return values


def _colourless(image: Array) -> Array:
    """One channel where all three are equal."""
    gray = (image == image[..., :1]).all()
    return np.ascontiguousarray(image[..., 0]) if gray else image


def _reason(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no image of a known format"
    return shorten(str(error), 80, placeholder="…") or type(error).__name__
