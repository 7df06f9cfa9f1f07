"""Files as arrays: what Pillow and pydicom write is read back, awkward forms too."""

import numpy as np
import pytest
from dicom_files import dicom
from PIL import Image

from bench.base.errors import BenchError
from bench.data.decoding import Unreadable, decoded, fitted
from bench.data.window import Window, eight_bits

GRAY = np.arange(12 * 8, dtype=np.uint8).reshape(12, 8) * 2
COLOUR = np.stack([GRAY, GRAY[::-1], 255 - GRAY], -1)


def saved(folder, image, name="image.png", **options):
    image.save(folder / name, **options)
    return folder / name


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_lossless_files_come_back_bit_for_bit(tmp_path, suffix):
    for pixels in (GRAY, COLOUR):
        path = saved(tmp_path, Image.fromarray(pixels), f"image.{suffix}")
        assert (decoded(path) == pixels).all()


def test_content_counts_not_the_suffix(tmp_path):
    path = saved(tmp_path, Image.fromarray(GRAY), "image.jpg", format="PNG")
    assert (decoded(path) == GRAY).all()


def test_equal_channels_and_opaque_alpha_are_gray(tmp_path):
    rgba = Image.fromarray(GRAY).convert("RGBA")
    assert (decoded(saved(tmp_path, rgba)) == GRAY).all()


def test_what_alpha_hides_is_black_and_a_palette_is_its_colours(tmp_path):
    hidden = np.dstack([COLOUR, np.full(GRAY.shape, 255, np.uint8)])
    hidden[:6, :, 3] = 0
    seen = decoded(saved(tmp_path, Image.fromarray(hidden)))
    assert not seen[:6].any() and (seen[6:] == COLOUR[6:]).all()
    palette = Image.fromarray(COLOUR).quantize(256)
    found = decoded(saved(tmp_path, palette, "palette.png"))
    assert (found == np.asarray(palette.convert("RGB"))).all()


def test_exif_orientation_is_followed(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, Image.fromarray(GRAY), exif=exif)
    assert (decoded(path) == np.rot90(GRAY, -1)).all()


def test_sixteen_bits_and_floats_keep_their_units(tmp_path):
    deep = GRAY.astype(np.uint16) * 100
    assert (decoded(saved(tmp_path, Image.fromarray(deep))) == deep).all()
    floats = GRAY.astype(np.float32) / 7 - 3
    assert (decoded(saved(tmp_path, Image.fromarray(floats), "image.tif")) == floats).all()


def test_frames_and_no_images_are_unreadable(tmp_path):
    page = Image.fromarray(GRAY)
    stack = saved(tmp_path, page, "stack.tif", save_all=True, append_images=[page, page])
    with pytest.raises(Unreadable, match="3 frames"):
        decoded(stack)
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(Unreadable, match="no image of a known format"):
        decoded(tmp_path / "text.png")


def test_a_crop_is_the_centre_by_pils_own_filter():
    resized = Image.fromarray(GRAY[2:10]).resize((4, 4), Image.Resampling.BILINEAR)
    assert (fitted(GRAY, 4, "crop") == np.asarray(resized)).all()
    assert (fitted(GRAY, 8, "crop") == GRAY[2:10]).all()
    assert (fitted(GRAY, 12, "pad")[:, 2:10] == GRAY).all()
    assert fitted(COLOUR, 5, "stretch").shape == (5, 5, 3)


def test_windows_are_linear_between_their_bounds():
    values = np.array([[-200.0, -160, 40, 240, 300]])
    low, high = Window.parse("-160,240").limits([values])
    assert eight_bits(values, low, high).tolist() == [[0, 0, 128, 255, 255]]
    assert Window.parse("min,max").limits([values, values + 1]) == (-200, 301)
    assert Window.parse("p0,p50").limits([values]) == (-200, 40)
    for text in ("1", "a,b", "p0,p101", "1,2,3"):
        with pytest.raises(BenchError, match="window"):
            Window.parse(text)
    with pytest.raises(BenchError, match="give another"):
        Window().limits([np.ones((2, 2))])


