"""The results folder: whole records or none, one worker a run, errors of the disk in one line."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import made_up
import numpy as np
import psutil
import pytest
import torch

from bench.base import process
from bench.base.errors import BenchError
from bench.base.files import StoreError, create
from bench.grid import grid
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection
from bench.store import leases
from bench.store import records as room
from bench.store.records import Store

SCORES = np.random.default_rng(0).random((5, 2)).astype(np.float32)
TARGETS = np.arange(5) % 2
RUNS = grid.expand(
    Selection(datasets=("phantom-binary",), methods=("none",), seeds=(0, 1), backbones=("x",)),
    Protocol(epochs=1),
).runs
KEY = RUNS[0].key


def publish(store: Store, number: int = 0, **record: Any) -> str:
    made = made_up.record(RUNS[number], {"acc": 0.5, "auc": 0.5})
    store.publish(RUNS[number].key, made | record, SCORES, TARGETS)
    return RUNS[number].key


def test_a_record_and_its_predictions_read_back(store: Store) -> None:
    publish(store, facts={"found": 0.1})
    scores, targets = store.predictions(KEY)
    assert store.done(KEY) and list(store) == [KEY]
    assert store.read(KEY)["facts"] == {"found": 0.1}
    assert np.array_equal(scores, SCORES) and scores.dtype == np.float32
    assert np.array_equal(targets, TARGETS)


def test_nan_never_becomes_a_record(store: Store) -> None:
    with pytest.raises(BenchError, match="JSON"):
        publish(store, facts={"found": float("nan")})
    assert not store.done(KEY)
    assert [path for path in store.root.rglob("*") if path.suffix == ".tmp"] == []


def test_predictions_come_first_so_that_a_record_is_the_commit_mark(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        publish(store)
    assert store.predictions_path(KEY).exists()
    assert not store.done(KEY)


def test_publishing_clears_failure_and_checkpoint(store: Store) -> None:
    store.fail(KEY, {"reason": "x"})
    store.save_checkpoint(KEY, {"epoch": 1})
    publish(store)
    assert store.read_failure(KEY) is None
    assert store.load_checkpoint(KEY) is None


@pytest.mark.parametrize("at", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("how", ["cut", "one bit flipped"])
def test_a_checkpoint_reads_back_and_a_damaged_one_is_set_aside(
    store: Store, how: str, at: float
) -> None:
    rng = np.random.default_rng(0).bit_generator.state
    store.save_checkpoint(KEY, {"rng": rng, "weights": torch.ones(3)})
    state = store.load_checkpoint(KEY)
    assert state is not None and state["rng"] == rng and state["weights"].sum() == 3
    path = store.checkpoint_path(KEY)
    raw = bytearray(path.read_bytes())
    place = int(at * len(raw))
    raw[place] ^= 1
    path.write_bytes(raw if how == "one bit flipped" else raw[:place])
    assert store.load_checkpoint(KEY) is None
    assert not path.exists() and (store.root / "stale" / path.name).exists()


def test_a_lease_is_one_workers(store: Store) -> None:
    with store.claim(KEY) as ours:
        assert ours and store.leased(KEY)
        with Store(store.root).claim(KEY) as theirs:
            assert not theirs
        assert store.leased(KEY)
    assert not store.leased(KEY)
    assert store.leases() == {}


CLAIM = """
import sys, time
from pathlib import Path
from bench.store.records import Store
with Store(Path(sys.argv[1])).claim(sys.argv[2]) as ours:
    print(ours, flush=True)
    time.sleep(60)
