"""Config: a named protocol with the selection it is meant for, from configs/*.yaml and `--set`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from bench.base import plain_yaml
from bench.base.errors import BenchError, unknown
from bench.base.files import expanded, is_file
from bench.base.validation import validated
from bench.base.words import slug, visible
from bench.grid import notation
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection
from bench.grid.weights_file import WeightsFile

INSTALLED, CLONE = (Path(__file__).parents[up] / "configs" for up in (1, 2))
CONFIGS = INSTALLED if INSTALLED.is_dir() else CLONE
"""The protocols of the project: the package `bench.configs`, in a clone the folder `configs/`."""


@dataclass(frozen=True)
class Config:
    """A named protocol with the selection it is meant for.

    `parameters` are what methods take under it where they are not told otherwise, by method name;
    `caution` goes into every output.
    """

    name: str
    about: str
    caution: str
    protocol: Protocol
    selection: Selection
    parameters: dict[str, dict[str, Any]]

    @property
    def slug(self) -> str:
        """The name as that of a folder."""
        return slug(self.name)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    about: str = ""
    caution: str = ""
    protocol: dict[str, Any]
    selection: dict[str, Any] = {}
    parameters: dict[str, dict[str, Any]] = {}


def names() -> list[str]:
    """The protocols that come with the project."""
    return sorted(path.stem for path in CONFIGS.glob("*.yaml"))


def load(name: str, settings: Mapping[str, Any] = {}) -> Config:
    """The config of that name, or of that path, with `settings` laid over its protocol.

    Raises BenchError for a wrong name, key or value.
    """
    path = expanded(name) if name.endswith((".yaml", ".yml")) else CONFIGS / f"{name}.yaml"
    if not is_file(path):
        raise unknown("protocol", name, names())
    content = plain_yaml.read(path.read_bytes(), str(path))
    if not isinstance(content, dict):
        raise BenchError(f"{path}: expected a mapping with the key `protocol`")
    file = validated(_File, content, f"{path.name} key")
    changes = dict(settings)
    if changes.get("steps") is not None:
        changes.setdefault("epochs", None)
    if changes.get("epochs") is not None:
        changes.setdefault("steps", None)
    protocol = validated(Protocol, file.protocol | changes, "protocol key")
    shown = dict(settings)
    if isinstance(protocol.pretrained, WeightsFile) and "pretrained" in shown:
        shown["pretrained"] = str(protocol.pretrained)
    own = f"@{hashlib.sha256(repr(file).encode()).hexdigest()[:8]}" * (path.parent != CONFIGS)
    return Config(
        name=" ".join([visible(path.stem) + own, *notation.write_settings(shown)]),
        about=file.about.strip(),
        caution=visible(file.caution),
        protocol=protocol,
        selection=validated(Selection, file.selection, "selection key"),
        parameters=file.parameters,
    )
