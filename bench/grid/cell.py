"""Cells, runs and their keys; from a selection to the runs it asks for."""

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import methods
from bench import backbone
from bench.base.errors import BenchError
from bench.base.streams import Streams
from bench.base.task import Task
from bench.base.validation import validated
from bench.data import dataset as data
from bench.grid.protocol import Protocol, Selection, setting
from methods.method import Method, Parameters


@dataclass(frozen=True)
class MethodChoice:
    """A method with its parameters, written `name` or `name[key=value,...]`.

    `source` is what `methods.get` takes: the name, or the path of a file; `name` and `version` are
    what stands in records. `label` shows the parameters that differ from what the protocol gives.
    Choices are compared by `settings`, the parameters as JSON: thousands of cells are.
    """

    name: str
    version: str
    settings: str
    params: Parameters = field(compare=False)
    label: str = field(compare=False)
    source: str = field(compare=False)

    @classmethod
    def parse(cls, text: str, parameters: Mapping[str, dict[str, Any]] = {}) -> "MethodChoice":
        """Raises BenchError for a wrong name, parameter or value."""
        source, bracket, rest = text.strip().partition("[")
        method = methods.get(source)
        if bracket and not rest.endswith("]"):
            raise BenchError(f"{text!r}: the bracket is not closed; write name[key=value]")
        name, version = source, str(method.version)
        if source.endswith(".py"):
            name, version = Path(source).stem, f"{version}-{methods.digest(source)}"
        given = dict(setting(part) for part in split_list(rest.removesuffix("]")))
        usual = parameters.get(name, {})
        params, plain = (
            validated(method.Params, values, f"{name} parameter")
            for values in (usual | given, usual)
        )
        changed = sorted(params.model_dump(mode="json").items())
        changed = [item for item in changed if item not in plain.model_dump(mode="json").items()]
        inside = ",".join(f"{key}={_plain(value)}" for key, value in changed)
        label = f"{name}[{inside}]" if inside else name
        return cls(name, version, params.model_dump_json(), params, label, source)

    @property
    def method(self) -> type[Method]:
        return methods.get(self.source)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by what it was read from: a file's classes cannot be imported by name."""
        return _restored, (self.name, self.version, self.settings, self.label, self.source)


def _restored(name: str, version: str, settings: str, label: str, source: str) -> MethodChoice:
    params = methods.get(source).Params.model_validate_json(settings)
    return MethodChoice(name, version, settings, params, label, source)


@dataclass(frozen=True)
class Cell:
    """One entry of a table. `source` is what to open: the dataset's name, or the path of an npz."""

    dataset: str
    task: Task
    source_size: int
    input_size: int
    backbone: str
    method: MethodChoice
    ratio: float
    source: str = field(compare=False)

    @functools.cached_property
    def json(self) -> str:
        """`describe()` with sorted keys."""
        return _json(self.describe())

    def describe(self) -> dict[str, Any]:
        """The cell as it stands in records."""
        return {
            "dataset": self.dataset,
            "task": self.task.value,
            "source_size": self.source_size,
            "input_size": self.input_size,
            "backbone": self.backbone,
            "method": self.method.name,
            "method_version": self.method.version,
            "params": self.method.method.identity(self.method.params),
            "ratio": self.ratio,
        }


@dataclass(frozen=True)
class Run:
    """A cell, a seed and a protocol: the unit of work."""

    cell: Cell
    seed: int
    protocol: Protocol

    def __hash__(self) -> int:
        return hash(self.key)

    def describe(self) -> dict[str, Any]:
        """All that decides the result, as it stands in records; no paths, device or engine."""
        return {
            "cell": self.cell.describe(),
            "seed": self.seed,
            "protocol": self.protocol.model_dump(mode="json"),
        }

    @functools.cached_property
    def key(self) -> str:
        """16 hexadecimal digits, a hash of `describe()` as JSON with sorted keys."""
        protocol = _protocol_json(self.protocol)
        text = f'{{"cell":{self.cell.json},"protocol":{protocol},"seed":{self.seed}}}'
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def streams(self) -> Streams:
        cell = self.cell
        return Streams(cell.dataset, cell.ratio, cell.backbone, cell.method.name, self.seed)

    def __str__(self) -> str:
        cell = self.cell
        ratio = f" {cell.ratio:.0%}" if cell.ratio < 1 else ""
        return f"{cell.dataset}{ratio} {cell.backbone} {cell.method.label} seed {self.seed}"


@functools.lru_cache(maxsize=100)
def _protocol_json(protocol: Protocol) -> str:
    return _json(protocol.model_dump(mode="json"))


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class Grid:
    """The runs of a selection, all methods of a seed together; `notes` is what to tell the user."""

    runs: tuple[Run, ...]
    datasets: tuple[data.Info, ...]
    notes: tuple[str, ...]


