"""What a method does to its process, no other run sees; and each fault is one line."""

import os
import re
import signal
import sys
import threading
import time
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bad_methods
import psutil
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.engines import local as engine
from bench.engines import process as processes
from bench.engines.local import local
from bench.engines.process import forks
from bench.engines.worker import Job, device_is_full
from bench.grid import grid
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection
from bench.store.records import Store

QUICK = Protocol(steps=3, batch_size=16)
TIMEOUT = 20.0
"""Seconds; a run of this file takes a fraction of one."""


def job(results: Path, *methods: str, seeds: int = 1, timeout: float | None = None) -> Job:
    selection = Selection(
        datasets=("phantom-binary",),
        methods=methods,
        seeds=tuple(range(seeds)),
        backbones=("test_byobnet",),
    )
    return Job(grid.expand(selection, QUICK).runs, results, None, "cpu", timeout)


def do(todo: Job, workers: int = 1) -> list[str]:
    """Do a job; what was told meanwhile."""
    told: list[str] = []
    local(todo, workers, lambda _: None, told.append)
    return told


def bits(store: Store, key: str) -> Any:
    record, (scores, _) = store.read(key), store.predictions(key)
    return record["metrics"], record["curves"], scores.tobytes()


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The bits of `none` and `mixup`, with nobody else around."""
    todo = job(tmp_path_factory.mktemp("clean"), "none", "mixup")
    do(todo)
    return {run.key: bits(Store(todo.results), run.key) for run in todo.runs}


def unharmed(todo: Job, clean: dict[str, Any]) -> bool:
    store = Store(todo.results)
    return all(bits(store, key) == expected for key, expected in clean.items())


@pytest.mark.slow
def test_every_polluter_before_none_leaves_its_bits(tmp_path: Path, clean: dict[str, Any]) -> None:
    names = [*bad_methods.ENDURING, *bad_methods.ENDING]
    files = [str(bad_methods.write(tmp_path / "files", name)) for name in names]
    todo = job(tmp_path / "results", *files, "none", "mixup", timeout=TIMEOUT)
    do(todo)
    store = Store(todo.results)
    assert unharmed(todo, clean)
    for run in todo.runs:
        name = run.cell.method.name
        failure = store.read_failure(run.key)
        if name in bad_methods.ENDING:
            assert failure is not None, name
            assert re.search(bad_methods.ENDING[name][1], failure["reason"]), failure["reason"]
            assert "\n" not in failure["reason"]
        else:  # on a busy machine two threads may be slow enough to be ended
            late = failure is not None and "--run-timeout" in failure["reason"]
            assert store.done(run.key) or (name == "threads" and late), (name, failure)


@pytest.mark.parametrize("name", ["float64", "os_exit"])
def test_a_polluter_before_none_leaves_its_bits(
    tmp_path: Path, clean: dict[str, Any], name: str
) -> None:
    todo = job(tmp_path, str(bad_methods.write(tmp_path / "files", name)), "none", "mixup")
    do(todo)
    assert unharmed(todo, clean)
    failure = Store(todo.results).read_failure(todo.runs[0].key)
    assert (failure is None) == (name == "float64")


def test_a_method_that_keeps_the_backbone_has_the_bits_of_none(
    tmp_path: Path, clean: dict[str, Any]
) -> None:
    """Else each of its parameters would be stepped twice."""
    todo = job(tmp_path, str(bad_methods.write(tmp_path / "files", "keeps_model")), "none")
    do(todo)
    kept, none = (bits(Store(tmp_path), run.key) for run in todo.runs)
    assert kept == none


def test_a_hanging_run_ends_at_the_timeout(tmp_path: Path, clean: dict[str, Any]) -> None:
    file = str(bad_methods.write(tmp_path / "files", "hangs"))
    todo = job(tmp_path, file, "none", "mixup", timeout=TIMEOUT / 4)
    do(todo)
    failure = Store(tmp_path).read_failure(todo.runs[0].key)
    assert failure is not None and failure["reason"] == "it took longer than 5 s (--run-timeout)"
    assert unharmed(todo, clean)


CROWDED = """
import torch
from pathlib import Path
from methods.method import Method

