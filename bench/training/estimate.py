"""What a run will take, from the rates of its kind or from finished seeds of its cell."""

from dataclasses import dataclass
from typing import Any

from bench.data.dataset import Info
from bench.grid.cell import Run
from bench.training.calibration import Rates
from bench.training.schedule import Schedule

BETWEEN_SECONDS = 0.5
"""Of a run beside what its record counts: its process, and publishing it."""
READ_BYTES = 1e9
"""Of images that are opened and checked in a second."""
RECORD_BYTES, EPOCH_BYTES = 2500, 360
"""Of a record, and of each epoch in it."""
Kind = tuple[object, ...]


@dataclass(frozen=True)
class Cost:
    """Seconds of a worker, those of a generator among them; bytes of its memory, and on disk."""

    seconds: float
    generator: float
    memory: float
    disk: float


def kind(run: Run, info: Info) -> Kind:
    """What the rates of a run depend on: of parameters those that are no strengths, that is all
    but fractions; of a method with a generator also how many images it learns from.
    """
    cell, protocol = run.cell, run.protocol
    described = run.describe()["cell"]["params"].items()
    params = sorted((name, value) for name, value in described if not isinstance(value, float))
    sizes = cell.input_size, cell.source_size, info.channels, protocol.batch_size
    learned = subset(run, info) if cell.method.method.quick else 0
    return cell.backbone, cell.method.name, params, *sizes, protocol.precision, learned


def subset(run: Run, info: Info) -> int:
    """Training images of a run."""
    return round(info.counts["train"] * run.cell.ratio)


def cost(run: Run, info: Info, rates: Rates) -> Cost:
    """What a run takes by the rates of its kind."""
    schedule = Schedule(subset(run, info), run.protocol)
    trained = schedule.steps * min(subset(run, info), run.protocol.batch_size)
    test = 0 if run.tunes else info.counts["test"]
    looks = schedule.epochs + bool(test)
    looked_at = schedule.epochs * info.counts["val"] + test
    pixels = sum(info.counts.values()) * info.size**2 * info.channels
    seconds = (
        BETWEEN_SECONDS
        + rates.setup
        + pixels / READ_BYTES
        + trained * rates.step
        + looks * rates.look
        + looked_at * rates.image
    )
    predictions = test * (4 * info.num_classes + 1)
    disk = RECORD_BYTES + EPOCH_BYTES * schedule.epochs + predictions
    return Cost(seconds, rates.generator, rates.memory + pixels, disk)


def spent(record: dict[str, Any]) -> tuple[float, float]:
    """Seconds that a finished run took without its generator, and those of the generator."""
    facts = record["facts"]
    made = 0.0 if facts.get("reused", True) else sum(facts["seconds"].values())
    return BETWEEN_SECONDS + sum(record["cost"]["seconds"].values()) - made, made
