"""Patients of DICOM files: known without a CSV, never in two splits in silence, never named."""

import csv
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from dicom_files import dicom

from bench.base.errors import BenchError, Note
from bench.cli import main
from bench.data.dataset import open_dataset
from bench.data.folder import Recipe, import_images
from bench.data.listing import Columns

COUNT = 60


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


def scans(root: Path, patient: Callable[[int], str | None], split: str = "") -> Path:
    """Two classes of thirty files; each says whose it is, unless that is None."""
    for n in range(COUNT):
        path = root / split / ("sick" if n % 2 else "well") / f"{n:02}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(n).integers(4096, size=(9, 9))
        named = {"PatientID": patient(n)} if patient(n) is not None else {}
        dicom(path, pixels, PatientName="Doe^Jane", **named)
    return root


def of_three(n: int) -> str:
    """Three files in a row are of one patient, in both classes."""
    return f"MRN-{7000 + n // 3}"


def places(table: Path) -> dict[str, set[str]]:
    """The splits of each patient."""
    found = defaultdict(set)
    with table.open() as file:
        for row in csv.DictReader(file):
            found[of_three(int(Path(row["image"]).stem))].add(row["split"])
    return found


def bench(*words: object) -> Result:
    return CliRunner().invoke(main, ["data", *map(str, words)])


def test_patients_stay_in_one_split_without_being_asked_for(tmp_path: Path) -> None:
    source = scans(tmp_path / "scans", of_three)
    for number, words in enumerate([(), ("--group-column", "PatientID")]):
        done = bench("import", source, "--name", tmp_path / f"set{number}", *words)
        assert done.exit_code == 0, done.output
        assert "images of one PatientID stay in one split: 60 images of 20" in done.output
        found = places(tmp_path / f"set{number}.csv")
        assert len(found) == 20 and all(len(splits) == 1 for splits in found.values())
    first, second = ((tmp_path / f"set{n}.npz").read_bytes() for n in (0, 1))
    assert first == second


def test_nothing_of_what_a_file_calls_its_patient_is_written(tmp_path: Path) -> None:
    import_images(scans(tmp_path / "scans", of_three), tmp_path / "set")
    for path in tmp_path.glob("set.*"):
        assert not re.search(rb"MRN|Doe|\b70[0-2]\d\b", path.read_bytes()), path
    with np.load(tmp_path / "set.npz") as arrays:
        assert not any("MRN" in group for group in arrays["train_groups"])


def test_a_folder_as_a_dataset_keeps_patients_together_too(tmp_path: Path) -> None:
    source = scans(tmp_path / "scans", of_three)
    with pytest.warns(Note, match="images of one PatientID stay in one split"):
        dataset = open_dataset(str(source), 28)
    assert dataset.info.warnings == () and dataset.path is not None
    assert all(len(splits) == 1 for splits in places(dataset.path.with_suffix(".csv")).values())


def test_a_planted_leak_is_refused_or_said_by_every_run_and_table(tmp_path: Path) -> None:
    source = scans(tmp_path / "scans", of_three, "train")
    moved = source / "train" / "well" / "02.dcm"
    for label in ("well", "sick"):
        (source / "test" / label).mkdir(parents=True)
    moved.rename(source / "test" / "well" / "02.dcm")
    for n in (55, 57, 59):
        name = f"sick/{n}.dcm"
        (source / "train" / name).rename(source / "test" / name)
    refused = bench("import", source, "--name", tmp_path / "set")
    assert refused.exit_code == 2 and not (tmp_path / "set.npz").exists()
    assert "images of test are of a patient, or are a file, that train has too" in refused.output
    assert "test/sick/55.dcm, as train/well/54.dcm" in refused.output
    kept = bench("import", source, "--name", tmp_path / "set", "--group-column", "")
    assert kept.exit_code == 0, kept.output
    assert "images of one PatientID may stand in two splits" in kept.output
    said = " ".join(open_dataset(str(tmp_path / "set.npz"), 28).info.warnings)
    assert "of 4 test images are of groups that train has too" in said


def test_who_has_no_patient_is_told_and_stands_alone(tmp_path: Path) -> None:
    source = scans(tmp_path / "scans", lambda n: None if n < 6 else of_three(n))
    (source / "sick" / "broken.dcm").write_text("broken")  # not counted as one without a patient
    notes = import_images(source, tmp_path / "set").notes
    assert any("6 of 60 images have no PatientID (sick/01.dcm" in note for note in notes)
    with np.load(tmp_path / "set.npz") as arrays:
        groups = [g for split in ("train", "val", "test") for g in arrays[f"{split}_groups"]]
    assert len(set(groups)) == 18 + 6


def test_one_name_for_all_tells_no_patients(tmp_path: Path) -> None:
    source = scans(tmp_path / "scans", lambda n: "anonymous")
    notes = import_images(source, tmp_path / "set").notes
    assert any("PatientID is the same in all DICOM files, and tells no" in note for note in notes)
    assert any("images of one may stand in two splits" in note for note in notes)


def test_a_csv_of_dicom_files_knows_patients_too(tmp_path: Path) -> None:
    source = scans(tmp_path / "scans", of_three)
    rows = [f"{p.relative_to(source)},{p.parent.name}" for p in sorted(source.rglob("*.dcm"))]
    table = source / "list.csv"
    table.write_text("\n".join(["file,label", *rows]))
    import_images(table, tmp_path / "set")
    assert all(len(splits) == 1 for splits in places(tmp_path / "set.csv").values())
    with pytest.raises(BenchError, match=r"column in list\.csv: 'PatientId'"):
        import_images(table, tmp_path / "o", Recipe(columns=Columns(group="PatientId")))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("PatientId", "no DICOM attribute 'PatientId'; did you mean 'PatientID'?"),
        ("StudyInstanceUID", "no file has the DICOM attribute StudyInstanceUID"),
    ],
)
def test_a_wrong_attribute_says_which_there_are(tmp_path: Path, asked: str, said: str) -> None:
    source = scans(tmp_path / "scans", of_three)
    done = bench("import", source, "--name", tmp_path / "set", "--group-column", asked)
    assert done.exit_code == 2 and said in done.output and done.output.count("\n") == 1
