"""Search: the trials of one method on one dataset and backbone, and their file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from bench import metrics
from bench.base.errors import BenchError
from bench.base.files import write_text
from bench.base.identity import identity
from bench.grid.cell import NUMERICS, Cell, Run
from bench.grid.protocol import Protocol
from bench.store.records import Store
from bench.tuning import sampling
from bench.tuning.point import OF_PROTOCOL, Point, apply
from bench.tuning.space import Space, space_of


@dataclass(frozen=True)
class Objective:
    """What is tuned for: the mean of a validation metric over seeds, at the selected epochs."""

    metric: str
    seeds: tuple[int, ...]

    @property
    def sign(self) -> int:
        """-1 where less is better."""
        return 1 if metrics.get(self.metric).higher_is_better else -1


@dataclass(frozen=True)
class Trial:
    """A point that was tried. `value` is None where a run failed, and `reason` says why; `keys` are
    those of its runs, `started` and `ended` seconds since 1970.
    """

    number: int
    params: Point
    value: float | None
    reason: str
    keys: list[str]
    images: int
    seconds: float
    started: float | None
    ended: float | None


@dataclass
class Search:
    """The trials of one method in one place.

    `cell` and `protocol` are those of the defaults.
    """

    cell: Cell
    protocol: Protocol
    objective: Objective
    shared: tuple[str, ...] = ()
    trials: list[Trial] = field(default_factory=list)

    @cached_property
    def space(self) -> Space:
        return space_of(self.cell.method, self.protocol, self.shared)

    @property
    def name(self) -> str:
        cell = self.cell
        part = f" {cell.ratio:.0%}" if cell.ratio < 1 else ""
        return f"{cell.method.label} on {cell.dataset}{part}, {cell.backbone}"

    def identity(self) -> dict[str, Any]:
        """All that its trials depend on; trials of another identity are of another search."""
        described = self.cell.describe()
        return {
            "method": described.pop("method"),
            "method version": described.pop("method_version"),
            "defaults": described.pop("params"),
            "space": self.space.describe(),
            "metric": self.objective.metric,
            "seeds": list(self.objective.seeds),
            "protocol": identity(self.protocol),
            "numerics": NUMERICS,
            "place": described,
        }

    def propose(self, limit: int) -> list[Point]:
        """What of the batch at hand is not tried yet, as far as `limit` trials in all."""
        first = len(self.trials) - len(self.trials) % sampling.BATCH
        past = [
            sampling.ended(trial.params, self.space, self._worth(trial))
            for trial in self.trials[:first]
        ]
        names = self.cell.method.name, self.cell.data, self.cell.backbone, str(self.cell.ratio)
        points = sampling.batch(self.space, past, names)
        return points[len(self.trials) - first : limit - first]

    def runs(self, point: Point) -> list[Run]:
        """The runs of a trial, one a seed."""
        choice, protocol = apply(point, self.cell.method, self.protocol)
        cell = replace(self.cell, method=choice)
        return [Run(cell, seed, protocol) for seed in self.objective.seeds]

    def end(self, point: Point, store: Store) -> None:
        """Add a trial whose runs have ended."""
        runs = self.runs(point)
        failures = [store.read_failure(run.key) for run in runs if not store.done(run.key)]
        records = [store.read(run.key) for run in runs if store.done(run.key)]
        values = [record["validation"].get(f"val_{self.objective.metric}") for record in records]
        reasons = [failure["reason"] if failure else "not run" for failure in failures]
        if None in values:
            reasons.append(f"{self.objective.metric} of the validation split is undefined")
        self.trials.append(
            Trial(
                number=len(self.trials),
                params=point,
                value=None if reasons else fmean(values),
                reason="; ".join(dict.fromkeys(reasons)),
                keys=[run.key for run in runs],
                images=sum(record["cost"]["images"] for record in records),
                seconds=sum(sum(record["cost"]["seconds"].values()) for record in records),
                started=min((record["started"] for record in records), default=None),
                ended=max((record["ended"] for record in records), default=None),
            )
        )

    def best(self, limit: int) -> Trial | None:
        """The best of the first `limit` trials, of equals the earliest; None where all failed."""
        return max(
            (trial for trial in self.trials[:limit] if trial.value is not None),
            key=lambda trial: (self._worth(trial), -trial.number),
            default=None,
        )

    def write(self, path: Path) -> None:
        content = {
            "identity": self.identity(),
            "sampler": sampling.SAMPLER,
            "trials": [asdict(trial) for trial in self.trials],
        }
        write_text(path, json.dumps(content, indent=1) + "\n")

    def _worth(self, trial: Trial) -> float | None:
        return None if trial.value is None else self.objective.sign * trial.value


def read(path: Path, cell: Cell, protocol: Protocol) -> Search | None:
    """The search of a file, if it is one of these defaults, whatever it was tuned for."""
    if not path.exists():
        return None
    known = _content(path)["identity"]
    shared = [n.removeprefix(OF_PROTOCOL) for n in known["space"] if n.startswith(OF_PROTOCOL)]
    objective = Objective(known["metric"], tuple(known["seeds"]))
    search = Search(cell, protocol, objective, tuple(shared))
    if _changed(search, known):
        return None
    restore(search, path)
    return search


def restore(search: Search, path: Path) -> str:
    """Take up the trials that a file holds. Trials of another identity are set aside; then returns
    a sentence on them, else nothing.
    """
    if not path.exists():
        return ""
    content = _content(path)
    changed = _changed(search, content["identity"])
    if not changed:
        search.trials = [Trial(**trial) for trial in content["trials"]]
        return ""
    aside = _aside(path)
    path.replace(aside)
    return (
        f"{search.name}: {', '.join(changed)} changed since; the {len(content['trials'])} old "
        f"trials are set aside in {aside}"
    )


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
        return {name: content[name] for name in ("identity", "trials")}
    except (ValueError, KeyError, TypeError):
        raise BenchError(
            f"{path} is damaged; delete it, and `bench tune` makes it again from the runs"
        ) from None


def _changed(search: Search, before: Mapping[str, Any]) -> list[str]:
    """What of its identity is another than in a file."""
    now = json.loads(json.dumps(search.identity()))
    return [name for name in now if before.get(name) != now[name]]


def _aside(path: Path) -> Path:
    numbers = range(1, 10**6)
    names = (path.with_name(f"{path.stem}-old{number}{path.suffix}") for number in numbers)
    return next(name for name in names if not name.exists())


def budget(trials: Sequence[Trial]) -> tuple[int, float]:
    """Training images and seconds of one worker that trials took; a run counts once."""
    spent = {tuple(trial.keys): (trial.images, trial.seconds) for trial in trials}
    return sum(images for images, _ in spent.values()), sum(s for _, s in spent.values())
