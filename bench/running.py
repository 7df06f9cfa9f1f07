"""Doing what is missing of a grid: looked at first, handed to an engine, followed in the store."""

import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.base import version
from bench.base.errors import BenchError, Note, unknown
from bench.base.words import visible
from bench.costs import Costs
from bench.data.dataset import open_dataset
from bench.engines.engine import Engine
from bench.engines.local import Local
from bench.engines.process import warm_up
from bench.engines.progress import GridProgress, console, duration
from bench.engines.ray import Ray
from bench.engines.slurm import Slurm
from bench.engines.worker import Job, remaining
from bench.grid import grid
from bench.grid.cell import Run
from bench.grid.grid import Grid
from bench.store.records import Store
from bench.training import environment
from bench.training.estimate import Cost

ENGINES: dict[str, Callable[[], Engine]] = {"local": Local, "ray": Ray, "slurm": Slurm}
MOST_WORKERS = 1000


@dataclass(frozen=True)
class How:
    """How runs are done: the arguments of `Study.run`, and the options that ask for them elsewhere.

    `asked` is for `bench work`, a text a study.
    """

    workers: int | None = None
    device: str | None = None
    run_timeout: float | None = None
    engine: str | Engine = "local"
    asked: tuple[str, ...] = ()
    lines: bool = True
    """Whether each run that ends, here or elsewhere, has a line."""

    def __post_init__(self) -> None:
        asked = self.run_timeout
        if asked is not None and not (isinstance(asked, int | float) and asked > 0):
            raise BenchError(f"run_timeout {asked!r}: write seconds, more than 0")


def do(together: Grid, store: Store, data_dir: Path | None, how: How) -> bool:
    """Do what is missing of runs, or hand it to who does; whether there was any.

    Raises BenchError, before anything is started, for what would stop every run.
    """
    chosen = engine(how.engine) if isinstance(how.engine, str) else how.engine
    missing = remaining(store, together.runs)
    workers = count(how, chosen, missing)
    if not missing:
        return False
    job = prepared(missing, store, data_dir, how, chosen)
    grid.check_backbones(together, missing, weights=True)
    for place in dict.fromkeys((one.cell.source, one.cell.source_size) for one in missing):
        open_dataset(*place, data_dir)
    _note_changed_code()
    out = console()
    where = f" on {job.device}" if chosen.here else ""
    out.print(
        f"{len(missing)} runs to do, {workers} at a time{where}, into {visible(str(store.root))}",
        highlight=False,
    )
    costs = Costs(together, store, first(job.device)).of(missing)
    seconds = {run: cost.seconds for run, cost in costs.items()}
    with GridProgress(store, missing, out, seconds, how.lines) as progress:
        chosen(job, workers, progress, progress.say)
        progress.end()
    return True


def foreseen(
    together: Grid, store: Store, device: str | None
) -> Callable[[Iterable[Run]], dict[Run, Cost]]:
    """What tells the costs of those of some runs that are missing.

    Kinds of run of which nothing is known on the device are timed first, and it is said.
    """
    device = device or environment.default_device()
    environment.check_device(device)
    missing = remaining(store, together.runs)
    grid.check_backbones(together, missing, weights=True)
    costs = Costs(together, store, first(device))
    if unknown := costs.unknown(missing):
        _calibrate(costs, unknown)
    ahead = set(missing)
    return lambda runs: costs.of([run for run in runs if run in ahead])


def _calibrate(costs: Costs, unknown: Sequence[Run]) -> None:
    out, many = console(), "s" * (len(unknown) > 1)
    began = time.monotonic()
    with out.status("") as status:
        for number, run in enumerate(unknown, 1):
            status.update(f"timing {number}/{len(unknown)}: {run} on {costs.device}")
            costs.measure(run)
    out.print(
        f"timed {len(unknown)} kind{many} of run on {costs.device} in "
        f"{duration(time.monotonic() - began)}; kept in {visible(str(costs.store.root / 'rates'))}",
        highlight=False,
    )


def first(device: str) -> str:
    """Of several devices, which are of one kind."""
    return device.split(",")[0]


def engine(name: str) -> Engine:
    """The engine of that name, with what it does by default. Raises BenchError for a wrong name."""
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    return ENGINES[name]()


def scripts(together: Grid, store: Store, data_dir: Path | None, how: How) -> list[str]:
    """What the engine slurm would submit for what is missing."""
    assert isinstance(how.engine, Slurm)
    missing = remaining(store, together.runs)
    if not missing:
        return []
    job = prepared(missing, store, data_dir, how, how.engine)
    return how.engine.scripts(job, count(how, how.engine, missing))


def count(how: How, chosen: Engine, missing: Sequence[Run]) -> int:
    """How many runs at a time: as asked, else by this machine; no more than there are."""
    asked = how.workers
    if asked is not None and not (isinstance(asked, int) and 1 <= asked <= MOST_WORKERS):
        raise BenchError(f"workers {asked!r}: write a whole number, 1 or more, to {MOST_WORKERS}")
    if asked is None and not chosen.here:
        raise BenchError("say how many runs at a time: --workers 20")
    size = max((one.cell.input_size for one in missing), default=1)
    usual = environment.default_workers(_device(how), size)
    return min(asked or usual, len(missing))


def prepared(
    missing: Sequence[Run], store: Store, data_dir: Path | None, how: How, chosen: Engine
) -> Job:
    """What an engine is to do, with a device and a store that were looked at."""
    device = _device(how)
    if chosen.here:
        environment.check_device(device)
    if chosen.here or how.device:
        for wanted in {one.protocol.device for one in missing}:
            environment.check_kind(device, wanted)
    store.check_writable()
    store.sweep()
    if chosen.here:
        warm_up(device)
    return Job(tuple(missing), store.root, data_dir, device, how.run_timeout, asked=how.asked)


def _device(how: How) -> str:
    return how.device or environment.default_device()


def _note_changed_code() -> None:
    if (commit := version.commit()).endswith("+"):
        warnings.warn(
            f"files under bench/ or methods/ have changed since commit {commit[:-1]}: records made "
            "now are marked as made by changed code",
            Note,
            stacklevel=4,
        )
