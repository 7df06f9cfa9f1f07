"""What an engine is: it has the runs of a job done by workers, who share the store alone."""

from collections.abc import Callable
from typing import Protocol

from bench.engines.worker import Job

OnPoll = Callable[[float], None]
Tell = Callable[[str], None]


class Engine(Protocol):
    """Called with a job, it does what nobody else does of it, or hands it to who does.

    `on_poll` is told, twice a second, the sum of the finished fractions of the runs at hand; `tell`
    what the user should know.
    """

    @property
    def here(self) -> bool:
        """Whether runs are done on this machine, whose devices then count."""

    @property
    def waits(self) -> bool:
        """Whether the call ends with the job; else others do it meanwhile."""

    def __call__(self, job: Job, workers: int, on_poll: OnPoll, tell: Tell) -> None: ...
