"""An npz file, array by array: never unpickled, and never whole in memory unless it is asked for.

Every failure to read is a BenchError that names the file.
"""

import errno
import hashlib
import io
import lzma
import math
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.base.errors import BenchError
from bench.base.files import locked, sweep, writing

Array = npt.NDArray[Any]
PIECE = 1 << 20
"""Bytes read at once."""


DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    RuntimeError,
)
"""What reading a damaged file raises."""


class Header(NamedTuple):
    """What an array is, read without its content."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns whatever goes wrong with the file into a BenchError."""
    try:
        yield
    except DAMAGES as error:
        raise BenchError(
            f"{path} is truncated or corrupt ({error}); delete it and fetch or make it again"
        ) from error
    except OSError as error:
        raise BenchError(f"cannot read {path} ({error}); see that it is a readable file") from error


def names(path: Path) -> set[str]:
    """The arrays that a file has."""
    with reading(path), zipfile.ZipFile(path) as archive:
        return {name.removesuffix(".npy") for name in archive.namelist()}


def header(path: Path, name: str, mend: str = "save it as numbers") -> Header:
    """The header of one array; an array shorter or longer than it promises is an error."""
    with _member(path, name) as (file, size):
        head = _header(file)
        if head.dtype.hasobject:
            raise BenchError(f"{path}: {name} holds Python objects; {mend}")
        if file.tell() + math.prod(head.shape) * head.dtype.itemsize != size:
            raise ValueError(f"{name} is shorter or longer than its header says")
        return head


def read(path: Path, name: str) -> Array:
    """One array, in memory."""
    with _member(path, name) as (file, _):
        array: Array = np.lib.format.read_array(file, allow_pickle=False)
        return array


def md5(path: Path) -> str:
    """The md5 of the file."""
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def digest(image: Array) -> str:
    """Of all bytes of an image: two are the same where these are."""
    return hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest()


def rows(path: Path, name: str) -> Iterator[Array]:
    """An array in C order, some rows at a time; its checksum is verified at the end."""
    with _member(path, name) as (file, _):
        shape, _, dtype = _header(file)
        width = math.prod(shape[1:]) * dtype.itemsize
        step = max(1, PIECE // width)
        for start in range(0, shape[0], step):
            count = min(step, shape[0] - start)
            yield np.frombuffer(file.read(count * width), dtype).reshape(count, *shape[1:])
        file.read(1)


def unpack(
    path: Path, name: str, shape: tuple[int, ...], chunks: Iterator[Array], folder: Path
) -> Path:
    """uint8 images of `path` as a plain npy file in `folder`, written there once from `chunks`.

    The file appears only when it is whole; of several processes that ask at once, one writes and
    the others wait. Raises BenchError where the folder cannot hold it.
    """
    target, head = folder / f"{name}.npy", _npy_header(shape)
    size = len(head) + math.prod(shape)
    try:
        if not _complete(target, size):
            with locked(folder / "lock"):
                if not _complete(target, size):
                    _write(chain([head], (chunk.tobytes() for chunk in chunks)), size, target)
    except OSError as error:
        raise BenchError(
            f"cannot unpack {name} of {path} ({size / 1e9:.1f} GB) into {folder}: "
            f"{error.strerror}; make room there, or name another folder by BENCH_CACHE"
        ) from error
    return target


class OnDisk:
    """The rows of an npy file (C order), read when they are asked for.

    Rows are read by position, not through a memory map: what was read counts to nobody's resident
    memory once the batch is gone, while the system keeps it cached as long as there is room.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb", buffering=0)
        self._shape, _, self._dtype = _header(self._file)
        self._start = self._file.tell()

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> Array:
        """These rows, in this order: read in the order of the disk."""
        out = np.empty((len(rows), *self._shape[1:]), self._dtype)
        width = math.prod(self._shape[1:]) * self._dtype.itemsize
        for i in np.argsort(rows):
            self._file.seek(self._start + int(rows[i]) * width)
            if self._file.readinto(out[i]) != width:
                raise BenchError(f"{self._path} ends before row {rows[i]}; delete it")
        return out


def _header(file: IO[bytes]) -> Header:
    if np.lib.format.read_magic(file) == (1, 0):
        return Header(*np.lib.format.read_array_header_1_0(file))
    return Header(*np.lib.format.read_array_header_2_0(file))


def _npy_header(shape: tuple[int, ...]) -> bytes:
    head = io.BytesIO()
    facts = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, facts)
    return head.getvalue()


@contextmanager
def _member(path: Path, name: str) -> Iterator[tuple[IO[bytes], int]]:
    """The npy file of one array inside the npz, and its size in bytes."""
    with reading(path), zipfile.ZipFile(path) as archive:
        if f"{name}.npy" not in archive.namelist():
            raise BenchError(f"{path} has no array {name}; MedMNIST's layout needs it")
        with archive.open(f"{name}.npy") as file:
            yield file, archive.getinfo(f"{name}.npy").file_size


def _complete(target: Path, size: int) -> bool:
    return target.is_file() and target.stat().st_size == size


def _write(source: Iterable[bytes], size: int, target: Path) -> None:
    sweep(target)
    if shutil.disk_usage(target.parent).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with writing(target) as copy:
        copy.writelines(source)
