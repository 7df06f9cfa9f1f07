"""Step time of each method over `none`: interleaved in one process, medians.

    python tests/speed/step_time.py [--methods a,b] [--rounds 15] [--batch 128]

ResNet-18 at 28 px, gray, two classes, random images, one thread. Generators are timed in training a
classifier with a pool of random images; what they take before that stands in their records.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch

import methods
from bench.backbone import build
from bench.base.split import Split
from bench.base.task import Task
from bench.grid.protocol import Protocol
from bench.training.estimate import LATE
from bench.training.execute import prepare_process
from bench.training.state import Training, weights
from bench.training.trainer import step as take_step
from methods.generative.method import GenerativeMethod
from methods.method import Setting, Workspace


def step(name: str, batch: int) -> tuple[Callable[[], object], int]:
    """One optimiser step of a method as a function, and its extra parameters."""
    model = build("resnet18", 2, 1, 28, seed=0)
    own = sum(weight.numel() for weight in model.parameters())
    kind = methods.get(name)
    method = kind(kind.Params(), Setting(Task.BINARY, 2, 1, 28, model.feature_dim))
    images, targets = torch.rand(batch, 1, 28, 28), torch.arange(batch) % 2
    pool = Split((images * 255).byte().squeeze(1).numpy(), targets)
    if isinstance(method, GenerativeMethod):
        method.pool = pool
    else:
        with TemporaryDirectory() as folder:
            method.prepare(pool, Workspace(Path(folder), {}))
    model = method.adapt(model)
    protocol = Protocol(steps=10)
    training = Training.begin(model, method, protocol)
    extra = sum(weight.numel() for weight in weights(model, method)) - own
    return lambda: take_step(training, (images, targets), LATE, protocol), extra


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", default=",".join(methods.names()))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=128)
    options = parser.parse_args()
    prepare_process("cpu")
    chosen = list(dict.fromkeys(["none", *options.methods.split(",")]))
    steps = {name: step(name, options.batch) for name in chosen}
    times: dict[str, list[float]] = {name: [] for name in chosen}
    for one_step, _ in steps.values():
        one_step()
    for _ in range(options.rounds):
        for name, (one_step, _) in steps.items():
            start = time.perf_counter()
            one_step()
            times[name].append(time.perf_counter() - start)
    base = np.array(times["none"])
    print(f"median of {options.rounds} interleaved steps, batch {options.batch}, one thread")
    print(f"{'method':16} {'ms':>7} {'over none':>10} {'extra parameters':>17}")
    for name, (_, extra) in steps.items():
        ratio = median(np.array(times[name]) / base)
        print(f"{name:16} {1000 * median(times[name]):7.0f} {ratio:10.3f} {extra:17,}")


if __name__ == "__main__":
    main()
