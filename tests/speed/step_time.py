"""The trainer's step against a bare PyTorch loop, and each method's over `none`.

    python tests/speed/step_time.py [--methods a,b] [--rounds 15] [--batch 64] [--json FILE]

ResNet-18 at 28 px, gray, two classes, random images, one thread, CPU time of the process. The bare
loop trains timm's own network with fused AdamW, channels_last; ours has all that a run has. In each
round each variant takes one step, so that what slows the machine slows them alike; ratios are taken
within rounds. Generators are timed in training a classifier with a pool of random images; what they
take before that stands in their records.
"""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import timm
import torch
from figure import Figure, parser, tell
from torch import nn

import methods
from bench.backbone import build
from bench.base.split import Split
from bench.base.task import Task
from bench.grid.protocol import Protocol
from bench.training.calibration import LATE
from bench.training.environment import environment
from bench.training.execute import prepare_process
from bench.training.state import Training
from bench.training.trainer import step as take_step
from methods.generative.method import GenerativeMethod
from methods.method import Method, Setting, Workspace

PRECISIONS = ("fp32", "bf16")
Step = Callable[[], object]


def bare(batch: int, precision: str) -> Step:
    """One step as anyone writes it."""
    net = timm.create_model("resnet18", in_chans=1, num_classes=2)
    net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    images, targets = torch.rand(batch, 1, 28, 28), torch.arange(batch) % 2
    images = images.contiguous(memory_format=torch.channels_last)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = nn.functional.cross_entropy(net(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def ours(name: str, batch: int, precision: str) -> Step:
    """One step of a method, as the trainer takes it."""
    model = build("resnet18", 2, 1, 28, seed=0)
    kind = methods.get(name)
    method = kind(kind.Params(), Setting(Task.BINARY, 2, 1, 28, model.feature_dim))
    images, targets = torch.rand(batch, 1, 28, 28), torch.arange(batch) % 2
    give_pool(method, Split((images * 255).byte().squeeze(1).numpy(), targets))
    protocol = Protocol(steps=10, precision=precision)
    training = Training.begin(method.adapt(model), method, protocol)
    return lambda: take_step(training, (images, targets), LATE, protocol)


def give_pool(method: Method, pool: Split) -> None:
    """The images themselves, to what would generate some; to others in `prepare`."""
    if isinstance(method, GenerativeMethod):
        method.pool = pool
        return
    with TemporaryDirectory() as folder:
        method.prepare(pool, Workspace(Path(folder), {}))


def measure(steps: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """Seconds of CPU of each step in each round, after two rounds to warm up."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 2):
        for name, step in steps.items():
            start = time.process_time()
            step()
            if number >= 2:
                times[name].append(time.process_time() - start)
    return times


def spread(over: list[float], under: list[float]) -> dict[str, float]:
    """Of the ratios within the rounds."""
    ratios = [a / b for a, b in zip(over, under, strict=True)]
    return {"min": min(ratios), "median": median(ratios), "max": max(ratios)}


def over_bare(times: dict[str, list[float]], precision: str) -> list[float]:
    """Speed of `none` over that of the bare loop, in each round."""
    pairs = zip(times[f"bare {precision}"], times[f"none {precision}"], strict=True)
    return [bare / ours for bare, ours in pairs]


def compare(times: dict[str, list[float]], batch: int) -> list[dict[str, Any]]:
    """A row a variant: speed over the bare loop of its precision, step time over `none`."""
    return [
        {
            "variant": name,
            "images/s": batch / median(seconds),
            "faster than bare": spread(times[f"bare {name.split()[1]}"], seconds),
            "slower than none": spread(seconds, times[f"none {name.split()[1]}"]),
        }
        for name, seconds in times.items()
    ]


def show(row: dict[str, Any]) -> str:
    ratios = (row["faster than bare"], row["slower than none"])
    cells = ("{median:6.3f} ({min:.3f} to {max:.3f})".format(**ratio) for ratio in ratios)
    return "{:22} {:8.0f}   {}   {}".format(row["variant"], row["images/s"], *cells)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--methods", default=",".join(methods.names()))
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--batch", type=int, default=64)
    options = arguments.parse_args()
    prepare_process("cpu")
    chosen = list(dict.fromkeys(["none", *options.methods.split(",")]))
    steps: dict[str, Step] = {}
    for precision in PRECISIONS:
        steps[f"bare {precision}"] = bare(options.batch, precision)
        for name in chosen:
            steps[f"{name} {precision}"] = ours(name, options.batch, precision)
    times = measure(steps, options.rounds)
    rows = compare(times, options.batch)
    print(f"{options.rounds} interleaved rounds, batch {options.batch}, one thread, CPU time")
    print(f"{'':22} {'images/s':>8}   {'faster than bare':24}   slower than none")
    print("\n".join(show(row) for row in rows))
    tell(
        [
            Figure(f"the trainer over the bare loop, {name}", over_bare(times, name), least=1.3)
            for name in PRECISIONS
        ],
        options.json,
        batch=options.batch,
        rows=rows,
        seconds=times,
        environment=environment(),
    )


if __name__ == "__main__":
    main()
