"""Committed studies: a folder whose `study.yaml` names parts, and a bundle of records a part."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bench.base import plain_yaml
from bench.base.errors import BenchError, unknown
from bench.base.files import is_file, write_text
from bench.base.validation import validated
from bench.base.version import ROOT
from bench.base.words import short
from bench.store import bundle
from bench.study import Study


class _Part(BaseModel):
    """The arguments of a `Study`, and what the part is about."""

    model_config = ConfigDict(extra="forbid")

    about: str
    records_of: list[str] = []
    protocol: str = "laptop"
    settings: dict[str, Any] = {}
    params: str = "default"
    datasets: list[str] | None = None
    methods: list[str] | None = None
    backbones: list[str] | None = None
    ratios: list[float] | None = None
    seeds: int | list[int] | None = None
    looks: list[int] | None = None
    margin: float | None = None
    size: int | None = None
    input_size: int | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    about: str
    parts: dict[str, dict[str, Any]] = Field(min_length=1)


@dataclass(frozen=True)
class Part:
    """A part of a committed study: its selection, and the file of its records.

    What it has in common with the parts of `records_of` lies in their files alone.
    """

    folder: Path
    name: str
    about: str
    selection: dict[str, Any]
    """Arguments of `Study`."""
    records_of: tuple[str, ...] = ()

    @property
    def bundle(self) -> Path:
        return _bundle(self.folder, self.name)

    @property
    def others(self) -> list[Path]:
        """The files of the other parts that it needs, of those that are there."""
        found = (_bundle(self.folder, name) for name in self.records_of)
        return [path for path in found if path.exists()]

    def study(self, **arguments: Any) -> Study:
        """Its study, its committed records added to the store; `arguments` go before its own."""
        given = {name: value for name, value in arguments.items() if value is not None}
        study = Study(**(self.selection | given))
        for path in (*self.others, *filter(Path.exists, [self.bundle])):
            _add(path, study)
        return study

    def pack(self, study: Study) -> Path:
        """Write what is done of the study, and what its sets are, as the bundle of this part; of
        one with tuned parameters also the searches, with the records of their trials.
        """
        elsewhere = set[str]().union(*map(bundle.keys, self.others))
        done = [run.key for run in study.measured.records if run.key not in elsewhere]
        if not done:
            raise BenchError(f"no run of {self.folder / self.name} is done: nothing to pack")
        found = study.searched() if study.params == "tuned" else []
        tried = {key for search in found for trial in search.trials for key in trial.keys}
        searches = {path for one in found for path in study.shelf.files(one.cell)}
        done += filter(study.store.done, tried)
        return bundle.pack(study.store, done, self.bundle, study.grid.datasets, searches)


def part(place: str | Path) -> Part:
    """The part that `studies/NAME/PART` names; `studies/NAME` is enough where there is one.

    A relative path is of the working directory, else of the clone. Raises BenchError where there
    is no such study or part.
    """
    folder = Path(place)
    if not is_file(folder.parent / "study.yaml") and not is_file(folder / "study.yaml"):
        folder = ROOT / folder
    if not is_file(folder / "study.yaml") and is_file(folder.parent / "study.yaml"):
        return _named(parts(folder.parent), folder.name, folder.parent)
    return _named(parts(folder), None, folder)


def parts(folder: Path) -> dict[str, Part]:
    """The parts of a committed study, by name. Raises BenchError for a wrong file."""
    path = folder / "study.yaml"
    try:
        content = plain_yaml.read(path.read_bytes(), str(path))
    except OSError:
        raise BenchError(f"no study in {short(str(folder))}: no study.yaml is there") from None
    if not isinstance(content, dict):
        raise BenchError(f"{path}: expected a mapping with the keys `about` and `parts`")
    found = {}
    for name, selection in validated(_File, content, f"{path} key").parts.items():
        given = validated(_Part, selection, f"{path} part {name} key").model_dump()
        about, others = given.pop("about").strip(), tuple(given.pop("records_of"))
        found[name] = Part(folder, name, about, given, others)
    for other in {other for one in found.values() for other in one.records_of}:
        _named(found, other, folder)
    return found


def _bundle(folder: Path, name: str) -> Path:
    return folder / f"{name}.tar.xz"


def _named(found: dict[str, Part], name: str | None, folder: Path) -> Part:
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name is None:
        names = ", ".join(f"{folder / each}" for each in found)
        raise BenchError(f"{folder} has several parts: name one of {names}")
    if name not in found:
        raise unknown(f"part of {folder}", name, found)
    return found[name]


def _add(path: Path, study: Study) -> None:
    """Unpack a bundle into the store, once."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    mark = study.store.root / "bundles" / digest
    if not mark.exists():
        bundle.unpack(path, study.store)
        write_text(mark, f"{path.name}\n")
