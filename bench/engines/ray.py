"""The engine of a Ray cluster, or of a Ray of its own: long tasks that pull runs from the store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.base import process
from bench.base.errors import BenchError
from bench.engines.engine import OnPoll, Tell
from bench.engines.local import local
from bench.engines.worker import POLL_SECONDS, Job


@dataclass(frozen=True)
class Ray:
    """Each worker is a task, which Ray starts again where its process or node dies.

    `address` is that of a cluster to join; without it a Ray of this machine is started, and ended
    with the job. `gpus_per_worker` may be a fraction: so many workers share a GPU.
    """

    address: str | None = None
    gpus_per_worker: float = 0.0
    waits = True

    @property
    def here(self) -> bool:
        return self.address is None

    def __call__(self, job: Job, workers: int, on_poll: OnPoll, tell: Tell) -> None:
        ray = _ray()
        with self._cluster(ray, workers):
            task = ray.remote(num_cpus=1, num_gpus=self.gpus_per_worker, max_retries=-1)(_pull)
            place = str(Path.cwd())
            job = replace(job, results=job.results.resolve())
            pending = [task.remote(_from(job, n, workers), place) for n in range(workers)]
            while pending:
                ended, pending = ray.wait(pending, timeout=POLL_SECONDS)
                for one in ended:
                    _end(ray, one)
                on_poll(0.0)

    @contextmanager
    def _cluster(self, ray: Any, workers: int) -> Iterator[None]:
        """A connection to Ray, closed at the end."""
        own = {} if self.address else {"num_cpus": max(workers, process.cores())}
        try:
            ray.init(
                address=self.address or "local",
                include_dashboard=False if self.here else None,
                log_to_driver=False,
                logging_level="error",
                **own,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise BenchError(
                f"no Ray at {self.address or 'this machine'} ({str(error).splitlines()[0]}); "
                "start one with `ray start --head`, or leave --ray-address"
            ) from None
        try:
            yield
        finally:
            ray.shutdown()


def _ray() -> Any:
    """Ray, told to report nothing."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError:
        raise BenchError("the engine ray needs Ray: pip install 'medaug-bench[ray]'") from None
    return ray


def _from(job: Job, number: int, workers: int) -> Job:
    """The same job, begun elsewhere, so that workers rarely want the same run."""
    first = number * len(job.runs) // workers
    return replace(job, runs=job.runs[first:] + job.runs[:first])


def _pull(job: Job, place: str) -> None:
    """What a task does: whatever nobody else does, one run at a time."""
    if Path(place).is_dir():
        os.chdir(place)
    local(job, 1, lambda fraction: None)


def _end(ray: Any, task: Any) -> None:
    """Raises what ended a task early."""
    try:
        ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, BenchError):
            raise error.cause from None
        raise
