"""The engine of one machine: processes that do runs, watched by the command."""

import signal
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing import connection

from bench.base.errors import BenchError
from bench.engines.process import Process, warm_up
from bench.engines.shard import Shard
from bench.engines.shift import GRACE_SECONDS, Shift
from bench.engines.worker import POLL_SECONDS, WAITING_SHARE, Job, remaining, settled
from bench.grid.cell import Run
from bench.store.leases import STOPPED_SECONDS
from bench.store.records import Store

CRASHES = 2
"""A run whose process died so often within one command counts as failed."""
RESTARTS = 20
"""So many processes may die, one after another, without a run that ends."""
IN_VAIN = 16
"""After so many looks at runs that are done, one after another, the store is listed."""
PUT_OFF_SECONDS = 2.0
"""A run that waits for what another makes is tried again after so long."""
TELLING_SECONDS = 60.0
"""How often it is said for whom is waited."""
ASKED_TO_END = tuple(
    -getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)
)
"""Exit codes of a process that somebody ended: no fault of its run."""


@dataclass(frozen=True)
class Local:
    """This machine. A `shift` ends when a scheduler says so; what is at hand is then saved. With a
    `shard` the runs of that part come first.
    """

    shift: Shift | None = None
    shard: Shard | None = None
    here = waits = True

    def __call__(
        self, job: Job, workers: int, on_poll: Callable[[float], None], tell: Callable[[str], None]
    ) -> None:
        runs = self.shard.first(job.runs) if self.shard else job.runs
        job = replace(job, runs=runs, leaves=self.shift is not None)
        local(job, workers, on_poll, tell, self.shift)


def local(
    job: Job,
    workers: int,
    on_poll: Callable[[float], None],
    tell: Callable[[str], None] = lambda words: None,
    shift: Shift | None = None,
) -> None:
    """Do a job on this machine, so many runs at a time, each in a process that is watched.

    `on_poll` is told, twice a second, the sum of the finished fractions of the runs at hand;
    `tell` what the user should know. A process that ends early is replaced; a run whose process did
    so twice, or that took longer than `run_timeout`, is stored as failed. Raises BenchError where
    nothing can be written. Within a `shift`, whose signals are listened to, it returns where these
    tell it to leave.
    """
    warm_up(job.device)
    team, polled = Team(job, workers, tell, shift), 0.0
    try:
        while (team.busy or team.pending) and not team.shift.notice:
            team.begin()
            team.listen()
            if time.monotonic() - polled >= POLL_SECONDS:
                on_poll(sum(process.fraction for process in team.busy))
                polled = time.monotonic()
        team.leave()
    finally:
        team.end()


