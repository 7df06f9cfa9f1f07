"""A process that does runs for a command: what it is told, what it tells, how it ends.

On Linux and macOS processes come from a fork server that has imported what runs need, so that each
run can have its own: what a method does to its process, no other run sees. On Windows and beside a
GPU, which a forked process cannot use, a process is started anew and keeps on for the project's own
methods.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any, TypeVar

from bench.base import plugins
from bench.base import process as system
from bench.base.errors import BenchError
from bench.engines import forkserver
from bench.engines.shift import NOTICES
from bench.engines.worker import CrowdedError, Job, Worker, one_line
from bench.grid.cell import Run

TELLING_SECONDS = 0.2
Value = TypeVar("Value")


def forks(device: str) -> bool:
    """Whether each run gets a process of its own from the fork server."""
    import torch

    return sys.platform != "win32" and device == "cpu" and not torch.cuda.is_available()


def warm_up(device: str) -> None:
    """Start the fork server, which imports while this process does something else."""
    if forks(device):
        forkserver.start()


@dataclass
class Process:
    """A process and the run that it has at hand; `fraction` of it is done."""

    job: Job
    run: Run
    fraction: float = 0.0
    began: float = field(default_factory=time.monotonic)
    stopped: float | None = None

    def __post_init__(self) -> None:
        self._forked = forks(self.job.device)
        self._process, self.pipe = _started(_serve, self.job.device, replace(self.job, runs=()))
        self.began_system = system.began(self._process.pid)
        self.pipe.send(self.run)

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def exitcode(self) -> int | None:
        code: int | None = self._process.exitcode
        return code

    @property
    def events(self) -> list[Any]:
        """What becomes ready when there is something to hear."""
        return [self.pipe, self._process.sentinel]

    def keeps_on(self) -> bool:
        """Whether it can do another run after this one."""
        cell = self.run.cell
        foreign = plugins.is_file(cell.method.source) or plugins.is_file(cell.backbone_source)
        return not self._forked and not foreign

    def give(self, run: Run) -> None:
        """The next run."""
        self.run, self.fraction, self.began = run, 0.0, time.monotonic()
        self.pipe.send(run)

    def heard(self) -> Iterator[tuple[str, Any]]:
        """What it has told since: `at` a fraction, `settled` or not, `cannot` and why, or
        `crowded`: the memory of its device is full.
        """
        with suppress(EOFError, OSError):
            while self.pipe.poll():
                yield self.pipe.recv()

    def stopped_seconds(self) -> float:
        """For how long it has been stopped, as by SIGSTOP; 0 where it is not."""
        if system.state(self.pid, self.began_system) != "stopped":
            self.stopped = None
        elif self.stopped is None:
            self.stopped = time.monotonic()
        return 0.0 if self.stopped is None else time.monotonic() - self.stopped

    def leave(self) -> None:
        """Ask it to save its run and put it off; on Windows it cannot be asked."""
        if NOTICES and self.exitcode is None and sys.platform != "win32":
            os.kill(self.pid, NOTICES[0])

    def end(self) -> None:
        """End it, whatever it does."""
        self.pipe.close()
        if self.exitcode is None:
            self._process.kill()
        elif self._forked and system.state(self.pid, self.began_system) != "dead":
            os.kill(self.pid, signal.SIGKILL)  # the fork server is gone, its child is not
        self._process.join()


def call(function: Callable[..., Value], device: str, *given: Any) -> Value:
    """What a function returns in a process that is started as those of runs are.

    Raises BenchError where it fails.
    """
    process, pipe = _started(_answer, device, function, given)
    try:
        value, error = pipe.recv()
    except EOFError:
        value, error = None, "its process died; out of memory?"
    process.join()
    if error:
        raise BenchError(error)
    return value  # type: ignore[no-any-return]


def _answer(pipe: Any, function: Callable[..., Value], given: tuple[Any, ...]) -> None:
    try:
        _tell(pipe, (function(*given), ""))
    except Exception as error:
        _tell(pipe, (None, f"{type(error).__name__}: {one_line(error)}"))


def _tell(pipe: Any, message: Any) -> None:
    """Say it to the parent. Where that is gone, this process ends: the run at hand did not fail."""
    try:
        pipe.send(message)
    except ConnectionError:
        os._exit(1)


def _started(target: Callable[..., None], device: str, *given: Any) -> tuple[Any, Any]:
    """A process that was started where runs may be done, and this end of its pipe."""
    context: Any = get_context("forkserver" if forks(device) else "spawn")
    ours, theirs = context.Pipe()
    place = dict(os.environ), str(Path.cwd())
    process = context.Process(target=_begin, args=(*place, target, theirs, *given))
    with forkserver.without_main(), forkserver.interrupts_blocked():
        process.start()
    theirs.close()
    return process, ours


def _begin(
    environment: dict[str, str], folder: str, target: Callable[..., None], *given: Any
) -> None:
    """Settle in, as in the parent, and begin."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.dup2(2, 1)  # what a method prints is no result
    threading.Thread(target=_die_with_parent, daemon=True).start()
    target(*given)


def _serve(pipe: Any, job: Job) -> None:
    """Do the runs that come through the pipe, until it is closed."""
    from bench.training.execute import prepare_process

    prepare_process(job.device)
    worker, told = Worker(job), 0.0
    for number in NOTICES if job.leaves else ():
        signal.signal(number, lambda number, frame: worker.leave())

    def on_progress(fraction: float) -> None:
        nonlocal told
        if time.monotonic() - told > TELLING_SECONDS:
            _tell(pipe, ("at", fraction))
            told = time.monotonic()

    with suppress(EOFError, ConnectionError):
        while True:
            run = pipe.recv()
            try:
                _tell(pipe, ("settled", worker.attempt(run, on_progress)))
            except BenchError as error:
                _tell(pipe, ("cannot", str(error)))
            except CrowdedError:
                _tell(pipe, ("crowded", None))


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
