"""The time that a scheduler gives a worker: when it ends, and the signal that it ends now."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from bench.base.signals import handled
from bench.grid.cell import Run

NOTICES = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGTERM") if hasattr(signal, name))
"""What schedulers send before they end a job."""
GRACE_SECONDS = 90.0
"""So long a worker may finish its epoch; SLURM is asked to tell 120 s before the end."""


def _unknown(run: Run) -> float | None:
    return None


@dataclass
class Shift:
    """Until `ends`, by the clock; endless where a scheduler does not say.

    `seconds` is what a run is expected to take, None where that is not known. `notice` is the
    signal that told this process to leave; `fresh` whether nothing was begun yet.
    """

    ends: float = float("inf")
    seconds: Callable[[Run], float | None] = _unknown
    notice: int = 0
    fresh: bool = True

    @classmethod
    def of_slurm(cls, seconds: Callable[[Run], float | None]) -> "Shift":
        """As the environment of a SLURM job says; endless outside of one."""
        try:
            ends = float(os.environ["SLURM_JOB_END_TIME"])
        except (KeyError, ValueError):
            return cls()
        return cls(ends, seconds)

    @property
    def is_over(self) -> bool:
        """Whether it may end before all is done: by a notice, or for want of time."""
        return bool(self.notice) or self.ends < float("inf")

    def has_time_for(self, run: Run) -> bool:
        """Whether a run is expected to end within the shift; of the first this is not asked, as
        checkpoints carry over what takes longer than any shift.
        """
        if self.fresh or self.ends == float("inf"):
            return True
        needed = self.seconds(run)
        return needed is None or needed <= self.ends - time.time()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Meanwhile a notice ends no process; it is kept."""

        def hear(number: int, frame: FrameType | None) -> None:
            self.notice = number

        with handled(NOTICES, hear):
            yield
