"""What a run costs beyond its training: its process, data, network, test, record.

    python tests/speed/overhead.py

One-step runs on a phantom, one at a time, after a first one that waits for the fork server.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.engines.local import local
from bench.engines.worker import Job
from bench.grid import grid
from bench.grid.cell import Run
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection
from bench.store.records import Store


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=12)
    options = parser.parse_args()
    selection = Selection(
        datasets=("phantom-binary",),
        methods=("none",),
        seeds=tuple(range(options.runs + 1)),
        backbones=("test_byobnet",),
    )
    first, *others = grid.expand(selection, Protocol(steps=1, batch_size=16)).runs
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        print(f"the first run, with the start of the fork server: {done([first], store):.1f} s")
        seconds = done(others, store)
        training = sum(store.read(run.key)["cost"]["seconds"]["train"] for run in others)
    print(f"a run beyond its training: {(seconds - training) / len(others):.2f} s")


def done(runs: list[Run], store: Store) -> float:
    """Seconds of these runs, one at a time."""
    began = time.perf_counter()
    local(Job(tuple(runs), store.root, None, "cpu"), 1, lambda fraction: None)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
