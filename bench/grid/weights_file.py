"""Pretrained weights as a value of a protocol: none, those that the library has, or a file."""

import functools
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from bench.base.errors import BenchError
from bench.base.files import expanded, is_file
from bench.base.words import visible

CONTENT = "sha256:"


@dataclass(frozen=True)
class WeightsFile:
    """A state dict on disk. Its content decides, not its path: `digest` is the file's sha256."""

    digest: str
    path: Path = field(compare=False)

    def unchanged(self) -> Path:
        """The path. Raises BenchError where the content is another one now."""
        if not is_file(self.path) or _digest_of(self.path) != self.digest:
            raise BenchError(f"{self.path} has changed since the run was planned; start again")
        return self.path

    def __str__(self) -> str:
        return f"{visible(self.path.name)}@{self.digest[:8]}"


def read(value: object) -> object:
    """A path as the file; ValueError where there is none."""
    if not isinstance(value, str):
        return value
    if value.startswith(CONTENT):
        raise ValueError("name the file of these weights with --weights FILE")
    path = expanded(value)
    if not is_file(path):
        raise ValueError("no such file; expected true, false or a file of weights")
    return WeightsFile(_digest_of(path), path.resolve())


def write(value: bool | WeightsFile) -> bool | str:
    """As it stands in records and keys."""
    return f"{CONTENT}{value.digest}" if isinstance(value, WeightsFile) else value


Pretrained = Annotated[bool | WeightsFile, BeforeValidator(read), PlainSerializer(write)]


def _digest_of(path: Path) -> str:
    facts = path.stat()
    return _digest(path, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _digest(path: Path, size: int, changed: int) -> str:
    """Anew where size or time changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
