"""What takes space in a results folder, and what of it can go."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.store.records import Store

ABOUT = {
    "runs": "records",
    "preds": "test predictions",
    "data": "what is known of datasets",
    "env": "where runs were made",
    "plugins": "copies of own methods and backbones",
    "leases": "who does which run",
    "failed": "why runs failed",
    "generated": "images that generators made; hours to make again",
    "features": "features of images, for figure 5",
    "ckpt": "checkpoints; a run without its own starts anew",
    "stale": "records that were set aside",
    "twins": "records of runs that were made twice, with other bits",
}
KEPT = ("runs", "preds", "data", "env", "plugins", "leases", "failed", "stale", "twins")
"""Never removed: records, what reads them, and who is at work."""


@dataclass(frozen=True)
class Part:
    """A folder of a store."""

    path: Path
    about: str
    bytes: int

    @property
    def name(self) -> str:
        return self.path.name


def parts(store: Store) -> Iterator[Part]:
    """Those that there are, the largest first."""
    found = [
        Part(store.root / name, about, size_of(store.root / name)) for name, about in ABOUT.items()
    ]
    yield from sorted((p for p in found if p.path.is_dir()), key=lambda p: -p.bytes)


def remove(part: Part) -> None:
    """Remove a part that can be made again. Raises ValueError for one that is kept."""
    if part.name in KEPT:
        raise ValueError(f"{part.name} is kept")
    shutil.rmtree(part.path, ignore_errors=True)


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total
