"""Bundles: what is packed comes out again, bit for bit, and nothing else gets in."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bench.base.errors import BenchError
from bench.store.bundle import pack, unpack
from bench.store.records import Store

FROZEN = Path(__file__).parents[1] / "frozen" / "store.tar.xz"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path / "store")
    assert unpack(FROZEN, found) > 50
    return found


def content(store: Store, keys: list[str]) -> list[bytes]:
    arrays = [array.tobytes() for key in keys for array in store.predictions(key)]
    return [*(store.record_path(key).read_bytes() for key in keys), *arrays]


def write(path: Path, name: str, part: bytes) -> None:
    with tarfile.open(path, "w:xz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(part)
        archive.addfile(entry, io.BytesIO(part))


def test_a_bundle_gives_back_what_was_packed(store: Store, tmp_path: Path) -> None:
    keys = list(store)[:3]
    bundle = pack(store, keys, tmp_path / "three.tar.xz")
    other = Store(tmp_path / "other")
    assert unpack(bundle, other) == 3
    assert list(other) == keys
    assert content(other, keys) == content(store, keys)
    assert unpack(bundle, other) == 0
    again = pack(other, keys, tmp_path / "again.tar.xz")
    assert again.read_bytes() == bundle.read_bytes()


def test_predictions_are_compressed_once(store: Store, tmp_path: Path) -> None:
    with tarfile.open(pack(store, list(store)[:3], tmp_path / "three.tar.xz")) as archive:
        inner = [archive.extractfile(m) for m in archive if m.name.endswith(".npz")]
        zips = [zipfile.ZipFile(io.BytesIO(file.read())) for file in inner if file]
    assert {entry.compress_type for held in zips for entry in held.infolist()} == {
        zipfile.ZIP_STORED
    }


@pytest.mark.parametrize("damage", ["cut", "of another run", "missing"])
def test_damaged_predictions_are_not_packed(damage: str, store: Store, tmp_path: Path) -> None:
    key, other = list(store)[:2]
    store.publish(key, store.read(key), *store.predictions(key))  # the frozen have no checksum
    path = store.predictions_path(key)
    content = path.read_bytes()[:200]
    if damage == "of another run":
        content = store.predictions_path(other).read_bytes()
    path.write_bytes(content)
    if damage == "missing":
        path.unlink()
    with pytest.raises(BenchError, match=key):
        pack(store, [key], tmp_path / "one.tar.xz")
    assert not (tmp_path / "one.tar.xz").exists()


def test_the_same_records_give_the_same_bytes(store: Store, tmp_path: Path) -> None:
    keys = list(store)[:3]
    bundles = [pack(store, order, tmp_path / f"{order[0]}.tar.xz") for order in (keys, keys[::-1])]
    assert bundles[0].read_bytes() == bundles[1].read_bytes()


def test_a_record_that_is_there_stays(store: Store, tmp_path: Path) -> None:
    key = next(iter(store))
    bundle = pack(store, [key], tmp_path / "one.tar.xz")
    store.record_path(key).write_text("mine")
    assert unpack(bundle, store) == 0
    assert store.record_path(key).read_text() == "mine"


@pytest.mark.parametrize("name", ["../runs/ab/x.json", "/runs/ab/x.json", "ckpt/ab.pt", "runs/x"])
def test_nothing_else_gets_in(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.tar.xz"
    write(path, name, b"x")
    with pytest.raises(BenchError, match="no part of a bundle"):
        unpack(path, Store(tmp_path / "store"))
    assert not (tmp_path / "store").exists()


def test_no_run_of_its_predictions_is_put_elsewhere(tmp_path: Path) -> None:
    path, file = tmp_path / "bad.tar.xz", io.BytesIO()
    scores = np.full((1, 2), 0.5, np.float32)
    np.savez(file, scores=scores, targets=np.array([1]), keys=np.array(["../../elsewhere"]))
    write(path, "predictions/0.npz", file.getvalue())
    with pytest.raises(BenchError, match=r"elsewhere.* no part of a bundle"):
        unpack(path, Store(tmp_path / "store"))
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("content", [b"", b"not a bundle", FROZEN.read_bytes()[:5000]])
def test_a_damaged_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.tar.xz"
    path.write_bytes(content)
    with pytest.raises(BenchError, match="is no bundle of records"):
        unpack(path, Store(tmp_path / "store"))


def test_predictions_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    path, name = tmp_path / "bad.tar.xz", "preds/ab/abcdefabcdefabcd.npz"
    write(path, name, b"x")
    with pytest.raises(BenchError, match=rf"{name} cannot be read .* get it anew"):
        unpack(path, Store(tmp_path / "store"))
    assert not (tmp_path / "store").exists()
