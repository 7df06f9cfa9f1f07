"""What `bench plan` says of ten mixed runs, against what they then take.

    python tests/speed/plan.py [--runs 10] [--json FILE]

Two or three minutes on one core. The runs are of other methods, backbones, sizes and generators;
each kind is calibrated on this machine just before it. Times are those of a core, so that
what else the machine does is not in them. Exits with 1 where the total is wrong by more than 20 %.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from figure import Figure, parser, tell

from bench.costs import Costs
from bench.engines.worker import Job, Worker
from bench.grid import grid
from bench.grid.cell import Run
from bench.grid.grid import Grid
from bench.store.records import Store
from bench.study import Study
from bench.training.estimate import BETWEEN_SECONDS
from bench.training.execute import prepare_process

MOST = 0.20
SMALL_DDPM = "ddpm[channels=[8,8],layers=1,batch=32,steps=400,images=200,sampler_steps=10]"
MIXED = (
    ("resnet18", "none,mixup,cutmix,ails", "phantom-binary", {"epochs": 12}),
    ("resnet18", "randaugment,bsda", "phantom-multiclass", {"epochs": 8}),
    ("mobilenetv3_small_100", "none,cutout", "phantom-binary", {"epochs": 20}),
    ("test_byobnet", "mixup", "phantom-multilabel", {"epochs": 40}),
    ("test_byobnet", SMALL_DDPM, "phantom-binary", {"epochs": 10}),
)
"""Backbone, methods, dataset and length: ten runs."""


def runs(results: Path) -> Grid:
    grids = [
        Study(
            backbones=backbone,
            methods=methods,
            datasets=dataset,
            settings=length,
            seeds=1,
            results=results,
        ).grid
        for backbone, methods, dataset, length in MIXED
    ]
    return grid.merge(grids)


def taken(run: Run, worker: Worker) -> float:
    """Seconds of the processor for a run, done in this process."""
    began = time.process_time()
    assert worker.attempt(run, lambda fraction: None)
    return time.process_time() - began


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, default=10)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        store = Store(Path(name))
        mixed = runs(store.root)
        costs = Costs(mixed, store, "cpu")
        prepare_process("cpu")
        worker = Worker(Job(mixed.runs, store.root, None, "cpu"))
        rows = []
        for run in mixed.runs[: options.runs]:
            for kind in costs.unknown([run]):
                costs.measure(kind)
            cost = costs.of([run])[run]
            rows.append((cost.seconds - BETWEEN_SECONDS, taken(run, worker), cost.disk))
            print(f"{run}: planned {rows[-1][0]:.1f} s, took {rows[-1][1]:.1f} s", flush=True)
        disk = sum(p.stat().st_size for f in ("runs", "preds") for p in store.root.glob(f"{f}/*/*"))
    planned, spent, of_disk = (sum(row[n] for row in rows) for n in range(3))
    tell(
        [
            Figure("planned over spent time", [planned / spent], least=1 - MOST, most=1 + MOST),
            Figure("planned over spent disk", [of_disk / disk]),
        ],
        options.json,
        seconds=[row[:2] for row in rows],
    )
    sys.exit(abs(planned / spent - 1) > MOST)


if __name__ == "__main__":
    main()
