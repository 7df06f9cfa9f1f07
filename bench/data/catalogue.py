"""Which datasets there are, what is known of one without its images, and where its file lies."""

import functools
import importlib.util
import os
import runpy
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.base.errors import BenchError
from bench.base.files import expanded, is_file, is_folder
from bench.base.task import Task
from bench.data import phantom

NAMES = (
    "path",
    "chest",
    "derma",
    "oct",
    "pneumonia",
    "retina",
    "breast",
    "blood",
    "tissue",
    "organa",
    "organc",
    "organs",
)
"""The 2D sets of MedMNIST, without the MNIST suffix."""
PHANTOMS = tuple(phantom.PHANTOMS)
SIZES = (28, 64, 128, 224)
SMALLEST_SIZE, LARGEST_SIZE = 8, 2048
"""Pixels of one's own images."""
SPLITS = ("train", "val", "test")


class MissingData(BenchError):  # noqa: N818
    """A dataset that is on no disk and cannot be downloaded."""


@dataclass(frozen=True)
class Info:
    """What is known of a dataset without its images."""

    name: str
    """The short name, the phantom's, or "stem@12345678" (of the fingerprint) for a user's npz."""
    task: Task
    num_classes: int
    channels: int
    size: int
    """Height and width in pixels."""
    counts: dict[str, int]
    """Images in train, val and test."""
    labels: tuple[str, ...]
    """The name of each class."""
    fingerprint: str
    """`bench.data.fingerprint`: of the content, not of the file."""
    phantom: bool = False
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """How a user's file was read, where it might have been meant otherwise."""
    per_class: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Images of each class or label, in train, val and test; empty where it was not counted."""

    def called(self, name: str) -> bool:
        """Whether a selection may mean this dataset by that name, or path of an npz."""
        stem, own, _ = self.name.partition("@")
        return name == self.name or (bool(own) and Path(name).name == f"{stem}.npz")

    @classmethod
    def restored(cls, fields: Mapping[str, Any]) -> "Info":
        """From its fields as JSON."""
        listed = {key: tuple(fields.get(key, ())) for key in ("labels", "warnings", "notes")}
        counted = {split: tuple(n) for split, n in fields.get("per_class", {}).items()}
        given = {**fields, **listed, "per_class": counted, "task": Task(fields["task"])}
        return cls(**given)


def medmnist_entry(name: str) -> dict[str, Any]:
    """What `medmnist.INFO` says of the set with this short name."""
    entry: dict[str, Any] = _medmnist_info()[f"{name}mnist"]
    return entry


@functools.cache
def _medmnist_info() -> dict[str, Any]:
    """Read without the package around it, which imports pandas, scikit-learn and torchvision."""
    package = importlib.util.find_spec("medmnist")
    assert package is not None and package.submodule_search_locations
    file = Path(package.submodule_search_locations[0]) / "info.py"
    return dict(runpy.run_path(str(file))["INFO"])


def medmnist_file(name: str, size: int) -> str:
    """The name of its file, as MedMNIST publishes it."""
    return f"{name}mnist.npz" if size == 28 else f"{name}mnist_{size}.npz"


def phantom_for(name: str) -> str:
    """The phantom that has the task of this MedMNIST set."""
    task = Task(medmnist_entry(name)["task"])
    return next(key for key, kind in phantom.PHANTOMS.items() if kind.task is task)


def locate(name: str, size: int, data_dir: Path | None = None, download: bool = True) -> Path:
    """The npz file of a MedMNIST set.

    Looked for in `data_dir`, in the folder that BENCH_DATA names, and in medmnist's own; else
    downloaded there by medmnist. Raises MissingData where none of this works.
    """
    if size not in SIZES:
        raise BenchError(f"no {name} at {size} px; MedMNIST has {', '.join(map(str, SIZES))}")
    own = expanded("~/.medmnist")
    candidates = [folder / medmnist_file(name, size) for folder in (*_folders(data_dir), own)]
    for file in candidates:
        if os.access(file, os.R_OK):
            return file
    looked = ", ".join(str(file.parent) for file in candidates)
    problem = f"no readable {candidates[0].name} in {looked}"
    if download:
        try:
            return _download(name, size, own)
        except (RuntimeError, OSError) as error:
            if isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            problem += f", and the download failed ({error.__context__ or error})"
    raise MissingData(
        f"{problem}; name its folder by --data-dir or BENCH_DATA, or try {phantom_for(name)}"
    )


def located(path: Path, data_dir: Path | None = None) -> Path:
    """The path; a relative one that is not here, in the folder of data that has it."""
    if path.is_absolute() or is_file(path) or is_folder(path):
        return path
    return next(
        (f / path for f in _folders(data_dir) if is_file(f / path) or is_folder(f / path)), path
    )


def _folders(data_dir: Path | None) -> list[Path]:
    """Where data is looked for first."""
    environment = os.environ.get("BENCH_DATA")
    return [folder for folder in (data_dir, Path(environment) if environment else None) if folder]


def _download(name: str, size: int, folder: Path) -> Path:
    """By medmnist's downloader into `folder`, where the file appears only when it is whole."""
    import medmnist

    file = medmnist_file(name, size)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as partial, _network_timeout(30):
        dataset = getattr(medmnist, medmnist_entry(name)["python_class"])
        dataset(split="val", download=True, root=partial, size=size)
        return (Path(partial) / file).replace(folder / file)


@contextmanager
def _network_timeout(seconds: float) -> Iterator[None]:
    """A network that swallows packets is an error soon, not a wait of minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
