"""Images a second of training, with so many processes on one device."""

import time
from collections.abc import Sequence
from multiprocessing import get_context
from typing import Any

PRECISIONS = ("fp32", "bf16")
WARM_UP = 10


def images_per_second(
    device: str, counts: Sequence[int], seconds: float
) -> dict[str, dict[str, float]]:
    """By precision and number of processes; all are started first, and the first few at work."""
    context = get_context("spawn")
    pipes, processes = [], []
    for _ in range(max(counts)):
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, device), daemon=True)
        process.start()
        pipes.append(ours)
        processes.append(process)
    for pipe in pipes:
        pipe.recv()
    found: dict[str, dict[str, float]] = {}
    for precision in PRECISIONS:
        for count in counts:
            for pipe in pipes[:count]:
                pipe.send((precision, seconds))
            rate = sum(pipe.recv() for pipe in pipes[:count])
            found.setdefault(precision, {})[str(count)] = rate
    for process in processes:
        process.kill()
    return found


def _serve(pipe: Any, device: str) -> None:
    import torch

    from bench.backbone import build
    from bench.base.task import Task
    from bench.grid.protocol import Protocol
    from bench.training.execute import prepare_process
    from bench.training.state import Training
    from bench.training.trainer import step
    from methods.method import Progress, Setting
    from methods.none import NoAugmentation

    prepare_process(device)
    images = torch.rand(64, 1, 28, 28, device=device)
    targets = torch.arange(64, device=device) % 2

    def wait() -> None:
        if device != "cpu":
            torch.cuda.synchronize()

    pipe.send("ready")
    while True:
        precision, seconds = pipe.recv()
        model = build("resnet18", 2, 1, 28, seed=0).to(device)
        setting = Setting(Task.BINARY, 2, 1, 28, model.feature_dim, device=device)
        method = NoAugmentation(NoAugmentation.Params(), setting)
        protocol = Protocol(steps=10, precision=precision)
        training = Training.begin(model, method, protocol)

        def steps(count: int) -> None:
            for _ in range(count):
                step(training, (images, targets), Progress(0, 10, 0, 10), protocol)  # noqa: B023
            wait()

        steps(WARM_UP)
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            steps(WARM_UP)
            done += WARM_UP
        pipe.send(64 * done / (time.perf_counter() - began))
