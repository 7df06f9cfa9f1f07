"""Engines: what starts workers. All of them run `work()`; the store is all they share."""

import os
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any

from bench.base.errors import BenchError
from bench.base.files import StoreError
from bench.grid.cell import Run
from bench.store.records import Store

CHECKPOINT_SECONDS = 30.0
CRASHES = 2
"""A run whose worker died so often within one command counts as failed."""
RESTARTS = 20
"""So many dead workers are replaced within one command."""
POLL_SECONDS = 0.5
WAITING_SHARE = 4
"""While others hold all that is left, a worker rests so many times as long as it looks."""

OnProgress = Callable[[float], None]


@dataclass(frozen=True)
class Job:
    """What every worker of a command shares."""

    runs: tuple[Run, ...]
    results: Path
    data_dir: Path | None
    device: str


def work(job: Job, on_progress: OnProgress = lambda fraction: None) -> None:
    """Do whatever of a job is neither done, failed nor another worker's, until all is.

    `on_progress` is told the finished fraction of the run at hand. A run that fails leaves its
    traceback in the store and does not stop the others. Raises StoreError where the results
    folder cannot be written.
    """
    from bench.training.execute import prepare_process

    prepare_process(job.device)
    store, worker = Store(job.results), Worker(job)
    pending = list(job.runs)
    while pending:
        began, waiting = time.monotonic(), []
        for run in pending:
            if store.done(run.key) or store.failure_path(run.key).exists():
                continue
            with store.claim(run.key) as ours:
                if not ours or (not store.done(run.key) and not worker.do(run, on_progress)):
                    waiting.append(run)
            on_progress(0.0)
        if waiting == pending:
            time.sleep(max(POLL_SECONDS, WAITING_SHARE * (time.monotonic() - began)))
        pending = waiting


class Worker:
    """Does runs one after another; keeps the dataset that it opened last."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.store = Store(job.results)
        self._opened: tuple[tuple[str, int], Any] | None = None

    def do(self, run: Run, on_progress: OnProgress) -> bool:
        """Execute and publish a run, or store why it failed; false where it must be put off."""
        from bench.training.environment import environment, environment_hash
        from bench.training.execute import execute
        from bench.training.state import Watch
        from bench.training.trainer import DivergedError
        from methods.method import NotYetError

        saved = time.monotonic()

        def on_epoch(training: Any) -> None:
            nonlocal saved
            if time.monotonic() - saved >= CHECKPOINT_SECONDS:
                self.store.save_checkpoint(run.key, training.state())
                saved = time.monotonic()

        try:
            outcome = execute(
                run,
                device=self.job.device,
                dataset=self._dataset(run),
                workshop=self.job.results / "generated",
                watch=Watch(
                    on_step=lambda step, steps: on_progress(step / steps),
                    on_epoch=on_epoch,
                    resume=self.store.load_checkpoint(run.key),
                ),
            )
        except StoreError:
            raise
        except NotYetError:
            return False
        except DivergedError as error:
            self._fail(run, str(error), curves=error.curves)
        except BenchError as error:
            self._fail(run, str(error))
        except Exception as error:
            self._fail(run, f"{type(error).__name__}: {error}", traceback=traceback.format_exc())
        else:
            self.store.write_environment(environment_hash(), environment())
            self.store.publish(run.key, outcome.record, outcome.scores, outcome.targets)
        return True

    def _dataset(self, run: Run) -> Any:
        from bench.data.dataset import open_dataset

        place = (run.cell.source, run.cell.source_size)
        if self._opened is None or self._opened[0] != place:
            self._opened = (place, open_dataset(*place, self.job.data_dir))
        return self._opened[1]

    def _fail(self, run: Run, reason: str, **more: Any) -> None:
        self.store.fail(run.key, run.describe() | {"key": run.key, "reason": reason} | more)


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


def remaining(store: Store, runs: Sequence[Run]) -> list[Run]:
    """The runs that have neither a record nor a failure."""
    return [r for r in runs if not store.done(r.key) and not store.failure_path(r.key).exists()]
