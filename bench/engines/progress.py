"""Progress of a grid, read from the store: a bar in a terminal, a line in a notebook, else plain
lines.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bench.base.words import visible
from bench.engines.worker import remaining
from bench.grid.cell import Run
from bench.store.records import Store

SETTLED = 0.02
"""The fraction of the work after which the remaining time is worth telling."""
LOOKING_SHARE = 200
"""Between two looks at the store pass so many times as many seconds as one takes."""
SILENCE = 60.0
"""Seconds after which a plain line is printed though no run has ended."""


def console(stderr: bool = False) -> Console:
    """Where words for the user go: as wide as the terminal, 120 columns elsewhere."""
    width = None if sys.stdout.isatty() else 120
    return Console(stderr=stderr, width=width, soft_wrap=False, markup=False)


def in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel, which shows what IPython displays."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def notebook_line() -> Callable[[str], None]:
    """A line of a notebook that each call writes over."""
    from IPython.display import Pretty, display

    handle = display(Pretty(""), display_id=True)
    return lambda text: handle.update(Pretty(text))


class GridProgress:
    """Follows runs until each has a record or a failure; call it with the fractions at hand.

    `seconds` are what runs are expected to take; one that it lacks counts as their mean. With
    `lines` each run that ends has one, wherever there is no bar.
    """

    def __init__(
        self,
        store: Store,
        runs: Sequence[Run],
        console: Console,
        seconds: Mapping[Run, float] | None = None,
        lines: bool = True,
    ) -> None:
        self.store = store
        self.console, self.lines = console, lines
        self.looks_again = 0.0
        self.pending = list(runs)
        self.total = len(runs)
        known = dict(seconds or {})
        mean = sum(known.values()) / len(known) if known else 1.0
        self.seconds = {run: known.get(run, mean) for run in runs}
        self.ahead = self.work = sum(self.seconds.values())
        self.start = self.printed = time.monotonic()
        self.bar = Progress(
            TextColumn("{task.completed:.0f}/{task.total:.0f} runs"),
            BarColumn(),
            TextColumn("{task.description}"),
            console=console,
        )
        self.task = self.bar.add_task("", total=self.total)
        self.line = notebook_line() if in_notebook() else None

    def __enter__(self) -> "GridProgress":
        if self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self.bar.stop()

    def __call__(self, fractions: float) -> None:
        ended = self._ended()
        self.ahead -= sum(self.seconds[run] for run in ended)
        finished = min(self.total, self.total - len(self.pending) + fractions)
        left = self._left(fractions)
        self.bar.update(self.task, completed=finished, description=left)
        lines = [self._line(run) for run in ended] if self.lines else []
        if self.line:
            self.line(f"{finished:.0f}/{self.total} runs{left and ', '}{left}")
            lines = [line for line in lines if ": failed, " in line]
        elif not self.console.is_terminal:
            before = self.total - len(self.pending) - len(lines)
            numbered = [f"{n}/{self.total} {line}" for n, line in enumerate(lines, before + 1)]
            if not lines and time.monotonic() - self.printed > SILENCE:
                numbered = [f"{before}/{self.total} at work"]
            lines = [f"{line}{left and ', '}{left}" for line in numbered]
        for line in lines:
            self.console.print(line, highlight=False)
            self.printed = time.monotonic()

    def say(self, words: str) -> None:
        """A line of its own."""
        self.console.print(words, highlight=False)

    def end(self) -> None:
        """A last look."""
        self.looks_again = 0.0
        self(0.0)

    def _ended(self) -> list[Run]:
        """Take the runs that have ended since the last look out of the pending ones."""
        began = time.monotonic()
        if began < self.looks_again:
            return []
        ahead = set(remaining(self.store, self.pending))
        ended = [run for run in self.pending if run not in ahead]
        self.pending = [run for run in self.pending if run in ahead]
        self.looks_again = began + LOOKING_SHARE * (time.monotonic() - began)
        return ended

    def _left(self, fractions: float) -> str:
        at_hand = fractions * self.ahead / max(1, len(self.pending))
        ahead = max(0.0, self.ahead - at_hand)
        done = self.work - ahead
        if done < SETTLED * self.work:
            return ""
        return f"{duration((time.monotonic() - self.start) * ahead / done)} left"

    def _line(self, run: Run) -> str:
        if failure := self.store.read_failure(run.key):
            return f"{run}: failed, {visible(str(failure['reason']))}"
        record = self.store.read(run.key)
        spent = sum(record["cost"]["seconds"].values())
        found = record["validation"] if run.tunes else record["metrics"]
        names = ("val_acc", "val_auc") if run.tunes else ("acc", "auc")
        scores = " ".join(f"{name} {_percent(found[name])}" for name in names)
        return f"{run}: {scores}, {duration(spent)}"


def _percent(value: float | None) -> str:
    return "undefined" if value is None else f"{100 * value:.1f}"


def duration(seconds: float) -> str:
    """`42 s`, `3 min 10 s`, `2 h 05 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
