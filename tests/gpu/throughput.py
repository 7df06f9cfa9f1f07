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

    from bench.grid import configs, grid
    from bench.grid.selection import Selection
    from bench.training import calibration
    from bench.training.execute import assemble, prepare_process

    pipe.send("ready")
    while True:
        precision, seconds = pipe.recv()
        protocol = configs.load("laptop", {"precision": precision}).protocol
        found = grid.expand(Selection(datasets=("phantom-binary",), seeds=(0,)), protocol)
        (info,), (run,) = found.datasets, found.runs
        prepare_process(device)
        model, method = assemble(run, info, device)
        step = calibration.stepper(run, info, method.adapt(model), method)

        def steps(count: int) -> None:
            for _ in range(count):
                step()  # noqa: B023
            if device != "cpu":
                torch.cuda.synchronize()

        steps(WARM_UP)
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            steps(WARM_UP)
            done += WARM_UP
        pipe.send(protocol.batch_size * done / (time.perf_counter() - began))