def expand(
    selection: Selection,
    protocol: Protocol,
    data_dir: Path | None = None,
    phantoms_allowed: bool = False,
    parameters: Mapping[str, dict[str, Any]] = {},
    to_run: bool = True,
) -> Grid:
    """Every run of a selection, all names checked.

    Where nothing is `to_run`, it is not checked whether the backbones exist and take the size.
    `parameters` are those that the protocol gives methods, by name. Where `phantoms_allowed`, a
    dataset that cannot be had is replaced by the phantom of its task. A method that cannot serve a
    dataset is left out. `notes` tells of both.
    """
    choices = [MethodChoice.parse(text, parameters) for text in selection.methods]
    backbones = [backbone.canonical(name) for text in selection.backbones for name in parts(text)]
    input_size = selection.input_size or selection.source_size
    if to_run:
        for name in backbones:
            backbone.check(name, input_size)
    for ratio in selection.ratios:
        if not 0 < ratio <= 1:
            raise BenchError(f"ratio {ratio:g}: a fraction above 0, at most 1, is wanted")
    notes: list[str] = []
    sources = [
        _opened(name, selection.source_size, data_dir, phantoms_allowed, notes)
        for name in selection.datasets
    ]
    cells = [
        Cell(
            info.name,
            info.task,
            selection.source_size,
            input_size,
            name,
            choice,
            ratio,
            source,
        )
        for source, info in sources
        for choice in _serving(choices, info, notes)
        for name in backbones
        for ratio in selection.ratios
    ]
    runs = [Run(cell, seed, protocol) for seed in selection.seeds for cell in cells]
    infos = {info.name: info for _, info in sources}
    return Grid(tuple(dict.fromkeys(runs)), tuple(infos.values()), tuple(notes))


def _opened(
    name: str, size: int, data_dir: Path | None, phantoms_allowed: bool, notes: list[str]
) -> tuple[str, data.Info]:
    """What to open for a dataset, and what it is; `notes` is told of a phantom in its place."""
    try:
        return name, data.open_dataset(name, size, data_dir).info
    except data.MissingData as error:
        if not phantoms_allowed:
            raise
        phantom = data.phantom_for(name)
        notes.append(f"{error}; {phantom} is used: phantom data, not MedMNIST")
        return phantom, data.open_dataset(phantom, size).info


def _serving(
    choices: Iterable[MethodChoice], info: data.Info, notes: list[str]
) -> Iterator[MethodChoice]:
    """The methods that can serve a dataset; `notes` is told of the others."""
    for choice in choices:
        if reason := choice.method.skip(info.task, info.channels):
            notes.append(f"{choice.label} on {info.name} is left out: {reason}")
        else:
            yield choice


def merge(grids: Iterable[Grid]) -> Grid:
    """All runs, datasets and notes of several grids, each once."""
    grids = list(grids)
    infos = {info.name: info for grid in grids for info in grid.datasets}
    return Grid(
        tuple(dict.fromkeys(run for grid in grids for run in grid.runs)),
        tuple(infos.values()),
        tuple(dict.fromkeys(note for grid in grids for note in grid.notes)),
    )


def parts(name: str) -> list[str]:
    """The backbones of a combination such as `resnest101+densenet121`."""
    return [part.strip() for part in name.split("+")]


def split_list(text: str) -> list[str]:
    """The parts of a list at the commas that stand outside brackets; empty parts are dropped."""
    return [part for part in _split(text) if part]


def _split(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for position, letter in enumerate(text):
        depth += (letter in "[(") - (letter in "])")
        if letter == "," and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    yield text[start:].strip()


def seeds(text: str) -> tuple[int, ...]:
    """`10` is the ten seeds 0 to 9, `3-5` is 3, 4, 5, and `3,5,7` or `3,` lists them."""
    try:
        if text.isdigit():
            chosen = list(range(int(text)))
        else:
            chosen = [seed for part in split_list(text) for seed in _range(part)]
    except ValueError:
        chosen = []
    if not chosen:
        raise BenchError(f"seeds {text!r}: write a count (10), a range (0-9) or a list (3,5,7)")
    return tuple(dict.fromkeys(chosen))


def numbers(text: str, kind: str) -> tuple[float, ...]:
    """Comma-separated numbers."""
    try:
        return tuple(float(part) for part in split_list(text))
    except ValueError:
        raise BenchError(f"{kind} {text!r}: numbers are wanted, such as 0.2,0.5,1") from None


def _range(text: str) -> range:
    first, dash, last = text.partition("-")
    return range(int(first), int(last if dash else first) + 1)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()
