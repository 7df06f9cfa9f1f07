"""Cells, runs and their keys."""

import functools
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from bench.base.identity import identity
from bench.base.streams import Streams
from bench.base.task import Task
from bench.data.catalogue import PHANTOMS
from bench.grid.choice import MethodChoice
from bench.grid.protocol import Protocol


@dataclass(frozen=True)
class Cell:
    """One entry of a table.

    `source` is what to open: the dataset's name, or the path of an npz. `backbone_source` is what
    to build, a name or a file, and `backbone_version` the digest of one's own, else "".
    """

    dataset: str
    task: Task
    source_size: int
    input_size: int
    backbone: str
    method: MethodChoice
    ratio: float
    source: str = field(compare=False)
    backbone_source: str = field(compare=False)
    backbone_version: str = ""

    @property
    def phantom(self) -> bool:
        """Whether its data are made up."""
        return self.dataset in PHANTOMS

    @functools.cached_property
    def json(self) -> str:
        """`describe()` with sorted keys."""
        return _json(self.describe())

    def describe(self) -> dict[str, Any]:
        """The cell as it stands in records."""
        version = {"backbone_version": self.backbone_version} if self.backbone_version else {}
        return version | {
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
            "protocol": identity(self.protocol),
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
    return _json(identity(protocol))


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
