"""From a selection to the runs that it asks for."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import methods
from bench import backbone
from bench.base.errors import BenchError, unknown
from bench.base.plugins import calling
from bench.data import dataset as data
from bench.grid import beforehand
from bench.grid.cell import Cell, Run
from bench.grid.choice import MethodChoice
from bench.grid.notation import parts
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection

Known = Callable[[str, int], Sequence[data.Info]]
"""The datasets of a name and size that records are of."""


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
    known: Known = lambda name, size: [],
) -> Grid:
    """Every run of a selection; all names are checked but those of backbones (`check_backbones`).

    `parameters` are those that the protocol gives methods, by name. A dataset that is not at hand
    is the one that `known(name, size)` knows from its records, where there is one. Where
    `phantoms_allowed`, a dataset that is not available is replaced by the phantom of its task. A
    method that cannot serve a dataset is left out. `notes` tells of both.
    """
    choices = _distinct([MethodChoice.parse(text, parameters) for text in selection.methods])
    backbones = {name: backbone.identify(name) for name in chain(*map(parts, selection.backbones))}
    _check_backbone_names(backbones)
    input_size = selection.input_size or selection.source_size
    for ratio in selection.ratios:
        if not 0 < ratio <= 1:
            raise BenchError(f"ratio {ratio:g}: must be > 0 and ≤ 1")
    known_methods = {*methods.names(), *(choice.name for choice in choices)}
    notes = [
        f"{unknown('method', name, known_methods)} among the parameters of the protocol"
        for name in parameters
        if name not in known_methods
    ]
    sources = [
        _opened(name, selection.source_size, data_dir, known, phantoms_allowed, notes)
        for name in selection.datasets
    ]
    for _, info in sources:
        beforehand.check(protocol.select, selection.ratios, info)
        beforehand.check_sampler(protocol, info)
        told = ["; ".join(info.warnings)] if info.warnings else []
        notes += [f"{info.name}: {note}" for note in (*told, *info.notes)]
    cells = [
        Cell(
            dataset=info.name,
            data=info.fingerprint,
            task=info.task,
            source_size=selection.source_size,
            input_size=input_size,
            backbone=name,
            method=choice,
            ratio=ratio,
            source=source,
            backbone_source=network,
            backbone_version=version,
        )
        for source, info in sources
        for choice in _serving(choices, info, notes)
        for network, (name, version) in backbones.items()
        for ratio in selection.ratios
    ]
    runs = [Run(cell, seed, protocol) for seed in selection.seeds for cell in cells]
    infos = {info.name: info for _, info in sources}
    return Grid(tuple(dict.fromkeys(runs)), tuple(infos.values()), tuple(notes))


def check_backbones(found: Grid, runs: Iterable[Run], weights: bool = False) -> None:
    """BenchError where the backbone of a run does not exist, or cannot take its images; with
    `weights`, where it wants pretrained ones that are not to be had.
    """
    runs = list(runs)
    channels = {info.name: info.channels for info in found.datasets}
    taken = [
        (
            run.cell.backbone_source,
            run.cell.input_size,
            3 if run.protocol.rgb else channels.get(run.cell.dataset, 3),
        )
        for run in runs
    ]
    for source, size, of_images in dict.fromkeys(taken):
        backbone.check(source, size, of_images)
    if weights:
        asked = (
            (*place, run.protocol.weights)
            for run, place in zip(runs, taken, strict=True)
            if run.protocol.pretrained
        )
        for place in dict.fromkeys(asked):
            backbone.fetch(*place)


def _opened(
    name: str,
    size: int,
    data_dir: Path | None,
    known: Known,
    phantoms_allowed: bool,
    notes: list[str],
) -> tuple[str, data.Info]:
    """What to open for a dataset, and what it is; `notes` is told of a phantom in its place."""
    if not ("@" in name and known(name, size)):
        with suppress(data.MissingData):
            return name, data.open_dataset(name, size, data_dir, download=False).info
    found = known(name, size)
    if len(found) > 1:
        listed = ", ".join(info.fingerprint[:8] for info in found)
        raise BenchError(
            f"there are records of {len(found)} sets called {name} ({listed}) and the data are "
            "not at hand; name their folder with --data-dir"
        )
    if found:
        return name, found[0]
    try:
        return name, data.open_dataset(name, size, data_dir).info
    except data.MissingData as error:
        if not phantoms_allowed:
            raise
        phantom = data.phantom_for(name)
        notes.append(f"{error}; {phantom} is used: phantom data, not MedMNIST")
        return phantom, data.open_dataset(phantom, size).info


def _check_backbone_names(backbones: Mapping[str, tuple[str, str]]) -> None:
    versions: dict[str, set[str]] = {}
    for name, version in backbones.values():
        versions.setdefault(name, set()).add(version)
    for name, found in versions.items():
        if len(found) > 1:
            raise BenchError(f"{len(found)} different backbones are called {name}; rename a file")


def _distinct(choices: Sequence[MethodChoice]) -> list[MethodChoice]:
    """The choices, each once; of files with one name the labels have their folders too."""
    each = list(dict.fromkeys(choices))
    counts = Counter(choice.label for choice in each)
    return [
        replace(choice, label=f"{Path(choice.source).parent.as_posix()}/{choice.label}")
        if counts[choice.label] > 1
        else choice
        for choice in each
    ]


def _serving(
    choices: Iterable[MethodChoice], info: data.Info, notes: list[str]
) -> Iterator[MethodChoice]:
    """The methods that can serve a dataset; `notes` is told of the others."""
    for choice in choices:
        with calling(choice.source, "skip()"):
            reason = choice.method.skip(info.task, info.channels)
        if reason:
            notes.append(f"{choice.label} on {info.name} is left out: {reason}")
        else:
            yield choice


def backbone_label(text: str) -> str:
    """A backbone, or a combination, as it stands in records: of a file its stem."""
    return "+".join(backbone.identify(name)[0] for name in parts(text))


def merge(grids: Iterable[Grid]) -> Grid:
    """All runs, datasets and notes of several grids, each once."""
    grids = list(grids)
    infos = {info.name: info for grid in grids for info in grid.datasets}
    return Grid(
        tuple(dict.fromkeys(run for grid in grids for run in grid.runs)),
        tuple(infos.values()),
        tuple(dict.fromkeys(note for grid in grids for note in grid.notes)),
    )
