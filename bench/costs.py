"""What runs cost before they are started: seconds of a worker, memory and disk.

Of a cell with finished seeds on this hardware they are those of its seeds. Of any other they follow
from the rates of its kind, which are measured on the device at hand and kept beside the results, in
the folder `rates`.
"""

import hashlib
import heapq
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from statistics import median

from bench.base.files import StoreError, write_text
from bench.data.dataset import Info
from bench.engines.process import call
from bench.grid.cell import Cell, Run
from bench.grid.grid import Grid
from bench.grid.protocol import Protocol
from bench.store.records import DamagedError, Store
from bench.training import calibration, estimate
from bench.training.calibration import Rates
from bench.training.environment import environment
from bench.training.estimate import Cost

HARDWARE = ("cpu", "gpu")
"""What of an environment decides how fast it is."""
SEEDS = 3
"""So many finished seeds tell what the others of a cell take."""
Place = tuple[Cell, Protocol, bool]


@dataclass(frozen=True)
class Costs:
    """The costs of the runs of a grid on one device of this machine.

    Without a device they are those of finished seeds, wherever these were made.
    """

    grid: Grid
    store: Store
    device: str | None = None
    _found: dict[Place, Cost | None] = field(default_factory=dict, compare=False, repr=False)
    _rates: dict[Path, Rates | None] = field(default_factory=dict, compare=False, repr=False)

    def of(self, runs: Sequence[Run]) -> dict[Run, Cost]:
        """The cost of each run of which it is known.

        A generator that several runs share is counted with the first of them.
        """
        costs, made = {}, set[str]()
        for run in runs:
            if (cost := self.known(run)) is None:
                continue
            if cost.generator and (images := _images(run)) not in made:
                made.add(images)
                cost = replace(cost, seconds=cost.seconds + cost.generator)
            costs[run] = cost
        return costs

    def known(self, run: Run) -> Cost | None:
        """What finished seeds, or rates that were measured before, say of a run."""
        place = _place(run)
        if place not in self._found:
            self._found[place] = self._finished(run) or self._by_rates(run)
        return self._found[place]

    def seconds(self, run: Run) -> float | None:
        """Those of a run, its generator among them, where they are known."""
        found = self.known(run)
        return None if found is None else found.seconds + found.generator

    def unknown(self, runs: Iterable[Run]) -> list[Run]:
        """One of each kind of which nothing is known."""
        kinds: dict[Path, Run] = {}
        for run in runs:
            if self.known(run) is None:
                kinds.setdefault(self._path(run), run)
        return [*kinds.values()]

    def measure(self, run: Run) -> None:
        """Time the kind of a run on the device, in a process of its own, as runs have."""
        path, device = self._path(run), self.device or "cpu"
        rates = call(calibration.measure, device, run, self._info(run), device)
        self._rates[path] = rates
        self._found.clear()
        with suppress(StoreError):
            write_text(path, json.dumps(asdict(rates), indent=1) + "\n")

    def _finished(self, run: Run) -> Cost | None:
        """The median of some finished seeds of a run's cell."""
        done = (one for one in self._seeds[_place(run)] if one.key in self._done)
        costs = [*islice((cost for one in done if (cost := self._spent(one))), SEEDS)]
        return _median(costs) if costs else None

    @cached_property
    def _done(self) -> frozenset[str]:
        return frozenset(self.store)

    @cached_property
    def _seeds(self) -> dict[Place, list[Run]]:
        found: dict[Place, list[Run]] = {}
        for run in self.grid.runs:
            found.setdefault(_place(run), []).append(run)
        return found

    @cached_property
    def _alike(self) -> frozenset[str]:
        """The environments of the store that are on such hardware as this."""
        here = {name: environment()[name] for name in HARDWARE}
        return frozenset(n for n, said in self.store.hardware(HARDWARE).items() if said == here)

    def _spent(self, run: Run) -> Cost | None:
        """What a finished run took; None where it was elsewhere, or does not hold."""
        try:
            record = self.store.read(run.key)
        except DamagedError:
            return None
        if self.device and (
            record["device"].partition(":")[0] != self.device.partition(":")[0]
            or record["environment"] not in self._alike
        ):
            return None
        paths = self.store.record_path(run.key), self.store.predictions_path(run.key)
        disk = sum(path.stat().st_size for path in paths if path.exists())
        return Cost(*estimate.spent(record), record["cost"]["peak_memory"], disk)

    def _by_rates(self, run: Run) -> Cost | None:
        if self.device is None:
            return None
        path = self._path(run)
        if path not in self._rates:
            self._rates[path] = _kept(path)
        rates = self._rates[path]
        return estimate.cost(run, self._info(run), rates) if rates else None

    def _info(self, run: Run) -> Info:
        return next(info for info in self.grid.datasets if info.name == run.cell.dataset)

    def _path(self, run: Run) -> Path:
        """The file with the rates of a run's kind, on this device."""
        hardware = (environment()[name] for name in HARDWARE)
        place = [*estimate.kind(run, self._info(run)), self.device, *hardware]
        digest = hashlib.sha256(json.dumps(place).encode()).hexdigest()
        return self.store.root / "rates" / f"{digest[:16]}.json"


def finish(seconds: Iterable[float], workers: int) -> float:
    """When the last of so many workers ends, who take runs in order as they become free."""
    free = [0.0] * workers
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)


def _place(run: Run) -> Place:
    """What runs that differ in the seed alone have in common."""
    return run.cell, run.protocol, run.tunes


def _kept(path: Path) -> Rates | None:
    with suppress(OSError, ValueError, TypeError):
        return Rates(**json.loads(path.read_bytes()))
    return None


def _images(run: Run) -> str:
    """What the generated images of a run depend on: all but how many are taken in each batch."""
    cell = run.cell
    params = cell.method.params.model_dump(mode="json", exclude={"share"})
    seed = None if params.get("generator_seed") == "shared" else run.streams.augment
    place = cell.method.name, params, cell.dataset, cell.source_size, cell.ratio
    return json.dumps([*place, run.streams.subset, seed], sort_keys=True)


def _median(costs: Sequence[Cost]) -> Cost:
    made = [cost.generator for cost in costs if cost.generator]
    return Cost(
        median(cost.seconds for cost in costs),
        median(made) if made else 0.0,
        median(cost.memory for cost in costs),
        median(cost.disk for cost in costs),
    )