class Team:
    """The processes of a command, the runs that they have at hand, and those still to do."""

    def __init__(
        self, job: Job, workers: int, tell: Callable[[str], None], shift: Shift | None = None
    ) -> None:
        self.job, self.workers, self.tell, self.shift = job, workers, tell, shift or Shift()
        self.store = Store(job.results)
        self.pending = deque(job.runs)
        self.busy: list[Process] = []
        self.idle: list[Process] = []
        self.crashes: Counter[str] = Counter()
        self.restarts = self.in_vain = 0
        self.looks_again = self.tells_again = 0.0
        self.put_off: dict[str, float] = {}

    def begin(self) -> None:
        """Give what nobody does to processes that have nothing to do."""
        began = time.monotonic()
        if began < self.looks_again:
            return
        for _ in range(len(self.pending)):
            if len(self.busy) >= self.workers or not self.pending:
                return
            run = self.pending.popleft()
            if settled(self.store, run):
                self._pass_over()
                continue
            if not self.shift.has_time_for(run):
                continue
            if began < self.put_off.get(run.key, 0.0) or self.store.leased(run.key):
                self.pending.append(run)
            else:
                self._start(run)
        looked = time.monotonic() - began
        self.looks_again = began + max(POLL_SECONDS, WAITING_SHARE * looked)
        self._say_who_is_waited_for()

    def listen(self) -> None:
        """Hear what processes tell, and see to those that ended, stopped or took too long."""
        events = [event for process in self.busy for event in process.events]
        if events:
            connection.wait(events, POLL_SECONDS)
        else:
            time.sleep(POLL_SECONDS if self.pending else 0)
        for process in list(self.busy):
            ended = process.exitcode is not None  # asked before its last words are heard
            if not self._hear(process):
                self._look_after(process, ended)

    def leave(self) -> None:
        """Let processes save what they have at hand after the epoch, while there is time."""
        for process in self.busy:
            process.leave()
        until = time.monotonic() + GRACE_SECONDS
        while self.busy and time.monotonic() < until:
            self.listen()

    def end(self) -> None:
        """End all processes; what they had at hand is free again."""
        for process in (*self.busy, *self.idle):
            process.end()
            self.store.release(process.run.key)

    def _start(self, run: Run) -> None:
        self.shift.fresh, self.in_vain = False, 0
        if self.idle:
            process = self.idle.pop()
            process.give(run)
        else:
            process = Process(replace(self.job, device=self._emptiest()), run)
        self.busy.append(process)

    def _pass_over(self) -> None:
        """Others have done a run. When many were met, all that they did is listed at once, which
        costs less than to meet each.
        """
        self.in_vain += 1
        if self.in_vain == IN_VAIN:
            self.pending = deque(remaining(self.store, self.pending))
            self.in_vain = 0

    def _emptiest(self) -> str:
        """The device with the fewest processes."""
        held = Counter(process.job.device for process in (*self.busy, *self.idle))
        return min(self.job.device.split(","), key=held.__getitem__)

    def _hear(self, process: Process) -> bool:
        """Whether the process is through with its run."""
        for kind, what in process.heard():
            if kind == "at":
                process.fraction = what
            elif kind == "cannot":
                raise BenchError(what)
            elif kind == "crowded":
                self._make_room(process)
                return True
            else:
                self.restarts = 0
                if not what:
                    self.put_off[process.run.key] = time.monotonic() + PUT_OFF_SECONDS
                self._put_away(process, again=not what)
                return True
        return False

    def _make_room(self, process: Process) -> None:
        """Its device has no memory left: its run once more, with half as many workers beside it.

        Only a run that is crowded out when it is alone has failed.
        """
        device = process.job.device
        if len(self.busy) == 1:
            mend = "lower --set batch_size, or see what else is on it"
            self._fail(process, f"the memory of {device} is too small for this run alone; {mend}")
            return
        if len(self.busy) <= self.workers:
            self.workers = max(1, len(self.busy) // 2)
            self.tell(f"the memory of {device} is full; going on with --workers {self.workers}")
        self._put_away(process, again=True, ends=True)

    def _look_after(self, process: Process, ended: bool) -> None:
        limit = self.job.run_timeout
        if ended:
            self._count_end(process)
        elif limit and time.monotonic() - process.began > limit:
            self._fail(process, f"it took longer than {limit:g} s (--run-timeout)")
        elif process.stopped_seconds() > STOPPED_SECONDS:
            self.tell(f"{process.run}: its process was stopped for a minute; it is done anew")
            self._put_away(process, again=True, ends=True)

    def _count_end(self, process: Process) -> None:
        """A process that ended before its run: once more, or the run has failed."""
        code, key = process.exitcode or 0, process.run.key
        self.crashes[key] += code not in ASKED_TO_END
        self.restarts += 1
        if self.restarts > RESTARTS:
            raise BenchError("processes keep dying; out of memory? try fewer --workers")
        if self.crashes[key] >= CRASHES:
            self._fail(process, f"its process {_cause(code)}")
        else:
            self.tell(f"{process.run}: its process {_end(code)}; once more")
            self._put_away(process, again=True, ends=True)

    def _fail(self, process: Process, reason: str) -> None:
        run = process.run
        self._put_away(process, again=False, ends=True)
        self.store.fail(run.key, run.describe() | {"key": run.key, "reason": reason})
        self.restarts = 0

    def _put_away(self, process: Process, again: bool, ends: bool = False) -> None:
        """Take its run from a process; `again` puts the run at the end of what is to be done."""
        self.busy.remove(process)
        self.looks_again = 0.0
        if again:
            self.pending.append(process.run)
        room = len(self.busy) + len(self.idle) < self.workers
        if process.keeps_on() and room and not ends:
            self.idle.append(process)
            return
        process.end()
        self.store.release(process.run.key)

    def _say_who_is_waited_for(self) -> None:
        if self.busy or not self.pending or time.monotonic() < self.tells_again:
            return
        self.tells_again = time.monotonic() + TELLING_SECONDS
        run = self.pending[0]
        if holder := self.store.holder(run.key):
            more = f", and {len(self.pending) - 1} more" * (len(self.pending) > 1)
            stopped = " (stopped)" if holder.state() == "stopped" else ""
            self.tell(f"waiting for {run}, which {holder} has at hand{stopped}{more}")


def _end(code: int) -> str:
    if code < 0:
        return f"died by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _cause(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        return f"died {CRASHES} times, last by {name} (out of memory, or killed from outside?)"
    return (
        f"ended {CRASHES} times before the run was done, last with exit code {code} "
        "(does the method call os._exit?)"
    )
