"""What workers of every engine run: `work`, which does the runs of a job that nobody else does."""

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.base import plugins
from bench.base.errors import BenchError
from bench.base.files import StoreError
from bench.grid.cell import Run
from bench.store.doctor import disagreement
from bench.store.records import Store

CHECKPOINT_SECONDS = 30.0
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
    """Or several, with commas between: processes are dealt to them."""
    run_timeout: float | None = None
    """Seconds after which a run is ended and has failed."""
    leaves: bool = False
    """Whether a scheduler may end it: a process that is told to leave saves its run first."""
    asked: tuple[str, ...] = ()
    """Options of `bench work`, one text a study, that ask for these runs."""


class LeftError(Exception):
    """A run was saved, and left to whoever comes next."""


class CrowdedError(Exception):
    """The memory of the device was full."""


def work(job: Job, on_progress: OnProgress = lambda fraction: None) -> None:
    """Do whatever of a job is neither done, failed nor another worker's, until all is.

    `on_progress` is told the finished fraction of the run at hand. A run that fails leaves its
    traceback in the store and does not stop the others. Raises StoreError where the results
    folder cannot be written.
    """
    from bench.training.execute import prepare_process

    prepare_process(job.device)
    worker, pending = Worker(job), list(job.runs)
    while pending:
        began, waiting = time.monotonic(), []
        for run in pending:
            if not worker.attempt(run, on_progress):
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
        self._leaving = False

    def leave(self) -> None:
        """Save the run at hand after its epoch, and put it off."""
        self._leaving = True

    def attempt(self, run: Run, on_progress: OnProgress) -> bool:
        """Whether the run is done or has failed; else another worker holds it, or it is put off."""
        if settled(self.store, run):
            return True
        with self.store.claim(run.key) as ours:
            return ours and (self.store.done(run.key) or self.do(run, on_progress))

    def do(self, run: Run, on_progress: OnProgress) -> bool:
        """Execute and publish a run, or store why it failed; false where it must be put off."""
        from bench.training.trainer import DivergedError
        from methods.method import NotYetError

        try:
            self._publish(run, self._execute(run, on_progress))
        except StoreError:
            raise
        except (NotYetError, LeftError):
            return False
        except DivergedError as error:
            self._fail(run, str(error), curves=error.curves)
        except BenchError as error:
            self._fail(run, str(error))
        except SystemExit as error:
            self._fail(run, f"sys.exit({error.code}) is called{place(run, error)}")
        except Exception as error:
            if device_is_full(error):
                raise CrowdedError from error
            reason = f"{type(error).__name__}: {one_line(error)}{place(run, error)}"
            self._fail(run, reason, traceback=traceback.format_exc())
        return True

    def _execute(self, run: Run, on_progress: OnProgress) -> Any:
        from bench.training.execute import execute
        from bench.training.state import Watch

        saved = time.monotonic()

        def on_epoch(training: Any) -> None:
            nonlocal saved
            if self._leaving or time.monotonic() - saved >= CHECKPOINT_SECONDS:
                self.store.save_checkpoint(run.key, training.state())
                saved = time.monotonic()
            if self._leaving:
                raise LeftError

        return execute(
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

    def _publish(self, run: Run, outcome: Any) -> None:
        from bench.training.environment import environment, environment_hash

        self.store.write_environment(environment_hash(), environment())
        for source in (run.cell.method.source, run.cell.backbone_source):
            if plugins.is_file(source):
                self.store.keep_plugin(plugins.split(source)[0])
        self.store.write_data(self._dataset(run).info)
        self.store.publish(run.key, outcome.record, outcome.scores, outcome.targets)
        if reason := disagreement(self.store, run.key):  # read back from the disk
            self.store.set_aside(run.key)
            raise BenchError(f"the record that was written does not hold: {reason}")

    def _dataset(self, run: Run) -> Any:
        from bench.data.dataset import open_dataset

        place = (run.cell.source, run.cell.source_size)
        if self._opened is None or self._opened[0] != place:
            self._opened = (place, open_dataset(*place, self.job.data_dir))
        return self._opened[1]

    def _fail(self, run: Run, reason: str, **more: Any) -> None:
        self.store.fail(run.key, run.describe() | {"key": run.key, "reason": reason} | more)


def device_is_full(error: Exception) -> bool:
    """Whether there was no memory left on an accelerator; libraries say it in several ways."""
    said = str(error).lower()
    full = "out of memory" in said or "alloc_failed" in said
    return isinstance(error, RuntimeError) and full and "cpu" not in said


def place(run: Run, error: BaseException) -> str:
    """Where in the user's own file an error came from, in words; "" where it did not."""
    own = {
        plugins.split(source)[0].resolve()
        for source in (run.cell.method.source, run.cell.backbone_source)
        if plugins.is_file(source)
    }
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).resolve() in own:
            return f" ({Path(frame.filename).name}, line {frame.lineno}, in {frame.name})"
    return ""


def one_line(error: Exception) -> str:
    """What an error says, shortened to a line."""
    return " ".join(str(error).split())[:300]


def remaining(store: Store, runs: Iterable[Run]) -> list[Run]:
    """The runs that have neither a record nor a failure; the store is listed once."""
    settled = {*store, *store.failed()}
    return [run for run in runs if run.key not in settled]


def settled(store: Store, run: Run) -> bool:
    """Whether a run has a record or a failure."""
    return store.done(run.key) or store.failure_path(run.key).exists()
