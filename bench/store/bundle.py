"""A bundle: records and predictions in one file, `.tar.xz`."""

import io
import lzma
import re
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.base.errors import BenchError
from bench.base.files import write_bytes
from bench.data.catalogue import Info
from bench.store import implied
from bench.store.records import Store

PARTS = re.compile(
    r"(data|env)/\w+\.json|preds/\w\w/\w+\.npz|runs/\w\w/\w+\.json"
    r"|tuned/[\w@-][\w@.-]*(\.yaml|/\w+\.json)"
)

FLOATS = ({"id": lzma.FILTER_LZMA2, "preset": 9, "lc": 2, "lp": 2, "pb": 2},)
"""xz told that most of the content is numbers of four bytes."""


def pack(
    store: Store,
    keys: Iterable[str],
    path: Path,
    datasets: Iterable[Info] = (),
    searches: Iterable[Path] = (),
) -> Path:
    """Write the records of these keys, their predictions, and what is known of their environments
    and datasets, and of these `datasets`; and these files of searches, which the store holds. The
    same records give the same bytes. Raises BenchError where records or predictions are damaged.
    """
    for info in datasets:
        store.write_data(info)
    files = {store.data_path(info.fingerprint) for info in datasets} | {*searches}
    records = {key: store.read(key) for key in keys}
    for key, record in records.items():
        data = store.data_path(record["data"]["fingerprint"])
        known = (data, store.root / f"env/{record['environment']}.json")
        files |= {store.record_path(key), store.predictions_path(key), *filter(Path.exists, known)}
    content = io.BytesIO()
    with (
        lzma.open(content, "wb", filters=FLOATS) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for file in sorted(files):
            entry = tarfile.TarInfo(file.relative_to(store.root).as_posix())
            predicted = file.suffix == ".npz"
            read = _packed(store, records[file.stem]) if predicted else file.read_bytes()
            entry.size = len(read)
            archive.addfile(entry, io.BytesIO(read))
    return write_bytes(path, content.getvalue())


def _packed(store: Store, record: dict[str, Any]) -> bytes:
    """Predictions, shortened, not compressed: xz makes less of numbers than deflate does."""
    key = record["key"]
    scores, targets = store.predictions(key, record)
    return _npz(**implied.shortened(scores), targets=targets, key=np.array(key))


def _unpacked(path: Path, name: str, content: bytes) -> bytes:
    """Predictions as a store holds them; an older bundle holds them so."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            if "scores" in arrays:
                return content
            scores = implied.whole(arrays)
            return _npz(scores=scores, targets=arrays["targets"], key=arrays["key"])
    except Exception as error:  # whatever NumPy and zipfile raise at a damaged file
        raise BenchError(f"{path}: {name} cannot be read ({error}); get it anew") from None


def _npz(**arrays: implied.Array) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def unpack(path: Path, store: Store) -> int:
    """Add to a store the records that it lacks; returns how many these are.

    A record comes after its predictions, as its existence says that the run is done. Raises
    BenchError for a file that is no bundle.
    """
    with _opened(path) as archive:
        content = {m.name: archive.extractfile(m) for m in archive if m.isfile()}
        files = {name: file.read() for name, file in content.items() if file}
    for name in files:
        if not PARTS.fullmatch(name):
            raise BenchError(f"{path} holds {name!r}, which is no part of a bundle; get it anew")
    new = {
        name: _unpacked(path, name, content) if name.endswith(".npz") else content
        for name, content in files.items()
        if not (store.root / name).exists()
    }
    for name in sorted(new, key=lambda name: (name.startswith("runs/"), name)):
        write_bytes(store.root / name, new[name])
    return sum(name.startswith("runs/") for name in new)


def keys(path: Path) -> set[str]:
    """Those of the records of a bundle."""
    with _opened(path) as archive:
        return {Path(name).stem for name in archive.getnames() if name.startswith("runs/")}


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:xz") as archive:
            yield archive
    except (OSError, EOFError, tarfile.TarError) as error:
        raise BenchError(f"{path} is no bundle of records ({error}); get it anew") from None
