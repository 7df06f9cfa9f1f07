"""The local engine: any number of workers, killed at any moment, ends in the same records."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from bench.base.errors import BenchError
from bench.base.files import StoreError
from bench.engines import worker
from bench.engines.local import local
from bench.engines.progress import GridProgress
from bench.engines.ray import Ray
from bench.engines.worker import Job, remaining, work
from bench.grid import grid
from bench.grid.cell import Run
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection
from bench.store.records import Store
from methods.none import NoAugmentation

MakeRun = Callable[..., Run]
SMALL = "test_byobnet"
QUICK = Protocol(steps=3, batch_size=16)


def job(results: Path, methods: tuple[str, ...] = ("none", "mixup"), seeds: int = 2) -> Job:
    selection = Selection(
        datasets=("phantom-binary",),
        methods=methods,
        seeds=tuple(range(seeds)),
        backbones=(SMALL,),
    )
    return Job(grid.expand(selection, QUICK).runs, results, None, "cpu")


def results_of(store: Store) -> dict[str, Any]:
    """What must not depend on workers or interruptions: all of a record but time and place."""
    records = {key: store.read(key) for key in store}
    return {
        key: {name: record[name] for name in ("cell", "seed", "metrics", "curves", "data")}
        | {"scores": store.predictions(key)[0].tobytes()}
        for key, record in records.items()
    }


def test_a_failing_run_is_stored_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(NoAugmentation, "augment", broken)
    todo = job(tmp_path)
    work(todo)
    store = Store(tmp_path)
    assert remaining(store, todo.runs) == []
    for run in todo.runs:
        failure = store.read_failure(run.key)
        assert store.done(run.key) == (run.cell.method.name == "mixup")
        if failure:
            assert failure["reason"] == "ZeroDivisionError: a bug"
            assert "broken" in failure["traceback"]


def test_a_diverged_run_is_a_failure_with_its_curves_and_never_a_record(
    tmp_path: Path, make_run: MakeRun
) -> None:
    run = make_run(protocol=Protocol(epochs=2, lr=1e30, optimizer="sgd"))
    work(Job((run,), tmp_path, None, "cpu"))
    store = Store(tmp_path)
    failure = store.read_failure(run.key)
    assert not store.done(run.key)
    assert failure is not None and failure["reason"].startswith("diverged at step ")
    assert "curves" in failure


def test_what_an_error_says_is_text_in_its_line(make_run: MakeRun, tmp_path: Path) -> None:
    store, run, out = Store(tmp_path), make_run(), Console(file=StringIO())
    progress = GridProgress(store, [run], out)
    store.fail(run.key, {"reason": "ValueError: \x1b[31mred"})
    progress.end()
    assert "failed, ValueError: \\x1b[31mred" in out.file.getvalue()  # type: ignore[attr-defined]


def test_a_failed_run_is_left_alone_until_it_is_asked_for(tmp_path: Path) -> None:
    todo = job(tmp_path, ("none",), 1)
    (run,) = todo.runs
    store = Store(tmp_path)
    store.fail(run.key, {"reason": "x"})
    work(todo)
    assert not store.done(run.key)
    store.forget_failure(run.key)
    work(todo)
    assert store.done(run.key)


def test_a_run_that_another_worker_holds_is_not_done_twice(tmp_path: Path) -> None:
    todo = job(tmp_path)
    store = Store(tmp_path)
    held, other = todo.runs[:2]
    seen: list[bool] = []
    with store.claim(held.key):

        class ReleasedError(Exception):
            pass

        def stop_when_waiting(fraction: float) -> None:
            if all(store.done(run.key) for run in todo.runs[1:]):
                seen.append(store.done(held.key))
                raise ReleasedError

        with pytest.raises(ReleasedError):
            work(todo, stop_when_waiting)
    assert seen == [False] and store.done(other.key)


def test_a_checkpoint_is_used_and_leaves_the_bits_alone(
    tmp_path: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("mixup", protocol=Protocol(epochs=3, batch_size=64))
    work(Job((run,), tmp_path / "whole", None, "cpu"))
    monkeypatch.setattr(worker, "CHECKPOINT_SECONDS", 0.0)
    store = Store(tmp_path / "cut")
    saved: list[int] = []
    original = Store.save_checkpoint

    def save(self: Store, key: str, state: dict[str, Any]) -> None:
        original(self, key, state)
        saved.append(state["counts"][0])
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Store, "save_checkpoint", save)
    with pytest.raises(KeyboardInterrupt):
        work(Job((run,), store.root, None, "cpu"))
    work(Job((run,), store.root, None, "cpu"))
    assert saved == [1, 2, 3]
    assert results_of(store) == results_of(Store(tmp_path / "whole"))


def test_an_unwritable_folder_ends_the_work_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise StoreError("cannot write")

    monkeypatch.setattr(Store, "publish", full)
    with pytest.raises(StoreError):
        work(job(tmp_path, ("none",), 1))
    assert list((tmp_path / "failed").glob("*")) == []


@pytest.mark.slow
def test_two_workers_have_the_bits_of_one(tmp_path: Path) -> None:
    for workers in (1, 2):
        local(job(tmp_path / str(workers), seeds=3), workers, lambda _: None)
    assert results_of(Store(tmp_path / "1")) == results_of(Store(tmp_path / "2"))
    assert len(results_of(Store(tmp_path / "1"))) == 6


def test_a_worker_that_cannot_write_tells_the_parent(tmp_path: Path) -> None:
    (tmp_path / "leases").write_text("in the way")
    with pytest.raises(BenchError, match="cannot write to"):
        local(job(tmp_path), 2, lambda _: None)


COMMAND = [
    *[sys.executable, "-m", "bench", "run", "--datasets", "phantom-binary"],
    *[
        "--methods",
        "none,mixup",
        "--backbones",
        SMALL,
        "--seeds",
        "3",
        "--set",
        "steps=40",
        "--workers",
        "2",
    ],
]


def children(pid: int) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def wait_for(condition: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


@pytest.mark.slow
def test_kill_9_of_worker_then_parent_then_again_ends_in_the_same_records(tmp_path: Path) -> None:
    subprocess.run([*COMMAND, "--results", str(tmp_path / "whole")], check=True)
    store = Store(tmp_path / "cut")
    command = [*COMMAND, "--results", str(store.root)]
    first = subprocess.Popen(command)
    wait_for(lambda: store.leases())
    os.kill(next(iter(store.leases().values())), signal.SIGKILL)
    wait_for(lambda: len(list(store)) >= 2)
    workers = children(first.pid)
    first.kill()
    first.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    assert len(list(store)) < 6
    subprocess.run(command, check=True)
    assert results_of(store) == results_of(Store(tmp_path / "whole"))
    assert json.loads(store.record_path(next(iter(store))).read_text())
    assert list((store.root / "failed").glob("*")) == []


DEADLY = """
import os, signal
from methods.method import Method

