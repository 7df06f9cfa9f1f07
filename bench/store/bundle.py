"""A bundle: records and predictions in one file, `.tar.xz`."""

import io
import lzma
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
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
    r"(data|env)/\w+\.json|preds/\w\w/\w+\.npz|predictions/\d+\.npz|runs/\w\w/\w+\.json"
    r"|tuned/[\w@-][\w@.-]*(\.yaml|/\w+\.json)"
)
"""What a bundle holds; one of before has predictions a run each, as a store does."""

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
    records = {key: store.read(key) for key in sorted(keys)}
    for key, record in records.items():
        data = store.data_path(record["data"]["fingerprint"])
        known = (data, store.root / f"env/{record['environment']}.json")
        files |= {store.record_path(key), *filter(Path.exists, known)}
    parts = {file.relative_to(store.root).as_posix(): file.read_bytes() for file in files}
    content = io.BytesIO()
    with (
        lzma.open(content, "wb", filters=FLOATS) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, part in sorted((parts | _predictions(store, records)).items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(part)
            archive.addfile(entry, io.BytesIO(part))
    return write_bytes(path, content.getvalue())


def _predictions(store: Store, records: Mapping[str, dict[str, Any]]) -> dict[str, bytes]:
    """Those on the same images in one file, shortened, so that numbers of a kind lie together.

    They are not compressed in it: xz makes less of numbers than deflate does.
    """
    alike = defaultdict[Any, dict[str, tuple[implied.Array, implied.Array]]](dict)
    for key, record in records.items():
        scores, targets = store.predictions(key, record)
        alike[scores.shape, scores.dtype, targets.dtype, targets.tobytes()][key] = scores, targets
    return {
        f"predictions/{number}.npz": _npz(
            **implied.shortened(np.concatenate([scores for scores, _ in runs.values()])),
            targets=next(iter(runs.values()))[1],
            keys=np.array([*runs]),
        )
        for number, runs in enumerate(alike.values())
    }


def _unpacked(path: Path, name: str, content: bytes) -> dict[str, bytes]:
    """The predictions of each run as a store holds them, by their names there."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            if "scores" in arrays and "keys" not in arrays:
                return {name: content}
            keys, targets = arrays["keys"].tolist(), arrays["targets"]
            runs = np.split(implied.whole(arrays), len(keys))
        return {
            f"preds/{key[:2]}/{key}.npz": _npz(scores=scores, targets=targets, key=np.array(key))
            for key, scores in zip(keys, runs, strict=True)
        }
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
    _see_parts(path, files)
    for name in [name for name in files if name.endswith(".npz")]:
        files |= _unpacked(path, name, files.pop(name))
    _see_parts(path, files)
    new = [name for name in files if not (store.root / name).exists()]
    for name in sorted(new, key=lambda name: (name.startswith("runs/"), name)):
        write_bytes(store.root / name, files[name])
    return sum(name.startswith("runs/") for name in new)


def _see_parts(path: Path, names: Iterable[str]) -> None:
    for name in names:
        if not PARTS.fullmatch(name):
            raise BenchError(f"{path} holds {name!r}, which is no part of a bundle; get it anew")


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
