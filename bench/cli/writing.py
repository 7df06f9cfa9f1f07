"""Files that commands leave, and the lines that name them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.base.errors import Note
from bench.base.words import visible


def written(write: Callable[[Path], list[Path]], folder: Path | None) -> list[Path]:
    """Write into a folder, if there is one; on a disk that is read only nothing is, and said."""
    if folder is None:
        return []
    if read_only(folder):
        warnings.warn(f"{folder} cannot be written: files are left as they are", Note, stacklevel=2)
        return []
    return write(folder)


def read_only(folder: Path) -> bool:
    """Whether nothing can be written there, or where it would have to be made."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return not os.access(there, os.W_OK)


def print_written(paths: Iterable[Path]) -> None:
    """Name what was written."""
    from bench.engines.progress import console

    out = console()
    for path in paths:
        out.print(f"wrote {visible(str(path))}", highlight=False, soft_wrap=True)
