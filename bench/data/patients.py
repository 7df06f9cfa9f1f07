"""Patients of DICOM files: which images are of one, and nothing of what the files call them."""

from dataclasses import replace
from pathlib import Path

from bench.base.errors import BenchError
from bench.data.decoding import is_dicom, library
from bench.data.listing import IN_TWO, NAMED, PATIENT, Listing


def grouped(found: Listing, asked: str | None) -> Listing:
    """The images by an attribute of their DICOM files, by PatientID where none was asked for; as
    they are where they have groups already, or where no file tells any. Raises BenchError.
    """
    if any(item.group for item in found.items):
        return found
    attribute = asked or PATIENT
    values = [_value(item.path, attribute) for item in found.items]
    kinds = set(filter(None, values))
    if asked and not kinds:
        raise BenchError(f"no file has the DICOM attribute {asked}; leave out --group-column")
    if len(kinds) == 1 and not asked:
        said = f"{PATIENT} is the same in all DICOM files, and tells no patients"
        return replace(found, notes=(*found.notes, said))
    return _by(found, attribute, values) if kinds else found


def _by(found: Listing, attribute: str, values: list[str]) -> Listing:
    """Groups are numbers from 1; an image without a value is one of its own."""
    numbers = {value: str(n) for n, value in enumerate(dict.fromkeys(filter(None, values)), 1)}
    pairs = zip(found.items, values, strict=True)
    items = tuple(replace(item, group=numbers.get(value)) for item, value in pairs)
    may = "stay in one split" if found.apart else IN_TWO
    notes = [f"images of one {attribute} {may}: {len(items):,} images of {len(numbers):,}"]
    if lacking := [item.name for item in items if not item.group]:
        names = ", ".join(lacking[:NAMED])
        notes.append(
            f"{len(lacking):,} of {len(items):,} images have no {attribute} ({names}"
            f"{', …' * (len(lacking) > NAMED)}); each counts as a patient of its own"
        )
    columns = replace(found.columns, group=attribute)
    return replace(found, items=items, columns=columns, notes=tuple(notes))


def _value(path: Path, attribute: str) -> str:
    """What a file says of itself; "" where it is no DICOM, is damaged, or does not say it."""
    if not is_dicom(path):
        return ""
    pydicom = library()
    try:
        file = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[attribute])
        return str(file.get(attribute) or "").strip()
    except Exception:  # whatever pydicom meets in a damaged file; its reading names it
        return ""
