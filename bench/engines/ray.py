"""The engine of a Ray cluster, or of a Ray of its own: long tasks that pull runs from the store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from bench.base import process
from bench.base.errors import BenchError
from bench.engines.engine import OnPoll, Tell
from bench.engines.local import local
from bench.engines.shard import Shard
from bench.engines.worker import POLL_SECONDS, Job

OWN = {"include_dashboard": False, "object_store_memory": 100_000_000}
"""Of a Ray that is started here: only runs by name pass through it."""


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
            shared = ray.put(replace(job, results=job.results.resolve()))
            place = str(Path.cwd())
            raylets = [one for one in psutil.Process().children() if one.name() == "raylet"]
            pending = [task.remote(shared, Shard(n + 1, workers), place) for n in range(workers)]
            while pending:
                ended, pending = ray.wait(pending, timeout=POLL_SECONDS)
                for one in ended:
                    _end(ray, one)
                _check(raylets)
                on_poll(0.0)

    @contextmanager
    def _cluster(self, ray: Any, workers: int) -> Iterator[None]:
        """A connection to Ray, closed at the end."""
        own = {} if self.address else OWN | {"num_cpus": max(workers, process.cores())}
        quiet = {"log_to_driver": False, "logging_level": "error"}
        try:
            ray.init(address=self.address or "local", **quiet, **own)
        except Exception as error:  # of no kind of its own, where a Ray is too slow to start
            reason = str(error).partition("\n")[0]
            raise BenchError(
                f"no Ray at {self.address} ({reason}); start one with `ray start --head`, or leave "
                "--ray-address out"
                if self.address
                else f"Ray did not start ({reason}); the same command tries again, and --engine "
                "local needs none"
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


def _pull(job: Job, shard: Shard, place: str) -> None:
    """What a task does: whatever nobody else does, one run at a time."""
    if Path(place).is_dir():
        os.chdir(place)
    local(replace(job, runs=shard.first(job.runs)), 1, lambda fraction: None)


def _check(raylets: list[psutil.Process]) -> None:
    """Raises BenchError where a Ray that was started here has died; it would end this process."""
    if not all(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in raylets):
        raise BenchError("Ray has died; re-running the same command resumes it")


def _end(ray: Any, task: Any) -> None:
    """Raises what ended a task early."""
    try:
        ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, BenchError):
            raise error.cause from None
        raise