"""


def test_the_lease_of_a_killed_process_is_free_at_once(store: Store) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(store.root), KEY], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdout.readline() == "True\n"
    with store.claim(KEY) as ours:
        assert not ours
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with store.claim(KEY) as ours:
        assert ours


def test_the_lease_of_another_machine_expires_with_age(store: Store) -> None:
    path = store.lease_path(KEY)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(asdict(replace(leases.Holder.here(), machine="elsewhere"))))
    with store.claim(KEY) as ours:
        assert not ours
    old = time.time() - leases.LEASE_SECONDS - 1
    os.utime(path, (old, old))
    with store.claim(KEY) as ours:
        assert ours


def test_age_is_told_by_the_clock_of_the_file_system(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store.lease_path(KEY)
    create(path, json.dumps(asdict(replace(leases.Holder.here(), machine="elsewhere"))).encode())
    monkeypatch.setattr(time, "time", lambda: path.stat().st_mtime + 3600)
    assert store.leased(KEY)


def test_a_lease_that_cannot_be_written_is_not_left_behind(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError), store.claim(KEY):
        pass
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_only_the_owner_removes_its_lease(store: Store) -> None:
    with store.claim(KEY):
        path = store.lease_path(KEY)
        theirs = json.dumps(asdict(replace(leases.Holder.here(), machine="elsewhere")))
        path.write_text(theirs)
    assert path.read_text() == theirs


def test_a_lease_that_was_taken_since_it_was_judged_is_put_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.claim(KEY) as ours:
        path = store.lease_path(KEY)
        fresh = path.read_bytes()
        seen = iter([replace(leases.Holder.here(), pid=1)])
        look = leases.holder
        monkeypatch.setattr(leases, "holder", lambda p: next(seen, None) or look(p))
        leases.free(path)
        assert ours and path.read_bytes() == fresh
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"{"])
def test_half_a_lease_is_nobodys_after_a_minute(store: Store, content: bytes) -> None:
    path = store.lease_path(KEY)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert store.leased(KEY)
    old = time.time() - leases.STOPPED_SECONDS - 1
    os.utime(path, (old, old))
    with store.claim(KEY) as ours:
        assert ours


@pytest.mark.skipif(sys.platform == "win32", reason="Windows stops no process")
def test_a_stopped_holder_loses_its_lease_after_the_stated_time(store: Store) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(store.root), KEY], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdout.readline() == "True\n"
    try:
        holder.send_signal(signal.SIGSTOP)
        while psutil.Process(holder.pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)
        assert store.leased(KEY)
        old = time.time() - leases.STOPPED_SECONDS - 1
        os.utime(store.lease_path(KEY), (old, old))
        assert not store.leased(KEY)
    finally:
        holder.kill()
        holder.wait()


def test_what_dead_processes_left_is_swept_and_nothing_else(store: Store) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    publish(store)
    folder = store.record_path(KEY).parent
    names = [f".{KEY}.json.{process.machine()}.{pid}.0123abcd.tmp" for pid in (gone.pid, 1)]
    elsewhere = f".{KEY}.json.00000000.{gone.pid}.0123abcd.tmp"
    for name in (*names, elsewhere):
        (folder / name).touch()
    create(
        store.lease_path(KEY),
        json.dumps(asdict(replace(leases.Holder.here(), pid=gone.pid))).encode(),
    )
    store.sweep()
    assert {path.name for path in folder.iterdir()} == {f"{KEY}.json", names[1], elsewhere}
    assert store.leases() == {} and store.done(KEY)


def test_a_damaged_record_is_named(store: Store) -> None:
    publish(store)
    store.record_path(KEY).write_text("{")
    with pytest.raises(BenchError, match=f"{KEY}.json: it is not JSON; `bench doctor --fix`"):
        store.read(KEY)


def test_keys_are_found_by_their_first_digits(store: Store) -> None:
    keys = [publish(store, number) for number in (0, 1)]
    assert [store.find(key[:5]) for key in keys] == keys
    with pytest.raises(BenchError, match="2 keys"):
        store.find("")
    with pytest.raises(BenchError, match="no run"):
        store.find("z")


def test_a_full_disk_is_one_line_and_leaves_nothing_half(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError) as error:
        publish(store)
    assert "free some space" in str(error.value) and "\n" not in str(error.value)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(StoreError, match="--results"):
        Store(tmp_path / "results").check_writable()


WRITE = """
import sys, itertools
from dataclasses import replace
from pathlib import Path
import numpy as np
from made_up import record
from test_store import RUNS
from bench.store.records import Store
store = Store(Path(sys.argv[1]))
scores = np.zeros((500, 8), np.float32)
for i in itertools.count():
    run = replace(RUNS[0], seed=i)
    content = record(run, {"acc": 0.5, "auc": 0.5}) | {"facts": {"padding": "x" * 20000}}
    store.publish(run.key, content, scores, scores)
    print(run.key, flush=True)
"""


@pytest.mark.slow
def test_kill_9_loses_nothing_finished_and_leaves_no_half_record(store: Store) -> None:
    rng = np.random.default_rng(0)
    for _ in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(store.root)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline().strip()]
        time.sleep(rng.uniform(0.0, 0.3))
        writer.kill()
        acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
        writer.wait()
        for key in acknowledged:
            assert store.read(key)["key"] == key
        for key in store:
            assert store.read(key)["key"] == key
            assert store.predictions(key)[0].shape == (500, 8)
