"""What a run costs beyond its training: its process, data, network, test, record.

    python tests/speed/overhead.py [--runs 12] [--json FILE]

One-step runs on a phantom, one at a time, after a first one that waits for the fork server.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from figure import Figure, parser, tell

from bench.engines.local import local
from bench.engines.worker import Job
from bench.grid import grid
from bench.grid.cell import Run
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection
from bench.store.records import Store


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, default=12)
    options = arguments.parse_args()
    selection = Selection(
        datasets=("phantom-binary",),
        methods=("none",),
        seeds=tuple(range(options.runs + 1)),
        backbones=("test_byobnet",),
    )
    first, *others = grid.expand(selection, Protocol(steps=1, batch_size=16)).runs
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        start = beyond_training(first, store)
        each = [beyond_training(run, store) for run in others]
    tell(
        [
            Figure("the first run beyond its training, with the fork server", [start], "s"),
            Figure("a run beyond its training", each, "s", most=0.6),
        ],
        options.json,
    )


def beyond_training(run: Run, store: Store) -> float:
    """Seconds of a run, without those of its training."""
    began = time.perf_counter()
    local(Job((run,), store.root, None, "cpu"), 1, lambda fraction: None)
    return time.perf_counter() - began - store.read(run.key)["cost"]["seconds"]["train"]


if __name__ == "__main__":
    main()
