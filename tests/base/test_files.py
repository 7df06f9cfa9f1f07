"""Whole files or none, and the lock between processes."""

import errno
import os
from pathlib import Path

import pytest

from bench.base.files import StoreError, locked, sweep, write_text, writing


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    with writing(tmp_path / "new" / "file") as file:
        file.write(b"whole")
        assert not (tmp_path / "new" / "file").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]
    assert (tmp_path / "new" / "file").read_bytes() == b"whole"


def test_where_writing_fails_the_old_file_stays_alone(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "old")
    with pytest.raises(RuntimeError), writing(tmp_path / "file") as file:
        file.write(b"half")
        raise RuntimeError
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_sweep_takes_the_leavings_of_one_file(tmp_path: Path) -> None:
    names = [".a.1.ff.tmp", ".b.1.ff.tmp", "a"]
    for name in names:
        (tmp_path / name).touch()
    sweep(tmp_path / "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b.1.ff.tmp", "a"]


def test_an_error_of_the_file_system_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(StoreError, match=r"cannot write to .*--results"):
        write_text(tmp_path / "taken" / "file", "")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="free some space"):
        write_text(tmp_path / "file", "")


@pytest.mark.parametrize("name", [".", "folder"])
def test_a_folder_is_not_taken_for_a_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError) as told:
        write_text(Path(name), "")
    assert str(told.value) == f"{name} is a folder; name a file"


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "new" / "lock"),
        pytest.raises(BlockingIOError),
        locked(tmp_path / "new" / "lock", wait=False),
    ):
        pass
    with locked(tmp_path / "new" / "lock", wait=False):
        pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="it is no file"):
        write_text(tmp_path / "pipe", "text")
    assert (tmp_path / "pipe").is_fifo()
