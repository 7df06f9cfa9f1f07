"""Whole runs against a plain script, two workers against one, and the data path alone.

    python tests/speed/whole.py [--npz FILE] [--rounds 2] [--epochs 8] [--json FILE]

FILE is that of Breast, in BENCH_DATA unless it is named. Two runs of `plain.py` after each other,
with default threads, against two runs here with two workers, fp32 and bf16; eight runs of ResNet-18
with one worker against the same with two; all in turn in each round, from the first line to the
last, on the wall. Seven or eight minutes a round on two cores with nothing beside it.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import plain
import torch
from figure import Figure, parser, tell

from bench.data.dataset import open_dataset

ROOT = Path(__file__).parents[2]
PASSES = 10
"""Of the data path through the training split, a round."""


def run(*words: str, threads: str | None = "1") -> float:
    """Seconds of a command of Python, in a folder of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if threads is None:
        environment.pop("OMP_NUM_THREADS", None)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True
        )
        seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(done.stderr)
    return seconds


def two_plain(npz: Path, epochs: int) -> float:
    words = [str(ROOT / "tests/speed/plain.py"), str(npz), "--epochs", str(epochs)]
    return sum(run(*words, threads=None) for _ in range(2))


def ours(npz: Path, workers: int, seeds: int, backbone: str, **settings: object) -> float:
    words = ["-m", "bench", "work", "--datasets", str(npz), "--methods", "none"]
    words += ["--backbones", backbone, "--seeds", str(seeds), "--workers", str(workers)]
    return run(*words, *(w for n, v in settings.items() for w in ("--set", f"{n}={v}")))


def passes(one_pass: Callable[[], object]) -> float:
    """Seconds of a processor for a pass through the training split."""
    began = time.process_time()
    for _ in range(PASSES):
        one_pass()
    return (time.process_time() - began) / PASSES


def data_ratio(npz: Path) -> float:
    """A pass of the DataLoader over one of ours, shuffled, to float32 batches; one thread."""
    torch.set_num_threads(1)
    theirs, split = plain.loader(npz, "train"), open_dataset(str(npz), 28).split("train")

    def pass_ours() -> None:
        order = np.random.permutation(len(split))
        for first in range(0, len(split), plain.BATCH):
            chosen = order[first : first + plain.BATCH]
            _ = split.images(chosen), split.targets[chosen]

    return passes(lambda: [*theirs]) / passes(pass_ours)


def one_round(npz: Path, epochs: int) -> dict[str, float]:
    """The ratios of a round."""
    alike = {"epochs": epochs, "batch_size": plain.BATCH}
    script = two_plain(npz, epochs)
    fp32, bf16 = (
        ours(npz, 2, 2, "resnet18-cifar", **alike, precision=name) for name in ("fp32", "bf16")
    )
    one, two = (ours(npz, n, 8, "resnet18", epochs=2 * epochs) for n in (1, 2))
    return {
        "two runs, fp32, over a plain script": script / fp32,
        "two runs, bf16, over a plain script": script / bf16,
        "two workers over one": one / two,
        "the data path over that DataLoader": data_ratio(npz),
    }


WANTED = (1.7, 2.55, 1.9, 20)


def main() -> None:
    options = parser(__doc__)
    place = Path(os.environ.get("BENCH_DATA", "data")) / "breastmnist.npz"
    options.add_argument("--npz", type=Path, default=place)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--epochs", type=int, default=8)
    given = options.parse_args()
    npz = given.npz.resolve()
    if not npz.exists():
        raise SystemExit(f"{npz} is not there; name Breast's with --npz, or its folder BENCH_DATA")
    rounds = [one_round(npz, given.epochs) for _ in range(given.rounds)]
    tell(
        [
            Figure(what, [found[what] for found in rounds], least=least)
            for what, least in zip(rounds[0], WANTED, strict=True)
        ],
        given.json,
    )


if __name__ == "__main__":
    main()
