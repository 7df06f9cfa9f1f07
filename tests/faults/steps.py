"""One worker that kills itself before or after its n-th step on the file system.

    python steps.py RESULTS STEP before|after

It claims a run and publishes a made-up record, as a worker does. Prints `whole` where it took fewer
steps.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).parents[2]))

import made_up
import numpy as np

from bench.grid import configs, grid
from bench.grid.selection import Selection
from bench.store.records import Store

WATCHED = (
    *((os, name) for name in ("fsync", "link", "open", "close", "utime")),
    *((Path, name) for name in ("replace", "rename", "unlink", "write_bytes", "mkdir", "open")),
)
SELECTION = Selection(
    datasets=("phantom-binary",), methods=("none",), seeds=(0,), backbones=("resnet18",)
)


def main() -> None:
    store, step, when = Store(Path(sys.argv[1])), int(sys.argv[2]), sys.argv[3]
    (run,) = grid.expand(SELECTION, configs.load("laptop").protocol).runs
    taken = 0

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def deadly(*args: Any, **kwargs: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken == step and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return call(*args, **kwargs)
            finally:
                if taken == step and when == "after":
                    os.kill(os.getpid(), signal.SIGKILL)

        return deadly

    for place, name in WATCHED:
        setattr(place, name, watched(getattr(place, name)))
    with store.claim(run.key) as ours:
        if ours and not store.done(run.key):
            content = made_up.record(run, {"acc": 0.5, "auc": 0.5})
            arrays = made_up.predictions(run.cell.task, np.random.default_rng(0))
            store.publish(run.key, content, *arrays)
    print("whole" if ours else "held")


if __name__ == "__main__":
    main()
