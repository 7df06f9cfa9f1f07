"""Tuned parameters: a file for each dataset, backbone and protocol, and runs that take them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from bench.base import version
from bench.base.errors import BenchError
from bench.base.files import write_text
from bench.base.identity import identity
from bench.grid.cell import Cell, Run
from bench.grid.configs import CONFIGS
from bench.grid.grid import Grid
from bench.grid.notation import write_choice
from bench.grid.protocol import Protocol
from bench.tuning.point import apply
from bench.tuning.search import Search, budget
from bench.tuning.space import space_of

PLACE = ("dataset", "data", "backbone", "ratio", "source_size", "input_size")


@dataclass(frozen=True)
class Shelf:
    """Where the tuned parameters of a protocol lie: beside results, else with the project's
    protocols, where they may be committed (`configs/tuned`).
    """

    results: Path
    protocol: str
    """Its name in names of files."""

    @property
    def folder(self) -> Path:
        """Where they are written."""
        return self.results / "tuned"

    def name(self, cell: Cell) -> str:
        """Of the place of a cell, in names of files."""
        parts = [cell.dataset, cell.backbone, self.protocol]
        parts += [f"{cell.ratio:g}"] if cell.ratio < 1 else []
        parts += [f"{cell.input_size}px"] if cell.input_size != cell.source_size else []
        parts += [f"{cell.source_size}"] if cell.source_size != 28 else []
        return re.sub(r"[^A-Za-z0-9.@_-]+", "-", "-".join(parts))

    def search_path(self, cell: Cell) -> Path:
        """Where the trials of a method are kept."""
        return self.folder / self.name(cell) / f"{cell.method.name}.json"

    def path(self, cell: Cell) -> Path:
        """Where what was found in the place of a cell is written."""
        return self.folder / f"{self.name(cell)}.yaml"

    def files(self, cell: Cell) -> tuple[Path, Path]:
        """What was found in the place of a cell, and the trials of its method."""
        return self.path(cell), self.search_path(cell)

    def read(self, cell: Cell) -> dict[str, Any]:
        """The file of a cell's place; empty where there is none. Raises BenchError."""
        written = self.path(cell)
        for path in (written, CONFIGS / "tuned" / written.name):
            if path.exists():
                return _read(path)
        return {}

    def entry(self, cell: Cell) -> dict[str, Any]:
        """What was found for a cell's method, and how; empty where it was not tuned."""
        found: dict[str, Any] = self.read(cell).get("methods", {}).get(cell.method.name, {})
        return found

    def write(self, search: Search, trials: int) -> Path:
        """Add the best of so many trials to the file of its place."""
        cell, path = search.cell, self.path(search.cell)
        place = _place(cell, search.protocol)
        before = _read(path) if path.exists() else {}
        known = before["methods"] if before and _same(before, place) else {}
        methods = known | {cell.method.name: _entry(search, trials)}
        content = place | {"methods": dict(sorted(methods.items()))}
        return write_text(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def tuned(grid: Grid, shelf: Shelf) -> Grid:
    """The runs with tuned parameters in place of the defaults; what has nothing to tune stays.

    What was given in brackets goes before what was tuned. Raises BenchError where a method was not
    tuned in its place, or another one was.
    """
    found = {cell: _tuned(cell, run.protocol, shelf) for run in grid.runs for cell in [run.cell]}
    runs = (Run(found[run.cell][0], run.seed, found[run.cell][1]) for run in grid.runs)
    return replace(grid, runs=tuple(dict.fromkeys(runs)))


def _tuned(cell: Cell, protocol: Protocol, shelf: Shelf) -> tuple[Cell, Protocol]:
    choice, entry = cell.method, shelf.entry(cell)
    if not entry and not space_of(choice, protocol):
        return cell, protocol
    if not entry:
        raise BenchError(f"{_where(cell)} is not tuned under {shelf.protocol}; {_mend(cell)}")
    if not _same(shelf.read(cell), _place(cell, protocol)) or entry["version"] != choice.version:
        raise BenchError(
            f"{_where(cell)} was tuned on other data, another protocol or by another version of "
            f"the method ({shelf.name(cell)}.yaml); {_mend(cell)}"
        )
    at, training = apply(entry["parameters"], choice, protocol)
    plain = not choice.given or "[" in choice.label
    label = choice.label if plain else write_choice(choice.label, sorted(choice.given.items()))
    return replace(cell, method=replace(at, label=label, written=at.label)), training


def _where(cell: Cell) -> str:
    return f"{cell.method.name} on {cell.dataset}, {cell.backbone},"


def _mend(cell: Cell) -> str:
    return f"python -m bench tune --methods {cell.method.source} --datasets {cell.source} does it"


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and isinstance(content["methods"], dict):
            return content
    except (yaml.YAMLError, KeyError):
        pass
    raise BenchError(f"{path} is damaged; delete it, and `bench tune` writes it again")


def _place(cell: Cell, protocol: Protocol) -> dict[str, Any]:
    described = cell.describe()
    place = {name: described[name] for name in PLACE}
    return place | {"phantom": cell.phantom, "protocol": identity(protocol)}


def _same(file: Mapping[str, Any], place: Mapping[str, Any]) -> bool:
    return all(file.get(name) == value for name, value in place.items() if name != "dataset")


def _entry(search: Search, trials: int) -> dict[str, Any]:
    """What was found, and how. Where every trial failed: the defaults, without a value."""
    taken, best = search.trials[:trials], search.best(trials)
    images, seconds = budget(taken)
    return {
        "parameters": dict(best.params if best else search.space.defaults),
        "trial": best.number if best else 0,
        "value": best.value if best else None,
        "value of the defaults": taken[0].value,
        "metric": search.objective.metric,
        "seeds": list(search.objective.seeds),
        "trials": len(taken),
        "failed": sum(trial.value is None for trial in taken),
        "images": images,
        "seconds": round(seconds, 1),
        "version": search.cell.method.version,
        "commit": version.commit(),
    }
