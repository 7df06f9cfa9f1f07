"""The memory that a large dataset takes: writes one, and gathers shuffled batches from it.

    python tests/speed/memory.py --gb 4 --dir FOLDER [--train]

The folder needs twice the space; what is written there is deleted at the end.
"""

import argparse
import os
import resource
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

from bench.data.dataset import open_dataset
from bench.grid.grid import expand
from bench.grid.protocol import Protocol
from bench.grid.selection import Selection
from bench.training.execute import execute, prepare_process

SIZE, CLASSES, BATCH, CHUNK = 224, 9, 128, 256


def write(path: Path, train: int) -> None:
    """An npz of random RGB images, written in pieces: `train` of them, and few in the others."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for split, count in {"train": train, "val": CHUNK, "test": CHUNK}.items():
            with archive.open(f"{split}_labels.npy", "w") as file:
                np.save(file, (np.arange(count) % CLASSES).astype(np.uint8)[:, None])
            with archive.open(f"{split}_images.npy", "w", force_zip64=True) as file:
                shape = (count, SIZE, SIZE, 3)
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                for _ in range(0, count, CHUNK):
                    file.write(rng.bytes(CHUNK * SIZE * SIZE * 3))


def peak() -> str:
    """Peak resident memory of this process so far."""
    return f"peak resident memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB"


def train_on(path: Path) -> None:
    """A short run of ResNet-18 on the file, as any run is made."""
    protocol = Protocol(steps=4, batch_size=32)
    (run,) = expand(Selection(datasets=(str(path),), seeds=(0,), source_size=SIZE), protocol).runs
    prepare_process("cpu")
    start = time.perf_counter()
    execute(run)
    print(f"a run of {protocol.steps} steps in {time.perf_counter() - start:.0f} s; {peak()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=4)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--train", action="store_true", help="train a few steps as well")
    options = parser.parse_args()
    count = CHUNK * int(np.ceil(options.gb * 1e9 / (CHUNK * SIZE * SIZE * 3)))
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        os.environ["BENCH_CACHE"] = f"{folder}/cache"
        path = Path(folder) / "large.npz"
        write(path, count)
        print(f"{path.stat().st_size / 1e9:.2f} GB written; {peak()}")

        start = time.perf_counter()
        train = open_dataset(str(path), SIZE).split("train")
        print(f"verified and unpacked in {time.perf_counter() - start:.0f} s; {peak()}")

        start = time.perf_counter()
        order = np.random.default_rng(1).permutation(len(train))
        for first in range(0, len(train), BATCH):
            train.images(order[first : first + BATCH])
        seconds = time.perf_counter() - start
        print(f"{len(train)} images in {seconds:.0f} s ({len(train) / seconds:.0f}/s); {peak()}")
        if options.train:
            train_on(path)


if __name__ == "__main__":
    main()