class Crowded(Method):
    summary = "finds the memory of its device full"
    reference = "a test"

    def prepare(self, train, workspace):
        flag = Path({flag!r})
        if {always} or not flag.exists():
            flag.touch()
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train
"""


@pytest.mark.parametrize("always", [False, True])
def test_a_full_memory_halves_the_workers(tmp_path: Path, always: bool) -> None:
    file = tmp_path / "crowded.py"
    file.write_text(CROWDED.format(flag=str(tmp_path / "flag"), always=always))
    todo = job(tmp_path, str(file), "none")
    told = do(todo, workers=2)
    assert told[:1] == ["the memory of cpu is full; going on with --workers 1"]
    store, (crowded, none) = Store(tmp_path), todo.runs
    assert store.done(none.key) and store.done(crowded.key) != always
    reason = (store.read_failure(crowded.key) or {}).get("reason", "")
    assert reason.startswith("the memory of cpu is too small for this run alone") == always


class Gone(BaseException):
    """The process has ended."""


def test_a_run_whose_command_is_killed_has_not_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(code: int) -> None:
        raise Gone

    monkeypatch.setattr(os, "_exit", gone)
    todo, (ours, theirs) = job(tmp_path, "none"), Pipe()
    ours.send(todo.runs[0])
    ours.close()
    with pytest.raises(Gone):
        processes._serve(theirs, replace(todo, runs=()))
    assert Store(tmp_path).read_failure(todo.runs[0].key) is None


@pytest.mark.parametrize(
    ("said", "full"),
    [
        ("CUDA out of memory. Tried to allocate 2.00 MiB", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("[enforce fail at CPUAllocator.cpp] DefaultCPUAllocator: out of memory", False),
        ("CUDA error: device-side assert triggered", False),
    ],
)
def test_a_full_memory_is_known_by_what_libraries_say(said: str, full: bool) -> None:
    assert device_is_full(RuntimeError(said)) == full
    assert not device_is_full(ValueError(said))


def test_processes_are_dealt_to_the_devices(tmp_path: Path) -> None:
    todo = replace(job(tmp_path, "none", seeds=3), device="cuda:0,cuda:1")
    team = engine.Team(todo, 3, lambda words: None)
    for run, expected in zip(todo.runs, ("cuda:0", "cuda:1", "cuda:0"), strict=True):
        assert team._emptiest() == expected
        team.busy.append(SimpleNamespace(job=replace(todo, device=expected), run=run))


@pytest.mark.parametrize("call", ["sys.exit(0)", "os._exit(0)", "raise ValueError('x')"])
def test_a_file_that_ends_the_process_at_import_is_one_line(tmp_path: Path, call: str) -> None:
    file = bad_methods.write(tmp_path, "prints")
    file.write_text(f"{bad_methods.HEAD}\n{call}\n")
    words = ["run", "--datasets", "phantom-binary", "--methods", str(file), "--seeds", "1"]
    done = CliRunner().invoke(main, [*words, "--results", str(tmp_path / "results")])
    assert done.exit_code == 2
    assert done.output.startswith(f"error: {file} cannot be read: ")
    assert len(done.output.splitlines()) == 1


@pytest.mark.slow
def test_a_process_that_is_kept_is_replaced_after_a_method_from_a_file(
    tmp_path: Path, clean: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows and beside a GPU, where nothing is forked."""
    monkeypatch.setattr(processes, "forks", lambda device: False)
    started: list[str] = []
    begin = processes.Process.__post_init__

    def counted(self: processes.Process) -> None:
        started.append(self.run.cell.method.name)
        begin(self)

    monkeypatch.setattr(processes.Process, "__post_init__", counted)
    file = str(bad_methods.write(tmp_path / "files", "float64"))
    todo = job(tmp_path, file, "none", "mixup")
    do(todo)
    assert started == ["float64", "none"] and unharmed(todo, clean)


def children_of(store: Store, key: str) -> int:
    """The process that has the run at hand, once it has."""
    while True:
        if holder := store.holder(key):
            return holder.pid
        time.sleep(0.01)


def harm(store: Store, key: str, *signals: int) -> threading.Thread:
    """Send each of the signals to one process after another that has the run at hand."""

    def send() -> None:
        before = 0
        for number in signals:
            while (pid := children_of(store, key)) == before:
                time.sleep(0.01)
            os.kill(pid, number)
            before = pid

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


SLOW = """
import time
from methods.method import Method

class Slow(Method):
    summary = "leaves time for a signal"
    reference = "a test"

    def prepare(self, train, workspace):
        time.sleep(0.7)
        return train
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    "signals", [[signal.SIGTERM] * 3, [signal.SIGKILL], [signal.SIGHUP, signal.SIGKILL]], ids=str
)
def test_a_run_whose_process_is_ended_from_outside_is_done_all_the_same(
    tmp_path: Path, clean: dict[str, Any], signals: list[int]
) -> None:
    if any(signal.getsignal(number) is signal.SIG_IGN for number in signals):
        pytest.skip("these tests were started with nohup, which has SIGHUP ignored")
    file = tmp_path / "slow.py"
    file.write_text(SLOW)
    todo = job(tmp_path, str(file), "none", "mixup")
    thread = harm(Store(tmp_path), todo.runs[0].key, *signals)
    told = do(todo)
    thread.join(10)
    assert len(told) == len(signals) and all("once more" in words for words in told)
    assert Store(tmp_path).done(todo.runs[0].key)
    assert unharmed(todo, clean) and list(tmp_path.glob("leases/*")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_stopped_process_is_replaced_after_the_stated_time(
    tmp_path: Path, clean: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "STOPPED_SECONDS", 0.1)
    todo = job(tmp_path, "none", "mixup")
    harm(Store(tmp_path), todo.runs[0].key, signal.SIGSTOP)
    assert any("was stopped" in words for words in do(todo))
    assert unharmed(todo, clean)


def test_no_process_outlives_a_job(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    do(job(tmp_path, "none", seeds=3), workers=2)
    assert forks("cpu")
    after = [c for c in psutil.Process().children(recursive=True) if c.pid not in before]
    assert [c for c in after if c.status() != psutil.STATUS_ZOMBIE and len(c.parents()) > 2] == []


def test_whoever_waits_says_for_whom(tmp_path: Path) -> None:
    todo = job(tmp_path, "none")
    (run,) = todo.runs
    store = Store(tmp_path)
    told: list[str] = []

    def tell(words: str) -> None:
        told.append(words)
        held.__exit__(None, None, None)

    held = store.claim(run.key)
    held.__enter__()
    local(todo, 1, lambda _: None, tell)
    assert re.fullmatch(
        rf"waiting for {run}, which process {os.getpid()} on .* has at hand", told[0]
    )
    assert store.done(run.key)
