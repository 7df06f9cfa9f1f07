"""Seconds and peak memory of reading records, and seconds of the report made of them.

    python tests/speed/reading.py --dir DIR                 5,000 records and more, and the report
    python tests/speed/reading.py --dir DIR --seeds 440     100,000 and more, reading alone

The records are made up: four phantom datasets, ten methods, four ratios, and the cells of Tables 2,
5 and 6. They are kept in DIR for the next time.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from made_up import drawn, fill, record

from bench.grid import configs, grid
from bench.grid.grid import Grid
from bench.grid.selection import Selection
from bench.store import schema
from bench.store.measured import Record, load
from bench.store.records import Store
from reports.tables.catalogue import of_runs

DATASETS = ("phantom-binary", "phantom-multiclass", "phantom-ordinal", "phantom-multilabel")
METHODS = "none,mixup,cutmix,stylegan2_ada,ddpm,advprop,medaugment,bsda,feature_noise,ails"
REPORTED = 50
"""Seeds up to which a report is made."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=22)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    store = Store(options.dir)
    whole = options.seeds <= REPORTED
    for number in of_runs():
        make(store, of_table(number, options.seeds), options.epochs, whole)

    start = time.perf_counter()
    known: dict[str, Record] = {}
    for number in of_runs():
        load(store, of_table(number, options.seeds), known)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"reading {len(known):,} records: {seconds:.1f} s, peak memory {peak:.2f} GB")
    if whole:
        words = ["--datasets", ",".join(DATASETS), "--methods", METHODS]
        words += ["--seeds", str(options.seeds), "--results", str(options.dir)]
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bench", "report", *words], check=True)
        size = next(options.dir.glob("report-*.html")).stat().st_size / 2**20
        print(f"report: {time.perf_counter() - start:.1f} s, {size:.2f} MB")


def of_table(number: int, seeds: int) -> Grid:
    """The runs of a table, as `bench report` asks for them."""
    config = configs.load("laptop")
    selection = Selection(
        datasets=DATASETS, methods=tuple(METHODS.split(",")), seeds=tuple(range(seeds))
    )
    return grid.expand(
        of_runs()[number].select(selection), config.protocol, parameters=config.parameters
    )


def make(store: Store, runs: Grid, epochs: int, whole: bool) -> None:
    """Publish what is not there; without predictions, and without syncing, unless `whole`."""
    missing = [run for run in runs.runs if not store.done(run.key)]
    if whole:
        fill(store, Grid(tuple(missing), (), ()), epochs=epochs)
        return
    for run in missing:
        path = store.record_path(run.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(schema.sealed(record(run, drawn(run), epochs)))


if __name__ == "__main__":
    main()
