"""What an engine is: it does the runs of a job with so many workers; the store is all they share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bench.base.errors import BenchError, unknown
from bench.engines.worker import Job
from bench.grid.cell import Run

OnPoll = Callable[[float], None]
Tell = Callable[[str], None]
ENGINES = ("local", "ray", "slurm")
MOST_SHARDS = 100_000


class Engine(Protocol):
    """Called with a job, it does what nobody else does of it, or hands it to who does.

    `on_poll` is told, twice a second, the sum of the finished fractions of the runs at hand; `tell`
    what the user should know.
    """

    here: bool
    """Whether runs are done on this machine, whose devices then count."""
    waits: bool
    """Whether the call ends with the job; else others do it meanwhile."""

    def __call__(self, job: Job, workers: int, on_poll: OnPoll, tell: Tell) -> None: ...


def engine(name: str) -> Engine:
    """The engine of that name, with what it does by default. Raises BenchError for a wrong name."""
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    if name == "ray":
        from bench.engines.ray import Ray

        return Ray()
    if name == "slurm":
        from bench.engines.slurm import Slurm

        return Slurm()
    from bench.engines.local import Local

    return Local()


@dataclass(frozen=True)
class Shard:
    """The `number`-th of `of` parts; a run's key says in which it is, whatever else is asked for."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """`2/8`. Raises BenchError."""
        number, slash, of = text.partition("/")
        if not (slash and number.isdecimal() and of.isdecimal() and number.isascii()):
            raise BenchError(f"shard {text!r}: write which part of how many, such as 2/8")
        if not 1 <= int(number) <= int(of) <= MOST_SHARDS:
            raise BenchError(
                f"shard {text!r}: parts are 1/{of} to {of}/{of}, at most {MOST_SHARDS:,}"
            )
        return cls(int(number), int(of))

    def holds(self, run: Run) -> bool:
        return int(run.key, 16) % self.of == self.number - 1