class Deadly(Method):
    summary = "kills its process"
    reference = "a test"

    def augment(self, images, targets):
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_run_that_kills_its_workers_is_given_up_and_stops_no_other(tmp_path: Path) -> None:
    file = tmp_path / "deadly.py"
    file.write_text(DEADLY, encoding="utf-8")
    todo = job(tmp_path / "results", (str(file), "none"), seeds=1)
    local(todo, 2, lambda _: None)
    store = Store(todo.results)
    deadly, none = todo.runs
    failure = store.read_failure(deadly.key)
    assert failure is not None and "died 2 times, last by SIGKILL" in failure["reason"]
    assert store.done(none.key) and not store.done(deadly.key)


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_a_second_copy_shares_the_work(tmp_path: Path) -> None:
    store = Store(tmp_path)
    command = [*COMMAND, "--results", str(tmp_path)]
    first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for(lambda: store.leases())
    os.killpg(first.pid, signal.SIGINT)
    _, words = first.communicate(timeout=60)
    assert first.returncode == 130
    assert "Re-running the same command resumes it" in words and "Traceback" not in words
    assert store.leases() == {}
    copies = [subprocess.Popen(command) for _ in range(2)]
    assert [copy.wait(timeout=240) for copy in copies] == [0, 0]
    assert len(list(store)) == 6


@pytest.mark.parametrize(
    ("address", "said"), [(None, "Ray did not start"), ("h:1", "no Ray at h:1")]
)
def test_a_ray_that_does_not_start_is_one_line(
    address: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is too slow, Ray raises a bare Exception."""

    def init(**_: object) -> None:
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr("bench.engines.ray._ray", lambda: SimpleNamespace(init=init))
    job = Job((), tmp_path, None, "cpu")
    with pytest.raises(BenchError, match=f"{said} .The current node timed out"):
        Ray(address)(job, 1, lambda fraction: None, lambda words: None)
