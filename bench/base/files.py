"""Files that are there whole or not at all, and a lock between processes."""

import errno
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from bench.base import process
from bench.base.errors import BenchError

TEMPORARY = re.compile(r"\..+\.([0-9a-f]{8})\.(\d+)\.[0-9a-f]{8}\.tmp")
"""The machine and the process that write under this name."""
ABANDONED_SECONDS = 86400.0
"""A temporary of another machine is taken for abandoned after a day."""


class StoreError(BenchError):
    """The results folder cannot be written; no fault of the run."""


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A file under a temporary name beside `path`, which it takes once all of it is on the disk.

    It goes where that fails; then an OSError of the file system is passed on. Raises StoreError
    where the path is that of a folder.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file")
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def create(path: Path, content: bytes) -> None:
    """A new file, there whole or not at all. Raises FileExistsError where there is one.

    Where a file system has no hard links, a crash may leave it empty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        temporary.write_bytes(content)
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:
            with path.open("xb") as file:
                file.write(content)
    finally:
        temporary.unlink(missing_ok=True)


def now(folder: Path) -> float:
    """The time by the clock of the folder's file system, else by that of this machine."""
    probe = _temporary(folder / "clock")
    try:
        probe.touch()
        told = probe.stat().st_mtime
        probe.unlink()
    except OSError:
        return time.time()
    return told


def abandoned(folder: Path) -> Iterator[Path]:
    """The temporaries of a folder, and of all below it, whose processes are gone."""
    for path in folder.rglob(".*.tmp"):
        match = TEMPORARY.fullmatch(path.name)
        if match and match[1] == process.machine():
            if process.gone(int(match[2])):
                yield path
        else:
            with suppress(FileNotFoundError):
                if now(path.parent) - path.stat().st_mtime > ABANDONED_SECONDS:
                    yield path


def _temporary(path: Path) -> Path:
    """A name beside `path` that tells who writes under it, and that nobody else has."""
    place = f"{process.machine()}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
    return path.with_name(f".{path.name}.{place}.tmp")


def _sync_folder(folder: Path) -> None:
    """Windows opens no folder, and needs none synced."""
    if os.name == "posix":
        directory = os.open(folder, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)


def is_file(path: Path) -> bool:
    """Whether it is one; false too where no file can have such a name."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """As `is_file`."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def expanded(path: str | Path) -> Path:
    """With the home for `~`; as it is where there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def sweep(path: Path) -> None:
    """Remove what killed writers of `path` left; for the one that holds its lock."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        left.unlink(missing_ok=True)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turns an error of the file system into a StoreError, one line that says what to do."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        mend = "free some space" if full else "make it writable, or name another with --results"
        raise StoreError(
            f"cannot write to {folder}: {error.strerror or error}; {mend}; "
            "finished runs are kept; re-running the command resumes it"
        ) from None


def write_text(path: Path, text: str) -> Path:
    """As `write_bytes`, in UTF-8."""
    return write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a whole file or nothing. Raises StoreError where the folder cannot be written."""
    with explained(path.parent), writing(path) as file:
        file.write(content)
    return path


def write_arrays(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write a whole npz or nothing. Raises StoreError where the folder cannot be written."""
    with explained(path.parent), writing(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock of this file alone; it goes with its process.

    Raises BlockingIOError where another process holds it and it may not `wait`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=-1 if wait else 0):
            yield
    except Timeout:
        raise BlockingIOError(f"another process holds {path}") from None