def test_dicom_is_rescaled_and_seen_through_its_window(tmp_path):
    raw = GRAY.astype(np.uint16) * 10
    scaled = {"RescaleSlope": 2, "RescaleIntercept": -1024}
    plain = dicom(tmp_path / "plain", raw, **scaled)
    assert (decoded(plain) == raw * 2.0 - 1024).all() and decoded(plain).dtype == np.float32
    seen = dicom(tmp_path / "seen", raw, **scaled, WindowCenter=40, WindowWidth=401)
    assert (decoded(seen) == eight_bits(raw * 2.0 - 1024, -160.5, 239.5)).all()
    assert (decoded(seen, own_window=False) == decoded(plain)).all()


def test_monochrome1_is_turned_over_with_and_without_a_window(tmp_path):
    raw = GRAY.astype(np.uint16) * 10
    for fields in ({}, {"WindowCenter": 900, "WindowWidth": 1000}):
        white = dicom(tmp_path / "white", raw, **fields)
        black = dicom(tmp_path / "black", raw, PhotometricInterpretation="MONOCHROME1", **fields)
        top = 255 if fields else 2**12 - 1
        assert (decoded(black) == top - decoded(white).astype(int)).all()


def coloured(path, pixels, space, **fields):
    """A DICOM file of samples (H, W, 3), or of a palette's numbers (H, W)."""
    bits, samples = 8 * pixels.itemsize, 1 if pixels.ndim == 2 else 3
    depth = {"BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1}
    shape = {"Rows": pixels.shape[0], "Columns": pixels.shape[1], "SamplesPerPixel": samples}
    fields = {**depth, **shape, "PlanarConfiguration": 0, **fields}
    dicom(path, GRAY, PhotometricInterpretation=space, **fields)
    file = pytest.importorskip("pydicom").dcmread(path)
    file.PixelData = pixels.tobytes()
    file.save_as(path)
    return path


def test_colours_of_dicom_are_those_that_were_saved(tmp_path):
    pixels = pytest.importorskip("pydicom.pixels")
    assert (decoded(coloured(tmp_path / "rgb", COLOUR, "RGB")) == COLOUR).all()
    ybr = coloured(
        tmp_path / "ybr", pixels.convert_color_space(COLOUR, "RGB", "YBR_FULL"), "YBR_FULL"
    )
    assert np.abs(decoded(ybr).astype(int) - COLOUR).max() <= 2
    deep = coloured(tmp_path / "deep", COLOUR.astype("<u2") * 200, "RGB")
    assert (decoded(deep) == COLOUR * np.float32(200)).all()


def test_a_palette_of_dicom_is_its_colours(tmp_path):
    table = {}
    for place, name in enumerate(("Red", "Green", "Blue")):
        shades = (np.arange(256, dtype="<u2") * 257)[:: 1 - 2 * (place % 2)]
        table[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        table[f"{name}PaletteColorLookupTableData"] = shades.tobytes()
    seen = decoded(coloured(tmp_path / "palette", GRAY, "PALETTE COLOR", **table))
    assert (seen == np.stack([GRAY, 255 - GRAY, GRAY], -1)).all()


def test_a_dicom_file_without_image_says_so(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    file = pydicom.dcmread(dicom(tmp_path / "report", GRAY))
    del file.PixelData
    file.save_as(tmp_path / "report")
    with pytest.raises(Unreadable, match="it holds no image"):
        decoded(tmp_path / "report")


def test_frames_of_dicom_are_refused(tmp_path):
    frames = dicom(tmp_path / "frames", np.stack([GRAY, GRAY]), NumberOfFrames=2)
    with pytest.raises(Unreadable, match="2 frames"):
        decoded(frames)
