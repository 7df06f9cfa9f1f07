"""Cells, runs and their keys."""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.base.identity import identity
from bench.base.plugins import calling
from bench.base.streams import Streams
from bench.base.task import Task
from bench.data.catalogue import PHANTOMS
from bench.grid.choice import MethodChoice
from bench.grid.protocol import Protocol

NUMERICS = 2
"""Raised by whoever changes the bits that a run gives."""
TUNING_SEEDS = 1000
"""Seeds from here on are of tuning alone: such a run never sees the test split."""


@dataclass(frozen=True)
class Cell:
    """One entry of a table.

    `data` is the dataset's fingerprint and decides; its name, and that of a method or backbone of
    one's own, is how people call it. `source` is what to open: the dataset's name, or the path of
    an npz. `backbone_source` is what to build, a name or a file, and `backbone_version` the digest
    of one's own, else "".
    """

    dataset: str = field(compare=False)
    data: str
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
        """`decides(describe())` with sorted keys."""
        with calling(self.method.source, "identity()"):
            return _json(decides(self.describe()))

    def describe(self) -> dict[str, Any]:
        """The cell as it stands in records."""
        version = {"backbone_version": self.backbone_version} if self.backbone_version else {}
        return version | {
            "dataset": self.dataset,
            "data": self.data,
            "task": self.task.value,
            "source_size": self.source_size,
            "input_size": self.input_size,
            "backbone": self.backbone,
            "method": self.method.name,
            "method_version": self.method.version,
            "params": dict(self.method.method.identity(self.method.params)),
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
            "numerics": NUMERICS,
        }

    @functools.cached_property
    def key(self) -> str:
        """`key_of(describe())`."""
        return _key(self.cell.json, _protocol_json(self.protocol), self.seed, NUMERICS)

    @property
    def tunes(self) -> bool:
        """Whether it is of tuning: it ends with the validation split, and is in no report."""
        return self.seed >= TUNING_SEEDS

    @property
    def streams(self) -> Streams:
        return Streams(self.cell.data, self.seed)

    def __str__(self) -> str:
        cell = self.cell
        ratio = f" {cell.ratio:.0%}" if cell.ratio < 1 else ""
        return f"{cell.dataset}{ratio} {cell.backbone} {cell.method.written} seed {self.seed}"


def decides(cell: Mapping[str, Any]) -> dict[str, Any]:
    """What of a described cell decides the result: no name of data, and none of a method or a
    backbone that stands for the content of a file.
    """
    called = {"dataset"}
    if "-" in cell["method_version"]:
        called.add("method")
    if cell.get("backbone_version"):
        called.add("backbone")
    return {name: value for name, value in cell.items() if name not in called}


def key_of(described: Mapping[str, Any]) -> str:
    """The key of a run from its description: 16 hexadecimal digits, a hash of what decides the
    result, as JSON with sorted keys.
    """
    cell, protocol = _json(decides(described["cell"])), _json(described["protocol"])
    return _key(cell, protocol, described["seed"], described["numerics"])


def _key(cell: str, protocol: str, seed: int, numerics: int) -> str:
    text = f'{{"cell":{cell},"numerics":{numerics},"protocol":{protocol},"seed":{seed}}}'
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.lru_cache(maxsize=100)
def _protocol_json(protocol: Protocol) -> str:
    return _json(identity(protocol))


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
