"""DICOM files, as pydicom writes them."""

from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytest


def dicom(path: Path, pixels: npt.NDArray[Any], **fields: Any) -> Path:
    """One of 12 bits in 16, (H, W) or frames (F, H, W), with these attributes besides."""
    pydicom = pytest.importorskip("pydicom")
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    file = pydicom.dataset.FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    file.Rows, file.Columns, file.SamplesPerPixel = *pixels.shape[-2:], 1
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 12, 11, 0
    file.PhotometricInterpretation = "MONOCHROME2"
    for name, value in fields.items():
        setattr(file, name, value)
    file.PixelData = pixels.astype("<u2").tobytes()
    file.save_as(path, enforce_file_format=True)
    return path
