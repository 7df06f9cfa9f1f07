"""A part of the runs, the same on every machine: where a worker begins, or all that it does."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import filterfalse

from bench.base.errors import BenchError
from bench.grid.cell import Run

MOST = 100_000


@dataclass(frozen=True)
class Shard:
    """Part `number` of `of`; a run's key says in which it is, whatever else is asked for."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """`2/8`. Raises BenchError."""
        number, slash, of = text.partition("/")
        if not (slash and number.isdecimal() and of.isdecimal() and text.isascii()):
            raise BenchError(f"shard {text!r}: write which part of how many, such as 2/8")
        if not 1 <= int(number) <= int(of) <= MOST:
            raise BenchError(f"shard {text!r}: parts are 1/{of} to {of}/{of}, at most {MOST:,}")
        return cls(int(number), int(of))

    def holds(self, run: Run) -> bool:
        return int(run.key, 16) % self.of == self.number - 1

    def first(self, runs: Sequence[Run]) -> tuple[Run, ...]:
        """These runs, those of this part first, so that workers rarely want the same one.

        The others follow in an order of this part's own: who is through helps all alike.
        """
        others = list(filterfalse(self.holds, runs))
        random.Random(self.number).shuffle(others)
        return (*filter(self.holds, runs), *others)
