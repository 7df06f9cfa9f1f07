"""Seconds and peak memory of reading records; seconds of asking for finished runs again, and of
the report made of them.

    python tests/speed/reading.py --dir DIR                 5,000 records and more, and the report
    python tests/speed/reading.py --dir DIR --seeds 440     100,000 and more, reading alone

The records are made up: four phantom datasets, ten methods, four ratios, and the cells of Tables 2,
5 and 6. They are kept in DIR for the next time.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from figure import Figure, parser, tell
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
READ = {440: (14.0, 1.3)}
"""Seconds and GB that reading may take, by seeds."""
AGAIN = """
import sys
from bench.engines.worker import remaining
from bench.study import Study, run
from reports.results.view import View
from reports.tables.catalogue import of_runs

datasets, methods, seeds, results = sys.argv[1:]
study = Study(datasets=datasets, methods=methods, seeds=int(seeds), results=results)
studies = [entry.study(study, View(), False) for entry in of_runs().values()]
assert not remaining(study.store, [run for one in studies for run in one.grid.runs])
run(studies)
"""


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--dir", type=Path, required=True)
    arguments.add_argument("--seeds", type=int, default=22)
    arguments.add_argument("--epochs", type=int, default=10)
    arguments.add_argument("--no-report", action="store_true")
    options = arguments.parse_args()
    store = Store(options.dir)
    whole = options.seeds <= REPORTED and not options.no_report
    for number in of_runs():
        make(store, of_table(number, options.seeds), options.epochs, whole)

    start = time.perf_counter()
    known: dict[str, Record] = {}
    for number in of_runs():
        load(store, of_table(number, options.seeds), known)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    most_seconds, most_memory = READ.get(options.seeds, (None, None))
    figures = [
        Figure(f"reading {len(known):,} records", [seconds], "s", most=most_seconds),
        Figure(f"memory of reading {len(known):,} records", [peak], "GB", most=most_memory),
    ]
    if whole:
        words = [",".join(DATASETS), METHODS, str(options.seeds), str(options.dir)]
        again, reported = timed("-c", AGAIN, *words), timed("-m", "bench", "report", *named(words))
        figures += [
            Figure(f"{len(known):,} finished runs asked for again", [again], "s", most=2),
            Figure(f"the report of {len(known):,} records", [reported], "s", most=6),
        ]
    tell(figures, options.json)


def named(words: list[str]) -> list[str]:
    """As options of a command."""
    names = ("--datasets", "--methods", "--seeds", "--results")
    return [word for pair in zip(names, words, strict=True) for word in pair]


def timed(*words: str) -> float:
    """Seconds of a command of Python."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True)
    return time.perf_counter() - start


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
