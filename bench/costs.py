"""What runs cost before they are started: seconds of a worker, memory and disk.

Of a cell with finished seeds on this hardware they are those of its seeds. Of any other, rates are
measured on the device at hand, once for each kind of run: they are kept beside the results, in the
folder `rates`.
"""

import hashlib
import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
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
Place = tuple[Cell, Protocol]
Ask = Callable[[Run], Cost | None]


@dataclass(frozen=True)
class Costs:
    """The costs of the runs of a grid, on one device of this machine."""

    grid: Grid
    store: Store
    device: str
    _of_cells: dict[Place, Cost | None] = field(default_factory=dict, compare=False, repr=False)

    def of(self, runs: Sequence[Run], before: Callable[[Run], object] = id) -> dict[Run, Cost]:
        """The cost of each; what is not known is measured, `before` is told for which run.

        A generator that several runs share is counted with the first of them.
        """
        return dict(self._once(runs, lambda run: self.known(run) or self._measured(run, before)))

    def foreseen(self, runs: Sequence[Run]) -> dict[Run, Cost]:
        """Those that are known without measuring."""
        return dict(self._once(runs, self.known))

    def known(self, run: Run) -> Cost | None:
        """What finished seeds, or rates that were measured before, say of a run."""
        if found := self._finished(run):
            return found
        rates = self._kept(run)
        return estimate.cost(run, self._info(run), rates) if rates else None

    def seconds(self, run: Run) -> float | None:
        """Those of a run, its generator among them, where they are known."""
        found = self.known(run)
        return None if found is None else found.seconds + found.generator

    def _once(self, runs: Sequence[Run], ask: Ask) -> Iterator[tuple[Run, Cost]]:
        made: set[str] = set()
        for run in runs:
            if (cost := ask(run)) is None:
                continue
            if cost.generator and (images := _images(run)) not in made:
                made.add(images)
                cost = replace(cost, seconds=cost.seconds + cost.generator)
            yield run, cost

    def _finished(self, run: Run) -> Cost | None:
        """The median of some finished seeds of a run's cell, on this hardware."""
        place = run.cell, run.protocol
        if place not in self._of_cells:
            done = (one for one in self._seeds[place] if one.key in self._done)
            costs = [*islice((cost for one in done if (cost := self._spent(one))), SEEDS)]
            self._of_cells[place] = _median(costs) if costs else None
        return self._of_cells[place]

    @cached_property
    def _done(self) -> frozenset[str]:
        return frozenset(self.store)

    @cached_property
    def _seeds(self) -> dict[Place, list[Run]]:
        found: dict[Place, list[Run]] = {}
        for run in self.grid.runs:
            found.setdefault((run.cell, run.protocol), []).append(run)
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
        same_kind = record["device"].partition(":")[0] == self.device.partition(":")[0]
        if not same_kind or record["environment"] not in self._alike:
            return None
        paths = self.store.record_path(run.key), self.store.predictions_path(run.key)
        disk = sum(path.stat().st_size for path in paths if path.exists())
        return Cost(*estimate.spent(record), record["cost"]["peak_memory"], disk)

    def _info(self, run: Run) -> Info:
        return self._infos[run.cell.dataset]

    @cached_property
    def _infos(self) -> dict[str, Info]:
        return {info.name: info for info in self.grid.datasets}

    def _path(self, run: Run) -> Path:
        place = [
            *estimate.kind(run, self._info(run)),
            self.device,
            *(environment()[name] for name in HARDWARE),
        ]
        digest = hashlib.sha256(json.dumps(place).encode()).hexdigest()
        return self.store.root / "rates" / f"{digest[:16]}.json"

    def _kept(self, run: Run) -> Rates | None:
        with suppress(OSError, ValueError, TypeError):
            return Rates(**json.loads(self._path(run).read_bytes()))
        return None

    def _measured(self, run: Run, before: Callable[[Run], object]) -> Cost:
        """Measured in a process of its own, as runs have."""
        before(run)
        rates = call(calibration.measure, self.device, run, self._info(run), self.device)
        with suppress(StoreError):
            write_text(self._path(run), json.dumps(asdict(rates), indent=1) + "\n")
        return estimate.cost(run, self._info(run), rates)


def finish(seconds: Iterable[float], workers: int) -> float:
    """When the last of so many workers ends, who take runs in order as they become free."""
    free = [0.0] * workers
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)


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
