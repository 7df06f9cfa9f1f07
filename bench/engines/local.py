"""The engine of one machine: this process, or spawned workers."""

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawArray
from types import ModuleType
from typing import Any

from bench.base.errors import BenchError
from bench.engines.worker import POLL_SECONDS, Job, work
from bench.store.records import Store

CRASHES = 2
"""A run whose worker died so often within one command counts as failed."""
RESTARTS = 20
"""So many dead workers are replaced within one command."""


def local(job: Job, workers: int, on_poll: Callable[[float], None]) -> None:
    """Do a job on this machine, in this process or with spawned workers.

    `on_poll` is told, twice a second, the sum of the finished fractions of the runs at hand. A
    worker that dies is replaced; a run whose worker died twice is stored as failed.
    Raises BenchError where a worker cannot write.
    """
    if workers == 1:
        work(job, on_poll)
        return
    context = get_context("spawn")
    fractions = RawArray("d", workers)
    crashes: Counter[str] = Counter()

    def start(index: int) -> tuple[BaseProcess, Any]:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_worker, args=(job, index, fractions, theirs))
        with _without_main():
            process.start()
        theirs.close()
        return process, ours

    team = [start(index) for index in range(workers)]
    restarts = 0
    try:
        while any(process.exitcode is None for process, _ in team):
            connection.wait([p.sentinel for p, _ in team if p.exitcode is None], POLL_SECONDS)
            for index, (process, pipe) in enumerate(team):
                if process.exitcode in (None, 0):
                    continue
                if process.exitcode > 0:
                    raise BenchError(_last_words(pipe) or f"a worker ended ({process.exitcode})")
                restarts += 1
                if restarts > RESTARTS:
                    raise BenchError("workers keep dying; out of memory? try fewer --workers")
                fractions[index] = 0.0
                _count_crash(job, process, crashes)
                team[index] = start(index)
            on_poll(sum(fractions))
    finally:
        for process, _ in team:
            process.terminate()
        for process, _ in team:
            process.join()


@contextmanager
def _without_main() -> Iterator[None]:
    """A process that is spawned here does not execute the user's script again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _count_crash(job: Job, process: BaseProcess, crashes: "Counter[str]") -> None:
    store = Store(job.results)
    runs = {run.key: run for run in job.runs}
    for key, pid in store.leases().items():
        if pid != process.pid or key not in runs:
            continue
        crashes[key] += 1
        if crashes[key] >= CRASHES:
            name = signal.Signals(-(process.exitcode or 0)).name
            reason = f"its worker died {CRASHES} times, last by {name} (out of memory?)"
            store.fail(key, runs[key].describe() | {"key": key, "reason": reason})


def _worker(job: Job, index: int, fractions: Any, pipe: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def on_progress(fraction: float) -> None:
        fractions[index] = fraction

    try:
        work(job, on_progress)
    except BenchError as error:
        pipe.send(str(error))
        sys.exit(1)


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _last_words(pipe: Any) -> str:
    try:
        return str(pipe.recv()) if pipe.poll() else ""
    except EOFError:
        return ""
