"""Table 3: the datasets, as they are on disk where they are, else as medmnist states them."""

from collections.abc import Sequence
from typing import Any

from bench.data.audit import audit
from bench.data.catalogue import NAMES, PHANTOMS, SPLITS, Info, medmnist_entry
from bench.data.dataset import MissingData, open_dataset
from bench.study import Study
from reports.results.results import PHANTOM
from reports.results.view import View
from reports.tables.output import Output
from reports.tables.published import published
from reports.tables.table import DASH, Row, Table

PAPER = ("path", "chest", "derma", "oct", "pneumonia", "retina", "breast", "blood", "tissue")
MODALITY = {
    "path": "colon pathology",
    "chest": "chest X-ray",
    "derma": "dermatoscope",
    "oct": "retinal OCT",
    "pneumonia": "chest X-ray",
    "retina": "fundus camera",
    "breast": "breast ultrasound",
    "blood": "blood cell microscope",
    "tissue": "kidney cortex microscope",
    "organa": "abdominal CT",
    "organc": "abdominal CT",
    "organs": "abdominal CT",
}
"""Of Yang et al., MedMNIST v2, Scientific Data 10 (2023), Table 2."""
DUPLICATES = ("repeated", "shared", "conflicting")


def outputs(study: Study, view: View) -> list[Output]:
    """The datasets named, or the paper's. Duplicates are those of `bench data audit`: equal byte
    for byte.
    """
    names, size = study.named.get("datasets", PAPER), study.selection.source_size
    entries = [_entry(study, name, size) for name in names]
    wrong = {entry["dataset"]: entry.pop("wrong", "") for entry in entries}
    absent = [entry for entry in entries if entry["repeated"] is None]
    totals = {split: sum(entry[split] for entry in entries) for split in SPLITS}
    rows = [
        Row(
            entry["dataset"],
            tuple(
                DASH if entry[column] is None else _printed(entry[column])
                for column in ("modality", "task", "classes", *SPLITS, *DUPLICATES)
            ),
        )
        for entry in entries
    ]
    if len(entries) > 1:
        sums = (f"{totals[split]:,}" for split in SPLITS)
        rows.append(Row("all", ("", "", "", *sums, "", "", "")))
    notes = [
        f"{sum(totals.values()):,} images. Repeated, shared: images that occur more than once "
        "within a split, or in two splits, equal in every byte; conflicting: under two labels.",
        f"Command: {study.command}.",
    ]
    notes[1:1] = [f"{name}: {said}." for name, said in wrong.items() if said]
    for source, known in (("records state", True), ("medmnist states", False)):
        if found := [e["dataset"] for e in absent if (e["fingerprint"] is not None) == known]:
            notes.insert(1, f"Not on disk, counts as {source} them: {', '.join(found)}.")
    table = Table(
        title=f"The datasets at {size} px",
        columns=(
            "dataset",
            "modality",
            "task",
            "classes",
            *SPLITS,
            *DUPLICATES,
        ),
        rows=(*rows, *(_published(names) if view.published else [])),
        notes=tuple(notes),
        label="tab:3",
        data=PHANTOM if any(name in PHANTOMS for name in names) else "",
    )
    return [Output("table3", table, entries)]


def _entry(study: Study, name: str, size: int) -> dict[str, Any]:
    known = study.store.datasets(name, size)
    if known and "@" in name:
        return _counted(known[0])
    try:
        dataset = open_dataset(name, size, study.data_folder, download=False)
    except MissingData:
        if known:
            return _counted(known[0])
        if name not in NAMES:
            raise
        return _stated(name)
    found = audit(dataset)
    across = [("train", "val"), ("train", "test"), ("val", "test")]
    return _counted(dataset.info) | {
        "repeated": sum(len(found.within(split)) for split in SPLITS),
        "shared": sum(len(found.across(*pair)) for pair in across),
        "conflicting": len(found.conflicting),
    }


def _counted(info: Info) -> dict[str, Any]:
    """What is known without the images."""
    return {
        "dataset": info.name,
        "modality": MODALITY.get(info.name),
        "task": info.task.value.partition(",")[0],
        "classes": info.num_classes,
        **{split: info.counts[split] for split in SPLITS},
        **dict.fromkeys(DUPLICATES),
        "fingerprint": info.fingerprint,
        "wrong": "; ".join(info.warnings),
    }


def _stated(name: str) -> dict[str, Any]:
    entry = medmnist_entry(name)
    return {
        "dataset": name,
        "modality": MODALITY[name],
        "task": entry["task"].partition(",")[0],
        "classes": len(entry["label"]),
        **{split: entry["n_samples"][split] for split in SPLITS},
        **dict.fromkeys(DUPLICATES),
        "fingerprint": None,
    }


def _printed(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def _published(names: Sequence[str]) -> list[Row]:
    claimed = published(3)
    return [
        Row(
            name,
            (
                str(numbers["modality"]),
                DASH,
                DASH,
                *(f"{int(str(numbers[split])):,}" for split in SPLITS),
                *(DASH for _ in DUPLICATES),
            ),
            published=True,
        )
        for name in names
        if (numbers := claimed.get(name))
    ]
